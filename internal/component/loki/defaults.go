package loki

import (
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/grafana/loki/v3/pkg/loki"
	"github.com/grafana/loki/v3/pkg/storage/config"
	"github.com/grafana/loki/v3/pkg/util/flagext"
	"github.com/prometheus/common/model"
)

// ourDefaults are where Loki's own do not suit one process on one machine. The file wins over all of them.
func ourDefaults(w *loki.ConfigWrapper, o Options, doc document) {
	w.AuthEnabled = false
	w.Analytics.Enabled = false
	w.Common.PathPrefix = o.Dir
	if !doc.has("common.storage") && !doc.has("storage_config") {
		w.Common.Storage.FSConfig.ChunksDirectory = filepath.Join(o.Dir, "chunks")
		w.Common.Storage.FSConfig.RulesDirectory = filepath.Join(o.Dir, "rules")
	}
	if !doc.has("schema_config.configs") {
		w.SchemaConfig.Configs = defaultSchema()
	}
	if !doc.clustered() {
		w.Common.InstanceAddr = "127.0.0.1"
		w.Common.ReplicationFactor = 1
		w.Common.Ring.KVStore.Store = "inmemory"
		w.Common.Ring.InstanceAddr = "127.0.0.1"
		// The only ingester is in this process: one that does not answer a check within a second waits for the CPU, and without
		// it a push has nowhere to go.
		w.IngesterClient.PoolConfig.HealthCheckIngesters = false
		w.Pattern.ClientConfig.PoolConfig.HealthCheckIngesters = false
	}
	ingestion(w)
	queries(w)
	w.CompactorConfig.RetentionDeleteDelay = 5 * time.Minute // one process reads the index: it need not propagate
	w.CompactorConfig.DeleteRequestCancelPeriod = time.Hour
	w.CompactorConfig.DeletionIgnoreMissingChunks = true
	w.LimitsConfig.RetentionPeriod = o.RetentionTime
	w.Ruler.EnableAPI = true
	w.Ruler.AlertmanagerURL = "http://alertmanager:9093"
	_ = w.Ruler.ExternalURL.Set(o.ExternalURL) // checked where the flag is read
	w.Ruler.WAL.Dir = filepath.Join(o.Dir, "ruler-wal")
	w.Pattern.Enabled = true
}

// maxPush is what a push may hold once it is unpacked. Loki's own 5 GB would let a few bytes of gzip take the memory
// of everything in this process.
const maxPush = 32 << 20

// ingestion sizes the write path for one machine (ADR 0014) and takes the waits out of the start.
func ingestion(w *loki.ConfigWrapper) {
	w.Ingester.LifecyclerConfig.MinReadyDuration = 0
	w.Ingester.LifecyclerConfig.FinalSleep = 0
	w.Ingester.LifecyclerConfig.JoinAfter = 0
	w.Ingester.ConcurrentFlushes = 2
	w.Ingester.FlushCheckPeriod = 5 * time.Second
	w.Ingester.TargetChunkSize = 1 << 20
	w.Ingester.ChunkEncoding = "snappy"
	w.Ingester.WAL.DiskFullThreshold = 0 // Options.Disk knows better than a share of the disk
	w.Ingester.WAL.ReplayMemoryCeiling = flagext.ByteSize(clamp(memoryLimit()/4, 64<<20, 4<<30))
	w.Distributor.MaxDecompressedSize = maxPush
	w.Distributor.PushWorkerCount = 16 // of 256 that take turns, each keeps a stack as deep as the way to the chunk
	w.Pattern.LifecyclerConfig.MinReadyDuration = 0
	w.Pattern.LifecyclerConfig.FinalSleep = 0
	w.Pattern.LifecyclerConfig.JoinAfter = 0
	w.Pattern.ConcurrentFlushes = 2
	w.Pattern.TeeConfig.FlushWorkerCount = 2

	l := &w.LimitsConfig
	l.IngestionRateMB, l.IngestionBurstSizeMB = 64, 128
	_ = l.PerStreamRateLimit.Set("32MB")
	_ = l.PerStreamRateLimitBurst.Set("64MB")
	l.ShardStreams.Enabled = false // one ingester: shards would only be more streams
	l.AllowStructuredMetadata = true
	l.DiscoverLogLevels = true
}

// queries bounds what queries hold in memory at once, because alerts are evaluated in the same process.
func queries(w *loki.ConfigWrapper) {
	workers := max(2, runtime.GOMAXPROCS(0))
	w.Querier.MaxConcurrent = workers
	// Lines may be a week old when they come, and are in no chunk on the disk yet: the ingester, which is in this
	// process, is asked whatever the time of a query is.
	w.Querier.QueryIngestersWithin = 0
	w.LimitsConfig.MaxQueryParallelism = workers
	w.LimitsConfig.TSDBMaxQueryParallelism = 4 * workers
	_ = w.LimitsConfig.TSDBMaxBytesPerShard.Set("128MB")
	w.LimitsConfig.MaxQuerySeries = 5000
	w.LimitsConfig.QueryTimeout = model.Duration(2 * time.Minute)
	w.LimitsConfig.VolumeEnabled = true
	w.StorageConfig.MaxChunkBatchSize = 10
	w.ChunkStoreConfig.ChunkCacheConfig.EmbeddedCache.Enabled = true
	w.ChunkStoreConfig.ChunkCacheConfig.EmbeddedCache.MaxSizeMB = 8
	w.QueryRange.CacheResults = true
	w.QueryRange.ResultsCacheConfig.CacheConfig.EmbeddedCache.Enabled = true
	w.QueryRange.ResultsCacheConfig.CacheConfig.EmbeddedCache.MaxSizeMB = 8
}

// defaultSchema is for files that have none.
func defaultSchema() []config.PeriodConfig {
	day, _ := time.Parse(time.DateOnly, "2024-04-01")
	return []config.PeriodConfig{{
		From:       config.DayTime{Time: model.TimeFromUnix(day.Unix())},
		IndexType:  "tsdb",
		ObjectType: "filesystem",
		Schema:     "v13",
		IndexTables: config.IndexPeriodicTableConfig{
			PathPrefix:          "index/",
			PeriodicTableConfig: config.PeriodicTableConfig{Prefix: "index_", Period: 24 * time.Hour},
		},
	}}
}

func memoryLimit() uint64 { return uint64(debug.SetMemoryLimit(-1)) }

func clamp(v, least, most uint64) uint64 { return min(max(v, least), most) }
