package app_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Warnings of `check` are shown to admins until a reload without them. Others do not see them: a warning may contain information
// that is useful to an attacker.
func TestConfigurationWarningsOnThePage(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GF_INSTALL_PLUGINS", "some-panel")
	writeFile(t, filepath.Join(dir, "prometheus.yml"), "rule_files: [/etc/prometheus/rules/*.yml]\n")
	r := start(t, testOptions(t, "--config.dir="+dir, "--web.enable-lifecycle"))
	r.addUsers(t)
	warnings := func(who user) string {
		code, _, body := r.ask(t, who, http.MethodGet, "/api/ausguck/status", "")
		require.Equal(t, http.StatusOK, code)
		var status struct{ Warnings []string }
		require.NoError(t, json.Unmarshal([]byte(body), &status))
		return strings.Join(status.Warnings, "\n")
	}
	require.Contains(t, warnings(admin), "rule_files: no file matches "+filepath.Join(dir, "rules/*.yml"))
	require.Contains(t, warnings(admin), "GF_INSTALL_PLUGINS has no effect")
	require.Empty(t, warnings(viewer))
	require.Empty(t, warnings(editor))

	writeFile(t, filepath.Join(dir, "rules", "a.yml"), watchedRules)
	code, _, body := r.ask(t, admin, http.MethodPost, "/api/admin/provisioning/dashboards/reload", "")
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, warnings(admin), "rule_files: no file matches", "only the dashboards were read")
	code, _, body = r.ask(t, admin, http.MethodPost, "/-/reload", "")
	require.Equal(t, http.StatusOK, code, body)
	require.NotContains(t, warnings(admin), "no file matches")
	require.Contains(t, warnings(admin), "GF_INSTALL_PLUGINS has no effect")
}
