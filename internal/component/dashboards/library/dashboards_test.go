package library_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
	"github.com/ausguck/ausguck/internal/grafana"
)

func TestBadDashboardsAreRefusedWithAReason(t *testing.T) {
	r := dashtest.Start(t, nil)
	for _, tc := range []struct {
		body, want string
		code       int
	}{
		{``, "bad request data: it is empty", 400},
		{`{`, "bad request data: line 1", 400},
		{`[]`, "Not a dashboard, but a list", 400},
		{`{"dashboard":{}}`, "Dashboard title cannot be empty", 400},
		{`{"dashboard":{"title":"A","uid":"a/b"}}`, "uid contains illegal characters", 400},
		{`{"dashboard":{"title":"A","uid":"` + strings.Repeat("x", 41) + `"}}`, "uid too long, max 40 characters", 400},
		{`{"dashboard":{"title":"A"},"folderUid":"none"}`, "folder not found", 400},
		{`{"dashboard":{"title":"A"},"folderId":99}`, "folder not found", 400},
		{`{"dashboard":{"title":"A","id":99}}`, "Dashboard not found", 404},
		{`{"dashboard":{"title":"A","panels":{}}}`, "Panels: must be a list of objects", 400},
		{`{"dashboard":{"title":"` + strings.Repeat("x", 11<<20) + `"}}`, "The request exceeds the limit of 10 MiB", 413},
		{`{"dashboard":{"title":"A","panels":[` + strings.TrimSuffix(strings.Repeat(`{},`, 10_001), ",") + `]}}`, "the limit is 10000", 400},
	} {
		a := r.Admin("POST", "/api/dashboards/db", tc.body)
		name := tc.body[:min(len(tc.body), 60)]
		require.Equal(t, tc.code, a.Code, "%s: %s", name, a.Body)
		require.Contains(t, dashtest.At(t, dashtest.Decoded(t, a.Body), "message"), tc.want, name)
	}
	require.Equal(t, "empty-name", dashtest.At(t, dashtest.Decoded(t, r.Admin("POST", "/api/dashboards/db", `{"dashboard":{}}`).Body), "status"))
	require.Len(t, r.OK("GET", "/api/search?type=dash-db", ""), 2, "only the built-in ones")
}

func TestImport(t *testing.T) {
	r := dashtest.Start(t, nil)
	original, err := os.ReadFile("../../../../../shared/original/dashboard.json")
	require.NoError(t, err)
	got := r.OK("POST", "/api/dashboards/import", string(original))
	require.Equal(t, true, dashtest.At(t, got, "imported"))
	require.Equal(t, "Code Agent MVP - Production Dashboard", dashtest.At(t, got, "title"))
	uid := dashtest.At(t, got, "uid").(string)
	require.Equal(t, "/d/"+uid+"/code-agent-mvp-production-dashboard", dashtest.At(t, got, "importedUrl"))
	require.Len(t, dashtest.At(t, r.OK("GET", "/api/dashboards/uid/"+uid, ""), "dashboard", "panels"), 5)

	r.OK("POST", "/api/folders", `{"uid":"team","title":"Team"}`)
	exported := `{"id":12345,"uid":"exp","title":"Exported","__inputs":[{"name":"DS_P","type":"datasource","pluginId":"prometheus"},{"name":"DS_L","type":"datasource","pluginId":"loki"}],
		"panels":[{"datasource":"${DS_P}"},{"datasource":{"uid":"${DS_L}"}}]}`
	got = r.OK("POST", "/api/dashboards/import", `{"dashboard":`+exported+`,"inputs":[{"name":"DS_P","type":"datasource","pluginId":"prometheus","value":"chosen"}],"folderUid":"team","overwrite":false}`)
	require.Equal(t, "team", dashtest.At(t, got, "folderUid"))
	panels := dashtest.At(t, r.OK("GET", "/api/dashboards/uid/exp", ""), "dashboard", "panels")
	require.Equal(t, "chosen", dashtest.At(t, panels, 0, "datasource"), "what the person chose")
	require.Equal(t, "loki", dashtest.At(t, panels, 1, "datasource", "uid"), "the default of the type")
	require.Equal(t, http.StatusPreconditionFailed, r.Admin("POST", "/api/dashboards/import", `{"dashboard":`+exported+`,"folderUid":"team"}`).Code)
	require.Equal(t, 2.0, dashtest.At(t, r.OK("POST", "/api/dashboards/import", `{"dashboard":`+exported+`,"folderUid":"team","overwrite":true}`), "revision"))
	for _, file := range []string{
		`{"dashboard":{"uid":"exp","title":"Another","version":2}}`, `{"dashboard":{"uid":"exp","title":"Exported","version":2},"folderUid":"team"}`,
		`{"uid":"exp","title":"Exported","version":2}`, `{"meta":{"version":2},"dashboard":{"uid":"exp","id":1,"title":"Exported","version":2}}`,
	} {
		a := r.Admin("POST", "/api/dashboards/import", file)
		require.Equal(t, http.StatusPreconditionFailed, a.Code, "%s: %s", file, a.Body)
		require.Equal(t, "version-mismatch", dashtest.At(t, dashtest.Decoded(t, a.Body), "status"), "a file is not what somebody has changed here")
	}
	a := r.Admin("POST", "/api/dashboards/import", `{"dashboard":{"title":"Exported"},"folderUid":"team"}`)
	require.Equal(t, "name-exists", dashtest.At(t, dashtest.Decoded(t, a.Body), "status"))

	got = r.OK("POST", "/api/dashboards/import", `{"apiVersion":"dashboard.grafana.app/v1","kind":"Dashboard","metadata":{"name":"k","annotations":{"grafana.app/folder":"elsewhere"}},"spec":{"title":"K"}}`)
	require.Equal(t, "", dashtest.At(t, got, "folderUid"), "a folder of another Grafana is not here")

	v2, err := os.ReadFile("../dashjson/testdata/v2beta1.json")
	require.NoError(t, err)
	got = r.OK("POST", "/api/dashboards/import", string(v2))
	require.Equal(t, "svc-v2", dashtest.At(t, got, "uid"))
	require.Equal(t, "team", dashtest.At(t, got, "folderUid"), "the folder that it names")
	require.Contains(t, dashtest.At(t, got, "notices"), "conditional rendering is not known here; everything is shown")
	require.NotEmpty(t, dashtest.At(t, r.OK("GET", "/api/dashboards/uid/svc-v2", ""), "dashboard", "panels"))
}

func TestWhatComesOutGoesInAgain(t *testing.T) {
	r := dashtest.Start(t, nil)
	files, err := filepath.Glob("../../../../../shared/dashboards/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		uid := dashtest.At(t, r.OK("POST", "/api/dashboards/import", string(content)), "uid").(string)
		first := r.Admin("GET", "/api/dashboards/uid/"+uid, "").Body
		require.Equal(t, 2.0, r.Save(first)["version"], file) // the response of GET is one of the shapes
		second := r.Admin("GET", "/api/dashboards/uid/"+uid, "").Body
		body := regexp.MustCompile(`(?s)"dashboard":\{"id".*`)
		require.Equal(t, strings.Replace(body.FindString(first), `"version":1}}`, `"version":2}}`, 1), body.FindString(second), file)
	}
}

func TestSearch(t *testing.T) {
	r := dashtest.Start(t, nil)
	r.OK("POST", "/api/folders", `{"uid":"f","title":"Net"}`)
	r.Save(`{"dashboard":{"uid":"n1","title":"Network errors","tags":["net","prod"]},"folderUid":"f"}`)
	r.Save(`{"dashboard":{"uid":"n2","title":"network traffic","tags":["net"]}}`)
	r.OK("POST", "/api/user/stars/dashboard/uid/n2", "")
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
		for _, h := range r.OK("GET", "/api/search?"+query, "").([]any) {
			titles = append(titles, dashtest.At(t, h, "title").(string))
		}
		require.Equal(t, want, strings.Join(titles, " "), query)
	}
	require.Empty(t, r.OK("GET", "/api/user/stars", "").([]any)[1:])
	other := r.As(grafana.Viewer, "GET", "/api/search?starred=true", "")
	require.Equal(t, "[]", other.Body, "stars are everybody's own")
	require.Equal(t, http.StatusUnprocessableEntity, r.Admin("GET", "/api/search?limit=5001", "").Code)
	require.Equal(t, http.StatusBadRequest, r.Admin("GET", "/api/search?limit=x", "").Code)
	require.Equal(t, http.StatusBadRequest, r.Admin("GET", "/api/search?type=x", "").Code)
	r.OK("DELETE", "/api/user/stars/dashboard/uid/n2", "")
	require.Equal(t, "[]", r.Admin("GET", "/api/user/stars", "").Body)
}
