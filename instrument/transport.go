package instrument

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// CallBuckets returns the upper bounds of the durations of calls, in seconds.
func CallBuckets() []float64 { return []float64{0.1, 0.5, 1, 2, 5, 10, 30} }

// Calls describes the calls of a transport.
type Calls struct {
	Name    string    // prefix of the metric names, such as orchestrator
	Buckets []float64 // default [CallBuckets]
}

// Transport measures calls through next, or through [http.DefaultTransport] if it is nil:
//
//	orchestrator_call_duration_seconds       to the header of the answer, or to the error
//	orchestrator_calls_total{method,status}  status is a number, or timeout, canceled or error
//	orchestrator_calls_in_flight
//
// A call whose context has a trace gets a traceparent header, unless it has one. Transports with equal names share their metrics.
// Transport panics if the name is invalid in Prometheus, which is a programming error.
func (s *Service) Transport(next http.RoundTripper, c Calls) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	if c.Buckets == nil {
		c.Buckets = CallBuckets()
	}
	duration := prometheus.HistogramOpts{
		Name: c.Name + "_call_duration_seconds", Help: "Duration of calls to " + c.Name + " service",
		Buckets: slices.Clone(c.Buckets),
	}
	if !s.options.NoNative {
		duration.NativeHistogramBucketFactor = 1.1
		duration.NativeHistogramMaxBucketNumber = 100
		duration.NativeHistogramMinResetDuration = time.Hour
	}
	t := &transport{
		next: next, methods: s.series.methods,
		duration: registered(s.registry, prometheus.NewHistogram(duration)),
		total: registered(s.registry, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: c.Name + "_calls_total", Help: "Calls to " + c.Name + " service by how they ended",
		}, []string{"method", "status"})),
		inFlight: registered(s.registry, prometheus.NewGauge(prometheus.GaugeOpts{
			Name: c.Name + "_calls_in_flight", Help: "Calls to " + c.Name + " service that have no answer yet",
		})),
	}
	return t
}

// registered registers the collector, or returns the equal one that is already registered.
func registered[C prometheus.Collector](r prometheus.Registerer, c C) C {
	err := r.Register(c)
	if there := (prometheus.AlreadyRegisteredError{}); errors.As(err, &there) {
		if same, ok := there.ExistingCollector.(C); ok {
			return same
		}
	}
	if err != nil {
		panic(err)
	}
	return c
}

type transport struct {
	next     http.RoundTripper
	methods  map[string]string
	duration prometheus.Histogram
	total    *prometheus.CounterVec
	inFlight prometheus.Gauge
	last     atomic.Int64 // time of the last exemplar, on the clock of now
}

// RoundTrip passes the request on and measures it.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	trace, traced := TraceFrom(r.Context())
	if traced && r.Header.Get("Traceparent") == "" {
		r = r.Clone(r.Context()) // the caller's request must not be modified
		trace = trace.child()
		r.Header.Set("Traceparent", trace.String())
	}
	t.inFlight.Inc()
	start := now()
	answer, err := t.next.RoundTrip(r)
	end := now()
	t.inFlight.Dec()

	seconds := (end - start).Seconds()
	if last := t.last.Load(); traced && trace.Sampled() && (last == 0 || end-time.Duration(last) >= exemplarEvery) {
		t.last.Store(int64(end))
		t.duration.(prometheus.ExemplarObserver).ObserveWithExemplar(seconds,
			prometheus.Labels{"trace_id": trace.ID(), "span_id": trace.SpanID()})
	} else {
		t.duration.Observe(seconds)
	}
	method, ok := t.methods[r.Method]
	switch {
	case r.Method == "": // net/http treats it as GET
		method = http.MethodGet
	case !ok:
		method = MethodOther
	}
	t.total.WithLabelValues(method, callStatus(answer, err)).Inc()
	return answer, err
}

func callStatus(answer *http.Response, err error) string {
	var timeout net.Error
	switch {
	case err == nil && answer != nil:
		return strconv.Itoa(answer.StatusCode)
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	default:
		return "error"
	}
}

// CloseIdleConnections makes http.Client.CloseIdleConnections work for the wrapped transport.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
