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

// What Loki stumbles over is set aside before it starts: it panics on an index file that is cut off and on a damaged bolt
// file, in goroutines of its own, and ends when a file cannot be opened.

// fileKind is a kind of file below Loki's folders.
type fileKind struct {
	glob         string
	read         func(path string) error // nil when upstream copes with what is in it
	lost, remedy string
	// empty says that an empty file has to take its place.
	empty bool
}

const (
	nothingToDo   = "no action is needed"
	backupInstead = "if you have a backup, stop Ausguck and restore the file from it"
)

// fileKinds lists what is read at start, with where it is by the configuration.
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
	shipped := filepath.Join(chunkFolder(cfg), "index")
	return []fileKind{
		{glob: filepath.Join(shipped, "*", "*.gz"), read: readGzip, lost: "the location of log lines of some minutes: queries do not find them", remedy: backupInstead},
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
}

// makeSound sets aside what Loki would not start with. The error says what could not be moved.
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
	if kind.empty { // a gap between segments would be the next thing to stumble over
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

// readBolt reads all of a copy of a bolt file and writes to it, as the compactor will to the file.
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
				_, _ = slices.Clone(k), slices.Clone(v) // which may lie where the file does not
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

// checkShipped reads the index files that were shipped and compacted, while Loki runs: one that is damaged keeps all queries of its day from
// being answered, and the compactor from its work. They have checksums of their own.
func (s *Server) checkShipped(ctx context.Context, cfg *Config) {
	dir := filepath.Join(chunkFolder(cfg), "index")
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

// tellRepairs tells of a write-ahead log of which Loki could not read all.
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
