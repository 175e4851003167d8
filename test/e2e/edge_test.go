package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onItsOwn starts Ausguck on a separate address, so that its well-known ports are free there.
func onItsOwn(t *testing.T, host, data string, flags ...string) *server {
	t.Helper()
	s := launchAt(t, host+":3000", append([]string{
		"--config.dir=" + configDir(t, map[string]string{"prometheus.yml": quietConfig}), "--storage.path=" + data, "--web.listen-address=" + host + ":3000",
		"--web.enable-lifecycle", "--web.enable-admin-api", "--web.enable-remote-write-receiver", "--web.enable-otlp-receiver", "--no-docker", "--no-log-collector",
	}, flags...)...)
	s.waitReady(t, readyTimeout)
	return s
}

// asWritten sends a request exactly as written, which clients of net/http would not, and returns the status and body.
func asWritten(t *testing.T, address string, lines ...string) (int, string) {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, 10*time.Second)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(c, strings.Join(lines, "\r\n")+"\r\n\r\n")
	require.NoError(t, err)
	method, _, _ := strings.Cut(lines[0], " ")
	response, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	require.NoError(t, err)
	if response.StatusCode == http.StatusSwitchingProtocols {
		return response.StatusCode, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

// addViewer creates a user with the role Viewer and returns the header with the password.
func (s *server) addViewer(t *testing.T) (authorization string) {
	t.Helper()
	status, body := s.do(t, http.MethodPost, "/api/admin/users", nil, `{"login":"eve","password":"password of eve"}`)
	require.Equal(t, http.StatusOK, status, body)
	return as("eve", "password of eve")["Authorization"]
}

// A path that one router interprets differently from the next gave a Viewer access to the admin API.
func TestEncodedPathsGiveNothing(t *testing.T) {
	t.Parallel()
	const host = "127.0.33.1"
	data := t.TempDir()
	s := onItsOwn(t, host, data)
	eve := s.addViewer(t)
	for _, line := range []string{
		"POST /api/v1/admin%2ftsdb/snapshot", "PUT /api/v1/admin%2ftsdb/delete_series?match[]=up", "POST /api/v1/otlp%2fv1/metrics", "POST /loki/api/v1/rules%2fns",
		"POST /api/v1%2fadmin/tsdb/snapshot", "POST /api%2fv1%2fadmin%2ftsdb%2fsnapshot", "POST /%2fapi/v1/admin/tsdb/snapshot", "DELETE /loki/api/v1/rules%2Fns",
		"POST /loki/api%2fv1/push", "POST /api/v1/wr%69te%2f", "GET /debug%2fpprof/heap", "GET /api/ausguck%2fbackup", "POST /-%2freload", "POST /api/v1/admin%5ctsdb/snapshot",
		"POST /api/v1/admin%00/tsdb/snapshot", "POST /api/datasources/proxy/uid/prometheus/api/v1/admin%2ftsdb/snapshot",
	} {
		for _, port := range []string{"3000", "9090", "3100", "9093"} {
			status, body := asWritten(t, host+":"+port, line+" HTTP/1.1", "Host: "+host+":"+port, "Authorization: "+eve, "Content-Length: 0")
			require.Equal(t, http.StatusBadRequest, status, "%s on %s: %s", line, port, body)
		}
	}
	for _, line := range []string{
		"POST /api/v1/%61dmin/tsdb/snapshot", "PUT /api/v1/admin/%74sdb/delete_series?match[]=up", "POST /api/v1/otlp/v1/m%65trics", "POST /loki/api/v1/%72ules/ns",
	} {
		status, body := asWritten(t, host+":3000", line+" HTTP/1.1", "Host: x", "Authorization: "+eve, "Content-Length: 0")
		require.Equal(t, http.StatusForbidden, status, "%s: %s", line, body)
	}
	require.NoDirExists(t, filepath.Join(data, "prometheus", "snapshots"))
	// The name of a label may be any text.
	status, body := asWritten(t, host+":3000", "GET /api/datasources/proxy/uid/loki/loki/api/v1/label/a%2Fb/values HTTP/1.1", "Host: x", "Authorization: "+eve)
	require.NotContains(t, []int{http.StatusBadRequest, http.StatusForbidden}, status, body)
	s.stop(t)
}

const webSocket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="

// CORS does not apply to WebSockets: without a check of the origin, every website could read all logs live.
func TestOtherSitesReadNoLogsLive(t *testing.T) {
	t.Parallel()
	const host = "127.0.33.2"
	s := onItsOwn(t, host, t.TempDir())
	v := &visitor{s: s}
	require.Equal(t, http.StatusSeeOther, v.login(t, "admin", adminPassword).StatusCode)
	tails := map[string]string{
		host + ":3100": "/loki/api/v1/tail?query={a=%22b%22}",
		host + ":3000": "/api/datasources/proxy/uid/loki/loki/api/v1/tail?query={a=%22b%22}",
	}
	for address, path := range tails {
		ask := func(header ...string) int {
			lines := append([]string{"GET " + path + " HTTP/1.1", "Host: " + address, webSocket, "Cookie: " + v.cookie}, header...)
			status, _ := asWritten(t, address, lines...)
			return status
		}
		require.Equal(t, http.StatusSwitchingProtocols, ask(), "logcli has no origin")
		require.Equal(t, http.StatusSwitchingProtocols, ask("Origin: http://"+address), "our own page")
		require.Equal(t, http.StatusSwitchingProtocols, ask("Origin: http://"+address, "Sec-Fetch-Site: same-origin"), "our own page")
		for _, header := range [][]string{
			{"Origin: https://evil.example"}, {"Origin: http://" + host + ":8000"}, {"Origin: null"}, {"Sec-Fetch-Site: cross-site"},
			{"Origin: http://" + host + ":8000", "Sec-Fetch-Site: same-site"}, {"Origin: http://" + address + ".evil.example"},
		} {
			require.Equal(t, http.StatusForbidden, ask(header...), "%s: %s", address, header)
		}
	}
	s.stop(t)
}

// For the browser, a website whose name resolves to 127.0.0.1 has the same origin as our ports, but the Host header has
// its name.
func TestNamesThatLeadToLoopback(t *testing.T) {
	t.Parallel()
	const host = "127.0.33.3"
	s := onItsOwn(t, host, t.TempDir(), "--web.allowed-hosts=wall.example,*.lan.example", "--web.external-url=http://watch.example.org/")
	machine, err := os.Hostname()
	require.NoError(t, err)
	for port, paths := range map[string][]string{
		"9090": {"GET /api/v1/query?query=up", "GET /metrics", "POST /-/reload", "GET /"},
		"9093": {"GET /api/v2/silences", "POST /api/v2/silences", "DELETE /api/v2/silence/x"},
		"3100": {"GET /loki/api/v1/labels", "POST /loki/api/v1/delete?query={a=%22b%22}&start=0", "POST /loki/api/v1/push"},
		"9100": {"GET /metrics"},
	} {
		for _, line := range paths {
			for name, want := range map[string]bool{
				"localhost:" + port: true, "127.0.0.1:" + port: true, "[::1]:" + port: true, "prometheus:9090": true, "agent-loki:3100": true, machine + ":" + port: true,
				"wall.example": true, "a.lan.example:1": true, "watch.example.org": true,
				"evil.example:" + port: false, "localhost.evil.example": false, "10.0.0.1:" + port: false, "lan.example": false,
			} {
				status, body := asWritten(t, host+":"+port, line+" HTTP/1.1", "Host: "+name, "Content-Length: 0", "Content-Type: application/json")
				if want {
					require.NotEqual(t, http.StatusMisdirectedRequest, status, "%s of %s on %s", line, name, port)
					continue
				}
				require.Equal(t, http.StatusMisdirectedRequest, status, "%s of %s on %s: %s", line, name, port, body)
				require.Contains(t, body, "--web.allowed-hosts=")
			}
		}
	}
	status, _ := asWritten(t, host+":3000", "GET /api/user HTTP/1.1", "Host: evil.example")
	require.Equal(t, http.StatusUnauthorized, status, "the main address asks for credentials, which the other name does not have")
	s.stop(t)
}

// Metrics contain names of jobs, files, receivers and addresses, so they are available without login only on this
// machine.
func TestMetricsAskOnTheNetwork(t *testing.T) {
	t.Parallel()
	network := newNetwork(t)
	const address = "0.0.0.0:3000"
	var s *server
	network.do(func() {
		s = launchAt(t, "127.0.0.1:3000", append([]string{"--config.dir=" + configDir(t, map[string]string{"prometheus.yml": quietConfig}),
			"--storage.path=" + t.TempDir(), "--web.listen-address=" + address}, metricsOnly...)...)
	})
	s.client.Transport = &http.Transport{DialContext: network.dial}
	s.waitReady(t, readyTimeout)
	for _, port := range []string{"3000", "9090", "9093", "3100"} {
		s.url = "http://127.0.0.1:" + port
		require.Equal(t, http.StatusUnauthorized, s.status(t, "/metrics"), port)
		if port != "3100" {
			require.Equal(t, http.StatusOK, s.status(t, "/-/healthy"), port)
		}
		s.url = urlOf("admin", adminPassword, "127.0.0.1:"+port)
		require.Equal(t, http.StatusOK, s.status(t, "/metrics"), port)
	}
	s.stop(t)

	local := startAusguck(t, t.TempDir(), t.TempDir(), metricsOnly...)
	local.url = "http://" + local.address
	require.Equal(t, http.StatusOK, local.status(t, "/metrics"))
	status, _ := local.do(t, http.MethodGet, "/metrics", map[string]string{"X-Forwarded-For": "192.0.2.1"}, "")
	require.Equal(t, http.StatusUnauthorized, status, "through a proxy")
	local.stop(t)
}

func TestWellKnownPortsThatAsk(t *testing.T) {
	t.Parallel()
	const host = "127.0.33.4"
	s := onItsOwn(t, host, t.TempDir(), "--web.well-known-ports=authenticated")
	for port, path := range map[string]string{"9090": "/api/v1/query?query=1", "9093": "/api/v2/silences", "3100": "/loki/api/v1/labels", "9100": "/metrics"} {
		s.url = "http://" + host + ":" + port
		require.Equal(t, http.StatusUnauthorized, s.status(t, path), port)
		s.url = urlOf("admin", adminPassword, host+":"+port)
		require.Equal(t, http.StatusOK, s.status(t, path), port)
	}
	s.stop(t)
	code, report := runToEnd(t, ausguckBinary(t), "check", "--web.well-known-ports=maybe")
	require.Equal(t, 2, code)
	require.Contains(t, report, "true,false,authenticated")
}

func TestHeadersOfThePage(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, t.TempDir(), t.TempDir(), append(metricsOnly, "--web.image-hosts=https://img.example.org")...)
	response, err := s.client.Get(s.url + "/")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, "same-origin", response.Header.Get("Cross-Origin-Opener-Policy"))
	require.Contains(t, response.Header.Get("Content-Security-Policy"), "img-src 'self' data: blob: https://img.example.org;")
	s.stop(t)
	code, report := runToEnd(t, ausguckBinary(t), "--web.image-hosts=https://a.example;script-src", "--storage.path="+t.TempDir())
	require.Equal(t, 2, code, report)
	require.Contains(t, report, "is not an origin such as https://img.example.org")
}

// Written files are readable only by the user of the service and its group.
func TestFilesAreNotForOthers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "config")
	code, report := runToEnd(t, ausguckBinary(t), "init", dir)
	require.Zero(t, code, report)
	for _, name := range []string{"alertmanager.yml", "heartbeats.yml"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "people write passwords into %s", name)
	}
	storage := filepath.Join(t.TempDir(), "data")
	s := startAusguck(t, dir, storage, "--no-docker", "--no-cadvisor")
	s.stop(t)
	files := 0
	require.NoError(t, filepath.Walk(storage, func(path string, info os.FileInfo, err error) error {
		files++
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o007, "%s is %s", path, info.Mode())
		return nil
	}))
	require.Greater(t, files, 10)
}

// authority is a certificate authority of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return authority{cert, key}
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// issue returns a certificate for 127.0.0.1 that is valid until the time, and its files.
func (a authority) issue(t *testing.T, until time.Time) (cert tls.Certificate, certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "x"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(t, err)
	secret, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
	cert, err = tls.X509KeyPair(certPEM, keyPEM)
	require.NoError(t, err)
	return cert, certPEM, keyPEM
}

// Only clients with a currently valid certificate from the named authority are accepted, and invalid handshakes have no
// effect on others.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	_, cert, key := ours.issue(t, time.Now().Add(time.Hour))
	config := configDir(t, map[string]string{
		"prometheus.yml": quietConfig, "server.crt": string(cert), "server.key": string(key), "ca.crt": string(ours.pem()),
		"web.yml": "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n",
	})
	s := launchAusguck(t, config, t.TempDir(), metricsOnly...)
	roots := x509.NewCertPool()
	roots.AddCert(ours.cert)
	ask := func(c *tls.Config) (int, error) {
		c.RootCAs = roots
		client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.address+"/api/v1/query?query=1", nil)
		require.NoError(t, err)
		request.SetBasicAuth("admin", adminPassword)
		response, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		return response.StatusCode, response.Body.Close()
	}
	good, _, _ := ours.issue(t, time.Now().Add(time.Hour))
	eventually(t, readyTimeout, func() error {
		status, err := ask(&tls.Config{Certificates: []tls.Certificate{good}})
		if err != nil {
			return err
		}
		return errUnless(status == http.StatusOK, "%d", status)
	})
	expired, _, _ := ours.issue(t, time.Now().Add(-time.Hour))
	foreign, _, _ := other.issue(t, time.Now().Add(time.Hour))
	for name, c := range map[string]*tls.Config{
		"none":                  {},
		"expired":               {Certificates: []tls.Certificate{expired}},
		"of another authority":  {Certificates: []tls.Certificate{foreign}},
		"an old version of TLS": {Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, //nolint:gosec // that it is refused is tested
	} {
		_, err := ask(c)
		require.Error(t, err, name)
	}
	for _, garbage := range []string{"", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff", strings.Repeat("\x16\x03\x01\x40\x00", 1000), strings.Repeat("\xff", 100_000)} {
		c, err := net.Dial("tcp", s.address)
		require.NoError(t, err)
		_, _ = io.WriteString(c, garbage)
		defer c.Close()
	}
	status, err := ask(&tls.Config{Certificates: []tls.Certificate{good}})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	s.stop(t)
}
