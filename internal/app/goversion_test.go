package app_test

import (
	"encoding/json"
	"errors"
	"go/version"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// engines are the modules whose changelogs name the Go version that they require for security.
var engines = []string{
	"github.com/prometheus/prometheus", "github.com/prometheus/alertmanager", "github.com/grafana/loki/v3", "github.com/prometheus/node_exporter", "github.com/google/cadvisor",
}

// wantedGo finds "Go 1.26.10", "go 1.26.5" and "Go version 1.26".
var wantedGo = regexp.MustCompile(`(?im)(?:^|[ (])go(?:lang)?(?: version)?(?: to)? (1\.\d+(?:\.\d+)?)\b`)

// newestGo returns the newest version that a changelog names, or "" if there is none.
func newestGo(changelog string) (newest string) {
	for _, match := range wantedGo.FindAllStringSubmatch(changelog, -1) {
		if wanted := "go" + match[1]; newest == "" || version.Compare(wanted, newest) > 0 {
			newest = wanted
		}
	}
	return newest
}

// The engines name the Go release that fixes vulnerabilities that affect their users. A build with an older release has these
// vulnerabilities, whatever the version of the engine.
func TestGoIsAsNewAsTheEnginesAsk(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	ours := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(mod)
	require.NotNil(t, ours)
	found := 0
	for _, engine := range engines {
		listed, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-json", engine).Output()
		require.NoError(t, err)
		var module struct{ Dir, GoVersion string }
		require.NoError(t, json.NewDecoder(strings.NewReader(string(listed))).Decode(&module))
		require.LessOrEqual(t, version.Compare("go"+module.GoVersion, "go"+string(ours[1])), 0, "go.mod of %s has go %s", engine, module.GoVersion)
		changelog, err := os.Open(filepath.Join(module.Dir, "CHANGELOG.md"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		text, err := io.ReadAll(changelog)
		require.NoError(t, err)
		require.NoError(t, changelog.Close())
		if newest := newestGo(string(text)); newest != "" {
			found++
			require.LessOrEqual(t, version.Compare(newest, "go"+string(ours[1])), 0, "the changelog of %s asks for %s; set it in go.mod and go.work", engine, newest)
		}
	}
	require.GreaterOrEqual(t, found, 3, "changelogs that name a version of Go")
}

func TestNewestGo(t *testing.T) {
	require.Equal(t, "go1.26.10", newestGo("- [SECURITY] Build with Go 1.26.10 to fix\n- requires Go 1.26 or later\nbuilt with Go 1.22.1."))
	require.Equal(t, "go1.26.5", newestGo("Bump Go to 1.26.5 to address; Update to go 1.25.7"))
	require.Equal(t, "go1.23", newestGo("Build using go 1.23 #4071"))
	require.Empty(t, newestGo("cargo 1.99, ergo, version 1.30"))
}
