package metrics

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	dto "github.com/prometheus/client_model/go"
)

// claimDefaultRegistry removes the runtime metrics from the default registry, because ours has more detailed ones. What remains
// there are metrics that upstream's packages register themselves, such as net_conntrack_* and prometheus_template_*.
var claimDefaultRegistry = sync.OnceFunc(func() {
	prometheus.Unregister(collectors.NewGoCollector())
	prometheus.Unregister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
})

// NewRegistry returns the registry of Ausguck and Prometheus, with the runtime metrics of stock Prometheus, and a gatherer that
// combines it with the default registry.
func NewRegistry() (*prometheus.Registry, prometheus.Gatherer) {
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
	return reg, Gatherers{reg, prometheus.DefaultGatherer}
}

// Gatherers merges registries; a family is taken from the first one that has it. Upstreams that use each other's packages
// register the same names, such as prometheus_sd_*, and only one of them refers to what is monitored here.
type Gatherers []prometheus.Gatherer

// Gather implements prometheus.Gatherer.
func (g Gatherers) Gather() ([]*dto.MetricFamily, error) {
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
