package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
)

// loadSeries is the number of series of the load, each scraped once per second.
const loadSeries = 5000

// load is a target with loadSeries counters, and one with a native histogram with exemplars.
type load struct {
	scrapes atomic.Int64
}

func (l *load) counters(w http.ResponseWriter, _ *http.Request) {
	n := l.scrapes.Add(1)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	page := strings.Builder{}
	page.WriteString("# HELP load_total A counter of the load.\n# TYPE load_total counter\n")
	for i := range loadSeries {
		fmt.Fprintf(&page, "load_total{series=\"%d\"} %d\n", i, n*int64(i+1))
	}
	_, _ = w.Write([]byte(page.String())) // the scraper may be gone
}

// histogram observes one value per scrape.
func (l *load) histogram() http.Handler {
	registry := prometheus.NewRegistry()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "load_seconds", Help: "A native histogram.", NativeHistogramBucketFactor: 1.1})
	registry.MustRegister(h)
	serve := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.(prometheus.ExemplarObserver).ObserveWithExemplar(float64(l.scrapes.Load()), prometheus.Labels{"trace_id": fmt.Sprint(l.scrapes.Load())})
		serve.ServeHTTP(w, r)
	})
}

// serveLoad serves the load on the host, and returns its scrape jobs.
func serveLoad(t *testing.T, h *host) (*load, string) {
	t.Helper()
	l := &load{}
	h.serve(t, 8000, http.HandlerFunc(l.counters))
	h.serve(t, 8001, l.histogram())
	return l, fmt.Sprintf(`
scrape_configs:
  - job_name: load
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs: [{targets: ['%[1]s:8000']}]
  - job_name: histogram
    scrape_interval: 1s
    scrape_timeout: 1s
    scrape_native_histograms: true
    static_configs: [{targets: ['%[1]s:8001']}]
`, h.ip)
}

// wait waits for a number of scrapes, ten times as many in the long form.
func (l *load) wait(t *testing.T, scrapes int64) {
	t.Helper()
	if *growLong {
		scrapes *= 10
	}
	until := l.scrapes.Load() + scrapes
	eventually(t, time.Minute+2*time.Duration(scrapes)*time.Second, func() error {
		return errUnless(l.scrapes.Load() >= until, "%d of %d scrapes", l.scrapes.Load(), until)
	})
}

// samples are the values of each series of the load by time in milliseconds.
type samples map[string]map[int64]float64

func (s samples) count() (count int) {
	for _, series := range s {
		count += len(series)
	}
	return count
}

// missing returns the samples that other lacks, and fails for a sample that it has with another value.
func (s samples) missing(t *testing.T, other samples) samples {
	t.Helper()
	missing := samples{}
	for id, series := range s {
		for at, value := range series {
			got, ok := other[id][at]
			if !ok {
				if missing[id] == nil {
					missing[id] = map[int64]float64{}
				}
				missing[id][at] = value
			} else if got != value {
				require.Equal(t, value, got, "series %s at %d", id, at)
			}
		}
	}
	return missing
}

// times returns the times of the first and the last sample.
func (s samples) times() (first, last time.Time) {
	var all []int64
	for _, series := range s {
		all = slices.AppendSeq(all, maps.Keys(series))
	}
	if len(all) == 0 {
		return first, last
	}
	return time.UnixMilli(slices.Min(all)), time.UnixMilli(slices.Max(all))
}

// samples returns the samples of the load in an interval, from any server with Prometheus's API.
func (s *server) samples(t *testing.T, begin, end time.Time) samples {
	t.Helper()
	var matrix struct {
		Result []struct {
			Metric map[string]string    `json:"metric"`
			Values [][2]json.RawMessage `json:"values"`
		} `json:"result"`
	}
	query := fmt.Sprintf("load_total[%dms]", end.Sub(begin).Milliseconds())
	s.data(t, "/api/v1/query", url.Values{"query": {query}, "time": {unixTime(end)}, "dedup": {"false"}}, &matrix)
	found := samples{}
	for _, series := range matrix.Result {
		id := series.Metric["series"]
		if found[id] == nil {
			found[id] = map[int64]float64{}
		}
		for _, v := range series.Values {
			seconds, err := strconv.ParseFloat(string(v[0]), 64)
			require.NoError(t, err)
			text, err := strconv.Unquote(string(v[1]))
			require.NoError(t, err)
			value, err := strconv.ParseFloat(text, 64)
			require.NoError(t, err)
			found[id][int64(seconds*1000+0.5)] = value
		}
	}
	return found
}

// exported returns the samples of the load in an interval from VictoriaMetrics.
func (s *server) exported(t *testing.T, begin, end time.Time) samples {
	t.Helper()
	s.get(t, "/internal/force_flush")
	found := samples{}
	decoder := json.NewDecoder(strings.NewReader(s.get(t, "/api/v1/export?"+url.Values{
		"match[]": {"load_total"}, "start": {unixTime(begin)}, "end": {unixTime(end)},
	}.Encode())))
	for decoder.More() {
		var series struct {
			Metric     map[string]string `json:"metric"`
			Values     []float64         `json:"values"`
			Timestamps []int64           `json:"timestamps"`
		}
		require.NoError(t, decoder.Decode(&series))
		id := series.Metric["series"]
		if found[id] == nil {
			found[id] = map[int64]float64{}
		}
		for i, at := range series.Timestamps {
			found[id][at] = series.Values[i]
		}
	}
	return found
}
