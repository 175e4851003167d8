package cadvisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/cadvisor/lib/cache/memory"
	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/container/common"
	"github.com/google/cadvisor/lib/fs"
	"github.com/google/cadvisor/lib/manager"
	"github.com/google/cadvisor/lib/metrics"
	info "github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/utils/sysfs"
	"github.com/google/cadvisor/lib/watcher"
	"github.com/opencontainers/cgroups"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
)

const (
	// statsAge is how long samples are kept; only the last one is ever used.
	statsAge = time.Minute
	// freshness is how old a sample may be at a scrape. It lets two concurrent scrapers share one reading.
	freshness = time.Second
	// stopTimeout applies to each of the two steps of a stop.
	stopTimeout = 2 * time.Second
)

// session is one lifetime of upstream's manager.
type session struct {
	logger   *slog.Logger
	source   ContainerSource
	labels   []string
	runtimes []containerRuntime

	manager  manager.Manager
	adopter  *adopter
	present  map[string]bool // the runtimes present when it started
	gatherer prometheus.Gatherer
}

// start creates and starts a manager. How long it takes depends on upstream.
func (s *session) start(interval time.Duration) error {
	running.Store(s)
	container.ClearContainerHandlerFactories()
	static := false
	housekeeping := manager.HousekeepingConfig{Interval: &interval, AllowDynamic: &static}
	m, err := manager.New(memory.New(statsAge, nil), hostSysFs{sysfs.NewRealSysFs()}, housekeeping, ofCgroups,
		[]string{""}, []string{""}, "", 0)
	if err != nil {
		return fmt.Errorf("create cAdvisor's manager: %w", err)
	}
	s.manager = m
	if err := m.Start(); err != nil {
		s.release()
		return fmt.Errorf("start cAdvisor's manager: %w%s", err, remedy(err))
	}
	maxAge := freshness
	kinds := served(cgroups.IsCgroup2UnifiedMode())
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		metrics.NewPrometheusCollector(provider{m, s.logger}, s.seriesLabels, kinds, clock.RealClock{}, info.RequestOptions{
			IdType: info.TypeName, Count: 1, Recursive: true, MaxAge: &maxAge,
		}),
		metrics.NewPrometheusMachineCollector(m, kinds),
	} {
		if err := registry.Register(c); err != nil {
			s.release()
			return fmt.Errorf("register cAdvisor's collectors: %w", err)
		}
	}
	s.gatherer = timeless{registry}
	return nil
}

// remedy adds instructions to startup errors that a user can fix.
func remedy(err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return "; sudo sysctl fs.inotify.max_user_instances=1024 allows more of them"
	case errors.Is(err, syscall.ENOSPC):
		return "; sudo sysctl fs.inotify.max_user_watches=524288 allows more of them"
	default:
		return ""
	}
}

// register is called by upstream in manager.Start, through the plugin.
func (s *session) register(m info.MachineInfoFactory, fsInfo fs.FsInfo) (watcher.ContainerWatcher, error) {
	f, err := newFactory(s.source, &machineInfo{MachineInfoFactory: m})
	if err != nil {
		return nil, err
	}
	container.RegisterContainerHandlerFactory(f, []watcher.ContainerWatchSource{watcher.Raw})
	s.present = map[string]bool{}
	for _, r := range s.runtimes {
		if !r.present() {
			continue
		}
		s.present[r.name] = true
		if err := r.register(m, fsInfo); err != nil {
			s.logger.Warn("Showing containers of a runtime without their names", "runtime", r.name, "err", err)
		}
	}
	s.adopter = newAdopter(f, func(name string) bool {
		return common.CgroupExists(common.MakeCgroupPaths(f.subsystems, name))
	})
	return s.adopter, nil
}

// newcomer returns the name of a runtime that started after the session.
func (s *session) newcomer() (string, bool) {
	for _, r := range s.runtimes {
		if !s.present[r.name] && r.present() {
			return r.name, true
		}
	}
	return "", false
}

// seriesLabels gives every series the same label names. Names and images of containers are looked up at collection
// time, so that they are correct whatever handler upstream chose and whenever Docker reported the container.
func (s *session) seriesLabels(c *info.ContainerInfo) map[string]string {
	set := make(map[string]string, 3+len(s.labels))
	set[metrics.LabelID], set[metrics.LabelName], set[metrics.LabelImage] = c.Name, "", c.Spec.Image
	labels := c.Spec.Labels
	if len(c.Aliases) > 0 {
		set[metrics.LabelName] = c.Aliases[0] // of podman, containerd and CRI-O
	}
	if id, _ := containerID(c.Name); id != "" && s.source != nil {
		if d, ok := s.source.ByID(id); ok {
			set[metrics.LabelName], set[metrics.LabelImage], labels = d.Name, d.Image, d.Labels
		}
	}
	for _, key := range s.labels {
		set[metrics.ContainerLabelPrefix+key] = labels[key]
	}
	return set
}

// release ends what start began. manager.Stop ends three goroutines and leaves one per container, so containers are
// removed first, by events as if their cgroups had disappeared. What remains is one idle inotify instance of the raw
// factory, which upstream never closes.
func (s *session) release() {
	if s.manager == nil {
		return
	}
	if s.adopter != nil && s.adopter.started() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		s.removeAll(ctx)
		cancel()
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.manager.Stop() }()
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case err := <-stopped:
		if s.adopter != nil {
			s.adopter.drain()
		}
		if err != nil {
			s.logger.Warn("Cannot stop cAdvisor's manager; its goroutines keep running", "err", err)
		}
	case <-timer.C:
		s.logger.Warn("cAdvisor's manager did not stop in time", "timeout", stopTimeout)
	}
	running.CompareAndSwap(s, nil)
}

// removeAll repeats until nothing is left, because shortly after a start the raw watcher may still report known
// containers as new.
func (s *session) removeAll(ctx context.Context) {
	for {
		names := s.containers()
		if len(names) == 0 {
			return
		}
		for _, name := range names {
			if !s.adopter.remove(ctx, name) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// containers lists the manager's containers. Its other lists read every cgroup.
func (s *session) containers() []string {
	var names []string
	for _, line := range s.manager.DebugInfo()["Managed containers"] {
		if !strings.HasPrefix(line, "\t") && filepath.IsAbs(line) {
			names = append(names, line)
		}
	}
	return names
}
