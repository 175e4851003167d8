// Package dashtest runs the dashboards server for tests of its subpackages.
package dashtest

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
	"github.com/ausguck/ausguck/internal/setaside"
)

// Rig is a running server with its directories.
type Rig struct {
	T         testing.TB
	Server    *dashboards.Server
	ConfigDir string
	Dir       string
	Registry  *prometheus.Registry
	Log       *syncBuffer
	Stop      func()
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

// BuiltIn are the dashboards that are always available.
var BuiltIn = fstest.MapFS{
	"grafana/dashboards/overview.json": {Data: []byte(`{"uid":"ausguck-overview","title":"Overview","tags":["ausguck"],"panels":[]}`), ModTime: time.Unix(1_700_000_000, 0)},
	"grafana/dashboards/host.json":     {Data: []byte(`{"uid":"ausguck-host","title":"Host","tags":["ausguck","host"],"panels":[]}`), ModTime: time.Unix(1_700_000_000, 0)},
}

// WriteTree writes files below dir.
func WriteTree(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
}

// The folders in which Start looks for provisioning.
const (
	SourcesFile   = "grafana/provisioning/datasources/all.yml"
	ProvidersFile = "grafana/provisioning/dashboards/all.yml"
)

// New creates the directories of a server, with files in its configuration folder.
func New(t testing.TB, files map[string]string) *Rig {
	t.Helper()
	r := &Rig{T: t, ConfigDir: t.TempDir(), Dir: filepath.Join(t.TempDir(), "dashboards")}
	WriteTree(t, r.ConfigDir, files)
	return r
}

// Start runs a server with files in its configuration folder. A request's X-Role header sets the caller's role.
func Start(t testing.TB, files map[string]string, change ...func(*dashboards.Options)) *Rig {
	t.Helper()
	r := New(t, files)
	r.Run(change...)
	return r
}

// KeyFile is the path of the key for secrets.
func (r *Rig) KeyFile() string { return filepath.Join(filepath.Dir(r.Dir), "datasources.key") }

// Source returns the location of the files of r.
func (r *Rig) Source() dashboards.Source {
	return dashboards.Source{ConfigDir: r.ConfigDir, BuiltIn: BuiltIn, Dir: r.Dir}
}

// Run starts the server on the directories of r; it may be called again after stop.
func (r *Rig) Run(change ...func(*dashboards.Options)) {
	r.T.Helper()
	db := r.Make(change...)
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- r.Server.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		require.NoError(r.T, err)
		r.T.Fatal("the server ended before it was ready")
	case <-time.After(20 * time.Second):
		r.T.Fatal("the server is not ready")
	}
	var once sync.Once
	r.Stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(r.T, <-done)
			require.NoError(r.T, db.Close())
		})
	}
	r.T.Cleanup(r.Stop)
}

// Make creates the server that Run starts, and its database.
func (r *Rig) Make(change ...func(*dashboards.Options)) *sql.DB {
	r.T.Helper()
	cfg, problems := dashboards.LoadConfig(r.Source())
	require.Empty(r.T, problems)
	db, err := database.Open(filepath.Join(filepath.Dir(r.Dir), "ausguck.db"))
	require.NoError(r.T, err)
	r.Registry, r.Log = prometheus.NewRegistry(), &syncBuffer{}
	o := dashboards.Options{
		Logger: slog.New(slog.NewTextHandler(r.Log, nil)), Registerer: r.Registry, DB: db, Dir: r.Dir, KeyFile: r.KeyFile(), Version: "1.2.3", Commit: "abc",
		AppURL: "http://localhost:3000/",
		Caller: func(req *http.Request) (grafana.Caller, bool) {
			role := grafana.Role(req.Header.Get("X-Role"))
			login := strings.ToLower(string(role))
			return grafana.Caller{ID: 7, UID: "u-" + login, Login: login, Email: login + "@example.com", Role: role}, role != ""
		},
	}
	o.Reload = func() error {
		cfg, problems := dashboards.LoadConfig(r.Source())
		return errors.Join(append(problems, r.Server.ApplyConfig(cfg))...)
	}
	for _, f := range change {
		f(&o)
	}
	r.Server, err = dashboards.New(o, cfg)
	require.NoError(r.T, err)
	return db
}

// Answer is the response to a request.
type Answer struct {
	Code   int
	Body   string
	Header http.Header
}

// As sends a request with a role; body is JSON text, empty for no body.
func (r *Rig) As(role grafana.Role, method, path, body string) Answer {
	r.T.Helper()
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("X-Role", string(role))
	rec := httptest.NewRecorder()
	r.Server.Handler().ServeHTTP(rec, req)
	content, err := io.ReadAll(rec.Result().Body)
	require.NoError(r.T, err)
	return Answer{rec.Code, strings.TrimSpace(string(content)), rec.Header()}
}

// Admin is like As with the Admin role.
func (r *Rig) Admin(method, path, body string) Answer {
	r.T.Helper()
	return r.As(grafana.Admin, method, path, body)
}

// OK sends a request as an admin, requires a status of 200 and returns the JSON of the response.
func (r *Rig) OK(method, path, body string) any {
	r.T.Helper()
	a := r.Admin(method, path, body)
	require.Equal(r.T, http.StatusOK, a.Code, "%s %s: %s", method, path, a.Body)
	return Decoded(r.T, a.Body)
}

// Save saves a dashboard, which must succeed, and returns the response.
func (r *Rig) Save(body string) map[string]any {
	r.T.Helper()
	return r.OK("POST", "/api/dashboards/db", body).(map[string]any)
}

// Damaged starts the server on files that a test has damaged and returns the resulting notices.
func (r *Rig) Damaged() []setaside.Notice {
	r.T.Helper()
	shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	r.Run(func(o *dashboards.Options) { o.SetAside = shelf })
	for _, n := range shelf.Notices() {
		require.NotEmpty(r.T, n.Lost)
		require.NotEmpty(r.T, n.Remedy)
	}
	return shelf.Notices()
}

// Decoded decodes JSON text.
func Decoded(t testing.TB, text string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	return v
}

// At follows keys and indexes into decoded JSON.
func At(t testing.TB, v any, path ...any) any {
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

// Eventually waits for a condition.
func Eventually(t testing.TB, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, 15*time.Second, 20*time.Millisecond, what)
}

// Metric returns the value of a gauge or counter without labels.
func Metric(t testing.TB, r *Rig, name string) float64 {
	t.Helper()
	families, err := r.Registry.Gather()
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
