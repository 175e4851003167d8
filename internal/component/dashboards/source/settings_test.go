package source_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

// The settings that apply to every request to a data source: by the proxy (panels, variables, Explore), the query API
// and the health check.
func TestSettingsOfADatasourceReachEveryRequest(t *testing.T) {
	type asked struct{ method, path, team, timeout, own, tenant, user string }
	seen := make(chan asked, 10)
	up := dashtest.Upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		user, _, _ := r.BasicAuth()
		seen <- asked{r.Method, r.URL.Path, r.Form.Get("extra_label"), r.Form.Get("timeout"), r.Form.Get("query"), r.Header.Get("X-Scope-OrgID"), user}
		if strings.HasPrefix(r.URL.Path, "/old") && r.Method == http.MethodPost {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
	})
	common := `customQueryParameters: '?extra_label=team%3Dkiel', queryTimeout: 7s, httpHeaderName1: X-Scope-OrgID`
	secret := "secureJsonData: {httpHeaderValue1: a}"
	r := dashtest.Start(t, dashtest.Provision(
		dashtest.DS("byget", "prometheus", up.URL, "basicAuth: true", "basicAuthUser: me", "jsonData: {httpMethod: get, "+common+"}", secret),
		dashtest.DS("bypost", "prometheus", up.URL, "jsonData: {"+common+"}", secret),
		dashtest.DS("logs", "loki", up.URL, "jsonData: {"+common+"}", secret),
		dashtest.DS("old", "prometheus", up.URL+"/old", "jsonData: {"+common+"}", secret),
	))
	post := func(path, body string) {
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		req.Header.Set("X-Role", "Viewer")
		if !strings.HasPrefix(body, "{") {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		rec := httptest.NewRecorder()
		r.Server.Handler().ServeHTTP(rec, req)
		require.Equal(t, http.StatusOK, rec.Code, rec.Body)
	}
	proxied := func(uid string) func() {
		return func() { post("/api/datasources/proxy/uid/"+uid+"/api/v1/query", "query=up") }
	}
	queried := func(uid string) func() {
		return func() {
			post("/api/ds/query", `{"queries":[{"refId":"A","datasource":{"uid":"`+uid+`"},"expr":"up","instant":true}]}`)
		}
	}
	for name, tc := range map[string]struct {
		ask  func()
		want []asked
	}{
		"the proxy by GET":      {proxied("byget"), []asked{{"GET", "/api/v1/query", "team=kiel", "7s", "up", "a", "me"}}},
		"the query API by GET":  {queried("byget"), []asked{{"GET", "/api/v1/query", "team=kiel", "7s", "up", "a", "me"}}},
		"the proxy by POST":     {proxied("bypost"), []asked{{"POST", "/api/v1/query", "team=kiel", "7s", "up", "a", ""}}},
		"the query API by POST": {queried("bypost"), []asked{{"POST", "/api/v1/query", "team=kiel", "7s", "up", "a", ""}}},
		"Loki":                  {queried("logs"), []asked{{"GET", "/loki/api/v1/query", "team=kiel", "", "up", "a", ""}}},
		"a server that has no POST": {proxied("old"), []asked{
			{"POST", "/old/api/v1/query", "team=kiel", "7s", "up", "a", ""}, {"GET", "/old/api/v1/query", "team=kiel", "7s", "up", "a", ""},
		}},
		"a variable": {
			func() { r.OK("GET", "/api/datasources/proxy/uid/byget/api/v1/labels?start=1", "") }, []asked{{"GET", "/api/v1/labels", "team=kiel", "", "", "a", "me"}},
		},
		"health": {func() { r.OK("GET", "/api/datasources/uid/byget/health", "") }, []asked{{"GET", "/api/v1/query", "team=kiel", "7s", "1+1", "a", "me"}}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.ask()
			for _, want := range tc.want {
				require.Equal(t, want, <-seen)
			}
			require.Empty(t, seen)
		})
	}
}

// seriesLimit limits what Prometheus lists for every kind of request and however the setting is stored.
func TestSeriesLimit(t *testing.T) {
	seen := make(chan string, 10)
	up := dashtest.Upstream(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.FormValue("limit") })
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("number", "prometheus", up.URL, "jsonData: {seriesLimit: 500}"), dashtest.DS("text", "prometheus", up.URL, "jsonData: {seriesLimit: '500', httpMethod: GET}"),
		dashtest.DS("off", "prometheus", up.URL, "jsonData: {seriesLimit: 0}"), dashtest.DS("logs", "loki", up.URL, "jsonData: {seriesLimit: 500}")))
	r.OK("POST", "/api/datasources", `{"uid":"stored","name":"Stored","type":"prometheus","url":"`+up.URL+`","jsonData":{"seriesLimit":500}}`)
	require.Contains(t, r.Log.String(), "seriesLimit has no effect, because Loki has no such limit")
	r.Stop()
	r.Run() // read what is stored from the database
	for _, tc := range []struct{ uid, path, form, want string }{
		{"number", "series?match[]=up", "", "500"},
		{"number", "labels", "", "500"},
		{"number", "label/a%2Fb/values?limit=7", "", "7"},
		{"number", "label/job/values?limit=900", "", "500"},
		{"number", "labels?limit=0", "", "500"},
		{"number", "series", "match[]=up", "500"},
		{"number", "series", "match[]=up&limit=900", "500"},
		{"text", "series", "match[]=up&limit=900", "500"},
		{"text", "labels", "start=1&limit=7", "7"},
		{"stored", "labels", "", "500"},
		{"number", "query?query=up", "", ""},
		{"off", "labels", "", ""},
	} {
		method := http.MethodGet
		if tc.form != "" {
			method = http.MethodPost
		}
		req := httptest.NewRequest(method, "/api/datasources/proxy/uid/"+tc.uid+"/api/v1/"+tc.path, strings.NewReader(tc.form))
		req.Header.Set("X-Role", "Viewer")
		if tc.form != "" {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Server.Handler().ServeHTTP(httptest.NewRecorder(), req)
		require.Equal(t, tc.want, <-seen, tc)
	}
}

// keepCookies names the caller's cookies that the data source receives, but never those that authenticate the caller here.
func TestKeepCookies(t *testing.T) {
	seen := make(chan string, 10)
	up := dashtest.Upstream(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Cookie")
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
	})
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("kept", "prometheus", up.URL, "jsonData: {keepCookies: [sso, ausguck_session, other]}"), dashtest.DS("none", "prometheus", up.URL)),
		func(o *dashboards.Options) { o.OwnCookies = []string{"ausguck_session"} })
	for _, tc := range []struct{ method, path, body, want string }{
		{"GET", "/api/datasources/proxy/uid/kept/api/v1/labels", "", "sso=a; other=b"},
		{"GET", "/api/datasources/uid/kept/resources/api/v1/labels", "", "sso=a; other=b"},
		{"GET", "/api/datasources/uid/kept/health", "", "sso=a; other=b"},
		{"POST", "/api/ds/query", `{"queries":[{"refId":"A","datasource":{"uid":"kept"},"expr":"up","instant":true}]}`, "sso=a; other=b"},
		{"GET", "/api/datasources/proxy/uid/none/api/v1/labels", "", ""},
	} {
		req := httptest.NewRequest(tc.method, tc.path, strings.NewReader(tc.body))
		req.Header.Set("X-Role", "Viewer")
		req.Header.Set("Cookie", "sso=a; ausguck_session=secret; unknown=c; other=b")
		rec := httptest.NewRecorder()
		r.Server.Handler().ServeHTTP(rec, req)
		require.Equal(t, http.StatusOK, rec.Code, rec.Body)
		require.Equal(t, tc.want, <-seen, tc.path)
	}
}

// maxLines may also be a number, as in files and old formats.
func TestMaxLines(t *testing.T) {
	seen := make(chan string, 10)
	up := dashtest.Upstream(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.FormValue("limit")
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"streams","result":[]}}`)
	})
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("number", "loki", up.URL, "jsonData: {maxLines: 7}"), dashtest.DS("text", "loki", up.URL, "jsonData: {maxLines: '7'}")))
	for _, uid := range []string{"number", "text"} {
		r.OK("POST", "/api/ds/query", `{"queries":[{"refId":"A","datasource":{"uid":"`+uid+`"},"expr":"{a=\"b\"}"}]}`)
		require.Equal(t, "7", <-seen, uid)
	}
}
