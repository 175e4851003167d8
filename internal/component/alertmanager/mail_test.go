package alertmanager_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net"
	"net/mail"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
)

// postOffice is a mail server without TLS.
type postOffice struct {
	mtx     sync.Mutex
	letters []posted
}

type posted struct {
	from string
	to   []string
	text []byte
}

func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &posting{office: p}, nil }

type posting struct {
	office *postOffice
	posted posted
}

func (p *posting) Mail(from string, _ *smtp.MailOptions) error { p.posted.from = from; return nil }

func (p *posting) Rcpt(to string, _ *smtp.RcptOptions) error {
	p.posted.to = append(p.posted.to, to)
	return nil
}

func (p *posting) Data(r io.Reader) (err error) {
	p.posted.text, err = io.ReadAll(r)
	p.office.mtx.Lock()
	defer p.office.mtx.Unlock()
	p.office.letters = append(p.office.letters, p.posted)
	return err
}

func (p *posting) Reset()        { p.posted = posted{} }
func (p *posting) Logout() error { return nil }

// mailing returns a server whose receiver team sends mails to an address.
func mailing(t *testing.T, address string) *alertmanager.Server {
	t.Helper()
	l, _ := newLoader(t)
	cfg, problems := load(t, l, fmt.Sprintf(`
global: {smtp_smarthost: '%s', smtp_from: 'Status <status@example.com>', smtp_require_tls: false}
route: {receiver: team}
receivers: [{name: team, email_configs: [{to: team@example.com, headers: {Reply-To: help@example.com, Subject: not this, X-Team: not this}}]}, {name: hook}]`, address))
	require.Empty(t, problems)
	require.True(t, cfg.HasEmail("team"))
	require.False(t, cfg.HasEmail("hook"))
	require.False(t, cfg.HasEmail("none"))
	return alertmanager.New(l, cfg, nil)
}

func TestSendMail(t *testing.T) {
	office := &postOffice{}
	server := smtp.NewServer(office)
	server.Domain = "localhost"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() { require.NoError(t, server.Close()); require.NoError(t, <-served) })
	s := mailing(t, listener.Addr().String())

	const evil = `{{ .ExternalURL }} <b>ü</b>`
	require.NoError(t, s.SendMail(t.Context(), "team", alertmanager.Mail{
		To: "{{x}}@example.com", Subject: evil + "\r\nBcc: bob@example.com", Text: evil, HTML: "<p>" + evil + "</p>",
		Headers: map[string]string{"List-Unsubscribe": "<https://example.org/?token=a&b=c>", "Auto-Submitted": "auto-generated\r\nBcc: bob@example.com"},
	}))
	require.Len(t, office.letters, 1)
	one := office.letters[0]
	require.Equal(t, "status@example.com", one.from)
	require.Equal(t, []string{"{{x}}@example.com"}, one.to, "nobody else")
	m, err := mail.ReadMessage(bytes.NewReader(one.text))
	require.NoError(t, err)
	require.Equal(t, "{{x}}@example.com", m.Header.Get("To"))
	require.Equal(t, "Status <status@example.com>", m.Header.Get("From"))
	require.Equal(t, "help@example.com", m.Header.Get("Reply-To"))
	require.Equal(t, "<https://example.org/?token=a&b=c>", m.Header.Get("List-Unsubscribe"))
	require.Empty(t, m.Header.Get("Bcc"))
	require.Empty(t, m.Header.Get("X-Team"))
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, evil+"\r\nBcc: bob@example.com", subject)
	body, err := io.ReadAll(m.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), "{{ .ExternalURL }} <b>=C3=BC</b>\r\n")
	require.Contains(t, string(body), "<p>{{ .ExternalURL }} <b>=C3=BC</b></p>")

	require.ErrorContains(t, s.SendMail(t.Context(), "hook", alertmanager.Mail{To: "a@example.com"}), `no receiver "hook" with email_configs`)
}

// A mail server that accepts connections and says nothing delays only a few mails.
func TestSendMailToASilentServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	s := mailing(t, listener.Addr().String())
	for n := range 5 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := s.SendMail(ctx, "team", alertmanager.Mail{To: "a@example.com"})
		cancel()
		require.ErrorContains(t, err, map[bool]string{false: "has not accepted the mail", true: "does not respond to earlier mails"}[n == 4])
	}
}
