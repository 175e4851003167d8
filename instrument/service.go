package instrument

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// DefaultMaxSeries is the default limit of combinations of method, route and status.
const DefaultMaxSeries = 1000

// DurationBuckets returns the upper bounds of http_request_duration_seconds, in seconds.
func DurationBuckets() []float64 { return []float64{0.1, 0.3, 0.5, 0.7, 1, 3, 5, 7, 10} }

// Options of a [Service]. The zero value works.
type Options struct {
	Service string // name of the service in service_info and in its logs; default: the last element of the main package's path
	Version string // version in service_info; default: that of the main module

	Buckets   []float64 // upper bounds of http_request_duration_seconds; default [DurationBuckets]
	NoNative  bool      // only classic buckets
	MaxSeries int       // combinations of method, route and status; default [DefaultMaxSeries]
	Methods   []string  // methods to distinguish, in addition to those of RFC 9110 and PATCH; all others are "other"

	// StartTraces starts a new trace for requests without a valid traceparent, so that their logs can be correlated.
	StartTraces bool

	MetricsPath string // default /metrics
	LivePath    string // default /healthz: 200 while the process serves
	ReadyPath   string // default /readyz: 503 if a check fails, see [Service.AddCheck], and after [Service.Drain]

	Registry *prometheus.Registry // default: a new one
	Logger   *slog.Logger         // logs metrics that cannot be gathered; default: none
}

// Service instruments one HTTP service. Its methods are safe for concurrent use.
type Service struct {
	options  Options
	registry *prometheus.Registry
	series   *seriesTable
	checks   checks

	inFlight inFlight
	panics   prometheus.Counter
	writers  writerCache
}

// New returns a service with its metrics registered. It panics if they cannot be registered, because the buckets are not
// increasing or Options.Registry has metrics with the same names: both are programming errors.
func New(o Options) *Service {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	o.fill(info)
	s := &Service{options: o, registry: o.Registry}
	s.series = newSeriesTable(s.registry, o)
	s.inFlight = make(inFlight, s.series.stripes)
	s.panics = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "http_panics_total", Help: "HTTP requests whose handler panicked",
	})
	s.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
		serviceInfo(o, info),
		s.panics,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "http_requests_in_flight", Help: "HTTP requests being served now",
		}, s.inFlight.sum),
	)
	return s
}

func (o *Options) fill(info *debug.BuildInfo) {
	set := func(value *string, otherwise string) {
		if *value == "" {
			*value = otherwise
		}
	}
	set(&o.Service, lastElement(info.Path))
	set(&o.Service, "unknown")
	set(&o.Version, info.Main.Version)
	set(&o.MetricsPath, "/metrics")
	set(&o.LivePath, "/healthz")
	set(&o.ReadyPath, "/readyz")
	if o.Buckets == nil {
		o.Buckets = DurationBuckets()
	}
	o.Buckets = slices.Clone(o.Buckets)
	if !slices.IsSorted(o.Buckets) || len(slices.Compact(slices.Clone(o.Buckets))) != len(o.Buckets) {
		panic(fmt.Sprintf("instrument: buckets do not rise: %v", o.Buckets))
	}
	if o.MaxSeries <= 0 {
		o.MaxSeries = DefaultMaxSeries
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
}

func serviceInfo(o Options, info *debug.BuildInfo) prometheus.Collector {
	revision := ""
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			revision = setting.Value
		}
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "service_info", Help: "1, with the name and version of the service",
		ConstLabels: prometheus.Labels{"service": o.Service, "version": o.Version, "revision": revision},
	}, func() float64 { return 1 })
}

// lastElement is path.Base, but returns an empty string for the empty path.
func lastElement(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

// Registry returns the registry of the service, for additional metrics.
func (s *Service) Registry() *prometheus.Registry { return s.registry }

// Handler measures next and serves the paths for metrics and health itself; those requests are not measured.
func (s *Service) Handler(next http.Handler) http.Handler {
	measured, metrics := s.Measure(next), s.MetricsHandler()
	live, ready := http.HandlerFunc(s.serveLive), http.HandlerFunc(s.serveReady)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case s.options.MetricsPath:
			readOnly(w, r, metrics)
		case s.options.LivePath:
			readOnly(w, r, live)
		case s.options.ReadyPath:
			readOnly(w, r, ready)
		default:
			measured.ServeHTTP(w, r)
		}
	})
}

func readOnly(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	next.ServeHTTP(w, r)
}

// MetricsHandler serves all metrics of the registry: as text, OpenMetrics or protobuf, compressed with gzip or zstd, depending on
// the client. Metrics that cannot be gathered do not affect the others.
func (s *Service) MetricsHandler() http.Handler {
	o := promhttp.HandlerOpts{
		Registry: s.registry, EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 8, Timeout: 30 * time.Second,
	}
	if s.options.Logger != nil {
		o.ErrorLog = errorLog{s.options.Logger}
	}
	return promhttp.HandlerFor(s.registry, o)
}

type errorLog struct{ *slog.Logger }

// Println implements promhttp.Logger.
func (l errorLog) Println(v ...any) {
	for _, e := range v {
		if err, ok := e.(error); ok {
			l.Error("Cannot gather metrics", "err", err)
			return
		}
	}
}
