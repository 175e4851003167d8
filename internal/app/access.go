package app

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/bounds"
	"github.com/ausguck/ausguck/internal/component/heartbeats"
	"github.com/ausguck/ausguck/internal/component/otlp"
	"github.com/ausguck/ausguck/internal/edge"
	"github.com/ausguck/ausguck/internal/httpserver"
)

// access guards the routes of a listener: every request passes the edge, and then the check of the role that its route requires.
type access struct {
	prefix string
	// asks wraps a handler in a check for the credentials of a role.
	asks func(who auth.Role, h http.Handler) http.Handler
	// bodies checks the body of every request before its handler runs. All listeners share it.
	bodies *bounds.Guard
	// external is the URL at which clients reach the main address.
	external *url.URL
	// trusted reports whether pages of another origin may send requests, according to --web.cors.origin.
	trusted func(origin string) bool
	// cors is set if there are such origins.
	cors bool
	// fileAsks reports whether web.yml requires credentials.
	fileAsks func() bool
	// local are the host names that a port without credentials accepts on loopback, reached those that it accepts elsewhere.
	local, reached *edge.Hosts
}

func newAccess(a *App) (access, error) {
	o := &a.options
	trusted, err := o.trustedOrigin()
	if err != nil {
		return access{}, err
	}
	names := append(splitList(o.Web.AllowedHosts), o.external.Host, "ausguck")
	names = append(names, a.dialer.Names()...)
	if host, err := os.Hostname(); err == nil {
		short, _, _ := strings.Cut(host, ".")
		names = append(names, host, short, short+".local")
	}
	return access{
		prefix: a.prefix, bodies: bounds.NewGuard(0), external: o.external, trusted: trusted, cors: o.Prometheus.Web.CORSOrigin != "",
		asks: func(who auth.Role, h http.Handler) http.Handler {
			return a.up(&o.Auth, o.Auth.service.Require(who, h))
		},
		fileAsks: a.http.AsksByFile, local: edge.NewHosts(false, names...), reached: edge.NewHosts(true, names...),
	}, nil
}

// trustedOrigin parses --web.cors.origin as Prometheus does.
func (o *Options) trustedOrigin() (func(origin string) bool, error) {
	origins, err := regexp.Compile("^(?s:" + o.Prometheus.Web.CORSOrigin + ")$")
	if err != nil {
		return nil, err
	}
	return func(origin string) bool { return o.Prometheus.Web.CORSOrigin != "" && origins.MatchString(origin) }, nil
}

// asking serves each route to clients that have the route's role.
func (a access) asking(routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.pattern, a.require(r))
	}
	return edge.New(a.edge(nil), stripPrefix(a.prefix, heartbeats.Aliases(apiPolicy(otlp.Refusals(mux)))))
}

// require wraps a route in the check of its role.
func (a access) require(r route) http.Handler {
	h := a.bounded(r)
	if r.who == everybody {
		return h
	}
	who := r.who
	if who == thisMachine {
		who = auth.Viewer
	}
	asks := a.preflightFirst(h, a.asks(who, authenticated(h)))
	if r.who != thisMachine {
		return asks
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if httpserver.FromThisMachine(req) {
			h.ServeHTTP(w, req)
			return
		}
		asks.ServeHTTP(w, req)
	})
}

// bounded checks the request body before a route's handler runs. Handlers of routes that are open to everybody limit their bodies
// themselves, because clients without credentials get no share of the memory for large bodies.
func (a access) bounded(r route) http.Handler {
	if r.who == everybody {
		return r.handler
	}
	return a.bodies.Handler(r.handler)
}

// authenticated lifts the time limit of a request, because its sender is now known.
func authenticated(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpserver.Authenticated(r)
		h.ServeHTTP(w, r)
	})
}

// open serves the routes to every client that can reach them, as the stock programs do, under this machine's host names. Pages of
// other sites, which can reach them through a visitor's browser, may not change anything, except those of --web.cors.origin.
func (a access) open(routes []route) http.Handler {
	return edge.New(a.edge(func(r *http.Request) *edge.Hosts {
		switch {
		case a.fileAsks():
			return nil // a client with a certificate or a password of web.yml is not another site's page
		case httpserver.OnLoopback(r):
			return a.local
		}
		return a.reached
	}), a.unguarded(routes))
}

// inProcess serves the routes to the parts of this process, whose host names for them must not be checked. It omits routes that
// are only for admins: a part sends requests on behalf of users, who may have put the address into a data source, and needs none
// of them.
func (a access) inProcess(routes []route) http.Handler {
	routes = slices.DeleteFunc(slices.Clone(routes), func(r route) bool { return r.who == auth.Admin })
	return edge.New(a.edge(nil), plain(a.unguarded(routes)))
}

func (a access) unguarded(routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.pattern, a.bounded(r))
	}
	h := authenticated(stripPrefix(a.prefix, otlp.Refusals(mux)))
	others := http.NewCrossOriginProtection().Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.trusted(r.Header.Get("Origin")) {
			h.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

func (a access) edge(hosts func(*http.Request) *edge.Hosts) edge.Options {
	return edge.Options{Hosts: hosts, External: a.external, TrustedOrigin: a.trusted}
}

// forAdmins serves admins with whole, and everyone else with less, including clients that were not required to authenticate.
func forAdmins(whole, less http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := auth.FromContext(r.Context()); ok && id.Role == auth.Admin {
			whole.ServeHTTP(w, r)
			return
		}
		less.ServeHTTP(w, r)
	})
}

// preflightFirst lets preflight requests, which browsers send without credentials, through if other origins are allowed.
func (a access) preflightFirst(open, asking http.Handler) http.Handler {
	if !a.cors {
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

// apiPolicy prevents browsers from running scripts in an API response, which may be a page of another server.
func apiPolicy(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/loki/") {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		}
		h.ServeHTTP(w, r)
	})
}

// stripPrefix also serves h below prefix: a reverse proxy may strip the path of the external URL or keep it.
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

// plain serves h without compression, which would only cost time between the parts of one process.
func plain(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		h.ServeHTTP(w, r)
	})
}
