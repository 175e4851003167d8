package promserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/versions"
)

// running is a server that is ready, and a function to stop it.
type running struct {
	*promserver.Server
	loader *promserver.Loader
	dir    string
	stop   func() error
}

// start runs a server with the file as its configuration, in a temporary folder.
func start(t *testing.T, file string, args ...string) *running {
	t.Helper()
	return startWith(t, file, func(*promserver.Options) {}, args...)
}

func startWith(t *testing.T, file string, change func(*promserver.Options), args ...string) *running {
	t.Helper()
	o := testOptions(t, args...)
	change(&o)
	loader, err := promserver.NewLoader(o)
	require.NoError(t, err)
	r := &running{loader: loader, dir: t.TempDir()}
	cfg, problems := r.load(file)
	require.Empty(t, problems)
	r.Server = promserver.New(loader, cfg)

	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- r.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatalf("the server ended instead of becoming ready: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("the server did not become ready")
	}
	stopped := false
	r.stop = func() error {
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if !stopped {
			_ = r.stop()
		}
	})
	return r
}

func (r *running) load(file string) (*promserver.Config, []error) {
	return r.loader.Load(promserver.Source{Name: "prometheus.yml", Dir: r.dir, Content: []byte(file)})
}

func (r *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	r.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	return rec.Code, rec.Body.String()
}

// query returns the number of series that a PromQL query finds.
func (r *running) query(t *testing.T, promql string) int {
	t.Helper()
	code, body := r.get(t, "/api/v1/query?query="+url.QueryEscape(promql))
	require.Equal(t, http.StatusOK, code, body)
	var answer struct {
		Data struct{ Result []any }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return len(answer.Data.Result)
}

func TestServerScrapesAndAnswers(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `seen_total{place="crow's nest"} 7`)
	}))
	t.Cleanup(target.Close)
	address := target.Listener.Addr().String()
	r := start(t, `{scrape_configs: [{job_name: test, scrape_interval: 1s, static_configs: [{targets: ["`+address+`"]}]}]}`)

	require.Eventually(t, func() bool { return r.query(t, `seen_total == 7`) == 1 }, 20*time.Second, 50*time.Millisecond)
	require.Empty(t, r.Starting())
	targets := r.Targets()
	require.Len(t, targets, 1)
	require.Equal(t, "up", targets[0].Health)
	require.Equal(t, address, targets[0].Instance)

	code, body := r.get(t, "/federate?match[]=seen_total")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `place="crow's nest"} 7`)
	code, body = r.get(t, "/api/v1/status/buildinfo")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `"version":"`+versions.Prometheus()+`"`)
	require.NoError(t, r.stop())
	code, _ = r.get(t, "/api/v1/query?query=up")
	require.Equal(t, http.StatusServiceUnavailable, code)
}

func TestStopEndsScrapesThatHang(t *testing.T) {
	scraped := make(chan struct{}, 100)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		scraped <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(target.Close)
	r := start(t, `{scrape_configs: [{job_name: silent, scrape_interval: 20s, scrape_timeout: 20s, static_configs: [{targets: ["`+
		target.Listener.Addr().String()+`"]}, {targets: ["192.0.2.1:1"]}]}]}`)
	select {
	case <-scraped:
	case <-time.After(40 * time.Second):
		t.Fatal("the target was never scraped")
	}
	require.NoError(t, r.stop(), "within the time that an engine has")
}

func TestApplyConfigTakesRulesAsTheyWereChecked(t *testing.T) {
	r := start(t, "")
	rules := filepath.Join(r.dir, "a.rules.yml")
	require.NoError(t, os.WriteFile(rules, []byte("groups: [{name: one, rules: [{record: a, expr: vector(1)}]}]"), 0o644))
	cfg, problems := r.load(`rule_files: ["*.rules.yml"]`)
	require.Empty(t, problems)
	require.NoError(t, os.WriteFile(rules, []byte("groups: garbage"), 0o644), "the file changes between check and use")
	require.NoError(t, r.ApplyConfig(cfg))
	_, body := r.get(t, "/api/v1/rules")
	require.Contains(t, body, `"name":"one"`)
}

func TestApplyConfigPutsThePreviousOneBack(t *testing.T) {
	r := start(t, `{scrape_configs: [{job_name: before, static_configs: [{targets: ["127.0.0.1:1"]}]}]}`)
	before := r.Applied()
	// The query log cannot be opened: its folder is a file. No check can detect this
	// reliably.
	file := filepath.Join(r.dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	cfg, problems := r.load(`{global: {query_log_file: "` + file + `/query.log"}, scrape_configs: [{job_name: after}]}`)
	require.Empty(t, problems)

	err := r.ApplyConfig(cfg)
	require.ErrorContains(t, err, "query_engine: open query_log_file")
	require.Same(t, before, r.Applied())
	_, body := r.get(t, "/api/v1/status/config")
	require.Contains(t, body, "job_name: before")
	require.NotContains(t, body, "job_name: after")
	require.Eventually(t, func() bool { return len(r.Targets()) == 1 && r.Targets()[0].Job == "before" },
		10*time.Second, 20*time.Millisecond)
}

func TestDataFolderThatIsNotWritable(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o644))
	o := testOptions(t)
	o.Dir = filepath.Join(blocked, "prometheus")
	l, err := promserver.NewLoader(o)
	require.NoError(t, err)
	cfg, problems := l.Load(promserver.Source{Name: "p"})
	require.Empty(t, problems)
	err = promserver.New(l, cfg).Run(t.Context(), func() { t.Error("must not become ready") })
	require.ErrorContains(t, err, "create data folder")
}

func TestSecondServerOnTheSameFolder(t *testing.T) {
	o := testOptions(t)
	first := start(t, "", "--storage.tsdb.path="+o.Dir)
	require.NotNil(t, first)
	l, err := promserver.NewLoader(o)
	require.NoError(t, err)
	cfg, _ := l.Load(promserver.Source{Name: "p"})
	err = promserver.New(l, cfg).Run(t.Context(), func() { t.Error("must not become ready") })
	require.ErrorContains(t, err, "another process is using this folder")
}
