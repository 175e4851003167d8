package app_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/app"
)

// Grafana variables from existing compose files work, or cause a warning that explains why they do not.
func TestGrafanaVariables(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(secret, []byte("https://mon.example.org/grafana/\n"), 0o600))
	for name, tt := range map[string]struct {
		env      map[string]string
		args     []string
		external string // want, "" for the default
		listen   string
		warnings []string // want all of them, each as a substring
	}{
		"root URL":                  {env: map[string]string{"GF_SERVER_ROOT_URL": "https://mon.example.org/grafana/", "GF_SERVER_SERVE_FROM_SUB_PATH": "true"}, external: "https://mon.example.org/grafana/"},
		"root URL of parts":         {env: map[string]string{"GF_SERVER_ROOT_URL": "%(protocol)s://%(domain)s:%(http_port)s/g", "GF_SERVER_DOMAIN": "d.example"}, external: "http://d.example:3000/g"},
		"root URL in a file":        {env: map[string]string{"GF_SERVER_ROOT_URL__FILE": secret}, external: "https://mon.example.org/grafana/"},
		"root URL of a variable":    {env: map[string]string{"GF_SERVER_ROOT_URL": "$__env{OUTSIDE}", "OUTSIDE": "http://o.example/"}, external: "http://o.example/"},
		"root URL without host":     {env: map[string]string{"GF_SERVER_ROOT_URL": "/grafana"}, warnings: []string{"GF_SERVER_ROOT_URL=/grafana has no effect: write it like https://"}},
		"root URL beside the flag":  {env: map[string]string{"GF_SERVER_ROOT_URL": "http://a.example/"}, args: []string{"--web.external-url=http://b.example/"}, external: "http://b.example/", warnings: []string{"GF_SERVER_ROOT_URL has no effect: --web.external-url is http://b.example/"}},
		"root URL as the flag":      {env: map[string]string{"GF_SERVER_ROOT_URL": "http://b.example"}, args: []string{"--web.external-url=http://b.example/"}, external: "http://b.example/"},
		"domain alone":              {env: map[string]string{"GF_SERVER_DOMAIN": "d.example"}, external: "http://d.example:3000/"},
		"port":                      {env: map[string]string{"GF_SERVER_HTTP_PORT": "3333"}, listen: "127.0.0.1:3333"},
		"port beside the flag":      {env: map[string]string{"GF_SERVER_HTTP_PORT": "3333"}, args: []string{"--web.listen-address=127.0.0.1:3001"}, listen: "127.0.0.1:3001", warnings: []string{"GF_SERVER_HTTP_PORT=3333 has no effect: --web.listen-address is 127.0.0.1:3001"}},
		"port that is none":         {env: map[string]string{"GF_SERVER_HTTP_PORT": "http!"}, listen: "127.0.0.1:3000", warnings: []string{"GF_SERVER_HTTP_PORT=http! has no effect: it is no port"}},
		"sign-up, as Compose says":  {env: map[string]string{"GF_USERS_ALLOW_SIGN_UP": "True"}, warnings: []string{"GF_USERS_ALLOW_SIGN_UP=True has no effect: self-registration is not supported"}},
		"what is so anyway":         {env: map[string]string{"GF_USERS_ALLOW_SIGN_UP": "False", "GF_ANALYTICS_REPORTING_ENABLED": "false", "GF_AUTH_ANONYMOUS_ENABLED": "off", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer", "GF_SMTP_ENABLED": "false", "GF_EXPLORE_ENABLED": "true"}},
		"anonymous":                 {env: map[string]string{"GF_AUTH_ANONYMOUS_ENABLED": "True", "GF_AUTH_ANONYMOUS_ORG_ROLE": "Admin"}, warnings: []string{"GF_AUTH_ANONYMOUS_ENABLED has no effect: the main address always asks", "GF_AUTH_ANONYMOUS_ORG_ROLE has no effect: the main address always asks"}},
		"mail":                      {env: map[string]string{"GF_SMTP_ENABLED": "true", "GF_SMTP_HOST": "mail:25", "GF_SMTP_PASSWORD__FILE": "/run/secrets/mail"}, warnings: []string{"GF_SMTP_ENABLED, GF_SMTP_HOST and GF_SMTP_PASSWORD__FILE have no effect: email is sent by the receivers in alertmanager.yml"}},
		"plugins":                   {env: map[string]string{"GF_INSTALL_PLUGINS": "grafana-clock-panel"}, warnings: []string{"GF_INSTALL_PLUGINS has no effect: panels and data sources are built in"}},
		"what nobody has heard of":  {env: map[string]string{"GF_QUOTA_ENABLED": "true", "GF_AUTH_SIGV4_AUTH_ENABLED": ""}, warnings: []string{"GF_QUOTA_ENABLED has no effect"}},
		"a password is not said":    {env: map[string]string{"GF_DATABASE_PASSWORD": "hidden-7", "GF_SECURITY_ADMIN_PASSWORD": "long enough"}, warnings: []string{"GF_DATABASE_PASSWORD has no effect: users and preferences are stored in"}},
		"LDAP":                      {env: map[string]string{"GF_AUTH_LDAP_ENABLED": "yes", "GF_AUTH_LDAP_CONFIG_FILE": "/etc/ldap.toml"}, warnings: []string{"GF_AUTH_LDAP_ENABLED has no effect: people log in by password or at an OpenID"}},
		"TLS without a certificate": {env: map[string]string{"GF_SERVER_PROTOCOL": "https", "GF_SERVER_CERT_FILE": "/c.pem", "GF_SERVER_DOMAIN": "d.example"}, external: "http://d.example:3000/", warnings: []string{"GF_SERVER_PROTOCOL=https has no effect: web.yml", "GF_SERVER_CERT_FILE has no effect: web.yml"}},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			o := app.Options{Logger: slog.New(slog.DiscardHandler)}
			a := kingpin.New("ausguck", "")
			o.RegisterFlags(a)
			_, err := a.Parse(append([]string{"--no-docker", "--storage.path=" + t.TempDir()}, tt.args...))
			require.NoError(t, err)
			completed := o
			require.NoError(t, completed.Complete())
			require.Equal(t, tt.external, completed.Prometheus.ExternalURL)
			if tt.listen != "" {
				require.Equal(t, tt.listen, completed.Web.ListenAddress)
			}
			all, err := app.Check(o)
			require.NoError(t, err)
			var said []string
			for _, warning := range all {
				if strings.Contains(warning, "GF_") {
					said = append(said, warning)
				}
			}
			require.Len(t, said, len(tt.warnings), "%q", said)
			for _, want := range tt.warnings {
				require.Contains(t, strings.Join(said, "\n"), want)
			}
			require.NotContains(t, strings.Join(said, "\n"), "hidden-7")
		})
	}
}

// Services have other names in many compose files.
func TestServiceNames(t *testing.T) {
	for names, wrong := range map[string]bool{"prom=prometheus, logs:3101=loki": false, "prom": true, "x=mimir": true, "=loki": true} {
		o := app.Options{Logger: slog.New(slog.DiscardHandler)}
		a := kingpin.New("ausguck", "")
		o.RegisterFlags(a)
		_, err := a.Parse([]string{"--web.service-names=" + names})
		require.NoError(t, err)
		if err := o.Complete(); wrong {
			require.ErrorContains(t, err, "write NAME=PROGRAM or NAME:PORT=PROGRAM, where PROGRAM is one of alertmanager, blackbox-exporter, cadvisor, grafana, loki, node-exporter, prometheus, promtail")
		} else {
			require.NoError(t, err)
		}
	}
}
