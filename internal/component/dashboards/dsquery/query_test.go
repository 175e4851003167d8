package dsquery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

var (
	from = time.UnixMilli(1_700_000_003_000)
	to   = from.Add(time.Hour)
)

// recorded returns the same body for every call and records the requests.
type recorded struct {
	path string
	form url.Values
}

func source(kind string, status int, body string, asked *recorded) dsquery.Source {
	return dsquery.Source{Type: kind, Do: func(_ context.Context, path string, form url.Values) (*http.Response, error) {
		*asked = recorded{path, form}
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader(body))}, nil
	}}
}

func run(t *testing.T, src dsquery.Source, query string) dsquery.Response {
	t.Helper()
	var q dsquery.Query
	require.NoError(t, json.Unmarshal([]byte(query), &q))
	return dsquery.Run(t.Context(), src, q, from, to)
}

func TestPrometheusRange(t *testing.T) {
	var asked recorded
	res := run(t, source("prometheus", 200, `{"status":"success","warnings":["careful"],"data":{"resultType":"matrix","result":[
		{"metric":{"__name__":"up","job":"a"},"values":[[1700000000.5,"1"],[1700000015,"NaN"],[1700000030,"+Inf"],[1700000045,"-Inf"]]}]}}`, &asked),
		`{"refId":"A","expr":"rate(up[$__rate_interval]) + $__interval_ms + ${__range_s:raw}","range":true,"maxDataPoints":100,"legendFormat":"{{ job }} of {{none}}"}`)
	require.Equal(t, "api/v1/query_range", asked.path)
	require.Equal(t, url.Values{
		"query": {"rate(up[1m]) + 30000 + 3600"}, "start": {"1699999980.000"}, "end": {"1700003580.000"}, "step": {"30"},
	}, asked.form)
	got, err := json.Marshal(res)
	require.NoError(t, err)
	require.JSONEq(t, `{"status":200,"frames":[{"schema":{"name":"a of ","refId":"A",
		"meta":{"type":"timeseries-multi","typeVersion":[0,1],"custom":{"resultType":"matrix"},"executedQueryString":"Expr: rate(up[1m]) + 30000 + 3600\nStep: 30s","notices":[{"severity":"warning","text":"careful"}]},
		"fields":[{"name":"Time","type":"time","typeInfo":{"frame":"time.Time"},"config":{"interval":30000}},
			{"name":"up","type":"number","typeInfo":{"frame":"float64"},"labels":{"job":"a"},"config":{"displayNameFromDS":"a of "}}]},
		"data":{"values":[[1700000000500,1700000015000,1700000030000,1700000045000],[1,null,null,null]],"entities":[null,{"NaN":[1],"Inf":[2],"NegInf":[3]}]}}]}`, string(got))
}

func TestPrometheusInstantAsTable(t *testing.T) {
	var asked recorded
	res := run(t, source("prometheus", 200, `{"status":"success","data":{"resultType":"vector","result":[
		{"metric":{"job":"a"},"value":[1700000000,"1"]},{"metric":{"job":"b","x":"<"},"value":[1700000000,"2"]}]}}`, &asked),
		`{"refId":"A","expr":"up","instant":true,"format":"table"}`)
	require.Equal(t, "api/v1/query", asked.path)
	require.Equal(t, url.Values{"query": {"up"}, "time": {"1700003603.000"}}, asked.form)
	got, err := json.Marshal(res.Frames[0])
	require.NoError(t, err)
	require.Contains(t, string(got), `"values":[[1700000000000,1700000000000],["a","b"],["","\u003c"],[1,2]]`)
	require.Contains(t, string(got), `"type":"table"`)
}

func TestPrometheusResults(t *testing.T) {
	for _, tc := range []struct{ name, query, data, want string }{
		{"vector", `{"expr":"x","instant":true}`, `{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}`, `"values":[[1000],[2]]`},
		{"scalar", `{"expr":"1","instant":true,"legendFormat":"__auto"}`, `{"resultType":"scalar","result":[1,"2"]}`, `"displayNameFromDS":"1"`},
		{"text", `{"expr":"\"a\"","instant":true}`, `{"resultType":"string","result":[1,"a"]}`, `"values":[["a"]]`},
		{"nothing", `{"expr":"x","range":true}`, `{"resultType":"matrix","result":[]}`, `"fields":[]`},
		{"auto legend", `{"expr":"x","instant":true,"legendFormat":"__auto"}`, `{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]}`, `"labels":{"a":"b"}}]`},
		{"no legend", `{"expr":"x","instant":true}`, `{"resultType":"vector","result":[{"metric":{"__name__":"m","b":"2","a":"1"},"value":[1,"2"]}]}`, `"m{a=\"1\", b=\"2\"}"`},
		{
			"native histogram", `{"expr":"h","range":true}`,
			`{"resultType":"matrix","result":[{"metric":{"job":"a"},"histograms":[[1,{"count":"3","sum":"4","buckets":[[0,"1","2","3"],[0,"2","4","5"]]}]]}]}`,
			`"values":[[1000,1000],[1,2],[2,4],[3,5]]`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked recorded
			res := run(t, source("prometheus", 200, `{"status":"success","data":`+tc.data+`}`, &asked), tc.query)
			require.Equal(t, 200, res.Status, res.Error)
			got, err := json.Marshal(res)
			require.NoError(t, err)
			require.Contains(t, string(got), tc.want)
		})
	}
}

// TestGoldenFrames compares with the frames that Grafana's data sources return for the same Prometheus and Loki responses.
func TestGoldenFrames(t *testing.T) {
	const (
		two     = `{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[0,"1"],[15,"NaN"]]},{"metric":{"__name__":"up","job":"b"},"values":[[15,"0"]]}]}`
		vector  = `{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1.5,"2"]},{"metric":{"__name__":"up","job":"b","x":"y"},"value":[1.5,"-Inf"]}]}`
		buckets = `{"resultType":"matrix","result":[{"metric":{"le":"+Inf"},"values":[[0,"5"],[15,"9"]]},{"metric":{"le":"0.5"},"values":[[0,"3"],[15,"2"]]},{"metric":{"le":"0.1"},"values":[[0,"1"]]}]}`
		native  = `{"resultType":"matrix","result":[{"metric":{"job":"a"},"histograms":[[60,{"count":"3","sum":"4","buckets":[[0,"1","2","3"]]}]]}]}`
		lines   = `{"resultType":"streams","result":[{"stream":{"app":"a","level":"info"},"values":[["1700000000000000001","one"]]},{"stream":{"app":"b"},"values":[["1700000001000000000","two"]]}]}`
		rates   = `{"resultType":"matrix","result":[{"metric":{"app":"a"},"values":[[0,"1"]]},{"metric":{},"values":[[0,"2"]]}]}`
	)
	for name, tc := range map[string]struct{ kind, query, answer string }{
		"range":                   {"prometheus", `{"expr":"up","range":true}`, two},
		"range-legend":            {"prometheus", `{"expr":"up","range":true,"legendFormat":"{{ job }} of {{__name__}}"}`, two},
		"range-auto":              {"prometheus", `{"expr":"up","range":true,"legendFormat":"__auto"}`, two},
		"range-table":             {"prometheus", `{"expr":"up","range":true,"format":"table"}`, two},
		"instant":                 {"prometheus", `{"expr":"up","instant":true}`, vector},
		"instant-table":           {"prometheus", `{"expr":"up","instant":true,"format":"table"}`, vector},
		"heatmap":                 {"prometheus", `{"expr":"b","range":true,"format":"heatmap"}`, buckets},
		"heatmap-legend":          {"prometheus", `{"expr":"b","range":true,"format":"heatmap","legendFormat":"to {{le}}"}`, buckets},
		"native-histogram":        {"prometheus", `{"expr":"h","range":true}`, native},
		"native-heatmap":          {"prometheus", `{"expr":"h","range":true,"format":"heatmap"}`, native},
		"scalar":                  {"prometheus", `{"expr":"1","instant":true,"legendFormat":"__auto"}`, `{"resultType":"scalar","result":[1,"2"]}`},
		"nothing":                 {"prometheus", `{"expr":"x","range":true}`, `{"resultType":"matrix","result":[]}`},
		"log-lines":               {"loki", `{"expr":"{app=~\".+\"}"}`, lines},
		"log-lines-forward":       {"loki", `{"expr":"{app=~\".+\"}","direction":"forward"}`, lines},
		"log-rates":               {"loki", `{"expr":"sum(rate({a=\"b\"}[$__auto]))"}`, rates},
		"log-rates-with-a-legend": {"loki", `{"expr":"sum(rate({a=\"b\"}[$__auto]))","legendFormat":"{{app}}"}`, rates},
	} {
		t.Run(name, func(t *testing.T) {
			var asked recorded
			res := run(t, source(tc.kind, 200, `{"status":"success","warnings":["careful"],"data":`+tc.answer+`}`, &asked), strings.Replace(tc.query, "{", `{"refId":"A","maxDataPoints":100,`, 1))
			require.Equal(t, 200, res.Status, res.Error)
			raw, err := json.Marshal(res.Frames)
			require.NoError(t, err)
			var got bytes.Buffer
			require.NoError(t, json.Indent(&got, raw, "", "  "))
			got.WriteByte('\n')
			file := filepath.Join("testdata", "frames", name+".json")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o750))
				require.NoError(t, os.WriteFile(file, got.Bytes(), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got.String())
		})
	}
}

var update = flag.Bool("update", false, "write golden files anew")

func TestQueriesOfOldDashboards(t *testing.T) {
	yes := true
	for text, want := range map[string]dsquery.Query{
		`{"expr":"up","step":30,"intervalFactor":"2","range":"true","interval":10}`:         {Expr: "up", Step: "30", Factor: 2, Range: &yes, Interval: "10"},
		`{"expr":"up","maxLines":"","instant":null,"legendFormat":null,"format":{"a":1}}`:   {Expr: "up"},
		`{"expr":"up","maxLines":"50","hide":"no","intervalMs":"soon","datasourceId":null}`: {Expr: "up", MaxLines: "50"},
	} {
		var q dsquery.Query
		require.NoError(t, json.Unmarshal([]byte(text), &q), text)
		require.Equal(t, want, q, text)
	}
}

func TestSeveralTablesNameTheirColumns(t *testing.T) {
	var asked recorded
	src := source("prometheus", 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1,"2"]}]}}`, &asked)
	q := dsquery.Query{RefID: "B", Expr: "up", Instant: true, Format: "table", OneOfTables: true}
	res := dsquery.Run(context.Background(), src, q, time.Unix(0, 0), time.Unix(60, 0))
	require.Equal(t, "Value #B", res.Frames[0].Fields[2].Name)
}

// Of many exemplars in one step, the highest ones and those far below are kept.
func TestExemplarsAreThinnedOut(t *testing.T) {
	exemplars := func(list ...string) []string {
		var asked recorded
		var all []string
		for _, e := range list {
			words := strings.Fields(e)
			all = append(all, `{"labels":{"trace_id":"`+words[0]+`"},"timestamp":`+words[1]+`,"value":"`+words[2]+`"}`)
		}
		res := run(t, source("prometheus", 200, `{"status":"success","data":[{"seriesLabels":{},"exemplars":[`+strings.Join(all, ",")+`]}]}`, &asked),
			`{"expr":"x","exemplar":true,"interval":"15s","maxDataPoints":10000}`)
		require.Empty(t, res.Error)
		if len(res.Frames) == 0 {
			return nil
		}
		return res.Frames[0].Fields[2].Texts
	}
	require.Equal(t, []string{"a", "d", "e"}, exemplars("a 1 10", "b 2 9", "c 3 9.5", "d 4 1", "e 16 9"))
	require.Equal(t, []string{"a"}, exemplars("a 1 5", "b 2 5"))
	require.Nil(t, exemplars())
}

func TestExemplars(t *testing.T) {
	var asked recorded
	res := run(t, source("prometheus", 200, `{"status":"success","data":[{"seriesLabels":{"job":"a"},"exemplars":[
		{"labels":{"trace_id":"t1"},"value":"6","timestamp":1700000000.25}]}]}`, &asked), `{"expr":"x","exemplar":true,"refId":"E"}`)
	require.Equal(t, "api/v1/query_exemplars", asked.path)
	got, err := json.Marshal(res.Frames[0])
	require.NoError(t, err)
	require.Contains(t, string(got), `"values":[[1700000000250],[6],["a"],["t1"]]`)
	require.Contains(t, string(got), `"name":"exemplar"`)
}

func TestLoki(t *testing.T) {
	var asked recorded
	res := run(t, source("loki", 200, `{"status":"success","data":{"resultType":"streams","result":[
		{"stream":{"app":"a"},"values":[["1700000000000000001","one"],["1700000000000000001","one"]]},
		{"stream":{"app":"b"},"values":[["1700000001000000000","<two>",{"structuredMetadata":{}}]]}]}}`, &asked),
		`{"refId":"L","expr":"{app=~\".+\"}","maxLines":50,"direction":"forward"}`)
	require.Equal(t, "loki/api/v1/query_range", asked.path)
	require.Equal(t, "50", asked.form.Get("limit"))
	require.Equal(t, "forward", asked.form.Get("direction"))
	require.Equal(t, "1700000003000000000", asked.form.Get("start"))
	got, err := json.Marshal(res.Frames[0])
	require.NoError(t, err)
	frame := string(got)
	require.Contains(t, frame, `"values":[[{"app":"a"},{"app":"a"},{"app":"b"}],[1700000000000,1700000000000,1700000001000],["one","one","\u003ctwo\u003e"],["1700000000000000001","1700000000000000001","1700000001000000000"]`)
	require.Contains(t, frame, `"nanos":[null,[1,1,0],null,null,null]`)
	require.Regexp(t, `"1700000000000000001_[0-9a-f]+","1700000000000000001_[0-9a-f]+_1"`, frame, "each line has an id of its own")

	res = run(t, source("loki", 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"app":"a"},"value":[1,"2"]}]}}`, &asked),
		`{"expr":"count_over_time({a=\"b\"}[$__auto])","queryType":"instant","step":"1m"}`)
	require.Equal(t, 200, res.Status)
	require.Equal(t, "loki/api/v1/query", asked.path)
	require.Equal(t, `count_over_time({a="b"}[1m])`, asked.form.Get("query"))
}

func TestFailures(t *testing.T) {
	for _, tc := range []struct {
		name        string
		status      int
		body, query string
		wantStatus  int
		want        string
	}{
		{"bad query", 400, `{"status":"error","errorType":"bad_data","error":"parse error"}`, `{"expr":"x("}`, 400, "bad_data: parse error"},
		{"not the API", 200, `<html>`, `{"expr":"x"}`, 502, "the response is not from the prometheus API"},
		{"proxy in between", 503, "down\nfor long", `{"expr":"x"}`, 503, ": down"},
		{"wrong credentials", 401, "no", `{"expr":"x"}`, 502, "Unauthorized: no"},
		{"empty", 200, `{}`, `{"expr":""}`, 400, "the query is empty"},
		{"interval", 200, `{}`, `{"expr":"x","interval":"soon"}`, 400, `must be a duration such as 15s or 1m, not "soon"`},
		{"new result type", 200, `{"status":"success","data":{"resultType":"new","result":1}}`, `{"expr":"x"}`, 502, `unknown result type "new"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var asked recorded
			res := run(t, source("prometheus", tc.status, tc.body, &asked), tc.query)
			require.Equal(t, tc.wantStatus, res.Status)
			require.Contains(t, res.Error, tc.want)
			require.Equal(t, "downstream", res.ErrorSource)
		})
	}
	res := run(t, dsquery.Source{Type: "prometheus", Do: func(context.Context, string, url.Values) (*http.Response, error) {
		return nil, errors.New("refused")
	}}, `{"expr":"x"}`)
	require.Equal(t, 502, res.Status)
	require.Equal(t, 400, run(t, dsquery.Source{Type: "mysql"}, `{"expr":"x"}`).Status)
}

func TestSteps(t *testing.T) {
	for _, tc := range []struct{ query, scrape, step string }{
		{`{"expr":"x","maxDataPoints":1000}`, "", "15"},
		{`{"expr":"x","maxDataPoints":60}`, "", "60"},
		{`{"expr":"x","maxDataPoints":1000,"interval":"5m"}`, "", "300"},
		{`{"expr":"x","maxDataPoints":1000,"interval":">1h"}`, "", "3600"},
		{`{"expr":"x","maxDataPoints":1000,"interval":"$__interval"}`, "30s", "30"},
		{`{"expr":"x","intervalMs":60000}`, "", "60"},
		{`{"expr":"x","maxDataPoints":1000,"intervalFactor":4}`, "", "60"},
		{`{"expr":"x","maxDataPoints":1000,"intervalMs":20000}`, "", "20"}, // the panel's minimum
		{`{"expr":"x","maxDataPoints":1000,"intervalMs":20000,"interval":"1s"}`, "", "5"},
		{`{"expr":"x","maxDataPoints":1000,"interval":"$__rate_interval"}`, "", "60"},
		{`{"expr":"x","maxDataPoints":100000000}`, "1ms", "0.5"}, // Prometheus returns at most 11,000 points
	} {
		var asked recorded
		src := source("prometheus", 200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`, &asked)
		src.TimeInterval = tc.scrape
		require.Equal(t, 200, run(t, src, tc.query).Status)
		require.Equal(t, tc.step, asked.form.Get("step"), tc.query)
	}
}

func TestStartsOfSteps(t *testing.T) {
	for offset, want := range map[string]string{"0": "1699920000.000", "3600": "1699916400.000", "-3600": "1699923600.000"} {
		var asked recorded
		src := source("prometheus", 200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`, &asked)
		require.Equal(t, 200, run(t, src, `{"expr":"x","interval":"1d","utcOffsetSec":`+offset+`}`).Status)
		require.Equal(t, want, asked.form.Get("start"), "a day begins at midnight of the page")
	}
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 3, 18, 15, 4, 5, 0, time.UTC) // a Wednesday
	for _, tc := range []struct {
		in   string
		end  bool
		want string
	}{
		{"now", false, "2026-03-18T15:04:05Z"},
		{"now-1h", false, "2026-03-18T14:04:05Z"},
		{"now-1h+30m", false, "2026-03-18T14:34:05Z"},
		{"now-1d/d", false, "2026-03-17T00:00:00Z"},
		{"now-1d/d", true, "2026-03-17T23:59:59.999Z"},
		{"now/w", false, "2026-03-15T00:00:00Z"},
		{"now/M", true, "2026-03-31T23:59:59.999Z"},
		{"now-1Q/Q", false, "2025-10-01T00:00:00Z"},
		{"now-1y/y", false, "2025-01-01T00:00:00Z"},
		{"now/h", false, "2026-03-18T15:00:00Z"},
		{"1700000000123", false, "2023-11-14T22:13:20.123Z"},
		{"2026-01-02T03:04:05+01:00", false, "2026-01-02T02:04:05Z"},
	} {
		got, err := dsquery.ParseTime(tc.in, now, tc.end)
		require.NoError(t, err, tc.in)
		require.Equal(t, tc.want, got.UTC().Format(time.RFC3339Nano), tc.in)
	}
	for _, bad := range []string{"", "yesterday", "now-", "now-1x", "now-1h/", "2026-01-02"} {
		_, err := dsquery.ParseTime(bad, now, false)
		require.Error(t, err, bad)
	}
}

func TestDurations(t *testing.T) {
	for in, want := range map[string]string{"15s": "15s", "1m30s": "90s", "7d": "7d", "500ms": "500ms", "60": "1m", "1w": "7d", "90m": "90m"} {
		d, err := dsquery.ParseDuration(in)
		require.NoError(t, err)
		require.Equal(t, want, dsquery.FormatDuration(d))
	}
	for _, bad := range []string{"", "x", "-1s", "0", "1m x"} {
		_, err := dsquery.ParseDuration(bad)
		require.Error(t, err, bad)
	}
}
