package auth

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ausguck/ausguck/internal/grafana"
)

const (
	// maxBody limits the size of JSON bodies.
	maxBody = 1 << 20
	// maxLogin and minPassword are Grafana's limits.
	maxLogin    = 190
	minPassword = 4
)

// API serves Grafana's HTTP API for users, service accounts and permissions. It must be wrapped in Require.
func (s *Service) API() http.Handler { return s.api }

// Routes returns all URLs of the API.
func (s *Service) Routes() []grafana.Route {
	on := func(pattern string, needs grafana.Permission, handle apiFunc) grafana.Route {
		return grafana.On(pattern, needs, s.answering(handle))
	}
	return []grafana.Route{
		on("GET /api/login/ping", grafana.SignedIn, s.ping),
		on("GET /api/user", grafana.SignedIn, s.getUser),
		on("PUT /api/user", grafana.SignedIn, s.putUser),
		on("PUT /api/user/password", grafana.SignedIn, s.putUserPassword),
		on("GET /api/user/orgs", grafana.SignedIn, s.getUserOrgs),
		on("GET /api/access-control/user/actions", grafana.SignedIn, s.getActions),
		on("GET /api/access-control/user/permissions", grafana.SignedIn, s.getPermissions),

		on("GET /api/users", "users:read", s.listUsers),
		on("GET /api/users/search", "users:read", s.searchUsers),
		on("GET /api/users/lookup", "users:read", s.lookupUser),
		on("GET /api/users/{id}", "users:read", s.userByPath(s.showUser)),
		on("GET /api/users/{id}/orgs", "users:read", s.userByPath(s.showOrgs)),
		on("PUT /api/users/{id}", "users:write", s.userByPath(s.changeUser)),
		on("POST /api/admin/users", "users:create", s.createUser),
		on("PUT /api/admin/users/{id}/password", "users.password:write", s.userByPath(s.resetPassword)),
		on("PUT /api/admin/users/{id}/permissions", "users.permissions:write", s.userByPath(s.changePermissions)),
		on("DELETE /api/admin/users/{id}", "users:delete", s.userByPath(s.deleteUser)),
		on("POST /api/admin/users/{id}/disable", "users:disable", s.userByPath(s.switchUser(true))),
		on("POST /api/admin/users/{id}/enable", "users:enable", s.userByPath(s.switchUser(false))),
		on("PUT /api/admin/users/{id}/oidc", "users:write", s.userByPath(s.linkUser)),
		on("DELETE /api/admin/users/{id}/oidc", "users:write", s.userByPath(s.unlinkUser)),
		on("POST /api/admin/users/{id}/logout", "users.logout:write", s.userByPath(s.logoutUser)),

		on("GET /api/org/users", "org.users:read", s.listOrgUsers),
		on("POST /api/org/users", "org.users:add", s.addOrgUser),
		on("PATCH /api/org/users/{id}", "org.users:write", s.userByPath(s.changeRole)),
		on("DELETE /api/org/users/{id}", "org.users:remove", s.userByPath(s.deleteUser)),

		on("GET /api/serviceaccounts/search", "serviceaccounts:read", s.searchAccounts),
		on("POST /api/serviceaccounts", "serviceaccounts:create", s.createAccount),
		on("GET /api/serviceaccounts/{id}", "serviceaccounts:read", s.accountByPath(s.showAccount)),
		on("PATCH /api/serviceaccounts/{id}", "serviceaccounts:write", s.accountByPath(s.changeAccount)),
		on("DELETE /api/serviceaccounts/{id}", "serviceaccounts:delete", s.accountByPath(s.deleteAccount)),
		on("GET /api/serviceaccounts/{id}/tokens", "serviceaccounts:read", s.accountByPath(s.listTokens)),
		on("POST /api/serviceaccounts/{id}/tokens", "serviceaccounts:write", s.accountByPath(s.createToken)),
		on("DELETE /api/serviceaccounts/{id}/tokens/{token}", "serviceaccounts:write", s.accountByPath(s.deleteToken)),

		grafana.On("/api/auth/keys", grafana.SignedIn, noKeys),
		grafana.On("/api/auth/keys/", grafana.SignedIn, noKeys),
	}
}

var noKeys = grafana.Refuse("API keys have given way to service accounts; see /api/serviceaccounts")

// apiFunc returns a JSON value and a status, or an error that contains its status.
type apiFunc func(r *http.Request, me Identity) (code int, body any, err error)

func fail(code int, text string) error { return grafana.Fail(code, "%s", text) }

func message(text string) map[string]string { return map[string]string{"message": text} }

// answering limits the body and writes the response.
func (s *Service) answering(handle apiFunc) grafana.Handler {
	return func(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
		me, _ := FromContext(r.Context())
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		code, body, err := handle(r, me)
		var known *grafana.Error
		switch {
		case err == nil:
			return grafana.Reply(w, code, body)
		case errors.As(err, &known):
			return err
		case errors.Is(err, errLastAdmin):
			return fail(http.StatusBadRequest, "There must be at least one enabled admin")
		}
		s.failed(w, r, err)
		return nil
	}
}

// read decodes the request's body.
func read(r *http.Request, dest any) error {
	dec := json.NewDecoder(r.Body)
	err := dec.Decode(dest)
	if err == nil {
		_, err = dec.Token()
		if err == nil {
			return fail(http.StatusBadRequest, "bad request data: more than one JSON value")
		}
	}
	if errors.Is(err, io.EOF) && dec.InputOffset() > 0 {
		return nil
	}
	if bodyStatus(err) == http.StatusRequestEntityTooLarge {
		return fail(http.StatusRequestEntityTooLarge, "the request is larger than the limit of 1 MiB")
	}
	return fail(http.StatusBadRequest, "bad request data: "+err.Error())
}

func bodyStatus(err error) int {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// checkName limits text that is shown and logged: it must be printable and not too long. It does not reject an empty value.
func checkName(what, value string) error {
	if len(value) > maxLogin {
		return fail(http.StatusBadRequest, what+" is longer than "+strconv.Itoa(maxLogin)+" bytes")
	}
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return fail(http.StatusBadRequest, what+" has characters that cannot be printed")
	}
	return nil
}

// checkPassword checks a password that a user chooses.
func checkPassword(login, password string) error {
	if len(password) < minPassword {
		return fail(http.StatusBadRequest, "New password is too short: at least "+strconv.Itoa(minPassword)+" characters")
	}
	if len(password) > maxPassword {
		return fail(http.StatusBadRequest, "New password is too long: at most "+strconv.Itoa(maxPassword)+" bytes")
	}
	if WellKnownPassword(login, password) {
		return fail(http.StatusBadRequest, "New password is too common; choose another")
	}
	return nil
}

// page returns the values of ?page= and of the page size, which Grafana calls perpage or limit.
func page(r *http.Request, size string) (number, perPage int) {
	number, _ = strconv.Atoi(r.URL.Query().Get("page"))
	perPage, _ = strconv.Atoi(r.URL.Query().Get(size))
	if perPage < 1 || perPage > 1000 {
		perPage = 1000
	}
	return min(max(number, 1), 1_000_000), perPage
}

// rfc3339 formats times as Grafana does.
func rfc3339(t time.Time) string { return t.Truncate(time.Second).Format(time.RFC3339) }

// rfc3339OrNull formats a time that may be zero.
func rfc3339OrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := rfc3339(t)
	return &text
}

func (s *Service) ping(*http.Request, Identity) (int, any, error) {
	return http.StatusOK, message("Logged in"), nil
}

func (s *Service) getActions(_ *http.Request, me Identity) (int, any, error) {
	actions := map[grafana.Permission]bool{}
	for _, p := range me.Role.Permissions() {
		actions[p] = true
	}
	return http.StatusOK, actions, nil
}

func (s *Service) getPermissions(_ *http.Request, me Identity) (int, any, error) {
	scopes := map[grafana.Permission][]string{}
	for _, p := range me.Role.Permissions() {
		kind, _, _ := strings.Cut(string(p), ":")
		kind, _, _ = strings.Cut(kind, ".")
		scopes[p] = []string{kind + ":*"}
	}
	return http.StatusOK, scopes, nil
}
