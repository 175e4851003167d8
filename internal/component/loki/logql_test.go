package loki_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/loki"
)

// request is the content of a line, in any format.
type request struct {
	n, status, took, size int
	level, path, user     string
	at                    time.Time
}

// formats are the streams: label app → how a request is formatted there.
var formats = map[string]func(r request) string{
	"json": func(r request) string {
		return fmt.Sprintf(`{"n":%d,"level":%q,"status":%d,"took":"%dms","ms":%d,"size":"%dKB","http":{"path":%q},"user":%q}`,
			r.n, r.level, r.status, r.took, r.took, r.size, r.path, r.user)
	},
	"logfmt": func(r request) string {
		return fmt.Sprintf(`n=%d level=%s status=%d took=%dms ms=%d size=%dKB http_path=%s user=%q`, r.n, r.level, r.status, r.took, r.took, r.size, r.path, r.user)
	},
	"access": func(r request) string {
		return fmt.Sprintf(`%d [%s] "GET %s" %d %dms %d %dKB {%s}`, r.n, r.level, r.path, r.status, r.took, r.took, r.size, r.user)
	},
}

// parsers extract the labels n, level, status, took, ms, size, http_path and user from a stream.
var parsers = []struct{ app, stage string }{
	{"json", `| json`},
	{"json", `| json level, status, took, ms, size, user, http_path="http.path"`},
	{"logfmt", `| logfmt`},
	{"access", "| pattern `<n> [<level>] \"GET <http_path>\" <status> <took> <ms> <size> {<user>}`"},
	{"access", "| regexp `^(?P<n>\\d+) \\[(?P<level>\\w+)\\] \"GET (?P<http_path>\\S+)\" (?P<status>\\d+) (?P<took>\\S+) (?P<ms>\\d+) (?P<size>\\S+) \\{(?P<user>[^}]*)\\}$`"},
}

const requestCount = 600

func requests(begin time.Time) []request {
	levels, paths := []string{"debug", "info", "info", "warn", "error"}, []string{"/", "/api/orders", "/api/orders/7", "/healthz"}
	users, statuses := []string{"anna", "Jürgen", "李雷", "x y"}, []int{200, 200, 201, 404, 500, 503}
	all := make([]request, requestCount)
	for n := range all {
		all[n] = request{
			n: n, level: levels[n*7%5], status: statuses[n*5%6], took: n * 37 % 1500, size: n * 13 % 90,
			path: paths[n*3%4], user: users[(n/3)%4], at: begin.Add(time.Duration(n+1) * time.Second),
		}
	}
	return all
}

// query is a LogQL query with its expected result, computed from the requests in Go and not by Loki: the value of each
// series, by its labels.
type query struct {
	text string
	want map[string]float64
}

type queries struct {
	all  []request
	list []query
}

// only adds a query whose result is a single value without labels; none if it is NaN.
func (q *queries) only(text string, value float64) {
	want := map[string]float64{}
	if !math.IsNaN(value) {
		want["{}"] = value
	}
	q.list = append(q.list, query{text, want})
}

// count adds a query that counts the matching lines; no series if there are none.
func (q *queries) count(selector string, match func(r request) bool) {
	n := math.NaN()
	if m := len(q.where(match)); m > 0 {
		n = float64(m)
	}
	q.only(`sum(count_over_time(`+selector+` [600s]))`, n)
}

func (q *queries) where(match func(r request) bool) (found []request) {
	for _, r := range q.all {
		if match(r) {
			found = append(found, r)
		}
	}
	return found
}

func (q *queries) lineFilters() {
	texts := []string{"error", "Jürgen", "李", "/api/orders", `x y`, "nothing has this", "50", "warn", "ms", `"`}
	expressions := []string{`err.r`, `orders(/\d+)?`, `(?i)ERROR|WARN`, `\d{3}ms`, `^.*anna.*$`, `[[:upper:]]`, `5\d\d`, `=|:`}
	for app, format := range formats {
		selector := `{app="` + app + `"} `
		for _, text := range texts {
			has := func(r request) bool { return strings.Contains(format(r), text) }
			q.count(selector+"|= `"+text+"`", has)
			q.count(selector+"!= `"+text+"`", func(r request) bool { return !has(r) })
			q.count(selector+"|= `"+text+"` != `5`", func(r request) bool { return has(r) && !strings.Contains(format(r), "5") })
		}
		for _, expression := range expressions {
			re := regexp.MustCompile(expression)
			q.count(selector+"|~ `"+expression+"`", func(r request) bool { return re.MatchString(format(r)) })
			q.count(selector+"!~ `"+expression+"`", func(r request) bool { return !re.MatchString(format(r)) })
		}
		q.count(selector+"|= `error` or `warn`", func(r request) bool {
			return strings.Contains(format(r), "error") || strings.Contains(format(r), "warn")
		})
	}
}

func (q *queries) labelFilters() {
	for _, p := range parsers {
		selector := `{app="` + p.app + `"} ` + p.stage
		for _, status := range []int{201, 404} {
			for operator, compare := range map[string]func(a, b int) bool{
				"=": func(a, b int) bool { return a == b }, "!=": func(a, b int) bool { return a != b },
				">": func(a, b int) bool { return a > b }, ">=": func(a, b int) bool { return a >= b },
				"<": func(a, b int) bool { return a < b }, "<=": func(a, b int) bool { return a <= b },
			} {
				q.count(fmt.Sprintf(`%s | status %s %d`, selector, operator, status), func(r request) bool { return compare(r.status, status) })
			}
		}
		q.count(selector+` | level="error"`, func(r request) bool { return r.level == "error" })
		q.count(selector+` | level!="error"`, func(r request) bool { return r.level != "error" })
		q.count(selector+` | level=~"err.*|warn"`, func(r request) bool { return r.level == "error" || r.level == "warn" })
		q.count(selector+` | level!~"err.*|warn"`, func(r request) bool { return r.level != "error" && r.level != "warn" })
		q.count(selector+` | user="李雷"`, func(r request) bool { return r.user == "李雷" })
		q.count(selector+` | http_path="/api/orders/7" and status>=500`, func(r request) bool { return r.path == "/api/orders/7" && r.status >= 500 })
		q.count(selector+` | level="debug" or (status<300 and user="anna")`, func(r request) bool {
			return r.level == "debug" || r.status < 300 && r.user == "anna"
		})
		q.count(selector+` | took > 500ms`, func(r request) bool { return r.took > 500 })
		q.count(selector+` | took <= 1.2s`, func(r request) bool { return r.took <= 1200 })
		q.count(selector+` | size >= 20KB`, func(r request) bool { return r.size >= 20 })
		q.count(selector+` | label_format lvl=level | lvl="warn"`, func(r request) bool { return r.level == "warn" })
		q.count(selector+" | label_format where=`{{.level}}-{{.status}}` | where=`info-200`", func(r request) bool { return r.level == "info" && r.status == 200 })
		q.count(selector+" | line_format `{{.user | upper}} {{.status}}` |= `ANNA 5`", func(r request) bool { return r.user == "anna" && r.status >= 500 })
	}
}

// unwrapped adds the aggregations of numbers in lines, in total and by level.
func (q *queries) unwrapped() {
	functions := map[string]func(v []float64) float64{
		"sum_over_time": sum, "avg_over_time": func(v []float64) float64 { return sum(v) / float64(len(v)) },
		"min_over_time": slices.Min[[]float64], "max_over_time": slices.Max[[]float64],
		"first_over_time": func(v []float64) float64 { return v[0] }, "last_over_time": func(v []float64) float64 { return v[len(v)-1] },
		"stdvar_over_time": variance, "stddev_over_time": func(v []float64) float64 { return math.Sqrt(variance(v)) },
		"rate":                        func(v []float64) float64 { return sum(v) / 600 },
		"quantile_over_time(0.5, @)":  func(v []float64) float64 { return quantile(0.5, v) },
		"quantile_over_time(0.9, @)":  func(v []float64) float64 { return quantile(0.9, v) },
		"quantile_over_time(0.99, @)": func(v []float64) float64 { return quantile(0.99, v) },
	}
	for _, p := range parsers {
		for name, f := range functions {
			for unwrap, value := range map[string]func(r request) float64{
				"ms": func(r request) float64 { return float64(r.took) }, "duration(took)": func(r request) float64 { return float64(r.took) / 1000 },
			} {
				text := fmt.Sprintf(`{app=%q} %s | __error__="" | unwrap %s [600s]`, p.app, p.stage, unwrap)
				if strings.Contains(name, "@") {
					text = strings.Replace(name, "@", text, 1)
				} else {
					text = name + "(" + text + ")"
				}
				if name == "sum_over_time" || name == "rate" {
					q.only("sum("+text+")", f(values(q.all, value)))
					continue
				}
				want := map[string]float64{}
				for _, level := range []string{"debug", "info", "warn", "error"} {
					want[`{level="`+level+`"}`] = f(values(q.where(func(r request) bool { return r.level == level }), value))
				}
				q.list = append(q.list, query{text + " by (level)", want})
			}
		}
		q.only(fmt.Sprintf(`sum(sum_over_time({app=%q} %s | unwrap bytes(size) [600s]))`, p.app, p.stage), sum(values(q.all, func(r request) float64 { return float64(r.size) * 1000 })))
	}
}

// aggregated adds aggregations over series, operators, offsets and label functions.
func (q *queries) aggregated() {
	by := map[int]float64{}
	for _, r := range q.all {
		by[r.status]++
	}
	const counts = `sum by (status) (count_over_time({app="logfmt"} | logfmt [600s]))`
	series := func(keep func(status int) bool, value func(n float64) float64) map[string]float64 {
		want := map[string]float64{}
		for status, n := range by {
			if keep(status) {
				want[fmt.Sprintf(`{status="%d"}`, status)] = value(n)
			}
		}
		return want
	}
	all, same := func(int) bool { return true }, func(n float64) float64 { return n }
	add := func(text string, want map[string]float64) { q.list = append(q.list, query{text, want}) }
	add(counts, series(all, same))
	add(`topk(1, `+counts+`)`, series(func(s int) bool { return s == 200 }, same))
	add(`bottomk(4, `+counts+`)`, series(func(s int) bool { return s != 200 }, same))
	add(`sort_desc(`+counts+`)`, series(all, same))
	for operator, f := range map[string]func(a, b float64) float64{
		"+": func(a, b float64) float64 { return a + b }, "-": func(a, b float64) float64 { return a - b },
		"*": func(a, b float64) float64 { return a * b }, "/": func(a, b float64) float64 { return a / b },
		"%": math.Mod, "^": math.Pow,
	} {
		add(counts+" "+operator+" 3", series(all, func(n float64) float64 { return f(n, 3) }))
	}
	add(counts+` > 150`, series(func(s int) bool { return s == 200 }, same))
	add(counts+` == bool 100`, series(all, func(n float64) float64 {
		if n == 100 {
			return 1
		}
		return 0
	}))
	failed := `sum by (status) (count_over_time({app="logfmt"} | logfmt | status>=500 [600s]))`
	add(counts+` and `+failed, series(func(s int) bool { return s >= 500 }, same))
	add(counts+` unless `+failed, series(func(s int) bool { return s < 500 }, same))
	add(failed+` or `+counts, series(all, same))
	add(failed+` / `+counts, series(func(s int) bool { return s >= 500 }, func(float64) float64 { return 1 }))
	q.only(`avg(`+counts+`)`, requestCount/float64(len(by)))
	q.only(`count(`+counts+`)`, float64(len(by)))
	q.only(`max(`+counts+`)`, 200)
	q.only(`min(`+counts+`)`, 100)
	q.only(`stddev(`+counts+`)`, 40)
	q.only(`stdvar(`+counts+`)`, 1600)
	q.only(`sum(rate({app=~"json|logfmt"}[600s]))`, 2)
	q.only(`sum(count_over_time({app=~".+",app!="access"}[600s]))`, 2*requestCount)
	q.only(`vector(7)`, 7)
	size := 0
	for _, r := range q.all {
		size += len(formats["access"](r))
	}
	q.only(`sum(bytes_over_time({app="access"}[600s]))`, float64(size))
	q.only(`sum(bytes_rate({app="access"}[600s]))`, float64(size)/600)
	for _, offset := range []int{60, 100, 250, 599} {
		q.only(fmt.Sprintf(`sum(count_over_time({app="json"}[600s] offset %ds))`, offset), float64(requestCount-offset))
	}
	for _, window := range []int{1, 30, 61, 300} {
		q.only(fmt.Sprintf(`sum(count_over_time({app="json"}[%ds]))`, window), float64(window))
	}
	add(`absent_over_time({app="json"}[600s])`, map[string]float64{})
	add(`absent_over_time({app="gone"}[600s])`, map[string]float64{`{app="gone"}`: 1})
	add(`label_replace(sum by (app) (count_over_time({app="json"}[600s])), "kind", "$1-log", "app", "(.*)")`, map[string]float64{`{app="json",kind="json-log"}`: requestCount})
}

func values(list []request, f func(r request) float64) (v []float64) {
	for _, r := range list {
		v = append(v, f(r))
	}
	return v
}

func sum(v []float64) (s float64) {
	for _, x := range v {
		s += x
	}
	return s
}

func variance(v []float64) (s float64) {
	mean := sum(v) / float64(len(v))
	for _, x := range v {
		s += (x - mean) * (x - mean)
	}
	return s / float64(len(v))
}

// quantile interpolates linearly between the two nearest values.
func quantile(q float64, v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	rank := q * float64(len(v)-1)
	low := int(rank)
	high := min(low+1, len(v)-1)
	return v[low] + (rank-float64(low))*(v[high]-v[low])
}

// ask returns the value of each series of an instant query, by its labels.
func ask(t *testing.T, s *loki.Server, text string, at time.Time) map[string]float64 {
	t.Helper()
	code, body := get(s, "/loki/api/v1/query", url.Values{"query": {text}, "time": {strconv.FormatInt(at.UnixNano(), 10)}})
	require.Equal(t, http.StatusOK, code, "%s: %s", text, body)
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string `json:"metric"`
				Value  [2]any            `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
	have := map[string]float64{}
	for _, r := range answer.Data.Result {
		var labels []string
		for name, value := range r.Metric {
			labels = append(labels, fmt.Sprintf("%s=%q", name, value))
		}
		slices.Sort(labels)
		v, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		require.NoError(t, err)
		have["{"+strings.Join(labels, ",")+"}"] = v
	}
	return have
}

// Hundreds of queries return what Go computes from the same lines.
func TestLogQLAnswers(t *testing.T) {
	s, _ := start(t, options(t), "")
	begin := time.Now().Add(-20 * time.Minute).Truncate(time.Second)
	q := &queries{all: requests(begin)}
	for app, format := range formats {
		stream := logproto.Stream{Labels: `{app="` + app + `"}`}
		for _, r := range q.all {
			stream.Entries = append(stream.Entries, logproto.Entry{Timestamp: r.at, Line: format(r)})
		}
		require.NoError(t, s.Push(t.Context(), &logproto.PushRequest{Streams: []logproto.Stream{stream}}))
	}
	q.lineFilters()
	q.labelFilters()
	q.unwrapped()
	q.aggregated()
	require.Greater(t, len(q.list), 200)
	t.Logf("%d queries", len(q.list))
	end := q.all[requestCount-1].at
	for _, query := range q.list {
		have := ask(t, s, query.text, end)
		require.Len(t, have, len(query.want), "%s: %v, want %v", query.text, have, query.want)
		for labels, want := range query.want {
			require.Contains(t, have, labels, query.text)
			require.InDelta(t, want, have[labels], 1e-9*max(1, math.Abs(want)), "%s of %s", labels, query.text)
		}
	}
}
