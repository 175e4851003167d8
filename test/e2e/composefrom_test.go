package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// movedStack is the part of the file written by `compose --from` that the tests read.
type movedStack struct {
	Services map[string]struct {
		Command, Environment, Volumes []string
	}
}

// movedOver converts a stack from internal/stack/testdata, with additional files, and returns the new file and the
// folder.
func movedOver(t *testing.T, shape string, files map[string]string) (w movedStack, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), shape)
	require.NoError(t, os.CopyFS(dir, os.DirFS("../../internal/stack/testdata/"+shape)))
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	code, out := runToEnd(t, ausguckBinary(t), "compose", "--from="+filepath.Join(dir, "docker-compose.yml"), dir)
	require.Zero(t, code, out)
	content, err := os.ReadFile(filepath.Join(dir, "ausguck.yml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(content, &w))
	code, out = runToEnd(t, ausguckBinary(t), "compose", "--from="+filepath.Join(dir, "docker-compose.yml"), dir)
	require.Equal(t, 2, code, out)
	require.Contains(t, out, "ausguck.yml already exists, so nothing was written")
	return w, dir
}

// onHost maps what the container would see to the folder: Ausguck's configuration folder, and its flags.
func (w movedStack) onHost(t *testing.T, dir string) (config string, flags []string) {
	t.Helper()
	config = t.TempDir()
	places := map[string]string{} // of the container → of this machine
	for _, volume := range w.Services["ausguck"].Volumes {
		parts := strings.Split(volume, ":")
		if !strings.HasPrefix(parts[0], "./") {
			continue
		}
		source := filepath.Join(dir, parts[0])
		places[parts[1]] = source
		if parts[1] == "/etc/ausguck" {
			config = source
		} else if rest, ok := strings.CutPrefix(parts[1], "/etc/ausguck/"); ok {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(config, rest)), 0o755))
			require.NoError(t, os.Symlink(source, filepath.Join(config, rest)))
		}
	}
	for _, flag := range w.Services["ausguck"].Command {
		name, value, _ := strings.Cut(strings.ReplaceAll(flag, "$$", "$"), "=")
		for place, source := range places {
			if rest, ok := strings.CutPrefix(value+"/", place+"/"); ok {
				value = filepath.Join(source, rest)
			}
		}
		if value != "" {
			name += "=" + value
		}
		flags = append(flags, name)
	}
	return config, flags
}

const (
	movedRules     = "groups: [{name: moved, rules: [{alert: Moved, expr: vector(1)}]}]\n"
	movedDashboard = `{"uid": "moved", "title": "Moved over", "panels": []}`
	movedProvider  = "apiVersion: 1\nproviders: [{name: files, options: {path: %s}}]\n"
)

// What replaces a stack loads its rules, targets and dashboards, and its services keep their names.
func TestComposeFrom(t *testing.T) {
	t.Parallel()
	for shape, files := range map[string]map[string]string{
		"original": { // one folder, of which the old file mounts single files
			"monitoring/alert.rules.yml":                          movedRules,
			"monitoring/grafana/dashboards/moved.json":            movedDashboard,
			"monitoring/grafana/provisioning/dashboards/some.yml": strings.ReplaceAll(movedProvider, "%s", "/var/lib/grafana/dashboards"),
		},
		"dockprom": { // a folder for each program
			"prometheus/prometheus.yml": `
global: {scrape_interval: 1s}
rule_files: [/etc/prometheus/rules/*.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}
scrape_configs: [{job_name: node, static_configs: [{targets: ['nodeexporter:9100']}]}]
`,
			"prometheus/rules/moved.yml":                 movedRules,
			"alertmanager/config.yml":                    "route: {receiver: r}\ntemplates: [/etc/alertmanager/*.tmpl]\nreceivers: [{name: r, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}]\n",
			"alertmanager/x.tmpl":                        `{{ define "x" }}x{{ end }}`,
			"textfile/a.prom":                            "from_textfile 7\n",
			"grafana/provisioning/datasources/none.yml":  "apiVersion: 1\n",
			"grafana/provisioning/dashboards/some.yml":   strings.ReplaceAll(movedProvider, "%s", "/etc/grafana/provisioning/dashboards"),
			"grafana/provisioning/dashboards/moved.json": movedDashboard,
		},
	} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			w, dir := movedOver(t, shape, files)
			config, flags := w.onHost(t, dir)
			code, out := runToEnd(t, ausguckBinary(t), append([]string{"check", "--config.dir=" + config}, flags...)...)
			require.Zero(t, code, out)
			require.NotContains(t, out, "no file matches")
			require.NotContains(t, out, "does not exist")

			s := startAusguck(t, config, t.TempDir(), append(flags, "--no-docker")...)
			require.Contains(t, s.get(t, "/api/v1/rules"), "Moved")
			eventually(t, readyTimeout, func() error {
				found := s.get(t, "/api/search?query=Moved")
				return errUnless(strings.Contains(found, `"uid":"moved"`), "the dashboard is not found: %s", found)
			})
			s.waitValue(t, time.Minute, `count(up{job="node"} == 1)`, 1)
			if shape == "dockprom" {
				s.waitValue(t, time.Minute, `from_textfile`, 7)
			}
			s.stop(t)
		})
	}
}

// Names that exist only in this compose file resolve to the parts, too.
func TestServiceNames(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, configDir(t, map[string]string{"prometheus.yml": `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: usual
    static_configs: [{targets: ['node_exporter:9100', 'nodeexporter:9100', 'promtail:9080', 'agent-promtail:9080', 'grafana:3000']}]
  - job_name: own
    static_configs: [{targets: ['prom:9090', 'metrics:9191', 'charts:3000']}]
`}), t.TempDir(), "--no-docker", "--no-cadvisor", "--web.service-names=prom=prometheus,metrics:9191=prometheus,charts=grafana")
	s.waitValue(t, time.Minute, `count(up == 1)`, 8)
	require.Positive(t, s.value(t, `count({instance="promtail:9080", __name__=~"promtail_.+|ausguck_logcollector_.+"})`))
	require.Zero(t, s.value(t, `count({instance="promtail:9080", __name__=~"prometheus_.+"}) or vector(0)`))
	s.stop(t)
}
