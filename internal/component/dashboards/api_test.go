package dashboards_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/people"
	"github.com/ausguck/ausguck/internal/grafana"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestGolden compares whole answers, so that a field that clients read does not change unseen.
func TestGolden(t *testing.T) {
	now := time.Date(2026, 3, 18, 15, 4, 5, 0, time.UTC)
	r := start(t, map[string]string{
		"grafana/dashboards/Team/a.json": `{"uid":"a","title":"A board","tags":["x","y"],"version":4,"panels":[]}`,
		sourcesFile:                      "datasources: [{name: Main, uid: main, type: prometheus, url: 'http://prom:9090', isDefault: true, basicAuth: true, basicAuthUser: me, jsonData: {timeInterval: 5s, httpHeaderName1: X-A}, secureJsonData: {basicAuthPassword: geheim}}]",
	}, func(o *dashboards.Options) { o.Now = func() time.Time { return now } })
	mtime := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	require.NoError(t, os.Chtimes(filepath.Join(r.configDir, "grafana/dashboards/Team/a.json"), mtime, mtime))
	r.stop()
	r.run(func(o *dashboards.Options) { o.Now = func() time.Time { return now } })
	r.ok("POST", "/api/folders", `{"uid":"mine","title":"Mine"}`)
	r.ok("POST", "/api/dashboards/db", `{"dashboard":{"uid":"b","title":"B board","tags":["y"]},"folderUid":"mine","message":"hello"}`)
	r.ok("POST", "/api/user/stars/dashboard/uid/b", "")
	r.ok("POST", "/api/annotations", `{"dashboardUID":"b","panelId":2,"time":1700000000000,"timeEnd":1700000060000,"tags":["deploy","v2"],"text":"Deployed <v2>"}`)
	for _, tc := range []struct{ name, method, path, body string }{
		{"search", "GET", "/api/search", ""},
		{"search-sorting", "GET", "/api/search/sorting", ""},
		{"dashboard-saved", "GET", "/api/dashboards/uid/b", ""},
		{"dashboard-provisioned", "GET", "/api/dashboards/uid/a", ""},
		{"dashboard-permissions", "GET", "/api/dashboards/uid/b/permissions", ""},
		{"dashboard-tags", "GET", "/api/dashboards/tags", ""},
		{"dashboard-home", "GET", "/api/dashboards/home", ""},
		{"dashboard-versions", "GET", "/api/dashboards/uid/b/versions", ""},
		{"dashboard-version", "GET", "/api/dashboards/uid/b/versions/1", ""},
		{"import-check", "POST", "/api/dashboards/import/check", `{"__inputs":[{"name":"DS_P","label":"Prom","type":"datasource","pluginId":"prometheus"},{"name":"DS_T","type":"datasource","pluginId":"tempo"}],"uid":"b","title":"X","panels":[]}`},
		{"folders", "GET", "/api/folders", ""},
		{"folder", "GET", "/api/folders/mine", ""},
		{"folder-general", "GET", "/api/folders/general", ""},
		{"folder-permissions", "GET", "/api/folders/mine/permissions", ""},
		{"datasources", "GET", "/api/datasources", ""},
		{"datasource", "GET", "/api/datasources/name/Main", ""},
		{"datasource-id", "GET", "/api/datasources/id/Main", ""},
		{"annotations", "GET", "/api/annotations?from=1600000000000&to=1800000000000", ""},
		{"annotation", "GET", "/api/annotations/1", ""},
		{"annotation-tags", "GET", "/api/annotations/tags", ""},
		{"stars", "GET", "/api/user/stars", ""},
		{"preferences", "GET", "/api/user/preferences", ""},
		{"org", "GET", "/api/org", ""},
		{"orgs", "GET", "/api/orgs", ""},
		{"plugins", "GET", "/api/plugins?type=datasource", ""},
		{"plugin-settings", "GET", "/api/plugins/timeseries/settings", ""},
		{"frontend-settings", "GET", "/api/frontend/settings", ""},
		{"library-elements", "GET", "/api/library-elements", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := r.admin(tc.method, tc.path, tc.body)
			require.Equal(t, http.StatusOK, a.code, a.body)
			require.Equal(t, "application/json; charset=UTF-8", a.header.Get("Content-Type"))
			require.NotContains(t, a.body, "geheim")
			pretty, err := json.MarshalIndent(decoded(t, a.body), "", "  ")
			require.NoError(t, err)
			golden := filepath.Join("testdata", "api", tc.name+".json")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o750))
				require.NoError(t, os.WriteFile(golden, append(pretty, '\n'), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), string(pretty)+"\n")
		})
	}
}

func TestWhatIsNotThereSaysSo(t *testing.T) {
	r := start(t, nil)
	r.save(`{"dashboard":{"uid":"a","title":"A"}}`)
	for _, tc := range []struct{ method, path, want string }{
		{"GET", "/api/nothing", "Not found"},
		{"GET", "/api/", "Not found"},
		{"PATCH", "/api/dashboards/db", "Not found"},
		{"GET", "/api/dashboards/uid/none", "Dashboard not found"},
		{"DELETE", "/api/dashboards/uid/none", "Dashboard not found"},
		{"GET", "/api/dashboards/uid/a/b/c", "Not found"},
		{"GET", "/api/dashboards/db/a", "Not found"},
		{"POST", "/api/dashboards/uid/a/permissions", "Permissions of one dashboard cannot be set"},
		{"POST", "/api/dashboards/uid/a/public-dashboards", "Public dashboards are not there"},
		{"GET", "/api/folders/none", "folder not found"},
		{"GET", "/api/folders/a/nothing", "Not found"},
		{"GET", "/api/datasources/uid/none", "Data source not found"},
		{"GET", "/api/annotations/99", "Annotation not found"},
		{"POST", "/api/annotations/graphite", "Graphite's form is not known"},
		{"POST", "/api/user/stars/dashboard/uid/none", "Dashboard not found"},
		{"GET", "/api/orgs/2", "Organization not found"},
		{"GET", "/api/orgs/name/Other", "Organization not found"},
		{"GET", "/api/org/quotas", "There are no quotas"},
		{"GET", "/api/plugins/none/settings", "Plugin not found"},
		{"GET", "/api/search?deleted=true", "Deleted dashboards are not kept"},
		{"GET", "/api/query-history", "There is no query history"},
		{"GET", "/api/live/ws", "Grafana Live is not there"},
		{"GET", "/api/playlists", "There are no playlists"},
		{"GET", "/api/snapshots", "There are no snapshots"},
		{"GET", "/goto/none", "This short link is not known"},
		{"GET", "/api/v1/provisioning/alert-rules", "Not found"},
	} {
		a := r.admin(tc.method, tc.path, "{}")
		require.Equal(t, http.StatusNotFound, a.code, "%s %s: %s", tc.method, tc.path, a.body)
		require.Contains(t, at(t, decoded(t, a.body), "message"), tc.want, tc.path)
	}
}

func TestBadDashboardsAreRefusedWithAReason(t *testing.T) {
	r := start(t, nil)
	for _, tc := range []struct {
		body, want string
		code       int
	}{
		{``, "bad request data: it is empty", 400},
		{`{`, "bad request data: line 1", 400},
		{`[]`, "Not a dashboard but a list", 400},
		{`{"dashboard":{}}`, "Dashboard title cannot be empty", 400},
		{`{"dashboard":{"title":"A","uid":"a/b"}}`, "uid contains illegal characters", 400},
		{`{"dashboard":{"title":"A","uid":"` + strings.Repeat("x", 41) + `"}}`, "uid too long, max 40 characters", 400},
		{`{"dashboard":{"title":"A"},"folderUid":"none"}`, "folder not found", 400},
		{`{"dashboard":{"title":"A"},"folderId":99}`, "folder not found", 400},
		{`{"dashboard":{"title":"A","id":99}}`, "Dashboard not found", 404},
		{`{"dashboard":{"title":"A","panels":{}}}`, "Panels: a list of objects is needed", 400},
		{`{"dashboard":{"title":"` + strings.Repeat("x", 11<<20) + `"}}`, "The request is larger than 10 MiB", 413},
		{`{"dashboard":{"title":"A","panels":[` + strings.TrimSuffix(strings.Repeat(`{},`, 10_001), ",") + `]}}`, "10000 are the limit", 400},
	} {
		a := r.admin("POST", "/api/dashboards/db", tc.body)
		name := tc.body[:min(len(tc.body), 60)]
		require.Equal(t, tc.code, a.code, "%s: %s", name, a.body)
		require.Contains(t, at(t, decoded(t, a.body), "message"), tc.want, name)
	}
	require.Equal(t, "empty-name", at(t, decoded(t, r.admin("POST", "/api/dashboards/db", `{"dashboard":{}}`).body), "status"))
	require.Len(t, r.ok("GET", "/api/search?type=dash-db", ""), 2, "only the built-in ones")
}

func TestImport(t *testing.T) {
	r := start(t, nil)
	original, err := os.ReadFile("../../../../shared/original/dashboard.json")
	require.NoError(t, err)
	got := r.ok("POST", "/api/dashboards/import", string(original))
	require.Equal(t, true, at(t, got, "imported"))
	require.Equal(t, "Code Agent MVP - Production Dashboard", at(t, got, "title"))
	uid := at(t, got, "uid").(string)
	require.Equal(t, "/d/"+uid+"/code-agent-mvp-production-dashboard", at(t, got, "importedUrl"))
	require.Len(t, at(t, r.ok("GET", "/api/dashboards/uid/"+uid, ""), "dashboard", "panels"), 5)

	r.ok("POST", "/api/folders", `{"uid":"team","title":"Team"}`)
	exported := `{"id":12345,"uid":"exp","title":"Exported","__inputs":[{"name":"DS_P","type":"datasource","pluginId":"prometheus"},{"name":"DS_L","type":"datasource","pluginId":"loki"}],
		"panels":[{"datasource":"${DS_P}"},{"datasource":{"uid":"${DS_L}"}}]}`
	got = r.ok("POST", "/api/dashboards/import", `{"dashboard":`+exported+`,"inputs":[{"name":"DS_P","type":"datasource","pluginId":"prometheus","value":"chosen"}],"folderUid":"team","overwrite":false}`)
	require.Equal(t, "team", at(t, got, "folderUid"))
	panels := at(t, r.ok("GET", "/api/dashboards/uid/exp", ""), "dashboard", "panels")
	require.Equal(t, "chosen", at(t, panels, 0, "datasource"), "what the person chose")
	require.Equal(t, "loki", at(t, panels, 1, "datasource", "uid"), "the default of the type")
	require.Equal(t, http.StatusPreconditionFailed, r.admin("POST", "/api/dashboards/import", `{"dashboard":`+exported+`,"folderUid":"team"}`).code)
	require.Equal(t, 2.0, at(t, r.ok("POST", "/api/dashboards/import", `{"dashboard":`+exported+`,"folderUid":"team","overwrite":true}`), "revision"))
	for _, file := range []string{
		`{"dashboard":{"uid":"exp","title":"Another","version":2}}`, `{"dashboard":{"uid":"exp","title":"Exported","version":2},"folderUid":"team"}`,
		`{"uid":"exp","title":"Exported","version":2}`, `{"meta":{"version":2},"dashboard":{"uid":"exp","id":1,"title":"Exported","version":2}}`,
	} {
		a := r.admin("POST", "/api/dashboards/import", file)
		require.Equal(t, http.StatusPreconditionFailed, a.code, "%s: %s", file, a.body)
		require.Equal(t, "version-mismatch", at(t, decoded(t, a.body), "status"), "a file is not what somebody has changed here")
	}
	a := r.admin("POST", "/api/dashboards/import", `{"dashboard":{"title":"Exported"},"folderUid":"team"}`)
	require.Equal(t, "name-exists", at(t, decoded(t, a.body), "status"))

	got = r.ok("POST", "/api/dashboards/import", `{"apiVersion":"dashboard.grafana.app/v1","kind":"Dashboard","metadata":{"name":"k","annotations":{"grafana.app/folder":"elsewhere"}},"spec":{"title":"K"}}`)
	require.Equal(t, "", at(t, got, "folderUid"), "a folder of another Grafana is not here")

	v2, err := os.ReadFile("dashjson/testdata/v2beta1.json")
	require.NoError(t, err)
	got = r.ok("POST", "/api/dashboards/import", string(v2))
	require.Equal(t, "svc-v2", at(t, got, "uid"))
	require.Equal(t, "team", at(t, got, "folderUid"), "the folder that it names")
	require.Contains(t, at(t, got, "notices"), "conditional rendering is not known here; everything is shown")
	require.NotEmpty(t, at(t, r.ok("GET", "/api/dashboards/uid/svc-v2", ""), "dashboard", "panels"))
}

func TestWhatComesOutGoesInAgain(t *testing.T) {
	r := start(t, nil)
	files, err := filepath.Glob("../../../../shared/dashboards/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		uid := at(t, r.ok("POST", "/api/dashboards/import", string(content)), "uid").(string)
		first := r.admin("GET", "/api/dashboards/uid/"+uid, "").body
		require.Equal(t, 2.0, r.save(first)["version"], file) // the answer of GET is a shape too
		second := r.admin("GET", "/api/dashboards/uid/"+uid, "").body
		body := regexp.MustCompile(`(?s)"dashboard":\{"id".*`)
		require.Equal(t, strings.Replace(body.FindString(first), `"version":1}}`, `"version":2}}`, 1), body.FindString(second), file)
	}
}

func TestSearch(t *testing.T) {
	r := start(t, nil)
	r.ok("POST", "/api/folders", `{"uid":"f","title":"Net"}`)
	r.save(`{"dashboard":{"uid":"n1","title":"Network errors","tags":["net","prod"]},"folderUid":"f"}`)
	r.save(`{"dashboard":{"uid":"n2","title":"network traffic","tags":["net"]}}`)
	r.ok("POST", "/api/user/stars/dashboard/uid/n2", "")
	for query, want := range map[string]string{
		"":                                  "Ausguck Net Host Network errors network traffic Overview",
		"query=NET":                         "Net Network errors network traffic",
		"query=traf+net":                    "network traffic",
		"type=dash-folder":                  "Ausguck Net",
		"type=dash-db&query=net":            "Network errors network traffic",
		"tag=net&tag=prod":                  "Network errors",
		"tag=net":                           "Network errors network traffic",
		"dashboardUIDs=n1&dashboardUIDs=x":  "Network errors",
		"folderUIDs=f":                      "Network errors",
		"folderUIDs=general":                "Ausguck Net network traffic",
		"folderIds=0&type=dash-db":          "network traffic",
		"starred=true":                      "network traffic",
		"limit=2&page=2":                    "Host Network errors",
		"limit=2&page=9":                    "",
		"sort=alpha-desc&type=dash-db":      "Overview network traffic Network errors Host",
		"query=" + strings.Repeat("z", 500): "",
	} {
		var titles []string
		for _, h := range r.ok("GET", "/api/search?"+query, "").([]any) {
			titles = append(titles, at(t, h, "title").(string))
		}
		require.Equal(t, want, strings.Join(titles, " "), query)
	}
	require.Empty(t, r.ok("GET", "/api/user/stars", "").([]any)[1:])
	other := r.as(grafana.Viewer, "GET", "/api/search?starred=true", "")
	require.Equal(t, "[]", other.body, "stars are everybody's own")
	require.Equal(t, http.StatusUnprocessableEntity, r.admin("GET", "/api/search?limit=5001", "").code)
	require.Equal(t, http.StatusBadRequest, r.admin("GET", "/api/search?limit=x", "").code)
	require.Equal(t, http.StatusBadRequest, r.admin("GET", "/api/search?type=x", "").code)
	r.ok("DELETE", "/api/user/stars/dashboard/uid/n2", "")
	require.Equal(t, "[]", r.admin("GET", "/api/user/stars", "").body)
}

func TestAnnotations(t *testing.T) {
	r := start(t, nil)
	r.save(`{"dashboard":{"uid":"a","title":"A"}}`)
	add := func(body string) string {
		return fmt.Sprintf("/api/annotations/%.0f", at(t, r.ok("POST", "/api/annotations", body), "id"))
	}
	one := add(`{"dashboardUID":"a","panelId":1,"time":1000,"text":"one","tags":["x","y","x"," "]}`)
	add(`{"time":2000,"timeEnd":3000,"text":"two","tags":["y"],"data":{"k":[1]}}`)
	add(`{"text":"now"}`)
	texts := func(query string) string {
		var out []string
		for _, a := range r.ok("GET", "/api/annotations?"+query, "").([]any) {
			out = append(out, at(t, a, "text").(string))
		}
		return strings.Join(out, " ")
	}
	for query, want := range map[string]string{
		"": "now two one", "from=500&to=1500": "one", "from=2500&to=2600": "two", "limit=1": "now", "dashboardUID=a": "one", "dashboardUID=a&panelId=2": "",
		"tags=x&tags=y": "one", "tags=x&tags=y&matchAny=true": "two one", "tags=y": "two one", "type=alert": "", "userId=7": "now two one", "userId=8": "",
	} {
		require.Equal(t, want, texts(query), query)
	}
	got := r.ok("GET", one, "")
	require.Equal(t, []any{"x", "y"}, at(t, got, "tags"))
	require.Equal(t, "admin", at(t, got, "login"))
	require.Equal(t, 1000.0, at(t, got, "timeEnd"))
	require.Equal(t, "Annotation patched", at(t, r.ok("PATCH", one, `{"text":"changed"}`), "message"))
	require.Equal(t, []any{"x", "y"}, at(t, r.ok("GET", one, ""), "tags"))
	require.Equal(t, "Annotation updated", at(t, r.ok("PUT", one, `{"text":"replaced","time":9000,"timeEnd":8000}`), "message"))
	got = r.ok("GET", one, "")
	require.Equal(t, []any{}, at(t, got, "tags"))
	require.Equal(t, []any{8000.0, 9000.0}, []any{at(t, got, "time"), at(t, got, "timeEnd")})
	require.Equal(t, map[string]any{"tags": []any{map[string]any{"tag": "y", "count": 1.0}}}, at(t, r.ok("GET", "/api/annotations/tags?tag=Y", ""), "result"))
	r.ok("DELETE", one, "")
	require.Equal(t, http.StatusNotFound, r.admin("GET", one, "").code)

	for body, want := range map[string]string{
		`{}`: "text field should not be empty", `{"text":"a","dashboardUID":"none"}`: "Dashboard not found", `{"text":"a","time":"x"}`: "bad request data",
		`{"text":"` + strings.Repeat("x", 70<<10) + `"}`: "64 KiB", `{"text":"a","tags":["` + strings.Repeat("x", 300) + `"]}`: "at most 100 tags",
	} {
		a := r.admin("POST", "/api/annotations", body)
		require.GreaterOrEqual(t, a.code, 400)
		require.Contains(t, at(t, decoded(t, a.body), "message"), want)
	}
	// At every start what is older than a year goes: all but the one that was made just now.
	r.stop()
	r.run()
	require.Equal(t, "now", texts(""))
}

func TestPreferences(t *testing.T) {
	r := start(t, nil)
	r.ok("PUT", "/api/org/preferences", `{"theme":"light","timezone":"utc","homeDashboardUID":"ausguck-host"}`)
	r.ok("PATCH", "/api/user/preferences", `{"weekStart":"monday"}`)
	r.ok("PATCH", "/api/user/preferences", `{"theme":"dark"}`)
	require.Equal(t, map[string]any{"theme": "dark", "timezone": "", "weekStart": "monday"}, r.ok("GET", "/api/user/preferences", ""))
	p, err := r.server.UserPreferences(t.Context(), grafana.Caller{UID: "u-admin"})
	require.NoError(t, err)
	require.Equal(t, people.Preferences{Theme: "dark", Timezone: "utc", WeekStart: "monday", HomeDashboardUID: "ausguck-host"}, p)
	require.Equal(t, "/d/ausguck-host/host", at(t, r.ok("GET", "/api/dashboards/home", ""), "redirectUri"))
	r.ok("PUT", "/api/user/preferences", `{}`)
	require.Equal(t, map[string]any{"theme": "", "timezone": "", "weekStart": ""}, r.ok("GET", "/api/user/preferences", ""))
	for body, want := range map[string]string{
		`{"theme":"pink"}`: "Invalid theme", `{"timezone":"../etc"}`: "Invalid timezone", `{"weekStart":"friday"}`: "Invalid week start", `{"homeDashboardUID":"none"}`: "Dashboard not found",
	} {
		a := r.admin("PATCH", "/api/user/preferences", body)
		require.Contains(t, at(t, decoded(t, a.body), "message"), want)
		require.NotEqual(t, http.StatusOK, a.code)
	}
	r.ok("PATCH", "/api/user/preferences", `{"timezone":"Europe/Berlin"}`)
}

func TestShortLinks(t *testing.T) {
	r := start(t, nil, func(o *dashboards.Options) { o.AppURL = "https://example.com/mon/" })
	got := r.ok("POST", "/api/short-urls", `{"path":"d/a/b?from=now-1h&var-x=a%2Fb"}`)
	require.Equal(t, got, r.ok("POST", "/api/short-urls", `{"path":"d/a/b?from=now-1h&var-x=a%2Fb"}`), "the same link for the same page")
	require.Equal(t, fmt.Sprintf("https://example.com/mon/goto/%s?orgId=1", at(t, got, "uid")), at(t, got, "url"))
	a := r.as(grafana.Viewer, "GET", "/goto/"+at(t, got, "uid").(string), "")
	require.Equal(t, http.StatusFound, a.code)
	require.Equal(t, "/mon/d/a/b?from=now-1h&var-x=a%2Fb", a.header.Get("Location"))
	for _, path := range []string{"", "/d/a", "//evil.example.com", "https://evil.example.com", `\\evil`, "javascript:alert(1)", "d/../../x", "d/a\\r\\nX: y"} {
		a := r.admin("POST", "/api/short-urls", fmt.Sprintf(`{"path":"%s"}`, strings.ReplaceAll(path, `\\e`, `\\\\e`)))
		require.Equal(t, http.StatusBadRequest, a.code, path)
	}
}

func TestDatasourcesByAPI(t *testing.T) {
	r := start(t, provision(ds("main", "prometheus", "http://a:1")))
	got := r.ok("POST", "/api/datasources", `{"name":"Mine","type":"loki","access":"proxy","url":"http://b:2","jsonData":{"maxLines":"7"},"secureJsonData":{"basicAuthPassword":"geheim"}}`)
	require.Equal(t, "Datasource added", at(t, got, "message"))
	require.Equal(t, map[string]any{"basicAuthPassword": true}, at(t, got, "datasource", "secureJsonFields"))
	uid := at(t, got, "datasource", "uid").(string)
	for body, code := range map[string]int{
		`{"name":"Mine","type":"loki","url":"http://b"}`:                                       409,
		`{"name":"X","uid":"main","type":"loki","url":"http://b"}`:                             409,
		`{"name":"X","type":"loki","url":"ftp://a"}`:                                           400,
		`{"name":"","type":"loki","url":"http://b"}`:                                           400,
		`{"name":"X","type":"loki","url":"http://b","jsonData":{"httpHeaderValue1":"secret"}}`: 400,
		`{"name":"X","uid":"a/b","type":"loki","url":"http://b"}`:                              400,
	} {
		require.Equal(t, code, r.admin("POST", "/api/datasources", body).code, body)
	}
	got = r.ok("PUT", "/api/datasources/uid/"+uid, `{"name":"Renamed","type":"loki","url":"http://c:3","isDefault":true,"version":1}`)
	require.Equal(t, 2.0, at(t, got, "datasource", "version"))
	require.Equal(t, map[string]any{"basicAuthPassword": true}, at(t, got, "datasource", "secureJsonFields"), "a secret that is not sent stays")
	require.Equal(t, http.StatusConflict, r.admin("PUT", "/api/datasources/uid/"+uid, `{"name":"Renamed","type":"loki","url":"http://c:3","version":1}`).code)
	require.Equal(t, "Renamed", at(t, r.ok("GET", "/api/frontend/settings", ""), "defaultDatasource"))
	require.NotContains(t, r.admin("GET", "/api/frontend/settings", "").body, "geheim")
	defaults := 0
	for _, d := range r.ok("GET", "/api/datasources", "").([]any) {
		if at(t, d, "isDefault") == true {
			defaults++
		}
	}
	require.Equal(t, 1, defaults)

	for method, want := range map[string]string{"PUT": "Cannot update read-only data source", "DELETE": "Cannot delete read-only data source"} {
		a := r.admin(method, "/api/datasources/uid/main", `{"name":"x","type":"loki","url":"http://b"}`)
		require.Equal(t, http.StatusForbidden, a.code)
		require.Contains(t, a.body, want)
	}
	before := r.ok("GET", "/api/datasources/uid/"+uid, "")
	r.stop()
	r.run()
	require.Equal(t, before, r.ok("GET", "/api/datasources/uid/"+uid, ""), "after a restart")
	require.Equal(t, "Data source deleted", at(t, r.ok("DELETE", "/api/datasources/name/Renamed", ""), "message"))
	require.Equal(t, http.StatusNotFound, r.admin("GET", "/api/datasources/uid/"+uid, "").code)
}

func TestStartingAnswers503(t *testing.T) {
	r := &rig{t: t, configDir: t.TempDir(), dir: filepath.Join(t.TempDir(), "dashboards")}
	db := r.make()
	defer db.Close()
	a := r.admin("GET", "/api/search", "")
	require.Equal(t, http.StatusServiceUnavailable, a.code)
	require.Equal(t, "1", a.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, r.as("", "GET", "/api/health", "").code)
	cfg, _ := dashboards.LoadConfig(r.source())
	require.NoError(t, r.server.ApplyConfig(cfg))
	require.Same(t, cfg, r.server.Applied(), "what it will start with")
}
