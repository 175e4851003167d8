// Package cadvisor exports the resource usage of containers and cgroups, as cAdvisor does: container_* and machine_*
// series.
//
// It wraps the manager of github.com/google/cadvisor/lib. Docker containers are recognized by their cgroup and named
// through the Docker API (see docs/adr/0003-containers-from-the-docker-api.md); podman, containerd, CRI-O and
// systemd are handled by upstream's own factories; every other cgroup is shown raw. Only internal/app may import it.
package cadvisor

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/dockerhost"
)

// ErrNotLinux is returned by New on systems without cgroups.
var ErrNotLinux = errors.New("container metrics require Linux, because they are read from cgroups")

// ContainerSource knows the containers of the Docker engine. *dockerhost.Host is one.
type ContainerSource interface {
	// ByID returns a running container.
	ByID(id string) (dockerhost.Container, bool)
	// Changed returns a channel that is closed at the next change.
	Changed() <-chan struct{}
}

var _ ContainerSource = (*dockerhost.Host)(nil)

// DefaultHousekeepingInterval is how often cgroups are read between scrapes.
const DefaultHousekeepingInterval = 15 * time.Second

// DefaultContainerLabels are the Docker labels that become labels of the series.
var DefaultContainerLabels = []string{"com.docker.compose.project", "com.docker.compose.service"}

// Options are the settings of an Exporter.
type Options struct {
	// Logger receives state changes; nil discards them.
	Logger *slog.Logger
	// Registerer receives the ausguck_cadvisor_* metrics; it may be nil.
	Registerer prometheus.Registerer
	// Containers provides the names of containers; nil leaves them as cgroups.
	Containers ContainerSource
	// HousekeepingInterval is how often cgroups are read between scrapes; a scrape always reads them. Zero means
	// DefaultHousekeepingInterval.
	HousekeepingInterval time.Duration
	// ContainerLabels are the keys of Docker labels to copy to every series as container_label_<key>. Nil means
	// DefaultContainerLabels. Copying all of them would let any image cause an explosion of series.
	ContainerLabels []string
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.HousekeepingInterval <= 0 {
		o.HousekeepingInterval = DefaultHousekeepingInterval
	}
	if o.ContainerLabels == nil {
		o.ContainerLabels = slices.Clone(DefaultContainerLabels)
	}
	return o
}
