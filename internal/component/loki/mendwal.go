package loki

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/grafana/loki/v3/pkg/ingester"
	"github.com/grafana/loki/v3/pkg/ingester/wal"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/ausguck/ausguck/internal/setaside"
)

// walMender repairs Loki's write-ahead log so that all of it is replayed. Two things prevent Loki from doing so:
//
//   - Entries carry the number of entries that their stream has had, by which a replay skips those that are in the
//     checkpoint. A stream that was flushed, left memory and came back counts from zero, and the replay takes its
//     entries for those of its previous life. They get numbers above those.
//   - A record torn by a kill or a full disk ends the replay: everything written after it, also by later processes, is
//     silently skipped. The records around it are kept.
//
// It reads what a replay reads: the last checkpoint and all segments.
type walMender struct {
	logger *slog.Logger
	shelf  *setaside.Shelf
	dir    string

	counted map[streamRef]counter
}

type streamRef struct {
	tenant string
	ref    chunks.HeadSeriesRef
}

// counter is how far the entries of a stream have been counted.
type counter struct {
	last  int64 // the highest number so far
	added int64 // to the numbers of the stream's current life
	begun bool  // the stream was recreated, and none of its entries has been seen since
}

// mendWAL is called before Loki reads the log. A segment is replaced as a whole, so that a crash in the meantime
// changes nothing.
func mendWAL(logger *slog.Logger, shelf *setaside.Shelf, dir string) error {
	m := &walMender{logger: logger, shelf: shelf, dir: dir, counted: map[streamRef]counter{}}
	checkpoint, covers, err := m.lastCheckpoint()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for a checkpoint in %s: %w", dir, err)
	}
	if checkpoint != "" {
		if err := m.readCheckpoint(checkpoint); err != nil {
			return fmt.Errorf("read checkpoint %s: %w", checkpoint, err)
		}
	}
	first, last, err := wlog.Segments(dir)
	if err != nil {
		return fmt.Errorf("list segments in %s: %w", dir, err)
	}
	for i := first; first >= 0 && i <= last; i++ {
		if err := m.mendSegment(i, i > covers); err != nil {
			return fmt.Errorf("repair segment %d of %s: %w", i, dir, err)
		}
	}
	return nil
}

const checkpointPrefix = "checkpoint."

// lastCheckpoint returns the checkpoint with which a replay begins, and the last segment that it covers; -1 if there is
// none.
func (m *walMender) lastCheckpoint() (dir string, covers int, err error) {
	entries, err := os.ReadDir(m.dir)
	covers = -1
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), checkpointPrefix)
		if n, err := strconv.Atoi(number); ok && err == nil && e.IsDir() && n > covers {
			dir, covers = filepath.Join(m.dir, e.Name()), n
		}
	}
	return dir, covers, err
}

// readCheckpoint takes the numbers of entries from a checkpoint. Reporting unreadable parts of it is left to Loki.
func (m *walMender) readCheckpoint(dir string) error {
	segments, err := wlog.NewSegmentsReader(dir)
	if err != nil {
		return err
	}
	defer segments.Close()
	for r := wlog.NewReader(segments); r.Next(); {
		b := r.Record()
		var s ingester.Series
		if len(b) == 0 || wal.RecordType(b[0]) != wal.CheckpointRecord || s.Unmarshal(b[1:]) != nil {
			continue
		}
		m.counted[streamRef{s.UserID, chunks.HeadSeriesRef(s.Fingerprint)}] = counter{last: s.EntryCt}
	}
	return nil
}

// mendSegment rewrites a segment if necessary. Segments covered by the checkpoint are not renumbered: it contains their
// entries.
func (m *walMender) mendSegment(index int, renumber bool) error {
	path := wlog.SegmentName(m.dir, index)
	before := maps.Clone(m.counted)
	renumbered := 0
	mend := func(b []byte) []byte {
		next, changed := m.renumbered(b, renumber)
		if changed {
			renumbered++
		}
		return next
	}
	torn, damaged, err := eachRecord(path, func(b []byte) error { mend(b); return nil })
	if err != nil || torn == 0 && renumbered == 0 {
		return err
	}
	if damaged > 0 {
		m.shelf.Say(setaside.Loss{
			Part: "loki", Path: path, Cause: fmt.Errorf("%d sections of the write-ahead log cannot be read", damaged),
			Lost: "log lines in those sections that were not in a chunk yet", Remedy: "no action is needed; check the disk",
		})
	}
	m.counted, renumbered = before, 0
	if err := replaceSegment(path, mend); err != nil {
		return err
	}
	m.logger.Info("Repaired a segment of Loki's write-ahead log", "path", path, "torn", torn, "renumbered", renumbered)
	return nil
}

const walPage = 32 << 10

// eachRecord calls f with the intact records of a segment and returns how many places are torn, and how many of these
// are damaged, that is, not just the end left by a kill. A record may begin on any page, so reading continues on the
// next one.
func eachRecord(path string, f func([]byte) error) (torn, damaged int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, 0, err
	}
	for at := int64(0); at < info.Size(); {
		pages, rest, err := pagesFrom(file, at, info.Size())
		if err != nil {
			return torn, damaged, err
		}
		r := wlog.NewReader(bufio.NewReaderSize(pages, walPage))
		good := int64(0) // the end of the last intact record
		for r.Next() {
			if !rest {
				if err := f(r.Record()); err != nil {
					return torn, damaged, err
				}
			}
			good, rest = r.Offset(), false
		}
		if r.Err() == nil {
			return torn, damaged, nil
		}
		torn++
		if !isTornEnd(file, at+good, info.Size()) {
			damaged++
		}
		// The page on which the reader failed may begin with a whole record that it did not expect.
		failed := max(r.Offset()-1, 0) / walPage * walPage
		if failed == 0 || good > failed {
			failed += walPage
		}
		at += failed
	}
	return torn, damaged, nil
}

// isTornEnd reports whether the pieces from an offset on are intact except for the last one, of which the file has only
// a part.
func isTornEnd(file io.ReaderAt, at, size int64) bool {
	const headerSize = 7 // type, two bytes of length, checksum
	for at < size {
		if left := walPage - at%walPage; left < headerSize {
			at += left // the rest of a page
			continue
		}
		var header [3]byte
		if _, err := file.ReadAt(header[:], at); err != nil {
			return true
		}
		switch kind := header[0] & pieceType; {
		case kind == 0: // the rest of a page is empty
			at += walPage - at%walPage
			continue
		case kind > lastPiece:
			return false
		}
		end := at + headerSize + int64(header[1])<<8 + int64(header[2])
		if end > size {
			return true
		}
		if !isWholePiece(file, at, end) {
			return false
		}
		at = end
	}
	return true
}

// isWholePiece verifies the checksum of a piece.
func isWholePiece(file io.ReaderAt, at, end int64) bool {
	piece := make([]byte, end-at)
	if _, err := file.ReadAt(piece, at); err != nil {
		return false
	}
	return binary.BigEndian.Uint32(piece[3:7]) == crc32.Checksum(piece[7:], crc32.MakeTable(crc32.Castagnoli))
}

// The first three bits of a piece of a record: whether it is the whole record, or which part of it.
const (
	pieceType   = 7
	wholeRecord = 1
	middlePiece = 3
	lastPiece   = 4
)

// pagesFrom returns a segment from a page on, as a replay reads it: the rest of the last page is zeros. If the page
// begins with the rest of a torn record, that is changed to a whole record, and rest is true: the checksum does not
// cover the type.
func pagesFrom(file io.ReaderAt, at, size int64) (pages io.Reader, rest bool, err error) {
	var first [1]byte
	if _, err := file.ReadAt(first[:], at); err != nil {
		return nil, false, err
	}
	if kind := first[0] & pieceType; at > 0 && (kind == middlePiece || kind == lastPiece) {
		first[0], rest = first[0]&^pieceType|wholeRecord, true
	}
	zeros := make([]byte, (walPage-size%walPage)%walPage)
	return io.MultiReader(bytes.NewReader(first[:]), io.NewSectionReader(file, at+1, size-at-1), bytes.NewReader(zeros)), rest, nil
}

// renumbered returns a record whose entries are all replayed, and whether it was changed.
func (m *walMender) renumbered(b []byte, renumber bool) ([]byte, bool) {
	rec := &wal.Record{}
	if wal.DecodeRecord(b, rec) != nil {
		return b, false
	}
	for _, s := range rec.Series {
		key := streamRef{rec.UserID, s.Ref}
		c := m.counted[key]
		c.begun = renumber
		m.counted[key] = c
	}
	changed := false
	for i := range rec.RefEntries {
		e := &rec.RefEntries[i]
		if e.Counter == 0 {
			continue // from a Loki that did not count
		}
		key := streamRef{rec.UserID, e.Ref}
		c := m.counted[key]
		if c.begun {
			c.begun, c.added = false, 0
			if e.Counter <= c.last {
				c.added = c.last
			}
		}
		if c.added > 0 {
			e.Counter += c.added
			changed = true
		}
		c.last = max(c.last, e.Counter)
		m.counted[key] = c
	}
	if !changed {
		return b, false
	}
	return rec.EncodeEntries(wal.RecordType(b[0]), nil), true
}

// replaceSegment rewrites the records of a segment as changed by mend.
func replaceSegment(path string, mend func([]byte) []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	dir := path + ".mended"
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// Larger numbers take more space, and the segment must not be split.
	w, err := wlog.NewSize(nil, nil, dir, (2*int(info.Size())/walPage+2)*walPage, compression.None)
	if err != nil {
		return err
	}
	_, _, err = eachRecord(path, func(b []byte) error { return w.Log(mend(b)) })
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	if first, last, err := wlog.Segments(dir); err != nil || first != last {
		return fmt.Errorf("write one segment: there are those from %d to %d: %w", first, last, err)
	}
	return os.Rename(wlog.SegmentName(dir, 0), path)
}
