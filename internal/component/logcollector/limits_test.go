package logcollector

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A limit is a row of the table in docs/logs.md: what happens, and which lines are stored in the end.
type limit struct {
	glob   string
	happen func(t *testing.T, path string, start, stop func())
	stored []string
}

func (l limit) test(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ledger, store := t.TempDir(), newModelStore(time.Now)
		_, path := logFolder(t)
		var p *process
		stop := func() {
			time.Sleep(3 * time.Second)
			p.end(t)
		}
		l.happen(t, path, func() { p = startProcess(t, ledger, path+l.glob, store) }, stop)
		var all []string
		for line, n := range store.count {
			for range n {
				all = append(all, line)
			}
		}
		require.ElementsMatch(t, l.stored, all)
	})
}

// Older generations of a new log are not read.
func TestFirstLook(t *testing.T) {
	limit{"", func(t *testing.T, path string, start, stop func()) {
		write(t, path+".1", "old\n")
		time.Sleep(time.Minute)
		write(t, path, "new\n")
		start()
		stop()
	}, []string{"new"}}.test(t)
}

// A line that is written late is stored at the next start.
func TestLateLine(t *testing.T) {
	limit{"", func(t *testing.T, path string, start, stop func()) {
		write(t, path, "in time\n")
		start()
		time.Sleep(time.Second)
		renameFile(t, path, path+".1")
		time.Sleep(3 * linger)
		write(t, path+".1", "late\n")
		stop()
		start()
		stop()
	}, []string{"in time", "late"}}.test(t)
}

// The last line waits a minute for its newline.
func TestLastLine(t *testing.T) {
	limit{"", func(t *testing.T, path string, start, stop func()) {
		start()
		write(t, path, "one li")
		time.Sleep(openEnd / 2)
		write(t, path, "ne\nhalf of")
		time.Sleep(2 * openEnd)
		write(t, path, " another\n")
		stop()
	}, []string{"one line", "half of", " another"}}.test(t)
}

// With a damaged ledger, as many equal lines are skipped as the store has: correct for a file that continues, wrong for
// a new one if the file system does not record its creation time.
func TestEqualLines(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, path string)
		stored int
	}{
		"the file goes on": {func(t *testing.T, path string) { write(t, path, "tick\n") }, 3},
		"a new file": {func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			write(t, path, "tick\n")
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newModelStore(time.Now)
				dir := t.TempDir()
				_, path := logFolder(t)
				write(t, path, "tick\ntick\n")
				p := startProcess(t, dir, path, store)
				time.Sleep(time.Second)
				p.end(t)
				require.NoError(t, os.WriteFile(p.ledger.path, nil, 0o600))
				test.change(t, path)
				p = startProcess(t, dir, path, store)
				time.Sleep(time.Second)
				p.end(t)
				require.Equal(t, test.stored, store.count["tick"])
			})
		})
	}
}

// A copy that a target matches is a separate file, unless the reader of its original finds it first.
func TestMatchedCopy(t *testing.T) {
	limit{"*", func(t *testing.T, path string, start, stop func()) {
		write(t, path, "line\n")
		start()
		time.Sleep(time.Second)
		write(t, path+".1", "line\n")
		time.Sleep(2 * scanInterval) // it is found before the original is emptied
		require.NoError(t, os.Truncate(path, 0))
		stop()
	}, []string{"line", "line"}}.test(t)
}
