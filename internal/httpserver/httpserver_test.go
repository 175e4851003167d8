package httpserver_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/ausguck/ausguck/internal/httpserver"
)

// logBuffer is a log that tests can read while the server writes to it.
type logBuffer struct {
	mtx sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return l.buf.Write(b)
}

func (l *logBuffer) String() string {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return l.buf.String()
}

func (l *logBuffer) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// start serves h on a free loopback port. stop ends the server and returns Serve's error.
func start(t *testing.T, o httpserver.Options, h http.Handler) (url string, stop func() error) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := httpserver.New(o)
	require.NoError(t, err)
	// As on a well-known port on loopback: the toolkit checks the users of web.yml.
	require.NoError(t, s.ListenWellKnown(httpserver.Main, "127.0.0.1:0", h, h))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { require.NoError(t, stop()) })
	return s.Addresses()[0].URL(), stop
}

// serve runs the server until the test ends and returns its first address.
func serve(t *testing.T, s *httpserver.Server) httpserver.Address {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return s.Addresses()[0]
}

func get(t *testing.T, c *http.Client, url, user, password string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := c.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

func text(s string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) })
}

func writeFile(t *testing.T, path, content string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestWellKnownPortsAskWhereOthersReachThem(t *testing.T) {
	dir := t.TempDir()
	cert, client := newCert(t, dir, "server"), newCert(t, dir, "client")
	users := "basic_auth_users:\n  admin: " + hash(t, "secret") + "\n"
	certs := "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
	tests := map[string]struct {
		addr  string
		web   string
		allow bool
		want  string // who responds: open, asking, or the toolkit with 401
	}{
		"loopback":                       {addr: "127.0.0.1:0", want: "open"},
		"another loopback":               {addr: "127.1.2.3:0", want: "open"},
		"localhost":                      {addr: "localhost:0", want: "open"},
		"loopback with users":            {addr: "127.0.0.1:0", web: users, want: "Unauthorized\n"},
		"all":                            {addr: ":0", want: "asking"},
		"all, IPv4":                      {addr: "0.0.0.0:0", want: "asking"},
		"all, IPv6":                      {addr: "[::]:0", want: "asking"},
		"all with users":                 {addr: "0.0.0.0:0", web: users, want: "asking"},
		"all with TLS only":              {addr: "0.0.0.0:0", web: certs, want: "asking"},
		"all with optional certificates": {addr: "0.0.0.0:0", web: certs + "  client_auth_type: RequireAnyClientCert\n", want: "asking"},
		"all with verified certificates": {addr: "0.0.0.0:0", web: certs + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: client.crt\n", want: "open"},
		"all, allowed by flag":           {addr: "0.0.0.0:0", allow: true, want: "open"},
		"all, allowed, with users":       {addr: "0.0.0.0:0", allow: true, web: users, want: "Unauthorized\n"},
		"all with an empty web.yml":      {addr: "0.0.0.0:0", web: "# nothing\n", want: "asking"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := httpserver.Options{Logger: slog.New(slog.DiscardHandler), AllowAnonymous: tt.allow}
			if tt.web != "" {
				o.WebConfigFile = writeFile(t, filepath.Join(dir, "web.yml"), tt.web)
			}
			s, err := httpserver.New(o)
			require.NoError(t, err)
			require.NoError(t, s.ListenWellKnown("prometheus", tt.addr, text("open"), text("asking")))
			a := serve(t, s)
			_, port, err := net.SplitHostPort(a.Addr)
			require.NoError(t, err)
			host, _, err := net.SplitHostPort(tt.addr)
			require.NoError(t, err)
			if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
				host = "127.0.0.1"
			}
			_, body := get(t, tlsClient(t, cert, client), a.Scheme+"://"+net.JoinHostPort(host, port), "", "")
			require.Equal(t, tt.want, body)
		})
	}
}

// The main address checks credentials itself; all other settings of web.yml apply there too.
func TestMainAddressLeavesUsersToItsHandler(t *testing.T) {
	file := writeFile(t, filepath.Join(t.TempDir(), "web.yml"), `
http_server_config:
  headers:
    Strict-Transport-Security: max-age=1
rate_limit:
  burst: 2
  interval: 1h
basic_auth_users:
  admin: `+hash(t, "secret")+"\n")
	s, err := httpserver.New(httpserver.Options{Logger: slog.New(slog.DiscardHandler), WebConfigFile: file})
	require.NoError(t, err)
	require.NoError(t, s.Listen(httpserver.Main, "127.0.0.1:0", text("hello")))
	a := serve(t, s)
	for range 2 {
		resp, body := get(t, http.DefaultClient, a.URL(), "", "")
		require.Equal(t, "hello", body)
		require.Equal(t, "max-age=1", resp.Header.Get("Strict-Transport-Security"))
	}
	resp, _ := get(t, http.DefaultClient, a.URL(), "", "")
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)

	secret, known := s.UserHash("admin")
	require.True(t, known)
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(secret), []byte("secret")))
	other, known := s.UserHash("nobody")
	require.False(t, known)
	require.Equal(t, secret, other, "something to compare with, for the time it takes")

	// The file is read again after a change, and nobody can log in while it is invalid.
	writeFile(t, file, "basic_auth_users:\n  eve: "+hash(t, "new")+"\n")
	_, known = s.UserHash("admin")
	require.False(t, known)
	_, known = s.UserHash("eve")
	require.True(t, known)
	writeFile(t, file, "basic_auth_users: [\n")
	_, known = s.UserHash("eve")
	require.False(t, known)
	require.NoError(t, os.Remove(file))
	secret, known = s.UserHash("eve")
	require.False(t, known)
	require.Empty(t, secret)
	resp, _ = get(t, http.DefaultClient, a.URL(), "", "")
	require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
}

func TestPortTaken(t *testing.T) {
	holder, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer holder.Close()
	s, err := httpserver.New(httpserver.Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	addr := holder.Addr().String()

	err = s.Listen(httpserver.Main, addr, text(""))
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.ErrorContains(t, err, "listen on "+addr+" for main: ")
	require.ErrorContains(t, err, "or choose another address with --web.listen-address")

	err = s.Listen("node-exporter", addr, text(""))
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	require.ErrorContains(t, err, "--no-web.well-known-ports")
}

func TestDrainLetsSlowRequestsFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	url, stop := start(t, httpserver.Options{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		if r.Context().Err() == nil {
			io.WriteString(w, "finished")
		}
	}))
	answer := make(chan string, 1)
	go func() {
		_, body := get(t, http.DefaultClient, url, "", "")
		answer <- body
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()

	// Draining has begun once new connections are refused.
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", url[len("http://"):])
		if err != nil {
			return true
		}
		c.Close()
		return false
	}, 5*time.Second, 5*time.Millisecond)
	require.Empty(t, stopped)
	close(release)
	require.Equal(t, "finished", <-answer)
	require.NoError(t, <-stopped)
}

func TestDrainCutsOffWhatTakesTooLong(t *testing.T) {
	var log logBuffer
	entered, ended := make(chan struct{}), make(chan struct{})
	url, stop := start(t, httpserver.Options{Logger: log.logger(), DrainTimeout: 20 * time.Millisecond},
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
			close(ended)
		}))
	failed := make(chan error, 1)
	go func() {
		_, err := http.Get(url)
		failed <- err
	}()
	<-entered
	require.NoError(t, stop())
	<-ended
	require.Error(t, <-failed)
	require.Contains(t, log.String(), "Cutting off requests that outlasted the drain")
}

func TestPanics(t *testing.T) {
	var log logBuffer
	reg := prometheus.NewRegistry()
	mux := http.NewServeMux()
	mux.HandleFunc("/early", func(http.ResponseWriter, *http.Request) { panic("no such luck") })
	mux.HandleFunc("/late", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic("too late")
	})
	mux.HandleFunc("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	url, _ := start(t, httpserver.Options{Logger: log.logger(), Registerer: reg}, mux)

	resp, body := get(t, http.DefaultClient, url+"/early", "", "")
	require.Equal(t, 500, resp.StatusCode)
	require.Equal(t, "internal error; the log has the details\n", body)
	require.Contains(t, log.String(), `msg="Handler panicked" listener=main method=GET path=/early err="no such luck" stack=`)
	require.Contains(t, log.String(), "httpserver_test.TestPanics")

	resp, err := http.Get(url + "/late")
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	resp.Body.Close()

	_, err = http.Get(url + "/abort")
	require.Error(t, err)
	require.NotContains(t, log.String(), "path=/abort")

	require.NoError(t, testutil.GatherAndCompare(reg, bytes.NewBufferString(`
# HELP ausguck_http_panics_total Panics in handlers; the log has their stacks.
# TYPE ausguck_http_panics_total counter
ausguck_http_panics_total 2
`), "ausguck_http_panics_total"))
}

func TestMetricsAndAccessLog(t *testing.T) {
	var log logBuffer
	reg := prometheus.NewRegistry()
	web := writeFile(t, filepath.Join(t.TempDir(), "web.yml"), "basic_auth_users:\n  admin: "+hash(t, "secret")+"\n")
	url, stop := start(t, httpserver.Options{Logger: log.logger(), Registerer: reg, AccessLog: true, WebConfigFile: web}, text("hello"))
	get(t, http.DefaultClient, url+"/api?token=hidden", "admin", "secret")
	get(t, http.DefaultClient, url+"/api", "", "")
	req, err := http.NewRequest("BREW", url, nil)
	require.NoError(t, err)
	req.SetBasicAuth("admin", "secret")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.NoError(t, stop())

	require.NoError(t, testutil.GatherAndCompare(reg, bytes.NewBufferString(`
# HELP ausguck_http_requests_total Requests served, by listener, method and status code.
# TYPE ausguck_http_requests_total counter
ausguck_http_requests_total{code="200",listener="main",method="GET"} 1
ausguck_http_requests_total{code="200",listener="main",method="other"} 1
ausguck_http_requests_total{code="401",listener="main",method="GET"} 1
# HELP ausguck_http_connections Open connections, by listener.
# TYPE ausguck_http_connections gauge
ausguck_http_connections{listener="main"} 0
`), "ausguck_http_requests_total", "ausguck_http_connections"))
	require.Regexp(t, `level=DEBUG msg="Request served" listener=main remote=127\S+ method=GET path=/api code=200 bytes=5 duration=`, log.String())
	require.Contains(t, log.String(), "code=401")
	require.NotContains(t, log.String(), "hidden")
}

func TestOptionalInterfaces(t *testing.T) {
	url, _ := start(t, httpserver.Options{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, flushes := w.(http.Flusher)
		hijacker, hijacks := w.(http.Hijacker)
		if !flushes || !hijacks {
			panic("upstream handlers need both")
		}
		conn, rw, err := hijacker.Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		io.WriteString(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nby hand")
		_ = rw.Flush()
	}))
	_, body := get(t, http.DefaultClient, url, "", "")
	require.Equal(t, "by hand", body)
}
