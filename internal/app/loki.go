package app

import (
	"io/fs"
	"net/http"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/ausguck/ausguck/internal/component/loki"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/monitoring"
)

// LokiPart stores logs, as Loki does.
type LokiPart struct {
	configured[loki.Config]
	Switch
	loki.Options
	// File is --loki.config.file; empty means loki.yml in ConfigDir.
	File string

	server *loki.Server
	at     *port
}

func (p *LokiPart) name() string                   { return "loki" }
func (p *LokiPart) on() bool                       { return p.On }
func (p *LokiPart) ports() []*port                 { return []*port{p.at} }
func (p *LokiPart) component() lifecycle.Component { return p.server }

// says reports an object store that does not answer, and a ring that cannot store lines.
func (p *LokiPart) says() (string, bool) {
	if p.server == nil {
		return "", false
	}
	text := p.server.Says()
	return text, text != ""
}

// needs returns the parts that receive its rules' alerts, and storage.
func (p *LokiPart) needs() []string { return []string{"storage", "alertmanager"} }

func (p *LokiPart) flags(a *kingpin.Application) {
	p.register(a, "loki", "Store logs, as Loki does.")
	a.Flag("loki.config.file", "loki.yml, if it is not in --config.dir.").PlaceHolder("<path>").StringVar(&p.File)
	p.RegisterFlags(a)
}

func (p *LokiPart) complete(o *Options) {
	p.Logger = o.Logger.With("part", p.name())
	p.Dir = datadir.In(o.StoragePath, datadir.Loki)
	p.ExternalURL = o.external.String()
	p.BuiltInRules, _ = fs.Sub(monitoring.Files, "loki-rules") // fails only for invalid paths
	p.at = newPort(p.name(), "3100", p.portRoutes, "loki:3100")
	p.at.adopt = askForOwnLines
}

func (p *LokiPart) wire(a *App) error {
	p.Registerer = a.registry
	p.Dial = a.dialer.DialContext
	p.InProcess = a.dialer.Names()
	p.Disk = a.options.Storage.disk
	p.SetAside = a.setAside
	return nil
}

func (p *LokiPart) load(l *loading) {
	p.next = load(l, p.name(), l.expanded(l.file("loki.yml", p.File)), func(d document) (*loki.Config, []error) {
		return loki.LoadConfig(p.Options, loki.Source{Name: d.Name, Dir: d.Dir, Content: d.Content, BuiltIn: d.BuiltIn})
	}, func(c *loki.Config) (beside, warnings []string) { return nil, c.Warnings })
}

func (p *LokiPart) build(*App) error {
	p.server = loki.New(p.Options, p.next)
	p.runs = p.server
	return nil
}

// Gather returns the metrics from Loki's own registry.
func (p *LokiPart) Gather() ([]*dto.MetricFamily, error) {
	if p.server == nil {
		return nil, nil
	}
	return p.server.Gather()
}

func (p *LokiPart) routes(*App) []route {
	if p.server == nil {
		off := absent("logs are not stored: Loki is switched off with --no-loki")
		return []route{{"/loki/api/v1/", viewer, off}, {"/otlp/v1/logs", editor, off}}
	}
	api := p.server.Handler()
	return []route{
		{"/loki/api/v1/", viewer, api},
		{"/loki/api/v1/push", editor, api},
		{"POST /loki/api/v1/rules/", editor, api},
		{"DELETE /loki/api/v1/rules/", editor, api},
		{"/loki/api/v1/delete", admin, api},
		{"/otlp/v1/logs", editor, api},

		// The same API under the names that it had before Loki 1.0.
		{"/api/prom/", viewer, api},
		{"/api/prom/push", editor, api},
		{"POST /api/prom/rules/", editor, api},
		{"DELETE /api/prom/rules/", editor, api},

		// LogQL rules in the format of Prometheus's API.
		{"GET /prometheus/api/v1/rules", viewer, api},
		{"GET /prometheus/api/v1/alerts", viewer, api},
	}
}

// portRoutes returns the routes of Loki's port.
func (p *LokiPart) portRoutes(a *App) []route {
	routes := a.own(p)
	if p.server != nil {
		api := p.server.Handler()
		for _, ring := range []string{"/ring", "/compactor/ring", "/distributor/ring", "/ruler/ring", "/scheduler/ring"} {
			routes = append(routes, route{"GET " + ring, viewer, api}, route{"POST " + ring, admin, api}) // forgets a member
		}
		routes = append(routes, route{"GET /memberlist", viewer, api}, route{"POST /flush", admin, api})
	}
	return append(routes,
		route{"GET /ready", everybody, handler(p.serveReady)},
		route{"GET /metrics", thisMachine, promhttp.HandlerFor(prometheus.GathererFunc(p.Gather), promhttp.HandlerOpts{})},
		nothingElse,
	)
}

const orgIDHeader = "X-Scope-OrgID"

// askForOwnLines makes a data source without a tenant query the lines that were collected here, so that the built-in one also
// works with auth_enabled.
func askForOwnLines(a *App, r *http.Request) {
	if r.Header.Get(orgIDHeader) == "" {
		r.Header.Set(orgIDHeader, a.options.LogCollector.tenant())
	}
}

// serveReady responds as Loki's /ready does.
func (p *LokiPart) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !p.server.Ready() {
		http.Error(w, "Loki is not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}
