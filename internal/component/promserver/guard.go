package promserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/storage"
)

// diskGuard is a storage that takes no samples while its disk has next to no room.
//
// A WAL that hits the end of the disk has a torn record in its middle. Upstream goes on behind it when
// there is room again, but a later replay ends at the tear and drops everything after it: up to three
// hours of samples that had been there. A refused append loses only its own samples.
type diskGuard struct {
	storage.Storage
	logger   *slog.Logger
	dir      string
	free     func(dir string) (free, size uint64, err error)
	refusing atomic.Bool
	refused  prometheus.Counter
}

var _ storage.Storage = (*diskGuard)(nil)

// errDiskFull is the error of every refused append; it ends up as the last error of targets and rules.
var errDiskFull = errors.New("the disk of the data folder is full: no samples are stored until there is room")

func newDiskGuard(next storage.Storage, dir string, logger *slog.Logger, reg prometheus.Registerer) *diskGuard {
	g := &diskGuard{
		Storage: next, logger: logger, dir: dir, free: diskSpace,
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_promserver_appends_refused_total",
			Help: "Batches of samples that were refused because the disk of the data folder was full.",
		}),
	}
	reg.MustRegister(g.refused)
	return g
}

// reserve is what a disk keeps free: enough that no batch of samples runs into its end.
func reserve(size uint64) uint64 {
	return max(min(64<<20, size/50), 1<<20)
}

// Appender implements storage.Storage.
func (g *diskGuard) Appender(ctx context.Context) storage.Appender {
	if err := g.check(); err != nil {
		return refusal{err}
	}
	return g.Storage.Appender(ctx)
}

// AppenderV2 implements storage.Storage.
func (g *diskGuard) AppenderV2(ctx context.Context) storage.AppenderV2 {
	if err := g.check(); err != nil {
		return refusalV2{refusal{err}}
	}
	return g.Storage.AppenderV2(ctx)
}

func (g *diskGuard) check() error {
	free, size, err := g.free(g.dir)
	if err != nil {
		return nil // nothing is known against it
	}
	keep := reserve(size)
	if free >= keep {
		if g.refusing.Swap(false) {
			g.logger.Info("Storing samples again", "path", g.dir, "free_bytes", free)
		}
		return nil
	}
	g.refused.Inc()
	if !g.refusing.Swap(true) {
		g.logger.Error("Disk full: no samples are stored until there is room; queries go on. Free some, or lower --storage.tsdb.retention.size",
			"path", g.dir, "free_bytes", free, "needed_bytes", keep)
	}
	return fmt.Errorf("%w (%s)", errDiskFull, g.dir) // no numbers: the same text is logged once an hour
}

func diskSpace(dir string) (free, size uint64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, 0, err
	}
	return fs.Bavail * uint64(fs.Bsize), fs.Blocks * uint64(fs.Bsize), nil
}

// refusal is an appender that takes nothing and says why.
type refusal struct{ err error }

func (r refusal) Append(storage.SeriesRef, labels.Labels, int64, float64) (storage.SeriesRef, error) {
	return 0, r.err
}

func (r refusal) AppendExemplar(storage.SeriesRef, labels.Labels, exemplar.Exemplar) (storage.SeriesRef, error) {
	return 0, r.err
}

func (r refusal) AppendHistogram(storage.SeriesRef, labels.Labels, int64, *histogram.Histogram, *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return 0, r.err
}

func (r refusal) AppendHistogramSTZeroSample(storage.SeriesRef, labels.Labels, int64, int64, *histogram.Histogram, *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return 0, r.err
}

func (r refusal) AppendSTZeroSample(storage.SeriesRef, labels.Labels, int64, int64) (storage.SeriesRef, error) {
	return 0, r.err
}

func (r refusal) UpdateMetadata(storage.SeriesRef, labels.Labels, metadata.Metadata) (storage.SeriesRef, error) {
	return 0, r.err
}

func (refusal) SetOptions(*storage.AppendOptions) {}

// Commit succeeds: nothing was taken, and each append has said so.
func (refusal) Commit() error { return nil }

func (refusal) Rollback() error { return nil }

type refusalV2 struct{ refusal }

func (r refusalV2) Append(storage.SeriesRef, labels.Labels, int64, int64, float64, *histogram.Histogram, *histogram.FloatHistogram, storage.AppendV2Options) (storage.SeriesRef, error) {
	return 0, r.err
}
