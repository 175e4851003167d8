package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// officialModules are modules in the forms of upstream's example.yml.
const officialModules = `
modules:
  http_2xx:
    prober: http
    timeout: 5s
    http:
      valid_http_versions: ["HTTP/1.1", "HTTP/2.0"]
      valid_status_codes: []
      method: GET
      headers: {Origin: example.com}
      http_headers: {Accept-Language: {values: [en-US]}}
      follow_redirects: true
      fail_if_body_matches_regexp: ["Could not connect to database"]
      preferred_ip_protocol: ip4
      ip_protocol_fallback: false
  no_redirects: {prober: http, http: {follow_redirects: false, valid_status_codes: [302], preferred_ip_protocol: ip4}}
  old_redirects: {prober: http, http: {no_follow_redirects: true, preferred_ip_protocol: ip4}}
  body: {prober: http, http: {fail_if_body_not_matches_regexp: [welcome], preferred_ip_protocol: ip4}}
  header: {prober: http, http: {fail_if_header_not_matches: [{header: Content-Type, regexp: "^text/"}], preferred_ip_protocol: ip4}}
  json: {prober: http, http: {fail_if_body_json_not_matches_cel: "body.foo == 'bar' && body.baz.startsWith('q')", preferred_ip_protocol: ip4}}
  post: {prober: http, http: {method: POST, body: '{}', basic_auth: {username: u, password: p}, preferred_ip_protocol: ip4}}
  gzip: {prober: http, http: {compression: gzip, headers: {Accept-Encoding: gzip}, preferred_ip_protocol: ip4}}
  ca: {prober: http, http: {tls_config: {ca_file: ca.pem}, preferred_ip_protocol: ip4}}
  insecure: {prober: http, http: {tls_config: {insecure_skip_verify: true}, fail_if_not_ssl: true, preferred_ip_protocol: ip4}}
  tcp_connect: {prober: tcp, tcp: {preferred_ip_protocol: ip4}}
  tls_connect: {prober: tcp, tcp: {tls: true, tls_config: {ca_file: ca.pem}, preferred_ip_protocol: ip4}}
  banner: {prober: tcp, tcp: {preferred_ip_protocol: ip4, query_response: [{expect: "^SSH-2.0-([^ -]+)", labels: [{name: ssh_version, value: "${1}"}]}]}}
  dns: {prober: dns, dns: {query_name: example.org, query_type: A, preferred_ip_protocol: ip4, valid_rcodes: [NOERROR], validate_answer_rrs: {fail_if_not_matches_regexp: ["192.0.2.7"]}}}
  dns_soa: {prober: dns, dns: {query_name: example.org, query_type: SOA, preferred_ip_protocol: ip4, transport_protocol: tcp}}
  icmp: {prober: icmp, icmp: {preferred_ip_protocol: ip4}}
  grpc: {prober: grpc, grpc: {preferred_ip_protocol: ip4, tls: false}}
  grpc_service: {prober: grpc, grpc: {preferred_ip_protocol: ip4, service: none}}
  empty: {}
`

// certificate returns a certificate for 127.0.0.1 that is its own authority, and writes it as PEM.
func certificate(t *testing.T, path string, life time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "ausguck test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	writeFile(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// probeWorld is a set of services to probe.
type probeWorld struct {
	http, https, tcp, ssh, dns, grpc, closed string
	requests                                 *atomic.Int64 // by HTTP and HTTPS
}

func newProbeWorld(t *testing.T, cert tls.Certificate) (w probeWorld) {
	t.Helper()
	requests := &atomic.Int64{}
	w.requests = requests
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/json", http.StatusFound)
		case "/missing":
			http.NotFound(w, r)
		case "/error":
			http.Error(w, "Could not connect to database", http.StatusInternalServerError)
		case "/database":
			fmt.Fprint(w, "Could not connect to database")
		case "/json":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"foo": "bar", "baz": "qux"}`)
		default:
			w.Header().Set("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
			fmt.Fprint(w, "welcome")
		}
	})
	plain := httptest.NewServer(h)
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(h)
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	w.http, w.https = plain.URL, secure.URL
	w.tcp = strings.TrimPrefix(plain.URL, "http://")
	ssh, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ssh.Close() })
	go func() {
		for {
			c, err := ssh.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("SSH-2.0-OpenSSH_10.0 Debian\r\n"))
			_ = c.Close()
		}
	}()
	w.ssh = ssh.Addr().String()
	w.dns = dnsServer(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	w.grpc = listener.Addr().String()
	w.closed = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	return w
}

func dnsServer(t *testing.T) string {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	listener, err := net.Listen("tcp", packets.LocalAddr().String())
	require.NoError(t, err)
	answer := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		text := "example.org. 60 IN A 192.0.2.7"
		switch q.Question[0].Qtype {
		case dns.TypeTXT:
			text = `version.bind. 0 CH TXT "9.20.4"`
		case dns.TypeSOA:
			text = "example.org. 60 IN SOA ns.example.org. mail.example.org. 2026112901 7200 3600 1209600 3600"
		}
		rr, err := dns.NewRR(text)
		if err == nil {
			m.Answer = append(m.Answer, rr)
		}
		_ = w.WriteMsg(m)
	})
	for _, s := range []*dns.Server{{PacketConn: packets, Handler: answer}, {Listener: listener, Handler: answer}} {
		go func() { _ = s.ActivateAndServe() }()
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return packets.LocalAddr().String()
}

// probeCases are a module and a target each.
func (w probeWorld) cases() [][2]string {
	return [][2]string{
		{"http_2xx", w.http}, {"http_2xx", w.tcp}, {"http_2xx", w.http + "/missing"}, {"http_2xx", w.http + "/error"}, {"http_2xx", w.http + "/database"},
		{"http_2xx", w.http + "/redirect"}, {"http_2xx", "http://" + w.closed}, {"http_2xx", "http://none.invalid/"}, {"http_2xx", w.https}, {"", w.http},
		{"no_redirects", w.http + "/redirect"}, {"no_redirects", w.http}, {"old_redirects", w.http + "/redirect"},
		{"body", w.http}, {"body", w.http + "/json"}, {"header", w.http}, {"header", w.http + "/json"}, {"json", w.http + "/json"}, {"json", w.http},
		{"post", w.http}, {"gzip", w.http}, {"ca", w.https}, {"insecure", w.https}, {"insecure", w.http},
		{"tcp_connect", w.tcp}, {"tcp_connect", w.closed}, {"tcp_connect", "127.0.0.1"}, {"tls_connect", strings.TrimPrefix(w.https, "https://")}, {"tls_connect", w.tcp},
		{"banner", w.ssh}, {"banner", w.tcp}, {"dns", w.dns}, {"dns_soa", w.dns}, {"dns", w.closed}, {"icmp", "127.0.0.1"}, {"icmp", "none.invalid"},
		{"grpc", w.grpc}, {"grpc_service", w.grpc}, {"grpc", w.closed}, {"empty", w.http}, {"unknown", w.http}, {"http_2xx", ""},
	}
}

var (
	sampleName   = regexp.MustCompile(`(?m)^([a-z_]+(?:\{[^}]*\})?) `)
	changingText = regexp.MustCompile(`(serialnumber|fingerprint_sha256)="[^"]*"`)
)

// series returns the names and labels in a page of metrics, with the values of those that do not depend on time.
func seriesOf(page string) (names []string) {
	for _, m := range sampleName.FindAllStringSubmatch(page, -1) {
		names = append(names, changingText.ReplaceAllString(m[1], `$1=""`))
	}
	for _, name := range []string{"probe_success", "probe_http_status_code", "probe_http_redirects", "probe_http_ssl", "probe_http_content_length", "probe_failed_due_to_regex", "probe_failed_due_to_cel", "probe_dns_answer_rrs", "probe_dns_serial", "probe_grpc_status_code", "probe_ssl_earliest_cert_expiry", "probe_ip_addr_hash"} {
		names = append(names, fmt.Sprintf("%s = %v", name, metric(page, name)))
	}
	slices.Sort(names)
	return names
}

// Every prober returns the same series as the stock program, with equal results.
func TestProbesLikeStock(t *testing.T) {
	config := t.TempDir()
	cert := certificate(t, filepath.Join(config, "ca.pem"), 240*time.Hour)
	world := newProbeWorld(t, cert)
	modules, cases := world.reported(t, cert)
	writeFile(t, filepath.Join(config, "blackbox.yml"), officialModules+modules)
	cases = append(cases, world.cases()...)
	s := startAusguck(t, config, t.TempDir(), metricsOnly...)
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd := exec.Command(stockBinary(t, "blackbox_exporter"), "--config.file=blackbox.yml", "--web.listen-address="+address)
	cmd.Dir = config // paths are relative to it
	stock := launch(t, address, cmd)
	eventually(t, readyTimeout, func() error {
		response, err := stock.client.Get(stock.url + "/-/healthy")
		if err == nil {
			err = response.Body.Close()
		}
		return err
	})
	check, err := exec.Command(stockBinary(t, "blackbox_exporter"), "--config.check", "--config.file=../../monitoring/blackbox.yml").CombinedOutput()
	require.NoError(t, err, "the built-in blackbox.yml: %s", check)
	succeeded := 0
	for _, c := range cases {
		query := "/probe?" + url.Values{"module": {c[0]}, "target": {c[1]}}.Encode()
		header := map[string]string{"X-Prometheus-Scrape-Timeout-Seconds": "3"}
		wantStatus, want := stock.do(t, http.MethodGet, query, header, "")
		status, got := s.do(t, http.MethodGet, query, header, "")
		require.Equal(t, wantStatus, status, "%v: %s", c, got)
		if wantStatus != http.StatusOK {
			require.Equal(t, want, got, c)
			continue
		}
		require.Equal(t, seriesOf(want), seriesOf(got), "%v", c)
		if metric(got, "probe_success") == 1 {
			succeeded++
		}
	}
	require.Greater(t, succeeded, 28)
	figure(t, "%d probes by both programs: equal series and results, %d succeed", len(cases), succeeded)
}

// A service that goes down and comes back, a certificate that expires, and a dependency, with the built-in rules.
func TestProbesAlert(t *testing.T) {
	t.Parallel()
	config := configDir(t, map[string]string{"blackbox.yml": officialModules})
	cert := certificate(t, filepath.Join(config, "ca.pem"), 5*24*time.Hour)
	world := newProbeWorld(t, cert)
	var down atomic.Bool
	flaky := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(flaky.Close)
	writeFile(t, filepath.Join(config, "probes.yml"), fmt.Sprintf(`
probes:
  - {name: Shop, url: %q, group: Public, interval: 5s}
  - {name: Checkout, url: %q, interval: 5s, depends_on: Shop}
  - {name: Certificate, url: %q, module: ca, interval: 5s}
  - {name: Fine, url: %q, interval: 5s, expect: {text: welcome}}
`, flaky.URL, flaky.URL+"/checkout", world.https, world.http))
	s := startAusguck(t, config, t.TempDir(), metricsOnly...)
	s.waitValue(t, time.Minute, `count(probe_success{job="probes"} == 1)`, 4)
	require.EqualValues(t, -1, s.value(t, `count(ALERTS{alertname="ProbeDown"})`))
	down.Store(true)
	begun := time.Now()
	s.waitValue(t, time.Minute, `count(ALERTS{alertname="ProbeDown", probe="Shop", group="Public", alertstate="firing"})`, 1)
	figure(t, "an outage of a probe every 5 s fires after %.0f s", time.Since(begun).Seconds())
	require.EqualValues(t, 1, s.value(t, `count(ALERTS{alertname="ProbeDown"})`), "Checkout depends on it")
	down.Store(false)
	s.waitValue(t, 3*time.Minute, `count(ALERTS{alertname="ProbeDown"}) or vector(0)`, 0)
	eventually(t, 2*time.Minute, func() error { // its rule is evaluated once a minute
		alerts := s.get(t, "/api/v2/alerts?filter=alertname%3DProbeCertificateExpires&filter=severity%3Dwarning")
		return errUnless(strings.Contains(alerts, `"probe":"Certificate"`), "no alert: %s", alerts)
	})
}

// Probes cost little. The same program without them, in the same run, is subtracted.
func TestProbesCost(t *testing.T) {
	world := newProbeWorld(t, certificate(t, filepath.Join(t.TempDir(), "ca.pem"), time.Hour))
	var probes strings.Builder
	probes.WriteString("probes:\n")
	for i := range 500 {
		fmt.Fprintf(&probes, "  - {name: p%d, url: %q, interval: 30s}\n", i, fmt.Sprintf("%s/?%d", world.http, i))
	}
	with := startAusguck(t, configDir(t, map[string]string{"probes.yml": probes.String()}), t.TempDir(), metricsOnly...)
	without := startAusguck(t, configDir(t, map[string]string{"probes.yml": "probes: []\n"}), t.TempDir(), metricsOnly...)
	with.waitValue(t, 2*time.Minute, `count(probe_success{job="probes"} == 1)`, 500)
	cpu := func(s *server) float64 { return metric(s.get(t, "/metrics"), "process_cpu_seconds_total") }
	waitProbes := func(count int64) {
		first := world.requests.Load()
		eventually(t, 2*time.Minute, func() error {
			return errUnless(world.requests.Load() >= first+count, "%d probes", world.requests.Load()-first)
		})
	}
	waitProbes(500) // what a start costs is over
	begun, a, b := time.Now(), cpu(with), cpu(without)
	waitProbes(1000)
	seconds := time.Since(begun).Seconds()
	figure(t, "500 probes every 30 s: %.1f %% of a core, beside %.1f %% without them", 100*(cpu(with)-a-(cpu(without)-b))/seconds, 100*(cpu(without)-b)/seconds)
}
