package instrument

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"
)

// sizeBuckets are the upper bounds for the sizes of bodies, in bytes.
var sizeBuckets = [...]int64{100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000}

// tally has the integer counters. Each core usually has its own stripe: contention for one cache line would cost several times as
// much as the rest of the measurement.
type tally []stripe

type stripe struct {
	requests       atomic.Int64
	received, sent sizes
	_              [64 - (8+2*unsafe.Sizeof(sizes{}))%64]byte // stripes do not share cache lines
}

type sizes struct {
	sum     atomic.Int64
	buckets [len(sizeBuckets) + 1]atomic.Int64 // not cumulative; the last one counts sizes above all bounds
}

func (s *sizes) observe(size int64) {
	i := 0
	for i < len(sizeBuckets) && size > sizeBuckets[i] {
		i++
	}
	s.buckets[i].Add(1)
	s.sum.Add(size)
}

// stripeCount returns a power of two above the number of cores, so that they rarely collide.
func stripeCount() int {
	n := 8
	for n < 2*runtime.GOMAXPROCS(0) && n < 32 {
		n *= 2
	}
	return n
}

// stripeOf distributes recorders over stripes. Each core allocates from its own memory blocks, so the address identifies the
// core; only performance depends on it.
func stripeOf(rec *recorder, count int) int {
	const block = 13 // bits: spans of small objects have 8 KiB
	return int(uintptr(unsafe.Pointer(rec))>>block) & (count - 1)
}

// inFlight counts requests in progress.
type inFlight []struct {
	atomic.Int64
	_ [56]byte
}

func (f inFlight) sum() (n float64) {
	for i := range f {
		n += float64(f[i].Load())
	}
	return n
}

// totals is the sum of sizes over stripes and statuses.
type totals struct {
	count   uint64
	sum     float64
	buckets map[float64]uint64 // cumulative
	created time.Time
}

func (t *totals) add(s *sizes) {
	if t.buckets == nil {
		t.buckets = make(map[float64]uint64, len(sizeBuckets))
	}
	within := uint64(0)
	for i := range s.buckets {
		within += uint64(s.buckets[i].Load())
		if i < len(sizeBuckets) {
			t.buckets[float64(sizeBuckets[i])] += within
		}
	}
	t.count += within
	t.sum += float64(s.sum.Load())
}

// Describe sends the families that Collect computes from the tallies.
func (t *seriesTable) Describe(to chan<- *prometheus.Desc) {
	to <- t.requests
	to <- t.requestBytes
	to <- t.responseBytes
}

// Collect sends the metrics from the tallies.
func (t *seriesTable) Collect(to chan<- prometheus.Metric) {
	t.collectRoute(to, t.unknown)
	t.collectRoute(to, t.beyond)
	for _, r := range *t.routes.Load() {
		t.collectRoute(to, r)
	}
}

func (t *seriesTable) collectRoute(to chan<- prometheus.Metric, r *route) {
	list := r.series.Load()
	if list == nil {
		return
	}
	received, sent := make(map[string]*totals), make(map[string]*totals) // by method
	for _, s := range *list {
		if received[s.method] == nil {
			received[s.method], sent[s.method] = &totals{created: s.created}, &totals{created: s.created}
		}
		requests := int64(0)
		for i := range s.tally {
			requests += s.tally[i].requests.Load()
			received[s.method].add(&s.tally[i].received)
			sent[s.method].add(&s.tally[i].sent)
		}
		to <- prometheus.MustNewConstMetricWithCreatedTimestamp(t.requests, prometheus.CounterValue, float64(requests),
			s.created, s.method, r.name, s.code)
	}
	for method := range received {
		to <- received[method].histogram(t.requestBytes, method, r.name)
		to <- sent[method].histogram(t.responseBytes, method, r.name)
	}
}

func (t *totals) histogram(desc *prometheus.Desc, method, route string) prometheus.Metric {
	return prometheus.MustNewConstHistogramWithCreatedTimestamp(desc, t.count, t.sum, t.buckets, t.created, method, route)
}
