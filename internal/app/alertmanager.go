package app

import (
	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/versions"
)

// AlertmanagerPart sends notifications about alerts, as Alertmanager does.
type AlertmanagerPart struct {
	configured[alertmanager.Config]
	Switch
	alertmanager.Options
	// File is --alertmanager.config.file; empty means alertmanager.yml in ConfigDir.
	File string

	loader *alertmanager.Loader
	server *alertmanager.Server
	at     *port
}

func (p *AlertmanagerPart) name() string                   { return "alertmanager" }
func (p *AlertmanagerPart) on() bool                       { return p.On }
func (p *AlertmanagerPart) ports() []*port                 { return []*port{p.at} }
func (p *AlertmanagerPart) component() lifecycle.Component { return p.server }

func (p *AlertmanagerPart) flags(a *kingpin.Application) {
	p.register(a, "alertmanager", "Send notifications of alerts, as Alertmanager does.")
	a.Flag("alertmanager.config.file", "alertmanager.yml, if it is not in --config.dir.").PlaceHolder("<path>").StringVar(&p.File)
	p.RegisterFlags(a)
}

func (p *AlertmanagerPart) complete(o *Options) {
	p.Logger = o.Logger.With("part", p.name())
	p.Version = versions.Alertmanager()
	p.ExternalURL = o.external
	if p.Dir == "" {
		p.Dir = datadir.In(o.StoragePath, datadir.Alertmanager)
	}
	p.at = newPort(p.name(), "9093", p.portRoutes, "alertmanager:9093")
}

func (p *AlertmanagerPart) wire(a *App) error {
	p.Registerer = a.registry
	p.SetAside = a.setAside
	return nil
}

func (p *AlertmanagerPart) load(l *loading) {
	if p.loader == nil {
		var err error
		if p.loader, err = alertmanager.NewLoader(p.Options); err != nil {
			l.problem(err)
			return
		}
	}
	l.warn(p.name(), p.Cluster.Warnings())
	p.next = load(l, p.name(), l.file("alertmanager.yml", p.File), func(d document) (*alertmanager.Config, []error) {
		return p.loader.Load(alertmanager.Source{Name: d.Name, Dir: d.Dir, Content: d.Content, BuiltIn: d.BuiltIn, Copies: d.copies})
	}, func(c *alertmanager.Config) (beside, warnings []string) { return c.Files(), c.Warnings })
}

func (p *AlertmanagerPart) build(a *App) error {
	p.server = alertmanager.New(p.loader, p.next, a.db)
	p.runs = p.server
	return nil
}

func (p *AlertmanagerPart) reloaded(err error) { p.server.ReportReload(err) }

func (p *AlertmanagerPart) says() (string, bool) {
	if p.server.Applied().SendsNowhere() { // as in a new installation
		return "alerts are not delivered: no routed receiver has an integration configured; see docs/alerting.md", false
	}
	return "", false
}

func (p *AlertmanagerPart) routes(*App) []route {
	if p.server == nil {
		return nil
	}
	api, ours := p.server.Handler(), p.server.API()
	return []route{
		{"/api/v2/", editor, api},
		{"GET /api/v2/", viewer, api},
		{"GET /api/ausguck/alerting/", viewer, ours},
		{"POST /api/ausguck/alerting/test", editor, ours},
	}
}

// portRoutes returns the routes of Alertmanager's port.
func (p *AlertmanagerPart) portRoutes(a *App) []route {
	return append(a.own(p),
		route{"/api/v1/", viewer, p.server.Handler()}, // removed upstream; the response says what to use instead
		route{"GET /-/healthy", everybody, handler(serveHealthy)},
		route{"GET /-/ready", everybody, a.partReady(p)},
		route{"POST /-/reload", admin, a.lifecycleOnly(a.serveReload)},
		route{"GET /metrics", thisMachine, a.ownMetrics()},
		route{"GET /{$}", viewer, handler(a.serveStatus)},
		nothingElse,
	)
}

// LoadAlertmanager reads alertmanager.yml as a start would. name is the file's name in messages. An invalid file gives a
// ConfigError.
func (o *Options) LoadAlertmanager() (_ *alertmanager.Loader, _ *alertmanager.Config, name string, err error) {
	if err := o.Complete(); err != nil {
		return nil, nil, "", &ConfigError{Problems: []error{err}}
	}
	l := newLoading(o)
	o.Alertmanager.load(l)
	return o.Alertmanager.loader, o.Alertmanager.next, l.loaded[o.Alertmanager.name()].Name, l.err()
}
