package cadvisor

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/container/common"
	"github.com/google/cadvisor/lib/container/libcontainer"
	"github.com/google/cadvisor/lib/manager"
	info "github.com/google/cadvisor/lib/model"
	"github.com/opencontainers/cgroups"

	"github.com/ausguck/ausguck/internal/dockerhost"
)

// specAge is how long limits read from the cgroup are cached: every scrape needs them, and docker update changes
// them.
const specAge = 30 * time.Second

// handler reads one container. Name, image, labels and health are taken from the source each time, so that they are
// available from the moment Docker responds; the rest comes from the cgroup.
type handler struct {
	name, id string
	factory  *factory
	rootFS   string
	paths    map[string]string
	cgroup   cgroups.Manager

	// pid and stats belong to the housekeeping goroutine.
	pid   int
	stats *libcontainer.Handler

	mu     sync.Mutex
	spec   info.ContainerSpec
	specAt time.Time
}

var _ container.ContainerHandler = (*handler)(nil)

func newHandler(f *factory, name string, inHostNamespace bool) (*handler, error) {
	paths := common.MakeCgroupPaths(f.subsystems, name)
	m, err := libcontainer.NewCgroupManager(name, paths)
	if err != nil {
		return nil, fmt.Errorf("open cgroup %s: %w", name, err)
	}
	id, _ := containerID(name)
	h := &handler{name: name, id: id, factory: f, rootFS: "/", paths: paths, cgroup: m}
	if !inHostNamespace {
		h.rootFS = "/rootfs" // the usual mount point of the host's root; upstream decides by the same path
	}
	return h, nil
}

func (h *handler) docker() (dockerhost.Container, bool) {
	if h.factory.source == nil {
		return dockerhost.Container{}, false
	}
	return h.factory.source.ByID(h.id)
}

// ContainerReference implements container.ContainerHandler. There are no aliases: names change and are taken from
// the source when series are created.
func (h *handler) ContainerReference() (info.ContainerReference, error) {
	return info.ContainerReference{Id: h.id, Name: h.name, Namespace: manager.DockerNamespace}, nil
}

// GetSpec implements container.ContainerHandler.
func (h *handler) GetSpec() (info.ContainerSpec, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.specAt.IsZero() || time.Since(h.specAt) > specAge {
		spec, err := common.GetSpec(h.paths, h.factory.machine, true, false)
		if err != nil {
			return info.ContainerSpec{}, fmt.Errorf("read limits of %s: %w", h.name, err)
		}
		h.spec, h.specAt = spec, time.Now()
	}
	spec := h.spec
	c, ok := h.docker()
	if !ok {
		return spec, nil
	}
	spec.Image = c.Image
	spec.HasNetwork = !sharesNetwork(c)
	if !c.Created.IsZero() {
		spec.CreationTime = c.Created
	}
	spec.StartTime = c.Started
	return spec, nil
}

// GetStats implements container.ContainerHandler.
func (h *handler) GetStats() (*info.ContainerStats, error) {
	c, known := h.docker()
	h.follow(c, known)
	stats, err := h.stats.GetStats()
	if err != nil {
		return stats, fmt.Errorf("read statistics of %s: %w", h.name, err)
	}
	if stats.Network != nil && len(stats.Network.Interfaces) == 0 {
		h.pid = 0 // the process may be gone: choose again next time
	}
	if mi, err := h.factory.machine.GetMachineInfo(); err == nil && stats.DiskIo != nil {
		common.AssignDeviceNamesToDiskStats((*common.MachineInfoNamer)(mi), stats.DiskIo)
	}
	stats.Health.Status = c.Health
	stats.OOMEvents = max(c.OOMKills, h.oomKills())
	return stats, nil
}

// follow chooses the process whose network namespace is read. Docker's PID is used only if the process is in the
// cgroup: without the host's PID namespace, the same number is another process.
func (h *handler) follow(c dockerhost.Container, known bool) {
	metrics := common.RemoveNetMetrics(ofContainers, known && sharesNetwork(c))
	pid := h.pid
	if pid == 0 || (known && c.PID != pid) {
		pid = h.choose(c.PID)
	}
	if h.stats == nil || pid != h.pid {
		h.stats = libcontainer.NewHandler(h.cgroup, h.rootFS, pid, metrics)
	}
	h.pid = pid
}

func (h *handler) choose(docker int) int {
	pids, err := h.cgroup.GetAllPids()
	pids = slices.DeleteFunc(pids, func(p int) bool { return p <= 0 })
	switch {
	case docker > 0 && (slices.Contains(pids, docker) || h.rootFS != "/"):
		return docker
	case err == nil && len(pids) > 0:
		return pids[0]
	default:
		return 0
	}
}

// sharesNetwork reports whether a container has joined the network of another one, where the traffic is counted.
func sharesNetwork(c dockerhost.Container) bool {
	return strings.HasPrefix(c.NetworkMode, "container:")
}

// oomKills reads the kernel's counter, which upstream leaves to a reader of /dev/kmsg in its own binary.
func (h *handler) oomKills() uint64 {
	dir, file := h.paths["memory"], "memory.oom_control"
	if h.factory.unified {
		dir, file = h.paths[""], "memory.events"
	}
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return 0
	}
	return keyedValue(b, "oom_kill")
}

func keyedValue(file []byte, key string) uint64 {
	lines := bufio.NewScanner(bytes.NewReader(file))
	for lines.Scan() {
		if v, ok := strings.CutPrefix(lines.Text(), key+" "); ok {
			n, _ := strconv.ParseUint(strings.TrimSpace(v), 10, 64)
			return n
		}
	}
	return 0
}

// ListContainers implements container.ContainerHandler.
func (h *handler) ListContainers(container.ListType) ([]info.ContainerReference, error) {
	return nil, nil
}

// ListProcesses implements container.ContainerHandler.
func (h *handler) ListProcesses(container.ListType) ([]int, error) { return h.cgroup.GetPids() }

// GetCgroupPath implements container.ContainerHandler.
func (h *handler) GetCgroupPath(resource string) (string, error) {
	if h.factory.unified {
		resource = ""
	}
	p, ok := h.paths[resource]
	if !ok {
		return "", fmt.Errorf("no cgroup path for %q of %s", resource, h.name)
	}
	return p, nil
}

// GetContainerLabels implements container.ContainerHandler.
func (h *handler) GetContainerLabels() map[string]string {
	c, _ := h.docker()
	return c.Labels
}

// GetContainerIPAddress implements container.ContainerHandler.
func (h *handler) GetContainerIPAddress() string {
	if c, _ := h.docker(); len(c.Addresses) > 0 {
		return c.Addresses[0].String()
	}
	return ""
}

// GetExitCode implements container.ContainerHandler.
func (h *handler) GetExitCode() (int, error) {
	return -1, fmt.Errorf("the exit code of %s is not tracked", h.name)
}

// Exists implements container.ContainerHandler.
func (h *handler) Exists() bool { return common.CgroupExists(h.paths) }

// Start implements container.ContainerHandler.
func (h *handler) Start() {}

// Cleanup implements container.ContainerHandler.
func (h *handler) Cleanup() {}

// Type implements container.ContainerHandler.
func (h *handler) Type() container.ContainerType { return container.ContainerTypeDocker }

// machineInfo avoids the deep copy that the manager makes for every caller; the shared value is only read.
type machineInfo struct {
	info.MachineInfoFactory

	mu   sync.Mutex
	last *info.MachineInfo
	at   time.Time
}

const machineInfoAge = time.Minute

// GetMachineInfo implements info.MachineInfoFactory.
func (m *machineInfo) GetMachineInfo() (*info.MachineInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil || time.Since(m.at) > machineInfoAge {
		mi, err := m.MachineInfoFactory.GetMachineInfo()
		if err != nil {
			return nil, fmt.Errorf("read machine information: %w", err)
		}
		m.last, m.at = mi, time.Now()
	}
	return m.last, nil
}
