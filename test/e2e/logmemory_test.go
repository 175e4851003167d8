package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	heavyLimit    = 512 << 20 // GOMEMLIMIT
	heavyLines    = 280_000   // of about 230 bytes
	heavyPiece    = 2_000     // lines per push, all from one service
	heavySpan     = 25 * time.Minute
	heavyServices = 4
)

// heavyLine is line n in the format of a service: each number is in it once.
func heavyLine(n int) string {
	levels := []string{"debug", "info", "info", "warn", "error"}
	return fmt.Sprintf(`{"level":%q,"msg":"request served","seq":%d,"user":"user-%d","path":"/api/v1/orders/%d","status":%d,"took_ms":%d,"trace":"%032x","agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101"}`,
		levels[n%len(levels)], n, n%5000, n%10, 200+100*(n%4), n%1000, uint64(n)*0x9E3779B97F4A7C15)
}

// heavyQueries are queries known to hold much in memory at once; want is the sum of all values in a result, or of its
// lines.
func heavyQueries(begin time.Time) map[string]struct {
	params url.Values
	want   float64
} {
	end := begin.Add(heavySpan)
	span := url.Values{"start": {fmt.Sprint(begin.UnixNano())}, "end": {fmt.Sprint(end.UnixNano())}}
	with := func(query string, more url.Values) url.Values {
		v := maps.Clone(span)
		v.Set("query", query)
		maps.Copy(v, more)
		return v
	}
	at := url.Values{"time": {fmt.Sprint(end.UnixNano())}}
	return map[string]struct {
		params url.Values
		want   float64
	}{
		"lines by expression": {with(`{job="heavy"} |~ "\"seq\":\\d+,\"user\":\"user-\\d*7\"" | json | status="500"`, url.Values{"limit": {"5000"}}), 5000},
		"count by label":      {with(`sum by (status, level) (count_over_time({job="heavy"} | json [30m]))`, at), heavyLines},
		"quantile in steps": {with(`count(quantile_over_time(0.99, {job="heavy"} | json | unwrap took_ms | __error__="" [10m]) by (service))`,
			url.Values{"start": {fmt.Sprint(begin.Add(10 * time.Minute).UnixNano())}, "step": {"30"}}), heavyServices * 31},
		"top of many": {with(`topk(10, sum by (user) (count_over_time({job="heavy"} | json | level="error" [30m])))`, at), 10 * heavyLines / 5000},
	}
}

// Four heavy queries at a time, repeatedly: memory stays below GOMEMLIMIT, every result is correct, and meanwhile no
// rule on metrics or logs misses an evaluation and no scrape fails.
func TestHeavyLogQueries(t *testing.T) {
	t.Parallel()
	const rounds = 4
	s := launchWith(t, []string{fmt.Sprintf("GOMEMLIMIT=%d", heavyLimit)}, configDir(t, besideBadInput), t.TempDir(), metricsOnly...)
	s.waitReady(t, readyTimeout)
	began := time.Now()
	s.mustPush(t, "good", "before")
	begin := began.Add(-heavySpan).Truncate(time.Minute) // as Loki aligns steps
	size := s.pushHeavy(t, begin)
	s.waitBeats(t)
	s.waitGood(t)

	before, queried := s.memory(t, "RssAnon"), time.Now()
	queries := heavyQueries(begin)
	failed := make(chan error, len(queries)*rounds)
	var asking sync.WaitGroup
	for name, q := range queries {
		asking.Go(func() {
			for range rounds {
				if err := s.askHeavy(q.params, q.want); err != nil {
					failed <- fmt.Errorf("%s: %w", name, err)
				}
			}
		})
	}
	go func() {
		asking.Wait()
		close(failed)
	}()
	peak := s.watchMemory(t, failed)
	took := time.Since(queried)
	t.Attr("figure", fmt.Sprintf("%d heavy LogQL queries over %d MB, four at a time, in %s: anonymous memory %d MB before, at most %d of %d MB",
		len(queries)*rounds, size>>20, took.Round(time.Second), before>>20, peak>>20, heavyLimit>>20))
	require.Less(t, peak, heavyLimit, "anonymous memory")
	s.requireUnhurt(t, began)
	page := s.get(t, "/metrics")
	require.Zero(t, metric(page, "prometheus_rule_evaluation_failures_total"), "rules on metrics")
	require.Zero(t, metric(page, "loki_prometheus_rule_evaluation_failures_total"), "rules on logs")
	s.stop(t)
}

// watchMemory monitors the anonymous memory until failed is closed, and returns its maximum. An error fails the test.
func (s *server) watchMemory(t *testing.T, failed <-chan error) (peak int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		peak = max(peak, s.memory(t, "RssAnon"))
		select {
		case <-tick.C:
		case err, open := <-failed:
			require.NoError(t, err)
			if !open {
				return peak
			}
		}
	}
}

// pushHeavy stores the lines, evenly spread over heavySpan, and returns their size.
func (s *server) pushHeavy(t *testing.T, begin time.Time) (size int) {
	t.Helper()
	for first := 0; first < heavyLines; first += heavyPiece {
		values := make([][2]string, heavyPiece)
		for i := range values {
			n := first + i
			line := heavyLine(n)
			values[i] = [2]string{fmt.Sprint(begin.Add(time.Duration(n) * (heavySpan / heavyLines)).UnixNano()), line}
			size += len(line)
		}
		service := fmt.Sprint("service-", first/heavyPiece%heavyServices)
		body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": map[string]string{"job": "heavy", "service": service}, "values": values}}})
		require.NoError(t, err)
		status, answer := s.do(t, http.MethodPost, "/loki/api/v1/push", map[string]string{"Content-Type": "application/json"}, string(body))
		require.Equal(t, http.StatusNoContent, status, tail(answer, 300))
	}
	return size
}

// askHeavy queries through query if a time is given and otherwise through query_range, and sums up the result.
func (s *server) askHeavy(params url.Values, want float64) error {
	path := "/loki/api/v1/query_range"
	if params.Has("time") {
		path = "/loki/api/v1/query"
	}
	response, err := s.client.Get(s.url + path + "?" + params.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, tail(string(body), 500))
	}
	have, err := sumOf(body)
	if err != nil {
		return err
	}
	return errUnless(have == want, "%v instead of %v", have, want)
}

// sumOf sums up the values of a vector or matrix, or counts the lines of streams.
func sumOf(body []byte) (float64, error) {
	var answer struct {
		Data struct {
			ResultType string `json:"resultType"`
			Result     []struct {
				Value  []json.RawMessage   `json:"value"`
				Values [][]json.RawMessage `json:"values"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, err
	}
	sum := 0.0
	for _, r := range answer.Data.Result {
		if answer.Data.ResultType == "streams" {
			sum += float64(len(r.Values))
			continue
		}
		points := r.Values
		if r.Value != nil {
			points = append(points, r.Value)
		}
		for _, p := range points {
			var v float64
			if _, err := fmt.Sscan(strings.Trim(string(p[1]), `"`), &v); err != nil {
				return 0, err
			}
			sum += v
		}
	}
	return sum, nil
}
