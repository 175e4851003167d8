package auth_test

import (
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/database"
)

// webFile simulates web.yml, which is read again for each request.
type webFile struct {
	users map[string]string // name to hash
	err   error
}

func (f *webFile) options(o *auth.Options) {
	o.UserHash = func(login string) (string, bool) {
		if hash, ok := f.users[login]; ok {
			return hash, true
		}
		if len(f.users) == 0 {
			return "", false
		}
		return f.users[slices.Min(slices.Collect(maps.Keys(f.users)))], false
	}
	o.UserNames = func() ([]string, error) { return slices.Collect(maps.Keys(f.users)), f.err }
}

func newWebHouse(t *testing.T, users map[string]string) (*house, *webFile) {
	t.Helper()
	f := &webFile{users: map[string]string{}}
	for name, password := range users {
		f.users[name] = bcryptOf(t, password)
	}
	return newHouse(t, f.options), f
}

func TestNobodyTakesTheNameOfAUserOfWebYML(t *testing.T) {
	h, f := newWebHouse(t, map[string]string{"prombot": "of the bot", "ops@example.org": "of ops", "Kelvin": "of kelvin", "sa-1-ci": "of ci"})
	h.addUser(t, "eve", "password of eve", auth.Viewer)
	eve := as("eve", "password of eve")
	for _, name := range []string{
		"prombot", "PromBot", " prombot ", "\u00a0prombot", "ｐｒｏｍｂｏｔ", "ops@example.org", "OPS@EXAMPLE.ORG", "\u212aelvin", "kelvin",
		"prombot@web.yml", "anything@WEB.yml", "sa-1-ci", "prom\u200bbot", "prombot\u2060",
	} {
		for _, c := range []struct {
			method, path, body string
			who                func(*http.Request)
		}{
			{http.MethodPut, "/api/user", `{"login":%q}`, eve},
			{http.MethodPut, "/api/user", `{"email":%q}`, eve},
			{http.MethodPut, "/api/users/2", `{"login":%q}`, admin},
			{http.MethodPut, "/api/users/2", `{"email":%q}`, admin},
			{http.MethodPut, "/api/user", `{"login":%q}`, admin},
			{http.MethodPost, "/api/admin/users", `{"login":%q,"password":"long enough"}`, admin},
			{http.MethodPost, "/api/admin/users", `{"email":%q,"password":"long enough"}`, admin},
			{http.MethodPost, "/api/admin/users", `{"login":"other","email":%q,"password":"long enough"}`, admin},
		} {
			a := h.do(t, c.method, c.path, fmt.Sprintf(c.body, name), c.who)
			require.Contains(t, []int{400, 412}, a.code, "%s %s %q: %s", c.method, c.path, name, a.body)
		}
	}
	a := h.do(t, http.MethodPost, "/api/serviceaccounts", `{"name":"ci","role":"Viewer"}`, admin)
	require.Equal(t, 412, a.code, a.body)
	require.Contains(t, a.body, "a user in web.yml")
	require.Equal(t, "eve Viewer by password", h.do(t, http.MethodGet, "/", "", eve).body)
	require.Equal(t, 403, h.do(t, http.MethodGet, "/admin", "", eve).code)
	require.Equal(t, "prombot Admin by password", h.do(t, http.MethodGet, "/admin", "", as("prombot", "of the bot")).body, "the bot itself")
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("PROMBOT", "of the bot")).code, "web.yml tells names apart by case")
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("prombot", "password of eve")).code)

	f.err = errors.New("line 1: what?")
	a = h.do(t, http.MethodPut, "/api/user", `{"login":"whoever"}`, eve)
	require.Equal(t, 503, a.code, "while web.yml cannot be read, nobody can take a name: %s", a.body)
	require.Equal(t, 200, h.do(t, http.MethodPut, "/api/user", `{"name":"Eve"}`, eve).code)
}

// The name already exists when it is added to web.yml, or dates from a version that let everybody take it.
func TestWebYMLNamesSomebodyWhoIsThere(t *testing.T) {
	for name, login := range map[string]string{"same": "eve", "other case": "EVE"} {
		t.Run(name, func(t *testing.T) {
			h, f := newWebHouse(t, nil)
			id := h.addUser(t, "eve", "password of eve", auth.Viewer)
			eve, web := as("eve", "password of eve"), as(login, "of web.yml")
			jar := h.login(t, "eve", "password of eve")
			require.Equal(t, "eve Viewer by password", h.do(t, http.MethodGet, "/", "", eve).body) // cached
			f.users[login] = bcryptOf(t, "of web.yml")

			for range 2 {
				require.Equal(t, "eve Viewer by password", h.do(t, http.MethodGet, "/", "", eve).body, "her own password makes nobody an admin")
				require.Equal(t, "eve Viewer by session", h.with(t, jar, http.MethodGet, "/", "").body)
				require.Equal(t, login+"@web.yml Admin by password", h.do(t, http.MethodGet, "/admin", "", web).body)
			}
			require.NotEqual(t, id, jsonNumber(t, h.do(t, http.MethodGet, "/api/user", "", web), "id"), "a row of its own")
			require.Equal(t, 200, h.do(t, http.MethodPut, "/api/user", `{"name":"Eve"}`, eve).code, "what she has is left to her")
			require.Equal(t, 401, h.do(t, http.MethodPut, "/api/user/password", `{"oldPassword":"of web.yml","newPassword":"taken over"}`, eve).code)
			webJar := h.login(t, login, "of web.yml")
			require.Equal(t, login+"@web.yml Admin by session", h.with(t, webJar, http.MethodGet, "/admin", "").body)
			require.Equal(t, 200, h.do(t, http.MethodPost, "/api/admin/users/"+id+"/disable", "", admin).code)
			require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", eve).code)
			require.Equal(t, 200, h.do(t, http.MethodGet, "/admin", "", web).code, "they are two")
		})
	}
}

func TestSessionsOfWebYMLEndWithTheirLine(t *testing.T) {
	h, f := newWebHouse(t, map[string]string{"ops": "one", "Ops": "other"})
	jar, other := h.login(t, "ops", "one"), h.login(t, "Ops", "other")
	require.Equal(t, "ops Admin by session", h.with(t, jar, http.MethodGet, "/", "").body)
	require.Equal(t, "Ops@web.yml Admin by session", h.with(t, other, http.MethodGet, "/", "").body, "names that differ by case are two users")
	id := jsonNumber(t, h.with(t, jar, http.MethodGet, "/api/user", ""), "id")
	for path, body := range map[string]string{"/api/admin/users/" + id + "/permissions": `{"isGrafanaAdmin":false}`, "/api/admin/users/" + id + "/password": `{"password":"long enough"}`} {
		require.Equal(t, 403, h.do(t, http.MethodPut, path, body, admin).code, path)
	}
	f.users["ops"] = bcryptOf(t, "changed")
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code, "with another password")
	require.Equal(t, 200, h.with(t, other, http.MethodGet, "/", "").code)
	delete(f.users, "Ops")
	require.Equal(t, 401, h.with(t, other, http.MethodGet, "/", "").code, "with the line")
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("Ops", "changed")).code, "another case of a name that is known")
	require.Equal(t, 200, h.do(t, http.MethodGet, "/admin", "", as("ops", "changed")).code)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("OPS", "changed")).code, "nor what was remembered for it")
	jar = h.login(t, "ops", "changed")
	require.Equal(t, 200, h.do(t, http.MethodPost, "/api/admin/users/"+id+"/disable", "", admin).code)
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("ops", "changed")).code)
}

func TestTokensAreNotThoseOfUsersOfWebYML(t *testing.T) {
	h, f := newWebHouse(t, nil)
	token := h.newToken(t, admin, `{"name":"ci","role":"Viewer"}`, `{"name":"t"}`)
	f.users["sa-1-ci"] = bcryptOf(t, "of web.yml")
	require.Equal(t, "sa-1-ci Viewer by token", h.do(t, http.MethodGet, "/", "", bearer(token)).body)
	require.Equal(t, "sa-1-ci@web.yml Admin by password", h.do(t, http.MethodGet, "/", "", as("sa-1-ci", "of web.yml")).body)
}

func TestNamesThatLookAlikeAreOne(t *testing.T) {
	h := newHouse(t, func(o *auth.Options) { o.AdminLogin = "chief" })
	chief := as("chief", password)
	for _, login := range []string{"émile", "eve@example.org"} {
		require.Equal(t, 200, h.do(t, http.MethodPost, "/api/admin/users", `{"login":"`+login+`","password":"long enough"}`, chief).code)
	}
	for _, name := range []string{"ÉMILE", "e\u0301mile", "EVE@example.org", "Chief", " chief"} {
		for _, body := range []string{`{"login":"` + name + `","password":"long enough"}`, `{"login":"x","email":"` + name + `","password":"long enough"}`} {
			require.Equal(t, 412, h.do(t, http.MethodPost, "/api/admin/users", body, chief).code, "%q", body)
		}
	}
}

// The next start makes the AdminLogin an Admin: nobody may take that name and wait for it.
func TestNobodyWaitsForTheAdminsLogin(t *testing.T) {
	h := newHouse(t, nil)
	h.addUser(t, "eve", "password of eve", auth.Viewer)
	require.Equal(t, 200, h.do(t, http.MethodPut, "/api/user", `{"login":"boss"}`, admin).code)
	for _, body := range []string{`{"login":"admin"}`, `{"login":"ADMIN"}`, `{"email":"admin"}`} {
		a := h.do(t, http.MethodPut, "/api/user", body, as("eve", "password of eve"))
		require.Equal(t, 412, a.code, a.body)
	}
	require.Equal(t, 412, h.do(t, http.MethodPost, "/api/admin/users", `{"login":"admin","password":"long enough"}`, as("boss", password)).code)
	require.Equal(t, 200, h.do(t, http.MethodPut, "/api/user", `{"login":"admin"}`, as("boss", password)).code, "an admin goes back")
}

func TestAdminWhomWebYMLNames(t *testing.T) {
	db, err := database.Open(filepath.Join(t.TempDir(), "ausguck.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	f := &webFile{users: map[string]string{"admin": bcryptOf(t, "of web.yml")}}
	file := filepath.Join(t.TempDir(), "initial-admin-password")
	start := func(password string) (*auth.Service, string) {
		o := auth.Options{InitialPasswordFile: file, DB: db, Logger: slog.New(slog.DiscardHandler), AdminPassword: password, LoginPage: template.Must(template.New("").Parse(""))}
		f.options(&o)
		s := auth.New(o)
		require.NoError(t, s.Prepare(t.Context()))
		require.NoError(t, s.Bootstrap(t.Context()))
		return s, initial(t, file)
	}
	s, generated := start("")
	require.Empty(t, generated, "web.yml has the admin")
	require.Equal(t, 200, status(s, auth.Admin, as("admin", "of web.yml")))
	s, _ = start("of the environment")
	require.Equal(t, 401, status(s, auth.Viewer, as("admin", "of the environment")), "the name is taken")
	_, err = s.ResetPassword(t.Context(), "")
	require.ErrorContains(t, err, "a user in web.yml")
	_, err = s.ResetPassword(t.Context(), "nobody")
	require.ErrorContains(t, err, "not found")
	delete(f.users, "admin")
	s, generated = start("")
	require.NotEmpty(t, generated, "without web.yml there would be nobody")
	require.Equal(t, 200, status(s, auth.Admin, as("admin", generated)))
	require.Equal(t, 401, status(s, auth.Viewer, as("admin", "of web.yml")))
	f.users["admin"] = bcryptOf(t, "again")
	s, _ = start("")
	require.Equal(t, 200, status(s, auth.Admin, as("admin", "again")), "both are there")
	require.Equal(t, 200, status(s, auth.Admin, as("admin", generated)))
}

// In a database of the previous version, users from web.yml are those without a password.
func TestUsersOfWebYMLFromBefore(t *testing.T) {
	db, err := database.Open(filepath.Join(t.TempDir(), "ausguck.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, database.Migrate(t.Context(), db, "auth", auth.FirstMigration))
	_, err = db.Exec(`INSERT INTO auth_users (uid, login, email, name, role, hash, service, disabled, created, updated, seen) VALUES
		('a', 'ops', '', '', 'Admin', '', 0, 0, 1, 1, 1), ('b', 'prombot', '', '', 'Viewer', '` + auth.HashOf(t, "of a viewer") + `', 0, 0, 1, 1, 1)`)
	require.NoError(t, err)
	f := &webFile{users: map[string]string{"ops": bcryptOf(t, "one"), "prombot": bcryptOf(t, "two")}}
	o := auth.Options{DB: db, Logger: slog.New(slog.DiscardHandler), LoginPage: template.Must(template.New("").Parse(""))}
	f.options(&o)
	s := auth.New(o)
	require.NoError(t, s.Prepare(t.Context()))
	require.Equal(t, 200, status(s, auth.Admin, as("ops", "one")))
	require.Equal(t, 403, status(s, auth.Admin, as("prombot", "of a viewer")), "who had taken the name is what he was")
	require.Equal(t, 200, status(s, auth.Admin, as("prombot", "two")))
	var n int
	require.NoError(t, db.QueryRow("SELECT count(*) FROM auth_users").Scan(&n))
	require.Equal(t, 3, n, "ops has kept its row")
}
