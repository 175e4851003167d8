package source_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

func TestDatasourcesByAPI(t *testing.T) {
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("main", "prometheus", "http://a:1")))
	got := r.OK("POST", "/api/datasources", `{"name":"Mine","type":"loki","access":"proxy","url":"http://b:2","jsonData":{"maxLines":"7"},"secureJsonData":{"basicAuthPassword":"geheim"}}`)
	require.Equal(t, "Datasource added", dashtest.At(t, got, "message"))
	require.Equal(t, map[string]any{"basicAuthPassword": true}, dashtest.At(t, got, "datasource", "secureJsonFields"))
	uid := dashtest.At(t, got, "datasource", "uid").(string)
	for body, code := range map[string]int{
		`{"name":"Mine","type":"loki","url":"http://b"}`:                                       409,
		`{"name":"X","uid":"main","type":"loki","url":"http://b"}`:                             409,
		`{"name":"X","type":"loki","url":"ftp://a"}`:                                           400,
		`{"name":"","type":"loki","url":"http://b"}`:                                           400,
		`{"name":"X","type":"loki","url":"http://b","jsonData":{"httpHeaderValue1":"secret"}}`: 400,
		`{"name":"X","uid":"a/b","type":"loki","url":"http://b"}`:                              400,
	} {
		require.Equal(t, code, r.Admin("POST", "/api/datasources", body).Code, body)
	}
	got = r.OK("PUT", "/api/datasources/uid/"+uid, `{"name":"Renamed","type":"loki","url":"http://c:3","isDefault":true,"version":1}`)
	require.Equal(t, 2.0, dashtest.At(t, got, "datasource", "version"))
	require.Equal(t, map[string]any{"basicAuthPassword": true}, dashtest.At(t, got, "datasource", "secureJsonFields"), "a secret that is not sent stays")
	require.Equal(t, http.StatusConflict, r.Admin("PUT", "/api/datasources/uid/"+uid, `{"name":"Renamed","type":"loki","url":"http://c:3","version":1}`).Code)
	require.Equal(t, "Renamed", dashtest.At(t, r.OK("GET", "/api/frontend/settings", ""), "defaultDatasource"))
	require.NotContains(t, r.Admin("GET", "/api/frontend/settings", "").Body, "geheim")
	defaults := 0
	for _, d := range r.OK("GET", "/api/datasources", "").([]any) {
		if dashtest.At(t, d, "isDefault") == true {
			defaults++
		}
	}
	require.Equal(t, 1, defaults)

	for method, want := range map[string]string{"PUT": "Cannot update read-only data source", "DELETE": "Cannot delete read-only data source"} {
		a := r.Admin(method, "/api/datasources/uid/main", `{"name":"x","type":"loki","url":"http://b"}`)
		require.Equal(t, http.StatusForbidden, a.Code)
		require.Contains(t, a.Body, want)
	}
	before := r.OK("GET", "/api/datasources/uid/"+uid, "")
	r.Stop()
	r.Run()
	require.Equal(t, before, r.OK("GET", "/api/datasources/uid/"+uid, ""), "after a restart")
	require.Equal(t, "Data source deleted", dashtest.At(t, r.OK("DELETE", "/api/datasources/name/Renamed", ""), "message"))
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/datasources/uid/"+uid, "").Code)
}

func TestDefaultDatasources(t *testing.T) {
	names := func(r *dashtest.Rig) (out []string) {
		for _, d := range r.OK("GET", "/api/datasources", "").([]any) {
			name := dashtest.At(t, d, "name").(string)
			if dashtest.At(t, d, "isDefault") == true {
				name += "*"
			}
			out = append(out, name)
		}
		return out
	}
	require.Equal(t, []string{"Alertmanager", "Loki", "Prometheus*"}, names(dashtest.Start(t, nil)))
	require.Equal(t, []string{"Alertmanager", "Loki", "Mine*"}, names(dashtest.Start(t, map[string]string{
		dashtest.SourcesFile: "datasources: [{name: Mine, type: prometheus, url: 'http://a'}]",
	})), "the built-in one of a type gives way, and there is always a default")
	require.Equal(t, []string{"Alertmanager", "logs", "Prometheus", "Trace*"}, names(dashtest.Start(t, map[string]string{
		dashtest.SourcesFile:                      "datasources: [{name: Trace, type: tempo, isDefault: true}, {name: logs, type: loki, uid: y, url: 'http://a'}]",
		"grafana/provisioning/datasources/b.yaml": "deleteDatasources: [{name: gone, orgId: 1}]",
	})))
}

// A damaged row affects only its own data source.
func TestDamagedDataSource(t *testing.T) {
	r := dashtest.Start(t, nil)
	for _, uid := range []string{"good", "bad"} {
		r.OK("POST", "/api/datasources", `{"name":"`+uid+`","uid":"`+uid+`","type":"prometheus","url":"http://127.0.0.1:1","access":"proxy"}`)
	}
	r.Stop()
	exec(r, `UPDATE datasources SET body = '{"type":' WHERE uid = 'bad'`)
	notices := r.Damaged()
	require.Len(t, notices, 1)
	require.Equal(t, `the data source "bad"`, notices[0].Lost)
	r.OK("GET", "/api/datasources/uid/good", "")
}
