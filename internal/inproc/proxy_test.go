package inproc_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/inproc"
)

func TestProxyKeepsTheClientAndStreams(t *testing.T) {
	l := inproc.NewListener("upstream")
	gone := make(chan struct{})
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s\n", r.Host, r.RemoteAddr, r.URL, body)
		w.(http.Flusher).Flush()
		if r.URL.Path == "/live" {
			<-r.Context().Done()
			close(gone)
		}
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	front := httptest.NewServer(inproc.NewProxy(l))
	t.Cleanup(front.Close)

	res, err := http.Post(front.URL+"/api?a=b", "text/plain", strings.NewReader("query"))
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	fields := strings.Fields(string(body))
	require.Equal(t, strings.TrimPrefix(front.URL, "http://"), fields[0])
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, fields[1], "the server sees the real client")
	require.Equal(t, []string{"/api?a=b", "query"}, fields[2:])

	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, front.URL+"/live", nil)
	require.NoError(t, err)
	res, err = http.DefaultClient.Do(req)
	require.NoError(t, err)
	_, err = res.Body.Read(make([]byte, 1))
	require.NoError(t, err, "the first line arrives while the handler still works")
	cancel()
	<-gone
	_ = res.Body.Close()
}

func TestProxyHandsOnAnAnswerThatDidNotWaitForTheRequest(t *testing.T) {
	l := inproc.NewListener("upstream")
	srv := &http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	front := httptest.NewServer(inproc.NewProxy(l))
	t.Cleanup(front.Close)
	for _, size := range []int{10, 10_000, 100_000} {
		for range 50 {
			res, err := http.Post(front.URL, "text/plain", strings.NewReader(strings.Repeat("x", size)))
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, http.StatusNotFound, res.StatusCode, "%d bytes", size)
		}
	}
}

func TestProxyOfAClosedListener(t *testing.T) {
	l := inproc.NewListener("upstream")
	require.NoError(t, l.Close())
	rec := httptest.NewRecorder()
	inproc.NewProxy(l).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	require.Equal(t, http.StatusServiceUnavailable, rec.Code)
	require.Contains(t, rec.Body.String(), "upstream does not answer")
}
