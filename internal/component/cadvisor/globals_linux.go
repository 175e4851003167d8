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

// The registry of plugins in lib/container is a process-wide map without removal, so ours is registered once and
// passes on to the session that is running.
var (
	claimOnce sync.Once
	errClaim  error
	running   atomic.Pointer[session]
)

// claimGlobals sets the process-wide variables of cAdvisor. klog is left to internal/app.
func claimGlobals(housekeeping time.Duration) error {
	claimOnce.Do(func() {
		// Read by manager.New and manager.Start: which runtimes there are.
		if errClaim = container.RegisterPlugin("ausguck", plugin{}); errClaim != nil {
			return
		}
		// Read by fs.NewFsInfo: which mounts are file systems worth a statfs. Overlay is left out, because every
		// container has one; the root mount is always in.
		for name, p := range map[string]fs.FsPlugin{"vfs": vfs.NewPlugin(), "btrfs": btrfs.NewPlugin()} {
			if errClaim = fs.RegisterPlugin(name, p); errClaim != nil {
				return
			}
		}
		// Read by each container's housekeeping goroutine in lib/manager. Without jitter a scrape every interval
		// finds the timer not yet due and reads each cgroup once, with it about twice.
		*manager.HousekeepingInterval = housekeeping
		*manager.JitterFactor = 0
		// Read by machine.Info: in a container the host's is below its root.
		errClaim = flag.Set("machine_id_file", machineIDs)
	})
	if errClaim != nil {
		return fmt.Errorf("claim cAdvisor's globals: %w", errClaim)
	}
	return nil
}

// plugin is the one entry in upstream's registry.
type plugin struct{}

var _ container.Plugin = plugin{}

// InitializeFSContext implements container.Plugin. Upstream's docker plugin asks the engine here, for ever if need be.
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
