package cadvisor

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/cadvisor/container/podman"
	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/container/containerd"
	"github.com/google/cadvisor/lib/container/crio"
	"github.com/google/cadvisor/lib/container/systemd"
	"github.com/google/cadvisor/lib/fs"
	info "github.com/google/cadvisor/lib/model"
)

// runtimeTimeout bounds the registration of one runtime: a socket may accept connections and never respond.
const runtimeTimeout = 5 * time.Second

// containerRuntime is one of upstream's factories.
type containerRuntime struct {
	name   string
	plugin container.Plugin
	// sign is a path that exists if the runtime is used; empty means always.
	sign string
}

// containerRuntimes are tried after Docker and before raw. Each of the last three creates a client that it keeps
// forever, so they are not registered where they are not used. containerd's sign is the namespace that upstream
// reads, because its socket exists on every Docker host.
func containerRuntimes() []containerRuntime {
	return []containerRuntime{
		{"systemd", systemd.NewPlugin(), ""},
		{"podman", podman.NewPlugin(), "/var/run/podman/podman.sock"},
		{"containerd", containerd.NewPlugin(), "/run/containerd/io.containerd.runtime.v2.task/k8s.io"},
		{"crio", crio.NewPlugin(), crio.CrioSocket},
	}
}

func (r containerRuntime) present() bool {
	if r.sign == "" {
		return true
	}
	_, err := os.Stat(r.sign)
	return err == nil
}

var errRuntimeSilent = errors.New("no response within the timeout")

// register registers the runtime's factory. Its goroutine outlives the timeout if the runtime hangs: upstream
// cannot be canceled.
func (r containerRuntime) register(m info.MachineInfoFactory, fsInfo fs.FsInfo) error {
	done := make(chan error, 1)
	go func() {
		// None of these plugins returns a watcher.
		_, err := r.plugin.Register(m, fsInfo, ofContainers)
		done <- err
	}()
	timer := time.NewTimer(runtimeTimeout)
	defer timer.Stop()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("register %s: %w", r.name, err)
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("register %s: %w", r.name, errRuntimeSilent)
	}
}
