package source_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

// Files are accepted as Grafana accepts them: what Grafana corrects automatically must not prevent startup.
func TestDatasourceFilesAsGrafanaReadsThem(t *testing.T) {
	for name, tt := range map[string]struct {
		file, want string // a part of the response for the data source
		warning    string
	}{
		"access with a comma":      {"access: 'proxy,'\n    url: http://a:1", `"access":"proxy"`, `access: "proxy," is treated as proxy`},
		"access of old files":      {"access: browser\n    url: http://a:1", `"access":"proxy"`, `access: "browser" is treated as proxy`},
		"address without a scheme": {"url: a:1/path", `"url":"http://a:1/path"`, ""},
		"only a host":              {"url: a", `"url":"http://a"`, ""},
		"quoted values":            {"url: http://a:1\n    orgId: \"1\"\n    isDefault: \"true\"\n    editable: \"false\"\n    version: \"2\"\n    basicAuth: \"1\"", `"basicAuth":true`, ""},
		"empty values":             {"url: http://a:1\n    isDefault: \"\"\n    version: \"\"", `"isDefault":true`, ""}, // there is no other
	} {
		t.Run(name, func(t *testing.T) {
			r := dashtest.Start(t, map[string]string{dashtest.SourcesFile: "apiVersion: 1\ndatasources:\n  - name: One\n    uid: one\n    type: prometheus\n    " + tt.file + "\n"})
			require.Contains(t, r.Admin("GET", "/api/datasources/uid/one", "").Body, tt.want)
			require.Contains(t, strings.ReplaceAll(r.Log.String(), `\"`, `"`), tt.warning)
		})
	}
}

// A long-term store becomes the default with one line, and without it the built-in Prometheus is the default again, wherever it is listed.
func TestDefaultBesideAStore(t *testing.T) {
	for name, tt := range map[string]struct{ line, want string }{
		"store":    {"isDefault: true, ", "thanos"},
		"built-in": {"", "prometheus"},
	} {
		t.Run(name, func(t *testing.T) {
			r := dashtest.Start(t, map[string]string{dashtest.SourcesFile: "datasources: [{" + tt.line +
				"name: Thanos, uid: thanos, type: prometheus, url: 'http://a:1'}, {name: Prometheus, uid: prometheus, type: prometheus, url: 'http://prometheus:9090'}]"})
			for _, uid := range []string{"thanos", "prometheus"} {
				require.Equal(t, uid == tt.want, dashtest.At(t, r.OK("GET", "/api/datasources/uid/"+uid, ""), "isDefault"), uid)
			}
		})
	}
}

// Without apiVersion, the keys are those of Grafana 4.
func TestDatasourceFilesOfTheOldForm(t *testing.T) {
	r := dashtest.Start(t, map[string]string{dashtest.SourcesFile: `
delete_datasources: [{name: Gone, org_id: 1}]
datasources:
  - {name: Other, type: prometheus, org_id: 1, url: 'http://a:1'}
  - name: Store
    type: prometheus
    url: http://a:1
    is_default: true
    basic_auth: true
    basic_auth_user: reader
    json_data: {timeInterval: 5s, tlsSkipVerify: true}
    secure_json_data: {basicAuthPassword: secret}
`})
	body := r.Admin("GET", "/api/datasources/name/Store", "").Body
	for _, want := range []string{`"isDefault":true`, `"basicAuth":true`, `"basicAuthUser":"reader"`, `"timeInterval":"5s"`, `"tlsSkipVerify":true`, `"basicAuthPassword":true`} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, r.Log.String(), "unknown field")
}

// Grafana reads one file after the other: the last definition of a name wins, and a file deletes what earlier files
// have created.
func TestOfOneNameTheLastFileCounts(t *testing.T) {
	const dir = "grafana/provisioning/datasources/"
	r := dashtest.Start(t, map[string]string{
		dir + "a.yml": `datasources:
  - {name: Main, uid: main, type: prometheus, url: 'http://old:1', user: old, jsonData: {timeInterval: 5s}}
  - {name: Moves, uid: before, type: prometheus, url: 'http://old:1'}
  - {name: Goes, uid: goes, type: loki, url: 'http://old:1'}
`,
		dir + "b.yml": `deleteDatasources: [{name: Goes}]
datasources:
  - {name: Main, type: loki, url: 'http://new:1'}
  - {name: Moves, uid: after, type: prometheus, url: 'http://new:1'}
  - {name: Takes, uid: before, type: loki, url: 'http://new:1'}
`,
	})
	got := r.OK("GET", "/api/datasources/uid/main", "")
	require.Equal(t, []any{"Main", "loki", "http://new:1", "", map[string]any{}}, []any{dashtest.At(t, got, "name"), dashtest.At(t, got, "type"), dashtest.At(t, got, "url"), dashtest.At(t, got, "user"), dashtest.At(t, got, "jsonData")},
		"the uid stays when the last file states none")
	require.Equal(t, "Moves", dashtest.At(t, r.OK("GET", "/api/datasources/uid/after", ""), "name"))
	require.Equal(t, "Takes", dashtest.At(t, r.OK("GET", "/api/datasources/uid/before", ""), "name"), "a uid that is free again")
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/datasources/name/Goes", "").Code)
	require.Contains(t, r.Log.String(), "replaces the data source of this name at")
}
