package logcollector

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// openBelow returns how many files below dir this process has open.
func openBelow(t *testing.T, dir string) (n int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, fd := range fds {
		if path, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(path, dir+"/") {
			n++
		}
	}
	return n
}

// If there are more files than may be open, some wait: the oldest are read first, each that is finished makes way for
// the one that has waited the longest, and in the end each line is stored once. One warning names those that wait.
func TestTooManyFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const all, atOnce = 6, 2
		dir, store := t.TempDir(), newModelStore(time.Now)
		path := func(n int) string { return filepath.Join(dir, fmt.Sprintf("%d.log", n)) }
		for n := all - 1; n >= 0; n-- { // 5 is the oldest
			write(t, path(n), fmt.Sprintf("line %d\n", n))
			time.Sleep(time.Minute)
		}
		var output bytes.Buffer
		p := startProcess(t, t.TempDir(), filepath.Join(dir, "*.log"), store, func(f *files) {
			f.maxOpen, f.logger = atOnce, slog.New(slog.NewTextHandler(&output, nil))
		})
		stored := func(want ...int) {
			t.Helper()
			time.Sleep(time.Second)
			store.mtx.Lock()
			defer store.mtx.Unlock()
			expected := map[string]int{}
			for _, n := range want {
				expected[fmt.Sprintf("line %d", n)] = 1
			}
			require.Equal(t, expected, store.count)
			require.LessOrEqual(t, openBelow(t, dir), atOnce)
		}
		stored(5, 4)
		require.EqualValues(t, all-atOnce, testutil.ToFloat64(p.files.metrics.waiting))
		newer := filepath.Join(dir, "0-came-later.log") // its turn comes after those already waiting
		write(t, newer, "line 9\n")
		time.Sleep(2 * scanInterval)
		stored(5, 4)

		// A waiting file is rotated away: it is known nevertheless, and its successor waits, too.
		renameFile(t, path(3), path(3)+".1")
		write(t, path(3), "line 33\n")
		time.Sleep(2 * scanInterval)
		stored(5, 4)

		want := []int{5, 4}
		for _, turn := range []struct {
			leaves int
			read   []int
		}{
			{5, []int{3, 2}}, // 3 is rotated already, and finishes immediately
			{4, []int{1}},
			{2, []int{0}},
			{1, []int{9}},
			{0, []int{33}},
		} {
			renameFile(t, path(turn.leaves), path(turn.leaves)+".1")
			time.Sleep(3 * linger)
			want = append(want, turn.read...)
			stored(want...)
		}
		require.Zero(t, testutil.ToFloat64(p.files.metrics.waiting))
		p.end(t)

		require.Equal(t, 1, strings.Count(output.String(), "Too many log files"), output.String())
		for n := range all - atOnce {
			require.Contains(t, output.String(), path(n))
		}
		require.Contains(t, output.String(), "LimitNOFILE")
	})
}

// The files of a first scan of very many are never all open at once.
func TestCrowdIsNeverOpenAtOnce(t *testing.T) {
	dir := t.TempDir()
	l, err := openLedger(t.TempDir())
	require.NoError(t, err)
	f := newFiles(slog.New(slog.DiscardHandler), &sender{ledger: l}, newMetrics(prometheus.NewRegistry()), nil)
	f.maxOpen = 10
	s := &scan{files: f, keys: map[string]bool{}, crowded: map[string]crowdedOut{}}
	target := &fileTarget{}
	for n := range 500 {
		path := filepath.Join(dir, fmt.Sprintf("%d.log", n))
		write(t, path, "line\n")
		s.current(target, path)
		require.LessOrEqual(t, openBelow(t, dir), f.maxOpen)
	}
	require.Len(t, s.candidates, f.maxOpen)
	require.Len(t, s.crowded, 500-f.maxOpen)
	for _, c := range s.candidates {
		require.NoError(t, c.file.Close())
	}
	require.NoError(t, l.close())
}

// By default, the collector uses half of the process's limit of open files.
func TestShareOfTheOpenFiles(t *testing.T) {
	require.Equal(t, openLimit()/2, Options{}.maxFiles())
	require.Positive(t, openLimit())
	require.Equal(t, 7, Options{MaxFiles: 7}.maxFiles())
}
