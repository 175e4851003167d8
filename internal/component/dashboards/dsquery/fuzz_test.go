package dsquery_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

// Any request and any server response result in a response that can be encoded.
func FuzzRun(f *testing.F) {
	answers := []string{
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"2"],[2,"NaN"]]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"+Inf"]}]}}`,
		`{"status":"success","data":{"resultType":"streams","result":[{"stream":{"a":"b"},"values":[["1","x"],["2","y",{"c":"d"}]]}]}}`,
		`{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`,
		`{"status":"success","data":[{"seriesLabels":{},"exemplars":[{"labels":{},"value":"1","timestamp":1}]}]}`,
		`{"status":"error","errorType":"x","error":"y"}`, `{`, `[]`,
	}
	queries := []string{
		`{"refId":"A","expr":"up[$__interval]","legendFormat":"{{a}}","intervalMs":1e9,"maxDataPoints":1}`,
		`{"expr":"a","instant":true,"range":true,"exemplar":true,"intervalFactor":1e300,"step":"5m"}`,
		`{"expr":"{a=\"b\"}","maxLines":"99999999999999999999","direction":"forward","queryType":"instant"}`,
		`{"expr":"$__rate_interval $__range_s","interval":"0s","timeRange":{"from":"now-1y/d","to":"now"}}`,
	}
	for _, q := range queries {
		for _, a := range answers {
			f.Add(true, "now-1h", q, a)
			f.Add(false, "1700000000000", q, a)
		}
	}
	before := debug.SetMaxStack(16 << 20)
	f.Cleanup(func() { debug.SetMaxStack(before) })
	f.Fuzz(func(t *testing.T, prometheus bool, from, query, answer string) {
		var q dsquery.Query
		if json.Unmarshal([]byte(query), &q) != nil {
			return
		}
		now := time.UnixMilli(1_700_000_000_000)
		start, err := dsquery.ParseTime(from, now, false)
		if err != nil {
			return
		}
		src := dsquery.Source{Type: "loki", Do: func(context.Context, string, url.Values) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer))}, nil
		}}
		if prometheus {
			src.Type = "prometheus"
		}
		began := time.Now()
		response := dsquery.Run(t.Context(), src, q, start, now)
		if _, err := json.Marshal(response); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}
