package loki

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/grafana/dskit/modules"
	"github.com/grafana/dskit/services"
	"github.com/grafana/loki/v3/pkg/loki"
	"github.com/grafana/loki/v3/pkg/storage/chunk"
	"github.com/grafana/loki/v3/pkg/storage/chunk/client"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// freeShare is the part of the disk's free room that logs may take when no cap is given. Metrics take four
	// fifths of it; a tenth stays free.
	freeShare = 0.1
	// Deleting begins at one share of the cap, because lines are written while it measures, and goes on until the
	// other is left, so that not every chunk deletes another.
	highWater   = 0.9
	lowWater    = 0.85
	capInterval = 10 * time.Second
	// walInterval is shorter: the write-ahead log grows with every line, and is quick to measure.
	walInterval = time.Second
)

// sizeCap keeps what Loki stores below a size. It deletes the oldest chunks from the disk, and hides the time
// that they were of from queries until the compactor has taken them out of the index (see cappedLimits).
type sizeCap struct {
	logger *slog.Logger
	dir    string // everything of Loki's
	chunks string // those of its folders that hold chunks
	file   string
	limit  int64

	size    atomic.Int64 // measured, and then counted on
	oldest  atomic.Int64 // UnixNano: before this nothing is left; 0 when nothing was deleted
	grown   chan struct{}
	deleted prometheus.Counter
	bytes   prometheus.Counter
}

func newSizeCap(o Options) *sizeCap {
	c := &sizeCap{
		logger: o.Logger, dir: o.Dir, file: o.sizeFile(), limit: int64(o.RetentionSize), grown: make(chan struct{}, 1),
		deleted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_loki_size_cap_deleted_chunks_total", Help: "Chunks that were deleted to stay below --storage.loki.retention.size.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_loki_size_cap_deleted_bytes_total", Help: "Bytes that were deleted to stay below --storage.loki.retention.size.",
		}),
	}
	if c.limit == 0 {
		c.limit = defaultRetentionSize(o.Dir)
	}
	c.restore()
	o.Registerer.MustRegister(c.deleted, c.bytes,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ausguck_loki_storage_bytes", Help: "Bytes that logs take on the disk."},
			func() float64 { return float64(c.size.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ausguck_loki_storage_limit_bytes", Help: "Most bytes that logs may take on the disk; 0 is no limit."},
			func() float64 { return float64(c.limit) }))
	return c
}

// defaultRetentionSize leaves the disk room; 0, no cap, when the disk cannot be asked.
func defaultRetentionSize(dir string) int64 {
	existing := dir
	for {
		if _, err := os.Stat(existing); err == nil || existing == filepath.Dir(existing) {
			break
		}
		existing = filepath.Dir(existing)
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(existing, &stat); err != nil {
		return 0
	}
	return diskUsage(dir) + int64(float64(stat.Bavail)*float64(stat.Bsize)*freeShare)
}

// run measures and deletes until ctx ends. The compactor must not delete at the same time only because its
// markers name files, which may be gone: it takes that for done.
func (c *sizeCap) run(ctx context.Context) {
	ticker, walTicker := time.NewTicker(capInterval), time.NewTicker(walInterval)
	defer ticker.Stop()
	defer walTicker.Stop()
	for {
		wal := diskUsage(c.wal())
		c.size.Store(diskUsage(c.dir))
		if c.full() {
			if err := c.shrink(); err != nil {
				c.logger.Error("Cannot keep logs below their size cap", "limit_bytes", c.limit, "err", err)
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

// full says whether something has to go.
func (c *sizeCap) full() bool {
	return c.limit > 0 && float64(c.size.Load()) > float64(c.limit)*highWater
}

// wal is where the ingester's write-ahead log is, unless the file says otherwise: then it is measured less often.
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
	excess := c.size.Load() - int64(float64(c.limit)*lowWater)
	var gone []chunkFile
	for _, f := range files {
		if excess <= 0 {
			break
		}
		gone, excess = append(gone, f), excess-f.size
	}
	if len(gone) == 0 {
		return fmt.Errorf("%s takes %d bytes, and no chunk is left to delete: what is not written yet and the index take them", c.dir, c.size.Load())
	}
	// First nobody asks for them any more, then they go.
	oldest := gone[len(gone)-1].through.Add(time.Millisecond)
	if oldest.UnixNano() > c.oldest.Load() {
		c.oldest.Store(oldest.UnixNano())
		if err := c.save(oldest); err != nil {
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
	c.logger.Info("Deleted the oldest logs to stay below the size cap", "chunks", len(gone), "before", oldest.UTC().Format(time.RFC3339), "limit_bytes", c.limit)
	return nil
}

// list returns the chunks in the store, whose names hold their times.
func (c *sizeCap) list() ([]chunkFile, error) {
	var files []chunkFile
	err := filepath.WalkDir(c.chunks, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // gone in the meantime
		}
		key, ok := chunkKey(c.chunks, path)
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

// chunkKey returns the key of a chunk, of which the file store encodes the last part.
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
	Oldest time.Time `json:"deleted_before"`
}

func (c *sizeCap) restore() {
	var state sizeState
	content, err := os.ReadFile(c.file)
	if err == nil && json.Unmarshal(content, &state) == nil && !state.Oldest.IsZero() {
		c.oldest.Store(state.Oldest.UnixNano())
	}
}

func (c *sizeCap) save(oldest time.Time) error {
	content, err := json.Marshal(sizeState{oldest})
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.file+".tmp", content, 0o600); err != nil {
		return fmt.Errorf("remember what was deleted: %w", err)
	}
	return os.Rename(c.file+".tmp", c.file)
}

// countChunks has the cap count what the store writes. The compactor, after it, gets its clients as they are: it names chunks
// as their files are named only when it sees upstream's file client, and with any other one deletes files that do not exist.
func (e *engine) countChunks(c *sizeCap) error {
	mm := e.loki.ModuleManager
	decorated := func(by func(client.ObjectClient) client.ObjectClient) func() (services.Service, error) {
		return func() (services.Service, error) {
			e.loki.Cfg.StorageConfig.ObjectClientDecorator = by
			return nil, nil
		}
	}
	const counted, plain = "counted-clients", "plain-clients"
	mm.RegisterModule(counted, decorated(c.decorate), modules.UserInvisibleModule)
	mm.RegisterModule(plain, decorated(nil), modules.UserInvisibleModule)
	return errors.Join(mm.AddDependency(loki.Store, counted), mm.AddDependency(plain, loki.Store), mm.AddDependency(loki.Compactor, plain))
}

// decorate counts what is written between two measurements.
func (c *sizeCap) decorate(inner client.ObjectClient) client.ObjectClient {
	return countingClient{inner, c}
}

type countingClient struct {
	client.ObjectClient
	cap *sizeCap
}

// PutObject implements client.ObjectClient.
func (c countingClient) PutObject(ctx context.Context, key string, object io.Reader) error {
	counted := &countingReader{Reader: object}
	var reader io.Reader = counted
	if seeker, ok := object.(io.ReadSeeker); ok {
		reader = struct {
			io.Reader
			io.Seeker
		}{counted, seeker}
	}
	err := c.ObjectClient.PutObject(ctx, key, reader)
	if c.cap.size.Add(counted.n); err == nil && c.cap.full() {
		select {
		case c.cap.grown <- struct{}{}:
		default:
		}
	}
	return err
}

type countingReader struct {
	io.Reader
	n int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += int64(n)
	return n, err
}

// diskUsage returns what the files below dir take on the disk; what cannot be read counts as nothing.
func diskUsage(dir string) int64 {
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			size += blocks(info)
		}
		return nil
	})
	return size
}

// blocks returns the room that a file takes, which for many small chunks is more than their bytes.
func blocks(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512
	}
	return info.Size()
}
