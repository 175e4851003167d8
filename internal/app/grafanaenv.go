package app

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/component/promserver"
)

// grafanaEnv reads Grafana's variables in all forms that Grafana's image supports: GF_X, the file named by GF_X__FILE, and values
// that refer to other sources with $__file{} and $__env{}.
type grafanaEnv struct {
	env func(string) (string, bool)
}

const fileSuffix = "__FILE"

var elsewhere = regexp.MustCompile(`\$__(file|env)\{([^}]*)\}`)

// lookup returns the value of a variable. A variable whose file cannot be read counts as unset; for passwords that would be
// dangerous, so callers read those variables and their files themselves.
func (g grafanaEnv) lookup(name string) (string, bool) {
	value, ok := g.env(name)
	if !strings.HasPrefix(name, "GF_") || strings.HasSuffix(name, fileSuffix) {
		return value, ok
	}
	if path, named := g.env(name + fileSuffix); value == "" && named && path != "" && name != envAdminPassword && name != oauthPrefix+"CLIENT_SECRET" {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", false
		}
		return strings.TrimSpace(string(content)), true
	}
	return elsewhere.ReplaceAllStringFunc(value, func(found string) string {
		m := elsewhere.FindStringSubmatch(found)
		if m[1] == "env" {
			return valueOf(g.env, m[2])
		}
		content, err := os.ReadFile(strings.TrimSpace(m[2]))
		if err != nil {
			return found
		}
		return strings.TrimSpace(string(content))
	}), ok
}

func (g grafanaEnv) text(name string) string { return strings.TrimSpace(valueOf(g.lookup, name)) }

// truth parses a boolean as Grafana does. An empty string is false.
func truth(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "1", "t", "true", "y", "yes", "on":
		return true, nil
	case "", "0", "f", "false", "n", "no", "off":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}

// Variables with Grafana's address.
const (
	envRootURL  = "GF_SERVER_ROOT_URL"
	envDomain   = "GF_SERVER_DOMAIN"
	envHTTPPort = "GF_SERVER_HTTP_PORT"
	envHTTPAddr = "GF_SERVER_HTTP_ADDR"
	envProtocol = "GF_SERVER_PROTOCOL"

	envAnonymous    = "GF_AUTH_ANONYMOUS_ENABLED"
	anonymousReason = "the main address always asks for credentials"
)

// readGrafana applies Grafana's variables for its address, unless flags override them, and collects warnings about variables
// without effect.
func (o *Options) readGrafana(env grafanaEnv) {
	o.ofGrafana = nil
	warn := func(format string, args ...any) { o.ofGrafana = append(o.ofGrafana, fmt.Sprintf(format, args...)) }
	host, port, err := net.SplitHostPort(o.Web.ListenAddress)
	if wanted := env.text(envHTTPPort); wanted != "" && err == nil && wanted != port {
		if _, wrong := net.LookupPort("tcp", wanted); wrong != nil {
			warn("%s=%s has no effect: it is no port", envHTTPPort, wanted)
		} else if o.Web.listenAsked {
			warn("%s=%s has no effect: --web.listen-address is %s", envHTTPPort, wanted, o.Web.ListenAddress)
		} else {
			port = wanted
			o.Web.ListenAddress = net.JoinHostPort(host, port)
		}
	}
	if wanted := env.text(envHTTPAddr); wanted != "" && wanted != host {
		warn("%s=%s has no effect: --web.listen-address is %s", envHTTPAddr, wanted, o.Web.ListenAddress)
	}
	protocol := "http"
	if wanted := env.text(envProtocol); wanted != "" && wanted != "http" {
		if wanted == "https" || wanted == "h2" {
			if o.WebConfigFile() != "" { // which has the certificate
				protocol = "https"
			}
			warn("%s=%s has no effect: web.yml in --config.dir sets the certificate", envProtocol, wanted)
		} else {
			warn("%s=%s has no effect: the protocol is HTTP or HTTPS", envProtocol, wanted)
		}
	}
	o.readRootURL(env, protocol, port, warn)
	o.ofGrafana = append(o.ofGrafana, withoutEffect(os.Environ(), o.Auth.SignIn.Issuer != "")...)
}

// readRootURL derives the external URL from Grafana's root URL, which may contain references such as %(domain)s.
func (o *Options) readRootURL(env grafanaEnv, protocol, port string, warn func(string, ...any)) {
	name, root := envRootURL, env.text(envRootURL)
	domain := env.text(envDomain)
	if root == "" {
		if name = envDomain; domain == "" || domain == "localhost" {
			return
		}
		root = "%(protocol)s://%(domain)s:%(http_port)s/"
	}
	if domain == "" {
		domain = "localhost"
	}
	root = strings.NewReplacer("%(protocol)s", protocol, "%(domain)s", domain, "%(http_port)s", port).Replace(root)
	wanted, err := promserver.ParseExternalURL(root, o.Web.ListenAddress)
	if err != nil || wanted.Scheme != "http" && wanted.Scheme != "https" {
		warn("%s=%s has no effect: write it like https://monitoring.example.org/grafana/", name, root)
		return
	}
	if o.Prometheus.ExternalURL == "" {
		o.Prometheus.ExternalURL = root
		return
	}
	if set, err := url.Parse(o.Prometheus.ExternalURL); err == nil && strings.TrimRight(set.String(), "/") != wanted.String() {
		warn("%s has no effect: --web.external-url is %s", name, o.Prometheus.ExternalURL)
	}
}

// ignored lists Grafana's variables, by prefix, with the reason why they have no effect here. The first match counts. If as is
// set, a variable with that boolean value requests the existing behavior, and no warning is logged.
var ignored = []struct{ prefix, as, reason string }{
	{"GF_SERVER_SERVE_FROM_SUB_PATH", "any", ""}, // both are served, with and without the path
	{"GF_SERVER_ROUTER_LOGGING", "false", "--web.access-log logs requests"},
	{"GF_SERVER_ENABLE_GZIP", "any", ""},
	{"GF_SERVER_CERT_", "", "web.yml in --config.dir sets the certificate"},
	{"GF_SMTP_ENABLED", "false", smtpReason},
	{"GF_SMTP_", "", smtpReason},
	{"GF_EMAILS_", "", smtpReason},
	{"GF_INSTALL_PLUGINS", "", pluginReason},
	{"GF_INSTALL_IMAGE_RENDERER_PLUGIN", "false", pluginReason},
	{"GF_PLUGINS_", "", pluginReason},
	{"GF_PLUGIN_", "", pluginReason},
	{"GF_DATABASE_", "", "users and preferences are stored in ausguck.db in --storage.path"},
	{"GF_REMOTE_CACHE_", "", "sessions are stored in ausguck.db in --storage.path"},
	{"GF_SESSION_", "", "sessions are stored in ausguck.db in --storage.path"},
	{"GF_PATHS_PROVISIONING", "", "provisioning files are read from grafana/provisioning in --config.dir"},
	{"GF_PATHS_CONFIG", "", "grafana.ini is not read; flags and variables replace it"},
	{"GF_PATHS_", "", "--config.dir and --storage.path set the folders"},
	{"GF_LOG_", "", "--log.level and --log.format configure the log"},
	{"GF_ANALYTICS_", "false", "no usage data is reported"},
	{"GF_UPDATES_", "false", "no usage data is reported"},
	{"GF_UNIFIED_ALERTING_", "false", alertingReason},
	{"GF_ALERTING_", "false", alertingReason},
	{"GF_SECURITY_SECRET_KEY", "", "passwords of data sources are encrypted with datasources.key in --storage.path"},
	{"GF_SECURITY_ALLOW_EMBEDDING", "false", "pages cannot be embedded in other sites"},
	{"GF_SECURITY_DISABLE_GRAVATAR", "true", "avatars are not loaded from other sites"},
	{"GF_SECURITY_DISABLE_BRUTE_FORCE_LOGIN_PROTECTION", "false", "repeated wrong passwords are always slowed down"},
	{"GF_SECURITY_COOKIE_SECURE", "any", ""}, // follows --web.external-url
	{"GF_SECURITY_STRICT_TRANSPORT_SECURITY", "false", "set HTTP headers in web.yml"},
	{"GF_SECURITY_CONTENT_SECURITY_POLICY", "true", "the content security policy is always on"},
	{"GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION", "false", "the admin is always created"},
	{"GF_USERS_DEFAULT_THEME", "", "users choose a theme in their preferences"},
	{"GF_USERS_HOME_PAGE", "", "users choose a home dashboard in their preferences"},
	{"GF_USERS_ALLOW_ORG_CREATE", "false", "there is one organization"},
	{"GF_USERS_AUTO_ASSIGN_ORG_ID", "any", ""},
	{"GF_USERS_VIEWERS_CAN_EDIT", "false", "viewers cannot edit dashboards"},
	{"GF_USERS_EDITORS_CAN_ADMIN", "false", "editors cannot administer folders and teams"},
	{"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", "", "users choose a home dashboard in their preferences"},
	{"GF_FEATURE_TOGGLES_", "", "feature toggles are not supported"},
	{"GF_RENDERING_", "", "panels are not rendered as images"},
	{"GF_EXTERNAL_IMAGE_STORAGE_", "", "panels are not rendered as images"},
	{"GF_METRICS_ENABLED", "true", ""},
	{"GF_EXPLORE_ENABLED", "true", ""},
	{"GF_NEWS_", "any", ""}, // there is no news
	{"GF_HELP_ENABLED", "any", ""},
	{"GF_PROFILE_ENABLED", "any", ""},
	{"GF_SNAPSHOTS_", "false", "snapshots are not supported"},
	{"GF_AUTH_LOGIN_MAXIMUM_", "", "--auth.session-idle limits sessions"},
	{"GF_AUTH_BASIC_ENABLED", "true", "programs can always use basic auth"},
}

const (
	alertingReason = "rules are evaluated by Prometheus and Loki, and notifications are sent by Alertmanager"
	smtpReason     = "email is sent by the receivers in alertmanager.yml; set smtp_smarthost, smtp_from and smtp_auth_* there, under global"
	pluginReason   = "panels and data sources are built in, and plugins cannot be added"
)

// followed reports whether a variable is read here, or handled by other warnings.
func followed(name string, signIn bool) bool {
	switch strings.TrimSuffix(name, fileSuffix) {
	case envAdminUser, envAdminPassword, envSignUp, envRootURL, envDomain, envHTTPPort, envHTTPAddr, envProtocol,
		"GF_AUTH_DISABLE_LOGIN_FORM", "GF_AUTH_OAUTH_AUTO_LOGIN", "GF_AUTH_OAUTH_ALLOW_INSECURE_EMAIL_LOOKUP", "GF_USERS_AUTO_ASSIGN_ORG":
		return true
	case "GF_USERS_AUTO_ASSIGN_ORG_ROLE":
		return signIn
	}
	// Sign-in services are off, or their enabling variables have a warning.
	return strings.HasPrefix(name, oauthPrefix) || signInService.MatchString(name)
}

var signInService = regexp.MustCompile(`^GF_AUTH_(GITHUB|GITLAB|GOOGLE|GRAFANA_COM|GRAFANANET|AZUREAD|OKTA|LDAP|SAML|PROXY|JWT)_`)

// withoutEffect returns warnings about Grafana's variables that have no effect here, grouped by reason. Values may be secrets and
// are not repeated.
func withoutEffect(environ []string, signIn bool) (warnings []string) {
	anonymous := false
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		on, err := truth(value)
		signIn = signIn || err == nil && on && name == oauthPrefix+"ENABLED"
		anonymous = anonymous || err == nil && on && name == envAnonymous
	}
	byReason := map[string][]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, "GF_") || value == "" || followed(name, signIn) {
			continue
		}
		if strings.HasPrefix(name, "GF_AUTH_ANONYMOUS_") {
			if anonymous && name != envAnonymous {
				byReason[anonymousReason] = append(byReason[anonymousReason], name)
			}
			continue
		}
		if reason, silent := reasonOf(name, value); !silent {
			byReason[reason] = append(byReason[reason], name)
		}
	}
	for reason, names := range byReason {
		slices.Sort(names)
		verb := "have"
		if len(names) == 1 {
			verb = "has"
		}
		warning := listed(names) + " " + verb + " no effect"
		if reason != "" {
			warning += ": " + reason
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// reasonOf returns why a variable has no effect; silent if its value requests the existing behavior.
func reasonOf(name, value string) (reason string, silent bool) {
	on, err := truth(value)
	for _, i := range ignored {
		if strings.HasPrefix(name, i.prefix) {
			return i.reason, i.as == "any" || err == nil && (i.as == "true" && on || i.as == "false" && !on)
		}
	}
	return "", false
}

// listed joins names into an enumeration for a sentence.
func listed(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// GrafanaWarnings returns the warnings of a start about Grafana's variables that have no effect, each given as NAME=VALUE.
func GrafanaWarnings(environ []string) []string {
	warnings := append(otherSignIns(environ), withoutEffect(environ, false)...)
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if on, err := truth(value); name == envSignUp && on && err == nil {
			warnings = append(warnings, signUpWarning(value))
		}
	}
	return warnings
}
