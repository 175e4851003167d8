package prober

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/blackbox_exporter/config"
	upstream "github.com/prometheus/blackbox_exporter/prober"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/redact"
	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// Options configures a Prober.
type Options struct {
	Logger *slog.Logger
	// Registerer receives the metrics of blackbox_exporter and ausguck_probe_*.
	Registerer prometheus.Registerer
	// Allowed are the networks in the link-local and metadata ranges that may be probed.
	Allowed []netip.Prefix
	// Refuse returns an error for an address that must not be probed for another reason; nil refuses none.
	Refuse func(ctx context.Context, to netip.AddrPort) error
	// Resolve returns the address of a host that DNS does not know, or a better one; ok is false if there is none.
	Resolve func(ctx context.Context, host string) (ip netip.Addr, ok bool)
	// TimeoutOffset is subtracted from the timeout of a scrape, in seconds; upstream's default is 0.5.
	TimeoutOffset float64
	// DB holds the probes that users add on the page.
	DB *sql.DB
	// Scraped returns what to do if Prometheus does not scrape the probes; empty if it does.
	Scraped func() (remedy string)
	// HistoryLimit is how many results are kept for the page of port 9115; upstream's default is 100.
	HistoryLimit uint
}

// Prober probes targets on request.
type Prober struct {
	o       Options
	added   added
	history *upstream.ResultHistory
	unknown prometheus.Counter
	refused prometheus.Counter
	log     *promslog.Config // of single probes
	calm    *slog.Logger     // for what happens at every probe

	reasons sync.Map // why the last probe failed, by scrapeKey

	mtx     sync.Mutex // held while the state is replaced
	applied *Config
	page    []Probe // what was added on the page
	state   atomic.Pointer[state]
}

// state is what is probed: the files together with what was added on the page.
type state struct {
	modules map[string]config.Module
	probes  []entry
}

// entry is a probe with its origin.
type entry struct {
	Probe
	// editable is set if it was added on the page.
	editable bool
	// address is the target as its module expects it.
	address string
}

// New returns a Prober with a configuration. It opens nothing.
func New(o Options, cfg *Config) (*Prober, error) {
	level := promslog.NewLevel()
	if err := level.Set("info"); err != nil {
		return nil, err
	}
	p := &Prober{
		o: o, added: added{o.DB}, history: &upstream.ResultHistory{MaxResults: o.HistoryLimit},
		// The log of a probe is in its debug output. It does not go to ours, which a target that is down would fill.
		log: &promslog.Config{Writer: io.Discard, Level: level},
		unknown: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "blackbox_module_unknown_total",
			Help: "Count of unknown modules requested by probes",
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_prober_refused_total",
			Help: "Probes that were refused because of the target's address, or because of an address that it redirects to.",
		}),
		calm:    upstreamlog.New(o.Logger, upstreamlog.Rules{Repeat: time.Hour}),
		applied: cfg,
	}
	p.state.Store(p.combine(cfg, nil))
	for _, c := range []prometheus.Collector{p.unknown, p.refused, described{p}} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Run implements lifecycle.Component. It loads the probes that were added on the page.
func (p *Prober) Run(ctx context.Context, ready func()) error {
	if err := p.added.prepare(ctx); err != nil {
		return err
	}
	if err := p.reread(ctx); err != nil {
		return err
	}
	p.warnOfPings()
	ready()
	<-ctx.Done()
	return nil
}

// reread loads the probes of the page.
func (p *Prober) reread(ctx context.Context) error {
	page, err := p.added.list(ctx)
	if err != nil {
		return err
	}
	p.mtx.Lock()
	defer p.mtx.Unlock()
	p.page = page
	p.state.Store(p.combine(p.applied, page))
	return nil
}

// Applied returns the running configuration.
func (p *Prober) Applied() *Config {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	return p.applied
}

// ApplyConfig makes cfg the running configuration.
func (p *Prober) ApplyConfig(cfg *Config) error {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	p.applied = cfg
	p.state.Store(p.combine(cfg, p.page))
	return nil
}

// combine returns the probes of the files and of the page. For a name that both have, the file decides.
func (p *Prober) combine(cfg *Config, page []Probe) *state {
	s := &state{modules: maps.Clone(cfg.all)}
	names := map[string]bool{}
	add := func(probe Probe, editable bool) {
		m, err := cfg.of(probe)
		if err == nil && names[probe.Name] {
			err = fmt.Errorf("%s has a probe with this name", cfg.Source)
		}
		t, targetErr := probe.target()
		if err = errors.Join(err, targetErr); err != nil { // only of the page: the file was checked
			p.o.Logger.Warn("A probe that was added on the page is not used", "probe", probe.Name, "err", err)
			return
		}
		names[probe.Name] = true
		s.modules[probe.moduleName()] = m
		s.probes = append(s.probes, entry{Probe: probe, editable: editable, address: t.address})
	}
	for _, probe := range cfg.Probes {
		add(probe, false)
	}
	for _, probe := range page {
		add(probe, true)
	}
	return s
}

// defaultModule is the module of a request that names none.
const defaultModule = "http_2xx"

// ServeHTTP probes the target and responds with its metrics, as /probe of blackbox_exporter does. Probes of targets that must not be
// probed fail.
func (p *Prober) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		http.Error(w, "another site's page may not start a probe", http.StatusForbidden)
		return
	}
	cfg := &config.Config{Modules: p.state.Load().modules}
	params := r.URL.Query()
	ctx, refused, done := p.watched(r.Context())
	defer done()
	r = r.Clone(ctx)
	if m, ok := cfg.Modules[cmp.Or(params.Get("module"), defaultModule)]; ok {
		if err := p.prepare(r, m, params); err != nil {
			p.reject(w, params, err)
			return
		}
	}
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	upstream.Handler(answer, r, cfg, p.o.Logger, p.history, p.o.TimeoutOffset, params, p.unknown, p.log)
	if err := refused(); err != nil {
		p.reject(w, params, err)
		return
	}
	p.keepReason(params, answer)
	for key, values := range answer.header {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.status)
	body := answer.body.Bytes()
	if r.URL.Query().Get("debug") == "true" {
		body = []byte(withoutSecrets(string(body)))
	}
	_, _ = w.Write(body) // the client is gone
}

// reject responds to a refused probe: it has failed, for a reason that is in its log and in a comment.
func (p *Prober) reject(w http.ResponseWriter, params url.Values, err error) {
	target, module := params.Get("target"), cmp.Or(params.Get("module"), defaultModule)
	p.refused.Inc()
	p.calm.Warn("Probe refused", "target", redact.Text(target), "err", err)
	p.history.Add(module, target, "Logs for the probe:\nprobe refused: "+err.Error()+"\n", false)
	if p.known(module, target) {
		p.reasons.Store(scrapeKey{module, target}, "probe refused: "+err.Error())
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	fmt.Fprintf(w, "# probe refused: %s\n# TYPE probe_success gauge\nprobe_success 0\n# TYPE probe_duration_seconds gauge\nprobe_duration_seconds 0\n", err)
}

// prepare checks the addresses of the target, and replaces a host that only Docker knows. The time that it takes is subtracted
// from the time that the probe has.
func (p *Prober) prepare(r *http.Request, m config.Module, params url.Values) error {
	begun := time.Now()
	host, port := hostOf(m.Prober, params.Get("target"))
	if host == "" {
		return nil
	}
	number, _ := strconv.ParseUint(port, 10, 16) // upstream reports an invalid one
	ip, err := netip.ParseAddr(host)
	literal := err == nil
	if literal {
		if err := p.refuse(r.Context(), netip.AddrPortFrom(ip, uint16(number))); err != nil {
			return err
		}
	}
	if p.o.Resolve != nil {
		if better, ok := p.o.Resolve(r.Context(), host); ok {
			params.Set("target", withHost(m.Prober, params.Get("target"), better.String()))
			if !literal && params.Get("hostname") == "" && (m.Prober == "http" || m.Prober == "tcp") && !namesHost(m) {
				params.Set("hostname", hostHeader(m.Prober, host, port, params.Get("target")))
			}
			ip, literal = better, true
			if err := p.refuse(r.Context(), netip.AddrPortFrom(ip, uint16(number))); err != nil {
				return err
			}
		}
	}
	if literal || m.Prober == "http" && !m.HTTP.UseHTTP3 { // TCP connections are checked one by one
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), halfOf(r))
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil //nolint:nilerr // upstream reports it with its metrics
	}
	for _, ip := range ips {
		if err := p.refuse(r.Context(), netip.AddrPortFrom(ip, uint16(number))); err != nil {
			return err
		}
	}
	if v := r.Header.Get(scrapeTimeout); v != "" {
		if total, err := strconv.ParseFloat(v, 64); err == nil {
			r.Header.Set(scrapeTimeout, strconv.FormatFloat(total-time.Since(begun).Seconds(), 'f', 3, 64))
		}
	}
	return nil
}

const scrapeTimeout = "X-Prometheus-Scrape-Timeout-Seconds"

// halfOf returns half of the time of a scrape, for the lookup of a name before the probe.
func halfOf(r *http.Request) time.Duration {
	total, err := strconv.ParseFloat(r.Header.Get(scrapeTimeout), 64)
	if err != nil || total <= 0 || total > 120 {
		total = 10
	}
	return time.Duration(total / 2 * float64(time.Second))
}

// namesHost reports whether the module sets the Host header or the server name itself.
func namesHost(m config.Module) bool {
	for name := range m.HTTP.Headers {
		if strings.EqualFold(name, "Host") {
			return true
		}
	}
	return m.TCP.TLSConfig.ServerName != ""
}

// hostHeader returns the value of upstream's parameter "hostname". For TLS it is the server name, which has no port.
func hostHeader(prober, host, port, target string) string {
	if prober == "http" && port != "80" && !strings.HasPrefix(target, "https://") {
		return net.JoinHostPort(host, port)
	}
	return host
}

// moduleOutput precedes the module's configuration in upstream's debug output.
const moduleOutput = "\nModule configuration:\n"

// withoutSecrets redacts the module's configuration in a debug output: its headers and its body can contain credentials.
func withoutSecrets(debug string) string {
	before, module, ok := strings.Cut(debug, moduleOutput)
	if !ok {
		return debug
	}
	return before + moduleOutput + redactModule(module)
}

// redactModule hides the values of headers and bodies, and of everything whose key says that it is a secret.
func redactModule(text string) string {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		return redact.YAML([]byte(text))
	}
	hide(&doc, false)
	out, err := yaml.Marshal(&doc)
	if err != nil {
		return redact.YAML([]byte(text))
	}
	return redact.YAML(out)
}

// hide replaces all scalars below keys that hold what is sent to a target.
func hide(n *yaml.Node, hidden bool) {
	if n.Kind == yaml.ScalarNode && hidden && n.Value != "" {
		n.SetString(redact.Secret)
		return
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode {
			if i%2 == 1 {
				key := n.Content[i-1].Value
				hide(c, hidden || key == "headers" || key == "body" || key == "send" || key == "http_headers")
			}
			continue
		}
		hide(c, hidden)
	}
}

// recorder keeps upstream's response, because it must not be sent if an address was refused after it was begun.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements io.Writer.
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
