package app

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/page"
	"github.com/ausguck/ausguck/monitoring"
)

// PrometheusPart scrapes, stores, evaluates rules and answers queries, as Prometheus does.
type PrometheusPart struct {
	configured[promserver.Config]
	promserver.Options
	// File is --config.file; empty means prometheus.yml in ConfigDir.
	File string

	docker *DockerPart
	loader *promserver.Loader
	server *promserver.Server
	at     *port
}

func (p *PrometheusPart) name() string                   { return "promserver" }
func (p *PrometheusPart) ports() []*port                 { return []*port{p.at} }
func (p *PrometheusPart) component() lifecycle.Component { return p.server }

// needs returns the parts that it queries and notifies immediately.
func (p *PrometheusPart) needs() []string {
	return []string{"storage", "dockerhost", "nodeexporter", "cadvisor", "prober", "alertmanager"}
}

func (p *PrometheusPart) flags(a *kingpin.Application) {
	a.Flag("config.file", "prometheus.yml, if it is not in --config.dir.").PlaceHolder("<path>").StringVar(&p.File)
	p.RegisterFlags(a)
}

func (p *PrometheusPart) complete(o *Options) {
	p.Logger = o.Logger
	p.ListenAddress = o.Web.ListenAddress
	p.AutoReload = o.AutoReload
	p.TakesOTLP = o.OTLP.On
	p.Flags = o.Flags
	p.docker = &o.Docker
	if p.Dir == "" {
		p.Dir = datadir.In(o.StoragePath, datadir.Prometheus)
	}
	p.at = newPort("prometheus", "9090", p.portRoutes, "prometheus:9090", "grafana:3000")
}

func (p *PrometheusPart) wire(a *App) error {
	p.Registry = a.registry
	p.Gatherer = a.gatherer
	p.Dial = a.dialer.DialContext
	p.Disk = a.options.Storage.disk
	p.SetAside = a.setAside
	if p.Storage.MaxBlockChunkSegmentSize == 0 { // upstream's default needs 512 MB of disk space
		p.Storage.MaxBlockChunkSegmentSize = units.Base2Bytes(a.options.Storage.disk.CompactionRoom())
	}
	if a.options.Alertmanager.on() {
		p.BuiltInAlertmanagers = a.options.Alertmanager.at.addresses()
	}
	return nil
}

func (p *PrometheusPart) load(l *loading) {
	if p.loader == nil {
		var err error
		if p.loader, err = promserver.NewLoader(p.Options); err != nil {
			l.problem(err)
			return
		}
	}
	var read document
	p.next = load(l, p.name(), l.file("prometheus.yml", p.File), func(d document) (*promserver.Config, []error) {
		read = d
		src := promserver.Source{Name: d.Name, Dir: d.Dir, Content: d.Content, Copies: d.copies}
		if d.BuiltIn {
			src.Content = bytes.ReplaceAll(d.Content, []byte(defaultDockerHost), []byte(p.docker.endpoint()))
			src.Beside = monitoring.Files // its rules
		}
		return p.loader.Load(src)
	}, func(c *promserver.Config) (beside, warnings []string) {
		return c.Files(), slices.Concat(c.Warnings, p.withoutBuiltIn(c, read))
	})
}

// withoutBuiltIn returns what a prometheus.yml lacks of the built-in one, and how to add it. An empty list of rule files means
// that no rules are wanted.
func (p *PrometheusPart) withoutBuiltIn(c *promserver.Config, d document) (warnings []string) {
	if d.BuiltIn {
		return nil
	}
	add := func(what string) string {
		if filepath.Base(d.Name) != "prometheus.yml" {
			return "copy them from the prometheus.yml that `ausguck init` writes"
		}
		return fmt.Sprintf("run `ausguck init --add %s %s`", what, d.Dir)
	}
	if wanted := c.RuleFiles == nil || len(c.RuleFiles) > 0; wanted && len(c.RulePaths()) == 0 {
		warnings = append(warnings, d.Name+": no rules are loaded, so Prometheus sends no alerts; to add the built-in rules, "+add("rules"))
	}
	if p.docker.there() && len(c.DockerHosts()) == 0 {
		warnings = append(warnings, d.Name+": containers with the label prometheus.io/scrape are not scraped; to add the built-in job that discovers them, "+add("containers"))
	}
	return warnings
}

// checkExpr returns the error in a PromQL expression of another part's file.
func (p *PrometheusPart) checkExpr(expr string) error {
	if p.loader == nil { // its own problem is reported
		return nil
	}
	return p.loader.CheckExpr(expr)
}

func (p *PrometheusPart) build(*App) error {
	p.server = promserver.New(p.loader, p.next)
	p.runs = p.server
	return nil
}

func (p *PrometheusPart) reloaded(err error) { p.server.ReportReload(err) }

func (p *PrometheusPart) says() (string, bool) { return p.server.Starting(), false }

func (p *PrometheusPart) routes(a *App) []route {
	prometheus := forAdmins(p.server.Handler(), p.server.Discreet())
	otlp := prometheus
	if !p.Web.EnableOTLPReceiver { // upstream's receiver is enabled for the part otlp
		otlp = absent("otlp write receiver needs to be enabled with --web.enable-otlp-receiver")
	}
	return []route{
		{"/api/v1/", viewer, prometheus},
		{"/api/v1/write", editor, prometheus},
		{"/api/v1/otlp/", editor, otlp},
		{"/api/v1/admin/", admin, prometheus},
		{"/federate", viewer, prometheus},
		{"/consoles/", viewer, prometheus},
		{"/user/", viewer, prometheus},
		{"/version", viewer, prometheus},
		{"/debug/", admin, prometheus},
		{"GET /api/ausguck/querylog", admin, handler(a.serveQueryLog)},
	}
}

// portRoutes returns the routes of Prometheus's port.
func (p *PrometheusPart) portRoutes(a *App) []route {
	routes := append(a.own(p), a.lifecycleRoutes()...)
	routes = append(routes, a.own(&a.options.NodeExporter)...)
	routes = append(routes, a.own(&a.options.CAdvisor)...)
	return append(routes,
		route{"GET /static/", everybody, page.Static()},
		route{"GET /metrics", thisMachine, a.ownMetrics()},
		route{"GET /-/ready", everybody, a.partReady(p)},
		route{"GET /{$}", viewer, handler(a.serveStatus)},
		nothingElse,
	)
}

// storageLine describes where metrics are stored, and for how long.
func (p *PrometheusPart) storageLine(disk *StoragePart) string {
	retention := p.server.Applied().StorageConfig.TSDBConfig.Retention
	line := []string{"metrics in " + p.Dir}
	if retention.Time > 0 {
		line[0] += " for " + retention.Time.String()
	}
	if retention.Size > 0 {
		line[0] += ", at most " + humanBytes(uint64(retention.Size))
	}
	if free, size, _ := disk.disk.Space(); size > 0 {
		line = append(line, "the disk has "+humanBytes(free)+" of "+humanBytes(size)+" free")
	}
	return strings.Join(line, "; ")
}
