// Package upstreamlog adapts the logs of embedded programs, whose levels and frequency are meant for programs that run alone.
package upstreamlog

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"
)

// Rules determine how records of an upstream are converted, in this order. The zero value keeps them unchanged.
type Rules struct {
	// Level returns the new level for a level; nil keeps it.
	Level func(slog.Level) slog.Level
	// Record rewrites a record; nil keeps it.
	Record func(slog.Record) slog.Record
	// Raises is set if Record may raise the level of a record. The cost is that all records are created.
	Raises bool
	// Attr rewrites an attribute; nil keeps it.
	Attr func(slog.Attr) slog.Attr
	// Repeat is how long a warning or error with the same text is logged at Debug after it was logged; 0 logs all. Service
	// discovery, for example, logs an error every few seconds while its server is unavailable.
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

// ComplaintsWarn lowers errors to Warn and everything below Warn to Debug, for an upstream whose errors have little effect.
func ComplaintsWarn(l slog.Level) slog.Level {
	if l >= slog.LevelWarn {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// WarnAndAbove drops everything below Warn, for an upstream whose steps we log ourselves.
func WarnAndAbove(l slog.Level) slog.Level {
	if l < slog.LevelWarn {
		return math.MinInt
	}
	return l
}

type handler struct {
	inner slog.Handler
	rules Rules
	with  string // the attributes and groups of WithAttrs and WithGroup, as part of the text
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

// said records when messages were last logged.
type said struct {
	mtx  sync.Mutex
	last map[string]time.Time
}

// maxRemembered limits the memory for messages with constantly changing values.
const maxRemembered = 1000

// again reports whether the text was logged within the given time before now, and records it.
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
