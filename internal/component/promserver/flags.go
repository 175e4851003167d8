package promserver

import (
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/util/compression"
)

// RegisterFlags adds the stock flags to a. Names and meanings are those of Prometheus; if a default
// differs, its help says so. cmd/ausguck accepts the flags that this server has no use for.
func (o *Options) RegisterFlags(a *kingpin.Application) {
	o.setSizes()
	o.registerWeb(a)
	o.registerStorage(a)
	o.registerEvaluation(a)
}

// setSizes sets what has no flag: sizes for the machine of a single team, and the limits of a scrape
// that prometheus.yml itself does not limit.
func (o *Options) setSizes() {
	o.Storage.StripeSize = defaultStripeSize
	o.Storage.HeadChunksWriteBufferSize = defaultHeadChunksWriteBufferSize
	o.Storage.DefaultMaxExemplars = defaultMaxExemplars
	o.Storage.DefaultScrapeSampleLimit = 100_000
	o.Storage.DefaultScrapeBodySizeLimit = maxScrapeBody
	o.Storage.DefaultScrapeLabelLimit = 256
	o.Storage.DefaultScrapeLabelNameLimit = 512
	o.Storage.DefaultScrapeLabelValueLimit = 1 << 20
}

func (o *Options) registerWeb(a *kingpin.Application) {
	w := &o.Web
	a.Flag("web.external-url", "URL under which Ausguck is reachable, for links and behind a reverse proxy.").
		PlaceHolder("<URL>").Envar("AUSGUCK_EXTERNAL_URL").StringVar(&o.ExternalURL)
	a.Flag("web.enable-lifecycle", "Enable reload and shutdown by HTTP (POST /-/reload, /-/quit).").BoolVar(&w.EnableLifecycle)
	a.Flag("web.enable-admin-api", "Enable the API endpoints that delete and snapshot data.").BoolVar(&w.EnableAdminAPI)
	a.Flag("web.enable-remote-write-receiver", "Accept remote write at /api/v1/write.").BoolVar(&w.EnableRemoteWriteReceiver)
	a.Flag("web.remote-write-receiver.accepted-protobuf-messages", "The remote write messages to accept.").
		Default(string(remote.WriteV1MessageType), string(remote.WriteV2MessageType)).StringsVar(&w.AcceptRemoteWriteProtoMsgs)
	a.Flag("web.enable-otlp-receiver", "Accept OTLP metrics at /api/v1/otlp/v1/metrics.").BoolVar(&w.EnableOTLPReceiver)
	a.Flag("web.console.templates", "Folder of console templates, served at /consoles.").Default("consoles").StringVar(&w.ConsoleTemplates)
	a.Flag("web.console.libraries", "Folder of console libraries.").Default("console_libraries").StringVar(&w.ConsoleLibraries)
	a.Flag("web.user-assets", "Folder of static files, served at /user.").PlaceHolder("<path>").StringVar(&w.UserAssets)
	a.Flag("web.page-title", "Title of the page.").Default("Ausguck").StringVar(&w.PageTitle)
	a.Flag("web.cors.origin", `Regex for the CORS origin, fully anchored. Stock Prometheus allows any; here none unless given, e.g. 'https?://(domain1|domain2)\.com'.`).
		StringVar(&w.CORSOrigin)
	a.Flag("web.max-notifications-subscribers", "Limit of concurrent subscribers to live notifications.").
		Default("16").IntVar(&w.MaxNotificationSubscribers)
	a.Flag("web.search.max-limit", "Maximum limit parameter of the experimental search API; 0 for no maximum.").
		Default("10000").IntVar(&w.MaxSearchLimit)
}

func (o *Options) registerStorage(a *kingpin.Application) {
	s := &o.Storage
	a.Flag("storage.tsdb.path", "Folder for metrics. Default: prometheus in --storage.path.").PlaceHolder("<path>").StringVar(&o.Dir)
	a.Flag("storage.tsdb.retention.time", "How long to keep samples. Units: y, w, d, h, m, s, ms. Default: 15d. storage.tsdb.retention.time in prometheus.yml takes precedence.").
		SetValue(&s.RetentionTime)
	a.Flag("storage.tsdb.retention.size", "Maximum size of all blocks, e.g. 512MB. Default: leaves a fifth of the free disk space unused. storage.tsdb.retention.size in prometheus.yml takes precedence.").
		BytesVar(&s.RetentionSize)
	a.Flag("storage.tsdb.no-lockfile", "Create no lock file in the data folder.").BoolVar(&s.NoLockfile)
	a.Flag("storage.tsdb.head-chunks-write-queue-size", "Size of the queue for writing head chunks; 0 disables it. Experimental.").
		Default("0").IntVar(&s.HeadChunksWriteQueueSize)
	a.Flag("storage.tsdb.min-block-duration", "Shortest block. For tests.").Hidden().Default("2h").SetValue(&s.MinBlockDuration)
	a.Flag("storage.tsdb.max-block-duration", "Longest block. Default: a tenth of the retention.").Hidden().SetValue(&s.MaxBlockDuration)
	a.Flag("storage.tsdb.max-block-chunk-segment-size", "Largest chunk segment file.").Hidden().BytesVar(&s.MaxBlockChunkSegmentSize)
	a.Flag("storage.tsdb.wal-segment-size", "Size at which WAL segments are split.").Hidden().BytesVar(&s.WALSegmentSize)
	a.Flag("storage.tsdb.wal-compression", "Compress the WAL.").Hidden().Default("true").BoolVar(&s.WALCompression)
	a.Flag("storage.tsdb.wal-compression-type", "Compression of the WAL.").Hidden().Default(compression.Snappy).
		EnumVar(&s.WALCompressionType, compression.Snappy, compression.Zstd)
	a.Flag("storage.tsdb.samples-per-chunk", "Target number of samples per chunk.").Hidden().Default("120").IntVar(&s.SamplesPerChunk)
	a.Flag("storage.tsdb.allow-overlapping-compaction", "Compact overlapping blocks.").Hidden().Default("true").BoolVar(&s.AllowOverlappingCompaction)
	a.Flag("storage.tsdb.delayed-compaction.max-percent", "Longest random delay of a compaction, in percent.").Hidden().
		Default("10").IntVar(&s.DelayedCompactionMaxPercent)
	a.Flag("storage.tsdb.block-reload-interval", "How often to look for new or removed blocks.").Hidden().
		Default("1m").SetValue(&s.BlockReloadInterval)
	a.Flag("storage.tsdb.delay-compact-file.path", "JSON file listing uploaded blocks, as written by the Thanos sidecar; blocks not in it are not compacted.").
		PlaceHolder("<path>").StringVar(&s.DelayCompactFile)
	a.Flag("storage.remote.flush-deadline", "How long a shutdown waits for remote write to send what is stored (Prometheus: 1m).").
		Default("3s").SetValue(&o.RemoteFlushDeadline)
	a.Flag("storage.remote.read-sample-limit", "Maximum number of samples per remote read; 0 for no limit.").Default("5e7").IntVar(&s.RemoteReadSampleLimit)
	a.Flag("storage.remote.read-concurrent-limit", "Maximum number of concurrent remote reads; 0 for no limit.").Default("10").IntVar(&s.RemoteReadConcurrencyLimit)
	a.Flag("storage.remote.read-max-bytes-in-frame", "Maximum size of a frame of a streamed remote read, in bytes.").Default("1048576").IntVar(&s.RemoteReadBytesInFrame)
}

func (o *Options) registerEvaluation(a *kingpin.Application) {
	q, r, n := &o.Query, &o.Rules, &o.Notifier
	a.Flag("query.lookback-delta", "How far a query looks back for a sample.").Default("5m").SetValue(&q.LookbackDelta)
	a.Flag("query.timeout", "Maximum duration of a query.").Default("2m").SetValue(&q.Timeout)
	a.Flag("query.max-concurrency", "Maximum number of concurrent queries.").Default("20").IntVar(&q.MaxConcurrency)
	a.Flag("query.max-samples", "Maximum number of samples a query can load into memory. Default: 50000000 as in Prometheus, fewer if GOMEMLIMIT is below 3 GiB.").
		IntVar(&q.MaxSamples)
	a.Flag("rules.alert.for-outage-tolerance", "Maximum outage after which the \"for\" state of alerts is restored.").
		Default("1h").SetValue(&r.OutageTolerance)
	a.Flag("rules.alert.for-grace-period", "Minimum duration between an alert and its restored \"for\" state.").Default("10m").SetValue(&r.ForGracePeriod)
	a.Flag("rules.alert.resend-delay", "Minimum time before an alert is resent.").Default("1m").SetValue(&r.ResendDelay)
	a.Flag("rules.max-concurrent-evals", "Maximum number of concurrent rule evaluations, with --enable-feature=concurrent-rule-eval.").
		Default("4").Int64Var(&r.MaxConcurrentEvals)
	a.Flag("alertmanager.notification-queue-capacity", "Capacity of the queue to Alertmanager.").Default("10000").IntVar(&n.QueueCapacity)
	a.Flag("alertmanager.notification-batch-size", "Maximum number of notifications per request to Alertmanager.").
		Default(strconv.Itoa(notifier.DefaultMaxBatchSize)).IntVar(&n.MaxBatchSize)
	a.Flag("alertmanager.drain-notification-queue-on-shutdown", "Send queued notifications on shutdown.").
		Default("true").BoolVar(&n.DrainOnShutdown)
	a.Flag("scrape.discovery-reload-interval", "How often changed targets are taken over (stock: 5s).").Hidden().
		Default("1s").SetValue(&o.DiscoveryReloadInterval)
	a.Flag("scrape.adjust-timestamps", "Align scrape timestamps with their schedule.").Hidden().Default("true").BoolVar(&scrape.AlignScrapeTimestamps)
	a.Flag("scrape.timestamp-tolerance", "How far a scrape timestamp may be moved for that.").Hidden().Default("2ms").DurationVar(&scrape.ScrapeTimestampTolerance)
	a.Flag("enable-feature", "Comma-separated feature names, as of Prometheus: "+strings.Join(knownFeatures, ", ")+".").StringsVar(&o.Features)
}
