package promserver

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRepeatFilterSaysTheSameOncePerHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(newRepeatFilter(slog.NewTextHandler(&out, nil))).With("discovery", "docker")
		lines := func() int { return strings.Count(out.String(), "\n") }
		complain := func(reason string) { log.Error("Unable to refresh target groups", "err", errors.New(reason)) }

		for range 100 {
			complain("no socket")
			time.Sleep(5 * time.Second)
		}
		require.Equal(t, 1, lines())
		complain("permission denied")
		require.Equal(t, 2, lines(), "another reason is news")
		log.Info("Discovered")
		log.Info("Discovered")
		require.Equal(t, 4, lines(), "only complaints are filtered")
		time.Sleep(repeatEvery)
		complain("no socket")
		require.Equal(t, 5, lines())
	})
}

func TestSecretiveHidesPasswordsInURLs(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(secretive{slog.NewTextHandler(&out, nil)}).With("url", "http://someone:hunter2@example.org/write")
	log.Info("Tailing WAL", "again", "https://:hunter2@example.org", "plain", "http://example.org:9090/a@b")
	require.NotContains(t, out.String(), "hunter2")
	require.Contains(t, out.String(), "url=http://someone:xxxxx@example.org/write")
	require.Contains(t, out.String(), "plain=http://example.org:9090/a@b")
}
