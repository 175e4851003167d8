package app

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/docs/runbooks"
	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/runbook"
	"github.com/ausguck/ausguck/web"
)

// route is a URL, who may ask it, and what answers.
type route struct {
	pattern string
	who     auth.Role
	handler http.Handler
}

// everybody may ask without credentials.
const everybody auth.Role = ""

// routes is every URL of the main address.
func (a *App) routes() []route {
	users, grafana := a.parts.auth.API(), a.parts.dashboards.Handler()
	routes := []route{
		{"GET /login", everybody, http.HandlerFunc(a.parts.auth.LoginPage)},
		{"POST /login", everybody, http.HandlerFunc(a.parts.auth.Login)},
		{"GET /logout", everybody, http.HandlerFunc(a.parts.auth.Logout)},
		{"POST /logout", everybody, http.HandlerFunc(a.parts.auth.Logout)},
		{"GET /public/", everybody, http.HandlerFunc(servePublic)},
		{"GET /favicon.ico", everybody, staticFile("static/icon.svg")},
		{"GET /robots.txt", everybody, staticFile("static/robots.txt")},

		{"GET /status", auth.Viewer, http.HandlerFunc(a.serveStatus)},
		{"GET /runbooks/", auth.Viewer, runbook.New(runbooks.Files)},

		{"GET /api/ausguck/status", auth.Viewer, http.HandlerFunc(a.serveStatusAPI)},
		{"GET /api/ausguck/containers", auth.Viewer, http.HandlerFunc(a.serveContainers)},
		{"GET /api/ausguck/querylog", auth.Admin, http.HandlerFunc(a.serveQueryLog)},
		{"POST /api/ausguck/reload", auth.Admin, http.HandlerFunc(a.serveReloadAPI)},
		{"GET /api/ausguck/configuration", auth.Admin, http.HandlerFunc(a.serveConfiguration)},
		{"GET /api/ausguck/backup", auth.Admin, http.HandlerFunc(a.serveBackup)},

		// What of it is for editors and admins, it knows itself.
		{"/api/", auth.Viewer, grafana},
		{"GET /api/health", everybody, grafana},
		{"GET /goto/", auth.Viewer, grafana},

		{"/api/login/ping", auth.Viewer, users},
		{"/api/user", auth.Viewer, users},
		{"/api/user/password", auth.Viewer, users},
		{"/api/user/orgs", auth.Viewer, users},
		{"/api/access-control/user/", auth.Viewer, users},
		{"/api/auth/keys", auth.Viewer, users},
		{"/api/auth/keys/", auth.Viewer, users},
		// These are for admins; their answer to others names the permission that is missing.
		{"/api/users", auth.Viewer, users},
		{"/api/users/", auth.Viewer, users},
		{"/api/org/users", auth.Viewer, users},
		{"/api/org/users/", auth.Viewer, users},
		{"/api/admin/users", auth.Viewer, users},
		{"/api/admin/users/", auth.Viewer, users},
		{"/api/serviceaccounts", auth.Viewer, users},
		{"/api/serviceaccounts/", auth.Viewer, users},

		{"/", auth.Viewer, http.NotFoundHandler()},
	}
	page := http.HandlerFunc(a.servePage)
	routes = append(routes, route{"GET /{$}", auth.Viewer, page})
	for _, first := range pages {
		routes = append(routes, route{"GET /" + first, auth.Viewer, page}, route{"GET /" + first + "/", auth.Viewer, page})
	}
	routes = append(routes, a.alertmanagerRoutes()...)
	routes = append(routes, a.logRoutes()...)
	return append(routes, a.prometheusRoutes()...)
}

// pages are the first segments of the addresses that the page of web/ has.
var pages = []string{"d", "dashboards", "dashboard", "import", "explore", "graph", "query", "alerts", "alerting", "targets", "logs", "settings", "profile", "admin"}

// prometheusRoutes are those of Prometheus, on the main address and on its own port.
func (a *App) prometheusRoutes() []route {
	prometheus := forAdmins(a.parts.prom.Handler(), a.parts.prom.Discreet())
	return []route{
		{"GET /-/healthy", everybody, http.HandlerFunc(serveHealthy)},
		{"GET /-/ready", everybody, http.HandlerFunc(a.serveReady)},
		{"POST /-/reload", auth.Admin, a.lifecycleOnly(a.serveReload)},
		{"PUT /-/reload", auth.Admin, a.lifecycleOnly(a.serveReload)},
		{"POST /-/quit", auth.Admin, a.lifecycleOnly(a.serveQuit)},
		{"PUT /-/quit", auth.Admin, a.lifecycleOnly(a.serveQuit)},
		{"/-/reload", auth.Admin, onlyPostAndPut},
		{"/-/quit", auth.Admin, onlyPostAndPut},

		{"GET /static/", everybody, cached(http.FileServerFS(web.Files))},
		{"GET /metrics", everybody, a.ownMetrics()},
		{"GET /metrics/node", auth.Viewer, a.nodeMetrics()},
		{"GET /metrics/cadvisor", auth.Viewer, a.containerMetrics()},

		{"/api/v1/", auth.Viewer, prometheus},
		{"/api/v1/write", auth.Editor, prometheus},
		{"/api/v1/otlp/", auth.Editor, prometheus},
		{"/api/v1/admin/", auth.Admin, prometheus},
		{"/federate", auth.Viewer, prometheus},
		{"/consoles/", auth.Viewer, prometheus},
		{"/user/", auth.Viewer, prometheus},
		{"/version", auth.Viewer, prometheus},
		{"/debug/", auth.Admin, prometheus},
	}
}

// alertmanagerRoutes are those of Alertmanager, on the main address and on its own port.
func (a *App) alertmanagerRoutes() []route {
	if a.parts.alerting == nil {
		return nil
	}
	alertmanager, ours := a.parts.alerting.Handler(), a.parts.alerting.API()
	return []route{
		{"/api/v2/", auth.Editor, alertmanager},
		{"GET /api/v2/", auth.Viewer, alertmanager},
		{"GET /api/ausguck/alerting/", auth.Viewer, ours},
		{"POST /api/ausguck/alerting/test", auth.Editor, ours},
	}
}

// stockAlertmanagerRoutes is what the port of Alertmanager answers.
func (a *App) stockAlertmanagerRoutes() []route {
	if a.parts.alerting == nil {
		return nil
	}
	return append(a.alertmanagerRoutes(),
		route{"/api/v1/", auth.Viewer, a.parts.alerting.Handler()}, // gone, says how
		route{"GET /-/healthy", everybody, http.HandlerFunc(serveHealthy)},
		route{"GET /-/ready", everybody, http.HandlerFunc(a.serveReady)},
		route{"POST /-/reload", auth.Admin, a.lifecycleOnly(a.serveReload)},
		route{"GET /metrics", everybody, a.ownMetrics()},
		route{"GET /{$}", auth.Viewer, http.HandlerFunc(a.serveStatus)},
		route{"/", auth.Viewer, http.NotFoundHandler()},
	)
}

// stockPrometheusRoutes is what the port of Prometheus answers.
func (a *App) stockPrometheusRoutes() []route {
	return append(a.prometheusRoutes(),
		route{"GET /{$}", auth.Viewer, http.HandlerFunc(a.serveStatus)},
		route{"/", auth.Viewer, http.NotFoundHandler()},
	)
}

// exporterRoutes is what the port of a separate exporter answers.
func exporterRoutes(name string, metrics http.Handler) []route {
	return []route{
		{"GET /metrics", auth.Viewer, metrics},
		{"GET /-/healthy", everybody, http.HandlerFunc(serveHealthy)},
		{"GET /healthz", everybody, http.HandlerFunc(serveHealthy)},
		{"GET /{$}", auth.Viewer, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><title>%[1]s</title><h1>%[1]s</h1><p><a href=\"/metrics\">Metrics</a></p>\n", name)
		})},
	}
}

// asking serves the routes to those who have the role of each.
func (a *App) asking(routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		h := a.bounded(r)
		if r.who != everybody {
			h = a.preflightFirst(h, a.parts.auth.Require(r.who, h))
		}
		mux.Handle(r.pattern, h)
	}
	return stripPrefix(a.prefix, apiPolicy(mux))
}

// bounded looks at bodies before the handler of a route does. What everybody may ask bounds its bodies itself: who has no
// credentials gets no share of the memory for large ones.
func (a *App) bounded(r route) http.Handler {
	if r.who == everybody {
		return r.handler
	}
	return a.bodies.Handler(r.handler)
}

// open serves the routes to everybody who can reach them, as the stock programs do. Other sites' pages, which can
// through a visitor's browser, may change nothing, unless the operator has allowed some with --web.cors.origin.
func (a *App) open(routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.pattern, a.bounded(r))
	}
	h := stripPrefix(a.prefix, mux)
	if a.options.Prometheus.Web.CORSOrigin != "" {
		return h
	}
	return http.NewCrossOriginProtection().Handler(h)
}

// forAdmins answers admins by whole and everybody else, those too who were not asked for credentials, by less.
func forAdmins(whole, less http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := auth.FromContext(r.Context()); ok && id.Role == auth.Admin {
			whole.ServeHTTP(w, r)
			return
		}
		less.ServeHTTP(w, r)
	})
}

// notForAdmins leaves out what only an admin may: parts of the process ask for others, who may have put the address
// into a data source, and need none of it.
func notForAdmins(routes []route) []route {
	return slices.DeleteFunc(slices.Clone(routes), func(r route) bool { return r.who == auth.Admin })
}

// preflightFirst lets browsers ask what other sites may do, which they do without credentials, when some may.
func (a *App) preflightFirst(open, asking http.Handler) http.Handler {
	if a.options.Prometheus.Web.CORSOrigin == "" {
		return asking
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions && strings.HasPrefix(r.URL.Path, "/api/v1/") {
			open.ServeHTTP(w, r)
			return
		}
		asking.ServeHTTP(w, r)
	})
}

// apiPolicy keeps browsers from running what an API answers, which may be another server's page.
func apiPolicy(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/loki/") {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		}
		h.ServeHTTP(w, r)
	})
}

// nodeMetrics is served at /metrics/node and as /metrics on the port of node_exporter.
func (a *App) nodeMetrics() http.Handler {
	if a.parts.node == nil {
		return absent("the host is not watched: node_exporter is switched off or cannot work here")
	}
	return a.parts.node.Handler()
}

// containerMetrics is served at /metrics/cadvisor and as /metrics on the port of cAdvisor.
func (a *App) containerMetrics() http.Handler {
	if a.parts.cadvisor == nil {
		return absent("containers are not watched: cAdvisor is switched off or cannot work here")
	}
	return a.parts.cadvisor.Handler()
}

func serveHealthy(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "Ausguck is healthy.")
}

// serveReady answers 200 when every part is ready, else 503 with what it waits for.
func (a *App) serveReady(w http.ResponseWriter, _ *http.Request) {
	if waiting := a.waitingFor(); len(waiting) > 0 {
		http.Error(w, "Ausguck is not ready: "+strings.Join(waiting, "; "), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "Ausguck is ready.")
}

// lifecycleOnly answers 403 in upstream's words unless --web.enable-lifecycle was given.
func (a *App) lifecycleOnly(h http.HandlerFunc) http.HandlerFunc {
	if a.options.Prometheus.Web.EnableLifecycle {
		return h
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Lifecycle API is not enabled. Start with --web.enable-lifecycle.", http.StatusForbidden)
	}
}

// onlyPostAndPut answers other methods, which would else reach what answers unknown paths.
var onlyPostAndPut = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
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

func absent(reason string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, reason, http.StatusNotFound)
	})
}

// stripPrefix serves h below prefix too: a reverse proxy may cut the path of the external URL or leave it.
func stripPrefix(prefix string, h http.Handler) http.Handler {
	if prefix == "" {
		return h
	}
	below := http.StripPrefix(prefix, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == prefix:
			http.Redirect(w, r, prefix+"/", http.StatusFound)
		case strings.HasPrefix(r.URL.Path, prefix+"/"):
			below.ServeHTTP(w, r)
		default:
			h.ServeHTTP(w, r)
		}
	})
}
