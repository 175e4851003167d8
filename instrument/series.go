package instrument

import (
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Special values of the labels route and method.
const (
	RouteUnknown  = "unknown"  // no route matched
	RouteOverflow = "overflow" // routes beyond Options.MaxSeries
	MethodOther   = "other"    // unknown methods
)

// exemplarEvery limits the cost of exemplars: scrapes cannot collect more than one per bucket in that time.
const exemplarEvery = 250 * time.Millisecond

// seriesTable finds the series of a request without locks or allocations, and creates each only once.
type seriesTable struct {
	durations       *prometheus.HistogramVec
	requests        *prometheus.Desc
	requestBytes    *prometheus.Desc
	responseBytes   *prometheus.Desc
	stripes         int
	overflow        prometheus.Counter
	buckets         []float64
	methods         map[string]string // known methods
	max             int
	mu              sync.Mutex // held while something is added
	count           atomic.Int64
	routes          atomic.Pointer[map[string]*route] // replaced as a whole
	unknown, beyond *route
}

// route holds the series of one value of the label route.
type route struct {
	name   string
	series atomic.Pointer[[]*series] // replaced as a whole; rarely more than five
}

type series struct {
	method     string
	code       string // status as label
	status     int
	duration   prometheus.Observer
	exemplars  prometheus.ExemplarObserver
	exemplarAt []atomic.Int64 // by bucket, on the clock of now
	created    time.Time
	tally      tally
}

func newSeriesTable(registry prometheus.Registerer, o Options) *seriesTable {
	duration := prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "Duration of HTTP requests in seconds", Buckets: o.Buckets,
	}
	if !o.NoNative {
		duration.NativeHistogramBucketFactor = 1.1
		duration.NativeHistogramMaxBucketNumber = 100
		duration.NativeHistogramMinResetDuration = time.Hour
	}
	t := &seriesTable{
		durations: prometheus.NewHistogramVec(duration, []string{"method", "route", "status"}),
		requests: prometheus.NewDesc("http_requests_total", "Total number of HTTP requests",
			[]string{"method", "route", "status"}, nil),
		requestBytes: prometheus.NewDesc("http_request_size_bytes", "Size of the bodies of HTTP requests in bytes",
			[]string{"method", "route"}, nil),
		responseBytes: prometheus.NewDesc("http_response_size_bytes", "Size of the bodies of HTTP answers in bytes",
			[]string{"method", "route"}, nil),
		stripes: stripeCount(),
		overflow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "http_requests_overflow_total",
			Help: "HTTP requests that are counted under route overflow because there are too many series",
		}),
		buckets: o.Buckets, max: o.MaxSeries, methods: make(map[string]string),
		unknown: &route{name: RouteUnknown}, beyond: &route{name: RouteOverflow},
	}
	for _, method := range append([]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace,
	}, o.Methods...) {
		t.methods[method] = method
	}
	t.routes.Store(&map[string]*route{})
	registry.MustRegister(t, t.durations, t.overflow)
	return t
}

// find returns the series of a request.
func (t *seriesTable) find(method, name string, status int) *series {
	switch method { // most requests, without the map
	case http.MethodGet, http.MethodPost:
	default:
		known, ok := t.methods[method]
		if !ok {
			known = MethodOther
		}
		method = known
	}
	r := t.route(name)
	if r != nil {
		if found := r.find(method, status); found != nil {
			return found
		}
	}
	if int(t.count.Load()) < t.max {
		if added := t.add(method, name, status); added != nil {
			return added
		}
	}
	t.overflow.Inc()
	if found := t.beyond.find(method, status); found != nil {
		return found
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.make(t.beyond, method, status)
}

// route returns the route with that name, nil if it is new.
func (t *seriesTable) route(name string) *route {
	switch name {
	case "", RouteUnknown:
		return t.unknown
	case RouteOverflow:
		return t.beyond
	}
	return (*t.routes.Load())[name]
}

func (r *route) find(method string, status int) *series {
	list := r.series.Load()
	if list == nil {
		return nil
	}
	for _, s := range *list {
		if s.status == status && s.method == method {
			return s
		}
	}
	return nil
}

// add creates the series of a request, or returns nil if there are too many.
func (t *seriesTable) add(method, name string, status int) *series {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.route(name)
	if r != nil {
		if found := r.find(method, status); found != nil { // another request was faster
			return found
		}
	}
	if int(t.count.Load()) >= t.max {
		return nil
	}
	if r == nil {
		r = &route{name: name}
		more := maps.Clone(*t.routes.Load())
		more[name] = r
		t.routes.Store(&more)
	}
	t.count.Add(1)
	return t.make(r, method, status)
}

// make adds a series to a route, unless it exists. The caller holds t.mu.
func (t *seriesTable) make(r *route, method string, status int) *series {
	if found := r.find(method, status); found != nil {
		return found
	}
	code := strconv.Itoa(status)
	if r == t.beyond && http.StatusText(status) == "" && status != StatusClientGone {
		// Statuses that handlers invent must be limited too. Dashboards select 5.., which this matches.
		status = max(status/100, 1) * 100
		if found := r.find(method, -status); found != nil {
			return found
		}
		code, status = strconv.Itoa(status/100)+"xx", -status
	}
	duration := t.durations.WithLabelValues(method, r.name, code)
	s := &series{
		method: method, status: status, code: code,
		duration: duration, exemplars: duration.(prometheus.ExemplarObserver),
		exemplarAt: make([]atomic.Int64, len(t.buckets)+1),
		created:    time.Now(), tally: make(tally, t.stripes),
	}
	var list []*series
	if old := r.series.Load(); old != nil {
		list = append(list, *old...)
	}
	list = append(list, s)
	r.series.Store(&list)
	return s
}

// observe adds the duration, with an exemplar if the trace is sampled and the bucket's last one is old enough.
func (t *seriesTable) observe(s *series, seconds float64, at time.Duration, trace *Trace) {
	if trace == nil || !trace.Sampled() {
		s.duration.Observe(seconds)
		return
	}
	bucket := 0
	for bucket < len(t.buckets) && seconds > t.buckets[bucket] {
		bucket++
	}
	last := s.exemplarAt[bucket].Load()
	if last != 0 && at-time.Duration(last) < exemplarEvery || !s.exemplarAt[bucket].CompareAndSwap(last, int64(at)) {
		s.duration.Observe(seconds)
		return
	}
	s.exemplars.ObserveWithExemplar(seconds, prometheus.Labels{"trace_id": trace.ID(), "span_id": trace.SpanID()})
}
