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
	"github.com/ausguck/ausguck/internal/component/otlp"
	"github.com/ausguck/ausguck/internal/edge"
	"github.com/ausguck/ausguck/internal/httpserver"
)

// access is how requests reach the routes of a listener: through the edge, to those whose role the route asks for.
type access struct {
	prefix string
	// asks puts a handler behind the question for credentials of a role.
	asks func(who auth.Role, h http.Handler) http.Handler
	// bodies looks at the body of every request before a handler does, on all listeners together.
	bodies *bounds.Guard
	// external is how people reach the main address.
	external *url.URL
	// trusted reports whether another site's pages may ask, as --web.cors.origin has it.
	trusted func(origin string) bool
	// cors is set when there are such sites.
	cors bool
	// fileAsks reports whether web.yml asks for credentials.
	fileAsks func() bool
	// local are the names that a port without credentials answers to on loopback, reached those elsewhere.
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

// trustedOrigin reads --web.cors.origin as Prometheus does.
func (o *Options) trustedOrigin() (func(origin string) bool, error) {
	origins, err := regexp.Compile("^(?s:" + o.Prometheus.Web.CORSOrigin + ")$")
	if err != nil {
		return nil, err
	}
	return func(origin string) bool { return o.Prometheus.Web.CORSOrigin != "" && origins.MatchString(origin) }, nil
}

// asking serves the routes to those who have the role of each.
func (a access) asking(routes []route) http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.Handle(r.pattern, a.require(r))
	}
	return edge.New(a.edge(nil), stripPrefix(a.prefix, apiPolicy(otlp.Refusals(mux))))
}

// require puts in front of a route who may ask it.
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

// bounded looks at bodies before the handler of a route does. What everybody may ask bounds its bodies itself: who has no
// credentials gets no share of the memory for large ones.
func (a access) bounded(r route) http.Handler {
	if r.who == everybody {
		return r.handler
	}
	return a.bodies.Handler(r.handler)
}

// authenticated lets a request take its time, now that it is known who sends it.
func authenticated(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpserver.Authenticated(r)
		h.ServeHTTP(w, r)
	})
}

// open serves the routes to everybody who can reach them, as the stock programs do, under the names of this machine.
// Other sites' pages, which can through a visitor's browser, may change nothing, but for those of --web.cors.origin.
func (a access) open(routes []route) http.Handler {
	return edge.New(a.edge(func(r *http.Request) *edge.Hosts {
		switch {
		case a.fileAsks():
			return nil // who has a certificate or a password of web.yml is no page of another site
		case httpserver.OnLoopback(r):
			return a.local
		}
		return a.reached
	}), a.unguarded(routes))
}

// inProcess serves the routes to the parts of this process, whose names for them are not to be checked. It leaves out what
// only an admin may: parts ask for others, who may have put the address into a data source, and need none of it.
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

// preflightFirst lets browsers ask what other sites may do, which they do without credentials, when some may.
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

// apiPolicy keeps browsers from running what an API answers, which may be another server's page.
func apiPolicy(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/loki/") {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		}
		h.ServeHTTP(w, r)
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

// plain serves h without compression: between parts of one process it would only cost time.
func plain(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		h.ServeHTTP(w, r)
	})
}
