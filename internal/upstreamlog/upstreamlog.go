// Package upstreamlog adapts the log of an embedded program: each of them reports at levels, and as often, as suits a
// program that runs alone.
package upstreamlog

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"
)

// Rules say how the records of an upstream become ours, in this order. The zero value leaves them as they are.
type Rules struct {
	// Level returns the level that records of a level get; nil keeps it.
	Level func(slog.Level) slog.Level
	// Record rewrites a record; nil keeps it.
	Record func(slog.Record) slog.Record
	// Raises is set when Record may raise the level of a record, which costs that all are made.
	Raises bool
	// Attr rewrites an attribute; nil keeps it.
	Attr func(slog.Attr) slog.Attr
	// Repeat is how long a warning or error in the same words is logged at Debug after it was logged; 0 logs all. Service
	// discovery, for example, logs an error every few seconds as long as what it asks is away.
	Repeat time.Duration
}

// New returns a logger for an upstream, which writes to l.
func New(l *slog.Logger, r Rules) *slog.Logger {
	return slog.New(&handler{inner: l.Handler(), rules: r, said: &said{last: map[string]time.Time{}}})
}

// InfoIsDebug lowers Info to Debug, for an upstream that reports every step.
func InfoIsDebug(l slog.Level) slog.Level {
	if l >= slog.LevelInfo && l < slog.LevelWarn {
		return slog.LevelDebug
	}
	return l
}

// ComplaintsWarn lowers errors to Warn and what is below Warn to Debug, for an upstream whose errors cost little.
func ComplaintsWarn(l slog.Level) slog.Level {
	if l >= slog.LevelWarn {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// WarnAndAbove drops what is below Warn, for an upstream whose steps we log ourselves.
func WarnAndAbove(l slog.Level) slog.Level {
	if l < slog.LevelWarn {
		return math.MinInt
	}
	return l
}

type handler struct {
	inner slog.Handler
	rules Rules
	with  string // the attributes and groups of WithAttrs and WithGroup, as a part of what was said
	*said
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(ctx context.Context, l slog.Level) bool {
	return h.rules.Raises || h.inner.Enabled(ctx, h.level(l))
}

func (h *handler) level(l slog.Level) slog.Level {
	if h.rules.Level == nil {
		return l
	}
	return h.rules.Level(l)
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = h.level(r.Level)
	if h.rules.Record != nil {
		r = h.rules.Record(r)
	}
	if h.rules.Attr != nil {
		r = eachAttr(r, h.rules.Attr)
	}
	if h.rules.Repeat > 0 && r.Level >= slog.LevelWarn && h.again(h.words(r), r.Time, h.rules.Repeat) {
		r.Level = slog.LevelDebug
	}
	if !h.inner.Enabled(ctx, r.Level) {
		return nil
	}
	return h.inner.Handle(ctx, r)
}

func eachAttr(r slog.Record, f func(slog.Attr) slog.Attr) slog.Record {
	changed := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		changed.AddAttrs(f(a))
		return true
	})
	return changed
}

func (h *handler) words(r slog.Record) string {
	words := h.with + r.Message
	r.Attrs(func(a slog.Attr) bool {
		words += " " + a.String()
		return true
	})
	return words
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with, changed := h.with, make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		if h.rules.Attr != nil {
			a = h.rules.Attr(a)
		}
		changed[i] = a
		with += a.String() + " "
	}
	return &handler{inner: h.inner.WithAttrs(changed), rules: h.rules, with: with, said: h.said}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{inner: h.inner.WithGroup(name), rules: h.rules, with: h.with + name + ".", said: h.said}
}

// said remembers when what was logged last.
type said struct {
	mtx  sync.Mutex
	last map[string]time.Time
}

// maxRemembered bounds the memory for messages with ever new values.
const maxRemembered = 1000

// again reports whether words were logged within a time before now, and remembers them.
func (s *said) again(words string, now time.Time, within time.Duration) bool {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if last, ok := s.last[words]; ok && now.Sub(last) < within {
		return true
	}
	if len(s.last) >= maxRemembered {
		clear(s.last)
	}
	s.last[words] = now
	return false
}
