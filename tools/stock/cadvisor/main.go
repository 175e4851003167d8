// Command cadvisor is a minimal program around cAdvisor's own manager, for tests and the benchmark.
//
// The module of the real program, github.com/google/cadvisor/cmd, is not published separately from its repository, so its main
// cannot be built from a module mirror. This one does the same as that main with default flags: the same factories, the same
// included metrics, the same housekeeping intervals, the same Prometheus handler at /metrics on port 8080. It omits its HTML
// pages, its JSON API and its storage drivers, which makes it smaller than the real program, never larger.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/google/cadvisor/container/docker/install"
	_ "github.com/google/cadvisor/container/podman/install"
	_ "github.com/google/cadvisor/fs/devicemapper/install"
	"github.com/google/cadvisor/lib/cache/memory"
	"github.com/google/cadvisor/lib/container"
	_ "github.com/google/cadvisor/lib/container/containerd/install"
	_ "github.com/google/cadvisor/lib/container/crio/install"
	_ "github.com/google/cadvisor/lib/container/systemd/install"
	_ "github.com/google/cadvisor/lib/fs/btrfs/install"
	_ "github.com/google/cadvisor/lib/fs/nfs/install"
	_ "github.com/google/cadvisor/lib/fs/overlay/install"
	_ "github.com/google/cadvisor/lib/fs/tmpfs/install"
	_ "github.com/google/cadvisor/lib/fs/vfs/install"
	_ "github.com/google/cadvisor/lib/fs/zfs/install"
	"github.com/google/cadvisor/lib/manager"
	"github.com/google/cadvisor/lib/metrics"
	"github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/utils/sysfs"
	"github.com/google/cadvisor/summary"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Defaults of the real program's --storage_duration and --disable_metrics.
const storageDuration = 2 * time.Minute

var disabledMetrics = container.MetricSet{
	container.MemoryNumaMetrics:              {},
	container.NetworkTcpUsageMetrics:         {},
	container.NetworkUdpUsageMetrics:         {},
	container.NetworkAdvancedTcpUsageMetrics: {},
	container.ProcessSchedulerMetrics:        {},
	container.ProcessMetrics:                 {},
	container.HugetlbUsageMetrics:            {},
	container.ReferencedMemoryMetrics:        {},
	container.CPUTopologyMetrics:             {},
	container.ResctrlMetrics:                 {},
	container.CPUSetMetrics:                  {},
}

func main() {
	listenIP := flag.String("listen_ip", "", "IP to listen on, defaults to all IPs")
	port := flag.Int("port", 8080, "port to listen")
	klog.InitFlags(nil)
	flag.Parse()

	if err := run(fmt.Sprintf("%s:%d", *listenIP, *port)); err != nil {
		fmt.Fprintln(os.Stderr, "cadvisor:", err)
		os.Exit(1)
	}
}

// run monitors the containers and serves their metrics on address until the process is asked to stop.
func run(address string) error {
	manager.SummaryReaderFactory = func(spec model.ContainerSpec) (manager.SummaryReader, error) {
		return summary.New(spec)
	}
	included := container.AllMetrics.Difference(disabledMetrics)
	watcher, err := manager.New(memory.New(storageDuration, nil), sysfs.NewRealSysFs(), manager.HousekeepingConfigFlags,
		included, []string{""}, []string{""}, "", 0)
	if err != nil {
		return fmt.Errorf("create the manager: %w", err)
	}
	if err := watcher.Start(); err != nil {
		return fmt.Errorf("start the manager: %w", err)
	}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	failed := make(chan error, 1)
	mux := http.NewServeMux()
	mux.Handle("/metrics", metricsHandler(watcher, included))
	go func() { failed <- http.ListenAndServe(address, mux) }()

	select {
	case <-stop:
		return watcher.Stop()
	case err := <-failed:
		return err
	}
}

// metricsHandler creates a collector per request, as the real program does.
func metricsHandler(watcher manager.Manager, included container.MetricSet) http.Handler {
	goCollector := collectors.NewGoCollector()
	processCollector := collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})
	machineCollector := metrics.NewPrometheusMachineCollector(watcher, included)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		latest := model.RequestOptions{IdType: "name", Count: 1, Recursive: true}
		registry := prometheus.NewRegistry()
		registry.MustRegister(
			metrics.NewPrometheusCollector(watcher, metrics.DefaultContainerLabels, included, clock.RealClock{}, latest),
			machineCollector, goCollector, processCollector,
		)
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}).ServeHTTP(w, r)
	})
}
