package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/app"
)

// again starts another Ausguck on the data and files of a stopped one.
func (w *watched) again(t *testing.T, o app.Options) *running {
	t.Helper()
	require.NoError(t, w.stop())
	return start(t, o)
}

// A configuration that does not load at a start is replaced by its last good version, and this is reported everywhere; a reload
// remains strict.
func TestTheLastGoodConfigurationRuns(t *testing.T) {
	for name, c := range map[string]struct {
		part, file, bad string
		// The response of path contains has as long as the last good configuration runs.
		path, has string
	}{
		"prometheus.yml":   {"promserver", "prometheus.yml", "scrape_config: []\n", "/api/v1/status/config", "job_name: itself"},
		"a file of rules":  {"promserver", "a.rules.yml", "groups: [{name: g, rules: [{alert: Fires, expr: 'vector('}]}]\n", "/api/v1/rules", `"Fires"`},
		"alertmanager.yml": {"alertmanager", "alertmanager.yml", "route: {receiver: nobody-has}\n", "/api/v2/receivers", `"team"`},
		"loki.yml":         {"loki", "loki.yml", "limits_config: {no_such_limit: 1}\n", "/api/ausguck/configuration", "retention_period: 30d"},
		"promtail.yml":     {"logcollector", "promtail.yml", "scrape_configs: {}\n", "/api/ausguck/configuration", "job_name: files"},
		"a data source":    {"dashboards", "grafana/provisioning/datasources/a.yml", "datasources: [{name: }\n", "/api/datasources", "elsewhere"},
	} {
		t.Run(name, func(t *testing.T) {
			var o app.Options
			w := watch(t, func(options *app.Options) {
				writeFile(t, filepath.Join(options.ConfigDir, "loki.yml"), "limits_config: {retention_period: 30d}\n")
				writeFile(t, filepath.Join(options.ConfigDir, "grafana/provisioning/datasources/a.yml"), "apiVersion: 1\ndatasources: [{name: elsewhere, type: prometheus, url: 'http://elsewhere:9090'}]\n")
				o = *options
			})
			good, err := os.ReadFile(filepath.Join(w.dir, c.file))
			require.NoError(t, err)
			writeFile(t, filepath.Join(w.dir, c.file), c.bad)
			code, _ := w.do(t, http.MethodPost, "/-/reload")
			require.Equal(t, http.StatusInternalServerError, code, "a reload is strict")
			_, err = app.Check(o)
			require.Error(t, err, "and so is check")

			r := w.again(t, o)
			_, answer := r.do(t, http.MethodGet, c.path)
			require.Contains(t, answer, c.has)
			_, status := r.do(t, http.MethodGet, "/api/ausguck/status")
			require.Contains(t, status, filepath.Base(c.file))
			require.Contains(t, status, "running with the configuration that loaded last, of "+time.Now().Format("2006"))
			_, ready := r.do(t, http.MethodGet, "/-/ready")
			require.Contains(t, ready, "the configuration of "+c.part+" does not load, and it is running with the configuration that loaded last")
			_, metrics := r.do(t, http.MethodGet, "/metrics")
			require.Contains(t, metrics, `ausguck_part_config_replaced{part="`+c.part+`"} 1`)
			require.Contains(t, metrics, `ausguck_part_ready{part="`+c.part+`"} 1`)

			// Without a last good version, the built-in one runs.
			w.running = r
			require.NoError(t, w.stop())
			require.NoError(t, os.RemoveAll(filepath.Join(o.StoragePath, "last-good")))
			r = start(t, o)
			_, answer = r.do(t, http.MethodGet, c.path)
			require.NotContains(t, answer, c.has)
			_, status = r.do(t, http.MethodGet, "/api/ausguck/status")
			if name == "a file of rules" { // the other files are unaffected
				require.Contains(t, status, "running without the files it names that do not load")
				_, answer = r.do(t, http.MethodGet, "/api/v1/status/config")
				require.Contains(t, answer, "job_name: itself")
			} else {
				require.Contains(t, status, "running with the built-in configuration")
			}

			writeFile(t, filepath.Join(w.dir, c.file), string(good))
			code, body := r.do(t, http.MethodPost, "/-/reload")
			require.Equal(t, http.StatusOK, code, body)
			_, answer = r.do(t, http.MethodGet, c.path)
			require.Contains(t, answer, c.has)
			_, metrics = r.do(t, http.MethodGet, "/metrics")
			require.Contains(t, metrics, `ausguck_part_config_replaced{part="`+c.part+`"} 0`)
		})
	}
}

// A missing file is not a request for the built-in one: it may be in the middle of being replaced, or not mounted.
func TestFilesThatAreGone(t *testing.T) {
	for _, file := range []string{"prometheus.yml", "alertmanager.yml", "promtail.yml"} {
		t.Run(file, func(t *testing.T) {
			var o app.Options
			w := watch(t, func(options *app.Options) { o = *options })
			path := filepath.Join(w.dir, file)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.Remove(path))
			code, body := w.do(t, http.MethodPost, "/-/reload")
			require.Equal(t, http.StatusInternalServerError, code)
			require.Contains(t, body, path+": the file was loaded before and no longer exists")
			_, answer := w.do(t, http.MethodGet, "/api/v2/receivers")
			require.Contains(t, answer, "team")

			r := w.again(t, o)
			_, answer = r.do(t, http.MethodGet, "/api/v2/receivers")
			require.Contains(t, answer, "team")
			_, answer = r.do(t, http.MethodGet, "/api/v1/rules")
			require.Contains(t, answer, `"Fires"`)

			writeFile(t, path, string(content))
			code, body = r.do(t, http.MethodPost, "/-/reload")
			require.Equal(t, http.StatusOK, code, body)

			// A user who wants the built-in file confirms it by removing the saved copy.
			require.NoError(t, os.Remove(path))
			_, body = r.do(t, http.MethodPost, "/-/reload")
			_, rest, _ := strings.Cut(body, "remove the folder ")
			folder, _, _ := strings.Cut(rest, " to use")
			require.NoError(t, os.RemoveAll(folder))
			code, body = r.do(t, http.MethodPost, "/-/reload")
			require.Equal(t, http.StatusOK, code, body)
		})
	}
}

// A folder that is not mounted at a start leaves the previous configuration in place.
func TestTheWholeFolderIsGone(t *testing.T) {
	for name, leave := range map[string]bool{"empty": true, "not there": false} {
		t.Run(name, func(t *testing.T) {
			var o app.Options
			w := watch(t, func(options *app.Options) { o = *options })
			require.NoError(t, os.RemoveAll(w.dir))
			if leave {
				require.NoError(t, os.MkdirAll(w.dir, 0o755))
			}
			code, _ := w.do(t, http.MethodPost, "/-/reload")
			require.Equal(t, http.StatusInternalServerError, code)
			r := w.again(t, o)
			_, answer := r.do(t, http.MethodGet, "/api/v2/receivers")
			require.Contains(t, answer, "team")
			_, answer = r.do(t, http.MethodGet, "/api/v1/rules")
			require.Contains(t, answer, `"Fires"`)
		})
	}
}

// If one part cannot apply what it has loaded, those before it are rolled back.
func TestReloadIsAllOrNone(t *testing.T) {
	w := watch(t, func(*app.Options) {})
	// It loads but cannot be applied: query_log_file is opened only then.
	prometheus, err := os.ReadFile(filepath.Join(w.dir, "prometheus.yml"))
	require.NoError(t, err)
	for _, bad := range []struct{ file, from, to string }{
		{"prometheus.yml", "global: {", "global: {query_log_file: /no/such/folder/queries.log, "},
	} {
		writeFile(t, filepath.Join(w.dir, bad.file), strings.Replace(string(prometheus), bad.from, bad.to, 1))
	}
	writeFile(t, filepath.Join(w.dir, "alertmanager.yml"), "route: {receiver: others}\nreceivers: [{name: others}]\n")
	writeFile(t, filepath.Join(w.dir, "loki.yml"), "limits_config: {retention_period: 30d}\n")
	code, body := w.do(t, http.MethodPost, "/-/reload")
	require.Equal(t, http.StatusInternalServerError, code)
	require.Contains(t, body, "/no/such/folder/queries.log")
	_, answer := w.do(t, http.MethodGet, "/api/v2/receivers")
	require.Contains(t, answer, "team")
	require.NotContains(t, answer, "others")
	_, answer = w.do(t, http.MethodGet, "/api/ausguck/configuration")
	require.NotContains(t, answer, "30d")
	_, metrics := w.do(t, http.MethodGet, "/metrics")
	require.Contains(t, metrics, "prometheus_config_last_reload_successful 0")
	require.Contains(t, metrics, "alertmanager_config_last_reload_successful 0")
	w.requireOthers(t, "")
}

// A missing certificate or template affects only what uses it, even at the first start, before anything has loaded.
func TestFilesOfOneJobOrReceiverAreGone(t *testing.T) {
	w := watch(t, func(o *app.Options) {
		for name, more := range map[string]string{
			"prometheus.yml": `
  - {job_name: secured, scheme: https, tls_config: {ca_file: gone.pem}, static_configs: [{targets: ["127.0.0.1:1"]}]}
remote_write: [{url: "https://127.0.0.1:1/", tls_config: {ca_file: gone.pem}}]
`,
			"alertmanager.yml": "\n  slack_configs: [{api_url: 'https://127.0.0.1:1/', http_config: {tls_config: {ca_file: gone.pem}}}]\ntemplates: [wrong.tmpl]\n",
		} {
			path := filepath.Join(o.ConfigDir, name)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			text := strings.Replace(string(content), "scrape_configs: [{job_name: itself, static_configs: [{targets: [\"prometheus:9090\"]}]}]", "scrape_configs:\n  - {job_name: itself, static_configs: [{targets: [\"prometheus:9090\"]}]}", 1)
			text = strings.Replace(text, "receivers: [{name: team, webhook_configs: [{url: ", "receivers:\n- name: team\n  webhook_configs: [{url: ", 1)
			text = strings.Replace(text, "\"}]}]\n", "\"}]\n", 1)
			writeFile(t, path, strings.TrimRight(text, "\n")+more)
		}
		writeFile(t, filepath.Join(o.ConfigDir, "wrong.tmpl"), `{{ define "a" }}{{ .`)
	})
	w.requireOthers(t, "")
	_, ready := w.do(t, http.MethodGet, "/-/ready")
	require.Contains(t, ready, "the configuration of promserver does not load, and it is running without the files it names that do not load")
	require.Contains(t, ready, "the configuration of alertmanager does not load, and it is running without the files it names that do not load")
	_, status := w.do(t, http.MethodGet, "/api/ausguck/status")
	for _, why := range []string{`job_name \"secured\": file `, "remote_write[0]: file ", "slack_configs[0]", "wrong.tmpl"} {
		require.Contains(t, status, why)
	}
}

// A dangling link is not a request for the built-in file: its target is not mounted.
func TestLinksThatLeadNowhere(t *testing.T) {
	o := testOptions(t, "--config.dir="+t.TempDir())
	o.LogCollector.On = true
	for _, name := range []string{"prometheus.yml", "alertmanager.yml", "loki.yml", "promtail.yml", "heartbeats.yml", "web.yml"} {
		require.NoError(t, os.Symlink("/run/configs/"+name, filepath.Join(o.ConfigDir, name)))
	}
	_, err := app.Check(o)
	for _, name := range []string{"prometheus.yml", "alertmanager.yml", "loki.yml", "promtail.yml", "heartbeats.yml", "web.yml"} {
		require.ErrorContains(t, err, name)
	}
}
