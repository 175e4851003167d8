package logcollector

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Paths that a compose file mounts at /etc/promtail are in the configuration folder.
func TestPathsOfTheContainer(t *testing.T) {
	cfg, problems := LoadConfig(Options{}, Source{Name: "promtail.yml", Dir: "/conf", Content: []byte(`
clients: [{url: "http://a:1/push", basic_auth: {username: u, password_file: /etc/promtail/password}}]
scrape_configs: [{job_name: files, file_sd_configs: [{files: [/etc/promtail/targets/*.yml]}]}]
`)})
	require.Empty(t, problems)
	require.Equal(t, "/conf/password", cfg.ClientConfigs[0].Client.BasicAuth.PasswordFile)
	require.Equal(t, []string{"/conf/targets/*.yml"}, cfg.ScrapeConfig[0].ServiceDiscoveryConfig.FileSDConfigs[0].Files)
	require.Contains(t, cfg.Warnings[0], "promtail.yml: paths of the official container are not here and are read below /conf instead: /etc/promtail/")
}

// An invalid certificate of one server costs that server its lines, but does not stop the collector.
func TestClientsThatCannotBeMade(t *testing.T) {
	o := Options{OwnAddresses: []string{"loki:3100"}}
	const other = `{url: "https://a:1/push", tls_config: {ca_file: /none.pem}}`
	cfg, problems := LoadConfig(o, Source{Name: "promtail.yml", Content: []byte("clients:\n- {url: 'http://loki:3100/loki/api/v1/push'}\n- " + other + "\n- {url: 'http://b:1/push'}\n")})
	require.Len(t, problems, 1)
	require.EqualError(t, problems[0], "promtail.yml:3: clients: https://a:1/push: unable to read CA cert: unable to read file /none.pem: open /none.pem: no such file or directory")
	require.NotNil(t, cfg)
	require.Len(t, cfg.ClientConfigs, 2)
	require.Equal(t, "b:1", cfg.ClientConfigs[1].URL.Host)

	cfg, problems = LoadConfig(o, Source{Name: "promtail.yml", Content: []byte("clients: [" + other + "]\n")})
	require.Len(t, problems, 1)
	require.Nil(t, cfg, "nobody would get the lines")
}
