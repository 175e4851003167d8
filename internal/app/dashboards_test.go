package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/command"
)

// The built-in dashboards query the metrics in this list, which a test in monitoring checks. The metrics that every Ausguck must
// expose are compared with those that it does expose, so that no upstream update silently empties a panel.
func TestBuiltInDashboardsAskForWhatIsExposed(t *testing.T) {
	r := start(t, testOptions(t))
	code, body := r.do(t, http.MethodGet, "/api/datasources/proxy/uid/prometheus/api/v1/labels") // some metrics count requests
	require.Equal(t, http.StatusOK, code, body)

	for section, path := range map[string]string{
		"prometheus": "/metrics", "node-exporter": "/metrics/node", "cadvisor": "/metrics/cadvisor",
	} {
		names := metricsOfSection(t, section)
		require.NotEmpty(t, names, section)
		var missing []string
		found := func() bool {
			_, exposed := r.do(t, http.MethodGet, path)
			missing = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
				return regexp.MustCompile(`(?m)^` + name + `[{ ]`).MatchString(exposed)
			})
			return len(missing) == 0
		}
		if !found() { // targets and containers are not known immediately
			require.Eventually(t, found, 30*time.Second, 500*time.Millisecond, "%s lacks %s", path, &missing)
		}
	}
}

// metricsOfSection reads one section of monitoring/testdata/metrics.txt.
func metricsOfSection(t *testing.T, section string) []string {
	t.Helper()
	content, err := os.ReadFile("../../monitoring/testdata/metrics.txt")
	require.NoError(t, err)
	var names []string
	current := ""
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "# section "); ok {
			current = name
		} else if current == section && line != "" && !strings.HasPrefix(line, "#") {
			names = append(names, line)
		}
	}
	return names
}

func TestInitWritesSubfolders(t *testing.T) {
	dir := t.TempDir()
	written, err := command.WriteConfig(dir, false)
	require.NoError(t, err)
	require.Contains(t, written, filepath.Join(dir, "grafana", "dashboards", "Ausguck", "overview.json"))
	for _, name := range written {
		require.FileExists(t, name)
	}
	r := start(t, testOptions(t, "--config.dir="+dir))
	code, body := r.do(t, http.MethodGet, "/api/dashboards/uid/ausguck-overview")
	require.Equal(t, http.StatusOK, code, body)
}
