package promserver

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/record"
	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/ausguck/ausguck/internal/setaside"
)

// walPage is wlog's page size of a WAL. No record that begins on a page depends on the one before.
const walPage = 32 << 10

// soundCheckpoint replaces an unreadable checkpoint by its readable part: the series to which the WAL after it refers
// only by number. Without them, its samples have no labels.
func (s *settings) soundCheckpoint() error {
	wal := filepath.Join(s.Dir, "wal")
	numbers, err := numbered(wal)
	if err != nil || len(numbers) == 0 {
		return err
	}
	loss := s.loss("", nil, "series that have not changed for two hours, and their samples of the last hours", backupInstead)
	dir, last, err := wlog.LastCheckpoint(wal)
	if errors.Is(err, record.ErrNotFound) {
		if numbers[0] == 0 {
			return nil
		}
		loss.Path, loss.Cause = wlog.CheckpointDir(wal, numbers[0]-1), errors.New("the checkpoint is missing") // upstream rejects a gap
		s.SetAside.Say(loss)
		return writeCheckpoint(loss.Path, nil)
	}
	if err != nil {
		return fmt.Errorf("look for a checkpoint in %s: %w", wal, err)
	}
	records, size, broken := readCheckpoint(dir)
	if size == 0 && broken == nil && namesMissing(wal, last+1) {
		broken = errors.New("the checkpoint is empty")
	}
	if broken == nil {
		return nil
	}
	if len(records) > 0 {
		loss.Lost = fmt.Sprintf("some of the %s; %d records could be read", loss.Lost, len(records))
	}
	loss.Path, loss.Cause = dir, broken
	aside := setaside.Name(dir, time.Now())
	if err := os.Rename(dir, aside); err != nil {
		return fmt.Errorf("set aside unreadable data (%w): %w", broken, err)
	}
	s.SetAside.Moved(loss, aside)
	return writeCheckpoint(dir, records)
}

// readCheckpoint returns the readable records of a checkpoint, and why the rest is unreadable.
func readCheckpoint(dir string) (records [][]byte, size int, broken error) {
	segments, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	for _, segment := range segments {
		content, err := os.ReadFile(filepath.Join(dir, segment.Name()))
		found, damage := salvage(content)
		records, size = append(records, found...), size+len(content)
		if broken == nil {
			broken = cmp.Or(err, damage)
		}
	}
	return records, size, broken
}

// namesMissing reports whether the WAL, from a segment on, begins with samples of series that it does not define: an
// empty checkpoint has then lost them.
func namesMissing(wal string, from int) bool {
	segments, err := wlog.NewSegmentsRangeReader(wlog.SegmentRange{Dir: wal, First: from, Last: -1})
	if err != nil {
		return false
	}
	defer segments.Close()
	var decoder = record.NewDecoder(labels.NewSymbolTable(), slog.New(slog.DiscardHandler))
	named := map[chunks.HeadSeriesRef]bool{}
	missing := false
	_ = setaside.Try(func() error { // upstream repairs a WAL that cannot be read
		for r := wlog.NewReader(segments); r.Next(); {
			switch decoder.Type(r.Record()) {
			case record.Series:
				series, err := decoder.Series(r.Record(), nil)
				if err != nil {
					return err
				}
				for _, s := range series {
					named[s.Ref] = true
				}
			case record.Samples, record.SamplesV2:
				samples, err := decoder.Samples(r.Record(), nil)
				missing = err == nil && slices.ContainsFunc(samples, func(s record.RefSample) bool { return !named[s.Ref] })
				return err
			}
		}
		return nil
	})
	return missing
}

// The first byte of a record fragment: whether it is a whole record, or the middle or the end of one that began on an
// earlier page.
const (
	wholeRecord, middleOfRecord, endOfRecord = 1, 3, 4

	partType = 7 // mask
)

// salvage returns all intact records of a segment. After a damaged one it continues with the next page.
func salvage(content []byte) (records [][]byte, broken error) {
	content = bytes.Clone(content)
	for from := 0; from < len(content); {
		severed := from > 0 && (content[from]&partType == middleOfRecord || content[from]&partType == endOfRecord)
		if severed { // the rest of a record whose beginning is lost: read as a whole one, which its checksum allows, and dropped
			content[from] = wholeRecord
		}
		r := wlog.NewReader(bytes.NewReader(content[from:]))
		err := setaside.Try(func() error {
			for r.Next() {
				if !severed {
					records = append(records, bytes.Clone(r.Record()))
				}
				severed = false
			}
			return r.Err()
		})
		if err == nil {
			break
		}
		broken = cmp.Or(broken, err)
		from += max(walPage, (int(r.Offset())+walPage-1)/walPage*walPage) // the page where the reader stopped is not reread
	}
	return records, broken
}

// writeCheckpoint writes a checkpoint that upstream can read. It is never empty, to distinguish it from one that was
// emptied.
func writeCheckpoint(dir string, records [][]byte) error {
	w, err := wlog.New(slog.New(slog.DiscardHandler), nil, dir, compression.Snappy)
	if err == nil {
		nothing := (&record.Encoder{}).Tombstones(nil, nil)
		err = errors.Join(w.Log(append(records, nothing)...), w.Close())
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write a checkpoint: %w", err), os.RemoveAll(dir))
	}
	return nil
}
