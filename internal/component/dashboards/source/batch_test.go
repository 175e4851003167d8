package source_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
	"github.com/ausguck/ausguck/internal/grafana"
)

// batchRig is an HTTP server whose data source answers "quick" immediately; it holds queries containing "slow" until
// the request ends, and then reports them.
type batchRig struct {
	*dashtest.Rig
	url    string
	asked  chan string
	ended  chan string
	client *http.Client
}

func startBatch(t *testing.T) *batchRig {
	b := &batchRig{asked: make(chan string, 300), ended: make(chan string, 300), client: &http.Client{Timeout: 20 * time.Second}}
	part := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		query := r.Form.Get("query")
		if strings.Contains(query, "slow") {
			b.asked <- query
			<-r.Context().Done()
			b.ended <- query
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"q":%q},"value":[1,"2"]}]}}`, query)
	})
	b.Rig = dashtest.Start(t, dashtest.Provision(dashtest.DS("main", "prometheus", "http://prometheus:9090")), func(o *dashboards.Options) {
		o.Inside = func(host string) http.Handler { return map[string]http.Handler{"prometheus:9090": part}[host] }
	})
	server := httptest.NewServer(b.Server.Handler())
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func asking(exprs ...string) string {
	queries := make([]string, len(exprs))
	for i, expr := range exprs {
		queries[i] = fmt.Sprintf(`{"refId":"%c","datasource":{"uid":"main"},"expr":%q,"instant":true}`, 'A'+i, expr)
	}
	return `{"from":"0","to":"1000","queries":[` + strings.Join(queries, ",") + `]}`
}

func (b *batchRig) do(t *testing.T, role grafana.Role, method, path, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("X-Role", string(role))
	res, err := b.client.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

type batchLine struct {
	Request, Status int
	Body            json.RawMessage
}

func next(t *testing.T, lines *bufio.Reader) batchLine {
	t.Helper()
	text, err := lines.ReadBytes('\n')
	require.NoError(t, err)
	var line batchLine
	require.NoError(t, json.Unmarshal(text, &line))
	return line
}

func (b *batchRig) isAsked(t *testing.T, query string) {
	t.Helper()
	require.Equal(t, query, receive(t, b.asked))
}

func receive(t *testing.T, from chan string) string {
	t.Helper()
	select {
	case text := <-from:
		return text
	case <-time.After(20 * time.Second):
		t.Fatal("waited in vain")
		return ""
	}
}

// Slow requests do not delay others, each request gets the response it would get by itself, and requests are canceled
// individually.
func TestBatch(t *testing.T) {
	b := startBatch(t)
	quick, twice := asking("quick"), strings.ReplaceAll(asking("quick", "quick"), `"B"`, `"A"`)
	partly := asking("quick", "")
	res := b.do(t, grafana.Viewer, "POST", "/api/ausguck/query", `{"id":"one","requests":[`+strings.Join([]string{asking("slow"), quick, twice, partly, `{"queries":[]}`}, ",")+`]}`)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "application/x-ndjson; charset=UTF-8", res.Header.Get("Content-Type"))
	lines := bufio.NewReader(res.Body)
	got := map[int]batchLine{}
	for range 4 {
		line := next(t, lines)
		got[line.Request] = line
	}
	for i, alone := range map[int]string{1: quick, 2: twice, 3: partly, 4: `{"queries":[]}`} {
		want := b.As(grafana.Viewer, "POST", "/api/ds/query", alone)
		require.Equal(t, want.Code, got[i].Status, alone)
		require.JSONEq(t, want.Body, string(got[i].Body), alone)
	}
	require.Equal(t, http.StatusMultiStatus, got[3].Status)

	b.isAsked(t, "slow")
	for _, other := range []struct {
		role grafana.Role
		path string
	}{{grafana.Editor, "one?request=0"}, {grafana.Viewer, "two?request=0"}, {grafana.Viewer, "one?request=1&request=5&request=-1"}} {
		require.Equal(t, http.StatusOK, b.do(t, other.role, "DELETE", "/api/ausguck/query/"+other.path, "").StatusCode)
	}
	require.Equal(t, http.StatusBadRequest, b.do(t, grafana.Viewer, "DELETE", "/api/ausguck/query/one?request=x", "").StatusCode)
	require.Equal(t, http.StatusBadRequest, b.do(t, grafana.Viewer, "POST", "/api/ausguck/query", `{"id":"one","requests":[`+quick+`]}`).StatusCode, "it runs")
	require.Empty(t, b.ended, "nobody but who asked cancels it")
	require.Equal(t, http.StatusOK, b.do(t, grafana.Viewer, "DELETE", "/api/ausguck/query/one?request=0", "").StatusCode)
	require.Equal(t, "slow", receive(t, b.ended))
	_, err := lines.ReadBytes('\n')
	require.ErrorIs(t, err, io.EOF, "what was cancelled has no answer, and the batch is done")
	again := b.do(t, grafana.Viewer, "POST", "/api/ausguck/query", `{"id":"one","requests":[`+quick+`]}`)
	require.Equal(t, 0, next(t, bufio.NewReader(again.Body)).Request, "its name is free")
}

func TestBatchEndsWithTheConnection(t *testing.T) {
	b := startBatch(t)
	res := b.do(t, grafana.Viewer, "POST", "/api/ausguck/query", `{"requests":[`+strings.Repeat(asking("slow")+",", 7)+asking("quick")+`]}`)
	for range 6 {
		b.isAsked(t, "slow")
	}
	require.NoError(t, res.Body.Close())
	for range 6 {
		require.Equal(t, "slow", receive(t, b.ended))
	}
}

func TestBatchLimits(t *testing.T) {
	b := startBatch(t)
	for _, tc := range []struct{ body, want string }{
		{`{}`, "a batch has 1 to 100 requests, not 0"},
		{`{"requests":[` + strings.Repeat(asking("quick")+",", 100) + asking("quick") + `]}`, "a batch has 1 to 100 requests, not 101"},
		{`{"requests":[` + asking(slices.Repeat([]string{"quick"}, 20)...) + strings.Repeat(","+asking(slices.Repeat([]string{"quick"}, 20)...), 10) + `]}`, "220 queries exceed the limit of 200"},
		{`{"id":"../x","requests":[` + asking("quick") + `]}`, "id:"},
		{`{"requests":7}`, "bad request data"},
	} {
		res := b.do(t, grafana.Viewer, "POST", "/api/ausguck/query", tc.body)
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, res.StatusCode)
		require.Contains(t, string(text), tc.want)
	}
}
