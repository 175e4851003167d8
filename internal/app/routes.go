package app

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ausguck/ausguck/docs"
	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/docpages"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/page"
)

// route is a URL, the role that it requires, and its handler. The routes of a part are in its file.
type route struct {
	pattern string
	who     auth.Role
	handler http.Handler
}

const (
	viewer = auth.Viewer
	editor = auth.Editor
	admin  = auth.Admin
	// everybody requires no credentials.
	everybody auth.Role = ""
	// thisMachine requires no credentials on an address that only this machine can reach, and the role Viewer elsewhere.
	thisMachine auth.Role = "this machine"
)

type handler = http.HandlerFunc

// nothingElse handles the URLs of a port that no other route matches.
var nothingElse = route{"/", viewer, http.NotFoundHandler()}

// pages are the first path segments of the UI's pages in web/.
var pages = []string{"d", "dashboards", "dashboard", "import", "explore", "graph", "query", "alerts", "targets", "settings", "profile", "admin"}

// moved maps URLs that users know from Grafana, or guess, to the corresponding pages.
var moved = map[string]string{
	"/logs":                   "/d/ausguck-logs",
	"/alerting":               "/alerts",
	"/alerting/list":          "/alerts/rules",
	"/alerting/silences":      "/alerts/silences",
	"/alerting/notifications": "/alerts/receivers",
}

// documents serves the documentation and the runbooks.
func documents() http.Handler {
	return docpages.New(docs.Files,
		docpages.Book{Name: "docs", Title: "Documentation", Dir: "."},
		docpages.Book{Name: "runbooks", Title: "Runbooks", Dir: "runbooks",
			About: "What each built-in alert means and what to do about it. Messages about an alert link to its section."},
	)
}

// routes returns all URLs of the main address.
func (a *App) routes() []route {
	documents := documents()
	routes := []route{
		{"GET /public/", everybody, handler(page.Public)},
		{"GET /static/", everybody, page.Static()},
		{"GET /favicon.ico", everybody, page.File("static/icon.svg")},
		{"GET /robots.txt", everybody, page.File("static/robots.txt")},

		{"GET /status", viewer, handler(a.serveOldStatus)},
		{"GET /docs", viewer, http.RedirectHandler(a.prefix+"/docs/", http.StatusFound)},
		{"GET /runbooks", viewer, http.RedirectHandler(a.prefix+"/runbooks/", http.StatusFound)},
		{"GET /docs/", viewer, documents},
		{"GET /runbooks/", viewer, documents},
		{"GET /-/ready", everybody, handler(a.serveReady)},

		{"GET /api/ausguck/status", viewer, handler(a.serveStatusAPI)},
		{"POST /api/ausguck/reload", admin, handler(a.serveReloadAPI)},
		{"GET /api/ausguck/configuration", admin, handler(a.serveConfiguration)},
		{"GET /api/ausguck/backup", admin, handler(a.serveBackup)},
	}
	ui := &page.Page{Logger: a.options.Logger, Prefix: a.prefix, ImageHosts: splitList(a.options.Web.ImageHosts), Boot: a.boot}
	routes = append(routes, route{"GET /{$}", viewer, ui}, route{"/", viewer, handler(ui.NotFound)})
	for _, first := range pages {
		routes = append(routes, route{"GET /" + first, viewer, ui}, route{"GET /" + first + "/", viewer, ui})
	}
	for from, to := range moved {
		routes = append(routes, route{"GET " + from + "/{$}", viewer, http.RedirectHandler(a.prefix+to, http.StatusFound)})
		routes = append(routes, route{"GET " + from, viewer, http.RedirectHandler(a.prefix+to, http.StatusFound)})
	}
	routes = append(routes, a.lifecycleRoutes()...)
	routes = append(routes, route{"GET /metrics", thisMachine, a.ownMetrics()})
	for _, p := range a.options.all() {
		routes = append(routes, a.own(p)...)
	}
	return routes
}

// own returns the routes of a part, wrapped in the response for when it is down.
func (a *App) own(p part) []route {
	routes := p.routes(a)
	if !p.on() {
		return routes
	}
	for i := range routes {
		routes[i].handler = a.up(p, routes[i].handler)
	}
	return routes
}

// up responds in place of a part that is down. Before auth has started, its own routes report that the program is starting,
// because credentials cannot be checked yet; other parts do so themselves.
func (a *App) up(p part, h http.Handler) http.Handler {
	name, asks := p.name(), p == part(&a.options.Auth)
	return handler(func(w http.ResponseWriter, r *http.Request) {
		s, known := a.group.State(name)
		waits := s.Phase == lifecycle.Waiting || s.Phase == lifecycle.Starting || s.Phase == lifecycle.Down
		switch {
		case known && waits && s.Error != "":
			w.Header().Set("Retry-After", "10")
			http.Error(w, downLine(s), http.StatusServiceUnavailable)
		case known && waits && asks:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "Ausguck is starting", http.StatusServiceUnavailable)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

// lifecycleRoutes are Prometheus's routes for reload and quit, on the main address and on its port.
func (a *App) lifecycleRoutes() []route {
	return []route{
		{"GET /-/healthy", everybody, handler(serveHealthy)},
		{"POST /-/reload", admin, a.lifecycleOnly(a.serveReload)},
		{"PUT /-/reload", admin, a.lifecycleOnly(a.serveReload)},
		{"POST /-/quit", admin, a.lifecycleOnly(a.serveQuit)},
		{"PUT /-/quit", admin, a.lifecycleOnly(a.serveQuit)},
		{"/-/reload", admin, onlyPostAndPut},
		{"/-/quit", admin, onlyPostAndPut},
	}
}

// exporterRoutes returns the routes of the port of a separate exporter.
func exporterRoutes(name string, metrics http.Handler) []route {
	return []route{
		{"GET /metrics", viewer, metrics},
		{"GET /-/healthy", everybody, handler(serveHealthy)},
		{"GET /healthz", everybody, handler(serveHealthy)},
		{"GET /{$}", viewer, handler(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><title>%[1]s</title><h1>%[1]s</h1><p><a href=\"/metrics\">Metrics</a></p>\n", name)
		})},
	}
}

func serveHealthy(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "Ausguck is healthy.")
}

// serveReady responds with 503, and what it waits for, until every part has started or failed once. After that it responds with
// 200 and names the parts that are down or not running their own files: the others work, and taking the program out of service
// would take them down as well.
func (a *App) serveReady(w http.ResponseWriter, _ *http.Request) {
	if !a.ready.Load() {
		http.Error(w, "Ausguck is not ready: "+strings.Join(a.waitingFor(), "; "), http.StatusServiceUnavailable)
		return
	}
	if wrong := append(a.down(), a.replaced()...); len(wrong) > 0 {
		fmt.Fprintln(w, "Ausguck is ready, with problems: "+strings.Join(wrong, "; "))
		return
	}
	fmt.Fprintln(w, "Ausguck is ready.")
}

// partReady serves /-/ready on the port of one part.
func (a *App) partReady(p part) http.Handler {
	return handler(func(w http.ResponseWriter, _ *http.Request) {
		if s, _ := a.group.State(p.name()); s.Phase != lifecycle.Ready {
			http.Error(w, "Service Unavailable: "+p.name()+" is "+string(s.Phase), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "Ausguck is ready.")
	})
}

// lifecycleOnly responds with 403 and upstream's message unless --web.enable-lifecycle is set.
func (a *App) lifecycleOnly(h http.HandlerFunc) http.HandlerFunc {
	if a.options.Prometheus.Web.EnableLifecycle {
		return h
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Lifecycle API is not enabled. Start with --web.enable-lifecycle.", http.StatusForbidden)
	}
}

// onlyPostAndPut rejects other methods, which would otherwise reach the handler of unknown paths.
var onlyPostAndPut = handler(func(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Allow", "POST, PUT")
	http.Error(w, "Only POST or PUT requests allowed", http.StatusMethodNotAllowed)
})

func (a *App) serveReload(w http.ResponseWriter, _ *http.Request) {
	if err := a.Reload(); err != nil {
		http.Error(w, "failed to reload config:\n"+err.Error(), http.StatusInternalServerError)
	}
}

func (a *App) serveQuit(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "Requesting termination... Goodbye!")
	a.quit()
}

// routePrefix returns the path prefix of all routes, without a trailing slash.
func (o *Options) routePrefix() (string, error) {
	prefix := o.Web.RoutePrefix
	if prefix == "" {
		prefix = o.external.Path
	}
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return "", nil
	}
	return "/" + prefix, nil
}

// ownMetrics serves /metrics on the main address. Upstream's handler, which no route uses, has registered the promhttp_* metrics
// in the default registry; this one shares them.
func (a *App) ownMetrics() http.Handler {
	return promhttp.InstrumentMetricHandler(prometheus.DefaultRegisterer,
		promhttp.HandlerFor(a.gatherer, promhttp.HandlerOpts{Registry: a.registry, EnableOpenMetrics: true}))
}
