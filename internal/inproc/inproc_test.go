package inproc_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/inproc"
)

func serve(t *testing.T, l *inproc.Listener, body string) {
	t.Helper()
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+" "+r.RemoteAddr+" "+body)
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
}

func TestDialerLeadsNamesToListeners(t *testing.T) {
	node := inproc.NewListener("node-exporter")
	serve(t, node, strings.Repeat("x", 1<<20))
	elsewhere := errors.New("dialled outside")
	d := inproc.NewDialer(map[string]*inproc.Listener{"node-exporter:9100": node},
		func(context.Context, string, string) (net.Conn, error) { return nil, elsewhere })
	client := &http.Client{Transport: &http.Transport{DialContext: d.DialContext}}

	res, err := client.Get("http://node-exporter:9100/metrics")
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.True(t, strings.HasPrefix(string(body), "node-exporter:9100 node-exporter x"))
	require.Greater(t, len(body), 1<<20)

	_, err = client.Get("http://node-exporter:9101/metrics")
	require.ErrorIs(t, err, elsewhere)
	require.Equal(t, []string{"node-exporter:9100"}, d.Names())
}

func TestDialEndsWithItsContextAndWithTheListener(t *testing.T) {
	l := inproc.NewListener("idle")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := l.DialContext(ctx, "tcp", "idle:1")
	require.ErrorIs(t, err, context.DeadlineExceeded)

	require.NoError(t, l.Close())
	_, err = l.DialContext(t.Context(), "tcp", "idle:1")
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
}
