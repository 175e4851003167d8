package app

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	diskInterval = 5 * time.Second
	// A WAL segment, the head chunks of two hours and a compaction want room at the same time.
	diskLowBytes = 256 << 20
	diskLowShare = 0.05
)

// diskWatch says when the disk of the data folder is nearly full, before samples are lost, and again
// when it has room.
type diskWatch struct {
	log  *slog.Logger
	path string

	free, size atomic.Uint64
	low        atomic.Bool
}

func newDiskWatch(log *slog.Logger, path string, reg prometheus.Registerer) *diskWatch {
	d := &diskWatch{log: log, path: path}
	d.look()
	gauge := func(name, help string, f func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	gauge("ausguck_storage_free_bytes", "Free bytes of the disk that holds the data folder.",
		func() float64 { return float64(d.free.Load()) })
	gauge("ausguck_storage_size_bytes", "Size of the disk that holds the data folder.",
		func() float64 { return float64(d.size.Load()) })
	gauge("ausguck_storage_low", "Whether the disk that holds the data folder is nearly full.", func() float64 {
		if d.low.Load() {
			return 1
		}
		return 0
	})
	return d
}

// Run implements lifecycle.Component.
func (d *diskWatch) Run(ctx context.Context, ready func()) error {
	ready()
	ticker := time.NewTicker(diskInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			d.look()
		}
	}
}

func (d *diskWatch) look() {
	var fs syscall.Statfs_t
	if err := statfs(d.path, &fs); err != nil {
		return // what was seen last is better than nothing
	}
	free, size := fs.Bavail*uint64(fs.Bsize), fs.Blocks*uint64(fs.Bsize)
	d.free.Store(free)
	d.size.Store(size)
	low := nearlyFull(free, size)
	if low == d.low.Swap(low) {
		return
	}
	if low {
		d.log.Error("Disk nearly full: new samples are lost when it is; free some room, or lower --storage.tsdb.retention.size",
			"path", d.path, "free_bytes", free, "size_bytes", size)
		return
	}
	d.log.Info("Disk has room again", "path", d.path, "free_bytes", free)
}

// statfs asks for the folder, or, before the first part has made it, for the closest one above.
func statfs(path string, fs *syscall.Statfs_t) error {
	path, err := filepath.Abs(path)
	for err == nil {
		err = syscall.Statfs(path, fs)
		if err == nil || !errors.Is(err, syscall.ENOENT) || path == filepath.Dir(path) {
			return err
		}
		path, err = filepath.Dir(path), nil
	}
	return err
}

// nearlyFull takes the smaller of both limits, so that neither a small nor a large disk is always low.
func nearlyFull(free, size uint64) bool {
	return float64(free) < min(diskLowBytes, diskLowShare*float64(size))
}
