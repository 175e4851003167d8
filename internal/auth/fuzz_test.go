package auth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/auth"
)

// Whatever an admin sends to the users API, the response is JSON and not a server error.
func FuzzAPI(f *testing.F) {
	h := newHouse(f, nil)
	api := h.Require(auth.Viewer, h.API())
	send := func(method, path, body string, who func(*http.Request)) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.URL.Path = path
		who(r)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w
	}
	w := send(http.MethodPost, "/api/serviceaccounts", `{"name":"fuzz","role":"Admin"}`, admin)
	require.Equal(f, http.StatusCreated, w.Code, w.Body.String())
	var made struct{ ID json.Number }
	require.NoError(f, json.Unmarshal(w.Body.Bytes(), &made))
	w = send(http.MethodPost, "/api/serviceaccounts/"+made.ID.String()+"/tokens", `{"name":"fuzz"}`, admin)
	var token struct{ Key string }
	require.NoError(f, json.Unmarshal(w.Body.Bytes(), &token))
	for _, path := range []string{"/api/admin/users", "/api/serviceaccounts", "/api/serviceaccounts/1/tokens", "/api/admin/users/99/password", "/api/user", "/api/org/users/99", "/api/users/99"} {
		for _, body := range []string{
			`{"login":"a","password":"long enough password","name":"n","email":"e@x"}`, `{"name":"a","role":"Viewer","secondsToLive":-1}`, `{"secondsToLive":9e18}`,
			`null`, `[]`, `{"role":1}`, strings.Repeat("[", 1000), "{\"login\":\"\u0000\"}",
		} {
			f.Add(http.MethodPost, path, body)
			f.Add(http.MethodPut, path, body)
			f.Add(http.MethodPatch, path, body)
		}
	}
	before := debug.SetMaxStack(8 << 20)
	f.Cleanup(func() { debug.SetMaxStack(before) })
	f.Fuzz(func(t *testing.T, method, path, body string) {
		if method != http.MethodPost && method != http.MethodPut && method != http.MethodPatch || !strings.HasPrefix(path, "/api/") || strings.Contains(body, "password") {
			return // hashing a password takes a tenth of a second
		}
		w := send(method, path, body, bearer(token.Key))
		require.Less(t, w.Code, 500, "%s %s %s: %s", method, path, body, w.Body.String())
	})
}
