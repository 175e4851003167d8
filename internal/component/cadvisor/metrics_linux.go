package cadvisor

import "github.com/google/cadvisor/lib/container"

// The metrics of containers, and of every other cgroup. These are left out, because each costs more than most
// users need: per-CPU, scheduler and NUMA statistics, TCP and UDP tables (a walk over every socket), huge pages,
// referenced memory (writes to clear_refs), perf and resctrl. The process statistics walk over the file
// descriptors of every process, so services and slices are excluded from them.
var (
	exported = set(
		container.CpuUsageMetrics, container.MemoryUsageMetrics, container.NetworkUsageMetrics,
		container.DiskIOMetrics, container.DiskUsageMetrics, container.ProcessMetrics,
		container.OOMMetrics, container.PressureMetrics,
	)
	ofContainers = exported.Difference(set(container.DiskUsageMetrics)) // a disk walk
	ofCgroups    = exported.Difference(set(container.ProcessMetrics))
)

// served are the kinds that become series. The kernel has no pressure data for cgroup v1, and upstream would serve
// misleading zeros.
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
