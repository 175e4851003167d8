package versions

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRelease(t *testing.T) {
	for version, want := range map[string]string{
		"0.313.5":      "3.13.5",
		"0.305.0":      "3.5.0",
		"0.316.0-rc.1": "3.16.0",
		"(devel)":      "(devel)",
	} {
		require.Equal(t, want, release(version))
	}
}

// The table in docs/backup.md lists every embedded program with the version of go.mod or web/package.json, the newest one, the day
// on which they were compared, and the reason if they differ.
func TestDocumentedVersions(t *testing.T) {
	read := func(name string) string {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(content)
	}
	mod, npm := read("../../go.mod"), read("../../web/package.json")
	version := func(pattern, in string) string {
		match := regexp.MustCompile(`(?m)^\s*` + pattern).FindStringSubmatch(in)
		require.NotNil(t, match, pattern)
		return match[1]
	}
	embedded := map[string]string{
		"Prometheus":                   release(version(`github\.com/prometheus/prometheus v(\S+)`, mod)),
		"Alertmanager":                 version(`github\.com/prometheus/alertmanager v(\S+)`, mod),
		"Loki and Promtail's packages": version(`github\.com/grafana/loki/v3 v(\S+)`, mod),
		"node_exporter":                version(`github\.com/prometheus/node_exporter v(\S+)`, mod),
		"cAdvisor":                     version(`github\.com/google/cadvisor/lib v(\S+)`, mod),
		"blackbox_exporter":            version(`github\.com/prometheus/blackbox_exporter v(\S+)`, mod),
		"Grafana's libraries":          version(`"@grafana/data": "([^"]+)"`, npm),
		"@grafana/scenes":              version(`"@grafana/scenes": "([^"]+)"`, npm),
	}
	_, section, found := strings.Cut(read("../../docs/backup.md"), "### Embedded versions\n")
	require.True(t, found)
	rows := regexp.MustCompile(`(?m)^\| (.+?) \| (\d\S*) \| (\d\S*) \| (\S+) \| ?(.*?) ?\|$`).FindAllStringSubmatch(section, -1)
	documented := map[string]string{}
	for _, row := range rows {
		documented[row[1]] = row[2]
		compared, err := time.Parse(time.DateOnly, row[4])
		require.NoError(t, err, row[1])
		require.True(t, compared.Before(time.Now()), "%s was compared in the future", row[1])
		require.Equal(t, row[2] == row[3], row[5] == "", "%s: give a reason if it is not the newest, and none if it is", row[1])
	}
	require.Equal(t, embedded, documented)
	for _, e := range All() {
		name := e.Name
		if name == "Loki" {
			name = "Loki and Promtail's packages"
		}
		require.Contains(t, documented, name)
	}
}
