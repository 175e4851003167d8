package cadvisor

import (
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/fs"
	"github.com/google/cadvisor/lib/fs/btrfs"
	"github.com/google/cadvisor/lib/fs/vfs"
	"github.com/google/cadvisor/lib/manager"
	info "github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/watcher"
)

// The plugin registry in lib/container is a process-wide map without removal, so our plugin is registered once and
// delegates to the running session.
var (
	claimOnce sync.Once
	errClaim  error
	running   atomic.Pointer[session]
)

// claimGlobals sets cAdvisor's process-wide variables. klog is left to internal/app.
func claimGlobals(housekeeping time.Duration) error {
	claimOnce.Do(func() {
		// Read by manager.New and manager.Start: the available runtimes.
		if errClaim = container.RegisterPlugin("ausguck", plugin{}); errClaim != nil {
			return
		}
		// Read by fs.NewFsInfo: the mounts that are file systems worth a statfs. Overlay is left out, because every
		// container has one; the root mount is always included.
		for name, p := range map[string]fs.FsPlugin{"vfs": vfs.NewPlugin(), "btrfs": btrfs.NewPlugin()} {
			if errClaim = fs.RegisterPlugin(name, p); errClaim != nil {
				return
			}
		}
		// Read by each container's housekeeping goroutine in lib/manager. Without jitter, a scrape at every interval
		// finds the timer not yet due and reads each cgroup once; with jitter, about twice.
		*manager.HousekeepingInterval = housekeeping
		*manager.JitterFactor = 0
		// Read by machine.Info: in a container, the host's file is below the host's root mount.
		errClaim = flag.Set("machine_id_file", machineIDs)
	})
	if errClaim != nil {
		return fmt.Errorf("claim cAdvisor's globals: %w", errClaim)
	}
	return nil
}

// plugin is the only entry in upstream's registry.
type plugin struct{}

var _ container.Plugin = plugin{}

// InitializeFSContext implements container.Plugin. Upstream's Docker plugin would query the engine here, possibly
// forever.
func (plugin) InitializeFSContext(c *fs.Context) error {
	c.Podman = fs.PodmanContext{DriverStatus: map[string]string{}}
	return nil
}

// Register implements container.Plugin.
func (plugin) Register(m info.MachineInfoFactory, fsInfo fs.FsInfo, _ container.MetricSet) (watcher.ContainerWatcher, error) {
	s := running.Load()
	if s == nil {
		return nil, fmt.Errorf("no session")
	}
	return s.register(m, fsInfo)
}
