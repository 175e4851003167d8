package alertmanager_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
)

// clustered returns a server of a cluster with the peers, and its address for them.
func clustered(t *testing.T, peers ...string) (*alertmanager.Loader, alertmanager.Options, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	address := listener.Addr().String()
	l, o := newLoaderWith(t, func(o *alertmanager.Options) {
		o.Cluster.ListenAddress, o.Cluster.Peers = address, peers
	})
	return l, o, address
}

// What a new peer learns when it joins is on disk as soon as what it is told later: if all are killed, it knows the silences.
func TestPeerWritesWhatItLearns(t *testing.T) {
	p := newPeer(t, func(int) int { return 200 })
	l, o, address := clustered(t)
	once(t, l, o, p, func(h http.Handler) {
		for range 20 { // too large for a packet
			code, body := silence(t, h)
			require.Equal(t, http.StatusOK, code, body)
		}
		written, err := os.ReadFile(filepath.Join(o.Dir, "silences"))
		require.NoError(t, err)
		l, o, _ := clustered(t, address)
		once(t, l, o, p, func(http.Handler) {
			require.Eventually(t, func() bool {
				learned, err := os.ReadFile(filepath.Join(o.Dir, "silences"))
				return err == nil && bytes.Count(learned, []byte("alertname")) == bytes.Count(written, []byte("alertname"))
			}, patience, 10*time.Millisecond)
		})
	})
}

// A start that fails does not keep the port of the cluster, so that the next one succeeds.
func TestClusterPortAfterAFailedStart(t *testing.T) {
	p := newPeer(t, func(int) int { return 200 })
	l, o, _ := clustered(t)
	cfg, problems := load(t, l, fmt.Sprintf("route: {receiver: team}\nreceivers: [{name: team, webhook_configs: [{url: '%s'}]}]", p.URL))
	require.Empty(t, problems)
	s := alertmanager.New(l, cfg, nil)
	mark := filepath.Join(o.Dir, "silences.kept")
	require.NoError(t, os.MkdirAll(filepath.Join(mark, "not empty"), 0o755)) // cannot be removed
	require.ErrorContains(t, s.Run(t.Context(), func() { require.Fail(t, "it is ready") }), "silences.kept")
	require.NoError(t, os.RemoveAll(mark))
	ctx, stop := context.WithCancel(t.Context())
	require.NoError(t, s.Run(ctx, stop))
}

// The reason for which a peer cannot start is the same at every attempt.
func TestAddressThatCannotBeAdvertised(t *testing.T) {
	p := newPeer(t, func(int) int { return 200 })
	_, o, _ := clustered(t)
	o.Registerer = prometheus.NewRegistry()
	o.Cluster.AdvertiseAddress = "server-1:9094"
	l, err := alertmanager.NewLoader(o)
	require.NoError(t, err)
	cfg, problems := load(t, l, fmt.Sprintf("route: {receiver: team}\nreceivers: [{name: team, webhook_configs: [{url: '%s'}]}]", p.URL))
	require.Empty(t, problems)
	s := alertmanager.New(l, cfg, nil)
	for range 2 {
		err := s.Run(t.Context(), func() { require.Fail(t, "it is ready") })
		require.EqualError(t, err, "--cluster.advertise-address=server-1:9094: not an IP address and a port")
	}
}
