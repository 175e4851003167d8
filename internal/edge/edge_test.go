package edge_test

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/edge"
)

// serve returns the address of a server behind the edge. It responds with the path as two kinds of routers see it.
func serve(t *testing.T, o edge.Options) string {
	t.Helper()
	srv := httptest.NewServer(edge.New(o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.URL.Path + " " + r.URL.EscapedPath()))
	})))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// raw sends the lines exactly as given, which a net/http client would not do, and returns the status and body.
func raw(t *testing.T, address string, lines ...string) (int, string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte(strings.Join(lines, "\r\n") + "\r\nConnection: close\r\n\r\n"))
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := bufio.NewReader(res.Body).ReadString(0)
	if err == nil {
		require.Fail(t, "a NUL in the answer")
	}
	return res.StatusCode, strings.TrimSpace(body)
}

func TestOnePathForAllRouters(t *testing.T) {
	address := serve(t, edge.Options{})
	for path, want := range map[string]string{ // empty = 400
		"/api/v1/query":                  "/api/v1/query /api/v1/query",
		"/api/v1/%71uery":                "/api/v1/query /api/v1/query",
		"/a%20b/%7Bx%7D":                 "/a b/{x} /a%20b/%7Bx%7D",
		"/%C3%A4":                        "/ä /%C3%A4",
		"/%FF":                           "/\xff /%FF",
		"/a//b/../c":                     "/a//b/../c /a//b/../c", // a ServeMux redirects
		"/a/%2e%2e/c":                    "/a/../c /a/../c",
		"/a;b=c":                         "/a;b=c /a;b=c",
		"/api/v1/admin%2ftsdb":           "",
		"/api/v1/admin%2Ftsdb":           "",
		"/api%2fv1/admin/tsdb":           "",
		"/a%5cb":                         "",
		`/a\b`:                           "",
		"/a%00":                          "",
		"/a%0ab":                         "",
		"/a%7f":                          "",
		"/..%2f..%2fetc":                 "",
		"/api/v1/label/a%2fb/values":     "/api/v1/label/a/b/values /api/v1/label/a%2Fb/values",
		"/api/v1/label/a%5Cb/values":     `/api/v1/label/a\b/values /api/v1/label/a%5Cb/values`,
		"/x/label/a%2f..%2fb/values":     "",
		"/x/label/..%2fb/values":         "",
		"/x/label/a%00/values":           "",
		"/x/label/a%2fb/values/c":        "",
		"/x/label/a%2fb":                 "",
		"/x%2flabel/a%2fb/values":        "",
		"/label/a%2fb%2fvalues":          "",
		"/x/label/%2e%2e%2fadmin/values": "",
	} {
		code, body := raw(t, address, "GET "+path+" HTTP/1.1", "Host: x")
		if want == "" {
			require.Equal(t, http.StatusBadRequest, code, "%s: %s", path, body)
			require.NotContains(t, body, "admin", path)
			continue
		}
		require.Equal(t, http.StatusOK, code, "%s: %s", path, body)
		require.Equal(t, want, body, path)
	}
	for _, method := range []string{"CONNECT", "TRACE"} {
		code, _ := raw(t, address, method+" /api/v1/x/../admin HTTP/1.1", "Host: x")
		require.Equal(t, http.StatusMethodNotAllowed, code, method)
	}
	code, _ := raw(t, address, "OPTIONS * HTTP/1.1", "Host: x")
	require.Equal(t, http.StatusOK, code)
	code, _ = raw(t, address, "GET http://x HTTP/1.1", "Host: x")
	require.Equal(t, http.StatusBadRequest, code, "no path")
}

// Every accepted path reads the same with and without its escapes, so no two routers can interpret it differently.
func FuzzOnePathForAllRouters(f *testing.F) {
	for _, seed := range []string{"/a%2fb", "/label/a%2fb/values", "/%2e%2e/%2f", "//%5c", "/a%00", "/%25%32%66"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil {
			return
		}
		answered := false
		h := edge.New(edge.Options{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			answered = true
			segments := strings.Split(r.URL.EscapedPath(), "/")
			if r.URL.RawPath == "" {
				require.Len(t, segments, strings.Count(r.URL.Path, "/")+1, "a segment for each slash")
				return
			}
			n := len(segments)
			require.Equal(t, []string{"label", "values"}, []string{segments[n-3], segments[n-1]})
			require.NotContains(t, strings.Split(r.URL.Path, "/"), "..", "no name that climbs")
		}))
		h.ServeHTTP(httptest.NewRecorder(), &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}})
		if strings.ContainsAny(u.Path, "\x00") {
			require.False(t, answered)
		}
	})
}

func TestOnlyOwnPagesOpenWebSockets(t *testing.T) {
	external, err := url.Parse("https://ausguck.example.org/x/")
	require.NoError(t, err)
	address := serve(t, edge.Options{External: external, TrustedOrigin: func(o string) bool { return o == "https://grafana.example.org" }})
	for name, tt := range map[string]struct {
		header []string
		want   int
	}{
		"logcli":                           {nil, 200},
		"own page":                         {[]string{"Origin: http://127.0.0.1:3100"}, 200},
		"own page, upper case":             {[]string{"Origin: HTTP://127.0.0.1:3100"}, 200},
		"own page by Sec-Fetch-Site":       {[]string{"Origin: https://behind.a.proxy", "Sec-Fetch-Site: same-origin"}, 200},
		"external address":                 {[]string{"Origin: https://ausguck.example.org"}, 200},
		"external address with port":       {[]string{"Origin: https://ausguck.example.org:443"}, 200},
		"site of --web.cors.origin":        {[]string{"Origin: https://grafana.example.org", "Sec-Fetch-Site: cross-site"}, 200},
		"external address without TLS":     {[]string{"Origin: http://ausguck.example.org"}, 403},
		"another site":                     {[]string{"Origin: https://evil.example"}, 403},
		"another port":                     {[]string{"Origin: http://127.0.0.1:8000"}, 403},
		"another port, same site":          {[]string{"Origin: http://127.0.0.1:8000", "Sec-Fetch-Site: same-site"}, 403},
		"another site by Sec-Fetch-Site":   {[]string{"Sec-Fetch-Site: cross-site"}, 403},
		"a file":                           {[]string{"Origin: null"}, 403},
		"an empty origin":                  {[]string{"Origin: "}, 403},
		"own name before another":          {[]string{"Origin: http://127.0.0.1:3100.evil.example"}, 403},
		"another site, no Connection line": {[]string{"Origin: https://evil.example"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			lines := append([]string{"GET /loki/api/v1/tail HTTP/1.1", "Host: 127.0.0.1:3100", "Upgrade: websocket"}, tt.header...)
			code, _ := raw(t, address, lines...)
			require.Equal(t, tt.want, code)
		})
	}
	code, _ := raw(t, address, "GET / HTTP/1.1", "Host: 127.0.0.1:3100", "Origin: https://evil.example")
	require.Equal(t, http.StatusOK, code, "the browser does not show that answer to the other site")
	code, _ = raw(t, address, "GET / HTTP/1.1", "Host: x", "Connection: keep-alive, Upgrade", "Origin: https://evil.example")
	require.Equal(t, http.StatusForbidden, code)
}

func TestHosts(t *testing.T) {
	names := []string{"prometheus:9090", "agent-loki:3100", "myhost", "*.lan.example", "2001:db8::1", "[2001:db8::2]:80", ""}
	local, reached := edge.NewHosts(false, names...), edge.NewHosts(true, names...)
	for _, host := range []string{
		"", "localhost", "LOCALHOST:9090", "127.0.0.1:9090", "127.8.9.1", "[::1]:9090", "::1", "[::ffff:127.0.0.1]", "grafana.localhost", "localhost.",
		"prometheus:9090", "prometheus", "prometheus:1", "agent-loki", "MyHost:9090", "a.lan.example", "a.b.lan.example:80", "[2001:db8::1]:9090", "2001:db8::2",
		"host.docker.internal:9090",
	} {
		require.True(t, local.Allows(host), host)
		require.True(t, reached.Allows(host), host)
	}
	for _, host := range []string{
		"evil.example:9090", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "prometheus.evil.example", "xlan.example", "lan.example",
		"evil.example:localhost", "[evil.example]", "localhost\x00", "evil.example.", "0x7f000001", "2130706433", "*",
	} {
		require.False(t, local.Allows(host), host)
		require.False(t, reached.Allows(host), host)
	}
	for _, host := range []string{"192.0.2.1:9090", "0.0.0.0", "[2001:db8::3]:80", "agent-ausguck:9090", "nas", "nas.lan:9090", "host.home.arpa", "db_1"} {
		require.False(t, local.Allows(host), host)
		require.True(t, reached.Allows(host), host)
	}

	address := serve(t, edge.Options{Hosts: func(*http.Request) *edge.Hosts { return local }})
	code, body := raw(t, address, "GET / HTTP/1.1", "Host: evil.example:9090")
	require.Equal(t, http.StatusMisdirectedRequest, code)
	require.Contains(t, body, "start Ausguck with --web.allowed-hosts=evil.example;")
	code, _ = raw(t, address, "GET / HTTP/1.1", "Host: localhost:9090")
	require.Equal(t, http.StatusOK, code)
}
