package auth

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxBody bounds the JSON that is read.
	maxBody = 1 << 20
	// maxLogin and minPassword are Grafana's.
	maxLogin    = 190
	minPassword = 4
)

// API answers Grafana's HTTP API for users, service accounts and rights. It goes behind Require.
func (s *Service) API() http.Handler { return s.api }

// apiRoute is a URL of the API and the permission that it needs, if any.
type apiRoute struct {
	pattern, permission string
	handle              apiFunc
}

// table is every URL of the API.
func (s *Service) table() []apiRoute {
	return []apiRoute{
		{"GET /api/login/ping", "", s.ping},
		{"GET /api/user", "", s.getUser},
		{"PUT /api/user", "", s.putUser},
		{"PUT /api/user/password", "", s.putUserPassword},
		{"GET /api/user/orgs", "", s.getUserOrgs},
		{"GET /api/access-control/user/actions", "", s.getActions},
		{"GET /api/access-control/user/permissions", "", s.getPermissions},

		{"GET /api/users", "users:read", s.listUsers},
		{"GET /api/users/search", "users:read", s.searchUsers},
		{"GET /api/users/lookup", "users:read", s.lookupUser},
		{"GET /api/users/{id}", "users:read", s.userByPath(s.showUser)},
		{"GET /api/users/{id}/orgs", "users:read", s.userByPath(s.showOrgs)},
		{"PUT /api/users/{id}", "users:write", s.userByPath(s.changeUser)},
		{"POST /api/admin/users", "users:create", s.createUser},
		{"PUT /api/admin/users/{id}/password", "users.password:write", s.userByPath(s.resetPassword)},
		{"PUT /api/admin/users/{id}/permissions", "users.permissions:write", s.userByPath(s.changePermissions)},
		{"DELETE /api/admin/users/{id}", "users:delete", s.userByPath(s.deleteUser)},
		{"POST /api/admin/users/{id}/disable", "users:disable", s.userByPath(s.switchUser(true))},
		{"POST /api/admin/users/{id}/enable", "users:enable", s.userByPath(s.switchUser(false))},
		{"PUT /api/admin/users/{id}/oidc", "users:write", s.userByPath(s.linkUser)},
		{"DELETE /api/admin/users/{id}/oidc", "users:write", s.userByPath(s.unlinkUser)},
		{"POST /api/admin/users/{id}/logout", "users.logout:write", s.userByPath(s.logoutUser)},

		{"GET /api/org/users", "org.users:read", s.listOrgUsers},
		{"POST /api/org/users", "org.users:add", s.addOrgUser},
		{"PATCH /api/org/users/{id}", "org.users:write", s.userByPath(s.changeRole)},
		{"DELETE /api/org/users/{id}", "org.users:remove", s.userByPath(s.deleteUser)},

		{"GET /api/serviceaccounts/search", "serviceaccounts:read", s.searchAccounts},
		{"POST /api/serviceaccounts", "serviceaccounts:create", s.createAccount},
		{"GET /api/serviceaccounts/{id}", "serviceaccounts:read", s.accountByPath(s.showAccount)},
		{"PATCH /api/serviceaccounts/{id}", "serviceaccounts:write", s.accountByPath(s.changeAccount)},
		{"DELETE /api/serviceaccounts/{id}", "serviceaccounts:delete", s.accountByPath(s.deleteAccount)},
		{"GET /api/serviceaccounts/{id}/tokens", "serviceaccounts:read", s.accountByPath(s.listTokens)},
		{"POST /api/serviceaccounts/{id}/tokens", "serviceaccounts:write", s.accountByPath(s.createToken)},
		{"DELETE /api/serviceaccounts/{id}/tokens/{token}", "serviceaccounts:write", s.accountByPath(s.deleteToken)},
	}
}

// Roles returns the role that each route of the API asks for by its pattern, the smallest that has its permission.
func (s *Service) Roles() map[string]Role {
	roles := map[string]Role{}
	for _, route := range s.table() {
		roles[route.pattern] = Viewer
		for _, role := range []Role{Editor, Admin} {
			if route.permission != "" && !roles[route.pattern].may(route.permission) {
				roles[route.pattern] = role
			}
		}
	}
	return roles
}

// routes serves the table.
func (s *Service) routes() http.Handler {
	mux := http.NewServeMux()
	for _, route := range s.table() {
		mux.Handle(route.pattern, s.apiHandler(route.permission, route.handle))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		text := "Not found"
		if strings.HasPrefix(r.URL.Path, "/api/auth/keys") {
			text = "API keys have given way to service accounts; see /api/serviceaccounts"
		}
		writeJSON(w, http.StatusNotFound, message(text))
	})
	return mux
}

// apiFunc answers with a JSON value and a status, or with an error that says its status.
type apiFunc func(r *http.Request, me Identity) (code int, body any, err error)

// apiError is an answer in Grafana's error shape.
type apiError struct {
	code      int
	text      string
	messageID string
}

func (e *apiError) Error() string { return e.text }

func fail(code int, text string) error { return &apiError{code: code, text: text} }

func message(text string) map[string]string { return map[string]string{"message": text} }

// apiHandler checks the permission, bounds the body and writes the answer.
func (s *Service) apiHandler(permission string, handle apiFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		me, ok := FromContext(r.Context())
		if !ok {
			refuse(w, r, http.StatusUnauthorized, "Unauthorized")
			return
		}
		if permission != "" && !me.Role.may(permission) {
			refuse(w, r, http.StatusForbidden, "You'll need additional permissions to perform this action. Permissions needed: "+permission)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		code, body, err := handle(r, me)
		var e *apiError
		switch {
		case err == nil:
			writeJSON(w, code, body)
		case errors.As(err, &e):
			answer := map[string]any{"message": e.text}
			if e.messageID != "" {
				answer["messageId"] = e.messageID
			}
			writeJSON(w, e.code, answer)
		case errors.Is(err, errLastAdmin):
			writeJSON(w, http.StatusBadRequest, message("There must be at least one enabled admin"))
		default:
			s.failed(w, r, err)
		}
	})
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // a failed answer has nobody left to be told
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
		return fail(http.StatusRequestEntityTooLarge, "the request is larger than the 1 MiB that are read here")
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

// checkName bounds what is shown and logged: printable, not too long. Empty is another question.
func checkName(what, value string) error {
	if len(value) > maxLogin {
		return fail(http.StatusBadRequest, what+" is longer than "+strconv.Itoa(maxLogin)+" bytes")
	}
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		return fail(http.StatusBadRequest, what+" has characters that cannot be printed")
	}
	return nil
}

// checkPassword is for a password that somebody chooses.
func checkPassword(login, password string) error {
	if len(password) < minPassword {
		return fail(http.StatusBadRequest, "New password is too short: at least "+strconv.Itoa(minPassword)+" characters")
	}
	if len(password) > maxPassword {
		return fail(http.StatusBadRequest, "New password is too long: at most "+strconv.Itoa(maxPassword)+" bytes")
	}
	if WellKnownPassword(login, password) {
		return fail(http.StatusBadRequest, "New password is one of the first that everybody tries; choose another")
	}
	return nil
}

// page reads ?page= and the size, which Grafana spells perpage or limit.
func page(r *http.Request, size string) (number, perPage int) {
	number, _ = strconv.Atoi(r.URL.Query().Get("page"))
	perPage, _ = strconv.Atoi(r.URL.Query().Get(size))
	if perPage < 1 || perPage > 1000 {
		perPage = 1000
	}
	return min(max(number, 1), 1_000_000), perPage
}

// rfc3339 is how Grafana writes times.
func rfc3339(t time.Time) string { return t.Truncate(time.Second).Format(time.RFC3339) }

// rfc3339OrNull is for times that may never have been.
func rfc3339OrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := rfc3339(t)
	return &text
}

// permissions are Grafana's actions, with the smallest role that has them. Lists of clients that ask before they
// show a button are served from here, and so are the checks of this API.
var permissions = map[Role][]string{
	Viewer: {
		"dashboards:read", "folders:read", "annotations:read", "datasources:query", "datasources.id:read", "alert.rules:read",
		"alert.instances:read", "alert.notifications:read", "orgs:read", "plugins.app:access",
	},
	Editor: {
		"dashboards:create", "dashboards:write", "dashboards:delete", "folders:create", "folders:write", "folders:delete",
		"annotations:create", "annotations:write", "annotations:delete", "datasources:explore", "snapshots:read",
		"library.panels:read", "alert.instances:create", "alert.instances:write",
	},
	Admin: {
		"datasources:read", "datasources:create", "datasources:write", "datasources:delete", "orgs:write", "orgs.preferences:read", "orgs.preferences:write",
		"org.users:read", "org.users:add", "org.users:write", "org.users:remove",
		"users:read", "users:create", "users:write", "users:delete", "users:disable", "users:enable", "users.password:write",
		"users.permissions:read", "users.permissions:write", "users.logout:write",
		"serviceaccounts:read", "serviceaccounts:create", "serviceaccounts:write", "serviceaccounts:delete",
		"settings:read", "server.stats:read", "provisioning:reload",
	},
}

// may reports whether the role has the permission.
func (r Role) may(permission string) bool {
	for role, list := range permissions {
		if r.Includes(role) && slices.Contains(list, permission) {
			return true
		}
	}
	return false
}

func (r Role) permissions() []string {
	var all []string
	for role, list := range permissions {
		if r.Includes(role) {
			all = append(all, list...)
		}
	}
	return all
}

func (s *Service) ping(*http.Request, Identity) (int, any, error) {
	return http.StatusOK, message("Logged in"), nil
}

func (s *Service) getActions(_ *http.Request, me Identity) (int, any, error) {
	actions := map[string]bool{}
	for _, p := range me.Role.permissions() {
		actions[p] = true
	}
	return http.StatusOK, actions, nil
}

func (s *Service) getPermissions(_ *http.Request, me Identity) (int, any, error) {
	scopes := map[string][]string{}
	for _, p := range me.Role.permissions() {
		kind, _, _ := strings.Cut(p, ":")
		kind, _, _ = strings.Cut(kind, ".")
		scopes[p] = []string{kind + ":*"}
	}
	return http.StatusOK, scopes, nil
}
