// Package edge is the first step of every request, before a route is chosen: it normalizes the path, so that the role is checked
// for the handler that responds; it prevents other sites from opening WebSockets; and it restricts ports without credentials to
// their own host names.
//
// It imports only the standard library; internal/app puts it in front of the routes of every listener.
package edge

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Options configure what a listener accepts.
type Options struct {
	// Hosts returns the host names that the request may use. If Hosts or its result is nil, every name is accepted, which is
	// right where credentials are required.
	Hosts func(*http.Request) *Hosts
	// External is the URL at which clients reach the main address, for WebSockets through a proxy that changes the Host header.
	External *url.URL
	// TrustedOrigin reports whether another site may do what our own pages do; nil means none.
	TrustedOrigin func(origin string) bool
}

// New returns a handler that passes accepted requests on to h.
func New(o Options, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A ServeMux does not clean the path of CONNECT; TRACE would reveal headers to pages whose scripts may not see them.
		if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
			refuse(w, http.StatusMethodNotAllowed, r.Method+" is not supported")
			return
		}
		if !o.known(r) {
			refuse(w, http.StatusMisdirectedRequest, fmt.Sprintf("this port requires no credentials, so it only accepts host names of this machine, and %q is not one of them. "+
				"To allow it, start Ausguck with --web.allowed-hosts=%s; the main address, which asks for credentials, answers to every name", r.Host, hostName(r.Host)))
			return
		}
		if isUpgrade(r) && !o.sameOrigin(r) {
			refuse(w, http.StatusForbidden, "pages of other sites may not open WebSockets here; --web.cors.origin names sites that may")
			return
		}
		if err := canonical(r.URL); err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (o Options) known(r *http.Request) bool {
	if o.Hosts == nil {
		return true
	}
	hosts := o.Hosts(r)
	return hosts == nil || hosts.Allows(r.Host)
}

func refuse(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, code)
}

// isUpgrade reports whether the request asks for a protocol other than HTTP.
func isUpgrade(r *http.Request) bool {
	return r.Header.Get("Upgrade") != "" || slices.ContainsFunc(r.Header.Values("Connection"), func(v string) bool {
		return strings.Contains(strings.ToLower(v), "upgrade")
	})
}

// sameOrigin reports whether the request comes from one of our pages, or not from a page. Browsers send the page's origin with
// every WebSocket; CORS does not apply to WebSockets.
func (o Options) sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin != "" && o.TrustedOrigin != nil && o.TrustedOrigin(origin) {
		return true
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "":
	case "same-origin", "none":
		return true
	default:
		return false
	}
	if origin == "" {
		return len(r.Header.Values("Origin")) == 0
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if o.External != nil && u.Scheme == o.External.Scheme && sameHost(u.Host, o.External.Host, u.Scheme) {
		return true
	}
	return sameHost(u.Host, r.Host, u.Scheme)
}

// sameHost compares two values of the form host:port. Either may omit the scheme's default port.
func sameHost(a, b, scheme string) bool {
	port := map[string]string{"http": "80", "https": "443"}[scheme]
	full := func(host string) string {
		if _, _, err := net.SplitHostPort(host); err != nil {
			return strings.ToLower(strings.Trim(host, "[]")) + " " + port
		}
		name, p, _ := net.SplitHostPort(host)
		return strings.ToLower(name) + " " + p
	}
	return full(a) == full(b)
}
