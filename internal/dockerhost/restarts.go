package dockerhost

import (
	"github.com/prometheus/client_golang/prometheus"
)

// restarts reports how often the engine has restarted each container. cAdvisor has no such series, and between two
// restarts a container that crashes at once does not run and has no other series either.
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
	seen := make(map[string]bool, len(v.sorted)+len(v.stopped)) // while one is renamed, two may have a name
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
