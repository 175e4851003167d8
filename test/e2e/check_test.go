package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Five mistakes in three files; each entry of wrongPlaces is one of them.
var wrongFiles = map[string]string{
	"prometheus.yml": `global:
  scrape_interval: 15s
rule_files: ['*.rules.yml']
scrape_configs:
  - job_name: one
    metrics_pathh: /metrics
    static_configs:
      - targets: ['127.0.0.1:1']
  - job_name: two
    scrape_interval: 5 seconds
    static_configs:
      - targets: ['127.0.0.1:1']
  - job_name: three
    relabel_configs:
      - source_labels: [a]
        regex: '['
`,
	"expression.rules.yml": `groups:
  - name: expression
    rules:
      - alert: Broken
        expr: up ==
`,
	"indent.rules.yml": `groups:
  - name: indent
    rules:
    - record: a:b
       expr: vector(1)
`,
}

var wrongPlaces = []string{
	`prometheus\.yml:6: .*metrics_pathh`,
	`prometheus\.yml:10: .*5 seconds`,
	`prometheus\.yml:1[3-6]: .*missing closing`,
	`expression\.rules\.yml:5: .*parse error`,
	`indent\.rules\.yml:[45]: .*mapping values`,
}

func TestCheckTellsEveryProblem(t *testing.T) {
	t.Parallel()
	config := configDir(t, wrongFiles)
	code, report := runToEnd(t, ausguckBinary(t), "check", "--config.dir="+config)
	require.Equal(t, 2, code, report)
	for _, place := range wrongPlaces {
		require.Regexp(t, place, report)
	}
}

// The process starts with the built-in configuration instead, and reports every problem in the log and on the page.
func TestStartTellsEveryProblem(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, configDir(t, wrongFiles), t.TempDir(), metricsOnly...)
	page := s.get(t, "/status")
	for _, place := range wrongPlaces {
		require.Regexp(t, place, s.output.String())
		require.Regexp(t, place, page)
	}
	require.Contains(t, page, "running with the built-in configuration")
	s.stop(t)
}

func TestBadFlagsEndWithTwo(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{
		{"--no-such-flag"},
		{"--storage.tsdb.retention.time=long"},
		{"--config.dir=" + filepath.Join(t.TempDir(), "missing")},
		{"--config.file=" + filepath.Join(t.TempDir(), "missing.yml")},
		{"--collector.nosuchcollector"},
	} {
		args := append([]string{"--storage.path=" + t.TempDir(), "--no-web.well-known-ports"}, flags...)
		code, report := runToEnd(t, ausguckBinary(t), args...)
		require.Equal(t, 2, code, "%s: %s", flags, report)
		require.Contains(t, report, strings.TrimPrefix(strings.Split(flags[0], "=")[len(strings.Split(flags[0], "="))-1], "--"))
	}
}

// As in stock Prometheus, both groups run; a warning is logged because this is rarely intended.
func TestSameGroupInTwoFiles(t *testing.T) {
	t.Parallel()
	rules := func(name string) string {
		return "groups: [{name: same, interval: 1s, rules: [{record: " + name + ", expr: vector(1)}]}]\n"
	}
	config := configDir(t, map[string]string{
		"prometheus.yml": "rule_files: ['*.rules.yml']\n",
		"one.rules.yml":  rules("from:one"),
		"two.rules.yml":  rules("from:two"),
	})
	code, report := runToEnd(t, ausguckBinary(t), "check", "--config.dir="+config)
	require.Zero(t, code, report)
	require.Regexp(t, `(?s)two\.rules\.yml.*same|same.*two\.rules\.yml`, report)

	s := startAusguck(t, config, t.TempDir(), metricsOnly...)
	s.waitValue(t, 15*time.Second, "from:one", 1)
	s.waitValue(t, 15*time.Second, "from:two", 1)
	s.waitOutput(t, `(?s)two\.rules\.yml.*same|same.*two\.rules\.yml`)
	s.stop(t)
}

func TestInitWritesWhatCheckAccepts(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "monitoring")
	code, report := runToEnd(t, ausguckBinary(t), "init", dir)
	require.Zero(t, code, report)
	require.FileExists(t, filepath.Join(dir, "prometheus.yml"))
	code, report = runToEnd(t, ausguckBinary(t), "check", "--config.dir="+dir)
	require.Zero(t, code, report)
	code, report = runToEnd(t, stockBinary(t, "promtool"), "check", "config", filepath.Join(dir, "prometheus.yml"))
	require.Zero(t, code, report)

	writeFile(t, filepath.Join(dir, "prometheus.yml"), quietConfig)
	code, report = runToEnd(t, ausguckBinary(t), "init", dir)
	require.NotZero(t, code, "refuses to overwrite: %s", report)
	kept, err := os.ReadFile(filepath.Join(dir, "prometheus.yml"))
	require.NoError(t, err)
	require.Equal(t, quietConfig, string(kept))
}

func TestHealthcheck(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, configDir(t, map[string]string{"prometheus.yml": quietConfig}), t.TempDir(), metricsOnly...)
	address := s.address
	code, report := runToEnd(t, ausguckBinary(t), "healthcheck", "--web.listen-address="+address)
	require.Zero(t, code, report)
	s.stop(t)
	code, report = runToEnd(t, ausguckBinary(t), "healthcheck", "--web.listen-address="+address)
	require.Equal(t, 1, code, report)
}

func TestVersionNamesWhatIsEmbedded(t *testing.T) {
	t.Parallel()
	code, report := runToEnd(t, ausguckBinary(t), "version")
	require.Zero(t, code, report)
	for _, name := range []string{"prometheus", "alertmanager", "node_exporter"} {
		version, err := exec.Command(stockBinary(t, name), "--version").Output()
		require.NoError(t, err)
		number := strings.Fields(string(version))[2]
		require.Contains(t, report, number, "the stock %s of these tests is the one that is embedded", name)
	}
}

// Secrets in prometheus.yml and in flags never leave the process, not even in the message about a mistake.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-tr0ub4dor"
	files := map[string]string{"prometheus.yml": `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: basic
    basic_auth: {username: someone, password: ` + secret + `}
    static_configs: [{targets: ['127.0.0.1:1']}]
  - job_name: bearer
    authorization: {credentials: ` + secret + `}
    static_configs: [{targets: ['127.0.0.1:1']}]
remote_write:
  - url: http://someone:` + secret + `@127.0.0.1:1/api/v1/write
    name: out
`}
	s := startAusguck(t, configDir(t, files), t.TempDir(), append([]string{"--log.level=debug"}, metricsOnly...)...)
	eventually(t, 15*time.Second, func() error {
		return errUnless(s.targets(t)["bearer"].Health == "down", "not scraped yet")
	})
	for _, path := range []string{"/", "/api/v1/status/config", "/api/v1/status/flags", "/api/v1/targets", "/metrics"} {
		require.NotContains(t, s.get(t, path), secret, path)
	}
	require.Contains(t, s.get(t, "/api/v1/status/config"), "secret")
	s.stop(t)
	require.NotContains(t, s.output.String(), secret, "the log")

	wrong := configDir(t, map[string]string{"prometheus.yml": `
scrape_configs:
  - job_name: basic
    basic_auth: ` + secret + `
`})
	code, report := runToEnd(t, ausguckBinary(t), "check", "--config.dir="+wrong)
	require.Equal(t, 2, code)
	require.Regexp(t, `prometheus\.yml:4: `, report)
	require.NotContains(t, report, secret[:7], "the message about a mistake")
}
