// Package promserver is Prometheus as a part: TSDB, scraping, service discovery, rules, alert notifications, remote
// storage and the whole HTTP API, wired from its packages.
//
// It wraps github.com/prometheus/prometheus and imports no sibling part; internal/app wires it. The startup order
// follows cmd/prometheus/main.go of the same version, so that flags, files and data folders have the same meaning in
// both.
package promserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/setaside"
)

// Options configures a Server. The fields that flags set are documented by RegisterFlags.
type Options struct {
	Logger *slog.Logger
	// Registry receives the prometheus_* metrics.
	Registry prometheus.Registerer
	// Gatherer serves the endpoints that show metrics: Registry, and what upstream registers globally.
	Gatherer prometheus.Gatherer
	// Dial opens the connections of scrapes; nil means the network.
	Dial inproc.DialContextFunc
	// BuiltInAlertmanagers are the addresses, "host:port", that Dial connects to the Alertmanager in this process;
	// alerts for them do not cross the network.
	BuiltInAlertmanagers []string
	// Disk is checked before samples are stored.
	Disk Disk
	// SetAside takes unreadable files of Dir; nil moves them without reporting it.
	SetAside *setaside.Shelf
	// ListenAddress is the main address, "host:port"; ExternalURL defaults to it.
	ListenAddress string
	// TakesOTLP enables the receiver of OTLP metrics regardless of --web.enable-otlp-receiver, which enables it at its
	// own path.
	TakesOTLP bool
	// AutoReload is shown at /api/v1/features.
	AutoReload bool
	// Flags are shown at /api/v1/status/flags.
	Flags map[string]string

	// Dir holds the TSDB; a stock Prometheus can open it.
	Dir string

	ExternalURL string
	Web         WebOptions
	Storage     StorageOptions
	Query       QueryOptions
	Rules       RuleOptions
	Notifier    NotifierOptions

	RemoteFlushDeadline     model.Duration
	DiscoveryReloadInterval model.Duration
	// Features are the arguments of --enable-feature, each possibly a comma-separated list.
	Features []string
}

func (o *Options) takesOTLP() bool { return o.TakesOTLP || o.Web.EnableOTLPReceiver }

// WebOptions are the stock --web.* flags.
type WebOptions struct {
	EnableLifecycle            bool
	EnableAdminAPI             bool
	EnableRemoteWriteReceiver  bool
	EnableOTLPReceiver         bool
	AcceptRemoteWriteProtoMsgs []string
	ConsoleTemplates           string
	ConsoleLibraries           string
	UserAssets                 string
	PageTitle                  string
	CORSOrigin                 string
	MaxNotificationSubscribers int
	MaxSearchLimit             int
}

// StorageOptions are the stock --storage.* flags; durations and sizes use upstream's units.
type StorageOptions struct {
	RetentionTime model.Duration
	// RetentionSize limits the size of the blocks on disk; 0 derives a limit from the free disk space.
	RetentionSize                units.Base2Bytes
	NoLockfile                   bool
	MinBlockDuration             model.Duration
	MaxBlockDuration             model.Duration
	MaxBlockChunkSegmentSize     units.Base2Bytes
	WALSegmentSize               units.Base2Bytes
	WALCompression               bool
	WALCompressionType           string
	HeadChunksWriteQueueSize     int
	SamplesPerChunk              int
	AllowOverlappingCompaction   bool
	DelayedCompactionMaxPercent  int
	BlockReloadInterval          model.Duration
	DelayCompactFile             string
	RemoteReadSampleLimit        int
	RemoteReadConcurrencyLimit   int
	RemoteReadBytesInFrame       int
	StripeSize                   int
	HeadChunksWriteBufferSize    int
	DefaultMaxExemplars          int64
	DefaultScrapeSampleLimit     uint
	DefaultScrapeBodySizeLimit   units.Base2Bytes
	DefaultScrapeLabelLimit      uint
	DefaultScrapeLabelNameLimit  uint
	DefaultScrapeLabelValueLimit uint
}

// QueryOptions are the stock --query.* flags.
type QueryOptions struct {
	LookbackDelta  model.Duration
	Timeout        model.Duration
	MaxConcurrency int
	// MaxSamples limits the samples that one query holds in memory; 0 derives it from GOMEMLIMIT.
	MaxSamples int
}

// RuleOptions are the stock --rules.* flags.
type RuleOptions struct {
	OutageTolerance    model.Duration
	ForGracePeriod     model.Duration
	ResendDelay        model.Duration
	MaxConcurrentEvals int64
}

// NotifierOptions are the stock --alertmanager.* flags.
type NotifierOptions struct {
	QueueCapacity   int
	MaxBatchSize    int
	DrainOnShutdown bool
}

// Values that are smaller than upstream's, for the machine of a single team; see docs/adr/0005.
const (
	defaultStripeSize                = 2048
	defaultHeadChunksWriteBufferSize = 256 << 10
	defaultMaxExemplars              = 10_000
	defaultGOGC                      = 40
	defaultRetentionTime             = model.Duration(15 * 24 * time.Hour)
	maxRetentionTime                 = model.Duration(100 * 365 * 24 * time.Hour)
	defaultMaxBlockDuration          = model.Duration(31 * 24 * time.Hour)
)

// settings are the options in the form that the engines need.
type settings struct {
	Options
	features       featureSet
	externalURL    *url.URL
	corsOrigin     *regexp.Regexp
	protoMsgs      remote.MessageTypes
	walCompression compression.Type
}

func (o Options) settings() (*settings, error) {
	var errs []error
	fail := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	s := &settings{Options: o}
	var err error
	s.features, err = parseFeatures(o.Features, o.Logger)
	fail(err)
	s.externalURL, err = ParseExternalURL(o.ExternalURL, o.ListenAddress)
	fail(err)
	s.corsOrigin, err = regexp.Compile("^(?s:" + o.Web.CORSOrigin + ")$")
	if err != nil {
		fail(fmt.Errorf("--web.cors.origin %q: %w", o.Web.CORSOrigin, err))
	}
	for _, name := range o.Web.AcceptRemoteWriteProtoMsgs {
		msg := remote.WriteMessageType(name)
		if err := msg.Validate(); err != nil {
			fail(fmt.Errorf("--web.remote-write-receiver.accepted-protobuf-messages: %w", err))
		}
		s.protoMsgs = append(s.protoMsgs, msg)
	}
	s.walCompression = compression.None
	if o.Storage.WALCompression {
		s.walCompression = compression.Type(o.Storage.WALCompressionType)
	}
	if size := o.Storage.WALSegmentSize; size != 0 && (size < 10<<20 || size > 256<<20) {
		fail(fmt.Errorf("--storage.tsdb.wal-segment-size %v must be between 10MB and 256MB", size))
	}
	if size := o.Storage.MaxBlockChunkSegmentSize; size != 0 && size < 1<<20 {
		fail(fmt.Errorf("--storage.tsdb.max-block-chunk-segment-size %v must be over 1MB", size))
	}
	if o.Web.MaxSearchLimit < 0 {
		fail(fmt.Errorf("--web.search.max-limit %d must not be negative; 0 lifts the limit", o.Web.MaxSearchLimit))
	}
	s.normaliseDurations()
	fill(&s.Query.MaxSamples, nil, querySamples(debug.SetMemoryLimit(-1)))
	return s, errors.Join(errs...)
}

// querySamples returns how many samples a query may hold if the process may use memoryLimit bytes. A sample takes 16
// bytes, so that one query stays below a quarter of the limit.
func querySamples(memoryLimit int64) int {
	const stock, least = 50_000_000, 1_000_000
	return int(min(max(memoryLimit/64, least), stock))
}

func (s *settings) normaliseDurations() {
	st := &s.Storage
	if st.RetentionTime == 0 && st.RetentionSize == 0 {
		st.RetentionTime = defaultRetentionTime
	}
	if st.RetentionTime < 0 || st.RetentionTime > maxRetentionTime {
		st.RetentionTime = maxRetentionTime
	}
	if st.MaxBlockDuration == 0 {
		st.MaxBlockDuration = defaultMaxBlockDuration
		if st.RetentionTime != 0 && st.RetentionTime/10 < st.MaxBlockDuration {
			st.MaxBlockDuration = st.RetentionTime / 10
		}
	}
	st.BlockReloadInterval = max(st.BlockReloadInterval, model.Duration(time.Second))
}

// ParseExternalURL returns the URL under which the server is reachable: raw, or, if that is empty, the listen address
// on loopback. The path has no trailing slash.
func ParseExternalURL(raw, listenAddress string) (*url.URL, error) {
	if raw == "" {
		raw = "http://" + listenAddress + "/"
	}
	if strings.Trim(raw, `"'`) != raw {
		return nil, fmt.Errorf("--web.external-url %s must not begin or end with quotes", raw)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("--web.external-url: %w", err)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("--web.external-url %q has no host; write it like https://monitoring.example.org/ausguck", raw)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}
