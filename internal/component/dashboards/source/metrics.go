package source

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_dashboards_datasource_requests_total", Help: "Requests to datasources, by their type and the status code of the answer; 0 is no answer.",
		}, []string{"type", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ausguck_dashboards_datasource_request_duration_seconds", Help: "Time to the head of a datasource's answer.",
			Buckets:                     []float64{.005, .025, .1, .25, .5, 1, 2.5, 10, 30},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"type"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.seconds} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of data sources: %w", err)
		}
	}
	return m, nil
}

// asked counts one request to a datasource. Types that cannot be asked share a label.
func (m *metrics) asked(ds *Datasource, code int, took time.Duration) {
	kind := ds.Type
	if !ds.queryable() {
		kind = "other"
	}
	m.requests.WithLabelValues(kind, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(kind).Observe(took.Seconds())
}
