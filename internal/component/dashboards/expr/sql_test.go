package expr

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

func TestSQL(t *testing.T) {
	sql := func(text string) dsquery.Response {
		raw, err := json.Marshal(map[string]string{"refId": "C", "type": "sql", "expression": text})
		require.NoError(t, err)
		return request(t, `{"refId":"A","hide":true}`, `{"refId":"B","hide":true}`, string(raw), `{"refId":"D","type":"math","expression":"$C * 2","hide":true}`)["C"]
	}
	for text, want := range map[string]string{
		"SELECT host, __value__ FROM A ORDER BY host DESC":                                                                             "host:b,a __value__:2,1",
		"select __metric_name__ m, __display_name__ d, __value__ v from `A` where host = 'a'":                                          "m:load d:a v:1",
		"SELECT host, max(__value__) AS top FROM B GROUP BY host ORDER BY host":                                                        "host:a,b top:3,6",
		"SELECT A.host, A.__value__ + B.__value__ s FROM A JOIN B ON A.host = B.host WHERE B.time > '2023-11-14 22:13:21' ORDER BY s;": "host:a,b s:4,8",
		"SELECT time FROM B WHERE host = 'a' LIMIT 1":                                                                                  "time:2023-11-14T22:13:20Z",
		"WITH x AS (SELECT 1 AS n UNION ALL SELECT 2) SELECT sum(n) n FROM x":                                                          "n:3",
		"SELECT ';' AS semicolon -- one; statement":                                                                                    "semicolon:;",
	} {
		res := sql(text)
		require.Empty(t, res.Error, text)
		var got []string
		for _, f := range res.Frames[0].Fields {
			var cells []string
			for i := range max(len(f.Texts), len(f.Points), len(f.Times)) {
				switch {
				case f.Times != nil:
					cells = append(cells, f.Times[i].Format(time.RFC3339))
				case f.Points != nil:
					cells = append(cells, fmt.Sprint(*f.Points[i]))
				default:
					cells = append(cells, f.Texts[i])
				}
			}
			got = append(got, f.Name+":"+strings.Join(cells, ","))
		}
		require.Equal(t, want, strings.Join(got, " "), text)
		require.Equal(t, dialect, res.Frames[0].Meta["notices"].([]any)[0].(map[string]any)["text"])
	}

	dir := t.TempDir()
	for _, text := range []string{
		"DELETE FROM A", "ATTACH '" + dir + "/x' AS x", "SELECT 1; ATTACH '" + dir + "/x' AS x", "SELECT 1; PRAGMA hard_heap_limit = 1", "PRAGMA query_only = 0",
		"SELECT 1; VACUUM INTO '" + dir + "/x'", "WITH a AS (SELECT 1) DELETE FROM A", "SELECT load_extension('x')", "SELECT readfile('/etc/hosts')",
		"SELECT nothing FROM A", "SELECT * FROM none", "EXPLAIN SELECT 1",
		"SELECT randomblob(1000000)", `SELECT "zeroblob"(1000000)`, "SELECT printf('%1000000d', 1)", "SELECT hex(hex(hex(hex(hex(hex(hex(hex(hex(hex('" + strings.Repeat("x", 5000) + "'))))))))))",
		"WITH n(i, t) AS (SELECT 1, '" + strings.Repeat("x", 100_000) + "' UNION ALL SELECT i + 1, t FROM n) SELECT t FROM n",
	} {
		require.NotEmpty(t, sql(text).Error, text)
	}
	require.Contains(t, sql("SELECT nothing FROM A").Error, "SQL expressions run on SQLite here")
	require.NoFileExists(t, dir+"/x")

	big := sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
	require.Empty(t, big.Error)
	require.Len(t, big.Frames[0].Fields[0].Points, maxCells)
	require.Len(t, big.Frames[0].Meta["notices"], 2)
	require.True(t, slices.ContainsFunc(big.Frames[0].Meta["notices"].([]any), func(n any) bool { return n.(map[string]any)["severity"] == "warning" }))
}
