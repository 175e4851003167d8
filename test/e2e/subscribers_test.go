package e2e

import (
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// subscriber is somebody without a login who reads a status page and mails.
type subscriber struct {
	t      *testing.T
	office *mailServer
	read   int // mails
}

// post submits a form, or what a mail provider sends.
func (s *subscriber) post(link string, form url.Values, origin string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, link, strings.NewReader(form.Encode()))
	require.NoError(s.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	body, err := readAll(response.Body)
	require.NoError(s.t, err)
	return response.StatusCode, body
}

// mail waits for the next mail.
func (s *subscriber) mail() (mail.Header, string) {
	s.t.Helper()
	eventually(s.t, 90*time.Second, func() error { return errUnless(len(s.office.all()) > s.read, "there is no mail") })
	m := s.office.all()[s.read]
	s.read++
	require.Equal(s.t, "status@example.com ann@example.com", m.path)
	return m.letter(s.t)
}

var linkOfMail = regexp.MustCompile(`http://\S+\?token=\w+`)

// A visitor subscribes, confirms, hears of an incident although the mail server and the program were down, and unsubscribes with one
// click.
func TestSubscribers(t *testing.T) {
	t.Parallel()
	office := startMailServer(t)
	config := configDir(t, map[string]string{
		"secrets/smtp_password": office.password,
		"alertmanager.yml": fmt.Sprintf(`
global: {smtp_smarthost: '%s', smtp_from: status@example.com, smtp_auth_username: %s, smtp_auth_password_file: secrets/smtp_password}
route: {receiver: nobody}
receivers: [{name: nobody}, {name: public-mail, email_configs: [{to: team@example.com, tls_config: {ca_file: '%s'}}]}]
`, office.address, office.user, office.caFile),
		"status-pages.yml": "pages: [{name: example, title: Example, public: true, subscribers: {receiver: public-mail}, groups: [{components: [{name: Shop, expr: vector(1)}]}]}]\n",
	})
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	args := append([]string{
		"--config.dir=" + config, "--storage.path=" + t.TempDir(), "--web.listen-address=" + address, "--no-web.well-known-ports", "--web.external-url=http://" + address,
	}, metricsOnly...)
	s := launchAt(t, address, args...)
	s.waitReady(t, readyTimeout)
	ann := &subscriber{t: t, office: office}
	public := "http://" + address + "/status-page/example"
	eventually(t, 30*time.Second, func() error {
		response, err := http.Get(public)
		if err != nil {
			return err
		}
		body, err := readAll(response.Body)
		if err != nil {
			return err
		}
		return errUnless(strings.Contains(body, `<form method="post" action="/status-page/example/subscribe">`), "no form: %s", body)
	})

	// A form on another site only sends a mail that asks.
	status, answer := ann.post(public+"/subscribe", url.Values{"email": {"ann@example.com"}}, "https://evil.example")
	require.Equal(t, http.StatusOK, status, answer)
	_, text := ann.mail()
	confirm := linkOfMail.FindString(text)
	require.True(t, strings.HasPrefix(confirm, public+"/confirm?token="), text)
	require.Equal(t, http.StatusOK, s.follow(t, confirm))
	require.JSONEq(t, `{"subscribers": []}`, s.get(t, "/api/ausguck/status-pages/example/subscribers"), "following the link is not enough")
	status, answer = ann.post(confirm, nil, "http://"+address)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, answer, "You are subscribed.")
	status, again := ann.post(public+"/subscribe", url.Values{"email": {"ann@example.com"}}, "http://"+address)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, again, "a mail is on its way", "no matter that it is subscribed")
	status, _ = ann.post(public+"/subscribe", url.Values{"email": {strings.Repeat("a", 30<<20)}}, "http://"+address)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)

	office.refuses.Store(true)
	status, answer = s.do(t, http.MethodPost, "/api/ausguck/status-pages/example/incidents", nil, `{"title": "Delays", "components": ["Shop"], "text": "We look."}`)
	require.Equal(t, http.StatusOK, status, answer)
	eventually(t, 30*time.Second, func() error {
		return errUnless(strings.Contains(s.output.String(), "Mails to the subscribers of a status page are not sent"), "no attempt")
	})
	require.NotContains(t, s.output.String(), "ann@example.com", "the log has no addresses")
	s.kill()
	office.refuses.Store(false)
	s = launchAt(t, address, args...)
	s.waitReady(t, readyTimeout)
	header, text := ann.mail()
	require.Equal(t, "[Example] Investigating: Delays", header.Get("Subject"))
	require.Contains(t, text, "We look.")
	require.Equal(t, "List-Unsubscribe=One-Click", header.Get("List-Unsubscribe-Post"))

	leave := strings.Trim(header.Get("List-Unsubscribe"), "<>")
	require.Equal(t, leave, linkOfMail.FindString(text))
	status, answer = ann.post(leave, url.Values{"List-Unsubscribe": {"One-Click"}}, "")
	require.Equal(t, http.StatusOK, status, answer)
	require.JSONEq(t, `{"subscribers": []}`, s.get(t, "/api/ausguck/status-pages/example/subscribers"))
	status, _ = s.do(t, http.MethodPost, "/api/ausguck/status-pages/example/incidents/1/updates", nil, `{"stage": "resolved", "text": "It works."}`)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, office.all(), ann.read)
}
