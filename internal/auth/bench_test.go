package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ausguck/ausguck/internal/auth"
)

// The cost of checking a request's credentials, with a password that was found correct a moment ago.
func BenchmarkRequire(b *testing.B) {
	h := newHouse(b, nil)
	login := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/login", strings.NewReader("user=admin&password="+password))
	form(r)
	h.Login(login, r)
	cookie := login.Result().Cookies()[0]
	guarded := h.Require(auth.Viewer, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for name, edit := range map[string]func(*http.Request){
		"password": admin,
		"session":  func(r *http.Request) { r.AddCookie(cookie) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				edit(r)
				w := httptest.NewRecorder()
				if guarded.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
