package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// signInFlags are the flags of docs/grow.md for an identity provider.
func signInFlags(t *testing.T) []string {
	t.Helper()
	flags := regexp.MustCompile(`--auth\.oidc\.[^\s`+"`"+`]+`).FindAllString(readGrowPage(t).section(t, "One address").text, -1)
	require.Len(t, flags, 4)
	return flags
}

// startProvider starts the OpenID Connect provider of test/oidcprovider on a host of its own.
func (p *pair) startProvider(t *testing.T) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "oidcprovider")
	build := exec.Command("go", "build", "-C", "../oidcprovider", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	cmd := exec.Command(binary, "-listen=10.0.0.6:5556", "-redirect="+p.public()+"/login/generic_oauth", "-back-to="+p.public()+"/login")
	p.lan.host(t, 6).program(t, 5556, cmd).waitAnswer(t, time.Minute, "/.well-known/openid-configuration")
}

// public is the external URL of the pair.
func (p *pair) public() string { return "http://" + strings.TrimSuffix(p.proxy.address, ":80") }

// browser is a client of the proxy that keeps cookies.
func (p *pair) browser(t *testing.T) *server {
	t.Helper()
	client := *p.proxy.client
	var err error
	client.Jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	b := *p.proxy
	b.url, b.client = p.public(), &client
	return &b
}

// at returns the number of the host on which a browser stays.
func (s *server) at(t *testing.T) int {
	t.Helper()
	address, err := url.Parse(s.url)
	require.NoError(t, err)
	for _, c := range s.client.Jar.Cookies(address) {
		if name, found := strings.CutPrefix(c.Value, "server-"); found && c.Name == "ausguck_host" {
			number, err := strconv.Atoi(name)
			require.NoError(t, err)
			return number
		}
	}
	require.Fail(t, "the proxy has set no cookie")
	return 0
}

// stay gives a browser the cookie with which it stays on a host.
func (s *server) stay(t *testing.T, number int) {
	t.Helper()
	address, err := url.Parse(s.url)
	require.NoError(t, err)
	s.client.Jar.SetCookies(address, []*http.Cookie{{Name: "ausguck_host", Value: "server-" + strconv.Itoa(number)}})
}

// logIn logs in as admin with the password.
func (s *server) logIn(t *testing.T) {
	t.Helper()
	code, answer := s.do(t, http.MethodPost, "/login", map[string]string{"Content-Type": "application/json", "Origin": s.url},
		`{"user": "admin", "password": "`+adminPassword+`"}`)
	require.Equal(t, http.StatusOK, code, answer)
}

// visit opens a page, follows redirects and returns the paths on the way, with the host if it is not the proxy.
func (s *server) visit(t *testing.T, page string, submit url.Values) (code int, way []string, body string, last *url.URL) {
	t.Helper()
	client := *s.client
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		way = append(way, strings.TrimPrefix(r.URL.Scheme+"://"+r.URL.Host+r.URL.Path, s.url))
		return nil
	}
	method := http.MethodGet
	if submit != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, page, strings.NewReader(submit.Encode()))
	require.NoError(t, err)
	request.Header.Set("Accept", "text/html")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	require.NoError(t, err)
	body, err = readAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, way, body, response.Request.URL
}

// signInForm opens a page as a browser without a session and returns the URL of the form of the provider to which it is redirected.
func (s *server) signInForm(t *testing.T) string {
	t.Helper()
	code, _, body, at := s.visit(t, s.url+"/dashboards", nil)
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, "Log in at the provider")
	return at.String()
}

// signsIn signs in as eve.
func (s *server) signsIn(t *testing.T) {
	t.Helper()
	code, _, body, at := s.visit(t, s.signInForm(t), url.Values{"username": {"eve"}, "password": {"secret of eve"}})
	require.Equal(t, http.StatusOK, code, body)
	require.Equal(t, "/dashboards", at.Path)
	require.Contains(t, s.get(t, "/api/user"), `"name":"EVE"`)
}

// isRedirected checks that the next page is shown by a host that does not know the session, after redirects through the provider.
func (s *server) isRedirected(t *testing.T, number int) {
	t.Helper()
	begin := time.Now()
	code, way, body, at := s.visit(t, s.url+"/dashboards?query=pair", nil)
	require.Equal(t, http.StatusOK, code, body)
	require.Equal(t, "/dashboards?query=pair", at.RequestURI())
	require.Equal(t, []string{"/login", "/login/generic_oauth", "http://10.0.0.6:5556/auth", "/login/generic_oauth", "/dashboards"}, way)
	require.Equal(t, number, s.at(t))
	require.Contains(t, s.get(t, "/api/user"), `"name":"EVE"`)
	figure(t, "a browser is signed in on the other host by redirects through the provider in %.1f s", time.Since(begin).Seconds())
}

var signInLink = regexp.MustCompile(`href="(/login/generic_oauth[^"]*)"`)

// startsAgain submits the form of a sign-in that another host has begun, and then clicks the button of the page that says so.
func (s *server) startsAgain(t *testing.T, form string, number int) {
	t.Helper()
	code, _, body, _ := s.visit(t, form, url.Values{"username": {"bob"}, "password": {"secret of bob"}})
	require.Equal(t, http.StatusBadRequest, code, body)
	require.Contains(t, body, "Try again.")
	link := signInLink.FindStringSubmatch(body)
	require.NotNil(t, link, "the page has no button: %s", body)
	code, _, body, _ = s.visit(t, s.url+strings.ReplaceAll(link[1], "&amp;", "&"), nil)
	require.Equal(t, http.StatusOK, code, body)
	require.Equal(t, number, s.at(t))
	require.Contains(t, s.get(t, "/api/user"), `"name":"BOB"`)
}
