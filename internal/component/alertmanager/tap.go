package alertmanager

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	commonconfig "github.com/prometheus/common/config"
)

// maxAnswer bounds how much of a response is kept.
const maxAnswer = 16 << 10

// Answer is a response of the other side of a test.
type Answer struct {
	// From is the address that was called, "host:port".
	From   string `json:"from"`
	Status string `json:"status"` // such as "200 OK"
	Body   string `json:"body"`
}

// tap records the connections of a test. Integrations build their own HTTP clients and do not expose the
// responses, but accept a dial function: each connection ends here, in memory, and is forwarded from here. With
// TLS, the integration talks to the tap, which uses a temporary certificate, and the tap talks to the other side
// with the integration's own TLS settings, and verifies its certificate.
type tap struct {
	mtx     sync.Mutex
	real    *tls.Config // the integration's settings
	records []*record
	failed  error
}

// record is what the other side sent on one connection.
type record struct {
	from string
	mtx  sync.Mutex
	said bytes.Buffer
}

func newTap() *tap { return &tap{} }

func (t *tap) options() []commonconfig.HTTPClientOption {
	return []commonconfig.HTTPClientOption{
		commonconfig.WithDialContextFunc(t.dial),
		commonconfig.WithNewTLSConfigFunc(t.settings),
		commonconfig.WithHTTP2Disabled(),
		commonconfig.WithKeepAlivesDisabled(),
	}
}

// settings keeps the integration's TLS settings for the other side and makes the integration trust the tap.
func (t *tap) settings(ctx context.Context, c *commonconfig.TLSConfig, o ...commonconfig.TLSConfigOption) (*tls.Config, error) {
	real, err := commonconfig.NewTLSConfigWithContext(ctx, c, o...)
	if err != nil {
		return nil, err
	}
	t.mtx.Lock()
	defer t.mtx.Unlock()
	t.real = real
	return &tls.Config{InsecureSkipVerify: true}, nil //nolint:gosec // its other end is in this process
}

func (t *tap) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: trialTimeout}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn = &boundConn{Conn: conn, exceeded: func() { t.fail(errLongAnswer) }}
	r := &record{from: address}
	t.mtx.Lock()
	t.records = append(t.records, r)
	t.mtx.Unlock()
	near, far := net.Pipe()
	go func() {
		defer func() { _, _ = conn.Close(), far.Close() }()
		if err := t.join(ctx, far, conn, r); err != nil {
			t.fail(err)
		}
	}()
	return near, nil
}

// fail records why a connection failed.
func (t *tap) fail(err error) {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	t.failed = err
}

// join connects far, the integration's connection, to that of the other side.
func (t *tap) join(ctx context.Context, far, conn net.Conn, r *record) error {
	first := bufio.NewReader(far)
	start, err := first.Peek(1)
	if err != nil {
		return nil //nolint:nilerr // nothing was asked
	}
	const handshake = 0x16 // the first byte of TLS
	if start[0] != handshake {
		return pump(first, far, conn, r)
	}
	host, _, err := net.SplitHostPort(r.from)
	if err != nil {
		return err
	}
	t.mtx.Lock()
	settings := t.real.Clone()
	t.mtx.Unlock()
	settings.NextProtos = []string{"http/1.1"}
	if settings.ServerName == "" {
		settings.ServerName = host
	}
	other := tls.Client(conn, settings)
	if err := other.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS with %s: %w", r.from, err)
	}
	own, err := certificate()
	if err != nil {
		return err
	}
	here := tls.Server(&peeked{far, first}, &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12})
	return pump(here, here, other, r)
}

// pump copies in both directions, and copies to r what the other side sends.
func pump(asked io.Reader, near io.Writer, other net.Conn, r *record) error {
	go func() { _, _ = io.Copy(other, asked) }() // ends with the connections
	// Recorded first: a reader that has read a response to its end looks for it immediately.
	_, err := io.Copy(io.MultiWriter(r, near), other)
	if errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	if errors.Is(err, syscall.ECONNRESET) && len(r.answers()) > 0 {
		return nil // a server that responds before it has read the whole request closes the connection this way
	}
	return err
}

// Write keeps the beginning of what was sent.
func (r *record) Write(b []byte) (int, error) {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	if room := maxAnswer - r.said.Len(); room > 0 {
		r.said.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

// take returns the responses since the last call, and why a connection failed.
func (t *tap) take() ([]Answer, error) {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	answers := []Answer{}
	for _, r := range t.records {
		answers = append(answers, r.answers()...)
	}
	failed := t.failed
	t.records, t.failed = nil, nil
	return answers, failed
}

// answers parses the HTTP responses in a record. Truncated ones are read as far as possible.
func (r *record) answers() (answers []Answer) {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	said := bufio.NewReader(bytes.NewReader(r.said.Bytes()))
	for {
		resp, err := http.ReadResponse(said, nil)
		if err != nil {
			return answers
		}
		body, _ := io.ReadAll(resp.Body) // truncated: what is left of it
		_ = resp.Body.Close()
		answers = append(answers, Answer{From: r.from, Status: resp.Status, Body: strings.ToValidUTF8(string(body), "�")})
	}
}

// peeked is a connection whose first bytes were already read.
type peeked struct {
	net.Conn
	r io.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// certificate creates one for the few seconds of a test; it is not verified.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
