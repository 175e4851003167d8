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

// ourDefaults sets defaults where Loki's own do not suit a single process on a single machine. The file overrides all
// of them.
func ourDefaults(w *loki.ConfigWrapper, o Options, doc document) {
	w.AuthEnabled = false
	w.Analytics.Enabled = false
	w.Common.PathPrefix = o.Dir
	if !doc.has("common.storage") && !doc.has("storage_config") {
		w.Common.Storage.FSConfig.ChunksDirectory = filepath.Join(o.Dir, "chunks")
		w.Common.Storage.FSConfig.RulesDirectory = filepath.Join(o.Dir, "rules")
	}
	if doc.has("storage_config") && !doc.has("common.storage") && !doc.has("ruler.storage") {
		w.Ruler.StoreConfig.Type = "local"
		w.Ruler.StoreConfig.Local.Directory = filepath.Join(o.Dir, "rules")
	}
	if !doc.has("schema_config.configs") {
		w.SchemaConfig.Configs = defaultSchema()
	}
	if !doc.clustered() {
		w.Common.InstanceAddr = "127.0.0.1"
		w.Common.ReplicationFactor = 1
		w.Common.Ring.KVStore.Store = "inmemory"
		w.Common.Ring.InstanceAddr = "127.0.0.1"
		// The only ingester is in this process: if it does not respond to a check within a second, it is waiting for
		// the CPU, and without it pushes cannot be stored.
		w.IngesterClient.PoolConfig.HealthCheckIngesters = false
		w.Pattern.ClientConfig.PoolConfig.HealthCheckIngesters = false
	}
	ingestion(w)
	if doc.clustered() {
		// A member serves as soon as it is in the ring itself. With upstream's default, one that starts while another is dead
		// would wait for that one.
		w.Ingester.LifecyclerConfig.ReadinessCheckRingHealth = false
		w.Pattern.LifecyclerConfig.ReadinessCheckRingHealth = false
		// Members that start at the same moment may each find only themselves in join_members. Upstream never looks again.
		w.MemberlistKV.RejoinInterval = 30 * time.Second
	} else {
		w.CompactorConfig.RetentionDeleteDelay = 5 * time.Minute // only one process reads the index: no propagation needed
	}
	queries(w)
	w.CompactorConfig.DeletionIgnoreMissingChunks = true
	w.LimitsConfig.RetentionPeriod = o.RetentionTime
	w.Ruler.EnableAPI = true
	w.Ruler.AlertmanagerURL = "http://alertmanager:9093"
	_ = w.Ruler.ExternalURL.Set(o.ExternalURL) // validated when the flag is parsed
	w.Ruler.WAL.Dir = filepath.Join(o.Dir, "ruler-wal")
	w.Pattern.Enabled = true
}

// maxPush is the maximum uncompressed size of a push. With Loki's own 5 GB, a few bytes of gzip could use up the memory
// of the whole process.
const maxPush = 32 << 20

// ingestion sizes the write path for a single machine (ADR 0014) and removes the delays at startup.
func ingestion(w *loki.ConfigWrapper) {
	w.Ingester.LifecyclerConfig.MinReadyDuration = 0
	w.Ingester.LifecyclerConfig.FinalSleep = 0
	w.Ingester.LifecyclerConfig.JoinAfter = 0
	w.Ingester.ConcurrentFlushes = 2
	w.Ingester.FlushOpTimeout = time.Minute // chunks that were stored before it stay stored; with 10m, an object store that hangs is noticed late
	w.Ingester.FlushCheckPeriod = 5 * time.Second
	w.Ingester.TargetChunkSize = 1 << 20
	w.Ingester.ChunkEncoding = "snappy"
	w.Ingester.WAL.DiskFullThreshold = 0 // Options.Disk is more accurate than a share of the disk
	w.Ingester.WAL.ReplayMemoryCeiling = flagext.ByteSize(clamp(memoryLimit()/4, 64<<20, 4<<30))
	w.Distributor.MaxDecompressedSize = maxPush
	w.Distributor.PushWorkerCount = 16 // with 256 taking turns, each keeps a stack as deep as the path to the chunk
	w.Pattern.LifecyclerConfig.MinReadyDuration = 0
	w.Pattern.LifecyclerConfig.FinalSleep = 0
	w.Pattern.LifecyclerConfig.JoinAfter = 0
	w.Pattern.ConcurrentFlushes = 2
	w.Pattern.TeeConfig.FlushWorkerCount = 2

	l := &w.LimitsConfig
	l.IngestionRateMB, l.IngestionBurstSizeMB = 64, 128
	_ = l.PerStreamRateLimit.Set("32MB")
	_ = l.PerStreamRateLimitBurst.Set("64MB")
	l.ShardStreams.Enabled = false // single ingester: shards would only be more streams
	l.AllowStructuredMetadata = true
	l.DiscoverLogLevels = true
}

// queries limits the memory used by concurrent queries, because alerts are evaluated in the same process.
func queries(w *loki.ConfigWrapper) {
	workers := max(2, runtime.GOMAXPROCS(0))
	w.Querier.MaxConcurrent = workers
	// Lines may be a week old when they arrive, and are not in a chunk on disk yet: the ingester, which is in this
	// process, is queried whatever the time range of a query.
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

// defaultSchema is for files without a schema.
func defaultSchema() []config.PeriodConfig {
	day, _ := time.Parse(time.DateOnly, "2024-04-01")
	return []config.PeriodConfig{{
		From:       config.DayTime{Time: model.TimeFromUnix(day.Unix())},
		IndexType:  "tsdb",
		ObjectType: filesystem,
		Schema:     "v13",
		IndexTables: config.IndexPeriodicTableConfig{
			PathPrefix:          "index/",
			PeriodicTableConfig: config.PeriodicTableConfig{Prefix: "index_", Period: 24 * time.Hour},
		},
	}}
}

func memoryLimit() uint64 { return uint64(debug.SetMemoryLimit(-1)) }

func clamp(v, least, most uint64) uint64 { return min(max(v, least), most) }
