package instrument

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Counter returns a counter of the service's own, for those who need no more of client_golang. Like the functions
// beside it, it panics when the name is taken or none that Prometheus takes.
func (s *Service) Counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	s.registry.MustRegister(c)
	return c
}

// Gauge returns a gauge of the service's own.
func (s *Service) Gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	s.registry.MustRegister(g)
	return g
}

// GaugeFunc registers a gauge whose value is asked for at each scrape.
func (s *Service) GaugeFunc(name, help string, value func() float64) {
	s.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Histogram returns a histogram of the service's own, with these classic buckets and native ones.
func (s *Service) Histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	o := prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}
	if !s.options.NoNative {
		o.NativeHistogramBucketFactor = 1.1
		o.NativeHistogramMaxBucketNumber = 100
		o.NativeHistogramMinResetDuration = time.Hour
	}
	h := prometheus.NewHistogramVec(o, labels)
	s.registry.MustRegister(h)
	return h
}
