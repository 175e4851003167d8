package alertmanager_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
	"github.com/ausguck/ausguck/internal/database"
)

// hush is part of every secret in these tests.
const hush = "hushhush98765"

// receiverTypes has a configuration of each receiver type with all of its secrets. URL is the other side.
var receiverTypes = map[string]string{
	"discord_configs":    "webhook_url: URL/api/webhooks/1/hushhush98765",
	"email_configs":      "to: a@b.c\nfrom: a@b.c\nsmarthost: HOST\nrequire_tls: false\nauth_username: u\nauth_password: hushhush98765\nauth_secret: hushhush98765",
	"incidentio_configs": "url: URL/x\nalert_source_token: hushhush98765",
	"pagerduty_configs":  "url: URL/v2\nrouting_key: hushhush98765",
	"slack_configs":      "api_url: URL/services/T0/B0/hushhush98765\nchannel: x",
	"webhook_configs":    "url: URL/hook/hushhush98765?token=hushhush98765",
	"opsgenie_configs":   "api_url: URL/\napi_key: hushhush98765",
	"wechat_configs":     "api_url: URL/\napi_secret: hushhush98765\ncorp_id: c\nagent_id: a\nto_user: u",
	"pushover_configs":   "user_key: hushhush98765\ntoken: hushhush98765", // reached through the proxy below
	"victorops_configs":  "api_url: URL/\napi_key: hushhush98765\nrouting_key: r",
	"sns_configs":        "api_url: URL\ntopic_arn: arn:aws:sns:us-east-2:698519295917:My-Topic\nsigv4: {region: us-east-2, access_key: a, secret_key: hushhush98765}",
	"telegram_configs":   "api_url: URL\nchat_id: 1\nbot_token: '123:hushhush98765'",
	"webex_configs":      "api_url: URL\nroom_id: r\nhttp_config: {authorization: {credentials: hushhush98765}}",
	"msteams_configs":    "webhook_url: URL/webhookb2/hushhush98765",
	"msteamsv2_configs":  "webhook_url: URL/x?sig=hushhush98765",
	"jira_configs":       "api_url: URL\nproject: p\nissue_type: t\nhttp_config: {basic_auth: {username: u, password: hushhush98765}}",
	"rocketchat_configs": "api_url: URL\ntoken: hushhush98765\ntoken_id: hushhush98765\nchannel: x",
	"mattermost_configs": "webhook_url: URL/hooks/hushhush98765",
}

// withHTTP adds the settings that an HTTP client may have to a receiver: credentials, headers, and a proxy for
// receivers with fixed addresses.
func withHTTP(kind, text, proxy string) string {
	switch {
	case kind == "email_configs" || strings.Contains(text, "http_config"):
		return text
	case kind == "pushover_configs":
		return text + "\nhttp_config: {proxy_url: '" + strings.Replace(proxy, "://", "://u:"+hush+"@", 1) + "'}"
	case kind == "sns_configs" || kind == "rocketchat_configs" || kind == "opsgenie_configs":
		return text + "\nhttp_config: {http_headers: {X-Token: {secrets: [" + hush + "], values: [" + hush + "]}}}"
	}
	return text + "\nhttp_config: {basic_auth: {username: u, password: " + hush + "}}"
}

// inFiles reads the secrets of a receiver from files if possible.
func inFiles(t *testing.T, receiver reflect.Type, text string) (string, bool) {
	t.Helper()
	keys := map[string]bool{}
	for i := range receiver.NumField() {
		name, _, _ := strings.Cut(receiver.Field(i).Tag.Get("yaml"), ",")
		keys[name] = true
	}
	changed := false
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		if keys[key+"_file"] && strings.Contains(value, hush) {
			file := filepath.Join(t.TempDir(), key)
			require.NoError(t, os.WriteFile(file, []byte(strings.Trim(value, "'")+"\n"), 0o600))
			line, changed = key+"_file: "+file, true
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n"), changed
}

// A receiver's secrets never leave it, whatever the other side does: it rejects the message and repeats what it was
// sent, or closes the connection. A receiver type added by upstream fails here until it is in the table.
func TestNoSecretLeavesAReceiver(t *testing.T) {
	receiver := reflect.TypeFor[config.Receiver]()
	for i := range receiver.NumField() {
		kind, _, _ := strings.Cut(receiver.Field(i).Tag.Get("yaml"), ",")
		if !strings.HasSuffix(kind, "_configs") {
			continue
		}
		text, ok := receiverTypes[kind]
		require.True(t, ok, "%s is a new type of receiver: add it to receiverTypes with its secrets", kind)
		repeats := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			told, _ := httputil.DumpRequest(r, true)
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, "I was told %s and %q", told, r.URL)
		}))
		t.Cleanup(repeats.Close)
		hangsUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
		hangsUp.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
		t.Cleanup(hangsUp.Close)
		for name, server := range map[string]*httptest.Server{"repeats": repeats, "hangs up": hangsUp} {
			whole := withHTTP(kind, text, server.URL)
			whole = strings.NewReplacer("URL", server.URL, "HOST", mailServer(t, name == "repeats")).Replace(whole)
			t.Run(kind+" "+name, func(t *testing.T) { nothingLeaves(t, kind, whole) })
			if fromFiles, ok := inFiles(t, receiver.Field(i).Type.Elem().Elem(), whole); ok {
				t.Run(kind+" from files "+name, func(t *testing.T) { nothingLeaves(t, kind, fromFiles) })
			}
		}
	}
}

// mailServer rejects credentials and repeats what it was sent, or closes the connection.
func mailServer(t *testing.T, repeats bool) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				fmt.Fprint(conn, "220 here\r\n")
				told := bufio.NewScanner(conn)
				for told.Scan() {
					switch {
					case !repeats:
						return
					case strings.HasPrefix(told.Text(), "EHLO"):
						fmt.Fprint(conn, "250-here\r\n250 AUTH PLAIN LOGIN\r\n")
					default:
						fmt.Fprintf(conn, "535 I was told %s\r\n", told.Text())
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// locked is a buffer for concurrent use.
type locked struct {
	mtx sync.Mutex
	bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return l.Buffer.Write(p)
}

func (l *locked) String() string {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return l.Buffer.String()
}

func nothingLeaves(t *testing.T, kind, text string) {
	t.Helper()
	log := &locked{}
	registry := prometheus.NewRegistry()
	l, o := newLoaderWith(t, func(o *alertmanager.Options) {
		o.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Registerer = registry
	})
	cfg, problems := load(t, l, `
route: {receiver: team, group_by: [alertname], group_wait: 10ms, group_interval: 1s}
receivers:
- name: team
  `+kind+`:
  - `+strings.ReplaceAll(text, "\n", "\n    "))
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

	outputs := map[string]string{}
	ask := func(method, path, body string) string {
		w := httptest.NewRecorder()
		handler := s.API()
		if strings.HasPrefix(path, "/api/v2") {
			handler = s.Handler()
		}
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		handler.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		outputs[path] = w.Body.String()
		return w.Body.String()
	}
	var tried struct{ Integrations []alertmanager.Trial }
	require.NoError(t, json.Unmarshal([]byte(ask(http.MethodPost, "/api/ausguck/alerting/test", `{"receiver":"team"}`)), &tried))
	require.Len(t, tried.Integrations, 1)
	require.NotEmpty(t, tried.Integrations[0].Error)

	alert, err := json.Marshal([]any{map[string]any{"labels": map[string]string{"alertname": "A"}, "endsAt": time.Now().Add(time.Hour)}})
	require.NoError(t, err)
	ask(http.MethodPost, "/api/v2/alerts", string(alert))
	require.Eventually(t, func() bool {
		return strings.Contains(ask(http.MethodGet, "/api/ausguck/alerting/notifications", ""), `"error"`)
	}, patience, 20*time.Millisecond)
	for _, path := range []string{"/api/ausguck/alerting/receivers", "/api/ausguck/alerting/routes", "/api/v2/status", "/api/v2/receivers", "/api/v2/alerts/groups", "/api/v2/alerts"} {
		ask(http.MethodGet, path, "")
	}
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		outputs["metrics"] += f.String()
	}
	stop()
	require.NoError(t, <-done)
	outputs["log"] = log.String()
	require.Contains(t, outputs["log"], "team", "the failure was logged")
	require.NoError(t, db.Close())
	content, err := os.ReadFile(filepath.Join(o.Dir, "ausguck.db"))
	require.NoError(t, err)
	require.Contains(t, string(content), "team")
	outputs["database"] = string(content)
	for name, output := range outputs {
		encoded := base64.StdEncoding.EncodeToString([]byte("\x00u\x00" + hush))
		require.NotContains(t, output, encoded, name)
		if at := strings.Index(output, hush); at >= 0 {
			t.Errorf("%s has the secret: %s", name, output[max(0, at-200):min(len(output), at+50)])
		}
	}
}

// A user who tests a receiver sees whether it worked, but not what else the other side or its neighbors return.
func TestNotifyTestFollowsNoRedirect(t *testing.T) {
	var asked []string
	var mtx sync.Mutex
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mtx.Lock()
		asked = append(asked, r.URL.Path)
		mtx.Unlock()
		if r.URL.Path == "/hook" {
			http.Redirect(w, r, server.URL+"/inside", http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprint(w, strings.Repeat("x", 5000))
	}))
	t.Cleanup(server.Close)
	l, _ := newLoader(t)
	cfg, problems := load(t, l, fmt.Sprintf(`
route: {receiver: a}
receivers:
- {name: a, webhook_configs: [{url: '%[1]s/hook'}]}
- {name: b, webhook_configs: [{url: '%[1]s/long'}]}`, server.URL))
	require.Empty(t, problems)
	trials, err := l.TryReceiver(t.Context(), cfg, "a")
	require.NoError(t, err)
	require.Equal(t, alertmanager.Refused, trials[0].Result)
	require.Contains(t, trials[0].Error, "307")
	require.Equal(t, []string{"/hook"}, asked)
	trials, err = l.TryReceiver(t.Context(), cfg, "b")
	require.NoError(t, err)
	require.Equal(t, alertmanager.Delivered, trials[0].Result)
	require.Len(t, trials[0].Answers, 1)
	require.Less(t, len(trials[0].Answers[0].Body), 1100)
	require.Contains(t, trials[0].Answers[0].Body, "xxx … (cut off)")
}

// What cannot be parsed is not repeated either.
func TestNoSecretInProblems(t *testing.T) {
	l, _ := newLoader(t)
	for _, text := range []string{
		"slack_configs: [{channel: x, api_url: 'ht!tp://hushhush98765'}]",
		"slack_configs: [{channel: x, api_url: 'ftp://host.example/hushhush98765'}]",
		"webhook_configs: [{url: 'http://u:hushhush98765@[::1'}]",
		"webhook_configs: [{url: 'http://x', http_config: {proxy_url: '%zz://hushhush98765'}}]",
		"telegram_configs: [{bot_token: hushhush98765}]",
	} {
		_, problems := load(t, l, "route: {receiver: a}\nreceivers: [{name: a, "+text+"}]")
		require.NotEmpty(t, problems)
		require.NotContains(t, problems, hush)
	}
}
