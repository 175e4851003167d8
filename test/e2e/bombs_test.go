package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/bounds/boundstest"
)

// bombAnswer bounds how long the rejection of a bomb may take, including sending it.
const bombAnswer = 10 * time.Second

// refusal matches the message for a rejected request: the limit that it exceeds.
var refusal = regexp.MustCompile(`longer than 131072 bytes|deeper than 2[05]0 |more than \d+ operators|up to 1048576 bytes|repeat more than|would take more than|larger than \d+ MiB|claims to hold|has protobuf groups|templates? (in|of) (the|a) query|in a query template`)

// bombed starts Ausguck on a separate address with all of its ports.
func bombed(t *testing.T, host string) *server {
	t.Helper()
	s := launchAt(t, host+":3000", append([]string{
		"--config.dir=" + t.TempDir(), "--storage.path=" + t.TempDir(), "--web.listen-address=" + host + ":3000",
		"--web.enable-remote-write-receiver", "--web.enable-otlp-receiver", "--web.enable-admin-api",
	}, metricsOnly...)...)
	s.waitReady(t, readyTimeout)
	return s
}

// survives sends a bomb: the response arrives in time, is 4xx and names the limit, and the same process continues to
// respond.
func (s *server) survives(t *testing.T, method, port, path, media, encoding string, body []byte) {
	t.Helper()
	host, _, _ := strings.Cut(s.address, ":")
	started := time.Now()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+":"+port+path, bytes.NewReader(body))
	require.NoError(t, err)
	r.SetBasicAuth("admin", adminPassword)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	response, err := s.client.Do(r)
	require.NoError(t, err, "%s %s", method, path)
	answer, err := readAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, 4, response.StatusCode/100, "%s %s: %d %.300s", port, path, response.StatusCode, answer)
	require.Regexp(t, refusal, answer, "%s %s", port, path)
	require.Less(t, time.Since(started), bombAnswer, "%s %s", port, path)
	select {
	case <-s.exited:
		require.FailNow(t, "the process has ended", "%s %s", port, path)
	default:
	}
}

var queries = map[string]string{
	"calls":       strings.Repeat("ln(", 1_000_000),
	"parentheses": strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000),
	"additions":   "1" + strings.Repeat("+1", 60_000),
	"powers":      "1" + strings.Repeat("^1", 60_000),
	"regexp":      `{a=~"` + strings.Repeat("x{1000}", 2000) + `"}`,
}

func TestQueryBombs(t *testing.T) {
	t.Parallel()
	s := bombed(t, "127.0.32.1")
	const form = "application/x-www-form-urlencoded"
	for _, route := range []struct {
		ports, paths []string
		field        string
	}{
		{[]string{"3000", "9090"}, []string{"/api/v1/query", "/api/v1/query_range?start=0&end=1&step=1", "/api/v1/query_exemplars?start=0&end=1", "/api/v1/parse_query", "/api/v1/format_query"}, "query"},
		{[]string{"3000", "9090"}, []string{"/api/v1/series", "/api/v1/labels", "/api/v1/admin/tsdb/delete_series"}, "match[]"},
		{[]string{"3000", "3100"}, []string{
			"/loki/api/v1/query", "/loki/api/v1/query_range", "/loki/api/v1/index/stats", "/loki/api/v1/index/volume", "/loki/api/v1/index/volume_range",
			"/loki/api/v1/patterns", "/loki/api/v1/detected_labels", "/loki/api/v1/detected_fields", "/loki/api/v1/delete?start=0", "/loki/api/v1/format_query", "/loki/api/v1/labels", "/api/prom/query", "/loki/api/v1/tail",
		}, "query"},
		{[]string{"3000", "3100"}, []string{"/loki/api/v1/series", "/api/prom/series"}, "match[]"},
	} {
		for _, query := range queries {
			for _, port := range route.ports {
				for _, path := range route.paths {
					s.survives(t, http.MethodPost, port, path, form, "", []byte(url.Values{route.field: {query}}.Encode()))
				}
			}
			if len(query) < 100_000 { // the maximum size of a header
				escaped := route.field + "=" + url.QueryEscape(query)
				for _, path := range []string{"/federate?", "/api/v1/label/job/values?"} {
					if route.field == "match[]" && route.ports[1] == "9090" {
						s.survives(t, http.MethodGet, "9090", path+escaped, "", "", nil)
					}
				}
				if route.ports[1] == "3100" && route.field == "query" {
					s.survives(t, http.MethodGet, "3100", "/loki/api/v1/label/job/values?"+escaped, "", "", nil)
					s.survives(t, http.MethodGet, "3100", "/loki/api/v1/tail?"+escaped, "", "", nil)
				}
			}
		}
	}
	s.dsqueryBombs(t)
	for _, query := range queries {
		rule := "name: g\nrules:\n  - record: a:b\n    expr: '" + query + "'\n"
		for _, port := range []string{"3000", "3100"} {
			s.survives(t, http.MethodPost, port, "/loki/api/v1/rules/ns", "application/yaml", "", []byte(rule))
		}
	}
	s.url = "http://" + s.address
	status, _ := s.do(t, http.MethodGet, "/api/v1/query?query=1", as("admin", adminPassword), "")
	require.Equal(t, http.StatusOK, status)
}

// dsqueryBombs sends queries through Grafana's API, whose response has an error per query.
func (s *server) dsqueryBombs(t *testing.T) {
	t.Helper()
	status, sources := s.do(t, http.MethodGet, "/api/datasources", nil, "")
	require.Equal(t, http.StatusOK, status, sources)
	var found []struct{ UID, Type string }
	require.NoError(t, json.Unmarshal([]byte(sources), &found))
	asked := 0
	for _, source := range found {
		if source.Type != "prometheus" && source.Type != "loki" {
			continue
		}
		for _, query := range queries {
			body, err := json.Marshal(map[string]any{"from": "now-1h", "to": "now", "queries": []any{map[string]any{
				"refId": "A", "expr": query, "datasource": map[string]string{"uid": source.UID, "type": source.Type}, "maxDataPoints": 10, "intervalMs": 1000,
			}}})
			require.NoError(t, err)
			s.survives(t, http.MethodPost, "3000", "/api/ds/query", "application/json", "", body)
			asked++
		}
	}
	require.Positive(t, asked)
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func TestPushBombs(t *testing.T) {
	t.Parallel()
	s := bombed(t, "127.0.32.2")
	const proto, jsonType = "application/x-protobuf", "application/json"
	logs, metrics := boundstest.NestedLogs(2_000_000), boundstest.NestedMetrics(2_000_000)
	deepValue := strings.Repeat(`{"arrayValue":{"values":[`, 1_000_000)
	deepLogs := []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":` + deepValue)
	deepMetrics := []byte(`{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":` + deepValue)
	arrays := []byte(strings.Repeat("[", 1_000_000))
	zeros := make([]byte, 256<<20)
	packedZeros := zipped(zeros)
	many := snappy.Encode(nil, bytes.Repeat([]byte{0x0a, 0}, 16<<20))
	v2 := proto + ";proto=io.prometheus.write.v2.Request"
	for _, port := range []string{"3000", "9090"} {
		s.survives(t, "POST", port, "/api/v1/otlp/v1/metrics", proto, "", metrics)
		s.survives(t, "POST", port, "/api/v1/otlp/v1/metrics", proto, "gzip", zipped(metrics))
		s.survives(t, "POST", port, "/api/v1/otlp/v1/metrics", jsonType, "", deepMetrics)
		s.survives(t, "POST", port, "/api/v1/otlp/v1/metrics", jsonType, "gzip", packedZeros)
		s.survives(t, "POST", port, "/api/v1/write", proto, "snappy", many)
		s.survives(t, "POST", port, "/api/v1/write", v2, "snappy", snappy.Encode(nil, bytes.Repeat([]byte{0x2a, 0}, 16<<20)))
		s.survives(t, "POST", port, "/api/v1/write", proto, "snappy", snappy.Encode(nil, zeros))
		s.survives(t, "POST", port, "/api/v1/write", v2, "snappy", binary.AppendUvarint(nil, 1<<31))
		s.survives(t, "POST", port, "/api/v1/write", proto, "snappy", snappy.Encode(nil, bytes.Repeat([]byte{0x0b}, 1<<20)))
		s.survives(t, "POST", port, "/api/v1/read", proto, "snappy", many)
	}
	spans := boundstest.NestedSpans(2_000_000)
	for _, port := range []string{"3000", "4317", "4318"} {
		for path, bomb := range map[string][]byte{"/v1/metrics": metrics, "/v1/logs": logs, "/v1/traces": spans} {
			s.survives(t, "POST", port, path, proto, "", bomb)
			s.survives(t, "POST", port, path, proto, "gzip", zipped(bomb))
			s.survives(t, "POST", port, path, jsonType, "", deepLogs)
			s.survives(t, "POST", port, path, jsonType, "gzip", packedZeros)
		}
		const export = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
		s.survives(t, "POST", port, export, "application/grpc", "", boundstest.Frame(false, logs))
	}
	for _, port := range []string{"3000", "3100"} {
		s.survives(t, "POST", port, "/otlp/v1/logs", proto, "", logs)
		s.survives(t, "POST", port, "/otlp/v1/logs", proto, "gzip", zipped(logs))
		s.survives(t, "POST", port, "/otlp/v1/logs", jsonType, "", deepLogs)
		for _, path := range []string{"/loki/api/v1/push", "/api/prom/push"} {
			s.survives(t, "POST", port, path, jsonType, "", append([]byte(`{"streams":`), arrays...))
			s.survives(t, "POST", port, path, jsonType, "gzip", packedZeros)
			s.survives(t, "POST", port, path, proto, "", many)
			s.survives(t, "POST", port, path, proto, "", snappy.Encode(nil, zeros))
		}
	}
	for port, paths := range map[string][]string{
		"3000": {"/api/v2/silences", "/api/v2/alerts", "/api/dashboards/db", "/api/ds/query", "/api/ausguck/query", "/api/folders", "/api/annotations", "/api/datasources", "/api/admin/users", "/api/serviceaccounts", "/api/library-elements", "/api/ausguck/alerting/test"},
		"9093": {"/api/v2/silences", "/api/v2/alerts"},
	} {
		for _, path := range paths {
			s.survives(t, "POST", port, path, jsonType, "", append([]byte(`{"dashboard":`), arrays...))
			s.survives(t, "POST", port, path, jsonType, "", []byte("["+strings.Repeat("{},", 5<<20)+"0]"))
			s.survives(t, "POST", port, path, jsonType, "", zeros[:20<<20])
		}
	}
	figure(t, "peak memory after push bombs %d MB", s.memory(t, "VmHWM")>>20)
	status, _ := s.do(t, http.MethodGet, "/api/v1/query?query=1", nil, "")
	require.Equal(t, http.StatusOK, status)
}

// Pushes in every encoding still arrive.
func TestPushesThatAreFine(t *testing.T) {
	t.Parallel()
	s := bombed(t, "127.0.32.3")
	now := time.Now()
	line := fmt.Sprintf(`{"streams":[{"stream":{"job":"push"},"values":[["%d","hello"]]}]}`, now.UnixNano())
	otlp := fmt.Sprintf(`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"otlp"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"%d","body":{"stringValue":"hello"}}]}]}]}`, now.UnixNano())
	for _, c := range []struct {
		path, encoding string
		body           []byte
	}{
		{"/loki/api/v1/push", "", []byte(line)},
		{"/loki/api/v1/push", "gzip", zipped([]byte(line))},
		{"/otlp/v1/logs", "", []byte(otlp)},
		{"/otlp/v1/logs", "gzip", zipped([]byte(otlp))},
	} {
		status, answer := s.do(t, http.MethodPost, c.path, map[string]string{"Content-Type": "application/json", "Content-Encoding": c.encoding}, string(c.body))
		require.Equal(t, 2, status/100, "%s %s: %s", c.path, c.encoding, answer)
	}
	status, answer := s.do(t, http.MethodPost, "/api/v1/write", map[string]string{"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}, string(snappy.Encode(nil, nil)))
	require.Equal(t, 2, status/100, answer)
	eventually(t, readyTimeout, func() error {
		status, answer := s.do(t, http.MethodPost, "/loki/api/v1/query_range", map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, url.Values{"query": {`{job="push"}`}}.Encode())
		return errUnless(status == http.StatusOK && strings.Contains(answer, "hello"), "%d %s", status, answer)
	})
	// A template is executed for each line found, and there is one now.
	for _, template := range []string{`{{repeat 30000000000 "x"}}`, `{{range 30000000000}}x{{end}}`} {
		query := url.Values{"query": {"{job=`push`} | line_format `" + template + "`"}}.Encode()
		s.address, _, _ = strings.Cut(s.address, ":")
		s.survives(t, http.MethodPost, "3100", "/loki/api/v1/query_range", "application/x-www-form-urlencoded", "", []byte(query))
	}
}
