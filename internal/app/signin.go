package app

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/auth/oidc"
)

// SignInOptions are the options of the sign-in provider that have flags; all others are read from Grafana's variables. Flags take
// precedence.
type SignInOptions struct {
	Issuer, ClientID, ClientSecretFile, Name, Scopes string
	AllowedDomains, AllowedGroups, GroupsPath        string
	RolePath                                         string
	RoleStrict, AutoLogin                            bool
}

func (o *SignInOptions) register(a *kingpin.Application) {
	for _, f := range []struct {
		name, help string
		to         *string
	}{
		{"issuer", "Let people sign in at this OpenID Connect provider, beside the login with a password. Grafana's variables $GF_AUTH_GENERIC_OAUTH_* are read too; flags go first.", &o.Issuer},
		{"client-id", "Client id at the provider.", &o.ClientID},
		{"client-secret-file", "File with the client's secret. None for a public client; PKCE is always used.", &o.ClientSecretFile},
		{"name", "Name on the button.", &o.Name},
		{"scopes", "Scopes to ask for. Default: openid profile email.", &o.Scopes},
		{"role-attribute-path", "JMESPath that gives Viewer, Editor or Admin, at each login. Default: new users are Viewers, and an admin says what they are.", &o.RolePath},
		{"allowed-domains", "Domains of email addresses that may sign in. Default: all.", &o.AllowedDomains},
		{"allowed-groups", "Groups that may sign in. Default: no restriction.", &o.AllowedGroups},
		{"groups-attribute-path", "JMESPath that gives the groups. Default: groups.", &o.GroupsPath},
	} {
		a.Flag("auth.oidc."+f.name, f.help).PlaceHolder("<" + f.name + ">").StringVar(f.to)
	}
	a.Flag("auth.oidc.role-attribute-strict", "Reject users who are assigned no role.").BoolVar(&o.RoleStrict)
	a.Flag("auth.oidc.auto-login", "Redirect from the login page to the provider; /login?disableAutoLogin=true shows the login page.").BoolVar(&o.AutoLogin)
}

const oauthPrefix = "GF_AUTH_GENERIC_OAUTH_"

// oauthNeedless are Grafana variables that need no support: what they configure is the existing behavior.
var oauthNeedless = []string{"ENABLED", "USE_PKCE", "ALLOW_ASSIGN_GRAFANA_ADMIN", "USE_REFRESH_TOKEN", "AUTH_STYLE", "EMAIL_ATTRIBUTE_NAME", "ICON", "EMPTY_SCOPES"}

// oauthVars reads Grafana's variables and records which of them were read.
type oauthVars struct {
	env  func(string) (string, bool)
	read []string
	errs []error
}

func (v *oauthVars) text(name, flag string) string {
	v.read = append(v.read, name)
	if flag != "" {
		return flag
	}
	return strings.TrimSpace(valueOf(v.env, oauthPrefix+name))
}

func (v *oauthVars) list(name, flag string) []string {
	return strings.FieldsFunc(v.text(name, flag), func(r rune) bool { return r == ',' || r == ' ' || r == ';' })
}

func (v *oauthVars) yes(name string, byDefault bool) bool {
	text := v.text(name, "")
	if text == "" {
		return byDefault
	}
	on, err := truth(text)
	if err != nil {
		v.errs = append(v.errs, fmt.Errorf("%s%s=%s must be true or false", oauthPrefix, name, text))
	}
	return on
}

// secret returns the client secret, from a variable or from a file that a variable or the flag names.
func (v *oauthVars) secret(flag string) string {
	secret, path := v.text("CLIENT_SECRET", ""), v.text("CLIENT_SECRET__FILE", flag)
	if path == "" {
		return secret
	}
	content, err := os.ReadFile(path)
	if err != nil {
		v.errs = append(v.errs, fmt.Errorf("read the client secret of the sign-in provider: %w", err))
	}
	return strings.TrimSpace(string(content))
}

// signIn creates the sign-in provider, or returns nil if none is configured. loginPage is the URL of the login page in browsers.
func (o Options) signIn(env func(string) (string, bool), environ []string, loginPage string) (*auth.SignIn, []string, error) {
	v := &oauthVars{env: env}
	f := o.Auth.SignIn
	warnings := otherSignIns(environ)
	if !v.yes("ENABLED", f.Issuer != "") && f.Issuer == "" {
		return nil, warnings, errors.Join(v.errs...)
	}
	c := oidc.Config{
		Name: v.text("NAME", f.Name), Issuer: f.Issuer,
		AuthURL: v.text("AUTH_URL", ""), TokenURL: v.text("TOKEN_URL", ""), APIURL: v.text("API_URL", ""),
		ClientID: v.text("CLIENT_ID", f.ClientID), ClientSecret: v.secret(f.ClientSecretFile), Scopes: v.list("SCOPES", f.Scopes),
		AllowedDomains: v.list("ALLOWED_DOMAINS", f.AllowedDomains), AllowedGroups: v.list("ALLOWED_GROUPS", f.AllowedGroups),
		GroupsPath: v.text("GROUPS_ATTRIBUTE_PATH", f.GroupsPath), RolePath: v.text("ROLE_ATTRIBUTE_PATH", f.RolePath),
		LoginPath: v.text("LOGIN_ATTRIBUTE_PATH", ""), EmailPath: v.text("EMAIL_ATTRIBUTE_PATH", ""), NamePath: v.text("NAME_ATTRIBUTE_PATH", ""),
		SignoutURL: v.text("SIGNOUT_REDIRECT_URL", ""),
		CAFile:     v.text("TLS_CLIENT_CA", ""), CertFile: v.text("TLS_CLIENT_CERT", ""), KeyFile: v.text("TLS_CLIENT_KEY", ""),
		RedirectURL: strings.TrimSuffix(loginPage, "/login") + auth.SignInPath,
	}
	if c.Name == "" {
		c.Name = "OAuth" // as in Grafana
	}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "profile", "email"}
	}
	if v.yes("SKIP_ORG_ROLE_SYNC", false) {
		c.RolePath = ""
	}
	s := &auth.SignIn{
		SignUp: v.yes("ALLOW_SIGN_UP", true), AutoLogin: v.yes("AUTO_LOGIN", false) || f.AutoLogin,
		RoleFromProvider: c.RolePath != "", RoleStrict: v.yes("ROLE_ATTRIBUTE_STRICT", false) || f.RoleStrict,
		DefaultRole: auth.Viewer, BackTo: loginPage,
	}
	if role := valueOf(env, "GF_USERS_AUTO_ASSIGN_ORG_ROLE"); role == string(auth.Editor) || role == string(auth.Admin) {
		s.DefaultRole = auth.Role(role)
	}
	s.LinkByEmail, _ = truth(valueOf(env, "GF_AUTH_OAUTH_ALLOW_INSECURE_EMAIL_LOOKUP"))
	var err error
	if s.Provider, err = oidc.New(c); err != nil {
		v.errs = append(v.errs, fmt.Errorf("the sign-in provider of --auth.oidc.* and %s*: %w", oauthPrefix, err))
	}
	return s, slices.Concat(warnings, v.needless(environ), plainText(c), nowhere(c)), errors.Join(v.errs...)
}

// loginAddress returns the URL of the login page as external browsers see it.
func (o Options) loginAddress() (string, error) {
	prefix, err := o.routePrefix()
	return o.external.Scheme + "://" + o.external.Host + prefix + "/login", err
}

// needless returns warnings about variables that are set and have no effect.
func (v *oauthVars) needless(environ []string) (warnings []string) {
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		short, ok := strings.CutPrefix(name, oauthPrefix)
		if ok && value != "" && !slices.Contains(v.read, short) && !slices.Contains(oauthNeedless, short) {
			warnings = append(warnings, name+" has no effect")
		}
	}
	slices.Sort(warnings)
	return warnings
}

// otherSignIns returns warnings about Grafana's other login methods, with the alternative.
func otherSignIns(environ []string) (warnings []string) {
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if on, err := truth(value); err != nil || !on || !strings.HasPrefix(name, "GF_AUTH_") || name == oauthPrefix+"ENABLED" || name == "GF_AUTH_BASIC_ENABLED" {
			continue
		}
		switch {
		case name == envAnonymous:
			warnings = append(warnings, name+" has no effect: "+anonymousReason)
		case name == "GF_AUTH_DISABLE_LOGIN_FORM", name == "GF_AUTH_OAUTH_AUTO_LOGIN":
			warnings = append(warnings, name+" has no effect; "+oauthPrefix+"AUTO_LOGIN leads to the provider at once")
		case strings.HasSuffix(name, "_ENABLED"):
			warnings = append(warnings, name+" has no effect: people log in by password or at an OpenID Connect provider, see --auth.oidc.issuer")
		}
	}
	slices.Sort(warnings)
	return warnings
}

// nowhere warns if browsers cannot be redirected back.
func nowhere(c oidc.Config) []string {
	u, err := url.Parse(c.RedirectURL)
	if err != nil {
		return nil // ParseExternalURL has reported it
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() != "" && (err != nil || !ip.IsUnspecified()) {
		return nil
	}
	return []string{"the sign-in provider would send browsers back to " + c.RedirectURL + "; set --web.external-url to the address that they use"}
}

// plainText warns about secrets that cross a network unencrypted.
func plainText(c oidc.Config) (warnings []string) {
	for _, address := range []string{c.Issuer, c.TokenURL, c.APIURL} {
		u, err := url.Parse(address)
		if err == nil && u.Scheme == "http" && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" {
			warnings = append(warnings, "requests to the sign-in provider use no TLS: "+address+"; an attacker on the network could sign in as any user")
		}
	}
	return warnings
}
