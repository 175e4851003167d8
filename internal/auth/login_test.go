package auth_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/ausguck/ausguck/internal/auth"
)

func bcryptOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	require.NoError(t, err)
	return string(hash)
}

func TestLoginByFormAndByJSON(t *testing.T) {
	h := newHouse(t, func(o *auth.Options) { o.Prefix = "/sub" })
	a := h.do(t, http.MethodPost, "/login", url.Values{"user": {"admin"}, "password": {password}, "redirectTo": {"/d/a?x=1&y=2"}}.Encode(), form)
	require.Equal(t, http.StatusSeeOther, a.code)
	require.Equal(t, "/sub/d/a?x=1&y=2", a.header.Get("Location"))
	cookie := a.header.Get("Set-Cookie")
	require.Regexp(t, `^ausguck_session=[\w-]{43}; Path=/sub/; Max-Age=2592000; HttpOnly; SameSite=Lax$`, cookie)

	a = h.do(t, http.MethodPost, "/login", `{"user":"admin","password":"`+password+`"}`, header("Content-Type", "application/json"))
	require.Equal(t, http.StatusOK, a.code)
	require.Equal(t, "Logged in", a.json(t)["message"])
	require.NotEqual(t, cookie, a.header.Get("Set-Cookie"))

	a = h.do(t, http.MethodPost, "/login", `{"user":"admin","password":"guess"}`, header("Content-Type", "application/json"))
	require.Equal(t, http.StatusUnauthorized, a.code)
	require.Equal(t, "Invalid username or password", a.json(t)["message"])
	require.Equal(t, "password-auth.failed", a.json(t)["messageId"])
	require.Empty(t, a.header.Get("Set-Cookie"))

	a = h.do(t, http.MethodPost, "/login", url.Values{"user": {`"><script>alert(1)</script>`}, "password": {"x"}, "redirectTo": {"/d/<b>"}}.Encode(), form)
	require.Equal(t, http.StatusUnauthorized, a.code)
	require.NotContains(t, a.body, "<script>")
	require.NotContains(t, a.body, "<b>")
	require.Contains(t, a.body, "Invalid username or password")
	require.Contains(t, a.header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))

	a = h.do(t, http.MethodPost, "/login", "user="+strings.Repeat("x", 100_000), form)
	require.Equal(t, http.StatusRequestEntityTooLarge, a.code)
	a = h.do(t, http.MethodPost, "/login", "{", header("Content-Type", "application/json"))
	require.Equal(t, http.StatusBadRequest, a.code)
}

func TestCookieIsSecureBehindTLS(t *testing.T) {
	for name, tt := range map[string]struct {
		secure bool
		edit   func(*http.Request)
		want   bool
	}{
		"plain":               {false, form, false},
		"proxy with TLS":      {false, header("X-Forwarded-Proto", "https"), true},
		"https external URL":  {true, form, true},
		"proxy without TLS":   {false, header("X-Forwarded-Proto", "http"), false},
		"both":                {true, header("X-Forwarded-Proto", "https"), true},
		"proxy, https by URL": {true, header("X-Forwarded-Proto", "http"), true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(o *auth.Options) { o.Secure = tt.secure })
			a := h.do(t, http.MethodPost, "/login", "user=admin&password="+password, form, tt.edit)
			require.Equal(t, http.StatusSeeOther, a.code)
			require.Equal(t, tt.want, strings.Contains(a.header.Get("Set-Cookie"), "; Secure"))
		})
	}
}

func TestLoginLeadsNowhereElse(t *testing.T) {
	h := newHouse(t, nil)
	jar := h.login(t, "admin", password)
	for redirectTo, want := range map[string]string{
		"":                          "/",
		"/d/a":                      "/d/a",
		"/d/a?from=now-1h&to=now#x": "/d/a?from=now-1h&to=now#x",
		"https://evil.example/":     "/",
		"//evil.example/":           "/",
		"/\\evil.example/":          "/",
		"\\/evil.example":           "/",
		"/\t/evil.example":          "/",
		"/%2F/evil.example":         "/",
		"javascript:alert(1)":       "/",
		"evil.example":              "/",
		"/login?redirectTo=/login":  "/",
		"/logout":                   "/",
		"/a\r\nSet-Cookie: x=y":     "/",
		"http:///evil.example":      "/",
		"/@evil.example":            "/@evil.example",
	} {
		a := h.with(t, jar, http.MethodGet, "/login?redirectTo="+url.QueryEscape(redirectTo), "")
		require.Equal(t, http.StatusFound, a.code)
		require.Equal(t, want, a.header.Get("Location"), "%q", redirectTo)
		a = h.do(t, http.MethodPost, "/login", url.Values{"user": {"admin"}, "password": {password}, "redirectTo": {redirectTo}}.Encode(), form)
		require.Equal(t, want, a.header.Get("Location"), "%q", redirectTo)
	}
}

func TestOtherSitesCanNeitherLogInNorActNorLogOut(t *testing.T) {
	h := newHouse(t, func(o *auth.Options) {
		o.TrustedOrigin = func(origin string) bool { return origin == "https://trusted.example" }
	})
	cross := func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://evil.example")
	}
	a := h.do(t, http.MethodPost, "/login", "user=admin&password="+password, form, cross)
	require.Equal(t, http.StatusForbidden, a.code)
	require.Empty(t, a.header.Get("Set-Cookie"))
	a = h.do(t, http.MethodPost, "/login", "user=admin&password="+password, form, header("Origin", "https://evil.example"))
	require.Equal(t, http.StatusForbidden, a.code, "a browser that sends Origin alone")

	jar := h.login(t, "admin", password)
	require.Equal(t, 200, h.with(t, jar, http.MethodPost, "/", "").code)
	require.Equal(t, 200, h.with(t, jar, http.MethodPost, "/", "", header("Sec-Fetch-Site", "same-origin")).code)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		require.Equal(t, 403, h.with(t, jar, method, "/", "", cross).code, method)
		require.Equal(t, 403, h.do(t, method, "/", "", cross, admin).code, "a password that the browser remembers")
	}
	require.Equal(t, 200, h.with(t, jar, http.MethodGet, "/", "", cross).code, "a link from elsewhere")
	trusted := func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Origin", "https://trusted.example")
	}
	require.Equal(t, 200, h.do(t, http.MethodPost, "/", "", trusted, admin).code)
	require.Equal(t, 403, h.with(t, jar, http.MethodPost, "/", "", trusted).code, "not with a cookie")

	h.with(t, jar, http.MethodGet, "/logout", "", cross)
	h.with(t, jar, http.MethodPost, "/logout", "", cross)
	require.Equal(t, 200, h.with(t, jar, http.MethodGet, "/", "").code, "still logged in")
	a = h.with(t, jar, http.MethodGet, "/logout", "")
	require.Equal(t, http.StatusSeeOther, a.code)
	require.Contains(t, a.header.Get("Set-Cookie"), "Max-Age=0")
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)
}

func TestLogoutEndsTheSessionItself(t *testing.T) {
	h := newHouse(t, nil)
	a := h.do(t, http.MethodPost, "/login", "user=admin&password="+password, form)
	cookie := strings.Split(a.header.Get("Set-Cookie"), ";")[0]
	with := header("Cookie", cookie)
	require.Equal(t, 200, h.do(t, http.MethodGet, "/", "", with).code)
	h.do(t, http.MethodPost, "/logout", "", with)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", with).code, "a copy of the cookie is worth nothing")

	first := strings.Split(h.do(t, http.MethodPost, "/login", "user=admin&password="+password, form).header.Get("Set-Cookie"), ";")[0]
	h.do(t, http.MethodPost, "/login", "user=admin&password="+password, form, header("Cookie", first))
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", header("Cookie", first)).code, "a login ends the session before")
}

func TestSessionsEndByThemselves(t *testing.T) {
	h := newHouse(t, func(o *auth.Options) { o.SessionIdle, o.SessionLifetime = 2*time.Second, 5*time.Second })
	started := time.Now() // before the logins, which can take a while on a busy machine
	jar, unused := h.login(t, "admin", password), h.login(t, "admin", password)
	code := func(jar http.CookieJar) int { return h.with(t, jar, http.MethodGet, "/", "").code }
	require.Eventually(t, func() bool { return code(jar) == 401 }, 10*time.Second, 20*time.Millisecond, "used all the time")
	require.GreaterOrEqual(t, time.Since(started), 4900*time.Millisecond, "the lifetime ended it and not the idle limit")
	require.Equal(t, 401, code(unused))
}

func TestPasswordChangeEndsOtherSessions(t *testing.T) {
	h := newHouse(t, nil)
	h.addUser(t, "eve", "password of eve", auth.Viewer)
	one, other := h.login(t, "eve", "password of eve"), h.login(t, "eve", "password of eve")
	a := h.with(t, one, http.MethodPut, "/api/user/password", `{"oldPassword":"guess","newPassword":"new password"}`)
	require.Equal(t, 401, a.code)
	require.Equal(t, "Invalid old password", a.json(t)["message"])
	a = h.with(t, one, http.MethodPut, "/api/user/password", `{"oldPassword":"password of eve","newPassword":"new password"}`)
	require.Equal(t, 200, a.code, a.body)
	require.Equal(t, 200, h.with(t, one, http.MethodGet, "/", "").code, "the one that did it")
	require.Equal(t, 401, h.with(t, other, http.MethodGet, "/", "").code)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("eve", "password of eve")).code)
	require.Equal(t, 200, h.do(t, http.MethodGet, "/", "", as("eve", "new password")).code)
}

func TestGuessingIsSlowed(t *testing.T) {
	h := newHouse(t, nil)
	h.addUser(t, "eve", "password of eve", auth.Viewer)
	jar := h.login(t, "eve", "password of eve")
	token := h.newToken(t, admin, `{"name":"machine","role":"Viewer"}`, `{"name":"t"}`)
	for i := range 5 {
		require.Equal(t, 401, h.do(t, http.MethodGet, "/api/user", "", as("eve", "guess"+strconv.Itoa(i))).code)
	}
	a := h.do(t, http.MethodGet, "/api/user", "", as("eve", "guess"))
	require.Equal(t, 429, a.code)
	require.Equal(t, "30", a.header.Get("Retry-After"))
	require.Contains(t, a.json(t)["message"], "try again in 30 seconds")
	a = h.do(t, http.MethodPost, "/login", "user=eve&password=x", form)
	require.Equal(t, 429, a.code)
	require.Contains(t, a.body, "Try again in 30 seconds.")
	require.NotEmpty(t, a.header.Get("Retry-After"))
	require.Equal(t, 401, h.do(t, http.MethodPost, "/login", "user=nobody&password=x", form).code, "the address is not closed")
	require.Equal(t, 200, h.do(t, http.MethodGet, "/", "", as("eve", "password of eve"), from("192.0.2.7")).code, "nor is the login elsewhere")

	require.Equal(t, 200, h.with(t, jar, http.MethodGet, "/", "").code, "a session goes on")
	require.Equal(t, 200, h.do(t, http.MethodGet, "/", "", bearer(token)).code, "so does a token")
	require.Equal(t, 200, h.do(t, http.MethodGet, "/", "", admin).code, "and a password that was right a moment ago")
	require.Equal(t, 200, h.with(t, jar, http.MethodPut, "/api/user/password", `{"oldPassword":"password of eve","newPassword":"another one"}`).code,
		"and who is inside may tell his password")
	h.logins(t, "4", "6", "2")
}

// All clients have the same address: an attacker, a script with an outdated password, and the admin.
func TestNobodyIsLockedOutByOthersAtHisAddress(t *testing.T) {
	h := newHouse(t, nil)
	h.addUser(t, "eve", "password of eve", auth.Viewer)
	for range 20 {
		require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("admin", "of yesterday")).code, "one guess, however often")
	}
	jar := h.login(t, "admin", password)
	require.Equal(t, 303, h.with(t, jar, http.MethodPost, "/logout", "").code)
	for i := range 20 {
		h.do(t, http.MethodGet, "/", "", as("admin", "guess"+strconv.Itoa(i)))
	}
	require.Equal(t, 429, h.do(t, http.MethodPost, "/login", "user=admin&password=x", form).code, "a browser that nobody knows")
	for i := range 4 {
		require.Equal(t, 401, h.with(t, jar, http.MethodPost, "/login", "user=admin&password=typo"+strconv.Itoa(i), form).code)
	}
	require.Equal(t, 303, h.with(t, jar, http.MethodPost, "/login", "user=admin&password="+password, form).code, "the one that was here before")
	require.Equal(t, 303, h.do(t, http.MethodPost, "/login", "user=eve&password=password+of+eve", form).code, "another user")
	for i := range 20 {
		h.do(t, http.MethodGet, "/", "", as("eve", "guess"+strconv.Itoa(i)))
	}
	require.Equal(t, 429, h.with(t, jar, http.MethodPost, "/login", "user=eve&password=x", form).code, "a device is known for its own user only")
	u, err := url.Parse(h.url + "/login")
	require.NoError(t, err)
	require.Len(t, jar.Cookies(u), 2, "session and device")
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", header("Cookie", "ausguck_session="+cookieOf(jar, u, "ausguck_device"))).code, "a device lets nobody in")
}

func cookieOf(jar http.CookieJar, u *url.URL, name string) string {
	for _, c := range jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// While the right password is cached for a script, a throttled client must not be able to find it through the cache.
func TestMemoryTellsNothingToThoseWhoWait(t *testing.T) {
	h := newHouse(t, nil)
	right := func(address string) int { return h.do(t, http.MethodGet, "/", "", admin, from(address)).code }
	require.Equal(t, 200, right("192.0.2.1"))
	for i := range 6 {
		h.do(t, http.MethodGet, "/", "", as("admin", "guess"+strconv.Itoa(i)), from("203.0.113.7"))
	}
	require.Equal(t, 429, right("203.0.113.7"))
	require.Equal(t, 200, right("192.0.2.1"))
	for i := range 200 {
		h.do(t, http.MethodGet, "/", "", as("admin", "guess"+strconv.Itoa(i)), from("192.0.2.1"))
	}
	require.Equal(t, 429, right("192.0.2.1"), "nor at the address of the script")
}

func TestUnknownLoginsTakeAsLong(t *testing.T) {
	h := newHouse(t, nil)
	took := func(login string) time.Duration {
		begin := time.Now()
		require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as(login, "guess")).code)
		return time.Since(begin)
	}
	known, unknown := min(took("admin"), took("admin")), min(took("nobody"), took("nobody"))
	require.Greater(t, unknown, known/3, "a hash is computed for nobody too")
}
