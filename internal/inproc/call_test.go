package inproc_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/inproc"
)

func call(t *testing.T, h http.HandlerFunc, method, url, body string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	return inproc.Call(h, r)
}

func TestCall(t *testing.T) {
	res, err := call(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Asked", r.Method+" "+r.Host+" "+r.RemoteAddr+" "+r.RequestURI+" "+r.URL.Path+" "+string(body))
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "never")
		_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
	}, http.MethodPost, "http://prometheus:9090/a%2Fb?c=d", "query")
	require.NoError(t, err)
	require.Equal(t, http.StatusTeapot, res.StatusCode)
	require.Equal(t, "POST prometheus:9090 prometheus /a%2Fb?c=d /a/b query", res.Header.Get("X-Asked"))
	require.Empty(t, res.Header.Get("X-Late"))
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Len(t, body, 1<<20)
	require.NoError(t, res.Body.Close())

	res, err = call(t, func(http.ResponseWriter, *http.Request) {}, http.MethodGet, "http://a", "")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	body, err = io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Empty(t, body)
}

func TestCallEndsWhenNobodyWaits(t *testing.T) {
	ended := make(chan error, 1)
	waits := func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		ended <- r.Context().Err()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://a", nil)
	require.NoError(t, err)
	_, err = inproc.Call(http.HandlerFunc(waits), r)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Error(t, <-ended)

	res, err := call(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		waits(w, r)
	}, http.MethodGet, "http://a", "")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Error(t, <-ended)
}

func TestCallSurvivesAPanic(t *testing.T) {
	res, err := call(t, func(http.ResponseWriter, *http.Request) { panic("broken") }, http.MethodGet, "http://a", "")
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, res.StatusCode)
	_, err = io.ReadAll(res.Body)
	require.ErrorContains(t, err, "broken")
}
