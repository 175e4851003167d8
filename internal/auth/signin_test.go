package auth_test

import (
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/auth/oidc"
)

type claims = map[string]any

func TestSignIn(t *testing.T) {
	h := newSignInHouse(t, nil, nil)
	asked := h.begin(t, newJar(t), "")
	require.Equal(t, "S256", asked.Get("code_challenge_method"))
	require.NotEmpty(t, asked.Get("nonce"))
	require.Equal(t, "openid", asked.Get("scope"))
	require.Equal(t, "http://ausguck.example/login/generic_oauth", asked.Get("redirect_uri"))

	eve := claims{"sub": "7", "login": "eve", "email": "eve@example.org", "name": "Eve \u202eAdams"}
	jar, a := h.signIn(t, eve)
	require.Equal(t, http.StatusSeeOther, a.code, a.body)
	require.Equal(t, "/d/a", a.header.Get("Location"))
	require.Equal(t, 1, h.p.verified)
	require.Equal(t, "eve Viewer by session", h.with(t, jar, http.MethodGet, "/", "").body)
	user := h.with(t, jar, http.MethodGet, "/api/user", "").json(t)
	require.Equal(t, "Eve Adams", user["name"], "what cannot be seen is left out")
	require.Equal(t, true, user["isExternal"])
	require.Equal(t, []any{"Generic OAuth"}, user["authLabels"])
	for path, body := range map[string]string{"/api/user/password": `{"oldPassword":"","newPassword":"long enough"}`, "/api/user": `{"login":"other"}`} {
		require.Equal(t, 403, h.with(t, jar, http.MethodPut, path, body).code, path)
	}
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("eve", "")).code, "has no password")
	require.Equal(t, 403, h.do(t, http.MethodPut, "/api/admin/users/2/password", `{"password":"long enough"}`, admin).code)

	// An admin sets her role, because the provider does not; it stays.
	require.Equal(t, 200, h.do(t, http.MethodPatch, "/api/org/users/2", `{"role":"Editor"}`, admin).code)
	eve["login"], eve["email"] = "changed", "eve@example.com"
	again, a := h.signIn(t, eve)
	require.Equal(t, http.StatusSeeOther, a.code, a.body)
	require.Equal(t, "eve Editor by session", h.with(t, again, http.MethodGet, "/", "").body, "known by issuer and subject")
	require.Equal(t, "eve@example.com", h.with(t, again, http.MethodGet, "/api/user", "").json(t)["email"])

	require.Equal(t, 200, h.do(t, http.MethodPost, "/api/admin/users/2/disable", "", admin).code)
	require.Equal(t, 401, h.with(t, again, http.MethodGet, "/", "").code)
	_, a = h.signIn(t, eve)
	require.Equal(t, 403, a.code)
	require.Contains(t, a.body, "disabled")
}

func TestSignInNeedsWhatItBegan(t *testing.T) {
	h := newSignInHouse(t, nil, nil)
	h.p.claims = claims{"login": "eve"}
	jar, other := newJar(t), newJar(t)
	state := h.begin(t, jar, "").Get("state")
	require.Equal(t, 400, h.back(t, other, state).code, "another browser")
	require.Equal(t, 400, h.back(t, jar, "made up").code)
	require.Equal(t, 400, h.back(t, jar, "").code)
	second := h.begin(t, jar, "").Get("state")
	require.Equal(t, 303, h.back(t, jar, second).code, "two tabs")
	require.Equal(t, 400, h.back(t, jar, second).code, "once")
	a := h.with(t, jar, http.MethodGet, "/login/generic_oauth?error=access_denied&error_description=no+%3Cb%3E&state="+state, "")
	require.Equal(t, 403, a.code)
	require.Contains(t, a.body, "access_denied: no &lt;b&gt;")
}

func TestSignInBelievesNoOtherToken(t *testing.T) {
	h := newSignInHouse(t, nil, nil)
	for name, wrong := range map[string]claims{
		"nonce": {"nonce": "other"}, "no nonce": {"nonce": ""}, "audience": {"aud": "other"}, "issuer": {"iss": "https://evil.example"},
		"expired": {"exp": time.Now().Add(-2 * time.Minute).Unix()}, "not yet": {"nbf": time.Now().Add(10 * time.Minute).Unix()}, "nobody": {"sub": ""},
	} {
		wrong["login"] = "eve"
		_, a := h.signIn(t, wrong)
		require.Equal(t, 502, a.code, "%s: %s", name, a.body)
		require.Contains(t, a.body, "did not work", name)
	}
	_, a := h.signIn(t, claims{"exp": time.Now().Add(-30 * time.Second).Unix(), "login": "late"})
	require.Equal(t, 303, a.code, "clocks differ a little")
	h.p.info = claims{"sub": "2"}
	_, a = h.signIn(t, claims{"login": "late"})
	require.Equal(t, 502, a.code, "the data of another user")
	h.p.info = nil
	h.p.key = newProvider(t).key
	_, a = h.signIn(t, claims{"login": "late"})
	require.Equal(t, 502, a.code, "another key")
}

func TestSignInTakesNobodyOver(t *testing.T) {
	for name, tt := range map[string]struct {
		link   bool
		claims claims
		want   string // in the response, or who is logged in
	}{
		"login":              {false, claims{"sub": "1", "login": "bob"}, "already"},
		"login, other case":  {false, claims{"sub": "1", "login": "BOB"}, "already"},
		"email":              {false, claims{"sub": "1", "login": "x", "email": "bob@example.org", "email_verified": true}, "already"},
		"email as login":     {false, claims{"sub": "1", "login": "bob@example.org"}, "already"},
		"admin":              {false, claims{"sub": "1", "login": "Admin"}, "first admin"},
		"web.yml":            {false, claims{"sub": "1", "login": "ops"}, "web.yml"},
		"web.yml by email":   {false, claims{"sub": "1", "login": "x", "email": "ops"}, "web.yml"},
		"link, not verified": {true, claims{"sub": "1", "login": "x", "email": "bob@example.org"}, "already"},
		"link, verified no":  {true, claims{"sub": "1", "login": "x", "email": "bob@example.org", "email_verified": false}, "already"},
		"link by login":      {true, claims{"sub": "1", "login": "bob", "email": "x@example.org", "email_verified": true}, "already"},
		"link":               {true, claims{"sub": "1", "login": "x", "email": "bob@example.org", "email_verified": true}, "bob Viewer by session"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &webFile{users: map[string]string{"ops": bcryptOf(t, "x")}}
			p := newProvider(t)
			h := &signInHouse{p: p}
			h.house = newHouse(t, func(o *auth.Options) {
				f.options(o)
				provider, err := oidc.New(oidc.Config{Name: "Dex", Issuer: p.URL, ClientID: "ausguck"})
				require.NoError(t, err)
				o.SignIn = &auth.SignIn{Provider: provider, SignUp: true, DefaultRole: auth.Viewer, LinkByEmail: tt.link}
			})
			a := h.do(t, http.MethodPost, "/api/admin/users", `{"login":"bob","email":"bob@example.org","password":"password of bob"}`, admin)
			require.Equal(t, 200, a.code, a.body)
			for range 2 {
				jar, a := h.signIn(t, tt.claims)
				if strings.HasPrefix(tt.want, "bob ") {
					require.Equal(t, 303, a.code, a.body)
					require.Equal(t, tt.want, h.with(t, jar, http.MethodGet, "/", "").body)
					continue
				}
				require.Equal(t, 403, a.code, a.body)
				require.Contains(t, a.body, tt.want)
				require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)
			}
			require.Equal(t, 200, h.do(t, http.MethodGet, "/", "", as("bob", "password of bob")).code, "bob's password stays")
		})
	}
}

func TestSignInRolesAndWhoMayCome(t *testing.T) {
	role := `contains(groups[*], 'admins') && 'Admin' || contains(groups[*], 'ops') && 'Editor' || level > ` + "`5`" + ` && 'GrafanaAdmin' || lazy && 'None' || 'nonsense'`
	for name, tt := range map[string]struct {
		strict bool
		claims claims
		want   string
	}{
		"admin":            {false, claims{"groups": []string{"team", "admins"}}, "Admin"},
		"editor":           {false, claims{"groups": []string{"ops"}}, "Editor"},
		"grafana's admin":  {false, claims{"groups": []string{"team"}, "level": 9}, "Admin"},
		"default":          {false, claims{"groups": []string{"team"}}, "Viewer"},
		"strict":           {true, claims{"groups": []string{"team"}}, "you have no role"},
		"none":             {false, claims{"groups": []string{"team"}, "lazy": "x"}, "role None"},
		"other group":      {false, claims{"groups": []string{"Team"}}, "none of the groups"},
		"no group":         {false, claims{}, "none of the groups"},
		"other domain":     {false, claims{"groups": "team", "email": "eve@example.com"}, "none of the domains"},
		"domain as suffix": {false, claims{"groups": "team", "email": "eve@evil.example.org"}, "none of the domains"},
		"two ats":          {false, claims{"groups": "team", "email": "eve@evil.example@example.org"}, "none of the domains"},
		"not verified":     {false, claims{"groups": "team", "email_verified": false}, "not verified"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSignInHouse(t, func(c *oidc.Config) {
				c.RolePath, c.AllowedDomains, c.AllowedGroups = role, []string{"example.org"}, []string{"team", "admins", "ops"}
			}, func(s *auth.SignIn) { s.RoleStrict = tt.strict })
			if tt.claims["email"] == nil {
				tt.claims["email"] = "eve@Example.org"
			}
			tt.claims["login"] = "eve"
			jar, a := h.signIn(t, tt.claims)
			if a.code != 303 {
				require.Equal(t, 403, a.code, a.body)
				require.Contains(t, a.body, tt.want)
				return
			}
			require.Equal(t, "eve "+tt.want+" by session", h.with(t, jar, http.MethodGet, "/", "").body)
			// The provider sets the role at each login; it cannot be changed here.
			require.Equal(t, 403, h.do(t, http.MethodPatch, "/api/org/users/2", `{"role":"Admin"}`, admin).code)
			require.Equal(t, 403, h.do(t, http.MethodPut, "/api/admin/users/2/permissions", `{"isGrafanaAdmin":true}`, admin).code)
			tt.claims["groups"] = []string{"ops"}
			jar, _ = h.signIn(t, tt.claims)
			require.Equal(t, "eve Editor by session", h.with(t, jar, http.MethodGet, "/", "").body)
		})
	}
	h := newSignInHouse(t, nil, func(s *auth.SignIn) { s.SignUp = false })
	_, a := h.signIn(t, claims{"login": "eve"})
	require.Equal(t, 403, a.code)
	require.Contains(t, a.body, "have not been here before")
}

func TestSignInOfAPlainOAuthProvider(t *testing.T) {
	h := newSignInHouse(t, func(c *oidc.Config) {
		c.AuthURL, c.TokenURL, c.APIURL, c.Issuer = c.Issuer+"/auth", c.Issuer+"/token", c.Issuer+"/info", ""
	}, nil)
	h.p.info = claims{"sub": nil, "id": 9007199254740993, "username": "eve", "attributes": claims{"email:primary": []string{"eve@example.org"}}}
	jar, a := h.signIn(t, nil)
	require.Equal(t, 303, a.code, a.body)
	require.Equal(t, "eve Viewer by session", h.with(t, jar, http.MethodGet, "/", "").body)
	require.Equal(t, "eve@example.org", h.with(t, jar, http.MethodGet, "/api/user", "").json(t)["email"])
	h.p.info = claims{"sub": nil, "id": 9007199254740992, "username": "eve"}
	_, a = h.signIn(t, nil)
	require.Equal(t, 403, a.code, "the neighbour's number is another user's")
}

func TestProviderThatIsDown(t *testing.T) {
	h := newSignInHouse(t, nil, func(s *auth.SignIn) { s.AutoLogin = true })
	h.p.down = true
	a := h.do(t, http.MethodGet, "/login/generic_oauth", "")
	require.Equal(t, 502, a.code)
	require.Contains(t, a.body, "did not work")
	require.Equal(t, 200, h.do(t, http.MethodGet, "/login", "").code, "no way to where nobody answers")
	require.Equal(t, 303, h.do(t, http.MethodPost, "/login", "user=admin&password="+password, form).code, "a password works")
	h.p.down = false
	h.begin(t, newJar(t), "")
	a = h.do(t, http.MethodGet, "/login?redirectTo=%2Fd%2Fa", "")
	require.Equal(t, 302, a.code)
	require.Equal(t, "/login/generic_oauth?redirectTo=%2Fd%2Fa", a.header.Get("Location"))
	require.Equal(t, 200, h.do(t, http.MethodGet, "/login?disableAutoLogin=true", "").code)
}

func TestSignOutAtTheProvider(t *testing.T) {
	h := newSignInHouse(t, nil, nil)
	jar, _ := h.signIn(t, claims{"login": "eve"})
	a := h.with(t, jar, http.MethodGet, "/logout", "")
	require.Equal(t, 303, a.code)
	to, err := url.Parse(a.header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, h.p.URL+"/logout", to.Scheme+"://"+to.Host+to.Path)
	require.Equal(t, "ausguck", to.Query().Get("client_id"))
	require.Equal(t, "http://ausguck.example/login", to.Query().Get("post_logout_redirect_uri"))
	require.Len(t, strings.Split(to.Query().Get("id_token_hint"), "."), 3)
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)

	jar, _ = h.signIn(t, claims{"login": "eve"})
	a = h.with(t, jar, http.MethodPost, "/logout", "")
	require.Equal(t, 200, a.code, "a form may not be redirected to another site")
	require.True(t, strings.HasPrefix(a.header.Get("Refresh"), "0; url="+h.p.URL+"/logout?"))
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)
	jar = h.login(t, "admin", password)
	require.Equal(t, "/login", h.with(t, jar, http.MethodPost, "/logout", "").header.Get("Location"), "the others' logout is here")
}

// A session started with the provider ends when the provider's configuration or the identity is removed.
func TestSessionsOfTheProviderEndWithIt(t *testing.T) {
	h := newSignInHouse(t, nil, nil)
	jar, _ := h.signIn(t, claims{"login": "eve"})
	require.Equal(t, 200, h.with(t, jar, http.MethodGet, "/", "").code)
	r, err := http.NewRequest(http.MethodGet, h.url, nil)
	require.NoError(t, err)
	cookies := func(r *http.Request) {
		for _, c := range jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
	}
	cookies(r)
	without := auth.New(auth.Options{DB: h.db, Logger: slog.New(slog.DiscardHandler), LoginPage: template.Must(template.New("").Parse(""))})
	require.NoError(t, without.Prepare(t.Context()))
	w := httptest.NewRecorder()
	without.Require(auth.Viewer, http.NotFoundHandler()).ServeHTTP(w, r)
	require.Equal(t, 401, w.Code, "nobody vouches any more")
	_, err = h.db.Exec("DELETE FROM auth_identities")
	require.NoError(t, err)
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)
}

func TestAnAdminLinksTheProvidersPersonToAUser(t *testing.T) {
	h := newSignInHouse(t, func(c *oidc.Config) { c.RolePath = "role" }, nil)
	id := h.addUser(t, "bob", "password of bob", auth.Editor)
	bob := claims{"sub": "7", "login": "bob", "role": "Admin"}
	_, a := h.signIn(t, bob)
	require.Equal(t, 403, a.code)
	link := "/api/admin/users/" + id + "/oidc"
	require.Equal(t, 403, h.do(t, http.MethodPut, link, `{"subject":"7"}`, as("bob", "password of bob")).code, "only an admin")
	require.Equal(t, 400, h.do(t, http.MethodPut, link, `{}`, admin).code)
	require.Equal(t, 200, h.do(t, http.MethodPut, link, `{"subject":"7"}`, admin).code)
	require.Equal(t, 409, h.do(t, http.MethodPut, "/api/admin/users/1/oidc", `{"subject":"7"}`, admin).code)
	jar, a := h.signIn(t, bob)
	require.Equal(t, 303, a.code, a.body)
	require.Equal(t, "bob Editor by session", h.with(t, jar, http.MethodGet, "/", "").body, "the role is the one here")
	require.Equal(t, 200, h.do(t, http.MethodDelete, link, "", admin).code)
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)
	_, a = h.signIn(t, bob)
	require.Equal(t, 403, a.code)
	require.Equal(t, 404, h.do(t, http.MethodDelete, link, "", admin).code)
	_, a = h.signIn(t, claims{"sub": "8", "login": "carl"})
	require.Equal(t, 303, a.code)
	require.Equal(t, 400, h.do(t, http.MethodPut, "/api/admin/users/3/oidc", `{"subject":"9"}`, admin).code)
}
