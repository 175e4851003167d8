package loki

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/grafana/loki/v3/pkg/ingester"
	"github.com/grafana/loki/v3/pkg/ingester/wal"
	"github.com/grafana/loki/v3/pkg/logproto"
	walutil "github.com/grafana/loki/v3/pkg/util/wal"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/setaside"
)

// walLog writes a log like the ingester does.
type walLog struct {
	t     *testing.T
	dir   string
	wl    *wlog.WL
	shelf *setaside.Shelf
}

func newWALLog(t *testing.T) *walLog {
	t.Helper()
	l := &walLog{t: t, dir: filepath.Join(t.TempDir(), "wal"), shelf: setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())}
	l.open()
	return l
}

func (l *walLog) open() {
	wl, err := wlog.NewSize(nil, nil, l.dir, 4*wlog.DefaultSegmentSize, compression.None)
	require.NoError(l.t, err)
	l.wl = wl
	l.t.Cleanup(func() { _ = wl.Close() })
}

// stream writes the creation of a stream.
func (l *walLog) stream(tenant string, ref uint64) {
	rec := &wal.Record{UserID: tenant, Series: []record.RefSeries{{Ref: chunks.HeadSeriesRef(ref), Labels: labels.FromStrings("s", fmt.Sprint(ref))}}}
	require.NoError(l.t, l.wl.Log(rec.EncodeSeries(nil)))
}

// entries writes n lines, the last of which has the given number.
func (l *walLog) entries(tenant string, ref uint64, number int64, n int, text string) {
	rec := &wal.Record{UserID: tenant}
	e := wal.RefEntries{Ref: chunks.HeadSeriesRef(ref), Counter: number}
	for i := range n {
		e.Entries = append(e.Entries, logproto.Entry{Timestamp: time.Unix(0, int64(i)), Line: text})
	}
	rec.RefEntries = append(rec.RefEntries, e)
	require.NoError(l.t, l.wl.Log(rec.EncodeEntries(wal.CurrentEntriesRec, nil)))
}

// checkpoint writes a checkpoint that covers all segments so far and contains a stream with a number of entries.
func (l *walLog) checkpoint(tenant string, ref uint64, number int64) {
	_, last, err := wlog.Segments(l.dir)
	require.NoError(l.t, err)
	_, err = l.wl.NextSegment()
	require.NoError(l.t, err)
	dir := filepath.Join(l.dir, fmt.Sprintf("checkpoint.%06d", last))
	wl, err := wlog.NewSize(nil, nil, dir, wlog.DefaultSegmentSize, compression.None)
	require.NoError(l.t, err)
	s := &ingester.Series{UserID: tenant, Fingerprint: ref, EntryCt: number, To: time.Unix(0, 0), HighestTs: time.Unix(0, 0)}
	content, err := s.Marshal()
	require.NoError(l.t, err)
	require.NoError(l.t, wl.Log(append([]byte{byte(wal.CheckpointRecord)}, content...)))
	require.NoError(l.t, wl.Close())
}

// replayed returns how many lines of a stream a replay accepts, by Loki's rule: only those with a higher number than
// the ones before.
func (l *walLog) replayed(tenant string, ref uint64, checkpoint int64) (lines int) {
	require.NoError(l.t, mendWAL(slog.New(slog.DiscardHandler), l.shelf, l.dir))
	r, closer, err := walutil.NewWalReader(l.dir, -1)
	require.NoError(l.t, err)
	defer closer.Close()
	count := checkpoint
	for r.Next() {
		rec := &wal.Record{}
		require.NoError(l.t, wal.DecodeRecord(r.Record(), rec))
		for _, e := range rec.RefEntries {
			if rec.UserID == tenant && uint64(e.Ref) == ref && e.Counter > count {
				count = e.Counter
				lines += len(e.Entries)
			}
		}
	}
	require.NoError(l.t, r.Err())
	return lines
}

// A stream that was flushed, left memory and came back counts from zero; a replay took its lines for those of its
// previous life.
func TestStreamsThatCameBackAreReplayed(t *testing.T) {
	for name, c := range map[string]struct {
		write      func(l *walLog)
		checkpoint int64
		want       int
	}{
		"once": {func(l *walLog) { l.stream("fake", 1); l.entries("fake", 1, 100, 100, "a") }, 0, 100},
		"it came back": {func(l *walLog) {
			l.stream("fake", 1)
			l.entries("fake", 1, 100, 100, "a")
			l.stream("fake", 1)
			l.entries("fake", 1, 50, 50, "b")
		}, 0, 150},
		"with more in several batches": {func(l *walLog) {
			l.stream("fake", 1)
			l.entries("fake", 1, 100, 100, "a")
			l.stream("fake", 1)
			l.entries("fake", 1, 50, 50, "b")
			l.entries("fake", 1, 120, 70, "c")
		}, 0, 220},
		"three times": {func(l *walLog) {
			for range 3 {
				l.stream("fake", 1)
				l.entries("fake", 1, 10, 10, "a")
			}
		}, 0, 30},
		"after a checkpoint that has its life before": {func(l *walLog) {
			l.stream("fake", 1)
			l.entries("fake", 1, 100, 100, "a")
			l.checkpoint("fake", 1, 100)
			l.stream("fake", 1)
			l.entries("fake", 1, 50, 50, "b")
		}, 100, 50},
		"what the checkpoint has is left out": {func(l *walLog) {
			l.stream("fake", 1)
			l.entries("fake", 1, 100, 100, "a")
			l.checkpoint("fake", 1, 150)
			l.entries("fake", 1, 150, 50, "b")
			l.entries("fake", 1, 160, 10, "c")
		}, 150, 10},
		"of another tenant": {func(l *walLog) {
			l.stream("blue", 1)
			l.entries("blue", 1, 100, 100, "a")
			l.stream("fake", 1)
			l.entries("fake", 1, 50, 50, "b")
		}, 0, 50},
	} {
		t.Run(name, func(t *testing.T) {
			l := newWALLog(t)
			c.write(l)
			require.NoError(t, l.wl.Close())
			require.Equal(t, c.want, l.replayed("fake", 1, c.checkpoint))
			require.Equal(t, c.want, l.replayed("fake", 1, c.checkpoint), "a second look changes nothing")
			left, err := filepath.Glob(filepath.Join(l.dir, "*.mended"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// A record torn by a kill or a full disk ended the replay: what later processes wrote was silently lost. Everything
// except that record is read, wherever it is torn.
func TestTornRecordsAreLeftOut(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 100_000)) // spans several pages
	for _, cut := range []int64{1, 7, 100, 30_000, 33_000, 70_000, 99_000} {
		t.Run(fmt.Sprint(cut, " bytes short"), func(t *testing.T) {
			l := newWALLog(t)
			l.stream("fake", 1)
			l.entries("fake", 1, 10, 10, "a")
			l.entries("fake", 1, 11, 1, long)
			segment := wlog.SegmentName(l.dir, 0)
			info, err := os.Stat(segment)
			require.NoError(t, err)
			content, err := os.ReadFile(segment)
			require.NoError(t, err)
			end := int64(len(bytes.TrimRight(content, "\x00")))
			require.NoError(t, os.Truncate(segment, min(end, info.Size())-cut))
			l.open() // the next process
			l.entries("fake", 1, 20, 9, "b")
			require.NoError(t, l.wl.Close())
			require.Equal(t, 19, l.replayed("fake", 1, 0))
			require.Equal(t, 19, l.replayed("fake", 1, 0))
			require.Empty(t, l.shelf.Notices(), "what a kill tears was not acknowledged")
		})
	}
}

// Damage in the middle costs the records on one page, not those after it.
func TestDamagedPageCostsItself(t *testing.T) {
	l := newWALLog(t)
	l.stream("fake", 1)
	const records = 2000
	for i := range records {
		l.entries("fake", 1, int64(i+1), 1, "a line of some length that fills pages")
	}
	require.NoError(t, l.wl.Close())
	file, err := os.OpenFile(wlog.SegmentName(l.dir, 0), os.O_WRONLY, 0)
	require.NoError(t, err)
	info, err := file.Stat()
	require.NoError(t, err)
	_, err = file.WriteAt(bytes.Repeat([]byte{0xff}, 100), 2*walPage+500)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	lines := l.replayed("fake", 1, 0)
	require.Less(t, lines, records)
	require.Len(t, l.shelf.Notices(), 1, "it is told")
	require.Greater(t, lines, records-int(2*walPage*records/info.Size()), "less than two pages of them")
}

// A single changed byte is reported, wherever it is.
func TestDamagedBytesAreTold(t *testing.T) {
	for _, at := range []int64{0, 3, 20, 100, walPage + 2, 2*walPage + 9_000} {
		t.Run(fmt.Sprint("at ", at), func(t *testing.T) {
			l := newWALLog(t)
			l.stream("fake", 1)
			for i := range 2000 {
				l.entries("fake", 1, int64(i+1), 1, "a line of some length that fills pages")
			}
			require.NoError(t, l.wl.Close())
			segment := wlog.SegmentName(l.dir, 0)
			content, err := os.ReadFile(segment)
			require.NoError(t, err)
			content[at] ^= 0xff
			require.NoError(t, os.WriteFile(segment, content, 0o600))
			require.Less(t, l.replayed("fake", 1, 0), 2000)
			require.NotEmpty(t, l.shelf.Notices())
		})
	}
}
