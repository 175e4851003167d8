package app_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/auth"
)

// enginePaths are paths of the engines below the patterns in the tables: those that change state or reveal secrets.
var enginePaths = []string{
	"/api/v1/admin/tsdb/snapshot", "/api/v1/admin/tsdb/delete_series", "/api/v1/admin/tsdb/clean_tombstones", "/api/v1/write", "/api/v1/otlp/v1/metrics",
	"/api/v1/read", "/api/v1/query", "/api/v1/label/job/values", "/api/v1/status/config", "/api/v2/alerts", "/api/v2/silences", "/api/v2/silence/x", "/api/v2/status",
	"/loki/api/v1/push", "/loki/api/v1/delete", "/loki/api/v1/rules/ns", "/loki/api/v1/rules/ns/group", "/loki/api/v1/tail", "/loki/api/v1/query_range",
	"/loki/api/v1/label/job/values", "/api/prom/push", "/api/prom/rules/ns", "/otlp/v1/logs", "/v1/metrics", "/v1/logs", "/v1/traces", "/debug/pprof/cmdline",
	"/api/datasources/proxy/uid/prometheus/api/v1/query", "/api/datasources/proxy/uid/prometheus/api/v1/admin/tsdb/snapshot",
	"/api/datasources/proxy/uid/loki/loki/api/v1/delete", "/api/datasources/proxy/uid/loki/loki/api/v1/push",
}

// roleMux returns the role that a path requires according to the tables.
type roleMux struct {
	mux   *http.ServeMux
	roles map[string]auth.Role
}

func newRoleMux(table map[string]auth.Role) roleMux {
	m := roleMux{http.NewServeMux(), table}
	for pattern := range table {
		m.mux.Handle(pattern, http.NotFoundHandler())
	}
	return m
}

// role returns the required role; false if no route matches the request.
func (m roleMux) role(t *testing.T, method, path string) (pattern string, who auth.Role, ok bool) {
	req, err := http.NewRequest(method, "http://x"+path, nil)
	require.NoError(t, err)
	_, pattern = m.mux.Handler(req)
	who, ok = m.roles[pattern]
	return pattern, who, ok
}

// innerPatterns are the patterns whose handlers have their own table of routes.
var innerPatterns = []string{
	"/api/", "GET /goto/", "/api/user", "/api/user/password", "/api/user/orgs", "/api/users", "/api/users/", "/api/org/users", "/api/org/users/",
	"/api/admin/users", "/api/admin/users/", "/api/serviceaccounts", "/api/serviceaccounts/", "/api/access-control/user/",
}

var wildcard = regexp.MustCompile(`\{[a-z]+\}`)

// pathsOf returns a path that matches the pattern, and the methods to request it with.
func pathsOf(pattern string) (methods []string, path string) {
	methods = []string{"GET", "POST", "PUT", "DELETE", "PATCH"}
	if method, rest, ok := strings.Cut(pattern, " "); ok {
		methods, pattern = []string{method}, rest
	}
	pattern = strings.TrimSuffix(pattern, "{$}")
	path = wildcard.ReplaceAllString(strings.ReplaceAll(pattern, "{path...}", "x"), "x1")
	if strings.HasSuffix(path, "/") && pattern != "/" && !strings.HasSuffix(pattern, "{$}") {
		path += "x"
	}
	return methods, path
}

// spelling is an alternative way to write a path.
type spelling struct {
	path string
	// bad is set if the spelling must be rejected for everyone; otherwise it must be denied to users who may not access the path.
	bad bool
	// same is set if every router treats the spelling like the path itself.
	same bool
}

func spellings(path string) []spelling {
	list := []spelling{{path: path, same: true}}
	escaped := regexp.MustCompile(`/[a-zA-Z]`).ReplaceAllStringFunc(path, func(s string) string { return fmt.Sprintf("/%%%02x", s[1]) })
	list = append(list, spelling{path: escaped, same: true})
	for i := 1; i < len(path); i++ {
		if path[i] != '/' {
			continue
		}
		list = append(list, spelling{path: path[:i] + "%2f" + path[i+1:], bad: true}, spelling{path: path[:i] + "//" + path[i+1:]})
	}
	return append(list, spelling{path: path + "%00", bad: true}, spelling{path: strings.Replace(path[1:], "/", "%5C", 1), bad: true},
		spelling{path: "/x/.." + path}, spelling{path: "/x/%2e%2e" + path}, spelling{path: path + "/"}, spelling{path: strings.ToUpper(path)})
}

// wire sends requests exactly as written, which a net/http client would not do, over persistent connections.
type wire struct {
	address string
	header  string
	conn    net.Conn
	in      *bufio.Reader
}

func (w *wire) ask(t *testing.T, method, path string) (int, string) {
	t.Helper()
	for try := 0; ; try++ {
		if w.conn == nil {
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", w.address)
			require.NoError(t, err)
			w.conn, w.in = c, bufio.NewReader(c)
		}
		_ = w.conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, err := fmt.Fprintf(w.conn, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n%s\r\n", method, path, w.header)
		var res *http.Response
		if err == nil {
			res, err = http.ReadResponse(w.in, &http.Request{Method: method})
		}
		if err != nil {
			w.close()
			require.Less(t, try, 3, "%s %s: %v", method, path, err)
			continue
		}
		if res.ContentLength < 0 || res.ContentLength > 1<<16 || res.Close { // stream or large response: the beginning is enough
			body := make([]byte, 512)
			n, _ := io.ReadAtLeast(res.Body, body, 1)
			w.close()
			return res.StatusCode, string(body[:n])
		}
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// Every route × Viewer, Editor and nobody × method × plain and encoded path, generated from the tables: users are denied
// everything that their role does not include, and get everything that it includes.
func TestRolesOfEveryRoute(t *testing.T) {
	begin := time.Now()
	o := testOptions(t, "--no-cadvisor", "--web.enable-lifecycle", "--web.enable-remote-write-receiver", "--web.enable-admin-api", "--web.enable-otlp-receiver")
	host := "127.81.18.1" // the well-known ports of an address that nothing else uses
	_, port, err := net.SplitHostPort(o.Web.ListenAddress)
	require.NoError(t, err)
	o.Web.ListenAddress, o.Web.WellKnownPorts = net.JoinHostPort(host, port), "authenticated"
	r := start(t, o)
	r.addUsers(t)
	tables := r.Tables()
	inner := []roleMux{newRoleMux(tables["grafana"]), newRoleMux(tables["users"])}
	asked := 0
	var mtx sync.Mutex
	for name, address := range map[string]string{
		"main": net.JoinHostPort(host, port), "prometheus": host + ":9090", "alertmanager": host + ":9093", "loki": host + ":3100", "otlp": host + ":4318",
	} {
		t.Run(name, func(t *testing.T) {
			outer := newRoleMux(tables[name])
			requests := map[string][]string{} // methods by path
			add := func(pattern string) {
				methods, path := pathsOf(pattern)
				requests[path] = append(requests[path], methods...)
			}
			for pattern := range tables[name] {
				add(pattern)
			}
			if name == "main" {
				for _, m := range inner {
					for pattern := range m.roles {
						add(pattern)
					}
				}
			}
			for _, path := range enginePaths {
				add(path)
			}
			for path, methods := range requests {
				slices.Sort(methods)
				requests[path] = slices.Compact(methods)
			}
			var group sync.WaitGroup
			for _, who := range []user{nobody, viewer, editor} {
				group.Go(func() {
					w := &wire{address: address, header: who.header(t)}
					defer w.close()
					for path, methods := range requests {
						for _, method := range methods {
							if path == "/login" && method == http.MethodPost {
								continue // wrong passwords would count for all users; TestEveryRoute covers it
							}
							n := requireRole(t, w, who, outer, inner, method, path)
							mtx.Lock()
							asked += n
							mtx.Unlock()
						}
					}
				})
			}
			group.Wait()
		})
	}
	t.Attr("figure", fmt.Sprintf("%d requests to every route of five listeners by three kinds of callers in %s", asked, time.Since(begin).Round(100*time.Millisecond)))
	require.Greater(t, asked, 10_000)
	require.Less(t, time.Since(begin), 5*time.Minute)
}

func (u user) header(t *testing.T) string {
	if u == nobody {
		return ""
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://x", nil)
	require.NoError(t, err)
	req.SetBasicAuth(u.login, u.password)
	return "Authorization: " + req.Header.Get("Authorization") + "\r\n"
}

var ranks = map[auth.Role]int{app.Everybody: 0, auth.Viewer: 1, app.ThisMachine: 0, auth.Editor: 2, auth.Admin: 3}

func (u user) rank() int {
	return map[user]int{nobody: 0, viewer: 1, editor: 2, admin: 3}[u]
}

// requireRole requests a path in all its spellings and returns the number of requests.
func requireRole(t *testing.T, w *wire, who user, outer roleMux, inner []roleMux, method, path string) int {
	t.Helper()
	pattern, role, known := outer.role(t, method, path)
	need := ranks[role]
	for _, m := range inner {
		if _, role, ok := m.role(t, method, path); ok && slices.Contains(innerPatterns, pattern) {
			need = max(need, ranks[role])
		}
	}
	if strings.HasPrefix(path, "/api/datasources/proxy/uid/") && who != admin {
		return requireProxyRole(t, w, who, method, path)
	}
	list := spellings(path)
	for _, s := range list {
		code, body := w.ask(t, method, s.path)
		line := fmt.Sprintf("%s %s as %q: %d %s", method, s.path, who.login, code, body)
		refused := code == http.StatusForbidden || code == http.StatusUnauthorized
		switch {
		case strings.Contains(s.path, "/label/job%2fvalues"), s.bad:
			require.Equal(t, http.StatusBadRequest, code, line)
		case !s.same:
			if who.rank() < need {
				require.NotEqual(t, 2, code/100, line)
			}
		case !known:
			require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, code, line)
		case who.rank() < need:
			require.True(t, refused || code == http.StatusFound, line)
		default:
			require.NotEqual(t, http.StatusForbidden, code, line)
			require.False(t, code == http.StatusUnauthorized && strings.Contains(body, "nauthorized"), line)
		}
	}
	return len(list)
}

// requireProxyRole checks requests through a data source: only reading is allowed, whatever the spelling.
func requireProxyRole(t *testing.T, w *wire, who user, method, path string) int {
	t.Helper()
	reads := strings.HasSuffix(path, "/query") && (method == http.MethodGet || method == http.MethodPost)
	list := spellings(path)
	for _, s := range list {
		code, body := w.ask(t, method, s.path)
		line := fmt.Sprintf("%s %s as %q: %d %s", method, s.path, who.login, code, body)
		switch {
		case s.bad:
			require.Equal(t, http.StatusBadRequest, code, line)
		case !reads || who == nobody:
			require.GreaterOrEqual(t, code, 300, line)
			if s.same {
				require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed}, code, line)
			}
		}
	}
	return len(list)
}
