// Command instrument compares the cost of instrument with that of promhttp, slok/go-http-metrics and otelhttp, and its tests use
// instrument with real routers. It has its own module, so that their dependencies stay out of instrument's.
//
//	GOWORK=off go run -C bench/instrument .
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	slok "github.com/slok/go-http-metrics/metrics/prometheus"
	"github.com/slok/go-http-metrics/middleware"
	"github.com/slok/go-http-metrics/middleware/std"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ausguck/ausguck/instrument"
)

const goroutines = 64

// writer is the cheapest possible server's writer, with the interfaces of the real one.
type writer struct{ header http.Header }

func (w *writer) Header() http.Header               { return w.header }
func (w *writer) Write(p []byte) (int, error)       { return len(p), nil }
func (w *writer) WriteString(s string) (int, error) { return len(s), nil }
func (w *writer) WriteHeader(int)                   {}
func (w *writer) Flush()                            {}

var answer = []byte("ok")

func bare() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.Write(answer)
	})
	return mux
}

func promhttpHandler() http.Handler {
	registry := prometheus.NewRegistry()
	labels := []string{"code", "method"}
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duration", Buckets: instrument.DurationBuckets()}, labels)
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, labels)
	received := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "received", Buckets: prometheus.ExponentialBuckets(100, 10, 7)}, nil)
	sent := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sent", Buckets: prometheus.ExponentialBuckets(100, 10, 7)}, nil)
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight"})
	registry.MustRegister(duration, requests, received, sent, inFlight)
	return promhttp.InstrumentHandlerInFlight(inFlight, promhttp.InstrumentHandlerDuration(duration,
		promhttp.InstrumentHandlerCounter(requests, promhttp.InstrumentHandlerRequestSize(received,
			promhttp.InstrumentHandlerResponseSize(sent, bare())))))
}

func slokHandler() http.Handler {
	m := middleware.New(middleware.Config{Recorder: slok.NewRecorder(slok.Config{
		Registry: prometheus.NewRegistry(), DurationBuckets: instrument.DurationBuckets(),
	})})
	return std.Handler("/items/{id}", m, bare())
}

func otelHandler() http.Handler {
	provider := metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))
	return otelhttp.NewHandler(bare(), "server", otelhttp.WithMeterProvider(provider), otelhttp.WithTracerProvider(noop.NewTracerProvider()))
}

func instrumentHandler(o instrument.Options) func() http.Handler {
	return func() http.Handler { return instrument.New(o).Handler(bare()) }
}

var sides = []struct {
	name    string
	handler func() http.Handler
}{
	{"bare", func() http.Handler { return bare() }},
	{"instrument", instrumentHandler(instrument.Options{})},
	{"instrument, classic only", instrumentHandler(instrument.Options{NoNative: true})},
	{"promhttp", promhttpHandler},
	{"slok", slokHandler},
	{"otelhttp", otelHandler},
}

// rounds alternate between all sides, so that a busy moment of the machine affects each of them; the fastest round counts.
const rounds = 7

func main() {
	best := make([]testing.BenchmarkResult, len(sides))
	for range rounds {
		for i, side := range sides {
			if r := testing.Benchmark(func(b *testing.B) { drive(b, side.handler()) }); best[i].N == 0 || r.NsPerOp() < best[i].NsPerOp() {
				best[i] = r
			}
		}
	}
	fmt.Printf("%d goroutines on %d cores, %s, the fastest of %d rounds\n\n", goroutines, runtime.GOMAXPROCS(0), runtime.Version(), rounds)
	fmt.Println("| | ns per request | over the bare handler | allocations over it | bytes over it | time over it, instrument = 1 |")
	fmt.Println("|---|---:|---:|---:|---:|---:|")
	bare, ours := best[0], best[1].NsPerOp()-best[0].NsPerOp()
	for i, side := range sides {
		over := best[i].NsPerOp() - bare.NsPerOp()
		fmt.Printf("| %s | %d | %d | %d | %d | %.2f |\n", side.name, best[i].NsPerOp(), over,
			best[i].AllocsPerOp()-bare.AllocsPerOp(), best[i].AllocedBytesPerOp()-bare.AllocedBytesPerOp(), float64(over)/float64(ours))
	}
}

func drive(b *testing.B, handler http.Handler) {
	b.ReportAllocs()
	b.SetParallelism(goroutines / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		r := httptest.NewRequest("GET", "/items/42", nil)
		w := &writer{header: http.Header{}}
		for pb.Next() {
			handler.ServeHTTP(w, r)
		}
	})
}
