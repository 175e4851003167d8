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

// ErrFull is wrapped by the errors of Full.
var ErrFull = errors.New("the disk of the data folder is full: nothing is stored until space is available")

const (
	interval = time.Second
	mib      = 1 << 20
)

// Watch monitors the disk of one folder. Create it with NewWatch.
type Watch struct {
	logger *slog.Logger
	dir    string
	space  func(dir string) (room, error)

	mtx   sync.Mutex
	room  room
	level level
}

// room is the state of a disk: bytes, and the number of files that can still be created. Some file systems do not count files;
// ofFiles is then 0.
type room struct{ free, size, files, ofFiles uint64 }

// level is how scarce disk space is.
type level int

const (
	enough level = iota
	low
	full
)

// NewWatch checks the disk of dir, which need not exist yet, and registers the ausguck_storage_* metrics.
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

// Run checks the disk until ctx ends. It implements lifecycle.Component.
func (w *Watch) Run(ctx context.Context, ready func()) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	_ = w.Full() // before the first part opens its files: on a full disk they need the ballast's space
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			_ = w.Full() // writers get the error when they check
		}
	}
}

// Space returns the free bytes and the size of the disk at the last check, and whether space is scarce.
func (w *Watch) Space() (free, size uint64, scarce bool) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	return w.room.free, w.room.size, w.level >= low
}

// Full checks the disk and returns an error that wraps ErrFull if writers must not write. The text contains no numbers, so that a
// log can suppress repetitions. It takes about a microsecond.
func (w *Watch) Full() error {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	now, err := w.space(w.dir)
	if err != nil {
		return nil // the state is unknown
	}
	if now.ofFiles > 0 && now.files == 0 && w.makesFiles() {
		now.ofFiles = 0 // the file system does not count files
	}
	w.room = now
	b := ballast{filepath.Join(w.dir, ballastName), ballastSize(now.size), ballastFiles(now.ofFiles)}
	w.enter(w.next(b), b)
	if w.level == full {
		return fmt.Errorf("%w (%s)", ErrFull, w.dir)
	}
	return nil
}

// makesFiles reports whether a file can be created.
func (w *Watch) makesFiles() bool {
	f, err := os.CreateTemp(w.dir, ".room-*")
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}

// next returns the level for the free space. Once full, it remains full until there is enough space for the ballast too: the
// space that it released is not for new data.
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

// enter logs a change of the level, and releases or creates the ballast.
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

// reserve returns how much space remains free: enough that no batch of samples reaches the end of the disk.
func reserve(size uint64) uint64 { return max(min(64*mib, size/50), mib) }

// scarce returns the threshold for warnings: the smaller of both values, so that no disk is always low, plus what a compaction
// uses at once.
func scarce(size uint64) uint64 { return max(min(256*mib, size/20), 2*mib) + compactionRoom(size) }

// compactionRoom returns how large a file a compaction may allocate before writing to it, which is insignificant for the disk.
func compactionRoom(size uint64) uint64 { return max(min(64*mib, size/16), 4*mib) }

// CompactionRoom returns the size of the files that a compaction should write: each allocates that much space at once, and a disk
// that has it is not low.
func (w *Watch) CompactionRoom() uint64 {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	return compactionRoom(w.room.size)
}

// reserveFiles returns how many files can always be created, for segments, blocks and a start.
func reserveFiles(of uint64) uint64 { return min(500, of/50) }

// scarceFiles returns the threshold for warnings.
func scarceFiles(of uint64) uint64 { return min(5000, of/20) }

// Free returns how many bytes can be written to the disk of dir. It checks the closest existing folder.
func Free(dir string) (int64, error) {
	r, err := space(dir)
	return int64(min(r.free, 1<<63-1)), err
}

// space checks the folder, or the closest existing parent if no part has created it yet.
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
