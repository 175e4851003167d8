package prober

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/database"
)

const modules = `
modules:
  http_2xx: {prober: http, http: {preferred_ip_protocol: ip4}}
  tcp_connect: {prober: tcp, tcp: {preferred_ip_protocol: ip4}}
  icmp: {prober: icmp, icmp: {preferred_ip_protocol: ip4}}
  dns: {prober: dns, dns: {query_name: example.org, preferred_ip_protocol: ip4}}
  token: {prober: http, http: {headers: {Authorization: Bearer s3cr3t, X-Plain: alsohidden}, body: hush, basic_auth: {username: u, password: pass1}}}
`

type option func(*Options)

func newProber(t *testing.T, probes string, change ...option) (*Prober, *prometheus.Registry) {
	t.Helper()
	db, err := database.Open(filepath.Join(t.TempDir(), "ausguck.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	registry := prometheus.NewRegistry()
	o := Options{Logger: slog.New(slog.DiscardHandler), Registerer: registry, DB: db, TimeoutOffset: 0.5, HistoryLimit: 10}
	for _, c := range change {
		c(&o)
	}
	p, err := New(o, configOf(t, probes))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- p.Run(ctx, func() { close(ready) }) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	<-ready
	return p, registry
}

func configOf(t *testing.T, probes string) *Config {
	t.Helper()
	m, problems := LoadModules("blackbox.yml", ".", []byte(modules), []byte("modules: {http_2xx: {prober: http}, extra: {prober: tcp}}"))
	require.Empty(t, problems)
	c, problems := LoadProbes(m, "probes.yml", []byte(probes))
	require.Empty(t, problems)
	return c
}

func (p *Prober) ask(t *testing.T, module, target string, more ...string) string {
	t.Helper()
	q := url.Values{"module": {module}, "target": {target}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+q.Encode(), nil)
	r.Header.Set(scrapeTimeout, "5")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Body.String()
}

// server is a server on loopback, with a counter of its requests.
func server(t *testing.T, h http.HandlerFunc) (address string, requests *atomic.Int64) {
	t.Helper()
	requests = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

// secret is the server that stands for a metadata service: its address is refused.
func secret(t *testing.T) (address string, requests *atomic.Int64, refuse option) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.99:0")
	require.NoError(t, err)
	requests = &atomic.Int64{}
	s := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		_, _ = w.Write([]byte("iam-key"))
	})}}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, requests, func(o *Options) {
		o.Refuse = func(_ context.Context, to netip.AddrPort) error {
			return refuseLinkLocal(map[bool]netip.Addr{true: netip.MustParseAddr("169.254.169.254"), false: to.Addr()}[to.Addr().String() == "127.0.0.99"], o.Allowed)
		}
	}
}

func TestProbe(t *testing.T) {
	address, _ := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status": "ok", "n": 3}`)) })
	p, _ := newProber(t, `
probes:
  - {name: fine, url: "`+address+`", expect: {json: {status: ok, n: 3}}}
  - {name: text, url: "`+address+`", expect: {text: "st.tus", not_text: error}}
  - {name: wrong, url: "`+address+`", expect: {json: {status: bad}}}
  - {name: none, url: "`+address+`", expect: {json: {no.such.key: 1}}}
`)
	require.Contains(t, p.ask(t, "probes/fine", address), "\nprobe_success 1\n")
	require.Contains(t, p.ask(t, "probes/text", address), "\nprobe_success 1\n")
	require.Contains(t, p.ask(t, "probes/wrong", address), "\nprobe_success 0\n")
	require.Contains(t, p.ask(t, "probes/none", address), "\nprobe_success 0\n")
	require.Contains(t, p.ask(t, "", address), "\nprobe_success 1\n", "the default module")
	require.Contains(t, p.ask(t, "nothing", address), "Unknown module")
	require.Contains(t, p.ask(t, "tcp_connect", strings.TrimPrefix(address, "http://")), "\nprobe_success 1\n")
}

// Nothing is sent to a refused address: not directly, not by a name, not behind a redirect, and not if the redirect is followed at
// the last moment. 200 attempts at once, because the check races with the connection.
func TestRefusedAddresses(t *testing.T) {
	hidden, requests, refuse := secret(t)
	redirect, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/twice" {
			http.Redirect(w, r, "/once", http.StatusFound)
			return
		}
		http.Redirect(w, r, hidden+"/latest/meta-data", http.StatusFound)
	})
	p, registry := newProber(t, "", refuse)
	host := strings.TrimPrefix(hidden, "http://")
	for _, c := range [][2]string{
		{"http_2xx", hidden}, {"http_2xx", host}, {"http_2xx", redirect}, {"http_2xx", redirect + "/twice"}, {"tcp_connect", host}, {"icmp", "127.0.0.99"}, {"dns", "127.0.0.99"},
	} {
		answer := p.ask(t, c[0], c[1])
		require.Contains(t, answer, "\nprobe_success 0\n", c[1])
		require.Contains(t, answer, "# probe refused: 169.254.169.254 is a link-local address", c[1])
		require.NotContains(t, answer, "probe_http_status_code", "nothing about the target is told: %s", c[1])
		require.NotContains(t, p.ask(t, c[0], c[1], "debug", "true"), "iam-key")
	}
	answers := make(chan string)
	for range 200 {
		go func() { answers <- p.ask(t, "http_2xx", redirect) }()
	}
	for range 200 {
		require.Contains(t, <-answers, "probe refused")
	}
	require.Zero(t, requests.Load(), "requests reached the refused address")
	require.Equal(t, 214.0, testutil.ToFloat64(p.refused))
	require.Contains(t, p.last(redirect, "http_2xx").DebugOutput, "probe refused: ")
	count, err := testutil.GatherAndCount(registry, "ausguck_prober_refused_total")
	require.NoError(t, err)
	require.Equal(t, 1, count)
}

func TestLinkLocal(t *testing.T) {
	for _, ip := range []string{
		"169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
		"::169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd20:ce::254",
	} {
		require.Error(t, refuseLinkLocal(netip.MustParseAddr(ip), nil), ip)
	}
	for _, ip := range []string{"127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd00::1", "8.8.8.8", "2001:db8::1", "64:ff9b::808:808", "100.64.0.1"} {
		require.NoError(t, refuseLinkLocal(netip.MustParseAddr(ip), nil), ip)
	}
	allowed, err := ParseNetworks("169.254.1.0/24, 100.100.100.200")
	require.NoError(t, err)
	require.NoError(t, refuseLinkLocal(netip.MustParseAddr("169.254.1.7"), allowed))
	require.NoError(t, refuseLinkLocal(netip.MustParseAddr("100.100.100.200"), allowed))
	require.Error(t, refuseLinkLocal(netip.MustParseAddr("169.254.169.254"), allowed))
	_, err = ParseNetworks("10.0.0.0/8 x")
	require.ErrorContains(t, err, `"x" is neither`)
}

// The log of a probe shows no secret of its module, and neither does the configuration.
func TestNoSecretInLogs(t *testing.T) {
	address, _ := server(t, func(http.ResponseWriter, *http.Request) {})
	p, _ := newProber(t, "")
	texts := []string{p.ask(t, "token", address, "debug", "true")}
	for _, path := range []string{"/logs?target=" + url.QueryEscape(address), "/logs?id=0", "/config", "/"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		switch r.URL.Path {
		case "/logs":
			p.Logs(w, r)
		case "/config":
			p.ServeConfig(w, r)
		default:
			p.Index(w, r)
		}
		require.Equal(t, http.StatusOK, w.Code, path)
		texts = append(texts, w.Body.String())
	}
	for _, text := range texts {
		require.NotEmpty(t, text)
		for _, word := range []string{"s3cr3t", "alsohidden", "hush", "pass1"} {
			require.NotContains(t, text, word)
		}
	}
	require.Contains(t, texts[0], "Module configuration:\nprober: http")
	require.Contains(t, texts[1], "probe_success 1", "the result is there")
}

// A page of another site cannot start a probe through the browser of somebody who can reach the port.
func TestOtherSitesStartNoProbe(t *testing.T) {
	address, requests := server(t, func(http.ResponseWriter, *http.Request) {})
	p, _ := newProber(t, "")
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200, "": 200} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?target="+url.QueryEscape(address), nil)
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, site)
	}
	require.EqualValues(t, 3, requests.Load())
}

// A name that only Docker knows is probed at its address, under its name.
func TestNamesOfContainers(t *testing.T) {
	var host atomic.Value
	address, _ := server(t, func(_ http.ResponseWriter, r *http.Request) { host.Store(r.Host) })
	u, err := url.Parse(address)
	require.NoError(t, err)
	p, _ := newProber(t, "", func(o *Options) {
		o.Resolve = func(_ context.Context, host string) (netip.Addr, bool) {
			return netip.MustParseAddr("127.0.0.1"), host == "gateway"
		}
	})
	require.Contains(t, p.ask(t, "http_2xx", "http://gateway:"+u.Port()+"/x"), "\nprobe_success 1\n")
	require.Equal(t, "gateway:"+u.Port(), host.Load())
	require.Contains(t, p.ask(t, "tcp_connect", "gateway:"+u.Port()), "\nprobe_success 1\n")
}

// A target that never responds takes its own time and nobody else's.
func TestHangingTargets(t *testing.T) {
	end := make(chan struct{})
	hanging, _ := server(t, func(http.ResponseWriter, *http.Request) { <-end })
	fine, _ := server(t, func(http.ResponseWriter, *http.Request) {})
	p, _ := newProber(t, "")
	answers := make(chan string, 50)
	for range 50 {
		go func() { answers <- p.ask(t, "http_2xx", hanging) }()
	}
	require.Contains(t, p.ask(t, "http_2xx", fine), "\nprobe_success 1\n")
	require.Empty(t, answers, "it did not wait for them")
	for range 50 {
		require.Contains(t, <-answers, "\nprobe_success 0\n")
	}
	close(end)
}

func TestMetricsOfProbes(t *testing.T) {
	_, registry := newProber(t, `
probes:
  - {name: a, url: "http://127.0.0.1:1/", group: G, depends_on: [b, b], expect: {max_duration: 1500ms, certificate_days: 2}}
  - {name: b, url: "icmp://127.0.0.1"}
`)
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP ausguck_probe_certificate_min_seconds How long a certificate has to be valid still; absent if it is not set.
# TYPE ausguck_probe_certificate_min_seconds gauge
ausguck_probe_certificate_min_seconds{probe="a"} 172800
# HELP ausguck_probe_dependency A probe whose failure explains that of another; always 1.
# TYPE ausguck_probe_dependency gauge
ausguck_probe_dependency{dependency="b",probe="a"} 1
# HELP ausguck_probe_info The probes of probes.yml and of the page; always 1.
# TYPE ausguck_probe_info gauge
ausguck_probe_info{group="",probe="b",target="icmp://127.0.0.1"} 1
ausguck_probe_info{group="G",probe="a",target="http://127.0.0.1:1/"} 1
# HELP ausguck_probe_max_duration_seconds The duration above which a probe counts as slow; absent if none is set.
# TYPE ausguck_probe_max_duration_seconds gauge
ausguck_probe_max_duration_seconds{probe="a"} 1.5
`), "ausguck_probe_info", "ausguck_probe_max_duration_seconds", "ausguck_probe_certificate_min_seconds", "ausguck_probe_dependency"))
}
