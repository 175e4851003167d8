package dashboards_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
)

const (
	sourcesFile   = "grafana/provisioning/datasources/all.yml"
	providersFile = "grafana/provisioning/dashboards/all.yml"
)

func TestBadProvisioningIsReportedAllAtOnce(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			name:  "yaml",
			files: map[string]string{sourcesFile: "apiVersion: 1\ndatasources:\n  - name: [\n"},
			want:  []string{"all.yml:3: did not find expected node content"},
		},
		{
			name:  "kinds of values",
			files: map[string]string{sourcesFile: "apiVersion: 1\ndatasources:\n  - name: a\n    type: loki\n    url: http://a\n    isDefault: maybe\n    jsonData: x\n"},
			want:  []string{`all.yml:6: datasources[0]: true or false is needed here, not "maybe"`, `all.yml:7: datasources[0]: a section with fields is needed here`},
		},
		{
			name: "datasources",
			files: map[string]string{sourcesFile: `apiVersion: 2
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
				"all.yml:1: apiVersion: 1 is the only version there is, not 2",
				"all.yml:3: datasources[0]: name: needed",
				`all.yml:5: datasources[1]: url: http://host:port or https://host:port is needed, not "ftp://secret:xxxxx@b"`,
				`all.yml:12: datasources[4]: uid: "a/b" may hold letters, digits, - and _, at most 40`,
				"all.yml:16: datasources[5]: url: no user and password here",
				`all.yml:8: uid: "b" is at`,
				"all.yml:16: isDefault: only one datasource can be the default",
			},
		},
		{
			name: "providers",
			files: map[string]string{providersFile: `apiVersion: 1
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
				`all.yml:3: providers[0]: type: file is the only one there is, not "database"`, "updateIntervalSeconds: -1 is less than 0", `folderUid: "a b" may hold`,
				`all.yml:8: providers[1]: name: "a" is there twice`, "foldersFromFilesStructure: folder and folderUid must be empty", "all.yml:15: providers[3]: options.path: needed",
			},
		},
		{
			name:  "variables",
			files: map[string]string{sourcesFile: "datasources:\n  - name: a\n    type: loki\n    url: $__file{/nowhere}\n    user: $__vault{x}\n"},
			want:  []string{"all.yml:4: $__file{/nowhere}: open /nowhere: no such file", "all.yml:5: $__vault{x}: only $__env{NAME} and $__file{path} are known"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			writeTree(t, dir, tc.files)
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
	writeTree(t, dir, map[string]string{
		sourcesFile:   "apiVersion: 1\nprune: true\ndatasources:\n  - name: a\n    type: prometheus\n    url: http://$NOT_SET_HERE/a\n    colour: red\n",
		providersFile: "# all commented out\napiVersion: 1\nproviders:\n",
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
	// http:///a is what Grafana would make of it, and no URL.
	require.Len(t, problems, 1)
	require.ErrorContains(t, problems[0], `not "http:///a"`)
	require.Nil(t, cfg)

	t.Setenv("NOT_SET_HERE", "host:1")
	cfg, problems = dashboards.LoadConfig(dashboards.Source{ConfigDir: dir})
	require.Empty(t, problems)
	require.Equal(t, []string{
		filepath.Join(dir, sourcesFile) + ":7: datasources[0]: colour: unknown field, it has no effect",
		filepath.Join(dir, "grafana/provisioning/alerting") + " is not read: alert rules are Prometheus's (rule_files in prometheus.yml), receivers Alertmanager's (alertmanager.yml)",
	}, cfg.Warnings())
}

func TestVariablesAreExpandedAsGrafanaDoes(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(secret, []byte("from a file\n"), 0o600))
	t.Setenv("T_HOST", "prom.example.com")
	t.Setenv("T_FLAG", "true")
	t.Setenv("T_DOLLAR", "a$T_HOST")
	r := start(t, map[string]string{sourcesFile: `
apiVersion: 1
datasources:
  - name: "Main $T_HOST"
    type: prometheus
    uid: main
    url: http://${T_HOST}:9090
    basicAuth: $T_FLAG
    basicAuthUser: $__env{T_DOLLAR}
    editable: true
    jsonData:
      timeInterval: 5s
      flag: $T_FLAG
      url: https://$${__value.raw}
    secureJsonData:
      basicAuthPassword: $__file{` + secret + `}
`})
	got := r.ok("GET", "/api/datasources/uid/main", "")
	require.Equal(t, "Main prom.example.com", at(t, got, "name"))
	require.Equal(t, "http://prom.example.com:9090", at(t, got, "url"))
	require.Equal(t, true, at(t, got, "basicAuth"))
	require.Equal(t, "a$T_HOST", at(t, got, "basicAuthUser"), "what a variable holds is not expanded again")
	require.Equal(t, map[string]any{"timeInterval": "5s", "flag": "true", "url": "https://${__value.raw}"}, at(t, got, "jsonData"))
	require.Equal(t, map[string]any{"basicAuthPassword": true}, at(t, got, "secureJsonFields"))
	require.Equal(t, true, at(t, got, "readOnly"))
	require.NotContains(t, r.admin("GET", "/api/datasources/uid/main", "").body, "from a file")
}

// Providers are read as leniently as datasources: quoted numbers and truth values, variables everywhere, the form before apiVersion.
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
			r := start(t, map[string]string{providersFile: file, "grafana/mine/a.json": `{"uid":"a","title":"Found","panels":[]}`})
			got := r.ok("GET", "/api/dashboards/uid/a", "")
			require.Equal(t, "Team A", at(t, got, "meta", "folderTitle"))
			require.Equal(t, true, at(t, got, "meta", "canSave"))
		})
	}
}

func TestDefaultDatasources(t *testing.T) {
	names := func(r *rig) (out []string) {
		for _, d := range r.ok("GET", "/api/datasources", "").([]any) {
			name := at(t, d, "name").(string)
			if at(t, d, "isDefault") == true {
				name += "*"
			}
			out = append(out, name)
		}
		return out
	}
	require.Equal(t, []string{"Alertmanager", "Loki", "Prometheus*"}, names(start(t, nil)))
	require.Equal(t, []string{"Alertmanager", "Loki", "Mine*"}, names(start(t, map[string]string{
		sourcesFile: "datasources: [{name: Mine, type: prometheus, url: 'http://a'}]",
	})), "the built-in one of a type gives way, and there is always a default")
	require.Equal(t, []string{"Alertmanager", "logs", "Prometheus", "Trace*"}, names(start(t, map[string]string{
		sourcesFile: "datasources: [{name: Trace, type: tempo, isDefault: true}, {name: logs, type: loki, uid: y, url: 'http://a'}]",
		"grafana/provisioning/datasources/b.yaml": "deleteDatasources: [{name: gone, orgId: 1}]",
	})))
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
			r := start(t, map[string]string{
				providersFile: "apiVersion: 1\nproviders:\n  - name: p\n    folder: Team A\n    type: file\n    options:\n      path: " + tc.path + "\n",
				tc.file:       dash("Found"),
			})
			if strings.HasSuffix(tc.path, ".json") { // and no other of its folder
				writeTree(t, r.configDir, map[string]string{"grafana/dashboards/b.json": dash("Other")})
				r.ok("POST", "/api/admin/provisioning/dashboards/reload", "")
				require.Empty(t, r.ok("GET", "/api/search?query=other", ""))
			}
			hits := r.ok("GET", "/api/search?query=found", "").([]any)
			require.Len(t, hits, 1)
			require.Equal(t, "Team A", at(t, hits[0], "folderTitle"))
			if filepath.IsAbs(tc.path) && tc.name != "the usual mount" { // which is what everybody expects
				require.Contains(t, r.log.String(), tc.path+" is not here")
			}
		})
	}
}

func TestWithoutProvidersTheFolderIsRead(t *testing.T) {
	r := start(t, map[string]string{
		"grafana/dashboards/a.json":               `{"title":"At the top","panels":[]}`,
		"grafana/dashboards/Team B/b.json":        `{"dashboard":{"title":"In a folder"}}`,
		"grafana/dashboards/Team B/deeper/c.json": `{"title":"Deeper","panels":[]}`,
		"grafana/dashboards/General/d.json":       `{"title":"General","panels":[]}`,
		"grafana/dashboards/.hidden/e.json":       `[`,
		"grafana/dashboards/notes.txt":            `[`,
	})
	var got []string
	for _, h := range r.ok("GET", "/api/search?type=dash-db", "").([]any) {
		folder, _ := at(t, h, "folderTitle").(string)
		got = append(got, folder+"/"+at(t, h, "title").(string))
	}
	require.Equal(t, []string{"/At the top", "deeper/Deeper", "/General", "Ausguck/Host", "Team B/In a folder", "Ausguck/Overview"}, got)
	team := at(t, r.ok("GET", "/api/folders", ""), 1)
	require.Equal(t, "Team B", at(t, team, "title"))

	uid := at(t, team, "uid")
	r.ok("POST", "/api/folders", `{"uid":"team-b","title":"Mine"}`) // what a script asks for is free
	r.stop()
	r.run()
	require.Equal(t, uid, at(t, r.ok("GET", "/api/folders", ""), 2, "uid"), "the same at every start")
}

// What `ausguck init` writes is shown where it was before.
func TestWrittenBuiltInDashboardsKeepTheirFolder(t *testing.T) {
	r := start(t, map[string]string{
		"grafana/dashboards/Ausguck/overview.json": `{"uid":"ausguck-overview","title":"My overview","panels":[]}`,
		"grafana/dashboards/mine.json":             `{"uid":"mine","title":"Mine","panels":[]}`,
	})
	folders := r.ok("GET", "/api/folders", "").([]any)
	require.Len(t, folders, 1)
	require.Equal(t, "ausguck", at(t, folders[0], "uid"))
	require.Equal(t, "Ausguck", at(t, folders[0], "title"))
	for uid, folder := range map[string]string{"ausguck-overview": "ausguck", "ausguck-host": "ausguck", "mine": ""} {
		require.Equal(t, folder, at(t, r.ok("GET", "/api/dashboards/uid/"+uid, ""), "meta", "folderUid"), uid)
	}
}

func TestUIDsOfFiles(t *testing.T) {
	r := start(t, map[string]string{
		"grafana/dashboards/none.json":      `{"title":"None","panels":[]}`,
		"grafana/dashboards/odd.json":       `{"uid":"../a b/ü","title":"Odd","panels":[]}`,
		"grafana/dashboards/long.json":      `{"uid":"` + strings.Repeat("x", 60) + `","title":"Long","panels":[]}`,
		"grafana/dashboards/twice1.json":    `{"uid":"same","title":"First","panels":[]}`,
		"grafana/dashboards/twice2.json":    `{"uid":"same","title":"Second","panels":[]}`,
		"grafana/dashboards/overview.json":  `{"uid":"ausguck-overview","title":"My overview","panels":[]}`,
		"grafana/dashboards/broken.json":    `{"title":`,
		"grafana/dashboards/not-a.json":     `{"groups":[]}`,
		"grafana/dashboards/untitled.json":  `{"panels":[]}`,
		"grafana/dashboards/bad/panel.json": `{"type":"stat","targets":[]}`,
	})
	uid := func(query string) string {
		hits := r.ok("GET", "/api/search?type=dash-db&query="+query, "").([]any)
		require.Len(t, hits, 1, query)
		return at(t, hits[0], "uid").(string)
	}
	first := uid("none")
	require.Regexp(t, `^p[a-z2-7]{13}$`, first)
	require.Regexp(t, `^a-b---[a-z2-7]{8}$|^a-b-+[a-z2-7]{8}$`, uid("odd"))
	require.LessOrEqual(t, len(uid("long")), 40)
	notices := at(t, r.ok("GET", "/api/dashboards/uid/"+uid("odd"), ""), "meta", "notices")
	require.Contains(t, notices.([]any)[0], `uid "../a b/ü" may hold letters`)
	require.Equal(t, "same", uid("first"))
	require.Equal(t, "ausguck-overview", uid("my"), "a file takes the place of the built-in one")
	require.Empty(t, r.ok("GET", "/api/search?query=second", ""))

	cfg, problems := dashboards.LoadConfig(r.source())
	require.Empty(t, problems, "broken dashboards stop nothing")
	var text []string
	for _, p := range cfg.DashboardProblems() {
		text = append(text, strings.TrimPrefix(p.Error(), filepath.Join(r.configDir, "grafana", "dashboards")+"/"))
	}
	require.Equal(t, []string{
		`bad/panel.json: this is one panel (type stat), not a dashboard; put it into "panels" of a dashboard`,
		`broken.json: not JSON: line 1: the JSON ends too early; the file is cut off or still being written`,
		`not-a.json: this is a file of alert rules, not a dashboard; rules belong into rule_files of prometheus.yml`,
		`twice2.json: uid "same" is in ` + filepath.Join(r.configDir, "grafana/dashboards/twice1.json") + ` already`,
		`untitled.json: Dashboard title cannot be empty`,
	}, text)
	require.Equal(t, 5.0, metric(t, r, "ausguck_dashboards_files_failed"))
	require.Contains(t, r.log.String(), "broken.json")

	r.stop()
	r.run()
	require.Equal(t, first, uid("none"), "the same at every start")
}

func TestExportedFilesFindTheirDatasource(t *testing.T) {
	content, err := os.ReadFile("../../../../shared/dashboards/haproxy.json")
	require.NoError(t, err)
	r := start(t, map[string]string{
		"grafana/dashboards/haproxy.json": string(content),
		"grafana/dashboards/small.json":   `{"__inputs":[{"name":"DS_X","type":"datasource","pluginId":"prometheus"}],"uid":"small","title":"Small","panels":[{"id":1,"datasource":"${DS_X}"}]}`,
		sourcesFile:                       "datasources: [{name: Other, uid: other, type: prometheus, url: 'http://a'}, {name: Main, uid: main, type: prometheus, url: 'http://a', isDefault: true}]",
	})
	hits := r.ok("GET", "/api/search?query=haproxy", "").([]any)
	require.Len(t, hits, 1)
	got := r.ok("GET", "/api/dashboards/uid/"+at(t, hits[0], "uid").(string), "")
	require.NotContains(t, at(t, got, "dashboard"), "__inputs")
	require.Equal(t, "main", at(t, got, "dashboard", "templating", "list", 0, "current", "value"), "its own variable starts with the default of the type")
	require.Equal(t, "main", at(t, r.ok("GET", "/api/dashboards/uid/small", ""), "dashboard", "panels", 0, "datasource"))
}

func TestProvisionedDashboardsCannotBeSavedOrDeleted(t *testing.T) {
	r := start(t, map[string]string{"grafana/dashboards/a.json": `{"uid":"a","title":"A","panels":[]}`})
	a := r.admin("POST", "/api/dashboards/db", `{"dashboard":{"uid":"a","title":"A","version":1},"overwrite":true}`)
	require.Equal(t, http.StatusBadRequest, a.code)
	require.Equal(t, "Cannot save provisioned dashboard", at(t, decoded(t, a.body), "message"))
	a = r.admin("DELETE", "/api/dashboards/uid/a", "")
	require.Equal(t, http.StatusBadRequest, a.code)
	require.Contains(t, a.body, "provisioned dashboard cannot be deleted")
	meta := at(t, r.ok("GET", "/api/dashboards/uid/a", ""), "meta")
	require.Equal(t, true, at(t, meta, "provisioned"))
	require.Equal(t, "a.json", at(t, meta, "provisionedExternalId"))
	require.Equal(t, false, at(t, meta, "canSave"))
	require.Equal(t, http.StatusBadRequest, r.admin("DELETE", "/api/folders/ausguck", "").code)
	require.Equal(t, http.StatusBadRequest, r.admin("PUT", "/api/folders/ausguck", `{"title":"x","version":1}`).code)
}

func TestAllowUIUpdatesHoldsUntilTheFileChanges(t *testing.T) {
	file := "grafana/dashboards/a.json"
	r := start(t, map[string]string{
		providersFile: "providers: [{name: p, allowUiUpdates: true, options: {path: /var/lib/grafana/dashboards}}]",
		file:          `{"uid":"a","title":"A","version":3,"panels":[]}`,
	})
	got := r.ok("POST", "/api/dashboards/db", `{"dashboard":{"uid":"a","title":"Changed","version":3}}`)
	require.Equal(t, 4.0, at(t, got, "version"))
	title := func() any { return at(t, r.ok("GET", "/api/dashboards/uid/a", ""), "dashboard", "title") }
	require.Equal(t, "Changed", title())
	r.stop()
	r.run()
	require.Equal(t, "Changed", title(), "over a restart")
	require.Equal(t, http.StatusBadRequest, r.admin("DELETE", "/api/dashboards/uid/a", "").code)
	writeTree(t, r.configDir, map[string]string{file: `{"uid":"a","title":"New in the file","panels":[]}`})
	eventually(t, func() bool { return title() == "New in the file" }, "the file counts again when it changes")
}
