package loki

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/grafana/loki/v3/pkg/storage/stores/shipper/indexshipper/tsdb"
	"github.com/grafana/loki/v3/pkg/storage/stores/shipper/indexshipper/tsdb/index"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"go.etcd.io/bbolt"

	"github.com/ausguck/ausguck/internal/setaside"
)

// Files on which Loki fails are set aside before it starts: it panics on a truncated index file and on a damaged bolt
// file, in its own goroutines, and exits if a file cannot be opened.

// fileKind is a kind of file below Loki's folders.
type fileKind struct {
	glob         string
	read         func(path string) error // nil if upstream can handle any content
	lost, remedy string
	// empty means that an empty file has to replace it.
	empty bool
}

const (
	nothingToDo   = "no action is needed"
	backupInstead = "if you have a backup, stop Ausguck and restore the file from it"
)

// fileKinds lists the files that are read at startup, with their configured locations.
func fileKinds(cfg *Config) []fileKind {
	active := cfg.StorageConfig.TSDBShipperConfig.ActiveIndexDirectory
	cache := cfg.StorageConfig.TSDBShipperConfig.CacheLocation
	wal := cfg.Ingester.WAL.Dir
	deletion := filepath.Join(cfg.CompactorConfig.WorkingDirectory, "deletion")
	const (
		indexLost = "the location of some log lines, unless the index was shipped before: queries do not find them"
		linesLost = "log lines of the last hours that were not in a chunk yet"
		asked     = "deletions of log lines requested since the last compaction"
	)
	kinds := []fileKind{
		{glob: filepath.Join(active, "multitenant", "*", "*.tsdb"), read: readIndex, lost: indexLost, remedy: backupInstead},
		{glob: filepath.Join(active, "wal", "*", "*", "[0-9]*"), lost: indexLost, remedy: backupInstead, empty: true},
		{glob: filepath.Join(active, "uploader", "name"), lost: "nothing", remedy: nothingToDo},
		{glob: filepath.Join(cache, "*", "*.tsdb"), lost: "nothing: the file belongs to a cache", remedy: nothingToDo},
		{glob: filepath.Join(cache, "*", "*", "*.tsdb"), lost: "nothing: the file belongs to a cache", remedy: nothingToDo},
		{glob: filepath.Join(wal, "[0-9]*"), lost: linesLost, remedy: backupInstead, empty: true},
		{glob: filepath.Join(wal, "checkpoint.*", "[0-9]*"), lost: linesLost, remedy: backupInstead, empty: true},
		{glob: filepath.Join(deletion, "delete_requests", "delete_requests"), read: readBolt, lost: asked, remedy: "ask for the deletions again"},
		{glob: filepath.Join(deletion, "series_progress.boltdb"), read: readBolt, lost: "the progress of deletions of log lines: they start again", remedy: nothingToDo},
	}
	if chunks := chunkFolder(cfg); chunks != "" {
		kinds = append(kinds, fileKind{
			glob: filepath.Join(chunks, "index", "*", "*.gz"), read: readGzip,
			lost: "the location of log lines of some minutes: queries do not find them", remedy: backupInstead,
		})
	}
	return kinds
}

// makeSound sets aside the files with which Loki would not start. The error names what could not be moved.
func (o *Options) makeSound(cfg *Config) error {
	var errs []error
	for _, kind := range append(fileKinds(cfg), fileKind{glob: o.sizeFile(), lost: "the time up to which logs were deleted to stay below the size limit", remedy: nothingToDo}) {
		files, err := filepath.Glob(kind.glob)
		if err != nil {
			return fmt.Errorf("look for %s: %w", kind.glob, err)
		}
		for _, file := range files {
			if !setaside.IsAside(file) {
				errs = append(errs, o.soundFile(kind, file))
			}
		}
	}
	return errors.Join(errs...)
}

func (o *Options) soundFile(kind fileKind, file string) error {
	err := setaside.Readable(file)
	if err == nil && kind.read != nil {
		err = setaside.Try(func() error { return kind.read(file) })
	}
	if err == nil {
		return nil
	}
	if err := o.SetAside.Move(setaside.Loss{Part: "loki", Path: file, Cause: err, Lost: kind.lost, Remedy: kind.remedy}); err != nil {
		return err
	}
	if kind.empty { // otherwise it would fail on a gap between segments
		if err := os.WriteFile(file, nil, 0o640); err != nil {
			return fmt.Errorf("replace it with an empty segment: %w", err)
		}
	}
	return nil
}

// readIndex reads all series of an index file.
func readIndex(path string) error {
	file, _, err := tsdb.NewTSDBIndexFromFile(path)
	if err != nil {
		return err
	}
	all := labels.MustNewMatcher(labels.MatchEqual, "", "")
	err = file.ForSeries(context.Background(), "", nil, 0, model.Time(math.MaxInt64), func(labels.Labels, model.Fingerprint, []index.ChunkMeta) bool { return false }, all)
	return errors.Join(err, file.Close())
}

// readBolt reads a whole copy of a bolt file and writes to it, as the compactor will to the file.
func readBolt(path string) (err error) {
	trial := path + ".trial"
	defer func() { err = errors.Join(err, os.Remove(trial)) }()
	if err := copyFile(trial, path); err != nil {
		return err
	}
	db, err := bbolt.Open(trial, 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		err := tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				_, _ = slices.Clone(k), slices.Clone(v) // they may point outside the file
				return nil
			})
		})
		if err != nil {
			return err
		}
		_, err = tx.CreateBucketIfNotExists([]byte("trial"))
		return err
	})
	return errors.Join(err, db.Close())
}

func copyFile(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}

// checkShipped reads the shipped and compacted index files while Loki runs: a damaged one makes all queries of its day
// fail, and blocks the compactor. They have checksums of their own. Those in an object store are left to it.
func (s *Server) checkShipped(ctx context.Context, cfg *Config) {
	chunks := chunkFolder(cfg)
	if chunks == "" {
		return
	}
	dir := filepath.Join(chunks, "index")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || !strings.HasSuffix(path, ".gz") || setaside.IsAside(path) {
			return nil // gone meanwhile
		}
		cause := setaside.Readable(path)
		if cause == nil {
			cause = readGzip(path)
		}
		if cause == nil || errors.Is(cause, fs.ErrNotExist) {
			return nil
		}
		lost := "the location of log lines of a day, unless another index file has it"
		if err := s.options.SetAside.Move(setaside.Loss{Part: "loki", Path: path, Cause: cause, Lost: lost, Remedy: backupInstead}); err != nil {
			s.log.Warn("Cannot move a damaged index file", "err", err)
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.log.Warn("The index of logs was not checked", "err", err)
	}
}

func readGzip(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, content)
	return err
}

// tellRepairs reports a write-ahead log that Loki could not read completely.
func (s *Server) tellRepairs(e *engine, cfg *Config) {
	families, err := e.registry.Gather()
	if err != nil {
		return
	}
	for _, f := range families {
		if f.GetName() != "loki_ingester_wal_corruptions_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetCounter().GetValue() > 0 {
				s.options.SetAside.Say(setaside.Loss{
					Part: "loki", Path: cfg.Ingester.WAL.Dir, Cause: errors.New("some of the write-ahead log cannot be read"),
					Lost: "log lines of the last hours that were not in a chunk yet", Remedy: nothingToDo + "; check the disk",
				})
				return
			}
		}
	}
}
