package promserver_test

import (
	"encoding/pem"
	"flag"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/promserver"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testOptions returns the options for the given flags, with a temporary data folder.
func testOptions(t *testing.T, args ...string) promserver.Options {
	t.Helper()
	registry := prometheus.NewRegistry()
	o := promserver.Options{
		Logger:        slog.New(slog.NewTextHandler(t.Output(), nil)),
		Registry:      registry,
		ListenAddress: "127.0.0.1:3000",
		Dir:           filepath.Join(t.TempDir(), "prometheus"),
		Disk:          roomy{},
	}
	o.Gatherer = registry
	dir := o.Dir
	a := kingpin.New("test", "")
	o.RegisterFlags(a)
	_, err := a.Parse(args)
	require.NoError(t, err)
	if o.Dir == "" {
		o.Dir = dir
	}
	return o
}

// roomy is a disk that is never full.
type roomy struct{}

func (roomy) Full() error { return nil }

func testLoader(t *testing.T, args ...string) *promserver.Loader {
	t.Helper()
	l, err := promserver.NewLoader(testOptions(t, args...))
	require.NoError(t, err)
	return l
}

func source(t *testing.T, path string) promserver.Source {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return promserver.Source{Name: path, Dir: filepath.Dir(path), Content: content}
}

func TestLoadReportsEveryProblemWithItsLine(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.bad.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cfg, problems := testLoader(t).Load(source(t, file))
			switch filepath.Base(file) {
			case "rules.bad.yml":
				require.Empty(t, cfg.RulePaths(), "only rule files are wrong, and they are left out")
			case "files.bad.yml":
				require.NotNil(t, cfg, "only a certificate is wrong")
			default:
				require.Nil(t, cfg)
			}
			var got strings.Builder
			for _, p := range problems {
				got.WriteString(strings.ReplaceAll(p.Error(), "testdata/config/", "") + "\n")
			}
			golden := strings.TrimSuffix(file, "yml") + "txt"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}

func TestLoadTakesStandardFilesUnchanged(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.good.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, problems := testLoader(t).Load(source(t, file))
			require.Empty(t, problems)
		})
	}
}

func TestLoadFillsInLimits(t *testing.T) {
	cfg, problems := testLoader(t).Load(promserver.Source{Name: "prometheus.yml", Dir: t.TempDir(), Content: []byte(`
global:
  scrape_interval: 15s
scrape_configs:
  - job_name: unlimited
    static_configs: [{targets: ['a:1']}]
  - job_name: own
    sample_limit: 7
    static_configs: [{targets: ['b:1']}]
`)})
	require.Empty(t, problems)
	unlimited, own := cfg.ScrapeConfigs[0], cfg.ScrapeConfigs[1]
	require.NotZero(t, unlimited.SampleLimit)
	require.NotZero(t, unlimited.BodySizeLimit)
	require.NotZero(t, unlimited.LabelLimit)
	require.NotZero(t, unlimited.LabelNameLengthLimit)
	require.NotZero(t, unlimited.LabelValueLengthLimit)
	require.Equal(t, uint(7), own.SampleLimit, "the file goes first")
	require.Equal(t, unlimited.BodySizeLimit, own.BodySizeLimit)
}

func TestRetention(t *testing.T) {
	const day = model.Duration(24 * time.Hour)
	for name, tc := range map[string]struct {
		args []string
		file string
		time model.Duration
		size string
	}{
		"default is 15 days and what the disk has": {time: 15 * day, size: "some"},
		"flag":                           {args: []string{"--storage.tsdb.retention.time=3d"}, time: 3 * day, size: "some"},
		"size flag alone, as upstream":   {args: []string{"--storage.tsdb.retention.size=1GB"}, time: 0, size: "1GiB"},
		"the file goes before the flags": {args: []string{"--storage.tsdb.retention.time=3d"}, file: "storage: {tsdb: {retention: {time: 2d, size: 512MB}}}", time: 2 * day, size: "512MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, problems := testLoader(t, tc.args...).Load(promserver.Source{Name: "p", Dir: ".", Content: []byte(tc.file)})
			require.Empty(t, problems)
			got := cfg.StorageConfig.TSDBConfig.Retention
			require.Equal(t, tc.time, got.Time)
			if tc.size == "some" {
				require.NotZero(t, got.Size)
				return
			}
			require.Equal(t, tc.size, got.Size.String())
		})
	}
}

func TestGroupOfTheSameNameInTwoFiles(t *testing.T) {
	dir := t.TempDir()
	const group = "groups: [{name: host, rules: [{record: a, expr: vector(1)}]}]"
	for _, name := range []string{"a.rules.yml", "b.rules.yml"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(group), 0o644))
	}
	cfg, problems := testLoader(t).Load(promserver.Source{Name: "p", Dir: dir, Content: []byte(`rule_files: ["*.rules.yml", "*.none", "none.yml"]`)})
	require.Empty(t, problems, "Prometheus runs both")
	require.Len(t, cfg.RulePaths(), 2)
	require.Len(t, cfg.Warnings, 3)
	require.Contains(t, cfg.Warnings[0], `b.rules.yml: group "host" is also in `)
	require.Contains(t, cfg.Warnings[1], "*.none, so no rule is loaded from it")
	require.Contains(t, cfg.Warnings[2], "none.yml does not exist")
	cfg, problems = testLoader(t).Load(promserver.Source{Name: "p", Dir: t.TempDir(), Content: []byte(`scrape_config_files: ["jobs/*.yml"]`)})
	require.Empty(t, problems)
	require.Len(t, cfg.Warnings, 1)
	require.Contains(t, cfg.Warnings[0], "jobs/*.yml, so no job is loaded from it")
	cfg, problems = testLoader(t).Load(promserver.Source{Name: "p", Dir: dir, Content: []byte(`rule_files: ["*.none"]`)})
	require.Empty(t, problems)
	require.Len(t, cfg.Warnings, 1)
	require.Contains(t, cfg.Warnings[0], "*.none, so no rule is loaded from it", "all rules are gone")
}

// Files that a compose file mounts at /etc/prometheus are in the configuration folder here.
func TestPathsOfTheContainer(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "rules"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules", "a.yml"), []byte("groups: [{name: g, rules: [{record: a, expr: vector(1)}]}]"), 0o644))
	content := []byte(`
rule_files: [/etc/prometheus/rules/*.yml]
scrape_configs:
  - job_name: filed
    file_sd_configs: [{files: [/etc/prometheus/targets/*.json]}]
    basic_auth: {username: u, password_file: /etc/prometheus/secrets/p}
    tls_config: {ca_file: /etc/prometheus/ca.pem}
`)
	tls := httptest.NewTLSServer(nil)
	tls.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), certificate, 0o644))
	cfg, problems := testLoader(t).Load(promserver.Source{Name: "p", Dir: dir, Content: content})
	require.Empty(t, problems)
	require.Equal(t, []string{filepath.Join(dir, "rules", "a.yml")}, cfg.RulePaths())
	require.Equal(t, filepath.Join(dir, "secrets", "p"), cfg.ScrapeConfigs[0].HTTPClientConfig.BasicAuth.PasswordFile)
	require.Contains(t, strings.Join(cfg.Warnings, "\n"), "no file matches "+filepath.Join(dir, "targets", "*.json"))
}

// As in stock Prometheus, a job whose secret is missing is down with that reason, and the
// others run.
func TestMissingSecretsAreWarnings(t *testing.T) {
	cfg, problems := testLoader(t).Load(promserver.Source{Name: "p.yml", Dir: t.TempDir(), Content: []byte(`
scrape_configs:
  - job_name: good
  - job_name: basic
    basic_auth: {username: u, password_file: /run/secrets/none}
  - job_name: bearer
    authorization: {credentials_file: token.none}
`)})
	require.Empty(t, problems)
	require.Len(t, cfg.Warnings, 2)
	require.Contains(t, cfg.Warnings[0], `p.yml:5: scrape_configs: job_name "basic": file /run/secrets/none does not exist; requests of this client fail until the file exists`)
	require.Contains(t, cfg.Warnings[1], `job_name "bearer"`)
}

// What needs an invalid file is left out, and the rest runs; stock Prometheus exits for some
// of these.
func TestWrongFilesCostWhatNeedsThem(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"wrong.pem":  "no certificate",
		"jobs/a.yml": "scrape_configs: [{job_name: good}]",
		"jobs/b.yml": "scrape_configs: [{job_name: 5",
		"jobs/c.yml": "scrape_configs: [{job_name: good}]",
		"jobs/d.yml": "scrape_configs: [{job_name: fine}]",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	cfg, problems := testLoader(t).Load(promserver.Source{Name: "p.yml", Dir: dir, Content: []byte(`
scrape_config_files: [jobs/*.yml]
scrape_configs:
  - job_name: gone
    tls_config: {ca_file: none.pem}
  - job_name: wrong
    tls_config: {ca_file: wrong.pem}
alerting:
  alertmanagers:
    - static_configs: [{targets: ['a:1']}]
    - static_configs: [{targets: ['b:1']}]
      tls_config: {cert_file: none.pem, key_file: none.key}
remote_write: [{url: 'http://a'}, {url: 'http://b', tls_config: {ca_file: none.pem}}]
remote_read: [{url: 'http://a', tls_config: {ca_file: none.pem}}, {url: 'http://b'}]
`)})
	require.NotNil(t, cfg)
	var text strings.Builder
	for _, p := range problems {
		text.WriteString(strings.ReplaceAll(p.Error(), dir+"/", "") + "\n")
	}
	for _, want := range []string{
		`scrape_config_files: "jobs/b.yml"`, `multiple scrape configs with job name "good"`, `p.yml:5: scrape_configs: job_name "gone": file none.pem does not exist`,
		`job_name "wrong": unable to use specified CA cert file wrong.pem`,
		`alertmanagers[1]: file none.key does not exist`, `alertmanagers[1]: file none.pem does not exist`,
		`remote_write[1]: file none.pem`, `remote_read[0]: file none.pem`,
	} {
		require.Contains(t, text.String(), want)
	}
	jobs, err := cfg.GetScrapeConfigs()
	require.NoError(t, err)
	require.Len(t, jobs, 4, "upstream leaves out those of which it makes no client")
	require.Len(t, cfg.AlertingConfig.AlertmanagerConfigs, 1)
	require.Len(t, cfg.RemoteWriteConfigs, 1)
	require.Equal(t, "http://a", cfg.RemoteWriteConfigs[0].URL.String())
	require.Len(t, cfg.RemoteReadConfigs, 1)
	require.Equal(t, "http://b", cfg.RemoteReadConfigs[0].URL.String())
}

func TestOptionsAreChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		err  string
	}{
		"CORS":          {[]string{"--web.cors.origin=("}, "--web.cors.origin"},
		"external URL":  {[]string{"--web.external-url=example.org/x"}, "has no host"},
		"quoted URL":    {[]string{`--web.external-url="http://a"`}, "quotes"},
		"WAL segment":   {[]string{"--storage.tsdb.wal-segment-size=1MB"}, "between 10MB and 256MB"},
		"chunk segment": {[]string{"--storage.tsdb.max-block-chunk-segment-size=1KB"}, "over 1MB"},
		"remote write":  {[]string{"--web.remote-write-receiver.accepted-protobuf-messages=xml"}, "accepted-protobuf-messages"},
		"features":      {[]string{"--enable-feature=otlp-deltatocumulative,otlp-native-delta-ingestion"}, "only one of"},
		"search":        {[]string{"--web.search.max-limit=-1"}, "must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := promserver.NewLoader(testOptions(t, tc.args...))
			require.ErrorContains(t, err, tc.err)
		})
	}
}
