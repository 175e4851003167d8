package loki

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/grafana/loki/v3/pkg/storage/chunk"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/atomicfile"
	"github.com/ausguck/ausguck/internal/datadir"
)

const (
	// roomShare is the share of the disk space, free or used by logs, that logs may take if no cap is set. Metrics take
	// four fifths of the free space; a tenth stays free.
	roomShare = 0.1
	// warnWater is the share of the cap from which on a warning says that lines will soon be deleted.
	warnWater = 0.8
	// Deletion begins at highWater of the cap, because lines are written between measurements, and continues down to
	// lowWater, so that not every new chunk deletes another.
	highWater   = 0.9
	lowWater    = 0.85
	capInterval = 10 * time.Second
	// walInterval is shorter: the write-ahead log grows with every line, and is quick to measure.
	walInterval = time.Second
)

// sizeCap keeps what Loki stores on this disk below a size. It deletes the oldest chunks from disk, and hides their time range
// from queries until the compactor has removed them from the index (see cappedLimits). It does nothing while no period of the
// schema stores chunks as files: an object store has no size to stay below, and other members of a ring need its chunks.
type sizeCap struct {
	logger *slog.Logger
	dir    string       // Loki's whole data folder
	chunks atomic.Value // string: the folder in it that contains chunks; "" if there is none
	file   string
	auto   bool                           // no cap is set: it follows the disk space
	free   func(dir string) (int64, bool) // free bytes on the disk of dir
	limit  atomic.Int64                   // 0 means no cap
	saved  int64                          // the cap in the file
	warned bool                           // that lines will soon be deleted

	size    atomic.Int64 // measured, then updated incrementally
	oldest  atomic.Int64 // UnixNano: nothing older is left; 0 if nothing was deleted
	grown   chan struct{}
	deleted prometheus.Counter
	bytes   prometheus.Counter
}

func newSizeCap(o Options) *sizeCap {
	c := &sizeCap{
		logger: o.Logger, dir: o.Dir, file: o.sizeFile(), auto: o.RetentionSize == 0, free: freeBytes, grown: make(chan struct{}, 1),
		deleted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_loki_size_cap_deleted_chunks_total", Help: "Chunks deleted to stay below --storage.loki.retention.size.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_loki_size_cap_deleted_bytes_total", Help: "Bytes deleted to stay below --storage.loki.retention.size.",
		}),
	}
	c.chunks.Store("")
	c.limit.Store(int64(o.RetentionSize))
	c.restore()
	c.size.Store(diskUsage(o.Dir))
	c.followRoom()
	o.Registerer.MustRegister(c.deleted, c.bytes,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ausguck_loki_storage_bytes", Help: "Disk space used by logs, in bytes."},
			func() float64 { return float64(c.size.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ausguck_loki_storage_limit_bytes", Help: "Maximum disk space for logs, in bytes; 0 for no limit."},
			func() float64 { return float64(c.inForce()) }))
	return c
}

// inForce returns the limit in bytes, 0 if there is none.
func (c *sizeCap) inForce() int64 {
	if c.folder() == "" {
		return 0
	}
	return c.limit.Load()
}

// adopt makes the cap delete from the folder of a configuration.
func (c *sizeCap) adopt(cfg *Config) { c.chunks.Store(chunkFolder(cfg)) }

// folder returns the folder with the chunks, "" if none are stored as files.
func (c *sizeCap) folder() string {
	folder, _ := c.chunks.Load().(string)
	return folder
}

// deletedBefore returns the time before which no lines are left because of their size, and false if none were deleted.
func (c *sizeCap) deletedBefore() (time.Time, bool) {
	oldest := c.oldest.Load()
	return time.Unix(0, oldest), oldest > 0 && c.folder() != ""
}

// followRoom adjusts the default cap to the current disk space. It grows with the space. It also shrinks with it, but
// never so far that stored logs would be deleted: other programs filling the disk do not cause logs to be deleted. The
// cap is saved, because one that is computed again at each start would approach the size of what is stored.
func (c *sizeCap) followRoom() {
	if !c.auto {
		return
	}
	free, ok := c.free(c.dir)
	if !ok {
		return
	}
	used, before := c.size.Load(), c.limit.Load()
	needed := int64(float64(used) / lowWater)
	if before > 0 {
		needed = min(needed, before) // growth beyond the cap does not raise it
	}
	c.limit.Store(max(int64(float64(used+free)*roomShare), needed))
}

// remember saves the default cap if it has changed by more than one percent.
func (c *sizeCap) remember() {
	now := c.limit.Load()
	if !c.auto || now >= c.saved*99/100 && now <= c.saved*101/100 {
		return
	}
	if err := c.save(); err != nil {
		c.logger.Warn("Cannot save the size limit of logs; the next start computes it again", "err", err)
	}
}

// freeBytes returns the free space on the disk of dir, which need not exist yet.
func freeBytes(dir string) (int64, bool) {
	free, err := datadir.Free(dir)
	return free, err == nil
}

// warn logs once that lines will soon be deleted because of their size; it is called by c.run.
func (c *sizeCap) warn() {
	limit := c.inForce()
	near := limit > 0 && float64(c.size.Load()) > float64(limit)*warnWater
	if near && !c.warned {
		c.logger.Warn("Logs are close to their size limit; the oldest will be deleted soon. Free disk space, set --storage.loki.retention.size or shorten --storage.loki.retention.time",
			"bytes", c.size.Load(), "limit_bytes", limit)
	}
	c.warned = near
}

// run measures and deletes until ctx ends. It may do so concurrently with the compactor, whose markers name files: the
// compactor takes a missing file for deleted.
func (c *sizeCap) run(ctx context.Context) {
	ticker, walTicker := time.NewTicker(capInterval), time.NewTicker(walInterval)
	defer ticker.Stop()
	defer walTicker.Stop()
	for {
		wal := diskUsage(c.wal())
		c.size.Store(diskUsage(c.dir))
		c.followRoom()
		c.remember()
		c.warn()
		if c.full() {
			if err := c.shrink(); err != nil {
				c.logger.Error("Cannot keep logs below the size limit", "limit_bytes", c.limit.Load(), "err", err)
			}
		}
		for measure := false; !measure; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				measure = true
			case <-c.grown:
				measure = true
			case <-walTicker.C:
				before := wal
				wal = diskUsage(c.wal())
				c.size.Add(wal - before)
				measure = c.full()
			}
		}
	}
}

// full reports whether something has to be deleted.
func (c *sizeCap) full() bool {
	limit := c.inForce()
	return limit > 0 && float64(c.size.Load()) > float64(limit)*highWater
}

// wal is the folder of the ingester's write-ahead log, unless the file sets another one: that is measured less often.
func (c *sizeCap) wal() string { return filepath.Join(c.dir, "wal") }

// chunkFile is a chunk on the disk.
type chunkFile struct {
	path    string
	size    int64
	through time.Time
}

// shrink deletes the oldest chunks until the size is below the low water mark.
func (c *sizeCap) shrink() error {
	files, err := c.list()
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b chunkFile) int {
		return cmp.Or(a.through.Compare(b.through), strings.Compare(a.path, b.path))
	})
	excess := c.size.Load() - int64(float64(c.limit.Load())*lowWater)
	var gone []chunkFile
	for _, f := range files {
		if excess <= 0 {
			break
		}
		gone, excess = append(gone, f), excess-f.size
	}
	if len(gone) == 0 {
		return fmt.Errorf("%s uses %d bytes, and no chunk is left to delete: the space is used by the index and by data that has not been written to chunks yet", c.dir, c.size.Load())
	}
	// First they are hidden from queries, then they are deleted.
	oldest := gone[len(gone)-1].through.Add(time.Millisecond)
	if oldest.UnixNano() > c.oldest.Load() {
		c.oldest.Store(oldest.UnixNano())
		if err := c.save(); err != nil {
			return err
		}
	}
	for _, f := range gone {
		if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("delete the oldest logs: %w", err)
		}
		c.deleted.Inc()
		c.bytes.Add(float64(f.size))
		c.size.Add(-f.size)
	}
	c.logger.Info("Deleted the oldest logs to stay below the size limit", "chunks", len(gone), "before", oldest.UTC().Format(time.RFC3339), "limit_bytes", c.limit.Load())
	return nil
}

// list returns the stored chunks, whose names contain their times.
func (c *sizeCap) list() ([]chunkFile, error) {
	var files []chunkFile
	folder := c.folder()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // gone in the meantime
		}
		key, ok := chunkKey(folder, path)
		if !ok {
			return nil // the index, markers
		}
		parsed, err := chunk.ParseExternalKey(key[:strings.IndexByte(key, '/')], key)
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil {
			files = append(files, chunkFile{path, blocks(info), parsed.Through.Time()})
		}
		return nil
	})
	return files, err
}

// chunkKey returns the key of a chunk, whose last part the file store encodes.
func chunkKey(root, path string) (string, bool) {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return "", false
	}
	dir, name := filepath.Split(filepath.ToSlash(rel))
	plain, err := base64.StdEncoding.DecodeString(name)
	if err != nil {
		return "", false
	}
	key := dir + string(plain)
	return key, strings.Contains(key, "/") && strings.Count(key, ":") >= 2
}

type sizeState struct {
	Oldest time.Time `json:"deleted_before,omitzero"`
	Limit  int64     `json:"default_limit_bytes,omitempty"`
}

func (c *sizeCap) restore() {
	var state sizeState
	content, err := os.ReadFile(c.file)
	if err != nil || json.Unmarshal(content, &state) != nil {
		return
	}
	if !state.Oldest.IsZero() {
		c.oldest.Store(state.Oldest.UnixNano())
	}
	if c.auto {
		c.limit.Store(state.Limit)
		c.saved = state.Limit
	}
}

func (c *sizeCap) save() error {
	var state sizeState
	if oldest := c.oldest.Load(); oldest > 0 {
		state.Oldest = time.Unix(0, oldest)
	}
	if c.auto {
		state.Limit = c.limit.Load()
		c.saved = state.Limit
	}
	content, err := json.Marshal(state)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.file), 0o750); err != nil {
		return fmt.Errorf("record what was deleted: %w", err)
	}
	if err := atomicfile.Write(c.file, content, 0o600); err != nil {
		return fmt.Errorf("record what was deleted: %w", err)
	}
	return nil
}
