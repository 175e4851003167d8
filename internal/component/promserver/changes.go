package promserver

import (
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// Changes tracks from which time on the results of range queries may have changed, for callers that cache them.
//
// A step of a result is computed from samples up to its time. Everything that changes samples is an event with the time
// from which on results may differ: each batch of samples, a deletion, a changed set of blocks, a new configuration.
type Changes struct {
	mtx    sync.Mutex
	mark   uint64
	events []change // with increasing marks and times: an event replaces earlier ones whose time is later
	blocks func() []ulid.ULID
	known  []ulid.ULID
}

type change struct {
	mark uint64
	from int64
}

const (
	maxChanges = 1000 // events kept separately
	grain      = 5000 // milliseconds; every scrape stores samples
)

// watch records that a new storage with these blocks is in use.
func (c *Changes) watch(blocks func() []ulid.ULID) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.blocks, c.known = blocks, blocks()
	c.add(math.MinInt64)
}

// Mark returns a mark for the current state.
func (c *Changes) Mark() uint64 {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	return c.mark
}

// ChangedSince returns the time (Unix milliseconds) from which on results computed after a mark may have changed;
// math.MaxInt64 if none has, math.MinInt64 if all may have.
func (c *Changes) ChangedSince(mark uint64) int64 {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	if c.blocks != nil {
		if now := c.blocks(); !slices.Equal(now, c.known) { // blocks were created, imported or deleted
			c.known = now
			c.add(math.MinInt64)
		}
	}
	for _, e := range c.events {
		if e.mark > mark {
			return e.from
		}
	}
	return math.MaxInt64
}

// everything records that all results may have changed.
func (c *Changes) everything() {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.add(math.MinInt64)
}

// stored records that samples became visible, the first of which has the given time.
func (c *Changes) stored(first int64) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.add(first - (first%grain+grain)%grain)
}

func (c *Changes) add(from int64) {
	c.mark++
	for n := len(c.events); n > 0 && c.events[n-1].from >= from; n-- {
		c.events = c.events[:n-1]
	}
	c.events = append(c.events, change{c.mark, from})
	if len(c.events) > maxChanges {
		c.events[1].from = c.events[0].from
		c.events = slices.Delete(c.events, 0, 1)
	}
}

// Appender returns an appender that reports what is stored.
func (c *Changes) Appender(next storage.Appender) storage.Appender {
	return &toldAppender{next, told{c, math.MaxInt64}}
}

// AppenderV2 does the same for the other interface; zeros is set if start times are stored as samples.
func (c *Changes) AppenderV2(next storage.AppenderV2, zeros bool) storage.AppenderV2 {
	return &toldAppenderV2{next, told{c, math.MaxInt64}, zeros}
}

// told remembers the earliest time of the appended samples.
type told struct {
	changes *Changes
	first   int64
}

// saw remembers a time unless the sample was rejected.
func (t *told) saw(at int64, err error) {
	var partial *storage.AppendPartialError // the sample is stored, but not something that came with it
	if err == nil || errors.As(err, &partial) {
		t.first = min(t.first, at)
	}
}

// commit reports the change once the samples are visible: queries that ran before hold an older mark.
func (t *told) commit(commit func() error) error {
	err := commit()
	if t.first != math.MaxInt64 {
		t.changes.stored(t.first)
	}
	return err
}

type toldAppender struct {
	storage.Appender
	told
}

func (a *toldAppender) Append(ref storage.SeriesRef, l labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	ref, err := a.Appender.Append(ref, l, t, v)
	a.saw(t, err)
	return ref, err
}

func (a *toldAppender) AppendHistogram(ref storage.SeriesRef, l labels.Labels, t int64, h *histogram.Histogram, fh *histogram.FloatHistogram) (storage.SeriesRef, error) {
	ref, err := a.Appender.AppendHistogram(ref, l, t, h, fh)
	a.saw(t, err)
	return ref, err
}

func (a *toldAppender) AppendSTZeroSample(ref storage.SeriesRef, l labels.Labels, t, st int64) (storage.SeriesRef, error) {
	ref, err := a.Appender.AppendSTZeroSample(ref, l, t, st)
	a.saw(st, err)
	return ref, err
}

func (a *toldAppender) AppendHistogramSTZeroSample(ref storage.SeriesRef, l labels.Labels, t, st int64, h *histogram.Histogram, fh *histogram.FloatHistogram) (storage.SeriesRef, error) {
	ref, err := a.Appender.AppendHistogramSTZeroSample(ref, l, t, st, h, fh)
	a.saw(st, err)
	return ref, err
}

func (a *toldAppender) Commit() error { return a.commit(a.Appender.Commit) }

type toldAppenderV2 struct {
	storage.AppenderV2
	told
	zeros bool
}

func (a *toldAppenderV2) Append(ref storage.SeriesRef, l labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AppendV2Options) (storage.SeriesRef, error) {
	ref, err := a.AppenderV2.Append(ref, l, st, t, v, h, fh, opts)
	a.saw(t, err)
	if a.zeros && st != 0 {
		a.saw(st, err)
	}
	return ref, err
}

func (a *toldAppenderV2) Commit() error { return a.commit(a.AppenderV2.Commit) }
