package source

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer, kept *dsquery.Ranges) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_dashboards_datasource_requests_total", Help: "Requests to data sources, by type and status code of the response; 0 means no response.",
		}, []string{"type", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ausguck_dashboards_datasource_request_duration_seconds", Help: "Time to the response header of a data source.",
			Buckets:                     []float64{.005, .025, .1, .25, .5, 1, 2.5, 10, 30},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"type"}),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	counter := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value)
	}
	for _, c := range []prometheus.Collector{
		m.requests, m.seconds,
		gauge("ausguck_dashboards_kept_answers_bytes", "Memory of answers to range queries that are kept for the next refresh.", func() float64 { bytes, _, _ := kept.Used(); return float64(bytes) }),
		counter("ausguck_dashboards_range_steps_total", "Steps of range queries of the own Prometheus whose answers are kept.", func() float64 { _, asked, _ := kept.Used(); return float64(asked) }),
		counter("ausguck_dashboards_range_steps_kept_total", "Those of them that did not have to be computed again.", func() float64 { _, _, reused := kept.Used(); return float64(reused) }),
	} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of data sources: %w", err)
		}
	}
	return m, nil
}

// asked counts one request to a data source. Types that cannot be queried share a label.
func (m *metrics) asked(ds *Datasource, code int, took time.Duration) {
	kind := ds.Type
	if !ds.queryable() {
		kind = "other"
	}
	m.requests.WithLabelValues(kind, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(kind).Observe(took.Seconds())
}
