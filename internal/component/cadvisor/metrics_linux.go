package cadvisor

import "github.com/google/cadvisor/lib/container"

// What is read of containers, and of every other cgroup. Left out, because each costs more than most people ask of
// it: per-CPU, scheduler and NUMA statistics, TCP and UDP tables (a walk of every socket), huge pages, referenced
// memory (writes to clear_refs), perf and resctrl. The process statistics walk the file descriptors of every
// process, so services and slices go without.
var (
	exported = set(
		container.CpuUsageMetrics, container.MemoryUsageMetrics, container.NetworkUsageMetrics,
		container.DiskIOMetrics, container.DiskUsageMetrics, container.ProcessMetrics,
		container.OOMMetrics, container.PressureMetrics,
	)
	ofContainers = exported.Difference(set(container.DiskUsageMetrics)) // a disk walk
	ofCgroups    = exported.Difference(set(container.ProcessMetrics))
)

// served are the kinds that become series. The kernel has no pressure figures for cgroup v1, and upstream would
// serve zeros that say all is well.
func served(unified bool) container.MetricSet {
	if unified {
		return exported
	}
	return exported.Difference(set(container.PressureMetrics))
}

func set(kinds ...container.MetricKind) container.MetricSet {
	s := container.MetricSet{}
	for _, k := range kinds {
		s[k] = struct{}{}
	}
	return s
}
