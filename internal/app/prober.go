package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/component/prober"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/monitoring"
)

// ProberPart probes targets from outside, as blackbox_exporter does.
type ProberPart struct {
	configured[prober.Config]
	Switch
	// File is --blackbox.config.file; empty means blackbox.yml in ConfigDir.
	File string
	// AllowedNetworks is a comma-separated list.
	AllowedNetworks string
	// RDAPBootstrap is a URL; empty asks no registry.
	RDAPBootstrap string
	TimeoutOffset float64
	HistoryLimit  uint

	server *prober.Prober
	at     *port
}

// probesKey is the key of probes.yml among the loaded files; that of blackbox.yml is the part's name.
const probesKey = "prober.probes"

func (p *ProberPart) name() string                   { return "prober" }
func (p *ProberPart) on() bool                       { return p.On }
func (p *ProberPart) ports() []*port                 { return []*port{p.at} }
func (p *ProberPart) component() lifecycle.Component { return p.server }
func (p *ProberPart) needs() []string                { return []string{"dockerhost"} }

func (p *ProberPart) flags(a *kingpin.Application) {
	p.register(a, "prober", "Probe targets by HTTP, TCP, TLS, ICMP, DNS and gRPC, as blackbox_exporter does.")
	a.Flag("blackbox.config.file", "blackbox.yml, if it is not in --config.dir.").PlaceHolder("<path>").StringVar(&p.File)
	a.Flag("blackbox.timeout-offset", "Offset to subtract from the timeout of a probe, in seconds.").Default("0.5").FloatVar(&p.TimeoutOffset)
	a.Flag("blackbox.history-limit", "Number of results to keep for the page of port 9115.").Default("100").UintVar(&p.HistoryLimit)
	a.Flag("prober.allowed-networks", "Networks that may be probed although they are link-local or contain the metadata address of a cloud, comma-separated. Default: none.").
		PlaceHolder("<networks>").StringVar(&p.AllowedNetworks)
	a.Flag("prober.rdap-bootstrap", "URL of the list of RDAP servers, which are asked when the domains of probes with expect.domain_days expire. Empty: no registry is asked.").
		Default("https://data.iana.org/rdap/dns.json").StringVar(&p.RDAPBootstrap)
}

func (p *ProberPart) complete(*Options) {
	p.at = newPort("blackbox-exporter", "9115", p.portRoutes, prober.Address, "blackbox-exporter:9115", "blackbox_exporter:9115")
}

func (p *ProberPart) load(l *loading) {
	if u, err := url.Parse(p.RDAPBootstrap); p.RDAPBootstrap != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		l.problem(errors.New("--prober.rdap-bootstrap: not an http or https URL with a host"))
	}
	standard, err := fs.ReadFile(monitoring.Files, "blackbox.yml")
	if err != nil {
		l.problem(err)
		return
	}
	modules := load(l, p.name(), l.file("blackbox.yml", p.File), func(d document) (*prober.Modules, []error) {
		return prober.LoadModules(d.Name, d.Dir, d.Content, standard)
	}, func(m *prober.Modules) (beside, warnings []string) { return nil, m.Warnings })
	if modules == nil {
		return
	}
	p.next = load(l, probesKey, l.file("probes.yml", ""), func(d document) (*prober.Config, []error) {
		return prober.LoadProbes(modules, d.Name, d.Content)
	}, func(*prober.Config) (beside, warnings []string) { return nil, nil })
}

func (p *ProberPart) build(a *App) error {
	allowed, err := prober.ParseNetworks(p.AllowedNetworks)
	if err != nil {
		return fmt.Errorf("--prober.allowed-networks: %w", err)
	}
	o := prober.Options{
		Logger: a.options.Logger.With("part", p.name()), Registerer: a.registry, DB: a.db, Allowed: allowed, RDAPBootstrap: p.RDAPBootstrap,
		TimeoutOffset: p.TimeoutOffset, HistoryLimit: p.HistoryLimit,
		Refuse:  noDocker{host: a.options.Docker.host}.probe,
		Scraped: func() string { return p.notScraped(&a.options.Prometheus, a.options.ConfigDir) },
	}
	if docker := a.options.Docker.host; docker != nil {
		o.Resolve = docker.Resolve
	}
	p.server, err = prober.New(o, p.next)
	p.runs = p.server
	return err
}

var errDockerProbe = errors.New("a Docker engine cannot be probed: access to it is equivalent to root on its host")

// probe rejects Docker engines as targets of probes, which users choose.
func (d noDocker) probe(ctx context.Context, to netip.AddrPort) error {
	if d.isEngine(ctx, to) {
		return errDockerProbe
	}
	return nil
}

// notScraped returns what to do if no job of prometheus.yml discovers the probes.
func (p *ProberPart) notScraped(prom *PrometheusPart, dir string) string {
	cfg := prom.server.Applied()
	if cfg.DiscoversAt(p.at.addresses()) {
		return ""
	}
	if filepath.Base(cfg.Source) != "prometheus.yml" {
		return cfg.Source + " has no job for the probes: copy the job \"probes\" from the prometheus.yml that `ausguck init` writes"
	}
	return fmt.Sprintf("%s has no job for the probes; to add the built-in one, run `ausguck init --add probes %s`", cfg.Source, dir)
}

func (p *ProberPart) routes(*App) []route {
	if p.server == nil {
		return []route{{"GET /probe", editor, absent("nothing is probed: the prober is switched off with --no-prober")}}
	}
	api := p.server.API()
	return []route{
		{"GET /probe", editor, p.server},
		{"GET /api/ausguck/probes", viewer, api},
		{"POST /api/ausguck/probes", editor, api},
		{"PUT /api/ausguck/probes", editor, api},
		{"DELETE /api/ausguck/probes", editor, api},
	}
}

// portRoutes returns the routes of blackbox_exporter's port.
func (p *ProberPart) portRoutes(a *App) []route {
	return []route{
		{"GET /probe", editor, a.up(p, p.server)},
		{"GET /targets", viewer, http.HandlerFunc(p.server.Targets)},
		{"GET /logs", editor, http.HandlerFunc(p.server.Logs)},
		{"GET /config", editor, http.HandlerFunc(p.server.ServeConfig)},
		{"GET /metrics", thisMachine, a.ownMetrics()},
		{"GET /-/healthy", everybody, handler(serveHealthy)},
		{"POST /-/reload", admin, a.lifecycleOnly(a.serveReload)},
		{"GET /{$}", editor, http.HandlerFunc(p.server.Index)},
		nothingElse,
	}
}
