package command_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/command"
	"github.com/ausguck/ausguck/monitoring"
)

// A file to which all items are added is equivalent to the built-in one.
func TestAddToConfig(t *testing.T) {
	dir := t.TempDir()
	target, real := filepath.Join(dir, "prometheus.yml"), filepath.Join(dir, "mine.yml")
	require.NoError(t, os.WriteFile(real, []byte("# Mine.\nrule_files: [] # none\n"), 0o640))
	require.NoError(t, os.Symlink("mine.yml", target))
	ours, err := monitoring.Files.ReadFile("prometheus.yml")
	require.NoError(t, err)
	type config struct {
		RuleFiles     []string         `yaml:"rule_files"`
		Alerting      map[string]any   `yaml:"alerting"`
		ScrapeConfigs []map[string]any `yaml:"scrape_configs"`
	}
	var want config
	require.NoError(t, yaml.Unmarshal(ours, &want))
	what := []string{"rules"}
	for _, job := range want.ScrapeConfigs {
		what = append(what, job["job_name"].(string))
	}
	require.Greater(t, len(what), 4)

	_, err = command.AddToConfig(dir, append(what, "nobody"))
	require.ErrorContains(t, err, `"nobody" cannot be added`)
	unchanged, err := os.ReadFile(target)
	require.NoError(t, err)
	require.Equal(t, "# Mine.\nrule_files: [] # none\n", string(unchanged))

	_, err = command.AddToConfig(dir, what)
	require.NoError(t, err)
	content, err := os.ReadFile(real)
	require.NoError(t, err)
	var got config
	require.NoError(t, yaml.Unmarshal(content, &got))
	want.RuleFiles = []string{"rules/*.rules.yml"}
	require.Equal(t, want, got)
	require.Contains(t, string(content), "# Mine.\nrule_files: # none\n")
	require.FileExists(t, filepath.Join(dir, "rules/host.rules.yml"))
	info, err := os.Lstat(target)
	require.NoError(t, err)
	require.Equal(t, os.ModeSymlink, info.Mode().Type(), "a link stays one")
	info, err = os.Stat(real)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())

	for _, covers := range []string{"rules/*.yml", "/etc/prometheus/rules/*.yml", "/etc/prometheus/rules/*.rules.yml"} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte("rule_files: ['"+covers+"']\nalerting: {}\n"), 0o600))
		done, err := command.AddToConfig(dir, []string{"rules"})
		require.NoError(t, err)
		require.Contains(t, done[0], "contains the built-in rules already", covers)
	}
}
