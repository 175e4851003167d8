package instrument

import (
	"context"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// LogHandler counts log messages in log_messages_total{level} and adds the service's name to each line, and trace_id and span_id
// if the context has a trace. These attributes are always top-level, even if the logger opens groups.
//
//	logger := slog.New(service.LogHandler(slog.NewJSONHandler(os.Stderr, nil)))
//	logger.InfoContext(r.Context(), "Job accepted", "job", id)
func (s *Service) LogHandler(next slog.Handler) slog.Handler {
	total := registered(s.registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "log_messages_total", Help: "Log lines by level",
	}, []string{"level"}))
	h := &logHandler{next: next.WithAttrs([]slog.Attr{slog.String("service", s.options.Service)})}
	for i, level := range []string{"debug", "info", "warn", "error"} {
		h.lines[i] = total.WithLabelValues(level)
	}
	h.root = h.next
	return h
}

type logHandler struct {
	next  slog.Handler
	root  slog.Handler // next before the first group
	since []change     // the changes from root to next
	lines [4]prometheus.Counter
}

// change is a call of WithGroup, or of WithAttrs if the name is empty.
type change struct {
	group string
	attrs []slog.Attr
}

// Enabled reports whether next handles the level.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle counts the record and passes it on.
func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	switch {
	case record.Level < slog.LevelInfo:
		h.lines[0].Inc()
	case record.Level < slog.LevelWarn:
		h.lines[1].Inc()
	case record.Level < slog.LevelError:
		h.lines[2].Inc()
	default:
		h.lines[3].Inc()
	}
	trace, ok := TraceFrom(ctx)
	if !ok {
		return h.next.Handle(ctx, record)
	}
	ids := []slog.Attr{slog.String("trace_id", trace.ID()), slog.String("span_id", trace.SpanID())}
	if len(h.since) == 0 {
		record = record.Clone()
		record.AddAttrs(ids...)
		return h.next.Handle(ctx, record)
	}
	next := h.root.WithAttrs(ids) // inside groups they would have other names
	for _, c := range h.since {
		next = c.apply(next)
	}
	return next.Handle(ctx, record)
}

func (c change) apply(h slog.Handler) slog.Handler {
	if c.group != "" {
		return h.WithGroup(c.group)
	}
	return h.WithAttrs(c.attrs)
}

// WithAttrs returns a handler that adds the attributes to each line.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(change{attrs: attrs})
}

// WithGroup returns a handler that puts later attributes into a group.
func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(change{group: name})
}

func (h *logHandler) with(c change) slog.Handler {
	more := *h
	more.next = c.apply(h.next)
	if c.group == "" && len(h.since) == 0 {
		more.root = more.next
		return &more
	}
	more.since = append(slices.Clip(h.since), c)
	return &more
}
