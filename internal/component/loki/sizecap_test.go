package loki

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// capOver returns a size cap without a flag for a folder of used bytes, on a disk with free bytes.
func capOver(t *testing.T, dir string, used, free int64) *sizeCap {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o750))
	c := newSizeCap(Options{Logger: slog.New(slog.DiscardHandler), Dir: dir, Registerer: prometheus.NewRegistry()})
	c.chunks.Store(dir)
	c.free = func(string) (int64, bool) { return free, true }
	c.size.Store(used)
	return c
}

// A cap that was computed again at each start began to delete at nine tenths of what was stored.
func TestDefaultCapKeepsWhatIsStored(t *testing.T) {
	for _, free := range []int64{0, 1 << 20, 40 << 20, 100 << 20, 10 << 30} {
		dir := filepath.Join(t.TempDir(), "loki")
		for range 6 {
			c := capOver(t, dir, 74<<20, free)
			c.limit.Store(0)
			c.restore()
			c.limit.Store(0)
			c.followRoom()
			require.False(t, c.full(), "with %d bytes free", free)
		}
	}
}

func TestDefaultCapFollowsRoom(t *testing.T) {
	c := capOver(t, filepath.Join(t.TempDir(), "loki"), 1000, 0)
	c.limit.Store(0)
	c.followRoom()
	onFullDisk := c.limit.Load()
	require.Greater(t, onFullDisk, int64(1000))

	c.free = func(string) (int64, bool) { return 1_000_000, true }
	c.followRoom()
	require.Equal(t, int64(100_100), c.limit.Load(), "room was freed")

	c.size.Store(80_000)
	c.free = func(string) (int64, bool) { return 0, true }
	c.followRoom()
	require.False(t, c.full(), "others filled the disk")

	before := c.limit.Load()
	c.size.Store(before * 95 / 100)
	c.followRoom()
	require.Equal(t, before, c.limit.Load(), "growth does not raise the cap")
	require.True(t, c.full())
	c.size.Store(before * 85 / 100)
	c.followRoom()
	require.InDelta(t, before, c.limit.Load(), 2, "nor do deletions lower it")
}

// A warning in the log says that lines will soon be deleted while all of them still exist.
func TestCapWarnsBeforeTheFirstDeletion(t *testing.T) {
	var said bytes.Buffer
	dir := filepath.Join(t.TempDir(), "loki")
	c := capOver(t, dir, 0, 1<<30)
	c.logger = slog.New(slog.NewTextHandler(&said, nil))
	c.auto = false
	c.limit.Store(1000)
	warned := 0
	for size := int64(0); size <= 1000; size += 10 {
		c.size.Store(size)
		before := strings.Count(said.String(), "close to their size limit")
		c.warn()
		if now := strings.Count(said.String(), "close to their size limit"); now > before {
			warned++
			require.False(t, c.full(), "nothing was deleted before")
		}
		if c.full() {
			require.Equal(t, 1, warned, "the first deletion at %d was announced, once", size)
		}
	}
	require.Equal(t, 1, warned)
	c.size.Store(500)
	c.warn()
	c.size.Store(850)
	c.warn()
	require.Equal(t, 2, strings.Count(said.String(), "close to their size limit"), "again, when it comes near again")
}

func TestDefaultCapIsRemembered(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "loki")
	c := capOver(t, dir, 1000, 0)
	c.limit.Store(0)
	c.followRoom()
	require.NoError(t, c.save())
	again := capOver(t, dir, 1000, 0)
	again.limit.Store(0)
	again.restore()
	require.Equal(t, c.limit.Load(), again.limit.Load())
}
