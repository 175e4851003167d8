package alertmanager_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
)

// A receiver's response is kept in part, and not read to its end if it is long.
func TestLongAnswers(t *testing.T) {
	var sent atomic.Int64
	p := &peer{Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kilobytes := 100
		if r.Header.Get("X-Long") != "" {
			kilobytes = 10 << 10
		}
		w.WriteHeader(http.StatusBadRequest)
		for range kilobytes {
			n, err := w.Write([]byte(strings.Repeat("x", 1<<10)))
			sent.Add(int64(n))
			if err != nil {
				return // aborted
			}
		}
	}))}
	t.Cleanup(p.Close)
	s, _ := run(t, p)

	fire(t, s, "Talkative")
	failed := waitAttempt(t, s, "Talkative")
	require.Equal(t, alertmanager.Refused, failed.Result)
	require.Contains(t, failed.Error, "unexpected status code 400: xxx")
	require.Contains(t, failed.Error, "(cut off)")
	require.Less(t, len(failed.Error), 5000)

	code, body := ask(t, s.API(), "POST", "/api/ausguck/alerting/test", `{"receiver":"team"}`)
	require.Equal(t, 200, code)
	require.Less(t, len(body), 30<<10)

	cfg, problems := load(t, s.Loader, fmt.Sprintf(`
route: {receiver: team, group_by: [alertname], group_wait: 10ms}
receivers: [{name: team, webhook_configs: [{url: '%s', http_config: {http_headers: {X-Long: {values: [y]}}}}]}]`, p.URL))
	require.Empty(t, problems)
	require.NoError(t, s.ApplyConfig(cfg))
	sent.Store(0)
	fire(t, s, "Endless")
	failed = waitAttempt(t, s, "Endless")
	require.Equal(t, alertmanager.Refused, failed.Result)
	require.Less(t, len(failed.Error), 5000)
	require.Eventually(t, func() bool { return sent.Load() > 1000<<10 }, patience, 10*time.Millisecond)
	p.Close() // waits for the end of the response
	require.Less(t, sent.Load(), int64(9<<20), "it was not read to its end")
}

func waitAttempt(t *testing.T, s *alertmanager.Server, name string) (a alertmanager.Attempt) {
	t.Helper()
	require.Eventually(t, func() bool {
		list := notifications(t, s, "?alertname="+name)
		if len(list) > 0 {
			a = list[0]
		}
		return len(list) > 0
	}, patience, 20*time.Millisecond)
	return a
}

// The limit applies to a single response: earlier ones on the same connection do not count, also with HTTP/2.
func TestLongAnswersOnOneConnection(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			var connections atomic.Int64
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Proto != protocol {
					t.Errorf("asked with %s", r.Proto)
				}
				_, _ = io.Copy(io.Discard, r.Body)
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, strings.Repeat("x", 700<<10))
			}))
			server.EnableHTTP2 = protocol == "HTTP/2.0"
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections.Add(1)
				}
			}
			server.StartTLS()
			t.Cleanup(server.Close)
			s, _ := run(t, newPeer(t, func(int) int { return 200 }))
			cfg, problems := load(t, s.Loader, fmt.Sprintf(`
route: {receiver: team, group_by: [alertname], group_wait: 10ms}
receivers: [{name: team, webhook_configs: [{url: '%s', http_config: {tls_config: {insecure_skip_verify: true}}}]}]`, server.URL))
			require.Empty(t, problems)
			require.NoError(t, s.ApplyConfig(cfg))
			for _, name := range []string{"First", "Second", "Third"} {
				fire(t, s, name)
				require.Contains(t, waitAttempt(t, s, name).Error, "400: xxx")
			}
			require.EqualValues(t, 1, connections.Load())
		})
	}
}
