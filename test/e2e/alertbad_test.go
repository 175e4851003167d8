package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const goodAlerting = `route: {receiver: team}
receivers: [{name: team}]
`

// Mistakes that Alertmanager reports one at a time, or only when the first alert is sent.
const wrongAlerting = `route:
  receiver: pager
  routes:
    - matchers: ['severity=~"["']
      receiver: team
receivers:
  - name: team
    webhook_configs:
      - url_file: secrets/none
        max_alertz: 3
    slack_configs:
      - api_url: http://127.0.0.1:1/
        title: '{{ .NoSuchField }}'
      - api_url_file: secrets/nothing
`

var wrongAlertingPlaces = []string{
	`alertmanager\.yml:2: .*receiver .*pager.* not defined`,
	`alertmanager\.yml:4: route: matcher severity.*missing closing`,
	`alertmanager\.yml:10: .*max_alertz`,
}

// Without a certificate upstream creates no client, so each one is reported; a missing secret is a warning.
const wrongFilesOfReceivers = `route: {receiver: team}
receivers:
  - name: team
    webhook_configs: [{url_file: secrets/later, http_config: {tls_config: {ca_file: secrets/none.pem}}}]
    slack_configs:
      - api_url: http://127.0.0.1:1/
        title: '{{ .NoSuchField }}'
      - api_url: http://127.0.0.1:1/
        http_config: {tls_config: {ca_file: secrets/nothing.pem}}
`

var wrongFilesPlaces = []string{
	`alertmanager\.yml:4: .*secrets/none.pem does not exist`,
	`alertmanager\.yml:9: .*secrets/nothing.pem does not exist`,
}

func TestBadAlertingIsRefused(t *testing.T) {
	t.Parallel()
	config := configDir(t, map[string]string{"prometheus.yml": "global: {}\n", "alertmanager.yml": goodAlerting})
	s := startAusguck(t, config, t.TempDir(), append([]string{"--web.enable-lifecycle"}, metricsOnly...)...)
	before := s.get(t, "/api/ausguck/alerting/receivers")
	for name, wrong := range map[string]struct {
		content string
		places  []string
	}{
		"references": {wrongAlerting, wrongAlertingPlaces},
		"files":      {wrongFilesOfReceivers, wrongFilesPlaces},
	} {
		writeFile(t, filepath.Join(config, "alertmanager.yml"), wrong.content)
		code, report := runToEnd(t, ausguckBinary(t), "check", "--config.dir="+config)
		require.Equal(t, 2, code, report)
		for _, place := range wrong.places {
			require.Regexp(t, place, report, name)
		}
		s.reloadByPost(t, wrong.places)
		s.reloadBySignal(t, wrong.places)
		require.Equal(t, before, s.get(t, "/api/ausguck/alerting/receivers"), "nothing of it is applied")
	}
	s.stop(t)
}

// Without an alertmanager.yml no one is notified, and a message says so.
func TestAlertsGoNowhereAndThatIsSaid(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, t.TempDir(), t.TempDir(), metricsOnly...)
	require.Regexp(t, `level=WARN.*alerts are not delivered`, s.output.String())
	require.Contains(t, s.get(t, "/status"), "alerts are not delivered")
	require.Contains(t, s.get(t, "/api/ausguck/alerting/receivers"), `"sendsNowhere":true`)
	require.EqualValues(t, 1, metric(s.get(t, "/metrics"), "ausguck_alertmanager_sends_nowhere"))
	s.stop(t)
}

// Receivers that misbehave do not delay others, and are visible.
func TestReceiversThatMisbehave(t *testing.T) {
	t.Parallel()
	hooks := &inbox{}
	mux := http.NewServeMux()
	mux.Handle("/good", hooks)
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "out of order", http.StatusInternalServerError)
	})
	mux.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // otherwise the end of the connection is not noticed
		<-r.Context().Done()
	})
	mux.HandleFunc("/around", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/around", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/talkative", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		for range 10 << 10 {
			if _, err := w.Write([]byte(strings.Repeat("word ", 205))); err != nil {
				return // aborted
			}
		}
	})
	peer := httptest.NewServer(mux)
	t.Cleanup(func() { peer.CloseClientConnections(); peer.Close() })
	names := []string{"broken", "silent", "around", "talkative", "good"}
	var routes, receivers strings.Builder
	for _, name := range names {
		fmt.Fprintf(&routes, "    - {receiver: %s, matchers: [alertname=Poke], continue: true}\n", name)
		fmt.Fprintf(&receivers, "  - {name: %s, webhook_configs: [{url: '%s/%s', timeout: 3s}]}\n", name, peer.URL, name)
	}
	alerting := "route:\n  receiver: nobody\n  group_wait: 100ms\n  group_interval: 10s\n  routes:\n" + routes.String() + "receivers:\n  - name: nobody\n" + receivers.String()
	// With the built-in prometheus.yml and rules.
	s := startAusguck(t, configDir(t, map[string]string{"alertmanager.yml": alerting}), t.TempDir(), metricsOnly...)
	poked := time.Now()
	s.fire(t, map[string]string{"alertname": "Poke"})
	m := hooks.wait(t, readyTimeout, "Poke")
	figure(t, "the receiver that works was told after %.1f s", m.at.Sub(poked).Seconds())
	for name, want := range map[string]string{
		"broken":    `"result":"retrying".*unexpected status code 500: out of order`,
		"silent":    `"result":"retrying".*(timeout|deadline)`,
		"around":    `"result":"retrying".*stopped after 10 redirects`,
		"talkative": `"result":"refused".*unexpected status code 400`,
		"good":      `"result":"delivered"`,
	} {
		eventually(t, time.Minute, func() error {
			list := s.get(t, "/api/ausguck/alerting/notifications?receiver="+name)
			require.Less(t, len(list), 100<<10, name)
			return errUnless(matches(want, list), "%s: %s", name, tail(list, 500))
		})
	}
	require.Len(t, hooks.all(), 1)
	eventually(t, 2*time.Minute, func() error {
		return errUnless(s.alertCount(t, "alertname=NotificationsRefused", "receiver=talkative") == 1, "the rule about refused notifications does not fire")
	})
	require.Less(t, len(s.output.String()), 1<<20, "the log")
	figure(t, "most memory: %d MiB", s.memory(t, "VmHWM")>>20)
	s.stop(t)
}

// Ten thousand alerts at once, in a single message and in ten thousand groups.
func TestTenThousandAlerts(t *testing.T) {
	t.Parallel()
	const count = 10_000
	for name, group := range map[string]string{"one group": "alertname", "a group each": "n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hooks := &inbox{}
			peer := httptest.NewServer(hooks)
			t.Cleanup(peer.Close)
			s := startAusguck(t, configDir(t, map[string]string{
				"prometheus.yml":   "global: {}\n",
				"alertmanager.yml": hookConfig(peer.URL, group, "group_wait: 2s, group_interval: 5s, repeat_interval: 1h"),
			}), t.TempDir(), metricsOnly...)
			before := s.memory(t, "VmHWM")
			alerts := make([]map[string]string, count)
			for n := range alerts {
				alerts[n] = map[string]string{"alertname": "Flood", "n": fmt.Sprint(n), "instance": fmt.Sprintf("host-%d.example:9100", n), "job": "flood"}
			}
			begin := time.Now()
			s.fire(t, alerts...)
			taken := time.Since(begin)
			require.Equal(t, count, s.alertCount(t, "alertname=Flood"))
			eventually(t, 2*time.Minute, func() error {
				got := len(hooks.counts(t, "n", "firing"))
				return errUnless(got == count, "%d of %d arrived", got, count)
			})
			figure(t, "%d alerts: taken in %.1f s, delivered in %d messages after %.1f s; most memory %d MiB, %d before",
				count, taken.Seconds(), len(hooks.all()), time.Since(begin).Seconds(), s.memory(t, "VmHWM")>>20, before>>20)
			require.Less(t, s.memory(t, "VmHWM"), 1536<<20, "as upstream, each group has a connection of its own")
			require.Zero(t, metric(s.get(t, "/metrics"), "ausguck_alertmanager_notification_records_lost_total"), "attempts that were not recorded")
			s.stop(t)
		})
	}
}
