package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hotRules are about a metric of the test. The value of a label comes from outside.
const hotRules = `groups:
  - name: hot
    rules:
      - alert: TooHot
        expr: temperature_celsius > 30
        labels: {severity: critical}
        annotations:
          summary: "{{ $labels.room }} is hot"
          description: "<!channel> {{ $value }} degrees & more"
          dashboard: "{{ $externalURL }}/d/ausguck-self?var-room=a"
          runbook_url: "{{ $externalURL }}/runbooks/host#hostdiskfull"
`

const hookSecret, slackSecret = "h00k-t0k3n", "T000/B000/s14ck"

func alertingConfig(t *testing.T, target, web string, m *mailServer) string {
	t.Helper()
	templates, err := os.ReadFile("../../monitoring/templates/ausguck.tmpl")
	require.NoError(t, err)
	return configDir(t, map[string]string{
		"templates/ausguck.tmpl": string(templates),
		"secrets/slack_url":      web + "/services/" + slackSecret + "\n",
		"secrets/smtp_password":  m.password,
		"hot.rules.yml":          hotRules,
		"prometheus.yml": fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ['*.rules.yml']
alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}
scrape_configs: [{job_name: sensor, static_configs: [{targets: ['%s']}]}]
`, target),
		"alertmanager.yml": fmt.Sprintf(`
global:
  slack_api_url_file: secrets/slack_url
  smtp_smarthost: '%s'
  smtp_from: ausguck@example.com
  smtp_auth_username: %s
  smtp_auth_password_file: secrets/smtp_password
templates: [templates/*.tmpl]
route: {receiver: team, group_by: [alertname], group_wait: 2s, group_interval: 2s}
receivers:
  - name: team
    webhook_configs: [{url: '%s/hook/%s'}]
    slack_configs:
      - channel: '#alerts'
        send_resolved: true
        title: '{{ template "ausguck.slack.title" . }}'
        fallback: '{{ template "ausguck.slack.title" . }}'
        title_link: '{{ template "ausguck.link" . }}'
        text: '{{ template "ausguck.slack.text" . }}'
    email_configs:
      - to: team@example.com
        send_resolved: true
        text: '{{ template "ausguck.email.text" . }}'
        tls_config: {ca_file: '%s'}
`, m.address, m.user, web, hookSecret, m.caFile),
	})
}

// From a metric to three receivers: who is notified, how fast, with working links, and of the end.
func TestAlertsAreDelivered(t *testing.T) {
	t.Parallel()
	var degrees atomic.Int64
	target := serveTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "temperature_celsius{room=\"<http://evil.example|a>\"} %d\ntemperature_celsius{room=\"b\"} %d\n", degrees.Load(), degrees.Load())
	})
	hooks, slack, letters := &inbox{}, &inbox{}, startMailServer(t)
	mux := http.NewServeMux()
	mux.Handle("/hook/", hooks)
	mux.Handle("/services/", slack)
	peer := httptest.NewServer(mux)
	t.Cleanup(peer.Close)

	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	s := launchAt(t, address, append([]string{
		"--config.dir=" + alertingConfig(t, target, peer.URL, letters), "--storage.path=" + t.TempDir(),
		"--web.listen-address=" + address, "--no-web.well-known-ports", "--web.external-url=http://" + address,
		"--rules.alert.resend-delay=1s", "--log.level=debug",
	}, metricsOnly...)...)
	s.waitReady(t, readyTimeout)
	s.waitValue(t, 15*time.Second, "count(temperature_celsius)", 2)

	hot := time.Now()
	degrees.Store(40)
	hook := hooks.wait(t, time.Minute, `"status":"firing"`).webhook(t)
	require.Len(t, hook.Alerts, 2, "both rooms in one message")
	require.Equal(t, "http://"+address, hook.ExternalURL)
	said := slack.wait(t, time.Minute, "firing")
	letter := letters.wait(t, time.Minute, "FIRING")
	for name, m := range map[string]message{"webhook": hooks.all()[0], "Slack": said, "email": letter} {
		figure(t, "from the condition to the delivery by %s: %.1f s, of which 2 s are group_wait", name, m.at.Sub(hot).Seconds())
	}
	s.requireSlack(t, said.body, hot)
	s.requireLetter(t, letter)

	cool := time.Now()
	degrees.Store(20)
	for name, b := range map[string]*inbox{"webhook": hooks, "Slack": slack, "email": &letters.inbox} {
		m := b.wait(t, time.Minute, map[string]string{"webhook": `"status":"resolved"`, "Slack": "[resolved]", "email": "RESOLVED"}[name])
		figure(t, "from the end of the condition to the delivery by %s: %.1f s", name, m.at.Sub(cool).Seconds())
	}
	s.requireNoSecrets(t, hookSecret, slackSecret, letters.password)
}

var slackLink = regexp.MustCompile(`<([^|<>]+)\|(\w+)>`)

// requireSlack checks a message as Slack parses it, and follows its links.
func (s *server) requireSlack(t *testing.T, body string, hot time.Time) {
	t.Helper()
	var payload struct {
		Channel     string
		Attachments []struct {
			Title, Text, Fallback string
			TitleLink             string `json:"title_link"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &payload))
	require.Equal(t, "#alerts", payload.Channel)
	require.Len(t, payload.Attachments, 1)
	a := payload.Attachments[0]
	require.Regexp(t, `^\[2 firing\] TooHot on 127.0.0.1:\d+$`, a.Title)
	require.Equal(t, a.Title, a.Fallback)
	require.Contains(t, a.Text, "*&lt;http://evil.example|a&gt; is hot*")
	require.Contains(t, a.Text, "&lt;!channel&gt; 40 degrees &amp; more")
	require.Equal(t, http.StatusOK, s.follow(t, a.TitleLink))

	links := map[string]*url.URL{}
	for _, match := range slackLink.FindAllStringSubmatch(a.Text, -1) {
		require.NotContains(t, match[1], "evil")
		link := html.UnescapeString(match[1])
		require.Equal(t, http.StatusOK, s.follow(t, link), link)
		parsed, err := url.Parse(link)
		require.NoError(t, err)
		links[match[2]] = parsed
	}
	require.Len(t, links, 4, "graph, dashboard, runbook, silence: %s", a.Text)
	from, err := strconv.ParseInt(links["Dashboard"].Query().Get("from"), 10, 64)
	require.NoError(t, err)
	require.WithinDuration(t, hot.Add(-30*time.Minute), time.UnixMilli(from), time.Minute, "from half an hour before the alert")
	require.Equal(t, "now", links["Dashboard"].Query().Get("to"))
	require.Equal(t, "a", links["Dashboard"].Query().Get("var-room"))
	require.Contains(t, s.get(t, "/api/dashboards/uid/"+strings.TrimPrefix(links["Dashboard"].Path, "/d/")), "ausguck-self")
	require.Equal(t, "/graph", links["Graph"].Path)
	require.NotEmpty(t, s.query(t, links["Graph"].Query().Get("g0.expr")), "the link's expression says what fires")
	until, err := time.Parse("2006-01-02 15:04:05", links["Graph"].Query().Get("g0.end_input"))
	require.NoError(t, err, links["Graph"])
	require.WithinDuration(t, hot, until, 3*time.Minute)
	require.Contains(t, s.get(t, links["Runbook"].Path), `id="`+links["Runbook"].Fragment+`"`)
	require.Contains(t, links["Silence"].Query().Get("filter"), `alertname="TooHot"`)
}

// follow opens a link in a message as a logged-in user.
func (s *server) follow(t *testing.T, link string) int {
	t.Helper()
	path, ours := strings.CutPrefix(link, "http://"+s.address)
	require.True(t, ours, "%s leads back to this server", link)
	status, _ := s.do(t, http.MethodGet, path, nil, "")
	return status
}

func (s *server) requireLetter(t *testing.T, m message) {
	t.Helper()
	require.Equal(t, "ausguck@example.com team@example.com", m.path)
	header, text := m.letter(t)
	require.Contains(t, header.Get("Subject"), "TooHot")
	require.Contains(t, text, "FIRING: <http://evil.example|a> is hot")
	links := regexp.MustCompile(`(?m)(?:Graph|Dashboard|Runbook|Silence): (\S+)`).FindAllStringSubmatch(text, -1)
	require.Len(t, links, 7, "three for each alert, and one to silence: %s", text)
	for _, link := range links {
		require.Equal(t, http.StatusOK, s.follow(t, link[1]), link[1])
	}
}

// letter returns the header of a mail, and its plain text.
func (m message) letter(t *testing.T) (mail.Header, string) {
	t.Helper()
	letter, err := mail.ReadMessage(strings.NewReader(m.body))
	require.NoError(t, err)
	_, params, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	require.NoError(t, err)
	part, err := multipart.NewReader(letter.Body, params["boundary"]).NextRawPart()
	require.NoError(t, err)
	text, err := io.ReadAll(quotedprintable.NewReader(part))
	require.NoError(t, err)
	return letter.Header, string(text)
}

// requireNoSecrets checks every place where something is shown.
func (s *server) requireNoSecrets(t *testing.T, secrets ...string) {
	t.Helper()
	status, test := s.do(t, http.MethodPost, "/api/ausguck/alerting/test", map[string]string{"Content-Type": "application/json"}, `{"receiver":"team"}`)
	require.Equal(t, http.StatusOK, status)
	places := map[string]string{"a test": test}
	for _, path := range []string{
		"/api/v2/status", "/api/v2/receivers", "/api/v2/alerts", "/api/ausguck/alerting/notifications", "/api/ausguck/alerting/receivers",
		"/api/ausguck/alerting/routes", "/status", "/metrics", "/api/v1/status/flags",
	} {
		places[path] = s.get(t, path)
	}
	s.stop(t)
	places["the log"] = s.output.String()
	for place, text := range places {
		for _, secret := range secrets {
			require.NotContains(t, text, secret, place)
		}
	}
	require.Contains(t, places["/api/v2/status"], `\u003csecret\u003e`)
}

// The documented dead man's switch pings while alerting works, and stops when rules are not evaluated or alerts do
// not reach Alertmanager.
func TestDeadMansSwitch(t *testing.T) {
	t.Parallel()
	pings := &inbox{}
	peer := httptest.NewServer(pings)
	t.Cleanup(peer.Close)
	docs, err := os.ReadFile("../../docs/alerting.md")
	require.NoError(t, err)
	_, example, found := strings.Cut(string(docs), "## Dead man's switch")
	require.True(t, found)
	_, example, found = strings.Cut(example, "```yaml\n")
	require.True(t, found)
	example, _, _ = strings.Cut(example, "```")
	for from, to := range map[string]string{"group_interval: 1m": "group_interval: 2s", "repeat_interval: 50s": "repeat_interval: 1s"} {
		require.Contains(t, example, from)
		example = strings.Replace(example, from, to, 1)
	}
	rules, err := os.ReadFile("../../monitoring/rules/ausguck.rules.yml")
	require.NoError(t, err)
	prometheus := func(rules, alertmanager string) string {
		return fmt.Sprintf("global: {evaluation_interval: 1s}\nrule_files: ['%s']\nalerting: {alertmanagers: [{static_configs: [{targets: ['%s']}]}]}\n", rules, alertmanager)
	}
	works := prometheus("rules/*.yml", "alertmanager:9093")
	config := configDir(t, map[string]string{
		"prometheus.yml": works, "rules/ausguck.rules.yml": string(rules), "alertmanager.yml": example,
		"secrets/heartbeat_url": peer.URL + "/ping",
	})
	s := startAusguck(t, config, t.TempDir(), append([]string{"--rules.alert.resend-delay=1s", "--web.enable-lifecycle"}, metricsOnly...)...)
	beats := func() {
		before := len(pings.all())
		eventually(t, 30*time.Second, func() error {
			return errUnless(len(pings.all()) >= before+3, "%d pings, there were %d", len(pings.all()), before)
		})
	}
	beats()
	require.Contains(t, pings.all()[0].body, "Watchdog")
	for what, broken := range map[string]string{
		"no rules are evaluated":           prometheus("none/*.yml", "alertmanager:9093"),
		"alerts do not reach Alertmanager": prometheus("rules/*.yml", "127.0.0.1:1"),
	} {
		writeFile(t, filepath.Join(config, "prometheus.yml"), broken)
		s.reloadByPost(t, nil)
		eventually(t, time.Minute, func() error {
			list := pings.all()
			quiet := time.Since(list[len(list)-1].at)
			return errUnless(quiet > 8*time.Second, "%s, and the last ping came %s ago", what, quiet)
		})
		writeFile(t, filepath.Join(config, "prometheus.yml"), works)
		s.reloadByPost(t, nil)
		beats()
	}
	s.stop(t)
}
