package app

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/page"
)

// AuthPart authenticates users. The admin's name and password can also come from the environment, see Options.Admin.
type AuthPart struct {
	noPart
	AdminPasswordFile string
	SessionIdle       model.Duration
	SignIn            SignInOptions

	admin   Admin
	signIn  *auth.SignIn // nil without a sign-in provider
	service *auth.Service
}

func (p *AuthPart) name() string                   { return "auth" }
func (p *AuthPart) component() lifecycle.Component { return p.service }

func (p *AuthPart) flags(a *kingpin.Application) {
	a.Flag("auth.admin-password-file", "File with the admin's password, applied at every start like $GF_SECURITY_ADMIN_PASSWORD. Default: a password is generated at the first start and written to initial-admin-password in --storage.path.").
		PlaceHolder("<path>").StringVar(&p.AdminPasswordFile)
	a.Flag("auth.session-idle", "End browser sessions after this time without use.").Default("7d").SetValue(&p.SessionIdle)
	p.SignIn.register(a)
}

// load reads what applies after a restart; a reload only checks it.
func (p *AuthPart) load(l *loading) {
	env := grafanaEnv{os.LookupEnv}
	admin, warnings, err := l.o.Admin(env.lookup)
	l.warn("", warnings)
	l.problem(err)
	address, err := l.o.loginAddress()
	l.problem(err)
	if err != nil {
		return
	}
	signIn, warnings, err := l.o.signIn(env.lookup, os.Environ(), address)
	l.warn("", warnings)
	l.problem(err)
	if p.service == nil {
		p.admin, p.signIn = admin, signIn
	}
}

func (p *AuthPart) build(a *App) error {
	o := &a.options
	trusted, err := o.trustedOrigin()
	if err != nil {
		return err
	}
	p.service = auth.New(auth.Options{
		DB:            a.db,
		Logger:        o.Logger.With("part", p.name()),
		Registerer:    a.registry,
		Prefix:        a.prefix,
		Secure:        strings.HasPrefix(o.Prometheus.ExternalURL, "https:"),
		LoginPage:     page.Login,
		SessionIdle:   time.Duration(p.SessionIdle),
		AdminLogin:    p.admin.Login,
		AdminPassword: p.admin.Password,
		UserHash:      a.http.UserHash,
		UserNames:     a.http.UserNames,

		InitialPasswordFile: o.InitialPasswordFile(),
		SignIn:              p.signIn,
		TrustedOrigin:       trusted,
	})
	return nil
}

func (p *AuthPart) routes(*App) []route {
	s, users := p.service, p.service.API()
	routes := []route{
		{"GET /login", everybody, handler(s.LoginPage)},
		{"POST /login", everybody, handler(s.Login)},
		{"GET " + auth.NewPasswordPath, everybody, handler(s.NewPasswordPage)},
		{"POST " + auth.NewPasswordPath, everybody, handler(s.NewPassword)},
		{"GET " + auth.SignInPath, everybody, handler(s.SignIn)},
		{"GET /logout", everybody, handler(s.Logout)},
		{"POST /logout", everybody, handler(s.Logout)},
	}
	for _, path := range []string{
		"/api/login/ping", "/api/user", "/api/user/password", "/api/user/orgs", "/api/access-control/user/", "/api/auth/keys", "/api/auth/keys/",
		// These are for admins; their response to others names the missing permission.
		"/api/users", "/api/users/", "/api/org/users", "/api/org/users/", "/api/admin/users", "/api/admin/users/", "/api/serviceaccounts", "/api/serviceaccounts/",
	} {
		routes = append(routes, route{path, viewer, users})
	}
	return routes
}

// Admin is the first user, as configured in files and the environment.
type Admin struct {
	Login string
	// Password is empty if none is set; Source names its origin.
	Password, Source string
}

// Grafana's variables, which are common in compose files.
const (
	envAdminUser     = "GF_SECURITY_ADMIN_USER"
	envAdminPassword = "GF_SECURITY_ADMIN_PASSWORD"
	envAdminFile     = "GF_SECURITY_ADMIN_PASSWORD__FILE"
	envSignUp        = "GF_USERS_ALLOW_SIGN_UP"
)

// Admin reads --auth.admin-password-file and Grafana's variables. More than one password is an error, because it is ambiguous
// which one applies.
func (o Options) Admin(env func(string) (string, bool)) (a Admin, warnings []string, err error) {
	a.Login = auth.DefaultAdminLogin
	if login, _ := env(envAdminUser); strings.TrimSpace(login) != "" {
		a.Login = strings.TrimSpace(login)
	}
	value := valueOf(env, envSignUp)
	if on, err := truth(value); on && err == nil {
		warnings = append(warnings, signUpWarning(value))
	}
	var sources []string
	if password, _ := env(envAdminPassword); password != "" {
		a.Password, a.Source = password, envAdminPassword
		sources = append(sources, a.Source)
	}
	for _, f := range []struct{ name, path string }{
		{envAdminFile, valueOf(env, envAdminFile)}, {"--auth.admin-password-file", o.Auth.AdminPasswordFile},
	} {
		if f.path == "" {
			continue
		}
		content, err := os.ReadFile(f.path)
		if err != nil {
			return a, warnings, fmt.Errorf("%s: read the admin's password: %w", f.name, err)
		}
		a.Password, a.Source = strings.TrimRight(string(content), "\r\n"), f.path
		if a.Password == "" {
			return a, warnings, fmt.Errorf("%s: %s is empty; it must contain the admin's password", f.name, f.path)
		}
		sources = append(sources, f.name)
	}
	if len(sources) > 1 {
		return a, warnings, fmt.Errorf("the admin's password is set by %s; use only one of them", strings.Join(sources, " and by "))
	}
	if a.Password != "" && auth.WellKnownPassword(a.Login, a.Password) {
		warnings = append(warnings, "the password of "+a.Source+" is too common; choose another")
	}
	return a, warnings, nil
}

func signUpWarning(value string) string {
	return envSignUp + "=" + value + " has no effect: self-registration is not supported; an admin adds users"
}

// InitialPasswordFile is the file that holds the generated password of the first admin until it is changed.
func (o Options) InitialPasswordFile() string {
	return datadir.In(o.StoragePath, datadir.InitialPassword)
}

func valueOf(env func(string) (string, bool), name string) string {
	value, _ := env(name)
	return value
}
