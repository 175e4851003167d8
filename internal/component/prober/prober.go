package prober

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/blackbox_exporter/config"
	upstream "github.com/prometheus/blackbox_exporter/prober"
	"github.com/prometheus/client_golang/prometheus"

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
	// DB holds the probes that users add on the page, and when domains expire.
	DB *sql.DB
	// RDAPBootstrap is the URL of the bootstrap file with the RDAP servers of registries (RFC 9224); empty asks no registry.
	RDAPBootstrap string
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
	calm    *slog.Logger // for what happens at every probe

	domains *domains

	reasons sync.Map // why the last probe failed, by scrapeKey

	editing sync.Mutex // held while a probe of the page is checked, stored and applied
	mtx     sync.Mutex // held while the state is replaced
	applied *Config
	page    []Probe // what was added on the page
	state   atomic.Pointer[state]
}

// state is what is probed: the files together with what was added on the page.
type state struct {
	modules map[string]config.Module
	probes  []entry
	targets func() []byte // of Targets, which Prometheus asks for every ten seconds
}

// entry is a probe with its origin.
type entry struct {
	Probe
	// editable is set if it was added on the page.
	editable bool
	// address is the target as its module expects it.
	address string
	// domain is the registered domain whose expiry is watched, in A-labels; empty if none is.
	domain string
}

// New returns a Prober with a configuration. It opens nothing.
func New(o Options, cfg *Config) (*Prober, error) {
	p := &Prober{
		o: o, added: added{o.DB}, history: &upstream.ResultHistory{MaxResults: o.HistoryLimit},
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
	p.domains = newDomains(o, p.refuse)
	p.state.Store(p.combine(cfg, nil))
	for _, c := range []prometheus.Collector{p.unknown, p.refused, p.domains.lookups, described{p}} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Run implements lifecycle.Component. It loads the probes that were added on the page, and asks registries when domains expire.
func (p *Prober) Run(ctx context.Context, ready func()) error {
	if err := p.added.prepare(ctx); err != nil {
		return err
	}
	if err := p.reread(ctx); err != nil {
		return err
	}
	if err := p.domains.load(ctx, time.Now()); err != nil {
		return err
	}
	ready()
	p.domains.run(ctx, p.watchedDomains)
	return nil
}

// watchedDomains returns the domains whose expiry is watched.
func (p *Prober) watchedDomains() (found []string) {
	for _, e := range p.state.Load().probes {
		if e.domain != "" {
			found = append(found, e.domain)
		}
	}
	return unique(found)
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
	p.domains.wake()
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
	p.domains.wake()
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
		domain, _ := probe.domain(m) // checked by of
		s.probes = append(s.probes, entry{Probe: probe, editable: editable, address: t.address, domain: domain})
	}
	for _, probe := range cfg.Probes {
		add(probe, false)
	}
	for _, probe := range page {
		add(probe, true)
	}
	s.targets = sync.OnceValue(func() []byte { return targetsOf(s.probes) })
	return s
}
