package datadir

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

const gib = 1 << 30

func newTestWatch(t *testing.T) (w *Watch, free *uint64, log *bytes.Buffer, reg *prometheus.Registry) {
	t.Helper()
	log, reg, free = &bytes.Buffer{}, prometheus.NewRegistry(), new(uint64)
	w = NewWatch(t.TempDir(), slog.New(slog.NewTextHandler(log, nil)), reg)
	*free = 10 * gib
	w.space = func(string) (room, error) { return room{free: *free, size: 10 * gib}, nil }
	return w, free, log, reg
}

func TestFullGivesTheBallastBackAndWaitsForItsRoom(t *testing.T) {
	w, free, log, reg := newTestWatch(t)
	file := filepath.Join(w.dir, ballastName)
	require.NoError(t, w.Full())
	info, err := os.Stat(file)
	require.NoError(t, err, "room is reserved")
	require.EqualValues(t, 64*mib, info.Size())

	*free = reserve(10*gib) - 1
	for range 3 {
		require.ErrorIs(t, w.Full(), ErrFull)
	}
	require.NoFileExists(t, file)
	require.Equal(t, 1, strings.Count(log.String(), "Disk full"), "said once")
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP ausguck_storage_full Whether the disk is so full that nothing new is stored.
# TYPE ausguck_storage_full gauge
ausguck_storage_full 1
# HELP ausguck_storage_low Whether the disk that holds the data folder is nearly full.
# TYPE ausguck_storage_low gauge
ausguck_storage_low 1
`), "ausguck_storage_full", "ausguck_storage_low"))

	*free = reserve(10*gib) + 64*mib - 1
	require.ErrorIs(t, w.Full(), ErrFull, "what was given back is not for new data")
	*free = reserve(10*gib) + 64*mib
	require.NoError(t, w.Full())
	require.FileExists(t, file)
	require.Contains(t, log.String(), "accepting new data")
	*free = reserve(10 * gib)
	require.NoError(t, w.Full(), "with the ballast held, the reserve will do")
}

func TestLowIsSaidOncePerChange(t *testing.T) {
	w, free, log, _ := newTestWatch(t)
	for range 2 {
		*free = scarce(10*gib) - 1
		require.NoError(t, w.Full())
		require.NoError(t, w.Full())
		_, _, scarceNow := w.Space()
		require.True(t, scarceNow)
		*free = scarce(10 * gib)
		require.NoError(t, w.Full())
	}
	require.Equal(t, 2, strings.Count(log.String(), "Disk nearly full"))
	require.Equal(t, 2, strings.Count(log.String(), "Disk space available again"))
}

// A disk on which no file can be created is full, however many bytes are free, and files are released for what must be written.
func TestNoInodes(t *testing.T) {
	w, free, _, _ := newTestWatch(t)
	files := uint64(1000)
	w.space = func(string) (room, error) { return room{free: *free, size: 10 * gib, files: files, ofFiles: 2000}, nil }
	held := func() int {
		entries, _ := os.ReadDir(filepath.Join(w.dir, ballastName+".files"))
		return len(entries)
	}
	require.NoError(t, w.Full())
	require.Equal(t, 20, held())
	files = 99
	require.NoError(t, w.Full())
	_, _, scarceNow := w.Space()
	require.True(t, scarceNow)
	files = 39
	require.ErrorIs(t, w.Full(), ErrFull)
	require.Zero(t, held())
	files = 59
	require.ErrorIs(t, w.Full(), ErrFull, "what was given back is not for new data")
	files = 60
	require.NoError(t, w.Full())
	require.Equal(t, 20, held())
}

func TestADiskThatCannotBeAskedIsNotFull(t *testing.T) {
	w, _, _, _ := newTestWatch(t)
	w.space = func(string) (room, error) { return room{}, errors.New("unknown") }
	require.NoError(t, w.Full())
}

func TestTheClosestFolderThatExistsIsAsked(t *testing.T) {
	w := NewWatch(filepath.Join(t.TempDir(), "not", "yet", "made"), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	free, size, _ := w.Space()
	require.NotZero(t, free)
	require.NotZero(t, size)
	require.NoError(t, w.Full(), "a ballast that cannot be held is no reason to stop")
}

func TestThresholds(t *testing.T) {
	for _, size := range []uint64{40 * mib, gib, 10 * gib, 1000 * gib} {
		require.Less(t, reserve(size), scarce(size), "people are told before writers stop")
		require.Less(t, scarce(size)+ballastSize(size), size, "an empty disk has enough")
	}
	require.EqualValues(t, mib, reserve(10*mib))
	require.EqualValues(t, 64*mib, reserve(1000*gib))
	require.EqualValues(t, 256*mib+64*mib, scarce(1000*gib), "with what a compaction takes at once")
}
