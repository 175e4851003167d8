package instrument

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"
)

// sizeBuckets are the upper bounds of bodies, in bytes.
var sizeBuckets = [...]int64{100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000}

// tally counts what is a whole number. Each core mostly has a stripe of its own: counting together in one cache line
// costs several times as much as the rest of the measurement.
type tally []stripe

type stripe struct {
	requests       atomic.Int64
	received, sent sizes
	_              [64 - (8+2*unsafe.Sizeof(sizes{}))%64]byte // a stripe shares no cache line
}

type sizes struct {
	sum     atomic.Int64
	buckets [len(sizeBuckets) + 1]atomic.Int64 // not cumulative; the last has what is larger than all bounds
}

func (s *sizes) observe(size int64) {
	i := 0
	for i < len(sizeBuckets) && size > sizeBuckets[i] {
		i++
	}
	s.buckets[i].Add(1)
	s.sum.Add(size)
}

// stripeCount is a power of two above the number of cores, so that they seldom meet.
func stripeCount() int {
	n := 8
	for n < 2*runtime.GOMAXPROCS(0) && n < 32 {
		n *= 2
	}
	return n
}

// stripeOf spreads recorders over stripes. Each core allocates from memory blocks of its own, so that their addresses
// tell the cores apart; nothing but speed depends on it.
func stripeOf(rec *recorder, count int) int {
	const block = 13 // bits: spans of small objects have 8 KiB
	return int(uintptr(unsafe.Pointer(rec))>>block) & (count - 1)
}

// inFlight counts requests that have begun and not ended.
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

// totals adds sizes up over stripes and statuses.
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

// Describe sends the families that Collect fills from the tallies.
func (t *seriesTable) Describe(to chan<- *prometheus.Desc) {
	to <- t.requests
	to <- t.requestBytes
	to <- t.responseBytes
}

// Collect sends what the tallies have counted.
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
