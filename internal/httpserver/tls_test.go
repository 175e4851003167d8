package httpserver_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/ausguck/ausguck/internal/httpserver"
)

func hash(t *testing.T, password string) string {
	t.Helper()
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	return string(h)
}

// newCert writes a self-signed certificate for 127.0.0.1 to dir/name.crt and dir/name.key.
func newCert(t *testing.T, dir, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	writeFile(t, filepath.Join(dir, name+".crt"), string(certPEM))
	writeFile(t, filepath.Join(dir, name+".key"), string(keyPEM))
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	require.NoError(t, err)
	return cert
}

func tlsClient(t *testing.T, server tls.Certificate, client ...tls.Certificate) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(server.Certificate[0])
	require.NoError(t, err)
	pool.AddCert(leaf)
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: client},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestTLSAndUsersFromWebConfig(t *testing.T) {
	dir := t.TempDir()
	cert := newCert(t, dir, "server")
	file := writeFile(t, filepath.Join(dir, "web.yml"), `
tls_server_config:
  cert_file: server.crt
  key_file: server.key
http_server_config:
  headers:
    X-Frame-Options: sameorigin
basic_auth_users:
  admin: `+hash(t, "secret")+"\n")
	url, _ := start(t, httpserver.Options{WebConfigFile: file}, text("hello"))
	client := tlsClient(t, cert)
	require.Regexp(t, `^https://127\.0\.0\.1:\d+$`, url)

	tests := map[string]struct {
		path, user, password string
		want                 int
	}{
		"right":                     {"/", "admin", "secret", 200},
		"none":                      {"/", "", "", 401},
		"wrong password":            {"/", "admin", "guess", 401},
		"unknown user":              {"/", "root", "secret", 401},
		"healthy is open":           {"/-/healthy", "", "", 200},
		"ready is open":             {"/-/ready", "", "", 200},
		"healthy by wrong password": {"/-/healthy", "admin", "guess", 200},
		"reload is not":             {"/-/reload", "", "", 401},
		"below a health path":       {"/-/ready/x", "", "", 401},
		"with a slash":              {"/-/ready/", "", "", 401},
		"escaped health path":       {"/-%2Fready", "", "", 401},
		"dots":                      {"/-/ready/../../api/v1/query", "", "", 401},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			resp, _ := get(t, client, url+tt.path, tt.user, tt.password)
			require.Equal(t, tt.want, resp.StatusCode)
			require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
		})
	}
	resp, _ := get(t, client, url, "admin", "secret")
	require.Equal(t, 2, resp.ProtoMajor)
	require.Equal(t, "sameorigin", resp.Header.Get("X-Frame-Options"), "web.yml replaces the default")

	// Users and certificates are reloaded without a restart.
	writeFile(t, file, "tls_server_config: {cert_file: server.crt, key_file: server.key}\nbasic_auth_users:\n  eve: "+hash(t, "new")+"\n")
	resp, _ = get(t, client, url, "admin", "secret")
	require.Equal(t, 401, resp.StatusCode)
	resp, _ = get(t, client, url, "eve", "new")
	require.Equal(t, 200, resp.StatusCode)
}

func TestClientCertificates(t *testing.T) {
	dir := t.TempDir()
	cert, client, stranger := newCert(t, dir, "server"), newCert(t, dir, "client"), newCert(t, dir, "stranger")
	file := writeFile(t, filepath.Join(dir, "web.yml"), `
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: client.crt
http_server_config:
  http2: false
`)
	url, _ := start(t, httpserver.Options{WebConfigFile: file}, text("hello"))
	resp, _ := get(t, tlsClient(t, cert, client), url, "", "")
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, 1, resp.ProtoMajor)
	for _, c := range []*http.Client{tlsClient(t, cert), tlsClient(t, cert, stranger)} {
		_, err := c.Get(url)
		require.ErrorContains(t, err, "tls: ")
	}
}

// An HTTP/2 client that does not receive any response keeps its connection active forever from the perspective of net/http.
func TestStreamsThatAreNotReadGiveWay(t *testing.T) {
	for name, plain := range map[string]bool{"with TLS": false, "without": true} {
		t.Run(name, func(t *testing.T) { streamsGiveWay(t, plain) })
	}
}

func streamsGiveWay(t *testing.T, plain bool) {
	dir := t.TempDir()
	cert := newCert(t, dir, "server")
	reg := prometheus.NewRegistry()
	o := httpserver.Options{Logger: slog.New(slog.DiscardHandler), MaxConnections: 4, Registerer: reg, DrainTimeout: 50 * time.Millisecond}
	if plain {
		o.PlainHTTP2 = []string{"prometheus"}
	} else {
		o.WebConfigFile = writeFile(t, filepath.Join(dir, "web.yml"), "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n")
	}
	s, err := httpserver.New(o)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/", text("hello"))
	mux.HandleFunc("/much", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, io.LimitReader(zeros{}, 1<<30)) })
	require.NoError(t, s.Listen("prometheus", "127.0.0.1:0", mux)) // no slots besides the four
	address := serve(t, s)
	client := tlsClient(t, cert)
	// Over HTTP/1.1, with connections that are never idle: an idle one would give way to the next.
	transport := client.Transport.(*http.Transport)
	transport.DisableKeepAlives, transport.ForceAttemptHTTP2, transport.TLSNextProto = true, false, map[string]func(string, *tls.Conn) http.RoundTripper{}
	for i := range 8 {
		c, err := net.Dial("tcp", address.Addr)
		require.NoError(t, err)
		if !plain {
			c = tls.Client(c, &tls.Config{RootCAs: transport.TLSClientConfig.RootCAs, ServerName: "127.0.0.1", NextProtos: []string{"h2"}})
		}
		t.Cleanup(func() { c.Close() })
		_, err = io.WriteString(c, http2.ClientPreface)
		require.NoError(t, err)
		framer := http2.NewFramer(c, nil)
		require.NoError(t, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
		var header bytes.Buffer
		encoder := hpack.NewEncoder(&header)
		for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "x"}, {":path", []string{"/", "/much"}[i%2]}} {
			require.NoError(t, encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
		}
		require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header.Bytes(), EndStream: true, EndHeaders: true}))
	}
	require.Eventually(t, func() bool {
		response, err := client.Get(address.URL())
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, 20*time.Second, 100*time.Millisecond)
}
