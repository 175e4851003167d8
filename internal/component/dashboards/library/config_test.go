package library_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

// Providers are read as leniently as data sources: quoted numbers and booleans, variables everywhere, the format before
// apiVersion.
func TestProviderFilesAsGrafanaReadsThem(t *testing.T) {
	t.Setenv("T_NAME", "Team A")
	t.Setenv("T_ON", "true")
	t.Setenv("T_DIR", "mine")
	for name, file := range map[string]string{
		"quoted":          "apiVersion: '1'\nproviders: [{name: p, folder: Team A, allowUiUpdates: 'true', editable: 'false', updateIntervalSeconds: '30', options: {path: grafana/mine}}]",
		"variables":       "apiVersion: 1\nproviders: [{name: p, folder: $T_NAME, allowUiUpdates: \"${T_ON}\", options: {path: 'grafana/$T_DIR'}}]",
		"before versions": "[{name: p, folder: Team A, org_id: 1, allow_ui_updates: true, options: {folder: grafana/mine}}]",
	} {
		t.Run(name, func(t *testing.T) {
			r := dashtest.Start(t, map[string]string{dashtest.ProvidersFile: file, "grafana/mine/a.json": `{"uid":"a","title":"Found","panels":[]}`})
			got := r.OK("GET", "/api/dashboards/uid/a", "")
			require.Equal(t, "Team A", dashtest.At(t, got, "meta", "folderTitle"))
			require.Equal(t, true, dashtest.At(t, got, "meta", "canSave"))
		})
	}
}

func TestContainerPathsAreFoundHere(t *testing.T) {
	dash := func(title string) string { return `{"title":"` + title + `","panels":[]}` }
	for _, tc := range []struct{ name, path, file string }{
		{"the usual mount", "/var/lib/grafana/dashboards", "grafana/dashboards/a.json"},
		{"a folder below it", "/var/lib/grafana/dashboards/team", "grafana/dashboards/team/a.json"},
		{"beside the providers", "/etc/grafana/provisioning/dashboards", "grafana/provisioning/dashboards/a.json"},
		{"another folder of provisioning", "/etc/grafana/provisioning/json", "grafana/provisioning/json/a.json"},
		{"one file", "/var/lib/grafana/dashboards/a.json", "grafana/dashboards/a.json"},
		{"one file mounted elsewhere", "/opt/a.json", "grafana/dashboards/a.json"},
		{"mounted elsewhere", "/opt/boards", "grafana/dashboards/a.json"},
		{"relative to the folder", "grafana/mine", "grafana/mine/a.json"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := dashtest.Start(t, map[string]string{
				dashtest.ProvidersFile: "apiVersion: 1\nproviders:\n  - name: p\n    folder: Team A\n    type: file\n    options:\n      path: " + tc.path + "\n",
				tc.file:                dash("Found"),
			})
			if strings.HasSuffix(tc.path, ".json") { // and no other of its directory
				dashtest.WriteTree(t, r.ConfigDir, map[string]string{"grafana/dashboards/b.json": dash("Other")})
				r.OK("POST", "/api/admin/provisioning/dashboards/reload", "")
				require.Empty(t, r.OK("GET", "/api/search?query=other", ""))
			}
			hits := r.OK("GET", "/api/search?query=found", "").([]any)
			require.Len(t, hits, 1)
			require.Equal(t, "Team A", dashtest.At(t, hits[0], "folderTitle"))
			if strings.HasPrefix(tc.path, "/opt/") {
				require.Contains(t, r.Log.String(), tc.path+" does not exist; reading")
			} else { // expected for the usual mounts
				require.NotContains(t, r.Log.String(), "does not exist")
			}
		})
	}
}

func TestWithoutProvidersTheFolderIsRead(t *testing.T) {
	r := dashtest.Start(t, map[string]string{
		"grafana/dashboards/a.json":               `{"title":"At the top","panels":[]}`,
		"grafana/dashboards/Team B/b.json":        `{"dashboard":{"title":"In a folder"}}`,
		"grafana/dashboards/Team B/deeper/c.json": `{"title":"Deeper","panels":[]}`,
		"grafana/dashboards/General/d.json":       `{"title":"General","panels":[]}`,
		"grafana/dashboards/.hidden/e.json":       `[`,
		"grafana/dashboards/notes.txt":            `[`,
	})
	var got []string
	for _, h := range r.OK("GET", "/api/search?type=dash-db", "").([]any) {
		folder, _ := dashtest.At(t, h, "folderTitle").(string)
		got = append(got, folder+"/"+dashtest.At(t, h, "title").(string))
	}
	require.Equal(t, []string{"/At the top", "deeper/Deeper", "/General", "Ausguck/Host", "Team B/In a folder", "Ausguck/Overview"}, got)
	team := dashtest.At(t, r.OK("GET", "/api/folders", ""), 1)
	require.Equal(t, "Team B", dashtest.At(t, team, "title"))

	uid := dashtest.At(t, team, "uid")
	r.OK("POST", "/api/folders", `{"uid":"team-b","title":"Mine"}`) // the uid that a script requests must be available
	r.Stop()
	r.Run()
	require.Equal(t, uid, dashtest.At(t, r.OK("GET", "/api/folders", ""), 2, "uid"), "the same at every start")
}

// Files written by `ausguck init` are shown in the same folder as before.
func TestWrittenBuiltInDashboardsKeepTheirFolder(t *testing.T) {
	r := dashtest.Start(t, map[string]string{
		"grafana/dashboards/Ausguck/overview.json": `{"uid":"ausguck-overview","title":"My overview","panels":[]}`,
		"grafana/dashboards/mine.json":             `{"uid":"mine","title":"Mine","panels":[]}`,
	})
	folders := r.OK("GET", "/api/folders", "").([]any)
	require.Len(t, folders, 1)
	require.Equal(t, "ausguck", dashtest.At(t, folders[0], "uid"))
	require.Equal(t, "Ausguck", dashtest.At(t, folders[0], "title"))
	for uid, folder := range map[string]string{"ausguck-overview": "ausguck", "ausguck-host": "ausguck", "mine": ""} {
		require.Equal(t, folder, dashtest.At(t, r.OK("GET", "/api/dashboards/uid/"+uid, ""), "meta", "folderUid"), uid)
	}
}
