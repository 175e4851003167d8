package promserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/tsdb/index"
	"github.com/prometheus/prometheus/tsdb/tombstones"

	"github.com/ausguck/ausguck/internal/setaside"
)

// verifiedBytes is how much of the blocks, newest first, is read completely at startup. Damage in older blocks shows
// when a query or a compaction reads them, and the error names the block.
const verifiedBytes = 32 << 20

// soundBlocks opens each block as upstream will and sets aside those that would keep upstream from opening the storage.
func (s *settings) soundBlocks() error {
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the blocks: %w", err)
	}
	budget := int64(verifiedBytes)
	for _, e := range slices.Backward(entries) { // their names increase with time
		if _, err := ulid.ParseStrict(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		if err := s.soundBlock(filepath.Join(s.Dir, e.Name()), &budget); err != nil {
			return err
		}
	}
	return nil
}

func (s *settings) soundBlock(dir string, budget *int64) error {
	meta, err := readMeta(dir)
	if err != nil {
		return s.SetAside.Move(s.loss(dir, err, "the samples of one block, which is kept: without its meta.json, its time range is unknown", backupInstead))
	}
	span := fmt.Sprintf("from %s to %s", time.UnixMilli(meta.MinTime).UTC().Format(time.RFC3339), time.UnixMilli(meta.MaxTime).UTC().Format(time.RFC3339))
	err = setaside.Try(func() error { _, _, err := tombstones.ReadTombstones(dir); return err })
	if err != nil {
		loss := s.loss(filepath.Join(dir, tombstones.TombstonesFilename), err, "which samples "+span+" had been deleted: they are visible again", "delete them again if they must not be visible")
		if err := s.SetAside.Move(loss); err != nil {
			return err
		}
	}
	size := dirSize(dir)
	whole := size <= *budget
	if whole {
		*budget -= size
	}
	var damaged *damagedChunks
	err = setaside.Try(func() error {
		b, err := tsdb.OpenBlock(slog.New(slog.DiscardHandler), dir, nil, nil)
		if err != nil {
			return err
		}
		if whole {
			damaged, err = readBlock(b)
		}
		return errors.Join(err, b.Close())
	})
	if err == nil && damaged.mayBeLeftOut() {
		return s.leaveOut(dir, span, damaged)
	}
	if err == nil && damaged != nil && damaged.count > 0 {
		err = damaged.first
	}
	if err != nil {
		return s.SetAside.Move(s.loss(dir, err, "all samples "+span+" that are in no other block", backupInstead))
	}
	return nil
}

// readMeta reads meta.json; upstream ignores the block if it cannot be read.
func readMeta(dir string) (*tsdb.BlockMeta, error) {
	content, err := os.ReadFile(filepath.Join(dir, "meta.json"))
	if err != nil {
		return nil, err
	}
	meta := &tsdb.BlockMeta{}
	if err := json.Unmarshal(content, meta); err != nil {
		return nil, fmt.Errorf("meta.json: %w", err)
	}
	if meta.Version != 1 || meta.ULID.String() != filepath.Base(dir) || meta.MaxTime < meta.MinTime {
		return nil, errors.New("meta.json: it belongs to another block")
	}
	return meta, nil
}

// damagedChunks are the unreadable chunks of a block.
type damagedChunks struct {
	intervals *tombstones.MemTombstones
	series    map[string]bool
	count, of int
	first     error
}

// mayBeLeftOut reports whether the rest of the block is worth keeping without them.
func (d *damagedChunks) mayBeLeftOut() bool { return d != nil && d.count > 0 && d.count <= d.of/2 }

// readBlock reads all series and chunks of a block. An error concerns its index.
func readBlock(b *tsdb.Block) (*damagedChunks, error) {
	ir, err := b.Index()
	if err != nil {
		return nil, err
	}
	defer func() { _ = ir.Close() }() // it was only read
	cr, err := b.Chunks()
	if err != nil {
		return nil, err
	}
	defer func() { _ = cr.Close() }() // it was only read
	name, value := index.AllPostingsKey()
	postings, err := ir.Postings(context.Background(), name, value)
	if err != nil {
		return nil, err
	}
	d := &damagedChunks{intervals: tombstones.NewMemTombstones(), series: map[string]bool{}}
	var builder labels.ScratchBuilder
	var metas []chunks.Meta
	for postings.Next() {
		ref := postings.At()
		if err := ir.Series(ref, &builder, &metas); err != nil {
			return nil, err
		}
		for _, meta := range metas {
			d.of++
			if err := readChunk(cr, meta); err != nil {
				d.add(ref, builder.Labels().Get(model.MetricNameLabel), meta, err)
			}
		}
	}
	if err := readPostings(ir); err != nil {
		return nil, err
	}
	return d, postings.Err()
}

// readPostings reads the postings by which queries find series.
func readPostings(ir tsdb.IndexReader) error {
	ctx := context.Background()
	names, err := ir.LabelNames(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		values, err := ir.LabelValues(ctx, name, nil)
		if err != nil {
			return err
		}
		p, err := ir.Postings(ctx, name, values...)
		if err != nil {
			return err
		}
		for p.Next() { // each was read as one of all series
		}
		if p.Err() != nil {
			return p.Err()
		}
	}
	return nil
}

func readChunk(cr tsdb.ChunkReader, meta chunks.Meta) error {
	chunk, _, err := cr.ChunkOrIterable(meta)
	if err == nil && chunk == nil {
		err = errors.New("no chunk")
	}
	return err
}

func (d *damagedChunks) add(ref storage.SeriesRef, metric string, meta chunks.Meta, err error) {
	d.count++
	if d.first == nil {
		d.first = err
	}
	d.series[metric] = true
	d.intervals.AddInterval(ref, tombstones.Interval{Mint: meta.MinTime, Maxt: meta.MaxTime})
}

// leaveOut marks damaged chunks as deleted, so that queries and compactions read around them.
func (s *settings) leaveOut(dir, span string, d *damagedChunks) error {
	before, _, err := tombstones.ReadTombstones(dir)
	if err != nil {
		return err
	}
	known := 0
	err = before.Iter(func(ref storage.SeriesRef, intervals tombstones.Intervals) error {
		for _, i := range intervals {
			d.intervals.AddInterval(ref, i)
		}
		return nil
	})
	err = errors.Join(err, d.intervals.Iter(func(ref storage.SeriesRef, intervals tombstones.Intervals) error {
		if had, err := before.Get(ref); err == nil && slices.Equal(had, intervals) {
			known += len(intervals)
		}
		return nil
	}))
	if err != nil {
		return err
	}
	if uint64(known) == d.intervals.Total() {
		return nil // reported at an earlier start
	}
	if _, err := tombstones.WriteFile(s.Logger, dir, d.intervals); err != nil {
		return fmt.Errorf("omit damaged chunks of %s: %w", dir, err)
	}
	var names []string
	for name := range d.series {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) > 5 {
		names = append(names[:5], "…")
	}
	s.SetAside.Say(s.loss(dir, d.first, fmt.Sprintf("%d of %d chunks %s, of %s", d.count, d.of, span, strings.Join(names, ", ")), backupInstead))
	return nil
}
