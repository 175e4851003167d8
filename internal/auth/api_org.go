package auth

import (
	"errors"
	"net/http"
)

// orgUser is an entry of /api/org/users.
type orgUser struct {
	OrgID              int      `json:"orgId"`
	UserID             int64    `json:"userId"`
	UID                string   `json:"uid"`
	Email              string   `json:"email"`
	Name               string   `json:"name"`
	AvatarURL          string   `json:"avatarUrl"`
	Login              string   `json:"login"`
	Role               Role     `json:"role"`
	LastSeenAt         string   `json:"lastSeenAt"`
	LastSeenAtAge      string   `json:"lastSeenAtAge"`
	IsDisabled         bool     `json:"isDisabled"`
	AuthLabels         []string `json:"authLabels"`
	IsExternallySynced bool     `json:"isExternallySynced"`
}

func (s *Service) listOrgUsers(r *http.Request, _ Identity) (int, any, error) {
	number, perPage := page(r, "limit")
	users, _, err := s.store.users(r.Context(), query{text: r.URL.Query().Get("query"), limit: perPage, offset: (number - 1) * perPage})
	list := []orgUser{}
	for _, u := range users {
		p := s.profileOf(u.User)
		list = append(list, orgUser{
			OrgID: orgID, UserID: u.ID, UID: u.UID, Email: u.Email, Name: u.Name, Login: u.Login, Role: u.Role, IsDisabled: u.Disabled,
			LastSeenAt: rfc3339(lastSeen(u.User)), LastSeenAtAge: age(lastSeen(u.User)), AuthLabels: p.AuthLabels,
		})
	}
	return http.StatusOK, list, err
}

// addOrgUser responds like a Grafana with a single organization, which everybody already belongs to.
func (s *Service) addOrgUser(r *http.Request, _ Identity) (int, any, error) {
	var in struct {
		LoginOrEmail string
		Role         Role
	}
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	if !in.Role.Valid() {
		return 0, nil, errRole
	}
	u, err := s.store.userByLogin(r.Context(), in.LoginOrEmail)
	switch {
	case errors.Is(err, errNotFound) || err == nil && u.Service:
		return 0, nil, fail(http.StatusNotFound, "user not found")
	case err != nil:
		return 0, nil, err
	}
	return 0, nil, fail(http.StatusConflict, "User is already member of this organization; PATCH /api/org/users/<id> changes the role")
}

// mayHaveRole returns an error if the role is controlled elsewhere.
func (s *Service) mayHaveRole(u User, admin bool) error {
	switch {
	case u.origin == originWeb && !admin:
		return fail(http.StatusForbidden, "Users in web.yml are admins; remove this user from web.yml")
	case u.origin == originOIDC && s.opts.SignIn != nil && s.opts.SignIn.RoleFromProvider:
		return fail(http.StatusForbidden, "The sign-in provider sets the role of this user; change it there")
	}
	return nil
}

var errRole = fail(http.StatusBadRequest, "Invalid role specified: one of Viewer, Editor and Admin")

func (s *Service) changeRole(r *http.Request, _ Identity, u User) (int, any, error) {
	var in struct{ Role Role }
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	if !in.Role.Valid() {
		return 0, nil, errRole
	}
	if err := s.mayHaveRole(u, in.Role == Admin); err != nil {
		return 0, nil, err
	}
	u.Role = in.Role
	return s.saved(s.store.updateUser(r.Context(), u), "Organization user updated")
}
