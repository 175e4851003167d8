package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hookConfig sends each value of a label to a webhook in a separate message.
func hookConfig(hook, label, times string) string {
	return fmt.Sprintf("route: {receiver: team, group_by: [%s], %s}\nreceivers: [{name: team, webhook_configs: [{url: '%s'}]}]\n", label, times, hook)
}

// A receiver is down for two minutes: alerts that fired before, and those that fired or ended in the meantime,
// all arrive, once.
func TestReceiverDownForTwoMinutes(t *testing.T) {
	t.Parallel()
	receiver := newDoor(t)
	s := startAusguck(t, configDir(t, map[string]string{
		"prometheus.yml":   "global: {}\n",
		"alertmanager.yml": hookConfig("http://"+receiver.address, "alertname", "group_wait: 200ms, group_interval: 5s, repeat_interval: 1h"),
	}), t.TempDir(), metricsOnly...)
	named := func(name string) map[string]string { return map[string]string{"alertname": name} }
	s.fire(t, named("Before"), named("Ending"))
	receiver.wait(t, readyTimeout, `"alertname":"Before"`)
	receiver.wait(t, readyTimeout, `"alertname":"Ending"`)

	receiver.shut(t)
	down := time.Now()
	want := map[string]int{"Before": 1, "Ending": 1}
	for n := range 10 {
		name := fmt.Sprintf("Meanwhile%d", n)
		s.fire(t, named(name))
		want[name] = 1
		if n == 5 {
			s.resolve(t, named("Ending"))
		}
		waitUntil(t, down.Add(time.Duration(n+1)*11*time.Second))
	}
	waitUntil(t, down.Add(2*time.Minute))
	require.Contains(t, s.get(t, "/api/ausguck/alerting/notifications?result=retrying"), "connection refused")
	receiver.open(t)
	up := time.Now()
	eventually(t, time.Minute, func() error {
		got := receiver.counts(t, "alertname", "firing")
		return errUnless(len(got) == len(want) && receiver.counts(t, "alertname", "resolved")["Ending"] > 0, "so far %v", got)
	})
	figure(t, "everything arrived %.1f s after the receiver was back", time.Since(up).Seconds())
	waitUntil(t, time.Now().Add(15*time.Second)) // three times group_interval in which nothing may be sent again
	require.Equal(t, want, receiver.counts(t, "alertname", "firing"))
	require.Equal(t, map[string]int{"Ending": 1}, receiver.counts(t, "alertname", "resolved"))
	s.stop(t)
}

// waitUntil sleeps, in tests that depend on the time that passes.
func waitUntil(t *testing.T, at time.Time) {
	t.Helper()
	select {
	case <-time.After(time.Until(at)):
	case <-t.Context().Done():
	}
}

// Killed twenty times at random between firing and delivery: each alert arrives at least once, and silences
// are kept.
func TestAlertsSurviveKills(t *testing.T) {
	t.Parallel()
	const kills = 20
	var fires [kills]atomic.Bool
	target := serveTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		for n := range fires {
			if fires[n].Load() {
				fmt.Fprintf(w, "broken{part=\"%d\"} 1\n", n)
			}
		}
	})
	hooks := &inbox{}
	peer := httptest.NewServer(hooks)
	t.Cleanup(peer.Close)
	config := configDir(t, map[string]string{
		"prometheus.yml": fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ['*.rules.yml']
alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}
scrape_configs: [{job_name: machine, static_configs: [{targets: ['%s']}]}]
`, target),
		"machine.rules.yml": `groups: [{name: machine, rules: [{alert: Broken, expr: broken == 1}]}]`,
		"alertmanager.yml":  hookConfig(peer.URL, "part", "group_wait: 500ms, group_interval: 5s, repeat_interval: 1h"),
	})
	storage := t.TempDir()
	silences := map[string]bool{}
	random := rand.New(rand.NewPCG(4, 20))
	delivered := 0
	for n := range kills {
		s := startAusguck(t, config, storage, metricsOnly...)
		fires[n].Store(true)
		silences[s.silence(t, "alertname", fmt.Sprintf("Never%d", n))] = true
		waitUntil(t, time.Now().Add(time.Duration(random.IntN(3000))*time.Millisecond))
		s.kill()
		delivered += min(1, hooks.counts(t, "part", "firing")[fmt.Sprint(n)])
	}
	s := startAusguck(t, config, storage, metricsOnly...)
	var got map[string]int
	eventually(t, time.Minute, func() error {
		got = hooks.counts(t, "part", "firing")
		return errUnless(len(got) == kills, "%d of %d alerts arrived: %v", len(got), kills, got)
	})
	again := 0
	for _, count := range got {
		again += count - 1
	}
	figure(t, "%d kills, %d of them after the delivery; messages that came twice: %d", kills, delivered, again)
	require.NotZero(t, kills-delivered, "some kills come before the delivery")

	var list []struct {
		ID     string
		Status struct{ State string }
	}
	require.NoError(t, json.Unmarshal([]byte(s.get(t, "/api/v2/silences")), &list))
	for _, silence := range list {
		require.Equal(t, "active", silence.Status.State)
		delete(silences, silence.ID)
	}
	require.Empty(t, silences, "these are lost")
	s.stop(t)
}

// silence creates a silence for an hour and returns its ID.
func (s *server) silence(t *testing.T, name, value string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"matchers": []any{map[string]any{"name": name, "value": value, "isRegex": false}},
		"startsAt": time.Now().Format(time.RFC3339), "endsAt": time.Now().Add(time.Hour).Format(time.RFC3339),
		"createdBy": "test", "comment": "test",
	})
	require.NoError(t, err)
	status, answer := s.do(t, http.MethodPost, "/api/v2/silences", map[string]string{"Content-Type": "application/json"}, string(body))
	require.Equal(t, http.StatusOK, status, answer)
	var made struct{ SilenceID string }
	require.NoError(t, json.Unmarshal([]byte(answer), &made))
	return made.SilenceID
}

// Two peers in a cluster send each notification once, and so does the remaining one.
func TestAlertingCluster(t *testing.T) {
	t.Parallel()
	hooks := &inbox{}
	peer := httptest.NewServer(hooks)
	t.Cleanup(peer.Close)
	config := configDir(t, map[string]string{
		"prometheus.yml":   "global: {}\n",
		"alertmanager.yml": hookConfig(peer.URL, "alertname", "group_wait: 500ms, group_interval: 2s, repeat_interval: 1h"),
	})
	ports := []int{freePort(t), freePort(t)}
	servers := map[string]*server{} // by the external URL in their messages
	for n := range ports {
		external := fmt.Sprintf("http://ausguck%d.example", n)
		servers[external] = launchAusguck(t, config, t.TempDir(), append([]string{
			"--web.external-url=" + external, fmt.Sprintf("--cluster.listen-address=127.0.0.1:%d", ports[n]),
			fmt.Sprintf("--cluster.peer=127.0.0.1:%d", ports[1-n]), "--cluster.peer-timeout=5s", "--cluster.settle-timeout=10s",
			"--cluster.reconnect-interval=1s",
		}, metricsOnly...)...)
	}
	for _, s := range servers {
		s.waitReady(t, readyTimeout)
		s.waitPeers(t, 2)
	}
	fire := func(name string) {
		for _, s := range servers {
			s.fire(t, map[string]string{"alertname": name})
		}
		hooks.wait(t, readyTimeout, name)
	}
	fire("Both")
	waitUntil(t, time.Now().Add(12*time.Second)) // longer than the second one waits for the first
	require.Equal(t, map[string]int{"Both": 1}, hooks.counts(t, "alertname", "firing"))

	sender := hooks.all()[0].webhook(t).ExternalURL
	require.Contains(t, servers, sender)
	servers[sender].kill()
	delete(servers, sender)
	fire("Left")
	waitUntil(t, time.Now().Add(12*time.Second))
	require.Equal(t, map[string]int{"Both": 1, "Left": 1}, hooks.counts(t, "alertname", "firing"))
	for external, s := range servers {
		require.NotEqual(t, sender, external)
		s.stop(t)
	}
}

func (s *server) waitPeers(t *testing.T, count int) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		var status struct {
			Cluster struct {
				Status string
				Peers  []any
			}
		}
		require.NoError(t, json.Unmarshal([]byte(s.get(t, "/api/v2/status")), &status))
		return errUnless(status.Cluster.Status == "ready" && len(status.Cluster.Peers) == count, "the cluster is %+v", status.Cluster)
	})
}

// alertCount returns the number of alerts in Alertmanager.
func (s *server) alertCount(t *testing.T, matchers ...string) int {
	t.Helper()
	return strings.Count(s.get(t, "/api/v2/alerts?"+url.Values{"filter": matchers}.Encode()), `"fingerprint"`)
}
