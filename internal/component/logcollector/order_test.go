package logcollector

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Loki rejects lines that are an hour behind others of their stream. Lines written while the collector was stopped are
// therefore stored in the order in which they were written, whatever names rotation has given the files.
func TestOldestFileFirst(t *testing.T) {
	rename := func(t *testing.T, path string) {
		for n := 8; n > 0; n-- {
			if err := os.Rename(path+"."+strconv.Itoa(n), path+"."+strconv.Itoa(n+1)); err != nil {
				require.ErrorIs(t, err, os.ErrNotExist)
			}
		}
		require.NoError(t, os.Rename(path, path+".1"))
	}
	copyTruncate := func(t *testing.T, path string) {
		for n := 8; n > 0; n-- {
			if err := os.Rename(path+"."+strconv.Itoa(n), path+"."+strconv.Itoa(n+1)); err != nil {
				require.ErrorIs(t, err, os.ErrNotExist)
			}
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		write(t, path+".1", string(content))
		require.NoError(t, os.Truncate(path, 0))
	}
	for name, test := range map[string]struct {
		rotate   func(*testing.T, string)
		rotation int
		gone     bool // the file that was being read is deleted meanwhile
	}{
		"rename":                            {rename, 1, false},
		"rename twice":                      {rename, 2, false},
		"rename five times":                 {rename, 5, false},
		"rename, and what was read is gone": {rename, 3, true},
		"copytruncate":                      {copyTruncate, 1, false},
		"copytruncate twice":                {copyTruncate, 2, false},
		"copytruncate five times":           {copyTruncate, 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ledger, store := t.TempDir(), &memory{}
				_, path := logFolder(t)
				var written []string
				more := func() {
					for range 5 {
						written = append(written, "line "+strconv.Itoa(len(written)+1))
						write(t, path, written[len(written)-1]+"\n")
						time.Sleep(time.Minute)
					}
				}
				write(t, path, "")
				p := startProcess(t, ledger, path, store)
				more()
				p.end(t)
				if !test.gone {
					more()
				}
				for range test.rotation {
					test.rotate(t, path)
					more()
				}
				if test.gone {
					require.NoError(t, os.Remove(path+"."+strconv.Itoa(test.rotation)))
				}
				for range 2 { // after a restart, nothing is stored again
					p = startProcess(t, ledger, path, store)
					time.Sleep(time.Minute)
					p.end(t)
					require.Equal(t, strings.Join(written, "\n"), strings.Join(store.stored(), "\n"))
				}
			})
		})
	}
}

// A file that is truncated between the search for copies and the read of its beginning keeps its earlier lines: on a
// busy machine there is enough time for that.
func TestTruncatedBetweenTheLookAndTheRead(t *testing.T) {
	for rotations := range 4 {
		synctest.Test(t, func(t *testing.T) {
			store := &memory{}
			_, path := logFolder(t)
			var written []string
			more := func() {
				for range 3 {
					written = append(written, "line "+strconv.Itoa(len(written)+1))
					write(t, path, written[len(written)-1]+"\n")
				}
			}
			rotate := func() {
				for n := 8; n > 0; n-- {
					_ = os.Rename(path+"."+strconv.Itoa(n), path+"."+strconv.Itoa(n+1)) // those that exist
				}
				content, err := os.ReadFile(path)
				require.NoError(t, err)
				write(t, path+".1", string(content))
				require.NoError(t, os.Truncate(path, 0))
				require.NoError(t, os.Chtimes(path, time.Time{}, time.Now()))
			}
			left := 0
			more()
			p := startProcess(t, t.TempDir(), path, store, func(f *files) {
				f.looking = func() {
					if left > 0 {
						left--
						time.Sleep(time.Second)
						rotate()
						more()
					}
				}
			})
			time.Sleep(time.Minute)
			more()
			rotate()
			more()
			left = 1 + rotations
			time.Sleep(time.Minute)
			require.Zero(t, left)
			p.end(t)
			require.ElementsMatch(t, written, store.stored())
		})
	}
}

// However many generations a log has, a scan looks through them once: a start used to request one look per generation,
// and with hundreds of them a busy machine never finished.
func TestOneLookPerLog(t *testing.T) {
	a, b := &fileTarget{}, &fileTarget{}
	at := time.Unix(1000, 0)
	var passed []passedName
	for n := range 900 {
		passed = append(passed, passedName{a, "app.log", at.Add(time.Duration(900-n) * time.Second)}, passedName{b, "app.log", at})
	}
	passed = append(passed, passedName{a, "other.log", at})
	require.Equal(t, []passedName{{a, "app.log", at.Add(time.Second)}, {b, "app.log", at}, {a, "other.log", at}}, earliest(passed))
}
