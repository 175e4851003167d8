package app

import (
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/ausguck/ausguck/internal/auth"
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
}

func (l *LogOptions) register(a *kingpin.Application) {
	l.Loki.register(a, "loki", "Store logs, as Loki does.")
	a.Flag("loki.config.file", "loki.yml, when it is not in --config.dir.").PlaceHolder("<path>").StringVar(&l.LokiFile)
	l.Store.RegisterFlags(a)
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

// loadLogs reads the files of logs.
func (c *configuration) loadLogs(o Options) (problems []error) {
	if !o.Logs.Loki.On {
		return nil
	}
	src, err := o.lokiSource()
	if err != nil {
		return []error{err}
	}
	c.loki, problems = loki.LoadConfig(o.lokiOptions(), src)
	return problems
}

// lokiSource returns loki.yml: the one that is named, the one in the folder, or the built-in one.
func (o Options) lokiSource() (loki.Source, error) {
	name, dir, content, err := o.configFile(o.Logs.LokiFile, "loki.yml")
	return loki.Source{Name: name, Dir: dir, Content: content}, err
}

// wireLogs makes the parts that store and collect logs.
func wireLogs(o Options, cfg *configuration, p *parts) {
	if cfg.loki == nil {
		return
	}
	store := o.lokiOptions()
	store.Registerer = p.registry
	store.Dial = p.dialer.DialContext
	store.InProcess = p.dialer.Names()
	store.Disk = p.disk
	p.loki = loki.New(store, cfg.loki)
}

// applyLogs applies what loadLogs has read.
func (p *parts) applyLogs(cfg *configuration) error {
	if p.loki == nil {
		return nil
	}
	return p.loki.ApplyConfig(cfg.loki)
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
		route{"GET /metrics", everybody, promhttp.HandlerFor(prometheus.GathererFunc(a.parts.gatherLogs), promhttp.HandlerOpts{})},
		route{"/", auth.Viewer, http.NotFoundHandler()},
	)
}

// serveLogsReady answers as Loki's /ready does.
func (a *App) serveLogsReady(w http.ResponseWriter, _ *http.Request) {
	if a.parts.loki == nil || !a.parts.loki.Ready() {
		http.Error(w, "Loki is not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
