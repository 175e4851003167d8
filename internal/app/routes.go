package app

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/ausguck/ausguck/web"
)

// routes is every URL of the main address.
func (a *App) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.serveStatus)
	mux.Handle("GET /static/", http.FileServerFS(web.Files))

	mux.HandleFunc("GET /-/healthy", serveHealthy)
	mux.HandleFunc("GET /-/ready", a.serveReady)
	mux.HandleFunc("POST /-/reload", a.lifecycleOnly(a.serveReload))
	mux.HandleFunc("PUT /-/reload", a.lifecycleOnly(a.serveReload))
	mux.HandleFunc("POST /-/quit", a.lifecycleOnly(a.serveQuit))
	mux.HandleFunc("PUT /-/quit", a.lifecycleOnly(a.serveQuit))

	mux.Handle("GET /metrics", a.ownMetrics())
	mux.Handle("GET /metrics/node", a.nodeMetrics())
	mux.Handle("GET /metrics/cadvisor", a.containerMetrics())

	prometheus := a.parts.prom.Handler()
	for _, path := range []string{"/api/v1/", "/federate", "/consoles/", "/user/", "/version", "/debug/"} {
		mux.Handle(path, prometheus)
	}
	return stripPrefix(a.prefix, a.sameOrigin(mux))
}

// sameOrigin refuses what changes something when another site's page asks for it through a browser:
// without credentials, nothing else would keep such a page from it. An operator who allows origins
// with --web.cors.origin has decided for all methods.
func (a *App) sameOrigin(h http.Handler) http.Handler {
	if a.options.Prometheus.Web.CORSOrigin != "" {
		return h
	}
	return http.NewCrossOriginProtection().Handler(h)
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

// exporterRoutes is what the port of a separate exporter answers.
func exporterRoutes(name string, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /-/healthy", serveHealthy)
	mux.HandleFunc("GET /healthz", serveHealthy)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>%[1]s</title><h1>%[1]s</h1><p><a href=\"/metrics\">Metrics</a></p>\n", name)
	})
	return mux
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
