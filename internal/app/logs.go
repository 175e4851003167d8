package app

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/component/logcollector"
	"github.com/ausguck/ausguck/internal/component/loki"
	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/monitoring"
)

// LogOptions say whether and how logs are stored and collected.
type LogOptions struct {
	Loki Switch
	// LokiFile is --loki.config.file; empty means loki.yml in ConfigDir.
	LokiFile string
	Store    loki.Options

	Collector Switch
	// PromtailFile is --promtail.config.file; empty means promtail.yml in ConfigDir.
	PromtailFile string
}

func (l *LogOptions) register(a *kingpin.Application) {
	l.Loki.register(a, "loki", "Store logs, as Loki does.")
	a.Flag("loki.config.file", "loki.yml, when it is not in --config.dir.").PlaceHolder("<path>").StringVar(&l.LokiFile)
	l.Store.RegisterFlags(a)
	l.Collector.register(a, "log-collector", "Collect logs of files and containers, as Promtail does.")
	a.Flag("promtail.config.file", "promtail.yml, when it is not in --config.dir.").PlaceHolder("<path>").StringVar(&l.PromtailFile)
}

// lokiOptions fills in what depends on other options.
func (o Options) lokiOptions() loki.Options {
	store := o.Logs.Store
	store.Logger = o.Logger.With("part", "loki")
	store.Dir = filepath.Join(o.StoragePath, "loki")
	if u, err := promserver.ParseExternalURL(o.Prometheus.ExternalURL, o.Web.ListenAddress); err == nil {
		store.ExternalURL = u.String()
	}
	store.BuiltInRules, _ = fs.Sub(monitoring.Files, "loki-rules") // fails for names that are no paths
	return store
}

// collectorOptions fills in what depends on other options.
func (o Options) collectorOptions() logcollector.Options {
	collector := logcollector.Options{
		Logger: o.Logger.With("part", "logcollector"),
		Dir:    filepath.Join(o.StoragePath, "promtail"),
	}
	if o.Docker.Enabled {
		collector.DockerHost = o.dockerHost()
	}
	return collector
}

// loadLogs reads the files of logs.
func (c *configuration) loadLogs(o Options) (problems []error) {
	if o.Logs.Loki.On {
		src, warnings, err := o.lokiSource()
		c.warnings = append(c.warnings, warnings...)
		if err != nil {
			problems = append(problems, err)
		} else {
			var errs []error
			c.loki, errs = loki.LoadConfig(o.lokiOptions(), src)
			problems = append(problems, errs...)
		}
	}
	if o.Logs.Collector.On && (o.Logs.Loki.On || o.Logs.Collector.Asked) {
		name, _, content, err := o.configFile(o.Logs.PromtailFile, "promtail.yml")
		if err != nil {
			return append(problems, err)
		}
		content, warnings := expandEnv(name, content, os.LookupEnv)
		c.warnings = append(c.warnings, warnings...)
		ours := strings.HasPrefix(name, builtIn)
		if ours {
			content = o.hostLogs(content)
		}
		var errs []error
		c.collector, errs = logcollector.LoadConfig(o.collectorOptions(), logcollector.Source{Name: name, Content: content, BuiltIn: ours})
		problems = append(problems, errs...)
	}
	c.warnings = append(c.warnings, c.tenantWarning(o)...)
	return problems
}

// tenantWarning says where lines go for which promtail.yml names no tenant although loki.yml asks for one.
func (c *configuration) tenantWarning(o Options) []string {
	if c.loki == nil || c.collector == nil || !c.loki.AuthEnabled {
		return nil
	}
	if _, named := c.collector.Tenant(o.ownLokiAddresses()); named {
		return nil
	}
	return []string{fmt.Sprintf("%s: auth_enabled is true, and clients of %s has no tenant_id: lines for which no tenant stage names one are stored for the tenant %s",
		c.loki.Source, c.collector.Source, logcollector.DefaultTenant)}
}

// logWarnings are what the files of logs bring a person to look at.
func (c *configuration) logWarnings() (warnings []string) {
	if c.loki != nil {
		warnings = append(warnings, c.loki.Warnings...)
	}
	if c.collector != nil {
		warnings = append(warnings, c.collector.Warnings...)
	}
	return warnings
}

// lokiSource returns loki.yml: the one that is named, the one in the folder, or the built-in one.
func (o Options) lokiSource() (_ loki.Source, warnings []string, err error) {
	name, dir, content, err := o.configFile(o.Logs.LokiFile, "loki.yml")
	content, warnings = expandEnv(name, content, os.LookupEnv)
	return loki.Source{Name: name, Dir: dir, Content: content}, warnings, err
}

// wireLogs makes the parts that store and collect logs.
func wireLogs(o Options, cfg *configuration, p *parts) {
	if cfg.loki != nil {
		store := o.lokiOptions()
		store.Registerer = p.registry
		store.Dial = p.dialer.DialContext
		store.InProcess = p.dialer.Names()
		store.Disk = p.disk
		p.loki = loki.New(store, cfg.loki)
	}
	if cfg.collector != nil {
		collector := o.collectorOptions()
		collector.Registerer = p.registry
		if p.loki != nil {
			collector.Store = p.loki
			collector.OwnAddresses = o.ownLokiAddresses()
		}
		p.collector = logcollector.New(collector, cfg.collector)
	}
}

// ownLokiAddresses are those under which files written for separate programs, or for this one, name our Loki.
func (o Options) ownLokiAddresses() []string {
	own := []string{"loki:3100", "agent-loki:3100", o.Web.ListenAddress}
	if o.Web.WellKnownPorts != portsOff {
		own = append(own, "localhost:3100", "127.0.0.1:3100", "[::1]:3100")
	}
	return own
}

// applyLogs applies what loadLogs has read.
func (p *parts) applyLogs(cfg *configuration) error {
	if p.loki != nil {
		if err := p.loki.ApplyConfig(cfg.loki); err != nil {
			return err
		}
	}
	if p.collector != nil {
		return p.collector.ApplyConfig(cfg.collector)
	}
	return nil
}

// gatherLogs adds the metrics that Loki keeps in a registry of its own.
func (p *parts) gatherLogs() ([]*dto.MetricFamily, error) {
	if p.loki == nil {
		return nil, nil
	}
	return p.loki.Gather()
}

// logRoutes are those of Loki's API, on the main address and on its own port.
func (a *App) logRoutes() []route {
	if a.parts.loki == nil {
		off := absent("logs are not stored: Loki is switched off with --no-loki")
		return []route{{"/loki/api/v1/", auth.Viewer, off}, {"/otlp/v1/logs", auth.Editor, off}}
	}
	api := a.parts.loki.Handler()
	return []route{
		{"/loki/api/v1/", auth.Viewer, api},
		{"/loki/api/v1/push", auth.Editor, api},
		{"POST /loki/api/v1/rules/", auth.Editor, api},
		{"DELETE /loki/api/v1/rules/", auth.Editor, api},
		{"/loki/api/v1/delete", auth.Admin, api},
		{"/otlp/v1/logs", auth.Editor, api},

		// The same under the names that Loki had before 1.0.
		{"/api/prom/", auth.Viewer, api},
		{"/api/prom/push", auth.Editor, api},
		{"POST /api/prom/rules/", auth.Editor, api},
		{"DELETE /api/prom/rules/", auth.Editor, api},

		// LogQL rules in the shape of Prometheus's API.
		{"GET /prometheus/api/v1/rules", auth.Viewer, api},
		{"GET /prometheus/api/v1/alerts", auth.Viewer, api},
	}
}

// stockLokiRoutes is what the port of Loki answers.
func (a *App) stockLokiRoutes() []route {
	return append(a.logRoutes(),
		route{"GET /ready", everybody, http.HandlerFunc(a.serveLogsReady)},
		route{"GET /metrics", thisMachine, promhttp.HandlerFor(prometheus.GathererFunc(a.parts.gatherLogs), promhttp.HandlerOpts{})},
		route{"/", auth.Viewer, http.NotFoundHandler()},
	)
}

// builtInLokiRoutes are those of Loki for parts of this process. A data source that names no tenant asks for the lines that
// were collected here, so that the built-in one works with auth_enabled as well.
func (a *App) builtInLokiRoutes() []route {
	routes := a.stockLokiRoutes()
	for i, r := range routes {
		routes[i].handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get(orgIDHeader) == "" {
				req.Header.Set(orgIDHeader, a.ownTenant())
			}
			r.handler.ServeHTTP(w, req)
		})
	}
	return routes
}

const orgIDHeader = "X-Scope-OrgID"

// ownTenant is whose lines are collected here.
func (a *App) ownTenant() string {
	if a.parts.collector == nil {
		return logcollector.DefaultTenant
	}
	tenant, _ := a.parts.collector.Applied().Tenant(a.options.ownLokiAddresses())
	return tenant
}

// serveLogsReady answers as Loki's /ready does.
func (a *App) serveLogsReady(w http.ResponseWriter, _ *http.Request) {
	if a.parts.loki == nil || !a.parts.loki.Ready() {
		http.Error(w, "Loki is not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
