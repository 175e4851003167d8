package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/ausguck/ausguck/internal/auth/oidc"
)

// SignInPath is the URL at which a sign-in with the provider begins and ends, as in Grafana.
const SignInPath = "/login/generic_oauth"

// SignIn configures the login of people that an OpenID Connect provider vouches for.
type SignIn struct {
	Provider *oidc.Provider
	// SignUp lets people log in who have no user here yet.
	SignUp bool
	// AutoLogin redirects from the login page to the provider immediately.
	AutoLogin bool
	// RoleFromProvider takes the role from the provider at each login; RoleStrict refuses people without one.
	RoleFromProvider, RoleStrict bool
	// DefaultRole is the role of people who get none from the provider.
	DefaultRole Role
	// LinkByEmail lets people log in as the local user with their verified email address.
	LinkByEmail bool
	// BackTo is the URL of the login page, to which the provider redirects the browser after a logout.
	BackTo string
}

// pendingCookie holds what the browser must present later, sealed: only this process can create and read it.
const pendingCookie = "ausguck_signin_"

// seal protects data that a browser keeps for a while. The key exists only as long as the process.
type seal struct{ cipher.AEAD }

func newSeal() seal {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the length is valid
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return seal{aead}
}

// cookieNameOf distinguishes sign-ins that one browser has started in several tabs.
func cookieNameOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return pendingCookie + base64.RawURLEncoding.EncodeToString(sum[:6])
}

// signInView returns the button, or nil without a provider.
func (s *Service) signInView(redirectTo string) *SignInView {
	if s.opts.SignIn == nil {
		return nil
	}
	v := &SignInView{URL: s.opts.Prefix + SignInPath, Name: s.opts.SignIn.Provider.Name()}
	if redirectTo != "" {
		v.URL += "?redirectTo=" + url.QueryEscape(redirectTo)
	}
	if s.opts.SignIn.Provider.Down() != nil {
		v.Down = v.Name + " does not answer. A login with a password works; the log says more."
	}
	return v
}

// SignIn handles GET /login/generic_oauth: it redirects the browser to the provider, and handles the redirect back.
func (s *Service) SignIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if s.opts.SignIn == nil {
		http.Error(w, "no sign-in provider is configured; see --auth.oidc.issuer", http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	if !query.Has("code") && !query.Has("error") {
		s.beginSignIn(w, r, query.Get("redirectTo"))
		return
	}
	pending := s.takePending(w, r, query.Get("state"))
	person, err := s.opts.SignIn.Provider.Finish(r.Context(), pending, query)
	var id Identity
	if err == nil {
		id, err = s.personIdentity(r.Context(), person)
	}
	if err != nil {
		s.refuseSignIn(w, r, pending.RedirectTo, person, err)
		return
	}
	if err := s.enter(w, r, id); err != nil {
		s.failed(w, r, err)
		return
	}
	s.log.Info("Signed in", "login", id.Login, "role", id.Role, "provider", person.Issuer, "remote", remoteOf(r))
	http.Redirect(w, r, s.target(pending.RedirectTo), http.StatusSeeOther)
}

func (s *Service) beginSignIn(w http.ResponseWriter, r *http.Request, redirectTo string) {
	to, pending, err := s.opts.SignIn.Provider.Begin(r.Context(), truncate(redirectTo, 1000))
	if err != nil {
		s.refuseSignIn(w, r, redirectTo, oidc.Person{}, err)
		return
	}
	text, err := json.Marshal(pending)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	name := cookieNameOf(pending.State)
	s.setPending(w, r, name, base64.RawURLEncoding.EncodeToString(s.seal.Seal(nil, nil, text, []byte(name))), 900)
	http.Redirect(w, r, to, http.StatusFound)
}

func (s *Service) setPending(w http.ResponseWriter, r *http.Request, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: s.opts.Prefix + "/login", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure(r), // Lax: the provider sends the browser back
	})
}

// takePending returns the sign-in that the browser has started with this state, only once; empty if there is none.
func (s *Service) takePending(w http.ResponseWriter, r *http.Request, state string) (pending oidc.Pending) {
	name := cookieNameOf(state)
	for _, c := range r.CookiesNamed(name) {
		sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
		if err != nil {
			continue
		}
		text, err := s.seal.Open(nil, nil, sealed, []byte(name))
		if err == nil && json.Unmarshal(text, &pending) == nil {
			s.setPending(w, r, name, "", -1)
			return pending
		}
	}
	return oidc.Pending{}
}

// refuseSignIn shows the login page with the reason, as far as it concerns the person who signs in.
func (s *Service) refuseSignIn(w http.ResponseWriter, r *http.Request, redirectTo string, person oidc.Person, err error) {
	if r.Context().Err() != nil {
		return
	}
	name := s.opts.SignIn.Provider.Name()
	var refused *oidc.RefusedError
	code, text := http.StatusBadGateway, "The sign-in at "+name+" did not work. The log has the details."
	switch {
	case errors.Is(err, oidc.ErrState):
		code, text = http.StatusBadRequest, upperFirst(err.Error())+". Try again."
	case errors.As(err, &refused):
		code, text = http.StatusForbidden, name+" knows you, but you may not come in: "+refused.Reason+"."
	}
	s.log.Warn("Sign-in refused", "provider", name, "subject", person.Subject, "login", person.Login, "remote", remoteOf(r), "err", err)
	s.showLogin(w, code, LoginView{RedirectTo: redirectTo, Error: text, SignIn: s.signInView(redirectTo)})
}

func refuseSignInf(format string, args ...any) error {
	return &oidc.RefusedError{Reason: fmt.Sprintf(format, args...)}
}

// personIdentity returns the user of the provider's person: only the user with this issuer and subject, whatever the names are.
func (s *Service) personIdentity(ctx context.Context, p oidc.Person) (Identity, error) {
	role, err := s.roleOf(p)
	if err != nil {
		return Identity{}, err
	}
	me := identity{originOIDC, p.Issuer + " " + p.Subject}
	u, err := s.store.userByIdentity(ctx, me)
	switch {
	case errors.Is(err, errNotFound):
		u, err = s.signUp(ctx, me, p, role)
	case err == nil && u.origin == originOIDC && !u.Disabled:
		u, err = s.follow(ctx, u, p, role)
	}
	if err != nil {
		return Identity{}, err
	}
	if u.Disabled {
		return Identity{}, refuseSignInf("your user %s is disabled here", u.Login)
	}
	id := identityOf(u, BySession)
	id.vouched, id.idToken = vouched{origin: originOIDC}, p.IDToken
	return id, nil
}

// roleOf returns the role from the provider, or "" if the provider does not control roles.
func (s *Service) roleOf(p oidc.Person) (Role, error) {
	o := s.opts.SignIn
	if !o.RoleFromProvider {
		return "", nil
	}
	for _, role := range []Role{Viewer, Editor, Admin} {
		if strings.EqualFold(p.Role, string(role)) {
			return role, nil
		}
	}
	switch {
	case strings.EqualFold(p.Role, "GrafanaAdmin"):
		return Admin, nil
	case strings.EqualFold(p.Role, "None"):
		return "", refuseSignInf("you have the role None")
	case o.RoleStrict:
		return "", refuseSignInf("you have no role")
	}
	return o.DefaultRole, nil
}

// follow updates the user with the provider's current claims.
func (s *Service) follow(ctx context.Context, u User, p oidc.Person, role Role) (User, error) {
	before := u
	u.Name, u.Email = printable(p.Name), printable(p.Email)
	if role != "" {
		u.Role = role
	}
	if u == before {
		return u, nil
	}
	err := s.store.updateUser(ctx, u)
	var reserved *reservedError
	if errors.Is(err, errTaken) || errors.As(err, &reserved) {
		s.log.Warn("The new email address of a user is ignored: another user has it", "login", u.Login, "email", u.Email)
		u.Email = before.Email
		err = s.store.updateUser(ctx, u)
	}
	return u, err
}

// signUp creates a user with the provider as origin. An existing user is never taken over because of an equal name.
func (s *Service) signUp(ctx context.Context, me identity, p oidc.Person, role Role) (User, error) {
	if s.opts.SignIn.LinkByEmail && p.EmailVerified {
		u, err := s.store.localByEmail(ctx, p.Email)
		if err == nil {
			s.log.Info("Signed in a local user by verified email address", "login", u.Login, "provider", p.Issuer, "subject", p.Subject)
			return u, s.store.link(ctx, me, u.ID)
		}
		if !errors.Is(err, errNotFound) {
			return u, err
		}
	}
	if !s.opts.SignIn.SignUp {
		return User{}, refuseSignInf("you have not been here before, and new users are not let in; ask an admin")
	}
	if role == "" {
		role = s.opts.SignIn.DefaultRole
	}
	u := User{Login: printable(p.Login), Email: printable(p.Email), Name: printable(p.Name), Role: role, origin: originOIDC}
	if err := checkUser(u); err != nil {
		return u, refuseSignInf("%s", err)
	}
	created, err := s.store.createUser(ctx, u, me)
	var reserved *reservedError
	switch {
	case errors.Is(err, errTaken):
		return u, refuseSignInf("another user has the login %s or the email address %s already; an admin can rename that one, or link you to it", u.Login, u.Email)
	case errors.As(err, &reserved):
		return u, refuseSignInf("%s", err)
	}
	return created, err
}

// printable reduces a provider's text to characters and length that a user's name may have.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(strings.ToValidUTF8(truncate(text, maxLogin), ""))
}

func (s store) localByEmail(ctx context.Context, email string) (User, error) {
	return scanUser(s.db.QueryRowContext(ctx, "SELECT "+userColumns+" FROM auth_users u WHERE u.origin = '' AND NOT u.service AND u.email = ? AND u.email <> ''", email))
}

func (s store) link(ctx context.Context, i identity, userID int64) error {
	return s.change(ctx, func(tx *sql.Tx) error { return i.give(ctx, tx, userID) })
}

func (s store) unlink(ctx context.Context, userID int64) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		if err := one(tx.ExecContext(ctx, "DELETE FROM auth_identities WHERE user_id = ?", userID)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM auth_sessions WHERE user_id = ? AND origin = ?", userID, originOIDC)
		return err
	})
}

// signOut returns the URL at which the browser ends its session at the provider, if the provider vouched for this session.
func (s *Service) signOut(r *http.Request) (to string) {
	if s.opts.SignIn == nil {
		return ""
	}
	for _, c := range r.CookiesNamed(CookieName) {
		var origin, hint string
		err := s.store.db.QueryRowContext(r.Context(), "SELECT origin, hint FROM auth_sessions WHERE key = ?", keyOf(c.Value)).Scan(&origin, &hint)
		if err == nil && origin == originOIDC {
			return s.opts.SignIn.Provider.Logout(hint, s.opts.SignIn.BackTo)
		}
	}
	return ""
}
