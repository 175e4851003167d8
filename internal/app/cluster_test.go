package app_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/app"
)

// clusters is a part of the response of /api/ausguck/status.
type clusters struct {
	Alertmanager *struct {
		State   string
		Missing int
		Members []struct {
			Name, Address string
			Self, Reached bool
		}
	}
	Loki []struct {
		Name, Address, State string
		Self                 bool
	}
	RemoteWrite []struct {
		Name, Host                    string
		Lag, Pending, Failed, Retried float64
	}
}

func (r *running) clusters(t *testing.T) (c clusters, body string) {
	t.Helper()
	code, body := r.do(t, http.MethodGet, "/api/ausguck/status")
	require.Equal(t, http.StatusOK, code, body)
	var answer struct{ Clusters clusters }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return answer.Clusters, body
}

func TestClustersOnStatus(t *testing.T) {
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(receiver.Close)
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) }))
	t.Cleanup(refusing.Close)
	own, missing, gossip, grpc := freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)
	port := func(address string) string { _, port, _ := net.SplitHostPort(address); return port }
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "prometheus.yml"), fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: own, static_configs: [{targets: ["prometheus:9090"]}]}]
remote_write: [{name: takes, url: "%s/write?token=hush"}, {name: refuses, url: "%s/"}, {name: away, url: "http://%s/"}]
`, receiver.URL, refusing.URL, missing))
	writeFile(t, filepath.Join(dir, "loki.yml"), fmt.Sprintf(`
server: {grpc_listen_address: 127.0.0.1, grpc_listen_port: %s}
memberlist: {bind_addr: [127.0.0.1], bind_port: %s, join_members: ["127.0.0.1:%s"], abort_if_cluster_join_fails: false}
common: {instance_addr: 127.0.0.1, replication_factor: 1, ring: {instance_id: server-1, kvstore: {store: memberlist}}}
`, port(grpc), port(gossip), port(gossip)))
	r := start(t, testOptions(t, "--config.dir="+dir, "--cluster.listen-address="+own, "--cluster.peer="+own, "--cluster.peer="+missing,
		"--cluster.peer-name=server-1"))
	require.Eventually(t, func() bool {
		c, body := r.clusters(t)
		require.NotContains(t, body, "hush")
		if c.Alertmanager == nil || len(c.Alertmanager.Members) != 2 || len(c.Loki) != 1 || c.Loki[0].State != "ACTIVE" || len(c.RemoteWrite) != 3 {
			return false
		}
		require.Equal(t, 1, c.Alertmanager.Missing)
		self, other := c.Alertmanager.Members[0], c.Alertmanager.Members[1]
		require.Equal(t, []any{"server-1", own, true, true}, []any{self.Name, self.Address, self.Self, self.Reached})
		require.Equal(t, []any{"", missing, false, false}, []any{other.Name, other.Address, other.Self, other.Reached})
		require.Equal(t, []any{"server-1", "127.0.0.1:" + port(grpc), true}, []any{c.Loki[0].Name, c.Loki[0].Address, c.Loki[0].Self})
		byName := map[string]int{}
		for i, q := range c.RemoteWrite {
			byName[q.Name] = i
		}
		takes, refuses, away := c.RemoteWrite[byName["takes"]], c.RemoteWrite[byName["refuses"]], c.RemoteWrite[byName["away"]]
		require.Equal(t, receiver.Listener.Addr().String(), takes.Host)
		require.Equal(t, []float64{0, 0, -1}, []float64{takes.Failed, takes.Retried, away.Lag})
		return takes.Lag >= 0 && refuses.Failed > 0 && away.Retried > 0 && away.Pending > 0
	}, time.Minute, 200*time.Millisecond)
}

// Stock Alertmanager listens without a flag, so command lines that were written for it lack one.
func TestPeersWithoutAListener(t *testing.T) {
	warnings, err := app.Check(testOptions(t, "--cluster.peer=10.0.0.1:9094"))
	require.NoError(t, err)
	require.Contains(t, warnings, "--cluster.peer has no effect: Alertmanager joins a cluster only with --cluster.listen-address, such as 0.0.0.0:9094")
	warnings, err = app.Check(testOptions(t, "--cluster.peer=10.0.0.1:9094", "--cluster.listen-address=127.0.0.1:0"))
	require.NoError(t, err)
	require.NotContains(t, strings.Join(warnings, " "), "--cluster.")
}

func TestNoClustersOnStatus(t *testing.T) {
	_, body := start(t, testOptions(t)).clusters(t)
	require.Contains(t, body, `"clusters":{}`)
}
