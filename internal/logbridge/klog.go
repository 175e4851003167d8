// Package logbridge leads the logs of upstreams that know only a global logger of their own into slog.
//
// Each function sets one global of one logging library and says who reads it; internal/app calls it
// once. klog is read by cAdvisor and by the Kubernetes client of Prometheus's discovery.
package logbridge

import (
	"context"
	"log/slog"

	"k8s.io/klog/v2"
)

// ClaimKlog makes logger the destination of klog. What is not an error is logged at Debug: cAdvisor and
// client-go report every step at Info, and klog hands its warnings on as Info too.
func ClaimKlog(logger *slog.Logger) {
	klog.SetSlogLogger(slog.New(quieter{logger.Handler()}))
}

// quieter lowers Info records to Debug.
type quieter struct{ slog.Handler }

func (q quieter) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, lower(level))
}

func (q quieter) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lower(r.Level)
	return q.Handler.Handle(ctx, r)
}

func (q quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieter{q.Handler.WithAttrs(attrs)}
}

func (q quieter) WithGroup(name string) slog.Handler { return quieter{q.Handler.WithGroup(name)} }

func lower(level slog.Level) slog.Level {
	if level >= slog.LevelInfo && level < slog.LevelWarn {
		return slog.LevelDebug
	}
	return level
}
