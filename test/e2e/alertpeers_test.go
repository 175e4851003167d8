package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// inbox is a receiver of notifications: the messages, and when they arrived.
type inbox struct {
	mtx      sync.Mutex
	messages []message
}

type message struct {
	at   time.Time
	path string
	body string
}

func (b *inbox) add(path, body string) {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	b.messages = append(b.messages, message{time.Now(), path, body})
}

func (b *inbox) all() []message {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	return append([]message{}, b.messages...)
}

// ServeHTTP accepts a message and responds like Slack.
func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // truncated, so not accepted
	}
	b.add(r.URL.Path, string(body))
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "ok") // the sender is gone
}

// wait returns the first message that contains all the texts.
func (b *inbox) wait(t *testing.T, timeout time.Duration, texts ...string) (found message) {
	t.Helper()
	eventually(t, timeout, func() error {
		for _, m := range b.all() {
			if containsAll(m.body, texts) {
				found = m
				return nil
			}
		}
		return fmt.Errorf("no message with %q among %d", texts, len(b.all()))
	})
	return found
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// webhook is what Alertmanager sends to a webhook.
type webhook struct {
	Status      string `json:"status"`
	ExternalURL string `json:"externalURL"`
	Alerts      []struct {
		Status       string            `json:"status"`
		Labels       map[string]string `json:"labels"`
		StartsAt     time.Time         `json:"startsAt"`
		GeneratorURL string            `json:"generatorURL"`
	} `json:"alerts"`
}

func (m message) webhook(t *testing.T) (w webhook) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(m.body), &w), m.body)
	return w
}

// counts returns how often each value of a label arrived with a status.
func (b *inbox) counts(t *testing.T, label, status string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, m := range b.all() {
		for _, a := range m.webhook(t).Alerts {
			if a.Status == status {
				counts[a.Labels[label]]++
			}
		}
	}
	return counts
}

// fire posts firing alerts that do not expire while a test runs.
func (s *server) fire(t *testing.T, alerts ...map[string]string) {
	t.Helper()
	s.postAlerts(t, time.Now().Add(time.Hour), alerts...)
}

// resolve posts alerts that have ended.
func (s *server) resolve(t *testing.T, alerts ...map[string]string) {
	t.Helper()
	s.postAlerts(t, time.Now(), alerts...)
}

func (s *server) postAlerts(t *testing.T, ends time.Time, alerts ...map[string]string) {
	t.Helper()
	var list []any
	for _, labels := range alerts {
		list = append(list, map[string]any{"labels": labels, "endsAt": ends.Format(time.RFC3339Nano)})
	}
	body, err := json.Marshal(list)
	require.NoError(t, err)
	status, answer := s.do(t, http.MethodPost, "/api/v2/alerts", map[string]string{"Content-Type": "application/json"}, string(body))
	require.Equal(t, http.StatusOK, status, answer)
}

// mailServer is an SMTP server that accepts mail over TLS, from clients that know the password.
type mailServer struct {
	inbox
	address  string
	caFile   string
	user     string
	password string
	refuses  atomic.Bool // all mails, for now
}

func startMailServer(t *testing.T) *mailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return serveMail(t, listener)
}

// serveMail does the same on a listener. The name in the certificate is 127.0.0.1.
func serveMail(t *testing.T, listener net.Listener) *mailServer {
	t.Helper()
	m := &mailServer{user: "ausguck", password: "p0st-c4rd", caFile: t.TempDir() + "/ca.pem"}
	server := smtp.NewServer(m)
	server.Domain = "localhost"
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{loopbackCertificate(t, m.caFile)}}
	m.address = listener.Addr().String()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.NoError(t, <-served)
	})
	return m
}

// NewSession implements smtp.Backend.
func (m *mailServer) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &mailSession{server: m, conn: c}, nil
}

type mailSession struct {
	server   *mailServer
	conn     *smtp.Conn
	knows    bool
	to, from string
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.server.user || password != s.server.password {
			return smtp.ErrAuthFailed
		}
		s.knows = true
		return nil
	}), nil
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if _, encrypted := s.conn.TLSConnectionState(); !encrypted || !s.knows {
		return smtp.ErrAuthRequired
	}
	if s.server.refuses.Load() {
		return &smtp.SMTPError{Code: 451, Message: "try again later"}
	}
	s.from = from
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }

func (s *mailSession) Data(r io.Reader) error {
	body, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.server.add(s.from+" "+s.to, string(body))
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

var _ smtp.AuthSession = (*mailSession)(nil)

// loopbackCertificate creates a certificate for 127.0.0.1 and writes it to the path from which clients that
// trust it read it.
func loopbackCertificate(t *testing.T, path string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// door is a receiver on a fixed port that can be closed and opened.
type door struct {
	inbox
	address string
	server  *http.Server
	served  chan error
}

func newDoor(t *testing.T) *door {
	t.Helper()
	d := &door{address: fmt.Sprintf("127.0.0.1:%d", freePort(t))}
	d.open(t)
	t.Cleanup(func() { d.shut(t) })
	return d
}

func (d *door) open(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", d.address)
	require.NoError(t, err)
	d.server, d.served = &http.Server{Handler: &d.inbox}, make(chan error, 1)
	go func(s *http.Server, served chan error) { served <- s.Serve(listener) }(d.server, d.served)
}

// shut refuses new connections and closes open ones.
func (d *door) shut(t *testing.T) {
	t.Helper()
	if d.server == nil {
		return
	}
	require.NoError(t, d.server.Close())
	if err := <-d.served; !errors.Is(err, http.ErrServerClosed) {
		require.NoError(t, err)
	}
	d.server = nil
}
