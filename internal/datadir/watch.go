package datadir

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ErrFull is wrapped by what Full returns.
var ErrFull = errors.New("the disk of the data folder is full: nothing is stored until space is available")

const (
	interval = time.Second
	mib      = 1 << 20
)

// Watch is the disk of one folder. Make it with New.
type Watch struct {
	logger *slog.Logger
	dir    string
	space  func(dir string) (room, error)

	mtx   sync.Mutex
	room  room
	level level
}

// room is what a disk has: bytes, and files that can still be made. Some file systems count no files; ofFiles is then 0.
type room struct{ free, size, files, ofFiles uint64 }

// level is how scarce room is.
type level int

const (
	enough level = iota
	low
	full
)

// NewWatch looks at the disk of dir, which need not exist yet, and registers the ausguck_storage_* metrics.
func NewWatch(dir string, logger *slog.Logger, reg prometheus.Registerer) *Watch {
	w := &Watch{logger: logger, dir: dir, space: space}
	w.register(reg)
	w.room, _ = w.space(dir)
	return w
}

func (w *Watch) register(reg prometheus.Registerer) {
	gauge := func(name, help string, value func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			w.mtx.Lock()
			defer w.mtx.Unlock()
			return value()
		}))
	}
	is := func(l level) func() float64 {
		return func() float64 {
			if w.level >= l {
				return 1
			}
			return 0
		}
	}
	gauge("ausguck_storage_free_bytes", "Free bytes of the disk that holds the data folder.", func() float64 { return float64(w.room.free) })
	gauge("ausguck_storage_size_bytes", "Size of the disk that holds the data folder.", func() float64 { return float64(w.room.size) })
	gauge("ausguck_storage_free_files", "Files that can still be made on the disk that holds the data folder, its free inodes; 0 where the file system has no such limit.",
		func() float64 { return float64(w.room.files) })
	gauge("ausguck_storage_low", "Whether the disk that holds the data folder is nearly full.", is(low))
	gauge("ausguck_storage_full", "Whether the disk is so full that nothing new is stored.", is(full))
}

// Run looks at the disk until ctx ends. It implements lifecycle.Component.
func (w *Watch) Run(ctx context.Context, ready func()) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	_ = w.Full() // before the first part opens its files: on a full disk they need the ballast's room
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			_ = w.Full() // those who write are told when they ask
		}
	}
}

// Space returns the free bytes and the size of the disk as they were last seen, and whether room is scarce.
func (w *Watch) Space() (free, size uint64, scarce bool) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	return w.room.free, w.room.size, w.level >= low
}

// Full looks at the disk and returns an error that wraps ErrFull while writers must not write. The
// text holds no numbers, so that a log can leave out what it has said. It takes about a microsecond.
func (w *Watch) Full() error {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	now, err := w.space(w.dir)
	if err != nil {
		return nil // nothing is known against it
	}
	if now.ofFiles > 0 && now.files == 0 && w.makesFiles() {
		now.ofFiles = 0 // the file system does not know
	}
	w.room = now
	b := ballast{filepath.Join(w.dir, ballastName), ballastSize(now.size), ballastFiles(now.ofFiles)}
	w.enter(w.next(b), b)
	if w.level == full {
		return fmt.Errorf("%w (%s)", ErrFull, w.dir)
	}
	return nil
}

// makesFiles reports whether a file can be made.
func (w *Watch) makesFiles() bool {
	f, err := os.CreateTemp(w.dir, ".room-*")
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}

// next returns the level that the free bytes call for. Once full it stays so until there is room for the
// ballast too: what was given back is not for new data.
func (w *Watch) next(b ballast) level {
	needed, files := reserve(w.room.size), reserveFiles(w.room.ofFiles)
	if w.level == full && !b.held() {
		needed += b.size
		files += b.files
	}
	switch {
	case w.room.free < needed, w.room.files < files:
		return full
	case w.room.free < scarce(w.room.size), w.room.files < scarceFiles(w.room.ofFiles):
		return low
	}
	return enough
}

// enter says what changes, and releases or holds the ballast.
func (w *Watch) enter(next level, b ballast) {
	before := w.level
	w.level = next
	pairs := []any{"path", w.dir, "free_bytes", w.room.free, "size_bytes", w.room.size, "free_files", w.room.files}
	switch {
	case next == full && before != full:
		w.logger.Error("Disk full: new data is rejected until disk space and inodes are available; queries still work. Free some space, or lower --storage.tsdb.retention.size", pairs...)
		if err := b.release(); err != nil {
			w.logger.Error("Data in memory may not fit on the disk", "err", err)
		}
	case next == low && before == enough:
		w.logger.Error("Disk nearly full: new data will be rejected soon. Free some space, or lower --storage.tsdb.retention.size", pairs...)
	case before == full:
		w.logger.Info("Disk space available again; accepting new data", pairs...)
	case next == enough && before == low:
		w.logger.Info("Disk space available again", pairs...)
	}
	if next != full && w.room.free >= reserve(w.room.size)+b.size && w.room.files >= reserveFiles(w.room.ofFiles)+b.files {
		if err := b.hold(); err != nil {
			w.logger.Debug("Continuing without the ballast file", "err", err)
		}
	}
}

// reserve is what stays free: enough that no batch of samples runs into the end of the disk.
func reserve(size uint64) uint64 { return max(min(64*mib, size/50), mib) }

// scarce is where people are told: the smaller of both, so that no disk is always low, and what a compaction takes at once.
func scarce(size uint64) uint64 { return max(min(256*mib, size/20), 2*mib) + compactionRoom(size) }

// compactionRoom is how large a file a compaction may make before it writes to it: of a size that is nothing to the disk.
func compactionRoom(size uint64) uint64 { return max(min(64*mib, size/16), 4*mib) }

// CompactionRoom returns the size of the files in which a compaction should write: each takes that much room at once, and a disk
// that has it is not low.
func (w *Watch) CompactionRoom() uint64 {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	return compactionRoom(w.room.size)
}

// reserveFiles is how many files can always be made: segments, blocks and what a start needs.
func reserveFiles(of uint64) uint64 { return min(500, of/50) }

// scarceFiles is where people are told.
func scarceFiles(of uint64) uint64 { return min(5000, of/20) }

// Free returns how many bytes can be written to the disk of dir. It asks the closest folder that exists.
func Free(dir string) (int64, error) {
	r, err := space(dir)
	return int64(min(r.free, 1<<63-1)), err
}

// space asks the folder, or, before the first part has made it, the closest one above.
func space(dir string) (room, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return room{}, err
	}
	for {
		var fs syscall.Statfs_t
		err := syscall.Statfs(dir, &fs)
		if err == nil {
			return room{free: fs.Bavail * uint64(fs.Bsize), size: fs.Blocks * uint64(fs.Bsize), files: fs.Ffree, ofFiles: fs.Files}, nil
		}
		if !errors.Is(err, syscall.ENOENT) || dir == filepath.Dir(dir) {
			return room{}, &os.PathError{Op: "statfs", Path: dir, Err: err}
		}
		dir = filepath.Dir(dir)
	}
}
