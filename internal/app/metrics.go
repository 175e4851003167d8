package app

import (
	"net/http"
	"regexp"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// claimDefaultRegistry takes the runtime metrics out of the default registry, since ours has them with
// more detail. What stays there is what upstream's packages register by themselves, such as
// net_conntrack_* and prometheus_template_*.
var claimDefaultRegistry = sync.OnceFunc(func() {
	prometheus.Unregister(collectors.NewGoCollector())
	prometheus.Unregister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
})

// newRegistry returns the registry of Ausguck and Prometheus, with the runtime metrics that stock
// Prometheus has, and what gathers it together with the default one.
func newRegistry() (*prometheus.Registry, prometheus.Gatherer) {
	claimDefaultRegistry()
	reg := prometheus.NewRegistry()
	reg.MustRegister(
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(
			collectors.MetricsGC, collectors.MetricsScheduler,
			collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/sync/mutex/wait/total:seconds$`)},
		)),
		versioncollector.NewCollector("ausguck"),
	)
	return reg, prometheus.Gatherers{reg, prometheus.DefaultGatherer}
}

// ownMetrics is /metrics of the main address. Upstream's handler, which is not routed to, has registered
// the promhttp_* metrics in the default registry; this one shares them.
func (a *App) ownMetrics() http.Handler {
	return promhttp.InstrumentMetricHandler(prometheus.DefaultRegisterer,
		promhttp.HandlerFor(a.parts.gatherer, promhttp.HandlerOpts{Registry: a.parts.registry, EnableOpenMetrics: true}))
}
