package nodeexporter_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/component/nodeexporter"
)

// Flags and collectors are globals of the process, so each case runs in its own process: TestMain turns the test
// binary into a program that creates one exporter and scrapes it.
const (
	argsEnv     = "AUSGUCK_TEST_NODEEXPORTER_ARGS"     // one per line
	queryEnv    = "AUSGUCK_TEST_NODEEXPORTER_QUERY"    // of the scrape
	nodenameEnv = "AUSGUCK_TEST_NODEEXPORTER_NODENAME" // the host's name
	timesEnv    = "AUSGUCK_TEST_NODEEXPORTER_TIMES"    // number of scrapes
)

func TestMain(m *testing.M) {
	args, ok := os.LookupEnv(argsEnv)
	if !ok {
		os.Exit(m.Run())
	}
	if err := scrapeOnce(strings.Fields(args), os.Getenv(queryEnv)); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func scrapeOnce(args []string, query string) error {
	e, err := nodeexporter.New(nodeexporter.Options{
		Logger:     slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Args:       args,
		Nodename:   os.Getenv(nodenameEnv),
		Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		return err
	}
	times, _ := strconv.Atoi(os.Getenv(timesEnv))
	var rec *httptest.ResponseRecorder
	for range max(times, 1) {
		rec = httptest.NewRecorder()
		e.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics?"+query, nil))
	}
	if _, err := io.Copy(os.Stdout, rec.Body); err != nil {
		return err
	}
	if rec.Code != http.StatusOK {
		return fmt.Errorf("status %d", rec.Code)
	}
	return nil
}

type result struct {
	metrics string
	log     string
	ok      bool
}

func run(t *testing.T, query string, times int, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(),
		argsEnv+"="+strings.Join(args, "\n"), queryEnv+"="+query, timesEnv+"="+strconv.Itoa(times))
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return result{stdout.String(), stderr.String(), err == nil}
}

// collectors returns the names of the collectors that ran.
func (r result) collectors() []string {
	var names []string
	for _, m := range regexp.MustCompile(`node_scrape_collector_success\{collector="([^"]+)"\}`).FindAllStringSubmatch(r.metrics, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestStockSeries(t *testing.T) {
	r := run(t, "", 1)
	require.True(t, r.ok, r.log)
	for _, want := range []string{
		`node_cpu_seconds_total{cpu="0",mode="idle"}`,
		"node_memory_MemTotal_bytes ",
		"node_filesystem_size_bytes{",
		"node_load1 ",
		"node_uname_info{",
		`node_exporter_build_info{`,
		"process_resident_memory_bytes ",
		"go_goroutines ",
		`promhttp_metric_handler_requests_total{code="200"}`,
	} {
		require.Contains(t, r.metrics, want)
	}
	// A test binary lists no modules, so the version in node_exporter_build_info is covered by the end-to-end
	// test.
	require.NotContains(t, r.log, "level=ERROR")
}

func TestTheHostsNameInAContainer(t *testing.T) {
	t.Setenv(nodenameEnv, "vm1")
	require.Contains(t, run(t, "collect[]=uname", 1).metrics, `nodename="vm1"`)
}

func TestOriginalComposeFlags(t *testing.T) {
	args := composeArgs(t)
	// The paths in the compose file exist only in its container.
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "host"), 0o755))
	require.NoError(t, os.Symlink("/proc", filepath.Join(root, "host/proc")))
	require.NoError(t, os.Symlink("/sys", filepath.Join(root, "host/sys")))
	for i, a := range args {
		require.True(t, nodeexporter.Owns(a), a)
		args[i] = strings.Replace(a, "=/host/", "="+root+"/host/", 1)
	}
	require.Contains(t, args, "--path.procfs="+root+"/host/proc")
	require.Contains(t, args, "--collector.filesystem.mount-points-exclude=^/(sys|proc|dev|host|etc)($|/)")

	r := run(t, "", 1, args...)
	require.True(t, r.ok, r.log)
	require.Contains(t, r.metrics, "node_memory_MemTotal_bytes ")
	require.Contains(t, r.metrics, "node_filesystem_size_bytes{")
	require.NotRegexp(t, `node_filesystem_size_bytes\{[^}]*mountpoint="/(sys|proc|dev|host|etc)["/]`, r.metrics)
}

// composeArgs returns the command of node-exporter in the compose file that must keep working, as Compose passes
// it on.
func composeArgs(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile("testdata/docker-compose.monitoring.yml")
	require.NoError(t, err)
	var file struct {
		Services map[string]struct {
			Command yaml.Node `yaml:"command"`
		} `yaml:"services"`
	}
	require.NoError(t, yaml.Unmarshal(content, &file))
	var args []string
	command := file.Services["node-exporter"].Command
	require.NoError(t, command.Decode(&args))
	require.Len(t, args, 3)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "$$", "$") // Compose's escape
	}
	return args
}

func TestTextfileCollector(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "backup.prom"), []byte("backup_last_success_timestamp_seconds 1.7e9\n"), 0o644))

	r := run(t, "", 1, "--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory="+dir)

	require.True(t, r.ok, r.log)
	require.Equal(t, []string{"textfile"}, r.collectors())
	require.Contains(t, r.metrics, "backup_last_success_timestamp_seconds 1.7e+09")
	require.Contains(t, r.metrics, "node_textfile_scrape_error 0")
}

func TestComplaintsAreLoggedOnce(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	tests := map[string]struct {
		args []string
		want string
	}{
		"error that upstream logs by itself": {
			[]string{"--collector.textfile.directory=" + missing}, "failed to read textfile collector directory",
		},
		"collector that fails": {
			[]string{"--path.procfs=" + missing, "--no-collector.cpu"}, "Collector failed; its metrics are missing until it recovers\" collector=loadavg",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := run(t, "", 5, append(tt.args, "--collector.disable-defaults", "--collector.textfile", "--collector.loadavg")...)
			require.True(t, r.ok, r.log)
			require.Equal(t, 1, strings.Count(r.log, tt.want), r.log)
			require.NotContains(t, r.log, "level=ERROR")
		})
	}
}

func TestFilters(t *testing.T) {
	args := []string{"--collector.disable-defaults", "--collector.loadavg", "--collector.uname", "--collector.time"}
	tests := []struct {
		query   string
		want    []string
		wantErr string
	}{
		{"", []string{"loadavg", "time", "uname"}, ""},
		{"collect[]=uname", []string{"uname"}, ""},
		{"collect[]=uname&collect[]=loadavg", []string{"loadavg", "uname"}, ""},
		{"exclude[]=uname", []string{"loadavg", "time"}, ""},
		{"exclude[]=uname&exclude[]=loadavg&exclude[]=time", nil, ""},
		{"collect[]=uname&exclude[]=time", nil, "Combined collect and exclude queries are not allowed."},
		{"collect[]=cpu", nil, "disabled collector: cpu"},
		{"collect[]=nonsense", nil, "missing collector: nonsense"},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			r := run(t, tt.query, 1, args...)
			if tt.wantErr != "" {
				require.Contains(t, r.metrics, tt.wantErr)
				require.Contains(t, r.log, "status 400")
				return
			}
			require.True(t, r.ok, r.log)
			require.Equal(t, tt.want, r.collectors())
			require.Contains(t, r.metrics, "node_exporter_build_info{")
		})
	}
}

func TestBadFlags(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"unknown":          {[]string{"--collector.nonsense"}, "unknown long flag '--collector.nonsense'"},
		"without value":    {[]string{"--path.procfs"}, "expected argument for flag '--path.procfs'"},
		"of another part":  {[]string{"--storage.path=/data"}, `"--storage.path=/data" is not one of --collector.*`},
		"help":             {[]string{"--help"}, `"--help" is not one of`},
		"positional":       {[]string{"metrics"}, `"metrics" is not one of`},
		"broken pattern":   {[]string{"--collector.filesystem.mount-points-exclude=("}, "error parsing regexp"},
		"negated unknown":  {[]string{"--no-collector.nonsense"}, "unknown long flag '--no-collector.nonsense'"},
		"negated non-bool": {[]string{"--no-path.procfs"}, "unknown long flag '--no-path.procfs'"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := run(t, "", 1, tt.args...)
			require.False(t, r.ok)
			require.Contains(t, r.log, tt.want)
		})
	}
}

func TestSecondExporterNeedsTheSameFlags(t *testing.T) {
	options := func(args ...string) nodeexporter.Options {
		return nodeexporter.Options{Logger: slog.New(slog.DiscardHandler), Args: args, Registerer: prometheus.NewRegistry()}
	}
	_, err := nodeexporter.New(options("--no-collector.hwmon"))
	require.NoError(t, err)
	again, err := nodeexporter.New(options("--no-collector.hwmon"))
	require.NoError(t, err)
	require.NotContains(t, again.Collectors(), "hwmon")
	require.Contains(t, again.Collectors(), "cpu")

	_, err = nodeexporter.New(options("--collector.hwmon"))
	require.EqualError(t, err, `node_exporter flags were already set to ["--no-collector.hwmon"] and cannot be changed to ["--collector.hwmon"] in the same process`)
}

func TestSplit(t *testing.T) {
	ours, rest := nodeexporter.Split([]string{
		"--storage.path=/data", "--path.procfs", "/host/proc", "--no-collector.hwmon", "--collector.cpu",
		"--collector.textfile.directory=/t", "--log.level", "debug", "--", "--collector.wifi",
	})
	require.Equal(t, []string{"--path.procfs", "/host/proc", "--no-collector.hwmon", "--collector.cpu", "--collector.textfile.directory=/t"}, ours)
	require.Equal(t, []string{"--storage.path=/data", "--log.level", "debug", "--", "--collector.wifi"}, rest)
}

func TestFlags(t *testing.T) {
	byName := make(map[string]nodeexporter.FlagInfo)
	for _, f := range nodeexporter.Flags() {
		require.True(t, nodeexporter.Owns("--"+f.Name), f.Name)
		byName[f.Name] = f
	}
	require.Greater(t, len(byName), 100)
	require.True(t, byName["collector.cpu"].Bool)
	require.Equal(t, "/proc", byName["path.procfs"].Default)
	require.False(t, byName["path.procfs"].Bool)
	require.Contains(t, byName, "collector.disable-defaults")
	require.NotContains(t, byName, "help")
}
