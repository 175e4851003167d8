package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/app"
)

// freeAddress returns an unused loopback address.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

const adminPassword = "correct horse"

// testOptions returns options for the given flags, with temporary folders and without Docker.
func testOptions(t *testing.T, args ...string) app.Options {
	t.Helper()
	dir := t.TempDir()
	var o app.Options
	a := kingpin.New("test", "")
	o.RegisterFlags(a)
	_, err := a.Parse(append([]string{
		"--storage.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + freeAddress(t),
		"--no-web.well-known-ports", "--no-docker", "--no-log-collector",
	}, args...))
	require.NoError(t, err)
	o.Auth.AdminPasswordFile = filepath.Join(dir, "password")
	writeFile(t, o.Auth.AdminPasswordFile, adminPassword+"\n")
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	o.Stdout = io.Discard
	return o
}

type running struct {
	*app.App
	url  string
	stop func() error
}

func start(t *testing.T, o app.Options) *running {
	t.Helper()
	a, err := app.New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	r := &running{App: a, url: "http://" + o.Web.ListenAddress}
	r.stop = func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
	t.Cleanup(func() { _ = r.stop() })
	require.Eventually(t, func() bool {
		res, err := http.Get(r.url + "/-/ready")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, 30*time.Second, 20*time.Millisecond)
	return r
}

func (r *running) do(t *testing.T, method, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, nil)
	require.NoError(t, err)
	req.SetBasicAuth("admin", adminPassword)
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func (r *running) series(t *testing.T, promql string) int {
	t.Helper()
	code, body := r.do(t, http.MethodGet, "/api/v1/query?query="+url.QueryEscape(promql))
	require.Equal(t, http.StatusOK, code, body)
	var answer struct{ Data struct{ Result []any } }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return len(answer.Data.Result)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}

func TestOriginalFileRunsUnchanged(t *testing.T) {
	dir := t.TempDir()
	original, err := os.ReadFile("../component/promserver/testdata/config/original.good.yml")
	require.NoError(t, err)
	writeFile(t, filepath.Join(dir, "prometheus.yml"), string(original))
	r := start(t, testOptions(t, "--config.dir="+dir))

	require.Eventually(t, func() bool { return r.series(t, `up{job=~"node-exporter|cadvisor"} == 1`) == 2 },
		40*time.Second, 100*time.Millisecond, "the exporters are dialled inside the process")
	require.Eventually(t, func() bool { return r.series(t, `up{job=~"gateway|orchestrator|traefik"} == 0`) == 3 },
		40*time.Second, 100*time.Millisecond, "what is away is down")
	require.Positive(t, r.series(t, "node_cpu_seconds_total"))
	_, targets := r.do(t, http.MethodGet, "/api/v1/targets")
	require.Contains(t, targets, "agent-gateway", targets)
	_, page := r.do(t, http.MethodGet, "/status")
	require.Contains(t, page, "agent-gateway:3001")
	require.NoError(t, r.stop())
}

func TestReloadAppliesAllFilesOrNone(t *testing.T) {
	dir := t.TempDir()
	file, rules := filepath.Join(dir, "prometheus.yml"), filepath.Join(dir, "a.rules.yml")
	writeFile(t, file, `{rule_files: ["*.rules.yml"], scrape_configs: [{job_name: first}]}`)
	writeFile(t, rules, "groups: [{name: first, rules: [{record: a, expr: vector(1)}]}]")
	r := start(t, testOptions(t, "--config.dir="+dir, "--web.enable-lifecycle"))

	writeFile(t, file, "rule_files: [\"*.rules.yml\"]\nscrape_config: []\n")
	writeFile(t, rules, "groups:\n  - name: second\n    rules:\n      - {record: a, expr: vector(}\n")
	code, body := r.do(t, http.MethodPost, "/-/reload")
	require.Equal(t, http.StatusInternalServerError, code)
	require.Contains(t, body, file+":2: scrape_config: scrape_config: unknown field")
	require.Contains(t, body, rules+":4: ")
	_, config := r.do(t, http.MethodGet, "/api/v1/status/config")
	require.Contains(t, config, "job_name: first")
	_, loaded := r.do(t, http.MethodGet, "/api/v1/rules")
	require.Contains(t, loaded, `"name":"first"`)
	_, metrics := r.do(t, http.MethodGet, "/metrics")
	require.Contains(t, metrics, "prometheus_config_last_reload_successful 0")

	writeFile(t, file, `{rule_files: ["*.rules.yml"], scrape_configs: [{job_name: second}]}`)
	writeFile(t, rules, "groups: [{name: second, rules: [{record: a, expr: vector(1)}]}]")
	code, body = r.do(t, http.MethodPost, "/-/reload")
	require.Equal(t, http.StatusOK, code, body)
	_, config = r.do(t, http.MethodGet, "/api/v1/status/config")
	require.Contains(t, config, "job_name: second")
	_, loaded = r.do(t, http.MethodGet, "/api/v1/rules")
	require.Contains(t, loaded, `"name":"second"`)
	_, metrics = r.do(t, http.MethodGet, "/metrics")
	require.Contains(t, metrics, "prometheus_config_last_reload_successful 1")
}

func TestAutoReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	writeFile(t, file, `{scrape_configs: [{job_name: first}]}`)
	r := start(t, testOptions(t, "--config.dir="+dir, "--config.auto-reload", "--config.auto-reload-interval=1s"))
	writeFile(t, file, `{scrape_configs: [{job_name: second}]}`)
	require.Eventually(t, func() bool {
		_, config := r.do(t, http.MethodGet, "/api/v1/status/config")
		return strings.Contains(config, "job_name: second")
	}, 20*time.Second, 50*time.Millisecond)
}

func TestLifecycleNeedsItsFlag(t *testing.T) {
	r := start(t, testOptions(t))
	for _, path := range []string{"/-/reload", "/-/quit"} {
		code, body := r.do(t, http.MethodPost, path)
		require.Equal(t, http.StatusForbidden, code)
		require.Contains(t, body, "--web.enable-lifecycle")
	}
}

func TestQuit(t *testing.T) {
	r := start(t, testOptions(t, "--web.enable-lifecycle"))
	code, _ := r.do(t, http.MethodPost, "/-/quit")
	require.Equal(t, http.StatusOK, code)
	require.NoError(t, r.stop())
	_, err := http.Get(r.url + "/-/healthy")
	require.Error(t, err)
}

func TestExternalURLPrefixIsOptionalInRequests(t *testing.T) {
	r := start(t, testOptions(t, "--web.external-url=https://monitoring.example.org/ausguck/"))
	for _, path := range []string{"/-/ready", "/ausguck/-/ready", "/ausguck/api/v1/labels", "/ausguck/status", "/ausguck/static/status.css"} {
		code, body := r.do(t, http.MethodGet, path)
		require.Equal(t, http.StatusOK, code, path+body)
	}
	code, _ := r.do(t, http.MethodGet, "/ausguck")
	require.Equal(t, http.StatusFound, code)
}

func TestOtherSitesMayNotChangeAnything(t *testing.T) {
	post := func(r *running, origin string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/v1/query", strings.NewReader("query=up"))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("admin", adminPassword)
		req.Header.Set("Origin", origin)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		return res.StatusCode
	}
	r := start(t, testOptions(t))
	require.Equal(t, http.StatusOK, post(r, r.url))
	require.Equal(t, http.StatusForbidden, post(r, "https://evil.example.org"))
	allowed := start(t, testOptions(t, "--web.cors.origin=https://grafana.example.org"))
	require.Equal(t, http.StatusOK, post(allowed, "https://grafana.example.org"))
}

func TestBanner(t *testing.T) {
	var out bytes.Buffer
	o := testOptions(t)
	o.Stdout = &out
	r := start(t, o)
	require.NoError(t, r.stop())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 6)
	require.Contains(t, lines[1], r.url+"/")
	require.Contains(t, lines[2], "as admin with the password of "+o.Auth.AdminPasswordFile)
	require.NotContains(t, out.String(), adminPassword)
	require.Contains(t, lines[4], "this host, its containers")
	require.Contains(t, lines[5], "for 15d, at most ")
}

func TestMainAddressTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	o := testOptions(t)
	o.Web.ListenAddress = l.Addr().String()
	a, err := app.New(o)
	require.NoError(t, err)
	err = a.Run(t.Context())
	require.ErrorContains(t, err, "address already in use")
	require.ErrorContains(t, err, "--web.listen-address")
}

func TestWrongConfigurationNamesEveryFile(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "prometheus.yml"), "scrape_config: []\n")
	writeFile(t, filepath.Join(dir, "web.yml"), "tls: {}\n")
	_, err := app.New(testOptions(t, "--config.dir="+dir))
	var wrong *app.ConfigError
	require.ErrorAs(t, err, &wrong)
	require.Len(t, wrong.Problems, 1, "prometheus.yml has something in its place, the main address has nothing")
	require.ErrorContains(t, err, "web.yml:1: ")
	_, err = app.Check(testOptions(t, "--config.dir="+dir))
	require.ErrorAs(t, err, &wrong)
	require.Len(t, wrong.Problems, 2)
	require.ErrorContains(t, err, "prometheus.yml:1: ")
	require.ErrorContains(t, err, "web.yml:1: ")
}

func TestGeneratedPasswordIsInAFileOnly(t *testing.T) {
	var out, logged bytes.Buffer
	o := testOptions(t)
	o.Auth.AdminPasswordFile = ""
	o.Stdout = &out
	o.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := start(t, o)
	file := filepath.Join(o.StoragePath, "initial-admin-password")
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	generated := strings.TrimSpace(string(content))
	require.Len(t, generated, 26)
	require.Contains(t, out.String(), "as admin with the password in "+file)
	code, _, body := r.ask(t, user{"admin", generated}, http.MethodPut, "/api/user/password", `{"oldPassword":"`+generated+`","newPassword":"my own words"}`)
	require.Equal(t, http.StatusOK, code, body)
	require.NoFileExists(t, file)
	require.NoError(t, r.stop())
	require.NotContains(t, out.String()+logged.String(), generated)
}
