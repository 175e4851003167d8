package dashboards_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

func TestBadProvisioningIsReportedAllAtOnce(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			name:  "yaml",
			files: map[string]string{dashtest.SourcesFile: "apiVersion: 1\ndatasources:\n  - name: [\n"},
			want:  []string{"all.yml:3: did not find expected node content"},
		},
		{
			name:  "kinds of values",
			files: map[string]string{dashtest.SourcesFile: "apiVersion: 1\ndatasources:\n  - name: a\n    type: loki\n    url: http://a\n    isDefault: maybe\n    jsonData: x\n"},
			want:  []string{`all.yml:6: datasources[0]: must be true or false, not "maybe"`, `all.yml:7: datasources[0]: must be a section with fields`},
		},
		{
			name: "datasources",
			files: map[string]string{dashtest.SourcesFile: `apiVersion: 2
datasources:
  - type: prometheus
    url: http://a
  - {name: b, uid: b,
    url: 'ftp://secret:geheim@b',
    type: loki}
  - {name: e, uid: b, type: tempo}
  - name: f
    type: tempo
    access: other
  - name: c
    type: tempo
    uid: a/b
    isDefault: true
  - name: d
    type: prometheus
    url: http://user:pass@host
    isDefault: true
`},
			want: []string{
				"all.yml:1: apiVersion: only version 1 is supported, not 2",
				"all.yml:3: datasources[0]: name: required",
				`all.yml:5: datasources[1]: url: must be http://host:port or https://host:port, not "ftp://secret:xxxxx@b"`,
				`all.yml:12: datasources[4]: uid: "a/b" may contain letters, digits, - and _, at most 40 characters`,
				"all.yml:16: datasources[5]: url: must not contain a user and password",
				`all.yml:8: uid: "b" is already used in`,
				"all.yml:16: isDefault: only one data source can be the default",
			},
		},
		{
			name: "providers",
			files: map[string]string{dashtest.ProvidersFile: `apiVersion: 1
providers:
  - name: a
    type: database
    updateIntervalSeconds: -1
    folderUid: a b
    options: {path: /x}
  - name: a
    folder: F
    folderUid: f
    options: {path: /x, foldersFromFilesStructure: true}
  - name: c
    folder: F
    options: {path: /x, foldersFromFilesStructure: true}
  - name: b
    options: {}
`},
			want: []string{
				`all.yml:3: providers[0]: type: only file is supported, not "database"`, "updateIntervalSeconds: -1 is less than 0", `folderUid: "a b" may contain`,
				`all.yml:8: providers[1]: name: "a" is used twice`, "foldersFromFilesStructure: requires that folder and folderUid are empty", "all.yml:15: providers[3]: options.path: required",
			},
		},
		{
			name:  "variables",
			files: map[string]string{dashtest.SourcesFile: "datasources:\n  - name: a\n    type: loki\n    url: $__file{/nowhere}\n    user: $__vault{x}\n"},
			want:  []string{"all.yml:4: $__file{/nowhere}: open /nowhere: no such file", "all.yml:5: $__vault{x}: only $__env{NAME} and $__file{path} are supported"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			dashtest.WriteTree(t, dir, tc.files)
			cfg, problems := dashboards.LoadConfig(dashboards.Source{ConfigDir: dir})
			require.Nil(t, cfg)
			var text strings.Builder
			for _, p := range problems {
				text.WriteString(p.Error() + "\n")
			}
			for _, want := range tc.want {
				require.Contains(t, text.String(), want)
			}
			require.Len(t, problems, len(tc.want), text.String())
			require.NotContains(t, text.String(), "geheim")
			require.NotContains(t, text.String(), "pass@")
		})
	}
}

func TestHarmlessOdditiesAreWarnings(t *testing.T) {
	dir := t.TempDir()
	dashtest.WriteTree(t, dir, map[string]string{
		dashtest.SourcesFile:                             "apiVersion: 1\nprune: true\ndatasources:\n  - name: a\n    type: prometheus\n    url: http://$NOT_SET_HERE/a\n    colour: red\n",
		dashtest.ProvidersFile:                           "# all commented out\napiVersion: 1\nproviders:\n",
		"grafana/provisioning/dashboards/readme.txt":     "no YAML",
		"grafana/provisioning/dashboards/.hidden.yml":    "[",
		"grafana/provisioning/dashboards/empty.yaml":     "",
		"grafana/provisioning/alerting/rules.yml":        "groups: []",
		"grafana/provisioning/notifiers/sample.yaml":     "# nothing",
		"grafana/provisioning/plugins/sample/readme.yml": "x: y",
	})
	t.Setenv("NOT_SET_HERE", "")
	require.NoError(t, os.Unsetenv("NOT_SET_HERE"))
	cfg, problems := dashboards.LoadConfig(dashboards.Source{ConfigDir: dir})
	// Grafana would turn it into http:///a, which is not a valid URL.
	require.Len(t, problems, 1)
	require.ErrorContains(t, problems[0], `not "http:///a"`)
	require.Nil(t, cfg)

	t.Setenv("NOT_SET_HERE", "host:1")
	cfg, problems = dashboards.LoadConfig(dashboards.Source{ConfigDir: dir})
	require.Empty(t, problems)
	require.Equal(t, []string{
		filepath.Join(dir, dashtest.SourcesFile) + ":7: datasources[0]: colour: unknown field, ignored",
		filepath.Join(dir, "grafana/provisioning/alerting") + " is ignored: alert rules are Prometheus's (rule_files in prometheus.yml), receivers Alertmanager's (alertmanager.yml)",
	}, cfg.Warnings())
}
