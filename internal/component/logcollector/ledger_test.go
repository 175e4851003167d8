package logcollector

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// After the clock had once been ahead, every line was rejected until the time was reached.
func TestNextTime(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for name, c := range map[string]struct {
		given, want time.Time
	}{
		"behind":            {now.Add(-time.Hour), now},
		"now":               {now, now.Add(1)},
		"a little ahead":    {now.Add(time.Minute), now.Add(time.Minute + 1)},
		"a clock was ahead": {now.Add(24 * time.Hour), now},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want.UnixNano(), nextTime(now, c.given.UnixNano()))
		})
	}
}

// usedLedger returns a folder with the ledger of a process that was closed in order and of a second one that was ended with
// end, and with a batch of b that may or may not be stored.
func usedLedger(t *testing.T, end func(*ledger) error) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	l, err := openLedgerSince(dir, "boot 1", newClock())
	require.NoError(t, err)
	require.Empty(t, l.damage, "the first start")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "positions.yaml"), nil, 0o600))
	l.put("file:1:1:m", position{Path: "/a", Offset: 1, Given: 1})
	require.NoError(t, l.close())
	l, err = openLedgerSince(dir, "boot 1", newClock())
	require.NoError(t, err)
	require.Empty(t, l.damage, "an end in order")
	batch := []intent{{Key: "file:1:1:m", From: position{Path: "/a", Offset: 1, Given: 1}, To: position{Path: "/a", Offset: 9, Given: 2}, Base: 2}}
	require.NoError(t, l.begin(batch))
	require.NoError(t, l.done(batch))
	require.NoError(t, l.begin([]intent{{Key: "file:1:2:m", From: position{Path: "/b"}, To: position{Path: "/b", Offset: 5}, Base: 7}}))
	require.NoError(t, end(l))
	return dir, l.path
}

func killed(l *ledger) error { return l.file.Close() }

// What a damaged ledger still knows, and that it reports the damage. In each case, the next start finds it intact.
func TestDamagedLedger(t *testing.T) {
	change := func(do func([]byte) []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, do(bytes.Clone(content)), 0o600))
		}
	}
	for name, test := range map[string]struct {
		end    func(*ledger) error
		boot   string
		damage func(t *testing.T, path string)
		offset int64  // of the first known file, 0 if unknown
		says   string // empty if the ledger is exact
	}{
		"nothing":             {(*ledger).close, "boot 1", func(*testing.T, string) {}, 9, ""},
		"killed":              {killed, "boot 1", func(*testing.T, string) {}, 9, ""},
		"power cut":           {killed, "boot 2", func(*testing.T, string) {}, 9, "the machine went down"},
		"a start after a end": {(*ledger).close, "boot 2", func(*testing.T, string) {}, 9, ""},
		"empty":               {killed, "boot 1", change(func([]byte) []byte { return nil }), 1, "the copy before it is used"},
		"gone":                {killed, "boot 1", func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }, 1, "it is gone"},
		"first record damaged": {killed, "boot 1", change(func(c []byte) []byte {
			c[12] ^= 1
			return c
		}), 9, "the copy before it is used"},
		"last record torn": {killed, "boot 1", change(func(c []byte) []byte { return c[:len(c)-3] }), 9, "records of it are damaged"},
		"a bit in the middle": {killed, "boot 1", change(func(c []byte) []byte {
			c[bytes.IndexByte(c, '\n')+20] ^= 4
			return c
		}), 1, "records of it are damaged"},
		"all of it gone": {killed, "boot 1", func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Remove(filepath.Join(filepath.Dir(path), "ledger.previous.jsonl")))
		}, 0, "it is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, path := usedLedger(t, test.end)
			test.damage(t, path)
			l, err := openLedgerSince(dir, test.boot, newClock())
			require.NoError(t, err)
			pos, known := l.get("file:1:1:m")
			require.Equal(t, test.offset > 0, known)
			require.Equal(t, test.offset, pos.Offset)
			if test.says == "" {
				require.Empty(t, l.damage)
				require.True(t, pos.Unsure.empty())
				_, open := l.unfinished("file:1:2:m")
				require.True(t, open)
			} else {
				require.Contains(t, l.damage, test.says)
				require.False(t, pos.Unsure.empty(), "lines that follow are looked for in the store")
			}
			require.NoError(t, l.close())
			l, err = openLedgerSince(dir, test.boot, newClock())
			require.NoError(t, err)
			require.Empty(t, l.damage)
			require.NoError(t, l.close())
		})
	}
}

// A ledger from a version without checksums is migrated, with times in seconds.
func TestLedgerWithoutChecksums(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ledger.jsonl"), []byte(`{"all":{"a":{"offset":1,"at":946684800}}}
{"begin":[{"key":"b","from":{},"to":{"offset":2}}]}
{"done":true}
{"put":{"c":{"offset":3,"beside":true}}}
`), 0o600))
	l, err := openLedger(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.close()) }()
	require.Empty(t, l.damage)
	all := l.known()
	require.Equal(t, time.Unix(946684800, 0), all["a"].written())
	require.Equal(t, int64(2), all["b"].Offset)
	require.True(t, all["c"].Rotated)
}

// A batch that may or may not be stored is still unfinished after the file is rewritten.
func TestCompactedLedgerKeepsWhatIsUnfinished(t *testing.T) {
	dir, _ := usedLedger(t, killed)
	for range 3 {
		l, err := openLedgerSince(dir, "boot 1", newClock())
		require.NoError(t, err)
		i, open := l.unfinished("file:1:2:m")
		require.True(t, open)
		require.Equal(t, int64(7), i.Base)
		other := []intent{{Key: "file:1:3:m", To: position{Offset: 1}}}
		require.NoError(t, l.begin(other))
		require.NoError(t, l.done(other))
		require.NoError(t, killed(l))
	}
}

// The copy of a file that is gone inherits its position and its unfinished batch.
func TestInherit(t *testing.T) {
	dir, _ := usedLedger(t, killed)
	for _, gone := range []string{"file:1:2:m", "heir"} {
		l, err := openLedgerSince(dir, "boot 1", newClock())
		require.NoError(t, err)
		heir := map[string]string{"file:1:2:m": "heir", "heir": "heir of the heir"}[gone]
		l.inherit(gone, heir)
		i, open := l.unfinished(heir)
		require.True(t, open)
		require.Equal(t, heir, i.Key)
		require.NotContains(t, l.known(), gone)
		require.NoError(t, killed(l))
	}
}

// A source that is not used is forgotten after a month; a quiet one is used at each start, and stays.
func TestForgottenSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		l, err := openLedger(dir)
		require.NoError(t, err)
		l.put("asked for", position{Offset: 1})
		l.put("not configured any more", position{Offset: 2})
		require.NoError(t, l.close())
		time.Sleep(forgetAfter + time.Minute)
		l, err = openLedger(dir)
		require.NoError(t, err)
		_, known := l.get("asked for")
		require.True(t, known)
		require.Len(t, l.known(), 2, "those who ask may come yet")
		time.Sleep(settled)
		require.NoError(t, l.compact(true))
		require.NoError(t, l.close())
		l, err = openLedger(dir)
		require.NoError(t, err)
		require.Equal(t, []string{"asked for"}, slices.Collect(maps.Keys(l.known())))
		require.NoError(t, l.close())
	})
}

// A file that grows without any line being stored is rewritten, too: the time of the last query to an engine is written
// again and again. With more sources than fit, it is not rewritten for each of them.
func TestLedgerStaysSmall(t *testing.T) {
	l, err := openLedger(t.TempDir())
	require.NoError(t, err)
	size := func() int64 {
		info, err := os.Stat(l.path)
		require.NoError(t, err)
		return info.Size()
	}
	require.NoError(t, l.begin([]intent{{Key: "pushed meanwhile", To: position{Offset: 1}}}))
	one := position{Path: strings.Repeat("x", 10_000)}
	for range 2 * ledgerCompactAt / len(one.Path) {
		l.put("engine", one)
	}
	require.Less(t, size(), int64(ledgerCompactAt+20_000))
	require.NoError(t, l.done(l.begun))

	for n := range 2 * ledgerCompactAt / len(one.Path) {
		l.put(fmt.Sprint(n), one)
	}
	anew := 0
	for range 10 {
		before := size()
		l.put("engine", one)
		if size() < before {
			anew++
		}
	}
	require.LessOrEqual(t, anew, 1)
	require.NoError(t, killed(l))
	again, err := openLedger(filepath.Dir(l.path))
	require.NoError(t, err)
	require.Equal(t, l.known(), again.known())
	_, open := again.unfinished("pushed meanwhile")
	require.False(t, open, "it was done after the file was written anew")
	require.NoError(t, again.close())
}
