package auth

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/grafana"
)

// account is Grafana's ServiceAccountDTO.
type account struct {
	ID            int64           `json:"id"`
	UID           string          `json:"uid"`
	Name          string          `json:"name"`
	Login         string          `json:"login"`
	OrgID         int             `json:"orgId"`
	IsDisabled    bool            `json:"isDisabled"`
	IsExternal    bool            `json:"isExternal"`
	Role          Role            `json:"role"`
	Tokens        int             `json:"tokens"`
	AvatarURL     string          `json:"avatarUrl"`
	AccessControl map[string]bool `json:"accessControl,omitempty"`
	CreatedAt     string          `json:"createdAt,omitempty"`
	UpdatedAt     string          `json:"updatedAt,omitempty"`
	Teams         []string        `json:"teams,omitempty"`
}

func accountOf(u User, tokens int) account {
	return account{
		ID: u.ID, UID: u.UID, Name: u.Name, Login: u.Login, OrgID: orgID, IsDisabled: u.Disabled, Role: u.Role, Tokens: tokens,
		CreatedAt: rfc3339(u.Created), UpdatedAt: rfc3339(u.Updated),
	}
}

func (s *Service) accountByPath(f userFunc) apiFunc {
	return func(r *http.Request, me Identity) (int, any, error) {
		u, err := s.byPath(r)
		if errors.Is(err, errNotFound) || err == nil && !u.Service {
			return 0, nil, grafana.Fail(http.StatusNotFound, "service account not found").With("messageId", "serviceaccounts.ErrNotFound")
		}
		if err != nil {
			return 0, nil, err
		}
		return f(r, me, u)
	}
}

func (s *Service) searchAccounts(r *http.Request, _ Identity) (int, any, error) {
	number, perPage := page(r, "perpage")
	users, total, err := s.store.users(r.Context(), query{text: r.URL.Query().Get("query"), service: true, limit: perPage, offset: (number - 1) * perPage})
	list := []account{}
	for _, u := range users {
		a := accountOf(u.User, u.tokens)
		a.CreatedAt, a.UpdatedAt = "", ""
		a.AccessControl = map[string]bool{"serviceaccounts:read": true, "serviceaccounts:write": true, "serviceaccounts:delete": true}
		list = append(list, a)
	}
	return http.StatusOK, map[string]any{"totalCount": total, "serviceAccounts": list, "page": number, "perPage": perPage}, err
}

// accountChange has the fields to change; missing fields stay unchanged.
type accountChange struct {
	Name       *string `json:"name"`
	Role       *Role   `json:"role"`
	IsDisabled *bool   `json:"isDisabled"`
}

func (c accountChange) apply(u *User) error {
	if c.Name != nil {
		u.Name = strings.TrimSpace(*c.Name)
	}
	if c.Role != nil {
		u.Role = *c.Role
	}
	if c.IsDisabled != nil {
		u.Disabled = *c.IsDisabled
	}
	if u.Name == "" {
		return fail(http.StatusBadRequest, "bad request data: a service account requires a name")
	}
	if !u.Role.Valid() {
		return errRole
	}
	return checkName("name", u.Name)
}

func (s *Service) createAccount(r *http.Request, _ Identity) (int, any, error) {
	var in accountChange
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	u := User{Service: true, Role: Viewer}
	if err := in.apply(&u); err != nil {
		return 0, nil, err
	}
	u.Login = accountLogin(u.Name)
	u, err := s.store.createUser(r.Context(), u)
	if errors.Is(err, errTaken) {
		return 0, nil, grafana.Fail(http.StatusBadRequest, "service account already exists").With("messageId", "serviceaccounts.ErrAlreadyExists")
	}
	if err != nil {
		return s.saved(err, "")
	}
	return http.StatusCreated, accountOf(u, 0), nil
}

var unsafeInLogin = regexp.MustCompile(`[^a-z0-9]+`)

// accountLogin derives the login from a name as Grafana does.
func accountLogin(name string) string {
	return truncate("sa-"+strconv.Itoa(orgID)+"-"+strings.Trim(unsafeInLogin.ReplaceAllString(strings.ToLower(name), "-"), "-"), maxLogin)
}

func (s *Service) showAccount(r *http.Request, _ Identity, u User) (int, any, error) {
	a, err := s.accountWithTokens(r.Context(), u)
	return http.StatusOK, a, err
}

func (s *Service) accountWithTokens(ctx context.Context, u User) (account, error) {
	tokens, err := s.store.tokens(ctx, u.ID)
	return accountOf(u, len(tokens)), err
}

func (s *Service) changeAccount(r *http.Request, _ Identity, u User) (int, any, error) {
	var in accountChange
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	if err := in.apply(&u); err != nil {
		return 0, nil, err
	}
	if err := s.store.updateUser(r.Context(), u); err != nil {
		return 0, nil, err
	}
	a, err := s.accountWithTokens(r.Context(), u)
	return http.StatusOK, map[string]any{"id": u.ID, "message": "Service account updated", "name": u.Name, "serviceaccount": a}, err
}

func (s *Service) deleteAccount(r *http.Request, _ Identity, u User) (int, any, error) {
	return http.StatusOK, message("Service account deleted"), s.store.deleteUser(r.Context(), u.ID)
}

// tokenDTO is Grafana's TokenDTO.
type tokenDTO struct {
	ID                     int64   `json:"id"`
	Name                   string  `json:"name"`
	Created                string  `json:"created"`
	LastUsedAt             *string `json:"lastUsedAt"`
	Expiration             *string `json:"expiration"`
	SecondsUntilExpiration float64 `json:"secondsUntilExpiration"`
	HasExpired             bool    `json:"hasExpired"`
	IsRevoked              bool    `json:"isRevoked"`
}

func (s *Service) listTokens(r *http.Request, _ Identity, u User) (int, any, error) {
	tokens, err := s.store.tokens(r.Context(), u.ID)
	list := []tokenDTO{}
	for _, t := range tokens {
		d := tokenDTO{
			ID: t.ID, Name: t.Name, Created: rfc3339(t.Created), LastUsedAt: rfc3339OrNull(t.Used), Expiration: rfc3339OrNull(t.Expires),
		}
		if !t.Expires.IsZero() {
			left := time.Until(t.Expires)
			d.SecondsUntilExpiration, d.HasExpired = max(left, 0).Seconds(), left <= 0
		}
		list = append(list, d)
	}
	return http.StatusOK, list, err
}

// maxTokenSeconds is a hundred years.
const maxTokenSeconds = 100 * 365 * 24 * 3600

func (s *Service) createToken(r *http.Request, _ Identity, u User) (int, any, error) {
	var in struct {
		Name          string
		SecondsToLive int64
	}
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	in.Name = strings.TrimSpace(in.Name)
	if in.Name == "" || in.SecondsToLive < 0 || in.SecondsToLive > maxTokenSeconds {
		return 0, nil, fail(http.StatusBadRequest, "bad request data: a token requires a name, and secondsToLive must not be negative")
	}
	if err := checkName("name", in.Name); err != nil {
		return 0, nil, err
	}
	id, key, err := s.store.createToken(r.Context(), u.ID, in.Name, time.Duration(in.SecondsToLive)*time.Second)
	if errors.Is(err, errTaken) {
		return 0, nil, grafana.Fail(http.StatusConflict, "service account token with given name already exists in the service account").With("messageId", "serviceaccounts.ErrTokenAlreadyExists")
	}
	return http.StatusOK, map[string]any{"id": id, "name": in.Name, "key": key}, err
}

func (s *Service) deleteToken(r *http.Request, _ Identity, u User) (int, any, error) {
	id, err := strconv.ParseInt(r.PathValue("token"), 10, 64)
	if err != nil {
		return 0, nil, fail(http.StatusBadRequest, "token ID is invalid")
	}
	err = s.store.deleteToken(r.Context(), u.ID, id)
	if errors.Is(err, errNotFound) {
		return 0, nil, grafana.Fail(http.StatusNotFound, "service account token not found").With("messageId", "serviceaccounts.ErrTokenNotFound")
	}
	return http.StatusOK, message("Service account token deleted"), err
}
