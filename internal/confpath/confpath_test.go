package confpath_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/confpath"
)

func TestHere(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "rules"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules", "a.yml"), nil, 0o600))
	for path, want := range map[string]string{
		"/etc/prometheus/rules/*.yml":      filepath.Join(dir, "rules/*.yml"),
		"/etc/alertmanager//rules/./a.yml": filepath.Join(dir, "rules/a.yml"),
		"/etc/prometheus":                  "/etc/prometheus",
		"/etc/prometheus-2/rules/a.yml":    "/etc/prometheus-2/rules/a.yml",
		"/etc/hosts":                       "/etc/hosts",
		"rules/a.yml":                      "rules/a.yml",
		"/etc/prometheus/../passwd":        "/etc/prometheus/../passwd",
	} {
		require.Equal(t, want, confpath.Here(path, dir), path)
	}
	require.Equal(t, "/etc/prometheus/rules/a.yml", confpath.Here("/etc/prometheus/rules/a.yml", "/etc/prometheus"))
}

func TestVisit(t *testing.T) {
	type client struct {
		CAFile string `yaml:"ca_file"`
		Name   string `yaml:"name"`
	}
	type sd interface{}
	cfg := struct {
		Rules   []string `yaml:"rule_files"`
		Clients []*client
		Configs []sd   `yaml:"-"`
		Inline  client `yaml:",inline"`
	}{[]string{"a", "b"}, []*client{{"c", "x"}}, nil, client{"d", "y"}}
	var seen []string
	confpath.Visit(&cfg, func(path *string) {
		seen = append(seen, *path)
		*path += "!"
	})
	require.Equal(t, []string{"a", "b", "c", "d"}, seen)
	require.Equal(t, "c!", cfg.Clients[0].CAFile)
}
