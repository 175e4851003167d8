// Package auth implements authentication and authorization: users with roles and passwords, browser sessions, service accounts
// and tokens, the login page, and Grafana's HTTP API for them (ADR 0009).
//
//	authenticate.go, require.go                 the user that a request comes from, and access control
//	login.go, session.go, device.go             the login page, sessions, and browsers that have logged in before
//	signin.go, oidc/                            sign-in with an OpenID Connect provider
//	token.go, password.go, wellknown.go         tokens of service accounts; hashing and checking of passwords
//	initial.go, names.go                        the first admin; users from web.yml, the provider and the database
//	throttle.go                                 rate limits for password attempts
//	api.go; api_user.go, api_org.go, …          /api/user, /api/users, /api/org/users; api_account.go: /api/serviceaccounts
//	store.go                                    tables
//
// It imports only internal/database and internal/grafana. internal/app puts Require in front of every route.
package auth

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/grafana"
)

// Role determines what a user may do.
type Role = grafana.Role

// The roles, from least to most privileged.
const (
	Viewer = grafana.Viewer
	Editor = grafana.Editor
	Admin  = grafana.Admin
)

// Means is how a request was authenticated.
type Means string

// Means of authentication. Browsers send the first two automatically, even for pages of other sites.
const (
	BySession  Means = "session"
	ByPassword Means = "password"
	ByToken    Means = "token"
)

// Identity is the sender of a request.
type Identity struct {
	UserID      int64
	UID         string
	Login       string
	Name        string
	Email       string
	Role        Role
	ServiceUser bool // a service account
	By          Means

	session []byte // the key of the session, for BySession
	vouched vouched
	idToken string // the provider's ID token, for the logout there
}

type contextKey struct{}

// FromContext returns the sender of the request with this context; false if the request did not pass Require.
func FromContext(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(contextKey{}).(Identity)
	return id, ok
}

// Caller returns the result of FromContext in the form that the handlers of Grafana's API use.
func Caller(r *http.Request) (grafana.Caller, bool) {
	id, ok := FromContext(r.Context())
	return id.Caller(), ok
}

// Caller returns the Identity in the form that the handlers of Grafana's API use.
func (id Identity) Caller() grafana.Caller {
	return grafana.Caller{ID: id.UserID, UID: id.UID, Login: id.Login, Name: id.Name, Email: id.Email, Role: id.Role}
}

// Defaults of Options.
const (
	DefaultSessionIdle     = 7 * 24 * time.Hour
	DefaultSessionLifetime = 30 * 24 * time.Hour
	DefaultAdminLogin      = "admin"
)

// Options configure a Service.
type Options struct {
	DB     *sql.DB
	Logger *slog.Logger
	// Registerer registers the ausguck_auth_* metrics; nil disables them.
	Registerer prometheus.Registerer
	// Prefix is the path prefix of all pages in browsers, without a trailing slash; empty for none.
	Prefix string
	// Secure is set if browsers use HTTPS whatever the connection, because the external URL does.
	Secure bool
	// LoginPage is executed with a LoginView.
	LoginPage *template.Template
	// SessionIdle is how long a session may be unused, SessionLifetime how long it is valid at most.
	SessionIdle, SessionLifetime time.Duration
	// AdminLogin is the first user. A non-empty AdminPassword becomes its password at every start.
	AdminLogin, AdminPassword string
	// InitialPasswordFile is where Bootstrap writes the generated password; the file is removed at the first change of the
	// password.
	InitialPasswordFile string
	// UserHash returns the bcrypt hash of a user that is defined elsewhere (web.yml) and is an Admin here. For an unknown name it
	// may return another user's hash and false, so that both cases take the same time.
	UserHash func(login string) (hash string, known bool)
	// UserNames returns the names that UserHash knows, which are reserved. Nil means none.
	UserNames func() ([]string, error)
	// SignIn is the sign-in provider, nil for none.
	SignIn *SignIn
	// TrustedOrigin reports whether pages of another origin may send requests that change something, provided that they
	// authenticate with a password or token. Nil means that none may.
	TrustedOrigin func(origin string) bool
}

// Service authenticates requests.
type Service struct {
	opts      Options
	store     store
	log       *slog.Logger
	metrics   *metrics
	passwords *passwords
	throttle  *throttle
	origins   *http.CrossOriginProtection
	seal      seal
	api       http.Handler
}

// New does not access the database: Run does, or Prepare for callers that do not use Run.
func New(o Options) *Service {
	if o.SessionIdle == 0 {
		o.SessionIdle = DefaultSessionIdle
	}
	if o.SessionLifetime == 0 {
		o.SessionLifetime = DefaultSessionLifetime
	}
	if o.AdminLogin == "" {
		o.AdminLogin = DefaultAdminLogin
	}
	if o.UserHash == nil {
		o.UserHash = func(string) (string, bool) { return "", false }
	}
	if o.UserNames == nil {
		o.UserNames = func() ([]string, error) { return nil, nil }
	}
	s := &Service{
		opts:      o,
		store:     store{o.DB, names{web: o.UserNames, admin: o.AdminLogin}},
		log:       o.Logger,
		metrics:   newMetrics(o.Registerer),
		passwords: newPasswords(),
		throttle:  newThrottle(),
		seal:      newSeal(),
		origins:   http.NewCrossOriginProtection(),
	}
	s.api = grafana.API{Routes: s.Routes(), Caller: Caller, Logger: s.log}.Handler()
	return s
}

// Prepare migrates the tables. It creates no user; Bootstrap does.
func (s *Service) Prepare(ctx context.Context) error {
	return database.Migrate(ctx, s.opts.DB, "auth", migrations)
}

// sweepInterval is how often expired data is removed.
const sweepInterval = 15 * time.Minute

// Run prepares the tables and the first admin, and then removes expired sessions and tokens until ctx ends. It is a
// lifecycle.Component.
func (s *Service) Run(ctx context.Context, ready func()) error {
	begin := context.WithoutCancel(ctx) // if ctx ends meanwhile, Run stops below
	if err := s.Prepare(begin); err != nil {
		return err
	}
	if err := s.Bootstrap(begin); err != nil {
		return fmt.Errorf("set up the admin: %w", err)
	}
	ready()
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		if err := s.store.sweep(ctx, s.oldestUse(), s.oldestLogin()); err != nil && ctx.Err() == nil {
			s.log.Warn("Cannot delete expired sessions; retrying later", "retry_in", sweepInterval, "err", err)
		}
		if err := s.forgetInitial(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("Cannot check whether the first admin's password is still the generated one", "err", err)
		}
		s.throttle.sweep()
		s.passwords.sweep()
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (s *Service) oldestUse() time.Time   { return time.Now().Add(-s.opts.SessionIdle) }
func (s *Service) oldestLogin() time.Time { return time.Now().Add(-s.opts.SessionLifetime) }

// Bootstrap ensures that somebody can log in. With an AdminPassword, the AdminLogin becomes or stays an enabled Admin with that
// password; its sessions end only if the password has changed. Without one, and if there is no Admin, it creates the AdminLogin
// with a generated password that it writes to the InitialPasswordFile.
func (s *Service) Bootstrap(ctx context.Context) error {
	if s.opts.AdminPassword != "" {
		return s.applyAdminPassword(ctx, s.opts.AdminPassword)
	}
	admins, err := s.store.admins(ctx)
	if err != nil {
		return err
	}
	if admins > 0 {
		return s.forgetInitial(ctx)
	}
	generated := rand.Text()
	// Write it first, because the password is stored nowhere else.
	if err := writeInitial(s.opts.InitialPasswordFile, generated); err != nil {
		return err
	}
	err = s.setAdmin(ctx, generated, true)
	var reserved *reservedError
	if errors.As(err, &reserved) {
		return s.forgetInitial(ctx) // the user from web.yml is the admin
	}
	return err
}

// ResetPassword generates and returns a new password for a user, and ends the user's sessions. It creates the AdminLogin if it
// does not exist. An empty login means the AdminLogin.
func (s *Service) ResetPassword(ctx context.Context, login string) (string, error) {
	password := rand.Text()
	if login == "" || strings.EqualFold(login, s.opts.AdminLogin) {
		return password, s.setAdmin(ctx, password, false)
	}
	u, err := s.store.localByLogin(ctx, login)
	if errors.Is(err, errNotFound) {
		if other, otherErr := s.store.userByLogin(ctx, login); otherErr == nil {
			return "", fmt.Errorf("%s has no password here: %s", other.Login, whoKnows(other))
		}
	}
	if err != nil {
		return "", err
	}
	return password, s.setPassword(ctx, u.ID, password, nil)
}

// applyAdminPassword sets the admin's password. If it is already set, the sessions that began with it remain valid.
func (s *Service) applyAdminPassword(ctx context.Context, password string) error {
	u, err := s.store.adminByLogin(ctx, s.opts.AdminLogin)
	if err == nil && u.Role == Admin && !u.Disabled && matches(u.hash, password) {
		if err := s.store.notInitial(ctx, u.ID); err != nil {
			return err
		}
		return s.forgetInitial(ctx)
	}
	if err != nil && !errors.Is(err, errNotFound) {
		return err
	}
	err = s.setAdmin(ctx, password, false)
	var reserved *reservedError
	if errors.As(err, &reserved) {
		s.log.Warn("Ignoring the admin's password from the environment or file: web.yml defines this user and password", "login", s.opts.AdminLogin)
		return nil
	}
	if err != nil {
		return err
	}
	s.log.Info("Set the admin's password from the environment or file and ended existing sessions", "login", s.opts.AdminLogin)
	return nil
}

// setAdmin makes the AdminLogin an enabled Admin with this password.
func (s *Service) setAdmin(ctx context.Context, password string, initial bool) error {
	u, err := s.store.adminByLogin(ctx, s.opts.AdminLogin)
	if errors.Is(err, errNotFound) {
		u, err = s.createAdmin(ctx)
	}
	if err != nil {
		return err
	}
	u.Role, u.Disabled = Admin, false
	if err := s.store.updateUser(ctx, u); err != nil {
		return err
	}
	return s.storePassword(ctx, u.ID, password, initial, nil)
}

// createAdmin creates the AdminLogin. A user from web.yml that had this login gives it up.
func (s *Service) createAdmin(ctx context.Context) (User, error) {
	u, err := s.store.createUser(ctx, User{Login: s.opts.AdminLogin, Role: Admin})
	if !errors.Is(err, errTaken) {
		return u, err
	}
	other, err := s.store.userByLogin(ctx, s.opts.AdminLogin)
	if err != nil {
		return u, err
	}
	if other.origin != originWeb {
		return u, fmt.Errorf("the admin's login %s is %s; choose another with GF_SECURITY_ADMIN_USER", s.opts.AdminLogin, whoKnows(other))
	}
	other.Login += webSuffix
	if err := s.store.updateUser(ctx, other); err != nil {
		return u, err
	}
	return s.store.createUser(ctx, User{Login: s.opts.AdminLogin, Role: Admin})
}

// whoKnows names the origin that authenticates a user who has no password here.
func whoKnows(u User) string {
	switch {
	case u.Service:
		return "the name of a service account"
	case u.origin == originWeb:
		return "a user of web.yml, where its password is"
	case u.origin == originOIDC:
		return "a user of the sign-in provider"
	}
	return "the name or email address of another user"
}

// setPassword changes a password and ends the sessions that began with the previous one, except keep.
func (s *Service) setPassword(ctx context.Context, userID int64, password string, keep []byte) error {
	return s.storePassword(ctx, userID, password, false, keep)
}

func (s *Service) storePassword(ctx context.Context, userID int64, password string, initial bool, keep []byte) error {
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	if err := s.store.setHash(ctx, userID, hash, initial, keep); err != nil {
		return err
	}
	return s.forgetInitial(ctx)
}
