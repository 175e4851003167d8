package nodeexporter

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// repeatAfter is how long the same complaint of a collector stays out of the log.
const repeatAfter = time.Hour

// maxRemembered bounds the memory for complaints that differ each time.
const maxRemembered = 1000

// calmHandler turns upstream's log into ours: what it says at info level when it starts is debug, and
// the errors that some collectors log by themselves at every scrape are one warning an hour.
type calmHandler struct {
	inner  slog.Handler
	prefix string // the attributes given with WithAttrs
	*remembered
}

type remembered struct {
	mtx  sync.Mutex
	last map[string]time.Time // by complaint
}

func newCalmHandler(inner slog.Handler) slog.Handler {
	return calmHandler{inner: inner, remembered: &remembered{last: make(map[string]time.Time)}}
}

// Enabled follows the level that the record will have.
func (h calmHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, lowered(level))
}

// Handle passes the record on at its new level.
func (h calmHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowered(r.Level)
	if r.Level >= slog.LevelWarn && !h.isNew(h.prefix+describe(r), r.Time) {
		r.Level = slog.LevelDebug
	}
	if !h.inner.Enabled(ctx, r.Level) {
		return nil
	}
	return h.inner.Handle(ctx, r)
}

// WithAttrs keeps the memory shared.
func (h calmHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.inner = h.inner.WithAttrs(attrs)
	for _, a := range attrs {
		h.prefix += a.String() + " "
	}
	return h
}

// WithGroup keeps the memory shared.
func (h calmHandler) WithGroup(name string) slog.Handler {
	h.inner = h.inner.WithGroup(name)
	h.prefix += name + "."
	return h
}

func (m *remembered) isNew(complaint string, now time.Time) bool {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	if t, ok := m.last[complaint]; ok && now.Sub(t) < repeatAfter {
		return false
	}
	if len(m.last) >= maxRemembered {
		clear(m.last)
	}
	m.last[complaint] = now
	return true
}

func lowered(l slog.Level) slog.Level {
	switch {
	case l >= slog.LevelWarn:
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

func describe(r slog.Record) string {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(" " + a.String())
		return true
	})
	return b.String()
}
