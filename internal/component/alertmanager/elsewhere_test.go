package alertmanager_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
)

// A peer that cannot reach a receiver gives a notification up as soon as it hears that another peer has sent it; the next one it tries again.
func TestRetriesEndWhenAnotherPeerHasSent(t *testing.T) {
	unreachable := newPeer(t, func(int) int { return http.StatusServiceUnavailable })
	works := newPeer(t, func(int) int { return http.StatusOK })
	start := func(name string, p *peer, peers ...string) (*alertmanager.Server, string) {
		_, o, address := clustered(t, peers...)
		o.Cluster.PeerName, o.Cluster.PeerTimeout, o.Cluster.GossipInterval = name, time.Second, 20*time.Millisecond
		l, err := alertmanager.NewLoader(o)
		require.NoError(t, err)
		return runWith(t, l, o, p), address
	}
	first, address := start("1", unreachable)
	second, _ := start("2", works, address)
	require.Eventually(t, func() bool {
		_, members, _ := first.Cluster()
		_, others, _ := second.Cluster()
		return len(members) == 2 && len(others) == 2
	}, patience, 10*time.Millisecond)
	for n, name := range []string{"DiskFull", "Other"} {
		fire(t, first, name)
		fire(t, second, name)
		require.Eventually(t, func() bool { return len(notifications(t, first, "?result=elsewhere&alertname="+name)) == 1 }, patience, 10*time.Millisecond)
		require.Len(t, works.received(), n+1)
		all := notifications(t, first, "?alertname="+name)
		require.Equal(t, alertmanager.Elsewhere, all[0].Result)
		require.Equal(t, len(all), all[0].Number, "the attempts are counted")
		require.GreaterOrEqual(t, len(all), 2, fmt.Sprint(all))
		require.Empty(t, notifications(t, second, "?result=elsewhere"))
	}
	code, body := ask(t, first.API(), http.MethodGet, "/api/ausguck/alerting/notifications?result=lost", "")
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, body, `result is delivered, retrying, refused or elsewhere, not \"lost\"`)
}
