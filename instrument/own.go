package instrument

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Counter returns a new counter of the service, for services that do not need client_golang otherwise. Like the other functions
// here, it panics if the name is taken or invalid in Prometheus.
func (s *Service) Counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	s.registry.MustRegister(c)
	return c
}

// Gauge returns a new gauge of the service.
func (s *Service) Gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	s.registry.MustRegister(g)
	return g
}

// GaugeFunc registers a gauge whose value is computed at each scrape.
func (s *Service) GaugeFunc(name, help string, value func() float64) {
	s.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// Histogram returns a new histogram of the service, with these classic buckets and native ones.
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
