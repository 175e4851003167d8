package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// start runs a provider, and the real Ausguck with these environment variables.
func start(t *testing.T, env func(issuer string) []string, args ...string) (ausguck string, stopProvider func()) {
	t.Helper()
	binary := os.Getenv("AUSGUCK_BIN")
	if binary == "" {
		binary = filepath.Join("..", "..", "bin", "ausguck")
	}
	require.FileExists(t, binary, "run make build first")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := free.Addr().String()
	require.NoError(t, free.Close())
	ausguck = "http://" + address
	p, err := newProvider("http://"+l.Addr().String(), ausguck+"/login/generic_oauth", ausguck+"/login", time.Minute)
	require.NoError(t, err)
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	stopProvider = func() { _ = server.Close() }
	t.Cleanup(stopProvider)

	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte(clientSecret+"\n"), 0o600))
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "ISSUER", p.issuer)
	}
	cmd := exec.Command(binary, append(args, "--config.dir="+t.TempDir(), "--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+address,
		"--no-web.well-known-ports", "--no-docker", "--no-log-collector", "--no-node-exporter", "--no-cadvisor", "--auth.oidc.client-secret-file="+secret)...)
	cmd.Env = append(append(os.Environ(), "GF_SECURITY_ADMIN_PASSWORD=correct horse battery"), env(p.issuer)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		err := cmd.Wait()
		if err != nil || t.Failed() {
			t.Logf("the program ended with %v and said:\n%s", err, &output)
		}
		require.NotContains(t, output.String(), clientSecret)
	})
	require.Eventually(t, func() bool {
		answer, err := http.Get(ausguck + "/-/ready")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, 60*time.Second, 50*time.Millisecond, "the program is ready")
	return ausguck, stopProvider
}

// browser follows redirects and keeps cookies.
type browser struct {
	http.Client
	t *testing.T
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{http.Client{Jar: jar}, t}
}

func (b *browser) read(res *http.Response, err error) (code int, at *url.URL, body string) {
	b.t.Helper()
	require.NoError(b.t, err)
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(res.Body)
	require.NoError(b.t, err)
	return res.StatusCode, res.Request.URL, string(content)
}

func (b *browser) open(address string) (code int, at *url.URL, body string) {
	b.t.Helper()
	return b.read(b.Get(address))
}

// signIn clicks the button and logs in at the provider.
func (b *browser) signIn(ausguck, name string) (code int, at *url.URL, body string) {
	b.t.Helper()
	code, form, body := b.open(ausguck + "/login/generic_oauth?redirectTo=%2Fapi%2Fuser%2Forgs")
	require.Equal(b.t, 200, code, body)
	require.Contains(b.t, body, "Log in at the provider")
	return b.read(b.PostForm(form.String(), url.Values{"username": {name}, "password": {"secret of " + name}}))
}

func TestSignInWithFlags(t *testing.T) {
	ausguck, stopProvider := start(t, func(string) []string { return nil },
		"--auth.oidc.issuer=ISSUER", "--auth.oidc.client-id="+clientID, "--auth.oidc.name=Fosite", "--auth.oidc.scopes=openid email groups",
		"--auth.oidc.role-attribute-path=contains(groups[*], 'admins') && 'Admin' || 'Viewer'", "--auth.oidc.allowed-groups=team admins")
	b := newBrowser(t)
	_, _, page := b.open(ausguck + "/login")
	require.Contains(t, page, "Sign in with Fosite")
	code, at, body := b.signIn(ausguck, "eve")
	require.Equal(t, 200, code, body)
	require.Equal(t, "/api/user/orgs", at.Path)
	require.Contains(t, body, `"role":"Admin"`)
	code, _, body = b.open(ausguck + "/api/users")
	require.Equal(t, 200, code)
	require.Contains(t, body, `"login":"eve@example.org"`, "as in Grafana, without a login it is the address")

	viewer := newBrowser(t)
	_, _, body = viewer.signIn(ausguck, "bob")
	require.Contains(t, body, `"role":"Viewer"`)
	code, _, _ = viewer.open(ausguck + "/api/users")
	require.Equal(t, 403, code)
	code, _, body = newBrowser(t).signIn(ausguck, "mallory")
	require.Equal(t, 403, code)
	require.Contains(t, body, "you are in none of the groups that may sign in")

	// The provider's session logs her in again without a form, until she has logged out.
	_, at, body = b.open(ausguck + "/login/generic_oauth?redirectTo=%2Fapi%2Fuser")
	require.Equal(t, "/api/user", at.Path, body)
	code, at, body = b.open(ausguck + "/logout")
	require.Equal(t, 200, code, body)
	require.Equal(t, "/login", at.Path)
	_, _, body = b.open(ausguck + "/login/generic_oauth")
	require.Contains(t, body, "Log in at the provider")

	stopProvider()
	code, _, _ = viewer.open(ausguck + "/api/user")
	require.Equal(t, 200, code, "who is in stays in")
	code, _, body = b.open(ausguck + "/login/generic_oauth?code=made+up&state=x")
	require.Equal(t, 400, code, body)
	r, err := http.NewRequest(http.MethodGet, ausguck+"/api/user", nil)
	require.NoError(t, err)
	r.SetBasicAuth("admin", "correct horse battery")
	code, _, body = b.read((&http.Client{}).Do(r))
	require.Equal(t, 200, code, body)
}

// As set in a compose file for Grafana.
func TestSignInWithGrafanasVariables(t *testing.T) {
	ausguck, _ := start(t, func(issuer string) []string {
		return []string{
			"GF_AUTH_GENERIC_OAUTH_ENABLED=true", "GF_AUTH_GENERIC_OAUTH_NAME=Company", "GF_AUTH_GENERIC_OAUTH_CLIENT_ID=" + clientID,
			"GF_AUTH_GENERIC_OAUTH_SCOPES=openid profile email groups", "GF_AUTH_GENERIC_OAUTH_AUTH_URL=" + issuer + "/auth",
			"GF_AUTH_GENERIC_OAUTH_TOKEN_URL=" + issuer + "/token", "GF_AUTH_GENERIC_OAUTH_API_URL=" + issuer + "/userinfo",
			"GF_AUTH_GENERIC_OAUTH_LOGIN_ATTRIBUTE_PATH=preferred_username", "GF_AUTH_GENERIC_OAUTH_ALLOWED_DOMAINS=example.org",
			"GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_PATH=contains(groups[*], 'admins') && 'Editor'", "GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_STRICT=true",
			"GF_AUTH_GENERIC_OAUTH_AUTO_LOGIN=true", "GF_AUTH_GENERIC_OAUTH_USE_PKCE=false", "GF_AUTH_GENERIC_OAUTH_TEAM_IDS=1",
		}
	})
	b := newBrowser(t)
	_, form, body := b.open(ausguck + "/login")
	require.Contains(t, body, "Log in at the provider", "at once")
	code, at, body := b.read(b.PostForm(form.String(), url.Values{"username": {"eve"}, "password": {"secret of eve"}}))
	require.Contains(t, []int{200, 501}, code, body) // 501 without the built page
	require.Equal(t, "/", at.Path)
	_, _, body = b.open(ausguck + "/api/user")
	var user map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &user))
	require.Equal(t, "eve", user["login"])
	_, _, body = b.open(ausguck + "/api/user/orgs")
	require.Contains(t, body, `"role":"Editor"`)
	code, _, body = newBrowser(t).signIn(ausguck, "bob")
	require.Equal(t, 403, code)
	require.Contains(t, body, "you have no role")
	_, at, body = b.open(ausguck + "/logout")
	require.Equal(t, "disableAutoLogin=true", at.RawQuery)
	require.Contains(t, body, "Sign in with Company")
}

// A provider that does not respond does not prevent the start.
func TestProviderIsAwayAtTheStart(t *testing.T) {
	ausguck, _ := start(t, func(string) []string { return nil }, "--auth.oidc.issuer=http://127.0.0.1:1", "--auth.oidc.client-id="+clientID, "--auth.oidc.name=Away")
	b := newBrowser(t)
	require.Eventually(t, func() bool {
		_, _, body := b.open(ausguck + "/login")
		return strings.Contains(body, "Away does not answer")
	}, 30*time.Second, 100*time.Millisecond)
	code, _, body := b.open(ausguck + "/login/generic_oauth")
	require.Equal(t, 502, code)
	require.Contains(t, body, "The sign-in at Away did not work. The log has the details.")
}
