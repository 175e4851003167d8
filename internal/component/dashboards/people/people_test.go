package people_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
	"github.com/ausguck/ausguck/internal/component/dashboards/people"
	"github.com/ausguck/ausguck/internal/grafana"
)

func TestAnnotations(t *testing.T) {
	r := dashtest.Start(t, nil)
	r.Save(`{"dashboard":{"uid":"a","title":"A"}}`)
	add := func(body string) string {
		return fmt.Sprintf("/api/annotations/%.0f", dashtest.At(t, r.OK("POST", "/api/annotations", body), "id"))
	}
	one := add(`{"dashboardUID":"a","panelId":1,"time":1000,"text":"one","tags":["x","y","x"," "]}`)
	add(`{"time":2000,"timeEnd":3000,"text":"two","tags":["y"],"data":{"k":[1]}}`)
	add(`{"text":"now"}`)
	texts := func(query string) string {
		var out []string
		for _, a := range r.OK("GET", "/api/annotations?"+query, "").([]any) {
			out = append(out, dashtest.At(t, a, "text").(string))
		}
		return strings.Join(out, " ")
	}
	for query, want := range map[string]string{
		"": "now two one", "from=500&to=1500": "one", "from=2500&to=2600": "two", "limit=1": "now", "dashboardUID=a": "one", "dashboardUID=a&panelId=2": "",
		"tags=x&tags=y": "one", "tags=x&tags=y&matchAny=true": "two one", "tags=y": "two one", "type=alert": "", "userId=7": "now two one", "userId=8": "",
	} {
		require.Equal(t, want, texts(query), query)
	}
	got := r.OK("GET", one, "")
	require.Equal(t, []any{"x", "y"}, dashtest.At(t, got, "tags"))
	require.Equal(t, "admin", dashtest.At(t, got, "login"))
	require.Equal(t, 1000.0, dashtest.At(t, got, "timeEnd"))
	require.Equal(t, "Annotation patched", dashtest.At(t, r.OK("PATCH", one, `{"text":"changed"}`), "message"))
	require.Equal(t, []any{"x", "y"}, dashtest.At(t, r.OK("GET", one, ""), "tags"))
	require.Equal(t, "Annotation updated", dashtest.At(t, r.OK("PUT", one, `{"text":"replaced","time":9000,"timeEnd":8000}`), "message"))
	got = r.OK("GET", one, "")
	require.Equal(t, []any{}, dashtest.At(t, got, "tags"))
	require.Equal(t, []any{8000.0, 9000.0}, []any{dashtest.At(t, got, "time"), dashtest.At(t, got, "timeEnd")})
	require.Equal(t, map[string]any{"tags": []any{map[string]any{"tag": "y", "count": 1.0}}}, dashtest.At(t, r.OK("GET", "/api/annotations/tags?tag=Y", ""), "result"))
	r.OK("DELETE", one, "")
	require.Equal(t, http.StatusNotFound, r.Admin("GET", one, "").Code)

	for body, want := range map[string]string{
		`{}`: "text field should not be empty", `{"text":"a","dashboardUID":"none"}`: "Dashboard not found", `{"text":"a","time":"x"}`: "bad request data",
		`{"text":"` + strings.Repeat("x", 70<<10) + `"}`: "64 KiB", `{"text":"a","tags":["` + strings.Repeat("x", 300) + `"]}`: "at most 100 tags",
	} {
		a := r.Admin("POST", "/api/annotations", body)
		require.GreaterOrEqual(t, a.Code, 400)
		require.Contains(t, dashtest.At(t, dashtest.Decoded(t, a.Body), "message"), want)
	}
	// Annotations older than a year are deleted at every start: all but the one just created.
	r.Stop()
	r.Run()
	require.Equal(t, "now", texts(""))
}

func TestPreferences(t *testing.T) {
	r := dashtest.Start(t, nil)
	r.OK("PUT", "/api/org/preferences", `{"theme":"light","timezone":"utc","homeDashboardUID":"ausguck-host"}`)
	r.OK("PATCH", "/api/user/preferences", `{"weekStart":"monday"}`)
	r.OK("PATCH", "/api/user/preferences", `{"theme":"dark"}`)
	require.Equal(t, map[string]any{"theme": "dark", "timezone": "", "weekStart": "monday"}, r.OK("GET", "/api/user/preferences", ""))
	p, err := r.Server.UserPreferences(t.Context(), grafana.Caller{UID: "u-admin"})
	require.NoError(t, err)
	require.Equal(t, people.Preferences{Theme: "dark", Timezone: "utc", WeekStart: "monday", HomeDashboardUID: "ausguck-host"}, p)
	require.Equal(t, "/d/ausguck-host/host", dashtest.At(t, r.OK("GET", "/api/dashboards/home", ""), "redirectUri"))
	r.OK("PUT", "/api/user/preferences", `{}`)
	require.Equal(t, map[string]any{"theme": "", "timezone": "", "weekStart": ""}, r.OK("GET", "/api/user/preferences", ""))
	for body, want := range map[string]string{
		`{"theme":"pink"}`: "Invalid theme", `{"timezone":"../etc"}`: "Invalid timezone", `{"weekStart":"friday"}`: "Invalid week start", `{"homeDashboardUID":"none"}`: "Dashboard not found",
	} {
		a := r.Admin("PATCH", "/api/user/preferences", body)
		require.Contains(t, dashtest.At(t, dashtest.Decoded(t, a.Body), "message"), want)
		require.NotEqual(t, http.StatusOK, a.Code)
	}
	r.OK("PATCH", "/api/user/preferences", `{"timezone":"Europe/Berlin"}`)
}

func TestShortLinks(t *testing.T) {
	r := dashtest.Start(t, nil, func(o *dashboards.Options) { o.AppURL = "https://example.com/mon/" })
	got := r.OK("POST", "/api/short-urls", `{"path":"d/a/b?from=now-1h&var-x=a%2Fb"}`)
	require.Equal(t, got, r.OK("POST", "/api/short-urls", `{"path":"d/a/b?from=now-1h&var-x=a%2Fb"}`), "the same link for the same page")
	require.Equal(t, fmt.Sprintf("https://example.com/mon/goto/%s?orgId=1", dashtest.At(t, got, "uid")), dashtest.At(t, got, "url"))
	a := r.As(grafana.Viewer, "GET", "/goto/"+dashtest.At(t, got, "uid").(string), "")
	require.Equal(t, http.StatusFound, a.Code)
	require.Equal(t, "/mon/d/a/b?from=now-1h&var-x=a%2Fb", a.Header.Get("Location"))
	for _, path := range []string{"", "/d/a", "//evil.example.com", "https://evil.example.com", `\\evil`, "javascript:alert(1)", "d/../../x", "d/a\\r\\nX: y"} {
		a := r.Admin("POST", "/api/short-urls", fmt.Sprintf(`{"path":"%s"}`, strings.ReplaceAll(path, `\\e`, `\\\\e`)))
		require.Equal(t, http.StatusBadRequest, a.Code, path)
	}
}
