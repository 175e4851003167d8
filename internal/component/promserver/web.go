package promserver

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/web"

	"github.com/ausguck/ausguck/internal/versions"
)

// webOptions is the only place that fills upstream's web.Options.
func (e *engines) webOptions(ctx context.Context) *web.Options {
	set, f := e.set, e.set.features
	retention := e.initial.StorageConfig.TSDBConfig.Retention
	return &web.Options{
		Context:               ctx,
		TSDBDir:               set.Dir,
		TSDBRetentionDuration: retention.Time,
		TSDBMaxBytes:          retention.Size,
		TSDBMaxPercentage:     retention.Percentage,
		LocalStorage:          e.storage,
		Storage:               e.fanout,
		ExemplarStorage:       e.storage,
		QueryEngine:           e.query,
		Parser:                e.parser.printing(),
		LookbackDelta:         time.Duration(set.Query.LookbackDelta),
		ScrapeManager:         e.scrape,
		RuleManager:           e.rules,
		Notifier:              e.notify,
		NotificationsGetter:   e.notifications.Get,
		NotificationsSub:      e.notifications.Sub,
		Registerer:            set.Registry,
		Gatherer:              set.Gatherer,
		FeatureRegistry:       features.DefaultRegistry,
		Flags:                 set.Flags,
		Version:               buildInfo(),
		AppName:               "Prometheus Server",

		ListenAddresses:      []string{set.ListenAddress},
		ExternalURL:          set.externalURL,
		RoutePrefix:          "/", // internal/app strips the path of the external URL
		CORSOrigin:           set.corsOrigin,
		PageTitle:            set.Web.PageTitle,
		UserAssetsPath:       set.Web.UserAssets,
		ConsoleTemplatesPath: set.Web.ConsoleTemplates,
		ConsoleLibrariesPath: set.Web.ConsoleLibraries,
		EnableLifecycle:      set.Web.EnableLifecycle,
		EnableAdminAPI:       set.Web.EnableAdminAPI,
		EnableSearch:         f["search-api"],
		MaxSearchLimit:       set.Web.MaxSearchLimit,

		RemoteReadSampleLimit:      set.Storage.RemoteReadSampleLimit,
		RemoteReadConcurrencyLimit: set.Storage.RemoteReadConcurrencyLimit,
		RemoteReadBytesInFrame:     set.Storage.RemoteReadBytesInFrame,
		EnableRemoteWriteReceiver:  set.Web.EnableRemoteWriteReceiver,
		AcceptRemoteWriteProtoMsgs: set.protoMsgs,
		EnableOTLPWriteReceiver:    set.takesOTLP(),
		ConvertOTLPDelta:           f["otlp-deltatocumulative"],
		NativeOTLPDeltaIngestion:   f["otlp-native-delta-ingestion"],
		STZeroIngestionEnabled:     f["created-timestamp-zero-ingestion"],
		EnableTypeAndUnitLabels:    f["type-and-unit-labels"],
		AppendMetadata:             f["metadata-wal-records"],
	}
}

// buildInfo returns the Prometheus version, since clients such as Grafana choose their queries by it.
func buildInfo() *web.PrometheusVersion {
	return &web.PrometheusVersion{
		Version:   versions.Prometheus(),
		Revision:  version.GetRevision(),
		Branch:    version.Branch,
		BuildUser: version.BuildUser,
		BuildDate: version.BuildDate,
		GoVersion: version.GoVersion,
	}
}

// buildInfoMetric is prometheus_build_info as in stock Prometheus, for dashboards that show its version.
func buildInfoMetric() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "prometheus_build_info",
		Help: "A metric with a constant '1' value labeled by version, revision, branch, goversion from which prometheus was built, and the goos and goarch for the build.",
		ConstLabels: prometheus.Labels{
			"version": versions.Prometheus(), "revision": version.GetRevision(), "branch": version.Branch, "goversion": version.GoVersion,
			"goos": version.GoOS, "goarch": version.GoArch, "tags": version.GetTags(),
		},
	}, func() float64 { return 1 })
}
