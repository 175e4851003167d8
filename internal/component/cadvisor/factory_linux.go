package cadvisor

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/container/libcontainer"
	info "github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/watcher"
	"github.com/opencontainers/cgroups"
)

// factory recognizes Docker's containers by their cgroups. It makes no requests: a container that is unknown so far
// gets its name when the source knows it.
type factory struct {
	source     ContainerSource // may be nil
	machine    *machineInfo
	subsystems map[string]string
	unified    bool // cgroup v2

	mu sync.Mutex
	// refused are cgroups that look like a container of another runtime, by name. If Docker later knows one of
	// them, it is taken over.
	refused map[string]string
}

var (
	_ container.ContainerHandlerFactory = (*factory)(nil)
	_ watcher.ContainerWatcher          = (*adopter)(nil)
)

func newFactory(source ContainerSource, machine *machineInfo) (*factory, error) {
	subsystems, err := libcontainer.GetCgroupSubsystems(exported)
	if err != nil {
		return nil, fmt.Errorf("find cgroup mounts: %w", err)
	}
	return &factory{
		source: source, machine: machine, subsystems: subsystems, unified: cgroups.IsCgroup2UnifiedMode(),
		refused: map[string]string{},
	}, nil
}

// String implements container.ContainerHandlerFactory.
func (f *factory) String() string { return "docker" }

// DebugInfo implements container.ContainerHandlerFactory.
func (f *factory) DebugInfo() map[string][]string { return nil }

// CanHandleAndAccept implements container.ContainerHandlerFactory.
func (f *factory) CanHandleAndAccept(name string) (handle, accept bool, err error) {
	id, docker := containerID(name)
	if id == "" {
		return false, false, nil
	}
	if docker || f.knows(id) {
		return true, true, nil
	}
	f.mu.Lock()
	f.refused[name] = id
	f.mu.Unlock()
	return false, false, nil
}

// NewContainerHandler implements container.ContainerHandlerFactory.
func (f *factory) NewContainerHandler(name string, _ []string, inHostNamespace bool) (container.ContainerHandler, error) {
	return newHandler(f, name, inHostNamespace)
}

func (f *factory) knows(id string) bool {
	if f.source == nil {
		return false
	}
	_, ok := f.source.ByID(id)
	return ok
}

// claim returns the refused cgroups that Docker now knows, and forgets them.
func (f *factory) claim() []string {
	f.mu.Lock()
	refused := maps.Clone(f.refused)
	f.mu.Unlock()
	var names []string
	for name, id := range refused {
		if f.knows(id) {
			names = append(names, name)
			f.mu.Lock()
			delete(f.refused, name)
			f.mu.Unlock()
		}
	}
	return names
}

// forget drops the refused cgroups that no longer exist.
func (f *factory) forget(gone func(name string) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.refused {
		if gone(name) {
			delete(f.refused, name)
		}
	}
}

// adopter is a watcher that reports nothing new: it gives access to the manager's event channel. It moves
// containers that Docker reported late from the raw handler to ours, and removes all when the session ends, which
// manager.Stop does not.
type adopter struct {
	factory *factory
	exists  func(cgroup string) bool
	ctx     context.Context // ends with Stop
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu     sync.Mutex
	events chan watcher.ContainerEvent
}

func newAdopter(f *factory, exists func(string) bool) *adopter {
	ctx, cancel := context.WithCancel(context.Background())
	return &adopter{factory: f, exists: exists, ctx: ctx, cancel: cancel}
}

// Start implements watcher.ContainerWatcher.
func (a *adopter) Start(events chan watcher.ContainerEvent) error {
	a.mu.Lock()
	a.events = events
	a.mu.Unlock()
	if a.factory.source == nil {
		return nil
	}
	a.done.Add(1)
	go func() {
		defer a.done.Done()
		for {
			changed := a.factory.source.Changed()
			for _, name := range a.factory.claim() {
				if !a.exists(name) {
					continue
				}
				a.send(a.ctx, watcher.ContainerDelete, name)
				a.send(a.ctx, watcher.ContainerAdd, name)
			}
			a.factory.forget(func(name string) bool { return !a.exists(name) })
			select {
			case <-a.ctx.Done():
				return
			case <-changed:
			}
		}
	}()
	return nil
}

// Stop implements watcher.ContainerWatcher. It is called by the manager's goroutine that reads the events, so no
// send may be blocked.
func (a *adopter) Stop() error {
	a.cancel()
	a.done.Wait()
	return nil
}

// started reports whether the manager has started watching.
func (a *adopter) started() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.events != nil
}

// remove makes the manager end the housekeeping of a container.
func (a *adopter) remove(ctx context.Context, name string) bool {
	return a.send(ctx, watcher.ContainerDelete, name)
}

// drain unblocks upstream's goroutines that still send events to a manager that has stopped.
func (a *adopter) drain() {
	for {
		select {
		case <-a.events:
		default:
			return
		}
	}
}

func (a *adopter) send(ctx context.Context, t watcher.ContainerEventType, name string) bool {
	a.mu.Lock()
	events := a.events
	a.mu.Unlock()
	select {
	case events <- watcher.ContainerEvent{EventType: t, Name: name, WatchSource: watcher.Raw}:
		return true
	case <-ctx.Done():
		return false
	}
}

var _ info.MachineInfoFactory = (*machineInfo)(nil)
