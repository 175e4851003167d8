package dashboards_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
	"github.com/ausguck/ausguck/internal/grafana"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestGolden compares whole responses, so that no field that clients read changes unnoticed.
func TestGolden(t *testing.T) {
	now := time.Date(2026, 3, 18, 15, 4, 5, 0, time.UTC)
	r := dashtest.Start(t, map[string]string{
		"grafana/dashboards/Team/a.json": `{"uid":"a","title":"A board","tags":["x","y"],"version":4,"panels":[]}`,
		dashtest.SourcesFile:             "datasources: [{name: Main, uid: main, type: prometheus, url: 'http://prom:9090', isDefault: true, basicAuth: true, basicAuthUser: me, jsonData: {timeInterval: 5s, httpHeaderName1: X-A}, secureJsonData: {basicAuthPassword: geheim}}]",
	}, func(o *dashboards.Options) { o.Now = func() time.Time { return now } })
	mtime := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	require.NoError(t, os.Chtimes(filepath.Join(r.ConfigDir, "grafana/dashboards/Team/a.json"), mtime, mtime))
	r.Stop()
	r.Run(func(o *dashboards.Options) { o.Now = func() time.Time { return now } })
	r.OK("POST", "/api/folders", `{"uid":"mine","title":"Mine"}`)
	r.OK("POST", "/api/dashboards/db", `{"dashboard":{"uid":"b","title":"B board","tags":["y"]},"folderUid":"mine","message":"hello"}`)
	r.OK("POST", "/api/user/stars/dashboard/uid/b", "")
	r.OK("POST", "/api/annotations", `{"dashboardUID":"b","panelId":2,"time":1700000000000,"timeEnd":1700000060000,"tags":["deploy","v2"],"text":"Deployed <v2>"}`)
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
			a := r.Admin(tc.method, tc.path, tc.body)
			require.Equal(t, http.StatusOK, a.Code, a.Body)
			require.Equal(t, "application/json; charset=UTF-8", a.Header.Get("Content-Type"))
			require.NotContains(t, a.Body, "geheim")
			pretty, err := json.MarshalIndent(dashtest.Decoded(t, a.Body), "", "  ")
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
	r := dashtest.Start(t, nil)
	r.Save(`{"dashboard":{"uid":"a","title":"A"}}`)
	for _, tc := range []struct{ method, path, want string }{
		{"GET", "/api/nothing", "Not found"},
		{"GET", "/api/", "Not found"},
		{"PATCH", "/api/dashboards/db", "Not found"},
		{"GET", "/api/dashboards/uid/none", "Dashboard not found"},
		{"DELETE", "/api/dashboards/uid/none", "Dashboard not found"},
		{"GET", "/api/dashboards/uid/a/b/c", "Not found"},
		{"GET", "/api/dashboards/db/a", "Not found"},
		{"POST", "/api/dashboards/uid/a/permissions", "Permissions of one dashboard cannot be set"},
		{"POST", "/api/dashboards/uid/a/public-dashboards", "Public dashboards are not supported"},
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
		{"GET", "/api/live/ws", "Grafana Live is not supported"},
		{"GET", "/api/playlists", "There are no playlists"},
		{"GET", "/api/snapshots", "There are no snapshots"},
		{"GET", "/goto/none", "Short link not found"},
		{"GET", "/api/v1/provisioning/alert-rules", "Not found"},
	} {
		a := r.Admin(tc.method, tc.path, "{}")
		require.Equal(t, http.StatusNotFound, a.Code, "%s %s: %s", tc.method, tc.path, a.Body)
		require.Contains(t, dashtest.At(t, dashtest.Decoded(t, a.Body), "message"), tc.want, tc.path)
	}
}

func TestRoles(t *testing.T) {
	r := dashtest.Start(t, nil)
	require.Equal(t, http.StatusUnauthorized, r.As("", "GET", "/api/search", "").Code)
	require.JSONEq(t, `{"message":"Unauthorized","messageId":"auth.unauthorized","statusCode":401}`, r.As("", "GET", "/api/nothing", "").Body)
	require.Equal(t, http.StatusOK, r.As("", "GET", "/api/health", "").Code)
	for _, tc := range []struct {
		method, path, body string
		needs              grafana.Role
		permission         string
	}{
		{"GET", "/api/search", "", grafana.Viewer, ""},
		{"POST", "/api/dashboards/db", `{"dashboard":{"title":"x"}}`, grafana.Editor, "dashboards:write"},
		{"POST", "/api/folders", `{"title":"x"}`, grafana.Editor, "folders:create"},
		{"POST", "/api/annotations", `{"text":"x"}`, grafana.Editor, "annotations:create"},
		{"POST", "/api/datasources", `{"name":"x","type":"loki","url":"http://x"}`, grafana.Admin, "datasources:create"},
		{"GET", "/api/datasources", "", grafana.Admin, "datasources:read"},
		{"GET", "/api/datasources/uid/prometheus", "", grafana.Admin, "datasources:read"},
		{"PUT", "/api/org/preferences", `{}`, grafana.Admin, "orgs.preferences:write"},
		{"PUT", "/api/user/preferences", `{}`, grafana.Viewer, ""},
	} {
		for _, role := range []grafana.Role{"Nobody", grafana.Viewer, grafana.Editor, grafana.Admin} {
			a := r.As(role, tc.method, tc.path, strings.Replace(tc.body, `"x"`, `"`+string(role)+`"`, 1))
			if role.Includes(tc.needs) {
				require.Equal(t, http.StatusOK, a.Code, "%s %s as %s: %s", tc.method, tc.path, role, a.Body)
				continue
			}
			require.Equal(t, http.StatusForbidden, a.Code, "%s %s as %s", tc.method, tc.path, role)
			body := dashtest.Decoded(t, a.Body)
			require.Equal(t, "Access denied", dashtest.At(t, body, "title"))
			require.Equal(t, "You'll need additional permissions to perform this action. Permissions needed: "+tc.permission, dashtest.At(t, body, "message"))
		}
	}
}

func TestStartingAnswers503(t *testing.T) {
	r := dashtest.New(t, nil)
	db := r.Make()
	defer db.Close()
	a := r.Admin("GET", "/api/search", "")
	require.Equal(t, http.StatusServiceUnavailable, a.Code)
	require.Equal(t, "1", a.Header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, r.As("", "GET", "/api/health", "").Code)
	cfg, _ := dashboards.LoadConfig(r.Source())
	require.NoError(t, r.Server.ApplyConfig(cfg))
	require.Same(t, cfg, r.Server.Applied(), "what it will start with")
}
