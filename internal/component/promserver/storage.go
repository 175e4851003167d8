package promserver

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/web"
)

// lateStorage is the TSDB for users of a storage that are created before its WAL is replayed.
// Until open is called it returns tsdb.ErrNotReady, which the API turns into 503.
type lateStorage struct {
	db     atomic.Pointer[tsdb.DB]
	stats  *tsdb.DBStats
	margin time.Duration // added to the start time, because it takes a few minutes until everything runs

	changes *Changes
	zeros   bool        // start times are stored as samples
	remote  atomic.Bool // other storages are read as well
}

var (
	_ web.LocalStorage          = (*lateStorage)(nil)
	_ storage.ExemplarQueryable = (*lateStorage)(nil)
)

func (s *settings) tsdbOptions(cfg *config.Config) *tsdb.Options {
	o := tsdb.DefaultOptions()
	st := &s.Storage
	if st.WALSegmentSize != 0 {
		o.WALSegmentSize = int(st.WALSegmentSize)
	}
	if st.MaxBlockChunkSegmentSize != 0 {
		o.MaxBlockChunkSegmentSize = int64(st.MaxBlockChunkSegmentSize)
	}
	o.NoLockfile = st.NoLockfile
	o.WALCompression = s.walCompression
	o.HeadChunksWriteQueueSize = st.HeadChunksWriteQueueSize
	o.HeadChunksWriteBufferSize = st.HeadChunksWriteBufferSize
	o.SamplesPerChunk = st.SamplesPerChunk
	o.StripeSize = st.StripeSize
	o.MinBlockDuration = time.Duration(st.MinBlockDuration).Milliseconds()
	o.MaxBlockDuration = time.Duration(st.MaxBlockDuration).Milliseconds()
	o.EnableOverlappingCompaction = st.AllowOverlappingCompaction
	o.BlockReloadInterval = time.Duration(st.BlockReloadInterval)
	o.EnableDelayedCompaction = s.features["delayed-compaction"]
	o.CompactionDelayMaxPercent = st.DelayedCompactionMaxPercent
	o.EnableMemorySnapshotOnShutdown = s.features["memory-snapshot-on-shutdown"]
	o.UseUncachedIO = s.features["use-uncached-io"]
	o.EnableFastStartup = s.features["fast-startup"]
	o.EnableSTAsZeroSample = s.features["created-timestamp-zero-ingestion"]
	o.EnableSTStorage = s.features["st-storage"]
	if s.features["xor2-encoding"] {
		o.FloatChunkEncoding = chunkenc.EncXOR2
	}
	o.FeatureRegistry = features.DefaultRegistry
	if s.Storage.DelayCompactFile != "" {
		o.BlockCompactionExcludeFunc = newUploads(s.Storage.DelayCompactFile, s.Logger).pending
	}

	// Settings from the configuration file.
	tc := cfg.StorageConfig.TSDBConfig
	o.RetentionDuration = time.Duration(tc.Retention.Time).Milliseconds()
	o.MaxBytes = int64(tc.Retention.Size)
	o.MaxPercentage = tc.Retention.Percentage
	o.OutOfOrderTimeWindow = max(tc.OutOfOrderTimeWindow, 0)
	o.StaleSeriesCompactionThreshold = tc.StaleSeriesCompactionThreshold
	o.EnableExemplarStorage = true
	o.MaxExemplars = cfg.StorageConfig.ExemplarsConfig.MaxExemplars
	return o
}

// open opens the TSDB, which replays its WAL, and puts it into use.
func (s *lateStorage) open(set *settings, cfg *config.Config) error {
	opts := set.tsdbOptions(cfg)
	db, err := tsdb.Open(set.Dir, set.Logger.With("component", "tsdb"), set.Registry, opts, s.stats)
	if err != nil {
		return explainOpen(set.Dir, err)
	}
	s.margin = 2 * time.Duration(opts.MinBlockDuration) * time.Millisecond
	registerTimeBounds(set.Registry, db)
	s.zeros = opts.EnableSTAsZeroSample
	s.changes.watch(func() (ids []ulid.ULID) {
		for _, b := range db.Blocks() {
			ids = append(ids, b.Meta().ULID)
		}
		return ids
	})
	s.db.Store(db)
	return nil
}

func registerTimeBounds(reg prometheus.Registerer, db *tsdb.DB) {
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	reg.MustRegister(
		gauge("prometheus_tsdb_lowest_timestamp_seconds", "Lowest timestamp value stored in the database.", func() float64 {
			return float64(oldest(db) / 1000)
		}),
		gauge("prometheus_tsdb_head_min_time_seconds", "Minimum time bound of the head block.", func() float64 {
			return float64(db.Head().MinTime() / 1000)
		}),
		gauge("prometheus_tsdb_head_max_time_seconds", "Maximum timestamp of the head block.", func() float64 {
			return float64(db.Head().MaxTime() / 1000)
		}),
	)
}

// oldest is the time of the oldest sample in milliseconds, math.MaxInt64 if there is none.
func oldest(db *tsdb.DB) int64 {
	if blocks := db.Blocks(); len(blocks) > 0 {
		return blocks[0].Meta().MinTime
	}
	return db.Head().MinTime()
}

func (s *lateStorage) applyConfig(cfg *config.Config) error {
	db := s.db.Load()
	if db == nil {
		return tsdb.ErrNotReady
	}
	s.remote.Store(len(cfg.RemoteReadConfigs) > 0)
	return db.ApplyConfig(cfg)
}

// StartTime returns the oldest timestamp in milliseconds, for remote storage.
func (s *lateStorage) StartTime() (int64, error) {
	db := s.db.Load()
	if db == nil {
		return math.MaxInt64, tsdb.ErrNotReady
	}
	start := time.Now().UnixMilli()
	if blocks := db.Blocks(); len(blocks) > 0 {
		start = blocks[0].Meta().MinTime
	}
	return start + s.margin.Milliseconds(), nil
}

// Querier implements storage.Storage.
func (s *lateStorage) Querier(mint, maxt int64) (storage.Querier, error) {
	if db := s.db.Load(); db != nil {
		return db.Querier(mint, maxt)
	}
	return nil, tsdb.ErrNotReady
}

// ChunkQuerier implements storage.Storage.
func (s *lateStorage) ChunkQuerier(mint, maxt int64) (storage.ChunkQuerier, error) {
	if db := s.db.Load(); db != nil {
		return db.ChunkQuerier(mint, maxt)
	}
	return nil, tsdb.ErrNotReady
}

// ExemplarQuerier implements storage.ExemplarQueryable.
func (s *lateStorage) ExemplarQuerier(ctx context.Context) (storage.ExemplarQuerier, error) {
	if db := s.db.Load(); db != nil {
		return db.ExemplarQuerier(ctx)
	}
	return nil, tsdb.ErrNotReady
}

// Appender implements storage.Storage.
func (s *lateStorage) Appender(ctx context.Context) storage.Appender {
	if db := s.db.Load(); db != nil {
		return s.changes.Appender(db.Appender(ctx))
	}
	return refusal{tsdb.ErrNotReady}
}

// AppenderV2 implements storage.Storage.
func (s *lateStorage) AppenderV2(ctx context.Context) storage.AppenderV2 {
	if db := s.db.Load(); db != nil {
		return s.changes.AppenderV2(db.AppenderV2(ctx), s.zeros)
	}
	return refusalV2{refusal{tsdb.ErrNotReady}}
}

// Close implements storage.Storage.
func (s *lateStorage) Close() error {
	if db := s.db.Load(); db != nil {
		return db.Close()
	}
	return nil
}

// CleanTombstones implements the admin API.
func (s *lateStorage) CleanTombstones() error {
	if db := s.db.Load(); db != nil {
		return db.CleanTombstones()
	}
	return tsdb.ErrNotReady
}

// Delete implements the admin API.
func (s *lateStorage) Delete(ctx context.Context, mint, maxt int64, ms ...*labels.Matcher) error {
	if db := s.db.Load(); db != nil {
		defer s.changes.everything()
		return db.Delete(ctx, mint, maxt, ms...)
	}
	return tsdb.ErrNotReady
}

// Snapshot implements the admin API.
func (s *lateStorage) Snapshot(dir string, withHead bool) error {
	if db := s.db.Load(); db != nil {
		return db.Snapshot(dir, withHead)
	}
	return tsdb.ErrNotReady
}

// Stats implements the status API.
func (s *lateStorage) Stats(statsByLabelName string, limit int) (*tsdb.Stats, error) {
	if db := s.db.Load(); db != nil {
		return db.Head().Stats(statsByLabelName, limit), nil
	}
	return nil, tsdb.ErrNotReady
}

// BlockMetas implements the status API.
func (s *lateStorage) BlockMetas() ([]tsdb.BlockMeta, error) {
	if db := s.db.Load(); db != nil {
		return db.BlockMetas(), nil
	}
	return nil, tsdb.ErrNotReady
}

// WALReplayStatus implements the status API; it is available while the WAL is being replayed.
func (s *lateStorage) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	return s.stats.Head.WALReplayStatus.GetWALReplayStatus(), nil
}

// replayProgress returns the progress of the WAL replay as text for users.
func (s *lateStorage) replayProgress() string {
	st := s.stats.Head.WALReplayStatus.GetWALReplayStatus()
	if st.Max == 0 {
		return "the storage is being opened"
	}
	return fmt.Sprintf("the WAL is being replayed: segment %d of %d", st.Current, st.Max)
}
