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

// Engine is a Prometheus that knows how long the answers to its range queries hold.
type Engine interface {
	// Stepwise reports whether each step of a range query is computed of samples up to it alone.
	Stepwise(query string) bool
	// Mark returns a mark of the present.
	Mark() uint64
	// ChangedSince returns the time from which on (Unix milliseconds) answers computed after a mark may be others now:
	// math.MaxInt64 for none, math.MinInt64 for all.
	ChangedSince(mark uint64) int64
}

// Ranges keeps answers to range queries, so that a refresh asks only for what is new, as the query frontends of Mimir and
// Thanos do. Unlike those it never keeps what may have changed: it is used for an Engine alone.
type Ranges struct {
	limit int // bytes

	mtx     sync.Mutex
	size    int
	answers map[rangeKey]*list.Element // of *rangeAnswer
	recent  list.List                  // the last used first
	asked   uint64                     // steps
	reused  uint64
}

// NewRanges returns a cache of at most limit bytes.
func NewRanges(limit int) *Ranges {
	return &Ranges{limit: limit, answers: map[rangeKey]*list.Element{}}
}

// Used returns how many bytes are kept, how many steps were asked for, and how many of them did not have to be computed.
func (c *Ranges) Used() (bytes int, asked, reused uint64) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	return c.size, c.asked, c.reused
}

// rangeKey is what an answer depends on but for its time. Steps of one phase fall on the same times.
type rangeKey struct {
	query       string
	step, phase int64 // milliseconds
}

// rangeAnswer is the answer for the steps from, …, to, Unix milliseconds. It does not change.
type rangeAnswer struct {
	key      rangeKey
	from, to int64
	series   []promSeries // sorted
	mark     uint64
	size     int
}

// maxSteps is how many steps Prometheus computes at most.
const maxSteps = 11_000

// askRange answers a range query by what is kept of it, and asks for the rest.
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
	mark := src.Engine.Mark() // before anything is looked at: what changes from here on is told next time
	kept, holds := src.Ranges.get(key, src.Engine, from)
	next := from
	if kept != nil {
		holds = min(holds, to)
		next = holds - (holds-from)%every + every // the first step that is not kept
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
	if len(answer.notices()) == 0 { // what one step is warned of is not kept by step
		src.Ranges.keep(&rangeAnswer{key: key, from: from, to: to, series: series, mark: mark})
	} else {
		src.Ranges.drop(key)
	}
	return series, answer, nil
}

// get returns an answer that begins no later than from and holds, and up to when: not before from.
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

// keep replaces what is kept for the key.
func (c *Ranges) keep(a *rangeAnswer) {
	a.size = a.bytes()
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.remove(c.answers[a.key])
	if a.size > c.limit/4 { // it would take the place of all others
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

// remove forgets an answer; c.mtx is held.
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

// bytes is about what an answer takes.
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

// joined puts the steps of fresh behind those of old from one time to another. Both are sorted by labels, as Prometheus sorts them.
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

// sorts gives series what they are sorted by: the names and values of their labels.
func sorts(series []promSeries) {
	for i := range series {
		s := &series[i]
		for _, name := range slices.Sorted(maps.Keys(s.Metric)) {
			s.sortKey = append(s.sortKey, name, s.Metric[name])
		}
	}
}

// between returns the samples of a series from one time to another, both included.
func (s promSeries) between(from, to int64) promSeries {
	s.Values = cut(s.Values, func(v sample) int64 { return v.at }, from, to)
	s.Histograms = cut(s.Histograms, histogramTime, from, to)
	return s
}

// cut returns those of a list, which is sorted by time, from one time to another, both included.
func cut[T any](list []T, at func(T) int64, from, to int64) []T {
	first := sort.Search(len(list), func(i int) bool { return at(list[i]) >= from })
	end := sort.Search(len(list), func(i int) bool { return at(list[i]) > to })
	if first == end {
		return nil
	}
	return list[first:end:end]
}

// histogramTime returns the time of a native histogram, which the API writes as [1700000000.123, {…}].
func histogramTime(raw json.RawMessage) int64 {
	number, _, _ := bytes.Cut(bytes.TrimLeft(raw, "[ "), []byte{','})
	seconds, _ := strconv.ParseFloat(string(number), 64)
	return int64(math.Round(seconds * 1000))
}
