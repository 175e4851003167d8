package dsquery

import (
	"bytes"
	"container/list"
	"context"
	"encoding/json"
	"maps"
	"math"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"
)

// Engine is a Prometheus that knows how long results of its range queries stay valid.
type Engine interface {
	// Stepwise reports whether each step of a range query depends only on samples up to that step.
	Stepwise(query string) bool
	// Mark returns a mark for the current time.
	Mark() uint64
	// ChangedSince returns the time (Unix milliseconds) from which results computed after a mark may have changed:
	// math.MaxInt64 for none, math.MinInt64 for all.
	ChangedSince(mark uint64) int64
}

// Ranges caches results of range queries, so that a refresh queries only new data, as the query frontends of Mimir and
// Thanos do. Unlike them, it never caches results that may have changed: it is used only with an Engine.
type Ranges struct {
	limit int // bytes

	mtx     sync.Mutex
	size    int
	answers map[rangeKey]*list.Element // of *rangeAnswer
	recent  list.List                  // most recently used first
	asked   uint64                     // steps
	reused  uint64
}

// NewRanges returns a cache with a limit in bytes.
func NewRanges(limit int) *Ranges {
	return &Ranges{limit: limit, answers: map[rangeKey]*list.Element{}}
}

// Used returns the size of the cache in bytes, the number of requested steps and the number of steps served from the cache.
func (c *Ranges) Used() (bytes int, asked, reused uint64) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	return c.size, c.asked, c.reused
}

// rangeKey identifies a result apart from its time range. Steps of the same phase have the same timestamps.
type rangeKey struct {
	query       string
	step, phase int64 // milliseconds
}

// rangeAnswer holds the results for the steps from, …, to in Unix milliseconds. It is immutable.
type rangeAnswer struct {
	key      rangeKey
	from, to int64
	series   []promSeries // sorted
	mark     uint64
	size     int
}

// maxSteps is the maximum number of steps that Prometheus computes.
const maxSteps = 11_000

// askRange answers a range query from the cache and queries the rest.
func askRange(ctx context.Context, src Source, query string, start, end time.Time, step time.Duration) ([]promSeries, *apiAnswer, error) {
	from, to, every := start.UnixMilli(), end.UnixMilli(), step.Milliseconds()
	ask := func(from int64) ([]promSeries, *apiAnswer, error) {
		a, err := ask(ctx, src, "api/v1/query_range", url.Values{
			"query": {query}, "start": {seconds(time.UnixMilli(from))}, "end": {seconds(end)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
		})
		if err != nil {
			return nil, nil, err
		}
		_, series, err := readSeries(a)
		return series, a, err
	}
	if src.Ranges == nil || every <= 0 || (to-from)/every > maxSteps || !src.Engine.Stepwise(query) {
		return ask(from)
	}
	key := rangeKey{query, every, from % every}
	mark := src.Engine.Mark() // taken first, so that later changes are noticed next time
	kept, holds := src.Ranges.get(key, src.Engine, from)
	next := from
	if kept != nil {
		holds = min(holds, to)
		next = holds - (holds-from)%every + every // the first step that is not cached
	}
	var series []promSeries
	answer := &apiAnswer{}
	if next <= to {
		var err error
		if series, answer, err = ask(next); err != nil {
			return nil, nil, err
		}
	}
	sorts(series)
	if kept != nil {
		series = joined(kept.series, series, from, next-every)
	}
	src.Ranges.count(from, next, to, every)
	if len(answer.notices()) == 0 { // warnings are not tracked by step
		src.Ranges.keep(&rangeAnswer{key: key, from: from, to: to, series: series, mark: mark})
	} else {
		src.Ranges.drop(key)
	}
	return series, answer, nil
}

// get returns a cached result that starts at or before from and is still valid, and the time up to which it is valid,
// which is never before from.
func (c *Ranges) get(key rangeKey, engine Engine, from int64) (*rangeAnswer, int64) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	e := c.answers[key]
	if e == nil {
		return nil, 0
	}
	a := e.Value.(*rangeAnswer)
	changed := engine.ChangedSince(a.mark)
	if a.from > from || a.to < from || changed <= from {
		return nil, 0
	}
	c.recent.MoveToFront(e)
	return a, min(a.to, changed-1)
}

// keep replaces the cached result for the key.
func (c *Ranges) keep(a *rangeAnswer) {
	a.size = a.bytes()
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.remove(c.answers[a.key])
	if a.size > c.limit/4 { // it would displace all others
		return
	}
	c.answers[a.key] = c.recent.PushFront(a)
	c.size += a.size
	for c.size > c.limit {
		c.remove(c.recent.Back())
	}
}

func (c *Ranges) drop(key rangeKey) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.remove(c.answers[key])
}

// remove evicts a result; c.mtx must be held.
func (c *Ranges) remove(e *list.Element) {
	if e == nil {
		return
	}
	a := c.recent.Remove(e).(*rangeAnswer)
	delete(c.answers, a.key)
	c.size -= a.size
}

func (c *Ranges) count(from, next, to, step int64) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.asked += uint64((to-from)/step + 1)
	c.reused += uint64((next - from) / step)
}

// bytes estimates the memory used by a result.
func (a *rangeAnswer) bytes() int {
	const perSeries, perSample, perLabel = 200, 16, 64
	n := len(a.key.query) + perSeries
	for _, s := range a.series {
		n += perSeries + perSample*cap(s.Values)
		for name, value := range s.Metric {
			n += perLabel + len(name) + len(value)
		}
		for _, h := range s.Histograms {
			n += perLabel + len(h)
		}
	}
	return n
}

// joined appends the steps of fresh to those of old in the given time range. Both are sorted by labels, as Prometheus
// sorts them.
func joined(old, fresh []promSeries, from, to int64) []promSeries {
	all := make([]promSeries, 0, max(len(old), len(fresh)))
	for len(old) > 0 || len(fresh) > 0 {
		order := -1
		switch {
		case len(old) == 0:
			order = 1
		case len(fresh) > 0:
			order = slices.Compare(old[0].sortKey, fresh[0].sortKey)
		}
		var s promSeries
		switch {
		case order < 0:
			s, old = old[0].between(from, to), old[1:]
		case order > 0:
			s, fresh = fresh[0], fresh[1:]
		default:
			s = old[0].between(from, to)
			s.Values, s.Histograms = slices.Concat(s.Values, fresh[0].Values), slices.Concat(s.Histograms, fresh[0].Histograms)
			old, fresh = old[1:], fresh[1:]
		}
		if len(s.Values)+len(s.Histograms) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// sorts sets the sort key of each series: the names and values of its labels.
func sorts(series []promSeries) {
	for i := range series {
		s := &series[i]
		for _, name := range slices.Sorted(maps.Keys(s.Metric)) {
			s.sortKey = append(s.sortKey, name, s.Metric[name])
		}
	}
}

// between returns the samples of a series in a time range, inclusive.
func (s promSeries) between(from, to int64) promSeries {
	s.Values = cut(s.Values, func(v sample) int64 { return v.at }, from, to)
	s.Histograms = cut(s.Histograms, histogramTime, from, to)
	return s
}

// cut returns the elements of a time-sorted list in a time range, inclusive.
func cut[T any](list []T, at func(T) int64, from, to int64) []T {
	first := sort.Search(len(list), func(i int) bool { return at(list[i]) >= from })
	end := sort.Search(len(list), func(i int) bool { return at(list[i]) > to })
	if first == end {
		return nil
	}
	return list[first:end:end]
}

// histogramTime returns the time of a native histogram, which the API encodes as [1700000000.123, {…}].
func histogramTime(raw json.RawMessage) int64 {
	number, _, _ := bytes.Cut(bytes.TrimLeft(raw, "[ "), []byte{','})
	seconds, _ := strconv.ParseFloat(string(number), 64)
	return int64(math.Round(seconds * 1000))
}
