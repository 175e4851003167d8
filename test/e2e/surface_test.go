package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// surfaceFlags enable everything that the HTTP surface can show.
var surfaceFlags = []string{
	"--web.enable-lifecycle", "--web.enable-admin-api", "--web.enable-remote-write-receiver", "--web.enable-otlp-receiver",
	"--enable-feature=exemplar-storage,search-api",
}

// surface is a list of requests: method, path and query, and the form of a POST. Each is sent to Ausguck and to the
// stock Prometheus; the status, the content type and the shape of the JSON have to be equal.
const surface = `
OPTIONS /api/v1/query
GET /api/v1/query?query=up
GET /api/v1/query?query=up&stats=all
GET /api/v1/query?query=surface_total&limit=1
GET /api/v1/query?query=vector(1)&time=1700000000
GET /api/v1/query?query=surface_seconds_bucket[1m]
GET /api/v1/query?query=up&timeout=30s&lookback_delta=1m
GET /api/v1/query?query=rate(up[5m])
GET /api/v1/query?query=sum(
GET /api/v1/query?query=up&time=yesterday
GET /api/v1/query
POST /api/v1/query query=up
POST /api/v1/query query=nosuchfunction()
GET /api/v1/query_range?query=up&start=$start&end=$end&step=1
GET /api/v1/query_range?query=up&start=$start&end=$end&step=0
GET /api/v1/query_range?query=up&start=0&end=$end&step=1
GET /api/v1/query_range?query=up&start=$end&end=$start&step=1
POST /api/v1/query_range query=count(up)&start=$start&end=$end&step=1
GET /api/v1/query_exemplars?query=surface_seconds_bucket&start=$start&end=$end
POST /api/v1/query_exemplars query=surface_seconds_bucket&start=$start&end=$end
GET /api/v1/query_exemplars?query=
GET /api/v1/format_query?query=sum(up)by(job)
POST /api/v1/format_query query=sum(up)by(job)
GET /api/v1/format_query?query=sum(
GET /api/v1/parse_query?query=sum(rate(up[5m]))by(job)
POST /api/v1/parse_query query=sum(rate(up[5m]))by(job)
GET /api/v1/parse_query?query=sum(
GET /api/v1/labels
GET /api/v1/labels?match[]=surface_total&limit=1
GET /api/v1/labels?match[]={
POST /api/v1/labels match[]=surface_total
GET /api/v1/label/job/values
GET /api/v1/label/job/values?match[]=surface_total&start=$start&end=$end
GET /api/v1/label/no%20such%20label/values
GET /api/v1/series?match[]=surface_total
GET /api/v1/series
POST /api/v1/series match[]=surface_total
GET /api/v1/scrape_pools
GET /api/v1/targets
GET /api/v1/targets?state=dropped
GET /api/v1/targets?state=active&scrapePool=surface
GET /api/v1/targets/metadata
GET /api/v1/targets/metadata?metric=surface_total&limit=1
GET /api/v1/targets/metadata?match_target={
GET /api/v1/targets/relabel_steps?scrapePool=surface&labels={"__address__":"a:1"}
GET /api/v1/targets/relabel_steps?scrapePool=nosuch&labels={}
GET /api/v1/alertmanagers
GET /api/v1/metadata
GET /api/v1/metadata?metric=surface_total
GET /api/v1/metadata?limit=many
GET /api/v1/status/config
GET /api/v1/status/runtimeinfo
GET /api/v1/status/buildinfo
GET /api/v1/status/tsdb
GET /api/v1/status/tsdb?limit=2
GET /api/v1/status/tsdb?limit=none
GET /api/v1/status/tsdb/blocks
GET /api/v1/status/walreplay
GET /api/v1/notifications
GET /api/v1/notifications/live
POST /api/v1/read rubbish
POST /api/v1/write rubbish
POST /api/v1/otlp/v1/metrics rubbish
GET /api/v1/search/metric_names?q=surface
POST /api/v1/search/metric_names q=surface
GET /api/v1/search/label_names?q=jo
POST /api/v1/search/label_names q=jo
GET /api/v1/search/label_values?label=job&q=sur
POST /api/v1/search/label_values label=job&q=sur
GET /api/v1/search/label_values
GET /api/v1/alerts
GET /api/v1/rules
GET /api/v1/rules?type=alert&exclude_alerts=true
GET /api/v1/rules?group_limit=1
GET /api/v1/rules?type=nosuch
GET /api/v1/openapi.yaml
POST /api/v1/admin/tsdb/delete_series?match[]=nosuch_series
PUT /api/v1/admin/tsdb/delete_series?match[]=nosuch_series
POST /api/v1/admin/tsdb/delete_series
POST /api/v1/admin/tsdb/clean_tombstones
PUT /api/v1/admin/tsdb/clean_tombstones
POST /api/v1/admin/tsdb/snapshot
PUT /api/v1/admin/tsdb/snapshot?skip_head=true
POST /api/v1/admin/tsdb/snapshot?skip_head=maybe
GET /api/v1/admin/tsdb/snapshot
GET /api/v1/nosuch
GET /federate?match[]={job="surface"}
GET /federate?match[]={
GET /federate
GET /version
GET /metrics
HEAD /-/ready
GET /-/ready
HEAD /-/healthy
GET /-/healthy
GET /-/reload
POST /-/reload
PUT /-/reload
GET /-/quit
GET /debug/pprof/
GET /debug/pprof/goroutine?debug=1
GET /debug/pprof/heap
GET /consoles/nosuch.html
GET /nosuch
`

// selfDescriptions are responses whose keys name flags, features or metrics of the process itself. Here, Ausguck may
// return more than the stock Prometheus, and less only for what notOurs matches.
const selfDescriptions = `
GET /api/v1/status/flags
GET /api/v1/features
GET /api/v1/status/self_metrics
`

// notOurs are the flags of agent mode, in which nothing is stored or queried, a flag that writes documentation of the
// flags, and the counters of upstream's own listener, which Ausguck's listeners replace.
var notOurs = regexp.MustCompile(`^(agent|storage\.agent\..*|write-documentation|net_conntrack_listener_.*)$`)

const surfaceConfig = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ['surface.rules.yml']
alerting:
  alertmanagers:
    - static_configs: [{targets: ['127.0.0.1:1']}]
scrape_configs:
  - job_name: surface
    static_configs: [{targets: ['%s']}]
    relabel_configs: [{target_label: relabelled, replacement: 'yes'}]
`

const surfaceRules = `
groups:
  - name: surface
    rules:
      - {record: surface:rate, expr: 'rate(surface_total[1m])'}
      - {alert: SurfaceIsUp, expr: up == 1, labels: {severity: page}, annotations: {summary: 'it is {{ $value }}'}}
  - name: second
    rules:
      - {record: second:up, expr: up}
`

// surfaceTarget is an OpenMetrics page with each type of metric and an exemplar.
func surfaceTarget(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
	fmt.Fprintf(w, `# HELP surface Things that happened.
# TYPE surface counter
surface_total{kind="a"} %d
surface_total{kind="b"} 2
# TYPE surface_seconds histogram
# UNIT surface_seconds seconds
surface_seconds_bucket{le="0.1"} 1 # {trace_id="abc"} 0.05
surface_seconds_bucket{le="+Inf"} 2 # {trace_id="def"} 3
surface_seconds_sum 3.05
surface_seconds_count 2
# TYPE surface_build info
surface_build_info{version="1"} 1
# EOF
`, time.Now().Unix())
}

func TestHTTPSurfaceIsThatOfPrometheus(t *testing.T) {
	t.Parallel()
	address := serveTarget(t, surfaceTarget)
	config := configDir(t, map[string]string{
		"prometheus.yml": fmt.Sprintf(surfaceConfig, address), "surface.rules.yml": surfaceRules,
	})
	stock := startStock(t, filepath.Join(config, "prometheus.yml"), filepath.Join(t.TempDir(), "tsdb"), surfaceFlags...)
	ours := startAusguck(t, config, t.TempDir(), append(surfaceFlags, metricsOnly...)...)
	begin := time.Now()
	for _, s := range []*server{stock, ours} {
		for _, series := range []string{"surface:rate", "second:up", `ALERTS{alertstate="firing"}`} {
			eventually(t, 30*time.Second, func() error {
				return errUnless(len(s.query(t, series)) > 0, "no %s", series)
			})
		}
	}
	at := strings.NewReplacer("$start", unixTime(begin.Add(-time.Minute)), "$end", unixTime(time.Now()))

	for line := range strings.Lines(strings.TrimSpace(surface)) {
		line = strings.TrimSpace(line)
		t.Run(line, func(t *testing.T) {
			want, got := stock.answer(t, at.Replace(line)), ours.answer(t, at.Replace(line))
			require.Equal(t, want.status, got.status, "%s", got.body)
			if want.contentType != "" {
				require.Equal(t, want.contentType, got.contentType)
			}
			require.Equal(t, want.shape, got.shape)
		})
	}
	for line := range strings.Lines(strings.TrimSpace(selfDescriptions)) {
		line = strings.TrimSpace(line)
		t.Run(line, func(t *testing.T) {
			want, got := stock.answer(t, line), ours.answer(t, line)
			require.Equal(t, want.status, got.status, "%s", got.body)
			require.Empty(t, missing(names(t, want.body), names(t, got.body)), "names that stock Prometheus has")
		})
	}
	t.Run("every endpoint is in the lists above", func(t *testing.T) {
		require.Empty(t, endpointsWithout(t, surface+selfDescriptions))
	})
}

// Without its flag, a surface is rejected as by the stock Prometheus.
func TestClosedSurfaceIsThatOfPrometheus(t *testing.T) {
	t.Parallel()
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig})
	stock := startStock(t, filepath.Join(config, "prometheus.yml"), filepath.Join(t.TempDir(), "tsdb"))
	ours := startAusguck(t, config, t.TempDir(), metricsOnly...)
	for _, line := range []string{
		"POST /api/v1/write rubbish",
		"POST /api/v1/otlp/v1/metrics rubbish",
		"POST /api/v1/admin/tsdb/snapshot",
		"POST /api/v1/admin/tsdb/clean_tombstones",
		"POST /api/v1/admin/tsdb/delete_series?match[]=up",
		"GET /api/v1/search/metric_names?q=up",
		"GET /api/v1/query_exemplars?query=up&start=0&end=1",
		"POST /-/reload",
		"PUT /-/quit",
	} {
		want, got := stock.answer(t, line), ours.answer(t, line)
		require.Equal(t, want.status, got.status, "%s: %s", line, got.body)
		require.Equal(t, want.shape, got.shape, line)
	}
	require.Equal(t, http.StatusForbidden, ours.answer(t, "POST /-/reload").status)
	require.Equal(t, http.StatusNotFound, ours.answer(t, "POST /api/v1/write rubbish").status)
	ours.stop(t)
}

// answer is the compared part of a response.
type answer struct {
	status      int
	contentType string
	shape       string
	body        string
}

func (s *server) answer(t *testing.T, line string) answer {
	t.Helper()
	method, rest, _ := strings.Cut(line, " ")
	path, form, _ := strings.Cut(rest, " ")
	if base, query, found := strings.Cut(path, "?"); found {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		path = base + "?" + values.Encode()
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(form))
	require.NoError(t, err)
	if form != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := s.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	result := answer{status: response.StatusCode}
	if header := response.Header.Get("Content-Type"); header != "" {
		result.contentType, _, err = mime.ParseMediaType(header)
		require.NoError(t, err)
	}
	if result.contentType == "text/event-stream" {
		return result
	}
	result.body, err = readAll(response.Body)
	require.NoError(t, err)
	if result.contentType == "application/json" {
		var document any
		require.NoError(t, json.Unmarshal([]byte(result.body), &document))
		result.shape = shapeOf(document)
	}
	return result
}

// shapeOf writes a JSON document with its values replaced by their types, and a list by the different shapes of its
// items.
func shapeOf(document any) string {
	switch value := document.(type) {
	case map[string]any:
		var fields []string
		for _, key := range slices.Sorted(maps.Keys(value)) {
			fields = append(fields, key+": "+shapeOf(value[key]))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		shapes := map[string]bool{}
		for _, item := range value {
			shapes[shapeOf(item)] = true
		}
		return "[" + strings.Join(slices.Sorted(maps.Keys(shapes)), " | ") + "]"
	case nil:
		return "null"
	default:
		return fmt.Sprintf("%T", value)
	}
}

// names returns the keys of the data, including those of objects in it, or the names of the items if it is a list.
func names(t *testing.T, body string) []string {
	t.Helper()
	var document struct {
		Data any `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &document))
	var found []string
	switch data := document.Data.(type) {
	case map[string]any:
		for key, value := range data {
			found = append(found, key)
			if inner, ok := value.(map[string]any); ok {
				for name := range inner {
					found = append(found, key+"."+name)
				}
			}
		}
	case []any:
		for _, item := range data {
			object, ok := item.(map[string]any)
			require.True(t, ok)
			found = append(found, fmt.Sprint(object["name"]))
		}
	}
	require.NotEmpty(t, found, body)
	return found
}

// missing returns the sorted names in want that are missing in have and should not be.
func missing(want, have []string) []string {
	lacks := slices.DeleteFunc(slices.Clone(want), func(name string) bool {
		return slices.Contains(have, name) || notOurs.MatchString(name)
	})
	slices.Sort(lacks)
	return lacks
}

// endpointsWithout returns the endpoints that upstream registers below /api/v1 and that no line of the list requests.
func endpointsWithout(t *testing.T, list string) []string {
	t.Helper()
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus").Output()
	require.NoError(t, err)
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), "web/api/v1/api.go"))
	require.NoError(t, err)
	registered := regexp.MustCompile(`r\.(Get|Post|Put|Options)\("(/[^"]+)"`).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(registered), 40)
	variable := regexp.MustCompile(`:\w+`)
	var lacks []string
	for _, match := range registered {
		method, path := strings.ToUpper(match[1]), strings.ReplaceAll(match[2], "/*path", "/query")
		pattern := `(?m)^` + method + ` /api/v1` + variable.ReplaceAllString(path, `[^/]+`) + `(\?|\s)`
		if !matches(pattern, list) {
			lacks = append(lacks, method+" "+path)
		}
	}
	return lacks
}
