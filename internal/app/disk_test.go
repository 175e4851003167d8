package app

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

func TestNearlyFull(t *testing.T) {
	const mib, gib = 1 << 20, 1 << 30
	for name, tc := range map[string]struct {
		free, size uint64
		low        bool
	}{
		"large disk with room":      {10 * gib, 1000 * gib, false},
		"large disk, last megabyte": {200 * mib, 1000 * gib, true},
		"small disk, half full":     {20 * mib, 40 * mib, false},
		"small disk, last 5 %":      {1 * mib, 40 * mib, true},
		"full":                      {0, 40 * mib, true},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.low, nearlyFull(tc.free, tc.size)) })
	}
}

func TestDiskWatchAsksTheClosestFolderThatExists(t *testing.T) {
	d := newDiskWatch(slog.New(slog.DiscardHandler), filepath.Join(t.TempDir(), "not", "yet", "made"), prometheus.NewRegistry())
	require.NotZero(t, d.size.Load())
}

func TestDiskWatchSaysEachChangeOnce(t *testing.T) {
	var out bytes.Buffer
	d := newDiskWatch(slog.New(slog.NewTextHandler(&out, nil)), t.TempDir(), prometheus.NewRegistry())
	out.Reset()
	d.low.Store(true) // the test's disk has room, so the next look sees it come back
	d.look()
	d.look()
	require.Equal(t, 1, bytes.Count(out.Bytes(), []byte("Disk has room again")), out.String())
}
