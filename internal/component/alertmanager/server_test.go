package alertmanager_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
	"github.com/ausguck/ausguck/internal/database"
)

const patience = 20 * time.Second

// peer is a receiver on loopback; answer returns the status code for the n-th message, starting at 1.
type peer struct {
	*httptest.Server
	mtx      sync.Mutex
	messages []string
}

func newPeer(t *testing.T, answer func(n int) int) *peer {
	t.Helper()
	p := &peer{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mtx.Lock()
		p.messages = append(p.messages, string(body))
		code := answer(len(p.messages))
		p.mtx.Unlock()
		w.WriteHeader(code)
		fmt.Fprint(w, "said the peer")
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *peer) received() []string {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	return append([]string{}, p.messages...)
}

// run starts a server whose route leads to a webhook at the peer.
func run(t *testing.T, p *peer) (*alertmanager.Server, alertmanager.Options) {
	t.Helper()
	l, o := newLoader(t)
	return runWith(t, l, o, p), o
}

func runWith(t *testing.T, l *alertmanager.Loader, o alertmanager.Options, p *peer) *alertmanager.Server {
	t.Helper()
	cfg, problems := load(t, l, fmt.Sprintf(`
route: {receiver: team, group_by: [alertname], group_wait: 10ms, group_interval: 1s}
receivers: [{name: team, webhook_configs: [{url: '%s/hook?token=hush'}]}]`, p.URL))
	require.Empty(t, problems)
	db, err := database.Open(filepath.Join(o.Dir, "ausguck.db"))
	require.NoError(t, err)
	s := alertmanager.New(l, cfg, db)
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		require.NoError(t, err, "it ended before it was ready")
	}
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
		require.NoError(t, db.Close())
	})
	return s
}

func ask(t *testing.T, h http.Handler, method, path, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func fire(t *testing.T, s *alertmanager.Server, name string) {
	t.Helper()
	code, body := ask(t, s.Handler(), "POST", "/api/v2/alerts", fmt.Sprintf(`[{"labels":{"alertname":%q},"generatorURL":"http://watch.example/graph"}]`, name))
	require.Equal(t, 200, code, body)
}

func notifications(t *testing.T, s *alertmanager.Server, query string) []alertmanager.Attempt {
	t.Helper()
	code, body := ask(t, s.API(), "GET", "/api/ausguck/alerting/notifications"+query, "")
	require.Equal(t, 200, code, body)
	var answer struct{ Notifications []alertmanager.Attempt }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return answer.Notifications
}

func TestAttemptsAreRecorded(t *testing.T) {
	p := newPeer(t, func(n int) int {
		if n == 1 {
			return 503
		}
		return 200
	})
	s, _ := run(t, p)
	fire(t, s, "DiskFull")
	require.Eventually(t, func() bool { return len(notifications(t, s, "?result=delivered")) == 1 }, patience, 10*time.Millisecond)
	all := notifications(t, s, "")
	require.Len(t, all, 2)
	second, first := all[0], all[1]
	require.Equal(t, alertmanager.Retrying, first.Result)
	require.Contains(t, first.Error, "503")
	require.NotContains(t, first.Error, "hush", "a secret of the URL")
	require.Equal(t, []int{1, 2}, []int{first.Number, second.Number})
	require.Equal(t, "first notification", second.Reason)
	require.Equal(t, "team", second.Receiver)
	require.Equal(t, 1, second.Firing)
	require.Equal(t, map[string]string{"alertname": "DiskFull"}, second.GroupLabels)
	require.Len(t, notifications(t, s, "?alertname=DiskFull&limit=1"), 1)
	require.Empty(t, notifications(t, s, "?alertname=Other"))
	require.Contains(t, p.received()[1], `"externalURL":"http://watch.example/ausguck"`)

	_, body := ask(t, s.API(), "GET", "/api/ausguck/alerting/receivers", "")
	require.Contains(t, body, `"result":"delivered"`)
	code, body := ask(t, s.API(), "GET", "/api/ausguck/alerting/notifications?limit=0", "")
	require.Equal(t, 400, code)
	require.Contains(t, body, "limit is a number from 1 to 1000")
}

func TestRefusalIsVisible(t *testing.T) {
	p := newPeer(t, func(int) int { return 400 })
	s, o := run(t, p)
	fire(t, s, "DiskFull")
	require.Eventually(t, func() bool { return len(notifications(t, s, "?result=refused")) > 0 }, patience, 10*time.Millisecond)
	require.Contains(t, notifications(t, s, "?result=refused")[0].Error, "said the peer")
	families, err := o.Registerer.(*prometheus.Registry).Gather()
	require.NoError(t, err)
	found := false
	for _, f := range families {
		if f.GetName() == "ausguck_alertmanager_notification_attempts_total" {
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					found = found || l.GetName() == "result" && l.GetValue() == "refused"
				}
			}
		}
	}
	require.True(t, found, "no metric counts it")
}

// A silence is on disk before it is confirmed: a copy made at that moment is what kill -9 would leave.
func TestSilenceIsWrittenBeforeTheAnswer(t *testing.T) {
	p := newPeer(t, func(int) int { return 200 })
	s, o := run(t, p)
	code, body := ask(t, s.Handler(), "POST", "/api/v2/silences",
		`{"matchers":[{"name":"alertname","value":"DiskFull","isRegex":false,"isEqual":true}],"startsAt":"2020-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z","createdBy":"me","comment":"moving"}`)
	require.Equal(t, 200, code, body)
	left, err := os.ReadFile(filepath.Join(o.Dir, "silences"))
	require.NoError(t, err)

	l, o2 := newLoader(t)
	require.NoError(t, os.WriteFile(filepath.Join(o2.Dir, "silences"), left, 0o600))
	again := runWith(t, l, o2, p)
	_, body = ask(t, again.Handler(), "GET", "/api/v2/silences", "")
	require.Contains(t, body, `"comment":"moving"`)
}

func TestWhatWasSentIsNotRepeatedAfterACrash(t *testing.T) {
	p := newPeer(t, func(int) int { return 200 })
	s, o := run(t, p)
	fire(t, s, "DiskFull")
	file := filepath.Join(o.Dir, "nflog")
	require.Eventually(t, func() bool {
		left, err := os.ReadFile(file)
		return err == nil && len(left) > 0
	}, patience, 10*time.Millisecond)
	left, err := os.ReadFile(file)
	require.NoError(t, err)

	l, o2 := newLoader(t)
	require.NoError(t, os.WriteFile(filepath.Join(o2.Dir, "nflog"), left, 0o600))
	again := runWith(t, l, o2, p)
	fire(t, again, "DiskFull")
	fire(t, again, "Other")
	require.Eventually(t, func() bool { return len(notifications(t, again, "?alertname=Other")) == 1 }, patience, 10*time.Millisecond)
	require.Empty(t, notifications(t, again, "?alertname=DiskFull"), "it was sent before the crash")
}

func TestTryReceiver(t *testing.T) {
	p := newPeer(t, func(n int) int { return map[int]int{1: 200, 2: 404}[n] })
	s, _ := run(t, p)
	code, body := ask(t, s.API(), "POST", "/api/ausguck/alerting/test", `{"receiver":"team"}`)
	require.Equal(t, 200, code, body)
	require.Contains(t, body, `"result":"delivered"`)
	require.Contains(t, body, `"status":"200 OK","body":"said the peer"`)
	require.Contains(t, p.received()[0], "This is a test from Ausguck")
	_, body = ask(t, s.API(), "POST", "/api/ausguck/alerting/test", `{"receiver":"team"}`)
	require.Contains(t, body, `"result":"refused"`)
	require.Contains(t, body, `"status":"404 Not Found"`)
	code, body = ask(t, s.API(), "POST", "/api/ausguck/alerting/test", `{"receiver":"nobody"}`)
	require.Equal(t, 404, code)
	require.Contains(t, body, "there are")
}

func TestTryReceiverOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "in secret") }))
	t.Cleanup(server.Close)
	l, _ := newLoader(t)
	for name, tt := range map[string]struct {
		skip   bool
		result alertmanager.Result
		says   string
	}{
		"trusted":   {true, alertmanager.Delivered, "in secret"},
		"untrusted": {false, alertmanager.Refused, "failed to verify certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, problems := load(t, l, fmt.Sprintf(`
route: {receiver: team}
receivers: [{name: team, webhook_configs: [{url: '%s', http_config: {tls_config: {insecure_skip_verify: %v}}}]}]`, server.URL, tt.skip))
			require.Empty(t, problems)
			trials, err := l.TryReceiver(t.Context(), cfg, "team")
			require.NoError(t, err)
			require.Len(t, trials, 1)
			require.Equal(t, tt.result, trials[0].Result, trials[0].Error)
			require.Contains(t, fmt.Sprint(trials[0]), tt.says)
		})
	}
}

// A server that responds before it has read the whole request resets the connection after its response; the
// response counts.
func TestTryReceiverThatResets(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprint(conn, "HTTP/1.1 410 Gone\r\nContent-Length: 5\r\nConnection: close\r\n\r\nmoved")
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}))
	t.Cleanup(server.Close)
	l, _ := newLoader(t)
	cfg, problems := load(t, l, fmt.Sprintf(`
route: {receiver: team}
receivers: [{name: team, webhook_configs: [{url: '%s'}]}]`, server.URL))
	require.Empty(t, problems)
	for range 20 {
		trials, err := l.TryReceiver(t.Context(), cfg, "team")
		require.NoError(t, err)
		require.Contains(t, trials[0].Error, "410")
		require.Equal(t, "410 Gone", trials[0].Answers[0].Status)
	}
}

func TestRoutesSayWhereAnAlertGoes(t *testing.T) {
	s, _ := run(t, newPeer(t, func(int) int { return 200 }))
	cfg, problems := load(t, s.Loader, `
route:
  receiver: team
  routes: [{matchers: [severity="critical"], receiver: pager, group_by: ['...']}]
receivers: [{name: team}, {name: pager}]`)
	require.Empty(t, problems)
	require.NoError(t, s.ApplyConfig(cfg))
	code, body := ask(t, s.API(), "GET", `/api/ausguck/alerting/routes?labels=%7B%22severity%22%3A%22critical%22%7D`, "")
	require.Equal(t, 200, code)
	var root struct {
		Matches bool
		Routes  []struct {
			Receiver string
			Matches  bool
			GroupBy  []string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &root))
	require.False(t, root.Matches)
	require.True(t, root.Routes[0].Matches)
	require.Equal(t, "pager", root.Routes[0].Receiver)
	require.Equal(t, []string{"..."}, root.Routes[0].GroupBy)
}
