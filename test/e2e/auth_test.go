package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

// as returns the basic auth header.
func as(login, password string) map[string]string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(login, password)
	return map[string]string{"Authorization": r.Header.Get("Authorization")}
}

// visitor is a browser without scripts: it does not store cookies or follow redirects automatically.
type visitor struct {
	s      *server
	cookie string
	device string // what a browser keeps after the session has ended
}

func (v *visitor) send(t *testing.T, method, path, body string, header ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+v.s.address+path, strings.NewReader(body))
	require.NoError(t, err)
	if v.cookie != "" {
		request.Header.Set("Cookie", v.cookie)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := v.s.client.Transport.RoundTrip(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// login submits the form and returns the response; the cookie is stored if there is one.
func (v *visitor) login(t *testing.T, user, password string, header ...string) *http.Response {
	t.Helper()
	form := url.Values{"user": {user}, "password": {password}, "redirectTo": {"/status"}}.Encode()
	response := v.send(t, http.MethodPost, "/login", form, append(header, "Content-Type", "application/x-www-form-urlencoded")...)
	for _, c := range response.Cookies() {
		if c.Name == "ausguck_session" {
			v.cookie = c.Name + "=" + c.Value
		}
		if c.Name == "ausguck_device" {
			v.device = c.Name + "=" + c.Value
		}
	}
	return response
}

func TestLoginWithABrowser(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, t.TempDir(), t.TempDir(), metricsOnly...)
	v := &visitor{s: s}
	response := v.send(t, http.MethodGet, "/status?a=b", "", "Accept", "text/html,*/*", "Sec-Fetch-Mode", "navigate")
	require.Equal(t, http.StatusFound, response.StatusCode)
	require.Equal(t, "/login?redirectTo=%2Fstatus%3Fa%3Db", response.Header.Get("Location"))
	response = v.send(t, http.MethodGet, response.Header.Get("Location"), "")
	page, err := readAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, page, `name="redirectTo" value="/status?a=b"`)
	require.Equal(t, 1, strings.Count(page, "<script"))
	require.Contains(t, page, `<script src="/static/login.js" defer></script>`)
	require.Contains(t, response.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	for _, link := range regexp.MustCompile(`(?:href|src)="(/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		require.Equal(t, http.StatusOK, v.send(t, http.MethodGet, link[1], "").StatusCode, link[1])
	}

	response = v.login(t, "admin", "guess")
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	page, err = readAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, page, `role="alert">Invalid username or password<`)
	require.Contains(t, page, `value="admin"`)
	require.Contains(t, page, `name="redirectTo" value="/status"`)
	require.Empty(t, v.cookie)

	response = v.login(t, `"><script>alert(1)</script>`, "x")
	page, err = readAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(page, "<script"))
	require.Contains(t, page, "&lt;script&gt;")

	response = v.login(t, "admin", adminPassword, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
	require.Equal(t, http.StatusForbidden, response.StatusCode)
	require.Empty(t, v.cookie)

	response = v.login(t, "admin", adminPassword)
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	require.Equal(t, "/status", response.Header.Get("Location"))
	cookie := response.Cookies()[0]
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	require.Equal(t, "/", cookie.Path)
	require.False(t, cookie.Secure, "by plain HTTP the browser would not send it back")
	require.Equal(t, http.StatusOK, v.send(t, http.MethodGet, "/status", "").StatusCode)
	require.Equal(t, http.StatusFound, v.send(t, http.MethodGet, "/login", "").StatusCode)
	require.Equal(t, http.StatusForbidden, v.send(t, http.MethodPost, "/api/v1/query", "query=1", "Sec-Fetch-Site", "cross-site").StatusCode)
	secure := (&visitor{s: s}).login(t, "admin", adminPassword, "X-Forwarded-Proto", "https")
	require.False(t, secure.Cookies()[0].Secure, "nobody but a trusted proxy says how it was asked")

	content, err := os.ReadFile(filepath.Join(s.storage(t), "ausguck.db"))
	require.NoError(t, err)
	wal, err := os.ReadFile(filepath.Join(s.storage(t), "ausguck.db-wal"))
	require.NoError(t, err)
	for _, secret := range []string{adminPassword, cookie.Value} {
		require.NotContains(t, string(content)+string(wal), secret, "neither passwords nor sessions are kept as they are")
		require.NotContains(t, s.output.String(), secret)
	}

	require.Equal(t, http.StatusSeeOther, v.send(t, http.MethodPost, "/logout", "").StatusCode)
	require.Equal(t, http.StatusUnauthorized, v.send(t, http.MethodGet, "/status", "").StatusCode)
	require.Regexp(t, `level=WARN.*msg="Login refused".*login=admin.*remote=127.0.0.1`, s.output.String())
	s.stop(t)
}

// storage returns the data folder with which the process was started.
func (s *server) storage(t *testing.T) string {
	t.Helper()
	for _, arg := range s.cmd.Args {
		if path, ok := strings.CutPrefix(arg, "--storage.path="); ok {
			return path
		}
	}
	require.FailNow(t, "no --storage.path")
	return ""
}

func TestGuessingPasswordsIsSlowed(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, t.TempDir(), t.TempDir(), metricsOnly...)
	inside := &visitor{s: s}
	inside.login(t, "admin", adminPassword)
	stranger := &visitor{s: s}
	for range 10 {
		require.Equal(t, http.StatusUnauthorized, stranger.login(t, "admin", "of yesterday").StatusCode, "one guess")
	}
	for i := range 4 {
		// What a client claims about its address is ignored.
		require.Equal(t, http.StatusUnauthorized, stranger.login(t, "admin", fmt.Sprint("guess", i), "X-Forwarded-For", fmt.Sprint("192.0.2.", i)).StatusCode)
	}
	response := stranger.login(t, "admin", "guess", "X-Forwarded-For", "192.0.2.99")
	require.Equal(t, http.StatusTooManyRequests, response.StatusCode)
	require.NotEmpty(t, response.Header.Get("Retry-After"))
	page, err := readAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, page, "Too many wrong passwords. Try again in ")
	status, body := s.do(t, http.MethodGet, "/api/user", as("admin", "other guess"), "")
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Contains(t, body, "too many wrong passwords")
	require.Equal(t, http.StatusUnauthorized, stranger.login(t, "someone", "guess").StatusCode, "others at the address can try")
	require.Equal(t, http.StatusOK, inside.send(t, http.MethodGet, "/status", "").StatusCode, "who is inside stays inside")
	inside.send(t, http.MethodPost, "/logout", "")
	inside.cookie = inside.device
	require.Equal(t, http.StatusSeeOther, inside.login(t, "admin", adminPassword).StatusCode, "the admin's browser comes in again")
	require.Equal(t, 6.0, metricWith(s.get(t, "/metrics"), `ausguck_auth_logins_total{result="wrong"}`))
	require.Equal(t, 2.0, metricWith(s.get(t, "/metrics"), `ausguck_auth_logins_total{result="throttled"}`))
	s.stop(t)
}

// metricWith returns the value of one series in a page of metrics.
func metricWith(page, series string) float64 {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, series+" ") {
			return metric(strings.Replace(line, series, "x", 1), "x")
		}
	}
	return -1
}

func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, t.TempDir(), t.TempDir(), append(metricsOnly, "--auth.session-idle=2s")...)
	v := &visitor{s: s}
	v.login(t, "admin", adminPassword)
	require.Equal(t, http.StatusOK, v.send(t, http.MethodGet, "/status", "").StatusCode)
	<-time.After(2500 * time.Millisecond) // a request in between would keep it alive
	require.Equal(t, http.StatusUnauthorized, v.send(t, http.MethodGet, "/status", "").StatusCode)
	s.stop(t)
}

func TestViewerMayLook(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, t.TempDir(), t.TempDir(), append(metricsOnly, "--web.enable-lifecycle", "--web.enable-admin-api", "--web.enable-remote-write-receiver")...)
	status, body := s.do(t, http.MethodPost, "/api/admin/users", nil, `{"login":"eve","password":"password of eve"}`)
	require.Equal(t, http.StatusOK, status, body)
	eve := as("eve", "password of eve")
	for _, path := range []string{"/status", "/api/v1/query?query=1", "/api/v1/targets", "/api/user"} {
		status, body := s.do(t, http.MethodGet, path, eve, "")
		require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
	}
	for line, header := range map[string]map[string]string{
		"POST /-/reload": eve, "POST /-/quit": eve, "POST /api/v1/admin/tsdb/snapshot": eve, "GET /debug/pprof/heap": eve,
		"POST /api/v1/write": eve, "GET /api/users": eve, "POST /api/admin/users": eve, "POST /api/serviceaccounts": eve,
		"PUT /api/admin/users/1/password": eve, "PATCH /api/org/users/2": eve,
	} {
		method, path, _ := strings.Cut(line, " ")
		status, body := s.do(t, method, path, header, "{}")
		require.Equal(t, http.StatusForbidden, status, "%s: %s", line, body)
	}
	s.stop(t)
}

func TestPasswordsOfTheAdmin(t *testing.T) {
	t.Parallel()
	storage := t.TempDir()
	args := append([]string{"--config.dir=" + t.TempDir(), "--storage.path=" + storage, "--no-web.well-known-ports"}, metricsOnly...)
	start := func(env ...string) *server {
		address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
		cmd := exec.Command(ausguckBinary(t), append(args, "--web.listen-address="+address)...)
		cmd.Env = append(os.Environ(), env...)
		s := launch(t, address, cmd)
		s.waitReady(t, readyTimeout)
		return s
	}
	works := func(s *server, password string) bool {
		status, _ := s.do(t, http.MethodGet, "/api/user", as("admin", password), "")
		return status == http.StatusOK
	}

	s := start()
	initial := filepath.Join(storage, "initial-admin-password")
	content, err := os.ReadFile(initial)
	require.NoError(t, err)
	info, err := os.Stat(initial)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	generated := strings.TrimSpace(string(content))
	require.Contains(t, s.output.String(), "as admin with the password in "+initial+" (")
	require.True(t, works(s, generated))
	v := &visitor{s: s}
	require.Equal(t, "/login/password?redirectTo=%2Fstatus", v.login(t, "admin", generated).Header.Get("Location"), "asks for another")
	page, err := readAll(v.send(t, http.MethodGet, "/login/password?redirectTo=%2Fstatus", "").Body)
	require.NoError(t, err)
	require.Contains(t, page, "Choose a new password")
	require.Contains(t, page, `<a id="later" href="/status">`)
	require.NotContains(t, s.output.String(), generated, "what is printed is collected")
	s.stop(t)
	s = start()
	require.NotContains(t, s.output.String(), generated)
	require.Contains(t, s.output.String(), initial)
	require.True(t, works(s, generated))

	// While it is running.
	code, report := runToEnd(t, ausguckBinary(t), "reset-password", "--storage.path="+storage)
	require.Zero(t, code, report)
	reset := regexp.MustCompile(`The password of admin is now (\w+)`).FindStringSubmatch(report)
	require.NotNil(t, reset, report)
	require.True(t, works(s, reset[1]))
	require.False(t, works(s, generated))
	require.NoFileExists(t, initial)
	require.NotContains(t, s.output.String(), reset[1])
	s.stop(t)

	// The environment takes precedence, at every start.
	s = start("GF_SECURITY_ADMIN_PASSWORD=from the environment")
	require.True(t, works(s, "from the environment"))
	require.False(t, works(s, reset[1]))
	v = &visitor{s: s}
	v.login(t, "admin", "from the environment")
	s.stop(t)
	file := filepath.Join(t.TempDir(), "password")
	writeFile(t, file, "from the environment\n")
	s = start("GF_SECURITY_ADMIN_PASSWORD__FILE=" + file)
	v.s = s
	require.Equal(t, http.StatusOK, v.send(t, http.MethodGet, "/status", "").StatusCode, "the same password leaves the session")
	s.stop(t)
	writeFile(t, file, "another\n")
	s = start("GF_SECURITY_ADMIN_PASSWORD__FILE=" + file)
	v.s = s
	require.Equal(t, http.StatusUnauthorized, v.send(t, http.MethodGet, "/status", "").StatusCode, "another ends it")
	require.True(t, works(s, "another"))
	s.stop(t)

	code, report = runToEnd(t, ausguckBinary(t), "reset-password", "--storage.path="+t.TempDir())
	require.Equal(t, 1, code)
	require.Contains(t, report, "set --storage.path to the data folder")
}

func TestUsersOfWebYML(t *testing.T) {
	t.Parallel()
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	require.NoError(t, err)
	config := configDir(t, map[string]string{"web.yml": "basic_auth_users:\n  ops: " + string(hash) + "\n  prombot: " + string(hash) + "\n", "prometheus.yml": quietConfig})
	network := newNetwork(t)
	flags := append([]string{"--config.dir=" + config, "--storage.path=" + t.TempDir(), "--web.listen-address=127.0.0.1:3000"}, metricsOnly...)
	var s *server
	network.do(func() { s = launchAt(t, "127.0.0.1:3000", flags...) })
	s.client.Transport = &http.Transport{DialContext: network.dial}
	s.waitReady(t, readyTimeout)
	ops := as("ops", "secret")
	for base, want := range map[string]int{"http://127.0.0.1:3000": 200, "http://127.0.0.1:9090": 200} {
		s.url = base
		status, body := s.do(t, http.MethodGet, "/api/v1/status/flags", ops, "")
		require.Equal(t, want, status, body)
		status, _ = s.do(t, http.MethodGet, "/api/v1/status/flags", nil, "")
		require.Equal(t, http.StatusUnauthorized, status, "as the stock program with users in web.yml")
	}
	s.url = "http://127.0.0.1:3000"
	status, body := s.do(t, http.MethodGet, "/api/users", ops, "")
	require.Equal(t, http.StatusOK, status, "users of web.yml are admins: %s", body)
	status, body = s.do(t, http.MethodPost, "/api/admin/users", ops, `{"login":"eve","password":"password of eve"}`)
	require.Equal(t, http.StatusOK, status, body)
	eve := as("eve", "password of eve")
	for _, names := range []string{`{"login":"prombot"}`, `{"login":"PROMBOT"}`, `{"email":"prombot"}`, `{"login":"ops"}`, `{"login":"prombot@web.yml"}`} {
		status, body = s.do(t, http.MethodPut, "/api/user", eve, names)
		require.Equal(t, http.StatusPreconditionFailed, status, "%s: %s", names, body)
	}
	for _, login := range []string{"eve", "prombot", "ops"} {
		status, _ = s.do(t, http.MethodGet, "/api/users", as(login, "password of eve"), "")
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, status, login)
	}
	status, _ = s.do(t, http.MethodGet, "/api/users", as("admin", adminPassword), "")
	require.Equal(t, http.StatusOK, status)
	s.stop(t)
}

func TestWellKnownPortsAskElsewhere(t *testing.T) {
	t.Parallel()
	network := newNetwork(t)
	for flag, want := range map[string]int{"--no-web.allow-anonymous": http.StatusUnauthorized, "--web.allow-anonymous": http.StatusOK} {
		flags := append([]string{"--config.dir=" + t.TempDir(), "--storage.path=" + t.TempDir(), "--web.listen-address=0.0.0.0:3000", flag}, metricsOnly...)
		var s *server
		network.do(func() { s = launchAt(t, "127.0.0.1:3000", flags...) })
		s.client.Transport = &http.Transport{DialContext: network.dial}
		s.waitReady(t, readyTimeout)
		s.url = "http://127.0.0.1:9090"
		require.Equal(t, want, s.status(t, "/api/v1/query?query=1"), flag)
		status, _ := s.do(t, http.MethodGet, "/api/v1/query?query=1", as("admin", adminPassword), "")
		require.Equal(t, http.StatusOK, status)
		s.url = "http://127.0.0.1:3000"
		require.Equal(t, http.StatusUnauthorized, s.status(t, "/api/v1/query?query=1"), "the main address always asks")
		require.Equal(t, http.StatusOK, s.status(t, "/-/healthy"))
		require.Equal(t, http.StatusUnauthorized, s.status(t, "/metrics"))
		s.stop(t)
	}
}
