package alertmanager_test

import (
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/alertmanager"
)

func newLoader(t *testing.T) (*alertmanager.Loader, alertmanager.Options) {
	t.Helper()
	return newLoaderWith(t, func(*alertmanager.Options) {})
}

func newLoaderWith(t *testing.T, change func(*alertmanager.Options)) (*alertmanager.Loader, alertmanager.Options) {
	t.Helper()
	external, err := url.Parse("http://watch.example/ausguck")
	require.NoError(t, err)
	o := alertmanager.Options{
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Registerer: prometheus.NewRegistry(), Dir: t.TempDir(), ExternalURL: external,
	}
	a := kingpin.New("test", "")
	o.RegisterFlags(a)
	_, err = a.Parse(nil) // sets the defaults
	require.NoError(t, err)
	change(&o)
	l, err := alertmanager.NewLoader(o)
	require.NoError(t, err)
	return l, o
}

func load(t *testing.T, l *alertmanager.Loader, content string) (*alertmanager.Config, string) {
	t.Helper()
	cfg, problems := l.Load(alertmanager.Source{Name: "alertmanager.yml", Dir: "testdata", Content: []byte(content)})
	lines := []string{}
	for _, p := range problems {
		lines = append(lines, p.Error())
	}
	return cfg, strings.Join(lines, "\n")
}

// Every *.bad.yml in testdata has a file next to it with its expected problems, one per line.
func TestBadFilesAreExplained(t *testing.T) {
	l, _ := newLoader(t)
	files, err := filepath.Glob("testdata/*.bad.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			want, err := os.ReadFile(strings.TrimSuffix(file, ".yml") + ".txt")
			require.NoError(t, err)
			cfg, got := load(t, l, string(content))
			named := slices.Contains([]string{"files.bad.yml", "template.bad.yml"}, filepath.Base(file))
			require.Equal(t, named, cfg != nil, "what is wrong in other files is left out")
			require.Equal(t, strings.TrimSpace(string(want)), got)
		})
	}
}

// What needs an invalid file is left out, and the rest notifies.
func TestWrongFilesCostWhatNeedsThem(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"bad.pem": "no certificate", "a.tmpl": `{{ define "a" }}good{{ end }}`, "b.tmpl": `{{ define "b" }}{{ .`, "c.tmpl": `{{ define "c" }}good{{ end }}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	l, _ := newLoader(t)
	cfg, problems := l.Load(alertmanager.Source{Name: "alertmanager.yml", Dir: dir, Content: []byte(`
route: {receiver: team}
templates: ["*.tmpl"]
receivers:
- name: team
  webhook_configs:
  - {url: 'http://localhost:1/kept'}
  - {url: 'http://localhost:1/gone', http_config: {tls_config: {ca_file: none.pem}}}
  slack_configs:
  - {api_url: 'http://localhost:1/wrong', http_config: {tls_config: {ca_file: bad.pem}}}
- name: unused
  webhook_configs: [{url: 'http://localhost:1/unused', http_config: {tls_config: {ca_file: bad.pem}}}]
`)})
	require.NotNil(t, cfg)
	require.Len(t, problems, 3, problems)
	require.ErrorContains(t, problems[0], "none.pem does not exist")
	require.ErrorContains(t, problems[1], "b.tmpl")
	require.ErrorContains(t, problems[2], "bad.pem")
	require.Len(t, cfg.Receivers[0].WebhookConfigs, 1)
	require.Equal(t, "http://localhost:1/kept", string(cfg.Receivers[0].WebhookConfigs[0].URL))
	require.Empty(t, cfg.Receivers[0].SlackConfigs)
	require.Equal(t, []string{filepath.Join(dir, "a.tmpl"), filepath.Join(dir, "c.tmpl")}, cfg.Templates)
}

// As in stock Alertmanager, a receiver whose secret is missing fails, and the others notify.
func TestMissingSecretsAreWarnings(t *testing.T) {
	l, _ := newLoader(t)
	cfg, problems := load(t, l, `
route: {receiver: team}
templates: ["/etc/alertmanager/none/*.tmpl"]
receivers:
  - name: team
    slack_configs: [{api_url_file: secrets/url, channel: '#alerts'}]
`)
	require.Empty(t, problems)
	warnings := strings.Join(cfg.Warnings, "\n")
	require.Contains(t, warnings, "alertmanager.yml:6: receivers: team: slack_configs[0]: api_url_file: file secrets/url does not exist; its notifications fail")
	require.Contains(t, warnings, "templates: no file matches testdata/none/*.tmpl")
}

func TestNobodyIsTold(t *testing.T) {
	l, _ := newLoader(t)
	cfg, problems := load(t, l, "route: {receiver: none}\nreceivers: [{name: none}, {name: unused}]")
	require.Empty(t, problems)
	require.True(t, cfg.SendsNowhere())
	require.Contains(t, strings.Join(cfg.Warnings, "\n"), "alerts are not delivered")
	require.Contains(t, strings.Join(cfg.Warnings, "\n"), `no route leads to "unused"`)
}

// Stock Alertmanager starts with templates that fail for some alerts: real alerts may have what the sample lacks.
func TestTemplatesThatFailAreWarnings(t *testing.T) {
	l, _ := newLoader(t)
	cfg, problems := load(t, l, `
global: {smtp_smarthost: 'mail:25', smtp_from: a@b, smtp_auth_username: '{{ me', smtp_auth_password: 'pa{{ss'}
route: {receiver: team}
receivers:
  - name: team
    email_configs: [{to: a@b, auth_password: '{{'}]
    slack_configs:
      - api_url: http://127.0.0.1/hook
        channel: '#ops'
        title: '{{ slice .GroupLabels.region 0 2 | toUpper }}'
        text: '{{ template "no.such" . }}'
        http_config: {basic_auth: {username: '{{user', password: '{{password'}}`)
	require.Empty(t, problems)
	require.Len(t, cfg.Warnings, 2, cfg.Warnings)
	require.Contains(t, cfg.Warnings[0], "alertmanager.yml:10: receivers: team: slack_configs[0]: title: the template fails for a test alert: ")
	require.Contains(t, cfg.Warnings[1], `template "no.such" not defined`)
}

func TestSecretsAreFoundBesideTheFile(t *testing.T) {
	l, _ := newLoader(t)
	cfg, problems := load(t, l, `
global: {slack_api_url_file: slack_url}
route: {receiver: team}
receivers: [{name: team, slack_configs: [{channel: '#a'}]}]`)
	require.Empty(t, problems)
	require.Equal(t, "testdata/slack_url", cfg.Receivers[0].SlackConfigs[0].APIURLFile)
	require.False(t, cfg.SendsNowhere())
}
