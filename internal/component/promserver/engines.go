package promserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/notifier"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/tracing"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/logging"
	"github.com/prometheus/prometheus/util/notifications"
	"github.com/prometheus/prometheus/web"

	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/permission"
	"github.com/ausguck/ausguck/internal/upstreamlog"

	// The built-in service discoveries; those of the cloud vendors would add their SDKs.
	_ "github.com/prometheus/prometheus/discovery/consul"
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	_ "github.com/prometheus/prometheus/discovery/kubernetes"
	_ "github.com/prometheus/prometheus/discovery/moby"
)

// engines are the parts of one run of Prometheus.
type engines struct {
	set     *settings
	logger  *slog.Logger
	initial *Config
	parser  boundedParser

	storage       *lateStorage
	remote        *remote.Storage
	remoteMetrics *prometheus.Registry // those of remote
	guard         *guard
	fanout        storage.Storage // local and remote, behind the guard
	query         *promql.Engine
	scrape        *scrape.Manager
	notify        *notifier.Manager
	rules         *rules.Manager
	tracing       *tracing.Manager

	scrapeSD, notifySD         *discovery.Manager
	stopScrapeSD, stopNotifySD context.CancelFunc
	scrapeDialer               *scrapeDialer
	cancelEvaluations          context.CancelFunc

	ruleFiles        *ruleLoader
	subqueryInterval atomic.Int64 // milliseconds
	ruleQueryOffset  atomic.Int64 // nanoseconds
	notifications    *notifications.Notifications
	reloadSuccessful prometheus.Gauge
	reloadTime       prometheus.Gauge

	listener *inproc.Listener // in-process, in front of web
	proxy    http.Handler
	web      *web.Handler
	webBuilt chan struct{} // closed when web can be used
	serving  atomic.Bool
	ready    atomic.Bool
}

func newEngines(set *settings, cfg *Config, changes *Changes) (_ *engines, err error) {
	reg, listener := set.Registry, inproc.NewListener("prometheus")
	e := &engines{
		listener: listener, proxy: inproc.NewProxy(listener),
		set: set, logger: set.Logger, initial: cfg,
		parser:        newParser(set.features.parserOptions()),
		storage:       &lateStorage{stats: tsdb.NewDBStats(), changes: changes},
		notifications: notifications.NewNotifications(set.Web.MaxNotificationSubscribers, reg),
		tracing:       tracing.NewManager(set.Logger.With("component", "tracing")),
		remoteMetrics: prometheus.NewRegistry(),
		webBuilt:      make(chan struct{}),
	}
	defer func() {
		if err != nil {
			e.release()
		}
	}()
	e.notifications.AddNotification(notifications.StartingUp)
	e.ruleFiles = &ruleLoader{parser: e.parser}
	e.registerReloadMetrics(reg)
	reg.MustRegister(buildInfoMetric())
	e.declareFeatures()

	scraper := &lateScrape{}
	e.remote = remote.NewStorage(e.component("remote"), gathered{reg, e.remoteMetrics}, e.storage.StartTime, set.Dir,
		e.flushHalf(), scraper, set.features["type-and-unit-labels"])
	e.guard = newGuard(storage.NewFanout(e.logger, e.storage, e.remote), set.Disk, reg)
	e.fanout = e.guard
	if err := e.newScrape(reg); err != nil {
		return nil, err
	}
	scraper.manager = e.scrape

	tracker, err := promql.NewActiveQueryTracker(set.Dir, set.Query.MaxConcurrency, e.component("active query tracker"))
	if err != nil {
		return nil, permission.Explain(set.Dir, fmt.Errorf("open the log of active queries: %w", err))
	}
	e.query = promql.NewEngine(e.queryOptions(tracker))
	e.notify = notifier.NewManager(&notifier.Options{
		QueueCapacity:   set.Notifier.QueueCapacity,
		MaxBatchSize:    set.Notifier.MaxBatchSize,
		DrainOnShutdown: set.Notifier.DrainOnShutdown,
		Do:              sendAlerts(set.BuiltInAlertmanagers, set.Dial),
		Registerer:      reg,
	}, cfg.GlobalConfig.MetricNameValidationScheme, e.component("notifier"))
	e.rules = rules.NewManager(e.ruleOptions(reg))
	return e, nil
}

// release frees what was created before a later step failed.
func (e *engines) release() {
	for _, stop := range []context.CancelFunc{e.stopScrapeSD, e.stopNotifySD, e.cancelEvaluations} {
		if stop != nil {
			stop()
		}
	}
}

func (e *engines) component(name string) *slog.Logger {
	return upstreamlog.New(e.logger, upstreamlog.Rules{Attr: hidePassword}).With("component", name)
}

// declareFeatures adds the features that main of stock Prometheus adds to /api/v1/features.
func (e *engines) declareFeatures() {
	features.Enable(features.Prometheus, "server_mode")
	features.Set(features.Prometheus, "agent_mode", false)
	features.Set(features.Prometheus, "auto_reload_config", e.set.AutoReload)
	features.Enable(features.Prometheus, labels.ImplementationName)
	template.RegisterFeatures(features.DefaultRegistry)
	if e.set.features["metadata-wal-records"] {
		features.Enable(features.TSDB, "metadata_wal_records")
	}
	if e.set.features["st-synthesis"] {
		features.Enable(features.Scrape, "st-synthesis")
	}
}

// calm returns a logger for components that repeat a message as long as its cause lasts.
func (e *engines) calm(name string) *slog.Logger {
	return upstreamlog.New(e.logger, upstreamlog.Rules{Attr: hidePassword, Repeat: repeatEvery}).With("component", name)
}

// newScrape creates the scrape manager and both discovery managers. They share one set of
// discovery metrics, because upstream can register them only once.
func (e *engines) newScrape(reg prometheus.Registerer) error {
	if err := discovery.RegisterK8sClientMetricsWithPrometheus(reg); err != nil {
		return fmt.Errorf("register Kubernetes client metrics: %w", err)
	}
	sdMetrics, err := discovery.CreateAndRegisterSDMetrics(reg)
	if err != nil {
		return fmt.Errorf("register service discovery metrics: %w", err)
	}
	e.scrapeDialer = newScrapeDialer(e.set.Dial)
	newSD := func(name string) (*discovery.Manager, context.CancelFunc, error) {
		ctx, cancel := context.WithCancel(context.Background())
		logger := e.calm("discovery manager " + name)
		m := discovery.NewManager(ctx, logger, reg, sdMetrics, discovery.Name(name), discovery.FeatureRegistry(features.DefaultRegistry),
			discovery.HTTPClientOptions(commonconfig.WithDialContextFunc(e.scrapeDialer.DialContext)))
		if m == nil {
			cancel()
			return nil, nil, fmt.Errorf("create the %s discovery manager", name)
		}
		return m, cancel, nil
	}
	var notifyErr error
	e.scrapeSD, e.stopScrapeSD, err = newSD("scrape")
	e.notifySD, e.stopNotifySD, notifyErr = newSD("notify")
	if err := errors.Join(err, notifyErr); err != nil {
		return err
	}
	f := e.set.features
	o := &scrape.Options{
		DiscoveryReloadInterval:           e.set.DiscoveryReloadInterval,
		DiscoveryReloadOnStartup:          true,
		FeatureRegistry:                   features.DefaultRegistry,
		AppendMetadata:                    f["metadata-wal-records"],
		EnableTypeAndUnitLabels:           f["type-and-unit-labels"],
		EnableStartTimestampZeroIngestion: f["created-timestamp-zero-ingestion"],
		ParseST:                           f["created-timestamp-zero-ingestion"] || f["st-storage"],
		SynthesizeST:                      f["st-synthesis"],
	}
	o.HTTPClientOptions = []commonconfig.HTTPClientOption{commonconfig.WithDialContextFunc(e.scrapeDialer.DialContext)}
	e.scrape, err = scrape.NewManager(o, upstreamlog.New(e.calm("scrape manager"), upstreamlog.Rules{Record: raiseRejections, Raises: true}), logging.NewJSONFileLogger, nil, e.fanout, reg)
	if err != nil {
		return fmt.Errorf("create the scrape manager: %w", err)
	}
	return nil
}

func (e *engines) queryOptions(tracker promql.QueryTracker) promql.EngineOpts {
	set := e.set
	return promql.EngineOpts{
		Logger:                   e.component("query engine"),
		Reg:                      set.Registry,
		MaxSamples:               set.Query.MaxSamples,
		Timeout:                  time.Duration(set.Query.Timeout),
		ActiveQueryTracker:       tracker,
		LookbackDelta:            time.Duration(set.Query.LookbackDelta),
		NoStepSubqueryIntervalFn: func(int64) int64 { return e.subqueryInterval.Load() },
		EnableAtModifier:         true, // always enabled in PromQL since 2.33, like the next one
		EnableNegativeOffset:     true,
		EnablePerStepStats:       set.features["promql-per-step-stats"],
		EnableDelayedNameRemoval: set.features["promql-delayed-name-removal"],
		EnableTypeAndUnitLabels:  set.features["type-and-unit-labels"],
		UseStartTimestamps:       set.features["use-start-timestamps"],
		FeatureRegistry:          features.DefaultRegistry,
		Parser:                   e.parser,
	}
}

func (e *engines) ruleOptions(reg prometheus.Registerer) *rules.ManagerOptions {
	set := e.set
	ctx, cancel := context.WithCancel(context.Background())
	e.cancelEvaluations = cancel
	return &rules.ManagerOptions{
		NameValidationScheme:   e.initial.GlobalConfig.MetricNameValidationScheme,
		Appendable:             e.fanout,
		Queryable:              e.storage,
		QueryFunc:              rules.EngineQueryFunc(e.query, e.fanout),
		NotifyFunc:             notifyWithLinks(e.notify, set.externalURL.String(), time.Now),
		Context:                ctx,
		ExternalURL:            set.externalURL,
		Registerer:             reg,
		Logger:                 e.component("rule manager"),
		OutageTolerance:        time.Duration(set.Rules.OutageTolerance),
		ForGracePeriod:         time.Duration(set.Rules.ForGracePeriod),
		ResendDelay:            time.Duration(set.Rules.ResendDelay),
		MaxConcurrentEvals:     set.Rules.MaxConcurrentEvals,
		ConcurrentEvalsEnabled: set.features["concurrent-rule-eval"],
		GroupLoader:            e.ruleFiles,
		DefaultRuleQueryOffset: func() time.Duration { return time.Duration(e.ruleQueryOffset.Load()) },
		FeatureRegistry:        features.DefaultRegistry,
		Parser:                 e.parser,
	}
}

// lateScrape gives remote storage, which is created first, access to the scrape manager, which
// appends to it.
type lateScrape struct{ manager *scrape.Manager }

func (l *lateScrape) Get() (*scrape.Manager, error) { return l.manager, nil }
