package auth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/auth"
)

// newToken creates a service account with a token and returns the token.
func (h *house) newToken(t *testing.T, who func(*http.Request), account, token string) string {
	t.Helper()
	a := h.do(t, http.MethodPost, "/api/serviceaccounts", account, who)
	require.Equal(t, http.StatusCreated, a.code, a.body)
	a = h.do(t, http.MethodPost, "/api/serviceaccounts/"+jsonNumber(t, a, "id")+"/tokens", token, who)
	require.Equal(t, http.StatusOK, a.code, a.body)
	key, _ := a.json(t)["key"].(string)
	require.Regexp(t, `^glsa_[A-Z2-7]{32}_[0-9a-f]{8}$`, key)
	return key
}

func TestTokens(t *testing.T) {
	h := newHouse(t, nil)
	token := h.newToken(t, admin, `{"name":"Terraform","role":"Editor"}`, `{"name":"ci","secondsToLive":0}`)
	require.Equal(t, "sa-1-terraform Editor by token", h.do(t, http.MethodGet, "/edit", "", bearer(token)).body)
	require.Equal(t, 200, h.do(t, http.MethodGet, "/edit", "", as("api_key", token)).code, "as Grafana takes it")
	require.Equal(t, 403, h.do(t, http.MethodGet, "/admin", "", bearer(token)).code)
	require.Equal(t, 200, h.do(t, http.MethodPost, "/edit", "", bearer(token), header("Sec-Fetch-Site", "cross-site")).code)
	for _, wrong := range []string{"x", "glsa_x", token + "x", strings.Replace(token, token[5:6], "a", 1), token[:37] + "_00000000"} {
		a := h.do(t, http.MethodGet, "/api/user", "", bearer(wrong))
		require.Equal(t, 401, a.code, wrong)
		require.Equal(t, "Invalid API key", a.json(t)["message"])
	}
	var stored int
	require.NoError(t, h.db.QueryRow("SELECT count(*) FROM auth_tokens WHERE instr(CAST(key AS TEXT), ?) > 0 OR name = ?", token, token).Scan(&stored))
	require.Zero(t, stored, "only a hash is kept")

	a := h.do(t, http.MethodGet, "/api/serviceaccounts/search?query=terra", "", admin)
	require.EqualValues(t, 1, a.json(t)["totalCount"])
	account := a.json(t)["serviceAccounts"].([]any)[0].(map[string]any)
	require.Equal(t, "Terraform", account["name"])
	require.Equal(t, "Editor", account["role"])
	require.EqualValues(t, 1, account["tokens"])
	require.Equal(t, "sa-1-terraform", account["login"])
	id := "/api/serviceaccounts/" + account["uid"].(string)
	var tokens []map[string]any
	require.NoError(t, json.Unmarshal([]byte(h.do(t, http.MethodGet, id+"/tokens", "", admin).body), &tokens))
	require.Len(t, tokens, 1)
	require.NotNil(t, tokens[0]["lastUsedAt"])
	require.Nil(t, tokens[0]["expiration"])
	require.NotContains(t, tokens[0], "key", "shown once")

	a = h.do(t, http.MethodPost, id+"/tokens", `{"name":"ci"}`, admin)
	require.Equal(t, 409, a.code)
	require.Equal(t, "serviceaccounts.ErrTokenAlreadyExists", a.json(t)["messageId"])
	a = h.do(t, http.MethodPatch, id, `{"role":"Viewer"}`, admin)
	require.Equal(t, 200, a.code, a.body)
	require.Equal(t, "Viewer", a.json(t)["serviceaccount"].(map[string]any)["role"])
	require.Equal(t, 403, h.do(t, http.MethodGet, "/edit", "", bearer(token)).code, "at once")
	h.do(t, http.MethodPatch, id, `{"isDisabled":true}`, admin)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", bearer(token)).code)
	h.do(t, http.MethodPatch, id, `{"isDisabled":false}`, admin)
	require.Equal(t, 200, h.do(t, http.MethodGet, "/", "", bearer(token)).code)
	require.Equal(t, 404, h.do(t, http.MethodDelete, id+"/tokens/99", "", admin).code)
	require.Equal(t, 200, h.do(t, http.MethodDelete, id+"/tokens/1", "", admin).code)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", bearer(token)).code)
	require.Equal(t, 200, h.do(t, http.MethodDelete, id, "", admin).code)
	a = h.do(t, http.MethodGet, id, "", admin)
	require.Equal(t, 404, a.code)
	require.Equal(t, "service account not found", a.json(t)["message"])
}

func TestTokensExpire(t *testing.T) {
	h := newHouse(t, nil)
	token := h.newToken(t, admin, `{"name":"short","role":"Viewer"}`, `{"name":"t","secondsToLive":1}`)
	require.Equal(t, 200, h.do(t, http.MethodGet, "/", "", bearer(token)).code)
	require.Eventually(t, func() bool { return h.do(t, http.MethodGet, "/", "", bearer(token)).code == 401 }, 5*time.Second, 50*time.Millisecond)
	require.Contains(t, h.do(t, http.MethodGet, "/api/serviceaccounts/2/tokens", "", admin).body, `"hasExpired":true`)
}

func TestUsersInGrafanasShapes(t *testing.T) {
	h := newHouse(t, nil)
	a := h.do(t, http.MethodPost, "/api/admin/users", `{"name":"Eve Adams","email":"eve@example.org","login":"eve","password":"password of eve","OrgId":1}`, admin)
	require.Equal(t, 200, a.code, a.body)
	require.Equal(t, "User created", a.json(t)["message"])
	for body, want := range map[string]int{
		`{"login":"EVE","password":"long enough"}`:                              412,
		`{"login":"x","email":"Eve@example.org","password":"long enough"}`:      412,
		`{"login":"eve@example.org","password":"long enough"}`:                  412,
		`{"login":"","password":"long enough"}`:                                 400,
		`{"login":"x","password":"123"}`:                                        400,
		`{"login":"x\u0000y","password":"long enough"}`:                         400,
		`{"login":"api_key","password":"long enough"}`:                          400,
		`{"login":"` + strings.Repeat("x", 191) + `","password":"long enough"}`: 400,
		`{"login":"x","password":"` + strings.Repeat("x", 1025) + `"}`:          400,
		`{"login":`:                      400,
		``:                               400,
		`{"login":"x"}{}`:                400,
		`[]`:                             400,
		strings.Repeat(" ", 2<<20) + "{": 413,
	} {
		a := h.do(t, http.MethodPost, "/api/admin/users", body, admin)
		require.Equal(t, want, a.code, "%.80s: %s", body, a.body)
		require.NotEmpty(t, a.json(t)["message"])
	}
	eve := as("eve@example.org", "password of eve")
	a = h.do(t, http.MethodGet, "/api/user", "", eve)
	user := a.json(t)
	for field, want := range map[string]any{
		"id": 2.0, "login": "eve", "name": "Eve Adams", "email": "eve@example.org", "orgId": 1.0, "isGrafanaAdmin": false, "isDisabled": false,
	} {
		require.Equal(t, want, user[field], field)
	}
	require.JSONEq(t, `[{"orgId":1,"name":"Main Org.","role":"Viewer"}]`, h.do(t, http.MethodGet, "/api/user/orgs", "", eve).body)
	require.Equal(t, 200, h.do(t, http.MethodPut, "/api/user", `{"name":"Eve","email":"eve@example.com"}`, eve).code)
	require.Equal(t, "Eve", h.do(t, http.MethodGet, "/api/users/lookup?loginOrEmail=eve@example.com", "", admin).json(t)["name"])
	require.Equal(t, 412, h.do(t, http.MethodPut, "/api/user", `{"login":"admin"}`, as("eve", "password of eve")).code)
	require.Equal(t, "eve", h.do(t, http.MethodGet, "/api/users/2", "", admin).json(t)["login"])
	require.Equal(t, 404, h.do(t, http.MethodGet, "/api/users/99", "", admin).code)
	found := h.do(t, http.MethodGet, "/api/users/search?query=example.com&perpage=1", "", admin).json(t)
	require.EqualValues(t, 1, found["totalCount"])
	require.Len(t, found["users"], 1)
	require.EqualValues(t, 2, h.do(t, http.MethodGet, "/api/users/search?perpage=1&page=2", "", admin).json(t)["totalCount"])
	require.Contains(t, h.do(t, http.MethodGet, "/api/org/users", "", admin).body, `"login":"eve","role":"Viewer"`)
	require.Equal(t, 409, h.do(t, http.MethodPost, "/api/org/users", `{"loginOrEmail":"eve","role":"Editor"}`, admin).code)
	require.Equal(t, 400, h.do(t, http.MethodPatch, "/api/org/users/2", `{"role":"None"}`, admin).code)
	require.Equal(t, 404, h.do(t, http.MethodDelete, "/api/user", "", admin).code)

	jar := h.login(t, "eve", "password of eve")
	require.Equal(t, 200, h.do(t, http.MethodPost, "/api/admin/users/2/logout", "", admin).code)
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)
	jar = h.login(t, "eve", "password of eve")
	require.Equal(t, 200, h.do(t, http.MethodPut, "/api/admin/users/2/password", `{"password":"another one"}`, admin).code)
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("eve", "password of eve")).code)
	jar = h.login(t, "eve", "another one")
	require.Equal(t, 200, h.do(t, http.MethodPost, "/api/admin/users/2/disable", "", admin).code)
	require.Equal(t, 401, h.with(t, jar, http.MethodGet, "/", "").code)
	require.Equal(t, 401, h.do(t, http.MethodGet, "/", "", as("eve", "another one")).code, "also where it was remembered")
	require.Equal(t, 200, h.do(t, http.MethodPost, "/api/admin/users/2/enable", "", admin).code)
	require.Equal(t, 200, h.do(t, http.MethodDelete, "/api/admin/users/2", "", admin).code)
	require.Equal(t, 404, h.do(t, http.MethodGet, "/api/users/2", "", admin).code)
}

func TestLastAdminStays(t *testing.T) {
	h := newHouse(t, nil)
	id := h.addUser(t, "second", "password of second", auth.Admin)
	second := as("second", "password of second")
	require.Equal(t, 200, h.do(t, http.MethodPatch, "/api/org/users/1", `{"role":"Viewer"}`, second).code, "one of two")
	for _, c := range []struct{ method, path, body string }{
		{http.MethodPatch, "/api/org/users/" + id, `{"role":"Viewer"}`},
		{http.MethodPost, "/api/admin/users/" + id + "/disable", ""},
		{http.MethodPut, "/api/admin/users/" + id + "/permissions", `{"isGrafanaAdmin":false}`},
		{http.MethodDelete, "/api/admin/users/" + id, ""},
	} {
		a := h.do(t, c.method, c.path, c.body, second)
		require.Equal(t, 400, a.code, c.path)
	}
	require.Equal(t, 200, h.do(t, http.MethodGet, "/admin", "", second).code)
	// A service account with the role Admin does not count, because it cannot log in.
	require.Equal(t, 403, h.do(t, http.MethodPatch, "/api/org/users/1", `{"role":"Admin"}`, admin).code, "demoted")
	token := h.newToken(t, second, `{"name":"machine","role":"Admin"}`, `{"name":"t"}`)
	require.Equal(t, 400, h.do(t, http.MethodDelete, "/api/admin/users/"+id, "", bearer(token)).code)
}
