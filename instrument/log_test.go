package instrument_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/slogtest"

	"github.com/ausguck/ausguck/instrument"
)

func TestLog(t *testing.T) {
	s := instrument.New(instrument.Options{Service: "gateway"})
	var out bytes.Buffer
	logger := slog.New(s.LogHandler(slog.NewJSONHandler(&out, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	})))
	trace, _ := instrument.ParseTraceparent(traceparent)
	ctx := instrument.WithTrace(context.Background(), trace)
	ids := `"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"`
	for _, c := range []struct {
		name string
		log  func()
		want string
	}{
		{"plain", func() { logger.Info("m", "a", 1) }, `{"level":"INFO","msg":"m","service":"gateway","a":1}`},
		{"trace", func() { logger.WarnContext(ctx, "m", "a", 1) }, `{"level":"WARN","msg":"m","service":"gateway","a":1,` + ids + `}`},
		{"with", func() { logger.With("b", 2).ErrorContext(ctx, "m") }, `{"level":"ERROR","msg":"m","service":"gateway","b":2,` + ids + `}`},
		{"group", func() { logger.With("b", 2).WithGroup("g").With("c", 3).ErrorContext(ctx, "m", "a", 1) },
			`{"level":"ERROR","msg":"m","service":"gateway","b":2,` + ids + `,"g":{"c":3,"a":1}}`},
		{"group without trace", func() { logger.WithGroup("g").Info("m", "a", 1) }, `{"level":"INFO","msg":"m","service":"gateway","g":{"a":1}}`},
		{"not enabled", func() { logger.Debug("m") }, ``},
	} {
		out.Reset()
		c.log()
		if got := string(bytes.TrimSpace(out.Bytes())); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
	wantValue(t, s, `log_messages_total{level="info"}`, 2)
	wantValue(t, s, `log_messages_total{level="warn"}`, 1)
	wantValue(t, s, `log_messages_total{level="error"}`, 2)
	wantValue(t, s, `log_messages_total{level="debug"}`, 0)
}

// The handler follows slog's rules for handlers, with and without a trace.
func TestSlogRules(t *testing.T) {
	var out bytes.Buffer
	for _, traced := range []bool{false, true} {
		slogtest.Run(t, func(*testing.T) slog.Handler {
			out.Reset()
			s := instrument.New(instrument.Options{})
			h := s.LogHandler(slog.NewJSONHandler(&out, nil))
			if traced {
				h = tracing{h}
			}
			return h
		}, func(t *testing.T) map[string]any {
			var line map[string]any
			if err := json.Unmarshal(out.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			return line
		})
	}
}

// tracing adds a trace to each record.
type tracing struct{ slog.Handler }

func (h tracing) Handle(ctx context.Context, r slog.Record) error {
	return h.Handler.Handle(instrument.WithTrace(ctx, instrument.NewTrace()), r)
}
func (h tracing) WithAttrs(a []slog.Attr) slog.Handler { return tracing{h.Handler.WithAttrs(a)} }
func (h tracing) WithGroup(n string) slog.Handler      { return tracing{h.Handler.WithGroup(n)} }
