package promserver

import (
	"context"
	"log/slog"
	"regexp"
	"sync"
	"time"
)

// repeatEvery is how often the same complaint is logged again.
const repeatEvery = time.Hour

// repeatFilter drops a warning or error that was logged within repeatEvery in the same words.
//
// Service discovery logs an error at each refresh, every few seconds, as long as what it asks is away:
// a machine without Docker would say so 17,000 times a day.
type repeatFilter struct {
	slog.Handler
	attrs string // what WithAttrs added, as part of the key
	seen  *seenRecords
}

type seenRecords struct {
	mtx  sync.Mutex
	last map[string]time.Time
}

func newRepeatFilter(h slog.Handler) *repeatFilter {
	return &repeatFilter{Handler: h, seen: &seenRecords{last: map[string]time.Time{}}}
}

// Handle implements slog.Handler.
func (f *repeatFilter) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn && f.seen.again(f.key(r), r.Time) {
		return nil
	}
	return f.Handler.Handle(ctx, r)
}

func (f *repeatFilter) key(r slog.Record) string {
	key := f.attrs + r.Message
	r.Attrs(func(a slog.Attr) bool {
		key += " " + a.String()
		return true
	})
	return key
}

// again reports whether key was seen within repeatEvery before now, and remembers it.
func (s *seenRecords) again(key string, now time.Time) bool {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if last, ok := s.last[key]; ok && now.Sub(last) < repeatEvery {
		return true
	}
	if len(s.last) > 1000 { // messages with ever new values must not fill the memory
		clear(s.last)
	}
	s.last[key] = now
	return false
}

// WithAttrs implements slog.Handler.
func (f *repeatFilter) WithAttrs(attrs []slog.Attr) slog.Handler {
	key := f.attrs
	for _, a := range attrs {
		key += a.String() + " "
	}
	return &repeatFilter{Handler: f.Handler.WithAttrs(attrs), attrs: key, seen: f.seen}
}

// WithGroup implements slog.Handler.
func (f *repeatFilter) WithGroup(name string) slog.Handler {
	return &repeatFilter{Handler: f.Handler.WithGroup(name), attrs: f.attrs + name + " ", seen: f.seen}
}

// rejections logs scrapes that are rejected whole as warnings, where upstream says it to those who debug: their targets are
// down, and the reason names the series and the label that are too long.
type rejections struct{ slog.Handler }

const rejectedMessage = "Append failed"

// Enabled implements slog.Handler.
func (h rejections) Enabled(ctx context.Context, level slog.Level) bool {
	return level == slog.LevelDebug || h.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h rejections) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelDebug && r.Message == rejectedMessage {
		r = r.Clone()
		r.Level, r.Message = slog.LevelWarn, "Scrape rejected: none of its samples is stored"
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h rejections) WithAttrs(attrs []slog.Attr) slog.Handler {
	return rejections{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h rejections) WithGroup(name string) slog.Handler { return rejections{h.Handler.WithGroup(name)} }

// atLeast drops what is below a level.
type atLeast struct {
	slog.Handler
	level slog.Level
}

// Enabled implements slog.Handler.
func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(attrs), h.level}
}

// WithGroup implements slog.Handler.
func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.Handler.WithGroup(name), h.level}
}

// secretive hides passwords and parameters in URLs: upstream logs the address of remote write as it stands in the file,
// and that of a target in errors. The log is collected, and who may read it may not read the file.
type secretive struct{ slog.Handler }

var urlPassword = regexp.MustCompile(`(://[^/\s:@]*:)[^/\s@]+@`)

func hidePassword(a slog.Attr) slog.Attr {
	if _, failed := a.Value.Any().(error); failed || a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(hideParams(urlPassword.ReplaceAllString(a.Value.String(), "${1}xxxxx@")))
	}
	return a
}

// Handle implements slog.Handler.
func (h secretive) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(hidePassword(a))
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

// WithAttrs implements slog.Handler.
func (h secretive) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = hidePassword(a)
	}
	return secretive{h.Handler.WithAttrs(clean)}
}

// WithGroup implements slog.Handler.
func (h secretive) WithGroup(name string) slog.Handler { return secretive{h.Handler.WithGroup(name)} }
