package upstreamlog_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// logged returns what is logged for an upstream's four levels if our level is at.
func logged(at slog.Level, r upstreamlog.Rules) string {
	var out bytes.Buffer
	l := upstreamlog.New(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: at})), r)
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		l.Log(context.Background(), level, "said at "+level.String())
	}
	words := []string{}
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(line, "level=")
		level, rest, _ := strings.Cut(rest, " ")
		words = append(words, strings.TrimSuffix(rest[len(`msg="said at `):], "\"\n")+">"+level)
	}
	return strings.Join(words, " ")
}

func TestLevels(t *testing.T) {
	for name, tt := range map[string]struct {
		rules     upstreamlog.Rules
		info, all string
	}{
		"as they are":    {upstreamlog.Rules{}, "INFO>INFO WARN>WARN ERROR>ERROR", "DEBUG>DEBUG INFO>INFO WARN>WARN ERROR>ERROR"},
		"InfoIsDebug":    {upstreamlog.Rules{Level: upstreamlog.InfoIsDebug}, "WARN>WARN ERROR>ERROR", "DEBUG>DEBUG INFO>DEBUG WARN>WARN ERROR>ERROR"},
		"ComplaintsWarn": {upstreamlog.Rules{Level: upstreamlog.ComplaintsWarn}, "WARN>WARN ERROR>WARN", "DEBUG>DEBUG INFO>DEBUG WARN>WARN ERROR>WARN"},
		"WarnAndAbove":   {upstreamlog.Rules{Level: upstreamlog.WarnAndAbove}, "WARN>WARN ERROR>ERROR", "WARN>WARN ERROR>ERROR"},
		"raised": {
			upstreamlog.Rules{Raises: true, Record: func(r slog.Record) slog.Record {
				if r.Level == slog.LevelDebug {
					r.Level = slog.LevelError
				}
				return r
			}}, "DEBUG>ERROR INFO>INFO WARN>WARN ERROR>ERROR", "DEBUG>ERROR INFO>INFO WARN>WARN ERROR>ERROR",
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.info, logged(slog.LevelInfo, tt.rules))
			require.Equal(t, tt.all, logged(slog.LevelDebug, tt.rules))
		})
	}
}

func TestTheSameOncePerHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := upstreamlog.New(slog.New(slog.NewTextHandler(&out, nil)), upstreamlog.Rules{Repeat: time.Hour}).With("discovery", "docker")
		lines := func() int { return strings.Count(out.String(), "\n") }
		complain := func(reason string) { log.Error("Unable to refresh target groups", "err", errors.New(reason)) }

		for range 100 {
			complain("no socket")
			time.Sleep(5 * time.Second)
		}
		require.Equal(t, 1, lines())
		complain("permission denied")
		require.Equal(t, 2, lines(), "another reason is news")
		log.With("discovery", "dns").Error("Unable to refresh target groups", "err", errors.New("no socket"))
		require.Equal(t, 3, lines(), "that of another is news")
		log.Info("Discovered")
		log.Info("Discovered")
		require.Equal(t, 5, lines(), "only complaints are told once")
		time.Sleep(time.Hour)
		complain("no socket")
		require.Equal(t, 6, lines())
	})
}

func TestAttributesAreRewritten(t *testing.T) {
	var out bytes.Buffer
	log := upstreamlog.New(slog.New(slog.NewTextHandler(&out, nil)), upstreamlog.Rules{Attr: func(a slog.Attr) slog.Attr {
		return slog.String(a.Key, strings.ReplaceAll(a.Value.String(), "hunter2", "xxxxx"))
	}})
	log.With("first", "hunter2").WithGroup("g").With("second", "hunter2").Info("m", "third", "hunter2", "fourth", "plain")
	require.Contains(t, out.String(), "first=xxxxx g.second=xxxxx g.third=xxxxx g.fourth=plain")
}
