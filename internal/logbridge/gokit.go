package logbridge

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// GoKit returns a go-kit logger that writes to logger. Loki and Promtail log to go-kit. Messages are unchanged; the caller, which
// go-kit adds, is omitted. Info becomes Debug, because both programs report every step.
func GoKit(logger *slog.Logger) log.Logger { return goKit{logger} }

type goKit struct{ logger *slog.Logger }

// Log implements go-kit's Logger.
func (g goKit) Log(keyvals ...any) error {
	at, msg := slog.LevelDebug, ""
	attrs := make([]slog.Attr, 0, len(keyvals)/2)
	for i := 0; i+1 < len(keyvals); i += 2 {
		key, value := fmt.Sprint(keyvals[i]), keyvals[i+1]
		switch key {
		case "level":
			switch value {
			case level.WarnValue():
				at = slog.LevelWarn
			case level.ErrorValue():
				at = slog.LevelError
			}
		case "msg", "message":
			msg = fmt.Sprint(value)
		case "caller", "ts":
		default:
			if v, ok := value.(log.Valuer); ok {
				value = v()
			}
			if err, ok := value.(error); ok {
				value = err.Error()
			}
			attrs = append(attrs, slog.Any(key, value))
		}
	}
	if !g.logger.Enabled(context.Background(), at) {
		return nil
	}
	g.logger.LogAttrs(context.Background(), at, msg, attrs...)
	return nil
}
