package dockerhost

import (
	"github.com/prometheus/client_golang/prometheus"
)

// restarts exports how often the engine has restarted each container. cAdvisor has no such series, and a container that crashes
// immediately is not running between two restarts, and so has no other series either.
type restarts struct {
	h                *Host
	restarts, create *prometheus.Desc
}

func newRestarts(h *Host) restarts {
	labels := []string{"name"}
	return restarts{
		h: h,
		restarts: prometheus.NewDesc("ausguck_dockerhost_container_restarts_total",
			"Times the Docker engine has restarted the container by its restart policy; starts at 0 when someone starts it.", labels, nil),
		create: prometheus.NewDesc("ausguck_dockerhost_container_created_timestamp_seconds",
			"When the container was created.", labels, nil),
	}
}

// Describe implements prometheus.Collector.
func (r restarts) Describe(to chan<- *prometheus.Desc) {
	to <- r.restarts
	to <- r.create
}

// Collect implements prometheus.Collector.
func (r restarts) Collect(to chan<- prometheus.Metric) {
	v := r.h.view.Load()
	seen := make(map[string]bool, len(v.sorted)+len(v.stopped)) // during a rename, two containers may have the same name
	for _, containers := range [][]Container{v.sorted, v.stopped} {
		for _, c := range containers {
			if seen[c.Name] {
				continue
			}
			seen[c.Name] = true
			to <- prometheus.MustNewConstMetric(r.restarts, prometheus.CounterValue, float64(c.RestartCount), c.Name)
			to <- prometheus.MustNewConstMetric(r.create, prometheus.GaugeValue, float64(c.Created.Unix()), c.Name)
		}
	}
}
