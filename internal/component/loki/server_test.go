package loki_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grafana/dskit/user"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/loki"
)

func options(t *testing.T) loki.Options {
	t.Helper()
	return loki.Options{
		Logger:      slog.New(slog.NewTextHandler(t.Output(), nil)),
		Registerer:  prometheus.NewRegistry(),
		Dir:         filepath.Join(t.TempDir(), "loki"),
		ExternalURL: "http://localhost:3000/",
	}
}

// start runs a Server with a file until the test or stop ends it.
func start(t *testing.T, o loki.Options, file string) (s *loki.Server, stop func()) {
	t.Helper()
	cfg, problems := loki.LoadConfig(o, loki.Source{Name: "loki.yml", Content: []byte(file)})
	require.Empty(t, problems)
	s = loki.New(o, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-done)
		}
	}
	t.Cleanup(stop)
	select {
	case <-ready:
	case err := <-done:
		stopped = true
		require.NoError(t, err)
	case <-time.After(30 * time.Second):
		require.Fail(t, "Loki is not ready after 30 s")
	}
	return s, stop
}

func push(t *testing.T, s *loki.Server, labels string, at time.Time, lines ...string) {
	t.Helper()
	stream := logproto.Stream{Labels: labels}
	for i, line := range lines {
		stream.Entries = append(stream.Entries, logproto.Entry{Timestamp: at.Add(time.Duration(i)), Line: line})
	}
	require.NoError(t, s.Push(t.Context(), &logproto.PushRequest{Streams: []logproto.Stream{stream}}))
}

func get(s *loki.Server, path string, values url.Values) (int, string) {
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path+"?"+values.Encode(), nil))
	body, _ := io.ReadAll(rec.Body)
	return rec.Code, string(body)
}

func TestPushedLinesAreFoundAfterARestart(t *testing.T) {
	o := options(t)
	s, stop := start(t, o, "")
	now := time.Now().Truncate(time.Millisecond)
	push(t, s, `{job="a"}`, now, "one", "level=error two")
	find := func(s *loki.Server) (lines []string) {
		require.NoError(t, s.Lines(t.Context(), `{job="a"}`, now, now.Add(1), func(at time.Time, line string) {
			lines = append(lines, fmt.Sprint(at.Sub(now).Nanoseconds(), " ", line))
		}))
		return lines
	}
	require.Equal(t, []string{"0 one", "1 level=error two"}, find(s), "both times included")
	code, body := get(s, "/loki/api/v1/query_range", url.Values{"query": {`{service_name="a"}`}})
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, `"detected_level":"error"`)
	families, err := s.Gather()
	require.NoError(t, err)
	require.NotEmpty(t, families)
	stop()

	o.Registerer = prometheus.NewRegistry()
	s, _ = start(t, o, "")
	require.Len(t, find(s), 2, "the write-ahead log brings them back")
}

// With auth_enabled: true, Loki never became ready, because the query at the end of a start named no tenant.
func TestTenants(t *testing.T) {
	o := options(t)
	s, stop := start(t, o, "auth_enabled: true\n")
	now := time.Now().Truncate(time.Millisecond)
	for _, tenant := range []string{"blue", "green"} {
		stream := logproto.Stream{Labels: `{job="a"}`, Entries: []logproto.Entry{{Timestamp: now, Line: "of " + tenant}}}
		require.NoError(t, s.Push(user.InjectOrgID(t.Context(), tenant), &logproto.PushRequest{Streams: []logproto.Stream{stream}}))
	}
	check := func(s *loki.Server) {
		t.Helper()
		for tenant, want := range map[string][]string{"blue": {"of blue"}, "green": {"of green"}, "red": nil} {
			var lines []string
			require.NoError(t, s.Lines(user.InjectOrgID(t.Context(), tenant), `{job="a"}`, now, now, func(_ time.Time, line string) { lines = append(lines, line) }))
			require.Equal(t, want, lines, tenant)
			r := httptest.NewRequest(http.MethodGet, "/loki/api/v1/query_range?"+url.Values{"query": {`{job="a"}`}}.Encode(), nil)
			r.Header.Set("X-Scope-OrgID", tenant)
			rec := httptest.NewRecorder()
			s.Handler().ServeHTTP(rec, r)
			require.Equal(t, http.StatusOK, rec.Code)
			require.Equal(t, len(want) > 0, strings.Contains(rec.Body.String(), "of "+tenant), rec.Body.String())
		}
		code, body := get(s, "/loki/api/v1/labels", nil)
		require.Equal(t, http.StatusUnauthorized, code, "as stock: "+body)
	}
	check(s)
	stop()
	o.Registerer = prometheus.NewRegistry()
	s, _ = start(t, o, "auth_enabled: true\n")
	check(s)
}

// Lines that are hours old on arrival are in no chunk on disk yet: Loki's default query_ingesters_within of three hours
// hides them until they are.
func TestOldLinesAreFoundAtOnce(t *testing.T) {
	s, _ := start(t, options(t), "")
	for _, age := range []time.Duration{2 * time.Hour, 4 * time.Hour, 30 * time.Hour, 6 * 24 * time.Hour} {
		at := time.Now().Add(-age).Truncate(time.Millisecond)
		stream := fmt.Sprintf(`{job="old", age="%s"}`, age)
		push(t, s, stream, at, "from "+age.String())
		code, body := get(s, "/loki/api/v1/query_range", url.Values{
			"query": {stream}, "start": {fmt.Sprint(at.Add(-time.Minute).UnixNano())}, "end": {fmt.Sprint(at.Add(time.Minute).UnixNano())},
		})
		require.Equal(t, http.StatusOK, code, body)
		require.Contains(t, body, "from "+age.String())
		found := 0
		require.NoError(t, s.Lines(t.Context(), stream, at, at, func(time.Time, string) { found++ }))
		require.Equal(t, 1, found, "the collector finds it after a crash")
	}
}
