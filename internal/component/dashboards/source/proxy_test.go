package source_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
	"github.com/ausguck/ausguck/internal/grafana"
)

func TestProxySendsTheDatasourcesCredentialsAndNoneOfTheCaller(t *testing.T) {
	up := dashtest.Upstream(t, nil)
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("main", "prometheus", up.URL+"/base/", "basicAuth: true", "basicAuthUser: me",
		"jsonData: {httpHeaderName1: X-Scope-OrgID}", "secureJsonData: {basicAuthPassword: word, httpHeaderValue1: tenant-a}")))
	front := httptest.NewServer(r.Server.Handler())
	t.Cleanup(front.Close)
	req, err := http.NewRequest(http.MethodPost, front.URL+"/api/datasources/proxy/uid/main/api/v1/query?x=a%20b", strings.NewReader("query=up"))
	require.NoError(t, err)
	req.Header.Set("X-Role", "Viewer")
	req.Header.Set("Cookie", "session=secret")
	req.Header.Set("Authorization", "Bearer secret")
	req.Header.Set("X-Forwarded-Host", "forged")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode, string(body))
	require.Equal(t, fmt.Sprintf("POST /base/api/v1/query?x=a%%20b host=%s cookie=\"\" authorization=\"Basic bWU6d29yZA==\" tenant=\"tenant-a\" forwarded=%q body=query=up",
		strings.TrimPrefix(up.URL, "http://"), strings.TrimPrefix(front.URL, "http://")), string(body))
	require.Empty(t, res.Header.Get("Set-Cookie"))
	require.Empty(t, res.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "sandbox", res.Header.Get("Content-Security-Policy"))
	require.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
}

func TestProxyPaths(t *testing.T) {
	up := dashtest.Upstream(t, nil)
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("prom", "prometheus", up.URL), dashtest.DS("logs", "loki", up.URL)))
	id := dashtest.At(t, r.OK("GET", "/api/datasources/uid/prom", ""), "id").(float64)
	for _, tc := range []struct{ path, want string }{
		{"/api/datasources/proxy/uid/prom/api/v1/label/a%2Fb/values", "GET /api/v1/label/a%2Fb/values"},
		{fmt.Sprintf("/api/datasources/proxy/%.0f/api/v1/labels?start=1", id), "GET /api/v1/labels?start=1"},
		{"/api/datasources/uid/prom/resources/api/v1/labels", "GET /api/v1/labels"},
		{"/api/datasources/uid/logs/resources/labels", "GET /loki/api/v1/labels"},
		{"/api/datasources/proxy/uid/prom/api/v1/label/__name__/values?match[]=%7Ba%3D%22b%22%7D", "GET /api/v1/label/__name__/values?match[]=%7Ba%3D%22b%22%7D"},
	} {
		a := r.As(grafana.Viewer, "GET", tc.path, "")
		require.Equal(t, http.StatusOK, a.Code, "%s: %s", tc.path, a.Body)
		require.Equal(t, tc.want, strings.Join(strings.Fields(a.Body)[:2], " "))
	}
	for _, path := range []string{
		"/api/datasources/proxy/uid/prom/api/v1/%2e%2e/%2e%2e/-/quit", "/api/datasources/proxy/uid/prom/api/v1/label/..%2f..%2f../values",
		"/api/datasources/proxy/uid/prom/api/v1/label/%5c/values", "/api/datasources/proxy/uid/prom/./api/v1/query",
	} {
		require.Equal(t, http.StatusBadRequest, r.Admin("GET", path, "").Code, path)
	}
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/datasources/proxy/uid/none/api/v1/query", "").Code)
	require.Equal(t, http.StatusBadRequest, r.Admin("GET", "/api/datasources/proxy/none/api/v1/query", "").Code)
}

func TestProxyRights(t *testing.T) {
	up := dashtest.Upstream(t, nil)
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("prom", "prometheus", up.URL), dashtest.DS("logs", "loki", up.URL), dashtest.DS("am", "alertmanager", up.URL), dashtest.DS("other", "tempo", up.URL)))
	for _, tc := range []struct {
		method, path string
		needs        grafana.Role
	}{
		{"GET", "prom/api/v1/query", grafana.Viewer},
		{"POST", "prom/api/v1/query_range", grafana.Viewer},
		{"GET", "prom/api/v1/label/job/values", grafana.Viewer},
		{"GET", "prom/api/v1/targets", grafana.Viewer},
		{"POST", "prom/api/v1/targets", grafana.Admin},
		{"DELETE", "prom/api/v1/series", grafana.Admin},
		{"GET", "prom/api/v1/status/config", grafana.Admin},
		{"POST", "prom/api/v1/admin/tsdb/delete_series", grafana.Admin},
		{"POST", "prom/api/v1/write", grafana.Admin},
		{"POST", "prom/-/reload", grafana.Admin},
		{"GET", "prom/-/healthy", grafana.Admin},
		{"GET", "prom/federate", grafana.Admin},
		{"GET", "prom/metrics", grafana.Admin},
		{"GET", "prom/debug/pprof/heap", grafana.Admin},
		{"GET", "prom/", grafana.Admin},
		{"GET", "logs/loki/api/v1/query_range", grafana.Viewer},
		{"GET", "logs/loki/api/v1/label/app/values", grafana.Viewer},
		{"POST", "logs/loki/api/v1/push", grafana.Admin},
		{"POST", "logs/loki/api/v1/delete", grafana.Admin},
		{"POST", "logs/flush", grafana.Admin},
		{"GET", "am/api/v2/silences", grafana.Viewer},
		{"POST", "am/api/v2/silences", grafana.Editor},
		{"DELETE", "am/api/v2/silence/x", grafana.Editor},
		{"POST", "am/-/reload", grafana.Admin},
		{"GET", "other/api/search", grafana.Admin},
	} {
		for _, role := range []grafana.Role{grafana.Viewer, grafana.Editor, grafana.Admin} {
			want := http.StatusForbidden
			if role.Includes(tc.needs) {
				want = http.StatusOK
			}
			a := r.As(role, tc.method, "/api/datasources/proxy/uid/"+tc.path, "")
			require.Equal(t, want, a.Code, "%s %s as %s: %s", tc.method, tc.path, role, a.Body)
		}
	}
}

// A part of the process is called directly, without a connection, and notices when the request ends.
func TestPartsOfTheProcessAreCalled(t *testing.T) {
	ended := make(chan struct{})
	part := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/series" {
			<-r.Context().Done()
			close(ended)
			return
		}
		_ = r.ParseForm()
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"q":%q},"value":[1,"2"]}]}}`, r.Form.Get("query"))
	})
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("main", "prometheus", "http://prometheus:9090", "jsonData: {timeout: 0.2}")), func(o *dashboards.Options) {
		o.Inside = func(host string) http.Handler { return map[string]http.Handler{"prometheus:9090": part}[host] }
	})
	a := r.As(grafana.Viewer, "POST", "/api/ds/query", `{"queries":[{"refId":"A","datasource":{"uid":"main"},"expr":"up","instant":true}]}`)
	require.Equal(t, http.StatusOK, a.Code, a.Body)
	require.Equal(t, map[string]any{"q": "up"}, dashtest.At(t, dashtest.Decoded(t, a.Body), "results", "A", "frames", 0, "schema", "fields", 1, "labels"))
	require.Equal(t, http.StatusGatewayTimeout, r.Admin("GET", "/api/datasources/proxy/uid/main/api/v1/series", "").Code)
	<-ended
}

func TestProxyFailures(t *testing.T) {
	slow := dashtest.Upstream(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	closed := dashtest.Upstream(t, nil)
	closed.Close()
	login := dashtest.Upstream(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "labels") {
			http.Redirect(w, r, "https://elsewhere.example.com/", http.StatusFound)
			return
		}
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
	})
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("slow", "prometheus", slow.URL, "jsonData: {timeout: 0.2}"), dashtest.DS("closed", "prometheus", closed.URL), dashtest.DS("login", "prometheus", login.URL)))
	a := r.Admin("GET", "/api/datasources/proxy/uid/slow/api/v1/query", "")
	require.Equal(t, http.StatusGatewayTimeout, a.Code)
	require.Contains(t, a.Body, "Datasource slow at "+slow.URL+" does not answer: it took longer than the timeout")
	a = r.Admin("GET", "/api/datasources/proxy/uid/closed/api/v1/query", "")
	require.Equal(t, http.StatusBadGateway, a.Code)
	require.Contains(t, dashtest.At(t, dashtest.Decoded(t, a.Body), "message"), "connection refused")
	a = r.Admin("GET", "/api/datasources/proxy/uid/login/api/v1/query", "")
	require.Equal(t, http.StatusBadGateway, a.Code, "a 401 of a datasource is not the end of the caller's session")
	require.Empty(t, a.Header.Get("WWW-Authenticate"))
	a = r.Admin("GET", "/api/datasources/proxy/uid/login/api/v1/labels", "")
	require.Empty(t, a.Header.Get("Location"))
}

func TestProxyStreams(t *testing.T) {
	next := make(chan struct{})
	up := dashtest.Upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "first")
		w.(http.Flusher).Flush()
		<-next
		fmt.Fprintln(w, "second")
	})
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("prom", "prometheus", up.URL, "jsonData: {timeout: 0.1}")))
	front := httptest.NewServer(r.Server.Handler())
	t.Cleanup(front.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL+"/api/datasources/proxy/uid/prom/api/v1/query", nil)
	require.NoError(t, err)
	req.Header.Set("X-Role", "Viewer")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "first\n", line, "while the datasource still works")
	time.AfterFunc(200*time.Millisecond, func() { close(next) })
	line, err = lines.ReadString('\n')
	require.NoError(t, err, "the timeout is one to the head of the answer")
	require.Equal(t, "second\n", line)
}

func TestProxyUpgradesToAWebSocket(t *testing.T) {
	up := dashtest.Upstream(t, func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(buf, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_ = buf.Flush()
		line, _ := buf.ReadString('\n')
		fmt.Fprintf(buf, "got %s%s\n", line, r.URL.String())
		_ = buf.Flush()
	})
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("logs", "loki", up.URL)))
	front := httptest.NewServer(r.Server.Handler())
	t.Cleanup(front.Close)
	var d net.Dialer
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(front.URL, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "GET /api/datasources/proxy/uid/logs/loki/api/v1/tail?query=x HTTP/1.1\r\nHost: a\r\nX-Role: Viewer\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	fmt.Fprintf(conn, "hello\n")
	first, err := in.ReadString('\n')
	require.NoError(t, err)
	second, err := in.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "got hello\n/loki/api/v1/tail?query=x\n", first+second)
}

func TestDatasourceHealth(t *testing.T) {
	prom := dashtest.Upstream(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"status":"success","data":{"asked":%q}}`, r.URL.String())
	})
	am := dashtest.Upstream(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"versionInfo":{}}`) })
	page := dashtest.Upstream(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html>`) })
	gone := dashtest.Upstream(t, nil)
	gone.Close()
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("prom", "prometheus", prom.URL), dashtest.DS("logs", "loki", prom.URL), dashtest.DS("am", "alertmanager", am.URL),
		dashtest.DS("page", "prometheus", page.URL), dashtest.DS("gone", "loki", gone.URL), dashtest.DS("other", "tempo", page.URL)))
	for uid, want := range map[string]string{
		"prom": "Successfully queried the Prometheus API.", "logs": "Data source successfully connected.", "am": "Health check passed.",
	} {
		require.Equal(t, map[string]any{"status": "OK", "message": want}, r.OK("GET", "/api/datasources/uid/"+uid+"/health", ""))
	}
	a := r.Admin("GET", "/api/datasources/uid/page/health", "")
	require.Equal(t, http.StatusBadRequest, a.Code)
	require.Equal(t, "ERROR", dashtest.At(t, dashtest.Decoded(t, a.Body), "status"))
	require.Contains(t, a.Body, "answered, but not as the Prometheus API does")
	require.Contains(t, r.Admin("GET", "/api/datasources/uid/gone/health", "").Body, "does not answer")
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/datasources/uid/other/health", "").Code)
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/datasources/uid/none/health", "").Code)
}

func TestTLSSettingsOfADatasource(t *testing.T) {
	up := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"success"}`) }))
	t.Cleanup(up.Close)
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("strict", "prometheus", up.URL), dashtest.DS("skip", "prometheus", up.URL, "jsonData: {tlsSkipVerify: true}"),
		dashtest.DS("badca", "prometheus", up.URL, "jsonData: {tlsAuthWithCACert: true}", "secureJsonData: {tlsCACert: nonsense}"),
		dashtest.DS("badkey", "prometheus", up.URL, "jsonData: {tlsAuth: true}")))
	require.Equal(t, http.StatusOK, r.Admin("GET", "/api/datasources/uid/skip/health", "").Code)
	require.Contains(t, r.Admin("GET", "/api/datasources/uid/strict/health", "").Body, "certificate")
	require.Contains(t, r.Admin("GET", "/api/datasources/uid/badca/health", "").Body, "tlsCACert contains no PEM certificate")
	require.Contains(t, r.Admin("GET", "/api/datasources/proxy/uid/badkey/api/v1/query", "").Body, "tlsClientCert and tlsClientKey")
}

func TestQueries(t *testing.T) {
	prom := dashtest.Upstream(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.Form.Get("query") == "bad(" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"parse error"}`)
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"q":%q,"method":%q,"extra":%q},"value":[1700000000,"1"]}]}}`,
			r.Form.Get("query"), r.Method, r.Form.Get("extra"))
	})
	r := dashtest.Start(t, dashtest.Provision(dashtest.DS("main", "prometheus", prom.URL, "isDefault: true", "jsonData: {customQueryParameters: 'extra=1'}")))
	ask := func(queries string) dashtest.Answer {
		return r.As(grafana.Viewer, "POST", "/api/ds/query", `{"from":"now-1h","to":"now","queries":[`+queries+`]}`)
	}
	good := `{"refId":"A","datasource":{"type":"prometheus","uid":"main"},"expr":"up","instant":true}`
	a := ask(good)
	require.Equal(t, http.StatusOK, a.Code, a.Body)
	labels := dashtest.At(t, dashtest.Decoded(t, a.Body), "results", "A", "frames", 0, "schema", "fields", 1, "labels")
	require.Equal(t, map[string]any{"q": "up", "method": "POST", "extra": "1"}, labels)

	a = ask(good + `,{"refId":"B","datasource":"main","expr":"bad("}`)
	require.Equal(t, http.StatusMultiStatus, a.Code)
	require.Equal(t, "bad_data: parse error", dashtest.At(t, dashtest.Decoded(t, a.Body), "results", "B", "error"))
	require.Equal(t, 400.0, dashtest.At(t, dashtest.Decoded(t, a.Body), "results", "B", "status"))
	require.Equal(t, 200.0, dashtest.At(t, dashtest.Decoded(t, a.Body), "results", "A", "status"))
	require.Equal(t, http.StatusBadRequest, ask(`{"refId":"B","expr":"bad("}`).Code, "none was answered; the default datasource")

	for _, tc := range []struct {
		body, want string
		code       int
	}{
		{`{"queries":[]}`, "No queries found", 400},
		{`{`, "bad request data", 400},
		{`{"queries":[{"datasource":{"uid":"none"},"expr":"x"}]}`, "Data source not found", 404},
		{`{"from":"soon","queries":[{"expr":"x"}]}`, `from: a time such as now-1h`, 400},
		{`{"from":"now","to":"now-1h","queries":[{"expr":"x"}]}`, "is after to", 400},
		{`{"queries":[{"refId":"A","expr":"x"},{"refId":"A","expr":"y"}]}`, `refId "A" is used twice`, 400},
	} {
		a := r.Admin("POST", "/api/ds/query", tc.body)
		require.Equal(t, tc.code, a.Code, tc.body)
		require.Contains(t, dashtest.At(t, dashtest.Decoded(t, a.Body), "message"), tc.want)
	}
	require.Equal(t, http.StatusNotFound, r.Admin("POST", "/api/tsdb/query", "{}").Code)

	hidden := strings.Replace(good, `"refId":"A"`, `"refId":"A","hide":true`, 1)
	a = ask(hidden + `,{"refId":"B","datasource":{"type":"__expr__","uid":"__expr__"},"type":"math","expression":"$A * 3"},
		{"refId":"C","datasource":{"uid":"-100"},"type":"math","expression":"$X"}`)
	require.Equal(t, http.StatusMultiStatus, a.Code, a.Body)
	results := dashtest.At(t, dashtest.Decoded(t, a.Body), "results").(map[string]any)
	require.NotContains(t, results, "A", "it is hidden")
	require.Equal(t, []any{3.0}, dashtest.At(t, results, "B", "frames", 0, "data", "values", 0))
	require.Equal(t, "[sse.parseError] failed to parse expression [C]: unable to find dependent node 'X'", dashtest.At(t, results, "C", "error"))
}
