package dashboards

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	count    *prometheus.GaugeVec
	folders  prometheus.Gauge
	failed   prometheus.Gauge
	saves    prometheus.Counter
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		count:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ausguck_dashboards_count", Help: "Dashboards, by whether they are provisioned or saved."}, []string{"origin"}),
		folders: prometheus.NewGauge(prometheus.GaugeOpts{Name: "ausguck_dashboards_folders", Help: "Folders of dashboards."}),
		failed:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "ausguck_dashboards_files_failed", Help: "Dashboard files that cannot be read or are not shown."}),
		saves:   prometheus.NewCounter(prometheus.CounterOpts{Name: "ausguck_dashboards_saves_total", Help: "Dashboards saved by the API."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_dashboards_datasource_requests_total", Help: "Requests to datasources, by their type and the status code of the answer; 0 is no answer.",
		}, []string{"type", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ausguck_dashboards_datasource_request_duration_seconds", Help: "Time to the head of a datasource's answer.",
			Buckets:                     []float64{.005, .025, .1, .25, .5, 1, 2.5, 10, 30},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"type"}),
	}
	for _, c := range []prometheus.Collector{m.count, m.folders, m.failed, m.saves, m.requests, m.seconds} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of dashboards: %w", err)
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

// observe sets the gauges and logs file problems that are new.
func (s *Server) observe() {
	v := s.lib.view.Load()
	provisioned := 0
	for _, d := range v.sorted {
		if d.provisioned != nil {
			provisioned++
		}
	}
	s.metrics.count.WithLabelValues("provisioned").Set(float64(provisioned))
	s.metrics.count.WithLabelValues("saved").Set(float64(len(v.sorted) - provisioned))
	s.metrics.folders.Set(float64(len(v.folders)))
	problems := s.lib.fileProblems()
	s.metrics.failed.Set(float64(len(problems)))
	now := map[string]bool{}
	for _, p := range problems {
		now[p.Error()] = true
		if !s.reported[p.Error()] {
			s.log.Error("Dashboard file is not shown as it is", "err", p)
		}
	}
	for text := range s.reported {
		if !now[text] {
			s.log.Info("Dashboard file problem is gone", "was", errors.New(text))
		}
	}
	s.reported = now
}
