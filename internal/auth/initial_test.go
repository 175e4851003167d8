package auth_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/auth"
)

func TestFirstLoginAsksForANewPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "initial-admin-password")
	h := newHouse(t, func(o *auth.Options) { o.AdminPassword, o.InitialPasswordFile, o.Prefix = "", file, "/sub" })
	generated := initial(t, file)
	require.Len(t, generated, 26)
	log := func(redirectTo string) (http.CookieJar, string) {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		a := h.do(t, http.MethodPost, "/login", url.Values{"user": {"admin"}, "password": {generated}, "redirectTo": {redirectTo}}.Encode(), form)
		require.Equal(t, http.StatusSeeOther, a.code)
		u, err := url.Parse(h.url)
		require.NoError(t, err)
		cookies, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
		require.NoError(t, err)
		cookies.Path = "/"
		jar.SetCookies(u, []*http.Cookie{cookies})
		return jar, a.header.Get("Location")
	}
	jar, location := log("/d/a")
	require.Equal(t, "/sub/login/password?redirectTo=%2Fd%2Fa", location)
	a := h.with(t, jar, http.MethodGet, "/login/password?redirectTo=%2Fd%2Fa", "")
	require.Equal(t, 200, a.code)
	require.Equal(t, "/sub|admin|/d/a||new|/sub/d/a", a.body)
	require.Equal(t, 200, h.with(t, jar, http.MethodGet, "/admin", "").code, "one can go on without")
	require.Equal(t, generated, initial(t, file))

	post := func(jar http.CookieJar, one, two string, edit ...func(*http.Request)) answer {
		body := url.Values{"newPassword": {one}, "confirmNew": {two}, "redirectTo": {"/d/a"}}.Encode()
		return h.with(t, jar, http.MethodPost, "/login/password", body, append(edit, form)...)
	}
	require.Equal(t, 403, post(jar, "my own words", "my own words", header("Sec-Fetch-Site", "cross-site")).code)
	for text, pair := range map[string][2]string{
		"at least 4 characters": {"abc", "abc"}, "are not the same": {"my own words", "my own word"}, "too common": {"admin123", "admin123"},
	} {
		a := post(jar, pair[0], pair[1])
		require.Equal(t, 400, a.code)
		require.Contains(t, a.body, text)
	}
	require.Equal(t, 303, post(nil, "my own words", "my own words").code)
	require.Equal(t, generated, initial(t, file), "nothing has changed it")
	other, _ := log("")
	a = post(jar, "my own words", "my own words")
	require.Equal(t, 303, a.code)
	require.Equal(t, "/sub/d/a", a.header.Get("Location"))
	require.Empty(t, initial(t, file))
	require.Equal(t, 200, h.with(t, jar, http.MethodGet, "/admin", "").code)
	require.Equal(t, 401, h.with(t, other, http.MethodGet, "/admin", "").code)
	require.Equal(t, 200, h.do(t, http.MethodGet, "/admin", "", as("admin", "my own words")).code)

	post(jar, "not this one", "not this one")
	require.Equal(t, 200, h.do(t, http.MethodGet, "/admin", "", as("admin", "my own words")).code, "only the generated one is changed so")
	a = h.with(t, jar, http.MethodGet, "/login/password?redirectTo=%2Fd%2Fa", "")
	require.Equal(t, "/sub/d/a", a.header.Get("Location"))
}

func TestInitialPasswordGoesWithTheFirstChange(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, h *house, admin func(*http.Request)){
		"own password": func(t *testing.T, h *house, admin func(*http.Request)) {
			r, err := http.NewRequest(http.MethodGet, "/", nil)
			require.NoError(t, err)
			admin(r)
			_, old, _ := r.BasicAuth()
			require.Equal(t, 200, h.do(t, http.MethodPut, "/api/user/password", `{"oldPassword":"`+old+`","newPassword":"my own words"}`, admin).code)
		},
		"by an admin": func(t *testing.T, h *house, admin func(*http.Request)) {
			require.Equal(t, 200, h.do(t, http.MethodPut, "/api/admin/users/1/password", `{"password":"my own words"}`, admin).code)
		},
		"reset-password": func(t *testing.T, h *house, _ func(*http.Request)) {
			_, err := h.ResetPassword(t.Context(), "")
			require.NoError(t, err)
		},
		"gone with the user": func(t *testing.T, h *house, admin func(*http.Request)) {
			a := h.do(t, http.MethodPost, "/api/admin/users", `{"login":"second","password":"password of second"}`, admin)
			require.Equal(t, 200, a.code, a.body)
			require.Equal(t, 200, h.do(t, http.MethodPatch, "/api/org/users/2", `{"role":"Admin"}`, admin).code)
			require.Equal(t, 200, h.do(t, http.MethodDelete, "/api/admin/users/1", "", as("second", "password of second")).code)
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "initial-admin-password")
			h := newHouse(t, func(o *auth.Options) { o.AdminPassword, o.InitialPasswordFile = "", file })
			named, err := h.InitialPasswordFile(t.Context())
			require.NoError(t, err)
			require.Equal(t, file, named)
			change(t, h, as("admin", initial(t, file)))
			require.NoFileExists(t, file)
			named, err = h.InitialPasswordFile(t.Context())
			require.NoError(t, err)
			require.Empty(t, named)
			left, err := os.ReadDir(filepath.Dir(file))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestWellKnownPasswords(t *testing.T) {
	for _, password := range []string{
		"admin", "admin123", "ADMIN123", "Admin@2024", "ausguck", "Ausguck1!", "grafana", "prom-operator", "p4ssw0rd", "Passw0rd!", "123456", "1234567", "!!!!",
		"eve", "eve1", "eve2024!", "123eve", "changeme", "changeme!", "qwerty123", "12345678", "secret", "eve@example.org",
	} {
		require.True(t, auth.WellKnownPassword("eve@example.org", password), password)
	}
	for _, password := range []string{"correct horse", "eve of destruction", "password of eve", "xK9#mQ2v", "91827364554", "admin of the night"} {
		require.False(t, auth.WellKnownPassword("eve@example.org", password), password)
	}
	h := newHouse(t, nil)
	h.addUser(t, "eve", "password of eve", auth.Viewer)
	for path, body := range map[string]string{
		"POST /api/admin/users":           `{"login":"bob","password":"bob123"}`,
		"PUT /api/admin/users/2/password": `{"password":"eve1"}`,
	} {
		method, path, _ := strings.Cut(path, " ")
		a := h.do(t, method, path, body, admin)
		require.Equal(t, 400, a.code, a.body)
		require.Contains(t, a.body, "too common")
	}
	a := h.do(t, http.MethodPut, "/api/user/password", `{"oldPassword":"password of eve","newPassword":"admin123"}`, as("eve", "password of eve"))
	require.Equal(t, 400, a.code, a.body)
}
