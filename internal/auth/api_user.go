package auth

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The only organization, with the name of Grafana's first.
const (
	orgID   = 1
	orgName = "Main Org."
)

// profile is Grafana's UserProfileDTO.
type profile struct {
	ID                             int64    `json:"id"`
	UID                            string   `json:"uid"`
	Email                          string   `json:"email"`
	Name                           string   `json:"name"`
	Login                          string   `json:"login"`
	Theme                          string   `json:"theme"`
	OrgID                          int      `json:"orgId"`
	IsGrafanaAdmin                 bool     `json:"isGrafanaAdmin"`
	IsDisabled                     bool     `json:"isDisabled"`
	IsExternal                     bool     `json:"isExternal"`
	IsExternallySynced             bool     `json:"isExternallySynced"`
	IsGrafanaAdminExternallySynced bool     `json:"isGrafanaAdminExternallySynced"`
	AuthLabels                     []string `json:"authLabels"`
	UpdatedAt                      string   `json:"updatedAt"`
	CreatedAt                      string   `json:"createdAt"`
	AvatarURL                      string   `json:"avatarUrl"`
	IsProvisioned                  bool     `json:"isProvisioned"`
}

func (s *Service) profileOf(u User) profile {
	p := profile{
		ID: u.ID, UID: u.UID, Email: u.Email, Name: u.Name, Login: u.Login, OrgID: orgID,
		IsGrafanaAdmin: u.Role == Admin && !u.Service, IsDisabled: u.Disabled, AuthLabels: []string{},
		UpdatedAt: rfc3339(u.Updated), CreatedAt: rfc3339(u.Created),
	}
	if u.origin == originWeb {
		p.IsExternal, p.AuthLabels = true, []string{"web.yml"}
	}
	if u.origin == originOIDC {
		p.IsExternal, p.AuthLabels = true, []string{"Generic OAuth"}
		p.IsExternallySynced = s.opts.SignIn != nil && s.opts.SignIn.RoleFromProvider
	}
	return p
}

func (s *Service) getUser(r *http.Request, me Identity) (int, any, error) {
	u, err := s.store.userByID(r.Context(), me.UserID)
	return http.StatusOK, s.profileOf(u), err
}

func (s *Service) getUserOrgs(_ *http.Request, me Identity) (int, any, error) {
	return http.StatusOK, []any{map[string]any{"orgId": orgID, "name": orgName, "role": me.Role}}, nil
}

// update has a user's new names; an empty name stays unchanged, as in Grafana.
type update struct {
	Login *string `json:"login"`
	Email *string `json:"email"`
	Name  *string `json:"name"`
}

func (s *Service) putUser(r *http.Request, me Identity) (int, any, error) {
	if me.ServiceUser {
		return 0, nil, fail(http.StatusForbidden, "Use /api/serviceaccounts to change a service account")
	}
	u, err := s.store.userByID(r.Context(), me.UserID)
	if err != nil {
		return 0, nil, err
	}
	return s.changeUser(r, me, u)
}

func (s *Service) changeUser(r *http.Request, me Identity, u User) (int, any, error) {
	var in update
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	if u.origin == originWeb && in.Login != nil && fold(*in.Login) != fold(u.Login) {
		return 0, nil, fail(http.StatusForbidden, "This login is defined in web.yml; change it there")
	}
	if u.origin == originOIDC && me.UserID == u.ID {
		return 0, nil, fail(http.StatusForbidden, "Your name and login come from the sign-in provider; change them there")
	}
	if in.Login != nil && strings.TrimSpace(*in.Login) != "" {
		u.Login = strings.TrimSpace(*in.Login)
	}
	if in.Email != nil {
		u.Email = strings.TrimSpace(*in.Email)
	}
	if in.Name != nil {
		u.Name = strings.TrimSpace(*in.Name)
	}
	if err := checkUser(u); err != nil {
		return 0, nil, err
	}
	return s.saved(s.store.updateUser(r.Context(), u), "User updated")
}

// checkUser checks the syntax of the names; whether they are available is checked when they are saved.
func checkUser(u User) error {
	if u.Login == "" {
		return fail(http.StatusBadRequest, "Need to specify either username or email")
	}
	for what, value := range map[string]string{"login": u.Login, "email": u.Email, "name": u.Name} {
		if err := checkName(what, value); err != nil {
			return err
		}
	}
	for what, value := range map[string]string{"login": u.Login, "email": u.Email} {
		if strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fail(http.StatusBadRequest, what+" has characters that cannot be seen")
		}
	}
	if fold(u.Login) == "api_key" {
		return fail(http.StatusBadRequest, "The login api_key is reserved for tokens; choose another")
	}
	return nil
}

func taken(u User) error {
	return fail(http.StatusPreconditionFailed, "User with email '"+u.Email+"' or username '"+u.Login+"' already exists")
}

// saved converts the result of a change into a response.
func (s *Service) saved(err error, text string) (int, any, error) {
	var reserved *reservedError
	switch {
	case errors.As(err, &reserved):
		return 0, nil, fail(http.StatusPreconditionFailed, upperFirst(err.Error()))
	case errors.Is(err, errNames):
		return 0, nil, fail(http.StatusServiceUnavailable, upperFirst(errNames.Error()))
	case errors.Is(err, errTaken):
		return 0, nil, fail(http.StatusPreconditionFailed, "A user with this login or email already exists")
	case errors.Is(err, errNotFound):
		return 0, nil, fail(http.StatusNotFound, "user not found")
	}
	return http.StatusOK, message(text), err
}

func upperFirst(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// putUserPassword changes the user's own password; the session of the request remains valid.
func (s *Service) putUserPassword(r *http.Request, me Identity) (int, any, error) {
	var in struct{ OldPassword, NewPassword, ConfirmNew string }
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	if me.ServiceUser {
		return 0, nil, fail(http.StatusForbidden, "A service account has tokens, not a password")
	}
	u, err := s.store.userByID(r.Context(), me.UserID)
	if err != nil {
		return 0, nil, err
	}
	if u.origin != originLocal {
		return 0, nil, fail(http.StatusForbidden, "This password cannot be changed here: the user is "+whoKnows(u))
	}
	if id, err := s.passwordIdentity(r, u.Login, in.OldPassword); err != nil || id.UserID != u.ID {
		if err == nil {
			err = errWrong // it is the password in web.yml of another user with this name
		}
		var throttled *throttledError
		switch {
		case errors.As(err, &throttled):
			return 0, nil, fail(http.StatusTooManyRequests, throttled.Error())
		case errors.Is(err, errWrong):
			return 0, nil, fail(http.StatusUnauthorized, "Invalid old password")
		}
		return 0, nil, err
	}
	if in.ConfirmNew != "" && in.ConfirmNew != in.NewPassword {
		return 0, nil, fail(http.StatusBadRequest, "The new password and its confirmation do not match")
	}
	if err := checkPassword(u.Login, in.NewPassword); err != nil {
		return 0, nil, err
	}
	return s.saved(s.setPassword(r.Context(), me.UserID, in.NewPassword, me.session), "User password changed")
}

// userFunc handles requests about the user in the path.
type userFunc func(r *http.Request, me Identity, u User) (int, any, error)

func (s *Service) userByPath(f userFunc) apiFunc {
	return func(r *http.Request, me Identity) (int, any, error) {
		u, err := s.byPath(r)
		if errors.Is(err, errNotFound) || err == nil && u.Service {
			return 0, nil, fail(http.StatusNotFound, "user not found")
		}
		if err != nil {
			return 0, nil, err
		}
		return f(r, me, u)
	}
}

// byPath accepts an id or a uid, as Grafana does.
func (s *Service) byPath(r *http.Request) (User, error) {
	id := r.PathValue("id")
	if n, err := strconv.ParseInt(id, 10, 64); err == nil {
		return s.store.userByID(r.Context(), n)
	}
	return s.store.userByUID(r.Context(), id)
}

func (s *Service) showUser(_ *http.Request, _ Identity, u User) (int, any, error) {
	return http.StatusOK, s.profileOf(u), nil
}

func (s *Service) showOrgs(_ *http.Request, _ Identity, u User) (int, any, error) {
	return http.StatusOK, []any{map[string]any{"orgId": orgID, "name": orgName, "role": u.Role}}, nil
}

func (s *Service) lookupUser(r *http.Request, _ Identity) (int, any, error) {
	u, err := s.store.userByLogin(r.Context(), r.URL.Query().Get("loginOrEmail"))
	if errors.Is(err, errNotFound) || err == nil && u.Service {
		return 0, nil, fail(http.StatusNotFound, "user not found")
	}
	return http.StatusOK, s.profileOf(u), err
}

func (s *Service) createUser(r *http.Request, _ Identity) (int, any, error) {
	var in struct {
		Name, Email, Login, Password string
		OrgID                        int
	}
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	u := User{Login: strings.TrimSpace(in.Login), Email: strings.TrimSpace(in.Email), Name: strings.TrimSpace(in.Name), Role: Viewer}
	if u.Login == "" {
		u.Login = u.Email
	}
	if err := checkUser(u); err != nil {
		return 0, nil, err
	}
	if err := checkPassword(u.Login, in.Password); err != nil {
		return 0, nil, err
	}
	var err error
	if u.hash, err = s.passwords.hash(r.Context(), in.Password); err != nil {
		return 0, nil, err
	}
	u, err = s.store.createUser(r.Context(), u)
	if errors.Is(err, errTaken) {
		return 0, nil, taken(u)
	}
	if err != nil {
		return s.saved(err, "")
	}
	return http.StatusOK, map[string]any{"id": u.ID, "uid": u.UID, "message": "User created"}, nil
}

func (s *Service) resetPassword(r *http.Request, me Identity, u User) (int, any, error) {
	var in struct{ Password string }
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	if u.origin != originLocal {
		return 0, nil, fail(http.StatusForbidden, "This password cannot be changed here: the user is "+whoKnows(u))
	}
	if err := checkPassword(u.Login, in.Password); err != nil {
		return 0, nil, err
	}
	var keep []byte
	if u.ID == me.UserID {
		keep = me.session
	}
	return s.saved(s.setPassword(r.Context(), u.ID, in.Password, keep), "User password updated")
}

// changePermissions maps Grafana's server admin, which does not exist here, to the role Admin.
func (s *Service) changePermissions(r *http.Request, _ Identity, u User) (int, any, error) {
	var in struct{ IsGrafanaAdmin bool }
	if err := read(r, &in); err != nil {
		return 0, nil, err
	}
	if err := s.mayHaveRole(u, in.IsGrafanaAdmin); err != nil {
		return 0, nil, err
	}
	if in.IsGrafanaAdmin {
		u.Role = Admin
	} else if u.Role == Admin {
		u.Role = Viewer
	}
	return s.saved(s.store.updateUser(r.Context(), u), "User permissions updated")
}

func (s *Service) deleteUser(r *http.Request, me Identity, u User) (int, any, error) {
	if u.ID == me.UserID {
		return 0, nil, fail(http.StatusBadRequest, "You cannot delete yourself")
	}
	err := s.store.deleteUser(r.Context(), u.ID)
	if err == nil {
		err = s.forgetInitial(r.Context())
	}
	return s.saved(err, "User deleted")
}

func (s *Service) switchUser(off bool) userFunc {
	return func(r *http.Request, _ Identity, u User) (int, any, error) {
		u.Disabled = off
		text := "User enabled"
		if off {
			text = "User disabled"
		}
		return s.saved(s.store.updateUser(r.Context(), u), text)
	}
}

func (s *Service) logoutUser(r *http.Request, me Identity, u User) (int, any, error) {
	if u.ID == me.UserID && bytes.Equal(me.session, nil) {
		return s.saved(s.endSessionsOf(r.Context(), u.ID), "User logged out")
	}
	if u.ID == me.UserID {
		return 0, nil, fail(http.StatusBadRequest, "You cannot logout yourself")
	}
	return s.saved(s.endSessionsOf(r.Context(), u.ID), "User logged out")
}

// listedUserDTO is an entry of /api/users.
type listedUserDTO struct {
	ID            int64    `json:"id"`
	UID           string   `json:"uid"`
	Name          string   `json:"name"`
	Login         string   `json:"login"`
	Email         string   `json:"email"`
	AvatarURL     string   `json:"avatarUrl"`
	IsAdmin       bool     `json:"isAdmin"`
	IsDisabled    bool     `json:"isDisabled"`
	IsProvisioned bool     `json:"isProvisioned"`
	LastSeenAt    string   `json:"lastSeenAt"`
	LastSeenAtAge string   `json:"lastSeenAtAge"`
	AuthLabels    []string `json:"authLabels"`
}

func (s *Service) findUsers(r *http.Request) (list []listedUserDTO, total, number, perPage int, err error) {
	number, perPage = page(r, "perpage")
	users, total, err := s.store.users(r.Context(), query{text: r.URL.Query().Get("query"), limit: perPage, offset: (number - 1) * perPage})
	list = []listedUserDTO{}
	for _, u := range users {
		p := s.profileOf(u.User)
		list = append(list, listedUserDTO{
			ID: u.ID, UID: u.UID, Name: u.Name, Login: u.Login, Email: u.Email, IsAdmin: p.IsGrafanaAdmin, IsDisabled: u.Disabled,
			LastSeenAt: rfc3339(lastSeen(u.User)), LastSeenAtAge: age(lastSeen(u.User)), AuthLabels: p.AuthLabels,
		})
	}
	return list, total, number, perPage, err
}

func (s *Service) listUsers(r *http.Request, _ Identity) (int, any, error) {
	list, _, _, _, err := s.findUsers(r)
	return http.StatusOK, list, err
}

func (s *Service) searchUsers(r *http.Request, _ Identity) (int, any, error) {
	list, total, number, perPage, err := s.findUsers(r)
	return http.StatusOK, map[string]any{"totalCount": total, "users": list, "page": number, "perPage": perPage}, err
}

// lastSeen is ten years before the creation of a user who has never logged in, as in Grafana.
func lastSeen(u User) time.Time {
	if u.Seen.IsZero() {
		return u.Created.AddDate(-10, 0, 0)
	}
	return u.Seen
}

// age formats the time since t in Grafana's short form.
func age(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return "< 1 minute"
	case d < time.Hour:
		return count(d/time.Minute, "minute")
	case d < 24*time.Hour:
		return count(d/time.Hour, "hour")
	case d < 365*24*time.Hour:
		return count(d/(24*time.Hour), "day")
	}
	return count(d/(365*24*time.Hour), "year")
}

func count(n time.Duration, unit string) string {
	text := strconv.FormatInt(int64(n), 10) + " " + unit
	if n != 1 {
		text += "s"
	}
	return text
}
