package promserver

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/storage"
)

// Disk reports whether there is space to write.
type Disk interface {
	// Full returns an error if there is none.
	Full() error
}

// guard is a storage that rejects samples while its disk is full and after it is closed.
//
// A WAL that fills the disk has a torn record in its middle. Upstream continues after it once there is
// space again, but a later replay stops at the torn record and drops everything after it: up to three
// hours of samples that had been stored. A rejected append loses only its own samples. See
// docs/adr/0008.
type guard struct {
	storage.Storage
	disk    Disk
	closed  atomic.Bool
	refused prometheus.Counter
}

var _ storage.Storage = (*guard)(nil)

func newGuard(next storage.Storage, disk Disk, reg prometheus.Registerer) *guard {
	g := &guard{Storage: next, disk: disk, refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "ausguck_promserver_appends_refused_total",
		Help: "Batches of samples rejected because the disk of the data folder was full.",
	})}
	reg.MustRegister(g.refused)
	return g
}

// close makes all later appends fail.
func (g *guard) close() { g.closed.Store(true) }

func (g *guard) check() error {
	if g.closed.Load() {
		return errors.New("samples are no longer stored: Prometheus is stopping")
	}
	if err := g.disk.Full(); err != nil {
		g.refused.Inc()
		return err
	}
	return nil
}

// Appender implements storage.Storage.
func (g *guard) Appender(ctx context.Context) storage.Appender {
	if err := g.check(); err != nil {
		return refusal{err}
	}
	return g.Storage.Appender(ctx)
}

// AppenderV2 implements storage.Storage.
func (g *guard) AppenderV2(ctx context.Context) storage.AppenderV2 {
	if err := g.check(); err != nil {
		return refusalV2{refusal{err}}
	}
	return g.Storage.AppenderV2(ctx)
}

// refusal is an appender that rejects everything with its reason.
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

// Commit succeeds: nothing was appended, and each append has returned the error.
func (refusal) Commit() error { return nil }

func (refusal) Rollback() error { return nil }

type refusalV2 struct{ refusal }

func (r refusalV2) Append(storage.SeriesRef, labels.Labels, int64, int64, float64, *histogram.Histogram, *histogram.FloatHistogram, storage.AppendV2Options) (storage.SeriesRef, error) {
	return 0, r.err
}
