package promserver

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/setaside"
)

const (
	soundSeries  = 20
	soundSamples = 600 // of each series, one per minute
)

func openTSDB(t *testing.T, dir string) *tsdb.DB {
	t.Helper()
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), prometheus.NewRegistry(), tsdb.DefaultOptions(), nil)
	require.NoError(t, err)
	db.DisableCompactions()
	return db
}

// usedTSDB creates a folder with blocks, a checkpoint and a WAL, and returns the number of samples in it.
func usedTSDB(t *testing.T) (dir string, samples int) {
	t.Helper()
	dir = t.TempDir()
	begin := time.Now().Add(-soundSamples * time.Minute).Truncate(2 * time.Hour).Add(time.Minute)
	for part := range 4 { // a WAL of several segments, since there is no checkpoint otherwise
		db := openTSDB(t, dir)
		app := db.Appender(t.Context())
		for n := part * soundSamples / 4; n < (part+1)*soundSamples/4; n++ {
			for i := range soundSeries {
				_, err := app.Append(0, labels.FromStrings("__name__", "sound_total", "i", fmt.Sprint(i)), begin.Add(time.Duration(n)*time.Minute).UnixMilli(), math.Sin(float64(n*i)))
				require.NoError(t, err)
			}
		}
		require.NoError(t, app.Commit())
		require.NoError(t, db.Compact(t.Context()))
		require.NoError(t, db.Close())
	}
	_, _, err := wlog.LastCheckpoint(filepath.Join(dir, "wal"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(blockDirs(t, dir)), 2)
	require.Equal(t, soundSeries*soundSamples, countSamples(t, dir))
	return dir, soundSeries * soundSamples
}

func blockDirs(t *testing.T, dir string) (blocks []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if _, err := ulid.ParseStrict(e.Name()); err == nil {
			blocks = append(blocks, filepath.Join(dir, e.Name()))
		}
	}
	return blocks
}

// countSamples opens the storage as upstream does, and reads all of it.
func countSamples(t *testing.T, dir string) (samples int) {
	t.Helper()
	db := openTSDB(t, dir)
	q, err := db.Querier(0, math.MaxInt64)
	require.NoError(t, err)
	set := q.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchRegexp, "i", ".*"))
	for set.Next() {
		for it := set.At().Iterator(nil); it.Next() != 0; {
			samples++
		}
	}
	require.NoError(t, set.Err())
	require.NoError(t, q.Close())
	require.NoError(t, db.Close())
	return samples
}

// lastOf returns the last file that is not empty.
func lastOf(t *testing.T, pattern ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(pattern...))
	require.NoError(t, err)
	found = slices.DeleteFunc(found, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || info.Size() == 0
	})
	require.NotEmpty(t, found)
	return found[len(found)-1]
}

func one(t *testing.T, pattern ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(pattern...))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found[0]
}

// Whatever happens to a piece of the storage, upstream opens the rest of it, all of which can be queried, and the loss
// is reported once.
func TestMakeSound(t *testing.T) {
	used, all := usedTSDB(t)
	index := func(t *testing.T, dir string) string { return filepath.Join(blockDirs(t, dir)[0], "index") }
	chunk := func(t *testing.T, dir string) string { return filepath.Join(blockDirs(t, dir)[0], "chunks", "000001") }
	meta := func(t *testing.T, dir string) string { return filepath.Join(blockDirs(t, dir)[0], "meta.json") }
	stones := func(t *testing.T, dir string) string { return filepath.Join(blockDirs(t, dir)[0], "tombstones") }
	checkpoint := func(t *testing.T, dir string) string { return one(t, dir, "wal", "checkpoint.*", "0*") }
	wholeCheckpoint := func(t *testing.T, dir string) string { return one(t, dir, "wal", "checkpoint.*") }
	segment := func(t *testing.T, dir string) string { return lastOf(t, dir, "wal", "0*") }
	head := func(t *testing.T, dir string) string { return one(t, dir, "chunks_head", "0*") }

	cut := func(path string, content []byte) error {
		return os.WriteFile(path, content[:len(content)-min(7, len(content))], 0o600)
	}
	empty := func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) }
	flipAt := func(share float64) func(string, []byte) error {
		return func(path string, content []byte) error {
			at := int(float64(len(content)-1) * share)
			for i := at; i < min(at+16, len(content)); i++ { // more than the padding of an index
				content[i] ^= 0xff
			}
			return os.WriteFile(path, content, 0o600)
		}
	}
	gone := func(path string, _ []byte) error { return os.Remove(path) }
	folder := func(path string, _ []byte) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Mkdir(path, 0o750)
	}
	const (
		nothing = iota // is lost
		little         // less than a tenth
		block          // some
	)
	for _, c := range []struct {
		name   string
		file   func(*testing.T, string) string
		damage func(string, []byte) error
		cost   int
		silent bool
	}{
		{"index cut", index, cut, block, false},
		{"index empty", index, empty, block, false},
		{"index gone", index, gone, block, false},
		{"index a folder", index, folder, block, false},
		{"index flipped in its head", index, flipAt(0.001), block, false},
		{"index flipped in its series", index, flipAt(0.3), block, false},
		{"index flipped in its middle", index, flipAt(0.6), block, false},
		{"index flipped at its end", index, flipAt(1), block, false},
		{"chunks cut", chunk, cut, little, false},
		{"chunks empty", chunk, empty, block, false},
		{"chunks gone", chunk, gone, block, false},
		{"chunks a folder", chunk, folder, block, false},
		{"chunks flipped in their head", chunk, flipAt(0), block, false},
		{"chunks flipped in their middle", chunk, flipAt(0.5), little, false},
		{"meta.json cut", meta, cut, block, false},
		{"meta.json empty", meta, empty, block, false},
		{"meta.json gone", meta, gone, block, false},
		{"meta.json flipped", meta, flipAt(0.5), block, false},
		{"tombstones cut", stones, cut, nothing, false},
		{"tombstones empty", stones, empty, nothing, false},
		{"tombstones flipped", stones, flipAt(0), nothing, false},
		{"tombstones a folder", stones, folder, nothing, false},
		{"tombstones gone", stones, gone, nothing, true}, // as in a block from which nothing was deleted
		{"checkpoint empty", checkpoint, empty, block, false},
		{"checkpoint flipped", checkpoint, flipAt(0.001), block, false},
		{"checkpoint a folder", checkpoint, folder, block, false},
		{"checkpoint gone", checkpoint, gone, block, false},
		{"whole checkpoint gone", wholeCheckpoint, func(path string, _ []byte) error { return os.RemoveAll(path) }, block, false},
		{"checkpoint flipped in its padding", checkpoint, flipAt(0.9), nothing, false},
		{"WAL segment a folder", segment, folder, block, false},
		{"chunks of the head flipped in their head", head, flipAt(0), nothing, false},
		{"chunks of the head a folder", head, folder, nothing, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(used)))
			path := c.file(t, dir)
			content, err := os.ReadFile(path)
			require.True(t, err == nil && len(content) > 0 || strings.Contains(c.name, "whole"), path)
			require.NoError(t, c.damage(path, content))

			for start := range 2 {
				shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
				s := &settings{Options: Options{Dir: dir, Logger: slog.New(slog.DiscardHandler), SetAside: shelf}}
				require.NoError(t, s.makeSound())
				if start == 1 || c.silent {
					require.Empty(t, shelf.Notices())
				} else {
					require.Len(t, shelf.Notices(), 1)
				}
				got := countSamples(t, dir)
				t.Logf("%d of %d samples are there", got, all)
				switch c.cost {
				case nothing:
					require.Equal(t, all, got)
				case little:
					require.Less(t, got, all)
					require.Greater(t, got, all*9/10)
				case block:
					require.LessOrEqual(t, got, all)
				}
			}
		})
	}
}

// Of a checkpoint with many pages, only the records on the damaged one are lost.
func TestSalvage(t *testing.T) {
	dir := t.TempDir()
	var records [][]byte
	for n := range 10_000 {
		records = append(records, fmt.Appendf(nil, "record %d of a checkpoint, which is long enough for several pages", n))
	}
	require.NoError(t, writeCheckpoint(dir, records))
	content, err := os.ReadFile(filepath.Join(dir, "00000000"))
	require.NoError(t, err)
	require.Greater(t, len(content), 5*walPage)
	got, broken := salvage(content)
	require.Empty(t, broken)
	require.True(t, slices.EqualFunc(records, got[:len(records)], bytes.Equal))

	content[2*walPage+walPage/2] ^= 0xff
	got, broken = salvage(content)
	require.NotEmpty(t, broken)
	require.Greater(t, len(got), len(records)*9/10)
	for i, record := range got[:len(got)-1] {
		require.Regexp(t, `^record \d+ of a checkpoint`, string(record), i)
	}
}
