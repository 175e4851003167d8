package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Tokens in parameters and headers of a configuration are shown only to admins: not to viewers, and not on ports
// without login.
func TestTokensAreForAdmins(t *testing.T) {
	t.Parallel()
	const host, hush = "127.0.32.4", "hushhush98765"
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(target.Close)
	config := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(config, "prometheus.yml"), []byte(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: secretive
  params: {token: [`+hush+`], module: [http_2xx]}
  http_headers: {X-Token: {values: [`+hush+`]}}
  static_configs: [{targets: ['`+strings.TrimPrefix(target.URL, "http://")+`']}]
remote_write:
- url: `+target.URL+`/write?key=`+hush+`
  headers: {X-Scope: `+hush+`}
`), 0o600))
	s := launchAt(t, host+":3000", append([]string{"--config.dir=" + config, "--storage.path=" + t.TempDir(), "--web.listen-address=" + host + ":3000"}, metricsOnly...)...)
	s.waitReady(t, readyTimeout)
	status, body := s.do(t, http.MethodPost, "/api/admin/users", nil, `{"login":"eve","password":"password of eve"}`)
	require.Equal(t, http.StatusOK, status, body)
	eventually(t, readyTimeout, func() error {
		_, body := s.do(t, http.MethodGet, "/api/v1/targets", nil, "")
		return errUnless(strings.Contains(body, "EOF"), "the target was not scraped yet: %s", body)
	})
	shown := []string{"/api/v1/targets", "/api/v1/targets?state=any", "/api/v1/status/config"}
	for _, path := range shown {
		_, body := s.do(t, http.MethodGet, path, nil, "")
		require.Contains(t, body, hush, "an admin sees what is configured: %s", path)
	}
	viewer := urlOf("eve", "password of eve", host+":3000")
	for _, base := range []string{viewer, "http://" + host + ":9090"} {
		s.url = base
		for _, path := range append(shown, "/api/v1/targets/", "/api/v1/targets/relabel_steps?scrapePool=secretive&labels={}", "/api/v1/scrape_pools", "/api/ausguck/containers", "/api/ausguck/status", "/status", "/") {
			_, body := s.do(t, http.MethodGet, path, map[string]string{"Accept-Encoding": "identity"}, "")
			require.NotContains(t, body, hush, "%s%s", base, path)
		}
		_, body := s.do(t, http.MethodGet, "/api/v1/targets", nil, "")
		require.Contains(t, body, "http_2xx", "what is no token stays")
		require.Contains(t, body, "EOF")
	}
	require.NotContains(t, s.output.String(), hush, "the log, which is collected")
}

// The URL of Telegram's API has the bot's token in its path, and a client's errors contain URLs: nothing that leaves
// the process, or that it stores, contains the token.
func TestTokenOfABotIsInNoError(t *testing.T) {
	t.Parallel()
	const token = "123456789:AAhushhush98765hushhush98765hushhush"
	config, data := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(config, "alertmanager.yml"), []byte(`
route: {receiver: bot, group_wait: 1s}
receivers:
- name: bot
  telegram_configs: [{bot_token: '`+token+`', chat_id: 1, api_url: 'http://127.0.0.1:1'}]
`), 0o600))
	s := startAusguck(t, config, data, metricsOnly...)
	status, body := s.do(t, http.MethodPost, "/api/ausguck/alerting/test", nil, `{"receiver":"bot"}`)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, "connection refused")
	require.NotContains(t, body, token)
	s.fire(t, map[string]string{"alertname": "Hush"})
	eventually(t, readyTimeout, func() error {
		_, body := s.do(t, http.MethodGet, "/api/ausguck/alerting/notifications", nil, "")
		return errUnless(strings.Contains(body, "Hush") && strings.Contains(body, "connection refused"), "%s", body)
	})
	for _, path := range []string{"/api/ausguck/alerting/notifications", "/api/ausguck/alerting/receivers", "/api/v2/status", "/api/v2/receivers", "/metrics"} {
		_, body := s.do(t, http.MethodGet, path, nil, "")
		require.NotContains(t, body, token, path)
	}
	code, report := runToEnd(t, ausguckBinary(t), "notify-test", "bot", "--config.dir="+config, "--storage.path="+t.TempDir())
	require.Equal(t, 1, code, report)
	require.NotContains(t, report, token)
	s.stop(t)
	require.NotContains(t, s.output.String(), token, "the log, which is collected")
	for _, name := range []string{"ausguck.db", "ausguck.db-wal"} {
		content, err := os.ReadFile(filepath.Join(data, name))
		if err == nil {
			require.NotContains(t, string(content), token, name)
		}
	}
}
