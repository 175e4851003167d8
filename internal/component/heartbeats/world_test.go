package heartbeats_test

import (
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
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/heartbeats"
	"github.com/ausguck/ausguck/internal/database"
)

const (
	token  = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
	config = `
heartbeats:
  - {name: backup, token: ` + token + `, every: 1d, group: nightly, labels: {team: storage}, max_duration: 2h}
  - {name: other, token: another-token-12345, every: 1h}
`
)

// loki takes log lines, or answers with code if it is not 0.
type loki struct {
	mtx    sync.Mutex
	code   int
	lines  []string
	labels []map[string]string
}

func (l *loki) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	body, _ := io.ReadAll(r.Body)
	if l.code != 0 {
		http.Error(w, "told to", l.code)
		return
	}
	if r.URL.Path != "/loki/api/v1/push" || r.Header.Get("X-Scope-OrgID") != "someone" || strings.Contains(string(body), "poison") {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	var push struct {
		Streams []struct {
			Stream map[string]string `json:"stream"`
			Values [][2]string       `json:"values"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(body, &push); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, s := range push.Streams {
		for _, v := range s.Values {
			l.lines, l.labels = append(l.lines, v[1]), append(l.labels, s.Stream)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (l *loki) answer(code int) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	l.code = code
}

// waitFor waits until it has stored n lines.
func (l *loki) waitFor(t *testing.T, n int) []string {
	t.Helper()
	var got []string
	require.Eventually(t, func() bool {
		l.mtx.Lock()
		defer l.mtx.Unlock()
		got = append([]string{}, l.lines...)
		return len(got) >= n
	}, 20*time.Second, 5*time.Millisecond, "lines in Loki")
	require.Len(t, got, n)
	return got
}

// world is a running server and what it depends on.
type world struct {
	*heartbeats.Server
	db   *sql.DB
	loki *loki
	reg  *prometheus.Registry
	stop func()
}

func parse(t *testing.T, content string) *heartbeats.Config {
	t.Helper()
	cfg, problems := heartbeats.LoadConfig(heartbeats.Source{Name: "heartbeats.yml", Content: []byte(content)})
	require.NoError(t, errors.Join(problems...))
	return cfg
}

func open(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := database.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// start runs a server until stop is called.
func start(t *testing.T, db *sql.DB, content string) *world {
	t.Helper()
	w := &world{db: db, loki: &loki{}, reg: prometheus.NewPedanticRegistry()}
	w.Server = heartbeats.New(heartbeats.Options{
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Registerer: w.reg, DB: db, Logs: w.loki,
		Tenant: func() string { return "someone" }, Network: func(address string) string { return address },
	}, parse(t, content))
	w.run(t)
	return w
}

func (w *world) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- w.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		require.NoError(t, err, "it ended before it was ready")
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(w.stop)
}

func (w *world) ask(method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	for _, c := range change {
		c(r)
	}
	answer := httptest.NewRecorder()
	w.Handler().ServeHTTP(answer, r)
	return answer
}

func (w *world) ping(t *testing.T, path, body string) {
	t.Helper()
	answer := w.ask(http.MethodPost, path, body)
	require.Equal(t, http.StatusOK, answer.Code, "%s: %s", path, answer.Body)
	require.Equal(t, "OK", answer.Body.String())
}

// heartbeat returns a heartbeat from the API.
func (w *world) heartbeat(t *testing.T, name string) map[string]any {
	t.Helper()
	answer := httptest.NewRecorder()
	w.API().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/ausguck/heartbeats", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	require.NotContains(t, answer.Body.String(), token)
	var content struct{ Heartbeats []map[string]any }
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &content))
	for _, h := range content.Heartbeats {
		if h["name"] == name {
			return h
		}
	}
	require.Fail(t, "no such heartbeat", name)
	return nil
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address + ":1234" }
}

// isNotStored requires that the files of a database have what was stored beside a secret, but not the secret.
func isNotStored(t *testing.T, path, secret, beside string) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	written := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(content), secret, file)
		written += strings.Count(string(content), beside)
	}
	require.NotZero(t, written, "it is stored")
}
