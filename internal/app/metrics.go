package app

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
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
	return reg, gatherers{reg, prometheus.DefaultGatherer}
}

// gatherers merges registries; a family comes from the first that has it. Upstreams that are built from each other's
// packages register the same names, such as prometheus_sd_*, and only one of them means what is watched here.
type gatherers []prometheus.Gatherer

// Gather implements prometheus.Gatherer.
func (g gatherers) Gather() ([]*dto.MetricFamily, error) {
	var all []*dto.MetricFamily
	var errs []error
	seen := map[string]bool{}
	for _, one := range g {
		families, err := one.Gather()
		errs = append(errs, err)
		families = slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return seen[f.GetName()] })
		for _, f := range families {
			seen[f.GetName()] = true
		}
		all = append(all, families...)
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all, errors.Join(errs...)
}

// ownMetrics is /metrics of the main address. Upstream's handler, which is not routed to, has registered
// the promhttp_* metrics in the default registry; this one shares them.
func (a *App) ownMetrics() http.Handler {
	return promhttp.InstrumentMetricHandler(prometheus.DefaultRegisterer,
		promhttp.HandlerFor(a.gatherer, promhttp.HandlerOpts{Registry: a.registry, EnableOpenMetrics: true}))
}
