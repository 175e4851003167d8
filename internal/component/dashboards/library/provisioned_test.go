package library_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

func TestUIDsOfFiles(t *testing.T) {
	r := dashtest.Start(t, map[string]string{
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
		hits := r.OK("GET", "/api/search?type=dash-db&query="+query, "").([]any)
		require.Len(t, hits, 1, query)
		return dashtest.At(t, hits[0], "uid").(string)
	}
	first := uid("none")
	require.Regexp(t, `^p[a-z2-7]{13}$`, first)
	require.Regexp(t, `^a-b---[a-z2-7]{8}$|^a-b-+[a-z2-7]{8}$`, uid("odd"))
	require.LessOrEqual(t, len(uid("long")), 40)
	notices := dashtest.At(t, r.OK("GET", "/api/dashboards/uid/"+uid("odd"), ""), "meta", "notices")
	require.Contains(t, notices.([]any)[0], `uid "../a b/ü" may contain letters`)
	require.Equal(t, "same", uid("first"))
	require.Equal(t, "ausguck-overview", uid("my"), "a file takes the place of the built-in one")
	require.Empty(t, r.OK("GET", "/api/search?query=second", ""))

	cfg, problems := dashboards.LoadConfig(r.Source())
	require.Empty(t, problems, "broken dashboards stop nothing")
	var text []string
	for _, p := range cfg.DashboardProblems() {
		text = append(text, strings.TrimPrefix(p.Error(), filepath.Join(r.ConfigDir, "grafana", "dashboards")+"/"))
	}
	require.Equal(t, []string{
		`bad/panel.json: this is one panel (type stat), not a dashboard; put it into "panels" of a dashboard`,
		`broken.json: not JSON: line 1: the JSON ends too early; the file is truncated or still being written`,
		`not-a.json: this is a file of alert rules, not a dashboard; add it to rule_files in prometheus.yml`,
		`twice2.json: uid "same" is in ` + filepath.Join(r.ConfigDir, "grafana/dashboards/twice1.json") + ` already`,
		`untitled.json: Dashboard title cannot be empty`,
	}, text)
	require.Equal(t, 5.0, dashtest.Metric(t, r, "ausguck_dashboards_files_failed"))
	require.Contains(t, r.Log.String(), "broken.json")

	r.Stop()
	r.Run()
	require.Equal(t, first, uid("none"), "the same at every start")
}

func TestExportedFilesFindTheirDatasource(t *testing.T) {
	content, err := os.ReadFile("../../../../../shared/dashboards/haproxy.json")
	require.NoError(t, err)
	r := dashtest.Start(t, map[string]string{
		"grafana/dashboards/haproxy.json": string(content),
		"grafana/dashboards/small.json":   `{"__inputs":[{"name":"DS_X","type":"datasource","pluginId":"prometheus"}],"uid":"small","title":"Small","panels":[{"id":1,"datasource":"${DS_X}"}]}`,
		dashtest.SourcesFile:              "datasources: [{name: Other, uid: other, type: prometheus, url: 'http://a'}, {name: Main, uid: main, type: prometheus, url: 'http://a', isDefault: true}]",
	})
	hits := r.OK("GET", "/api/search?query=haproxy", "").([]any)
	require.Len(t, hits, 1)
	got := r.OK("GET", "/api/dashboards/uid/"+dashtest.At(t, hits[0], "uid").(string), "")
	require.NotContains(t, dashtest.At(t, got, "dashboard"), "__inputs")
	require.Equal(t, "main", dashtest.At(t, got, "dashboard", "templating", "list", 0, "current", "value"), "its own variable starts with the default of the type")
	require.Equal(t, "main", dashtest.At(t, r.OK("GET", "/api/dashboards/uid/small", ""), "dashboard", "panels", 0, "datasource"))
}

func TestProvisionedDashboardsCannotBeSavedOrDeleted(t *testing.T) {
	r := dashtest.Start(t, map[string]string{"grafana/dashboards/a.json": `{"uid":"a","title":"A","panels":[]}`})
	a := r.Admin("POST", "/api/dashboards/db", `{"dashboard":{"uid":"a","title":"A","version":1},"overwrite":true}`)
	require.Equal(t, http.StatusBadRequest, a.Code)
	require.Equal(t, "Cannot save provisioned dashboard", dashtest.At(t, dashtest.Decoded(t, a.Body), "message"))
	a = r.Admin("DELETE", "/api/dashboards/uid/a", "")
	require.Equal(t, http.StatusBadRequest, a.Code)
	require.Contains(t, a.Body, "provisioned dashboard cannot be deleted")
	meta := dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a", ""), "meta")
	require.Equal(t, true, dashtest.At(t, meta, "provisioned"))
	require.Equal(t, "a.json", dashtest.At(t, meta, "provisionedExternalId"))
	require.Equal(t, false, dashtest.At(t, meta, "canSave"))
	require.Equal(t, http.StatusBadRequest, r.Admin("DELETE", "/api/folders/ausguck", "").Code)
	require.Equal(t, http.StatusBadRequest, r.Admin("PUT", "/api/folders/ausguck", `{"title":"x","version":1}`).Code)
}

func TestAllowUIUpdatesHoldsUntilTheFileChanges(t *testing.T) {
	file := "grafana/dashboards/a.json"
	r := dashtest.Start(t, map[string]string{
		dashtest.ProvidersFile: "providers: [{name: p, allowUiUpdates: true, options: {path: /var/lib/grafana/dashboards}}]",
		file:                   `{"uid":"a","title":"A","version":3,"panels":[]}`,
	})
	got := r.OK("POST", "/api/dashboards/db", `{"dashboard":{"uid":"a","title":"Changed","version":3}}`)
	require.Equal(t, 4.0, dashtest.At(t, got, "version"))
	title := func() any { return dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a", ""), "dashboard", "title") }
	require.Equal(t, "Changed", title())
	r.Stop()
	r.Run()
	require.Equal(t, "Changed", title(), "over a restart")
	require.Equal(t, http.StatusBadRequest, r.Admin("DELETE", "/api/dashboards/uid/a", "").Code)
	dashtest.WriteTree(t, r.ConfigDir, map[string]string{file: `{"uid":"a","title":"New in the file","panels":[]}`})
	dashtest.Eventually(t, func() bool { return title() == "New in the file" }, "the file counts again when it changes")
}
