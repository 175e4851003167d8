package httpserver

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	requests    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	connections *prometheus.GaugeVec
	closed      *prometheus.CounterVec
	panics      prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_http_requests_total",
			Help: "Requests served, by listener, method and status code.",
		}, []string{"listener", "method", "code"}),
		duration: f.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "ausguck_http_request_duration_seconds",
			Help:    "Time from the end of the request header to the end of the response.",
			Buckets: []float64{.001, .005, .025, .1, .25, 1, 2.5, 10, 60},
		}, []string{"listener"}),
		connections: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ausguck_http_connections",
			Help: "Open connections, by listener.",
		}, []string{"listener"}),
		closed: f.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_http_connections_closed_total",
			Help: "Connections closed in favor of others at the connection limit, by what the server was waiting for, and connections refused.",
		}, []string{"reason"}),
		panics: f.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_http_panics_total",
			Help: "Panics in handlers; the log has their stacks.",
		}),
	}
}

func (m *metrics) observe(listener, method string, code int, d time.Duration) {
	m.requests.WithLabelValues(listener, knownMethod(method), strconv.Itoa(code)).Inc()
	if code != http.StatusSwitchingProtocols {
		m.duration.WithLabelValues(listener).Observe(d.Seconds())
	}
}

func (m *metrics) connState(listener string) func(net.Conn, http.ConnState) {
	open := m.connections.WithLabelValues(listener)
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Inc()
		case http.StateClosed, http.StateHijacked:
			open.Dec()
		}
	}
}

// knownMethod limits the values of the label: clients can send any method.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "other"
}
