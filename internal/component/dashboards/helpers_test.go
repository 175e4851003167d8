package dashboards_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/grafana"
)

// rig is a running server with its folders.
type rig struct {
	t         testing.TB
	server    *dashboards.Server
	configDir string
	dir       string
	registry  *prometheus.Registry
	log       *syncBuffer
	stop      func()
}

type syncBuffer struct {
	mtx sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	return b.buf.String()
}

var builtIn = fstest.MapFS{
	"grafana/dashboards/overview.json": {Data: []byte(`{"uid":"ausguck-overview","title":"Overview","tags":["ausguck"],"panels":[]}`), ModTime: time.Unix(1_700_000_000, 0)},
	"grafana/dashboards/host.json":     {Data: []byte(`{"uid":"ausguck-host","title":"Host","tags":["ausguck","host"],"panels":[]}`), ModTime: time.Unix(1_700_000_000, 0)},
}

// writeTree writes files below dir.
func writeTree(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
}

// start runs a server on files of the configuration folder. The header X-Role of a request is its caller's role.
func start(t testing.TB, files map[string]string, change ...func(*dashboards.Options)) *rig {
	t.Helper()
	r := &rig{t: t, configDir: t.TempDir(), dir: filepath.Join(t.TempDir(), "dashboards")}
	writeTree(t, r.configDir, files)
	r.run(change...)
	return r
}

func (r *rig) keyFile() string { return filepath.Join(filepath.Dir(r.dir), "datasources.key") }

func (r *rig) source() dashboards.Source {
	return dashboards.Source{ConfigDir: r.configDir, BuiltIn: builtIn, Dir: r.dir}
}

// run starts the server on the folders of r; it may be called again after stop.
func (r *rig) run(change ...func(*dashboards.Options)) {
	r.t.Helper()
	db := r.make(change...)
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- r.server.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		require.NoError(r.t, err)
		r.t.Fatal("the server ended before it was ready")
	case <-time.After(20 * time.Second):
		r.t.Fatal("the server is not ready")
	}
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(r.t, <-done)
			require.NoError(r.t, db.Close())
		})
	}
	r.t.Cleanup(r.stop)
}

// make makes the server that run starts, and its database.
func (r *rig) make(change ...func(*dashboards.Options)) *sql.DB {
	r.t.Helper()
	cfg, problems := dashboards.LoadConfig(r.source())
	require.Empty(r.t, problems)
	db, err := database.Open(filepath.Join(filepath.Dir(r.dir), "ausguck.db"))
	require.NoError(r.t, err)
	r.registry, r.log = prometheus.NewRegistry(), &syncBuffer{}
	o := dashboards.Options{
		Logger: slog.New(slog.NewTextHandler(r.log, nil)), Registerer: r.registry, DB: db, Dir: r.dir, KeyFile: r.keyFile(), Version: "1.2.3", Commit: "abc",
		AppURL: "http://localhost:3000/",
		Caller: func(req *http.Request) (grafana.Caller, bool) {
			role := grafana.Role(req.Header.Get("X-Role"))
			login := strings.ToLower(string(role))
			return grafana.Caller{ID: 7, UID: "u-" + login, Login: login, Email: login + "@example.com", Role: role}, role != ""
		},
	}
	o.Reload = func() error {
		cfg, problems := dashboards.LoadConfig(r.source())
		return errors.Join(append(problems, r.server.ApplyConfig(cfg))...)
	}
	for _, f := range change {
		f(&o)
	}
	r.server, err = dashboards.New(o, cfg)
	require.NoError(r.t, err)
	return db
}

// answer is what a request brought.
type answer struct {
	code   int
	body   string
	header http.Header
}

// as sends a request with a role; body is JSON text, empty for none.
func (r *rig) as(role grafana.Role, method, path, body string) answer {
	r.t.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("X-Role", string(role))
	rec := httptest.NewRecorder()
	r.server.Handler().ServeHTTP(rec, req)
	content, err := io.ReadAll(rec.Result().Body)
	require.NoError(r.t, err)
	return answer{rec.Code, strings.TrimSpace(string(content)), rec.Header()}
}

func (r *rig) admin(method, path, body string) answer {
	r.t.Helper()
	return r.as(grafana.Admin, method, path, body)
}

// ok is admin for a request that must be answered with 200, and returns the JSON of the answer.
func (r *rig) ok(method, path, body string) any {
	r.t.Helper()
	a := r.admin(method, path, body)
	require.Equal(r.t, http.StatusOK, a.code, "%s %s: %s", method, path, a.body)
	return decoded(r.t, a.body)
}

func decoded(t testing.TB, text string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

// at follows keys and indexes into decoded JSON.
func at(t testing.TB, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			require.True(t, ok, "no object at %v of %v", p, path)
			v = m[p]
		case int:
			l, ok := v.([]any)
			require.True(t, ok, "no list at %v of %v", p, path)
			require.Greater(t, len(l), p, "%v of %v", p, path)
			v = l[p]
		}
	}
	return v
}

func eventually(t testing.TB, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, 15*time.Second, 20*time.Millisecond, what)
}

// metric is the value of a gauge or counter without labels.
func metric(t testing.TB, r *rig, name string) float64 {
	t.Helper()
	families, err := r.registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
