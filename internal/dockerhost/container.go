package dockerhost

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
)

const (
	composeServiceLabel = "com.docker.compose.service"
	minIDLength         = 12
)

// Container is one container as the engine describes it.
type Container struct {
	// ID is the full 64-character id.
	ID string
	// Name is without the leading slash.
	Name string
	// Image is the reference that the container was created from.
	Image string
	// NetworkMode is as reported by the engine: bridge, host, none, a network's name or container:<id>.
	NetworkMode string
	// Health is starting, healthy, unhealthy, or empty if the container has no health check.
	Health string
	// Hostname is the host name inside the container.
	Hostname string
	// Aliases are its names on its networks.
	Aliases []string
	Labels  map[string]string
	// Addresses are its addresses on all networks; for container:<id> those of the joined container, and for host mode the
	// loopback address.
	Addresses []netip.Addr
	// PID is the first process, in the engine's PID namespace.
	PID          int
	Created      time.Time
	Started      time.Time
	RestartCount int
	// OOMKills is the number of out-of-memory events since this process began to follow the engine.
	OOMKills uint64
	// State is as reported by the engine: created, running, paused, restarting, exited or dead.
	State string
	// Networks are the names of its networks, sorted; for container:<id> those of the joined container.
	Networks []string
	// perNetwork has the addresses of each of Networks.
	perNetwork [][]netip.Addr
	// Ports are the TCP ports that its image or its configuration exposes, in ascending order.
	Ports []uint16
	// RestartPolicy is as reported by the engine: no, always, on-failure or unless-stopped.
	RestartPolicy string
	// Finished is when it last exited, zero if never.
	Finished time.Time
	// ExitCode is that of its last exit. For a running container it is only known if this process observed the exit.
	ExitCode int
	// OOMKilled is set if the kernel killed its last run because it was out of memory.
	OOMKilled bool
	// Error is why the engine could not start it.
	Error string
}

// Running reports whether the container has a running process, so that it can be measured and reached.
func (c Container) Running() bool {
	switch container.ContainerState(c.State) {
	case container.StateCreated, container.StateRestarting, container.StateExited, container.StateRemoving, container.StateDead:
		return false
	}
	return true
}

// joined returns the container whose network this one uses, or "".
func (c Container) joined() string {
	id, ok := strings.CutPrefix(c.NetworkMode, "container:")
	if !ok {
		return ""
	}
	return id
}

// fromInspect converts the engine's response.
func fromInspect(r container.InspectResponse) Container {
	c := Container{
		ID:           r.ID,
		Name:         strings.TrimPrefix(r.Name, "/"),
		Image:        r.Image,
		Created:      parseTime(r.Created),
		RestartCount: r.RestartCount,
	}
	if r.State != nil {
		c.describeState(r.State)
	}
	if r.Config != nil {
		if r.Config.Image != "" {
			c.Image = r.Config.Image
		}
		c.Labels, c.Hostname = r.Config.Labels, r.Config.Hostname
		for p := range r.Config.ExposedPorts {
			if p.Proto() == network.TCP {
				c.Ports = append(c.Ports, p.Num())
			}
		}
		slices.Sort(c.Ports)
	}
	if r.HostConfig != nil {
		c.NetworkMode = string(r.HostConfig.NetworkMode)
		c.RestartPolicy = string(r.HostConfig.RestartPolicy.Name)
	}
	if r.NetworkSettings != nil {
		c.describeNetworks(r.NetworkSettings.Networks)
	}
	return c
}

func (c *Container) describeState(s *container.State) {
	c.PID, c.ExitCode, c.OOMKilled, c.Error = s.Pid, s.ExitCode, s.OOMKilled, s.Error
	c.Started, c.Finished = parseTime(s.StartedAt), parseTime(s.FinishedAt)
	if s.Health != nil && s.Health.Status != container.NoHealthcheck {
		c.Health = string(s.Health.Status)
	}
	switch { // older engines only have the booleans
	case s.Restarting:
		c.State = string(container.StateRestarting)
	case s.Status != "":
		c.State = string(s.Status)
	case s.Running:
		c.State = string(container.StateRunning)
	default:
		c.State = string(container.StateExited)
	}
}

func (c *Container) describeNetworks(networks map[string]*network.EndpointSettings) {
	// Sorted, so that all inspections return the addresses in the same order.
	for _, name := range slices.Sorted(maps.Keys(networks)) {
		e := networks[name]
		if e == nil {
			continue
		}
		first := len(c.Addresses)
		for _, a := range []netip.Addr{e.IPAddress, e.GlobalIPv6Address} {
			if a.IsValid() {
				c.Addresses = append(c.Addresses, a)
			}
		}
		c.Networks = append(c.Networks, name)
		c.perNetwork = append(c.perNetwork, slices.Clone(c.Addresses[first:]))
		c.Aliases = append(append(c.Aliases, e.Aliases...), e.DNSNames...)
	}
	slices.Sort(c.Aliases)
	c.Aliases = slices.Compact(c.Aliases)
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Unix() < 0 {
		return time.Time{}
	}
	return t
}

// view is an immutable snapshot of the containers; sorted and byID contain the running ones.
type view struct {
	sorted  []Container
	byID    map[string]Container
	stopped []Container
}

// newView resolves the addresses that containers share with other containers or the host.
func newView(known map[string]Container) *view {
	v := &view{byID: make(map[string]Container, len(known))}
	for id, c := range known {
		if !c.Running() {
			v.stopped = append(v.stopped, c)
			continue
		}
		switch owner := known[joinedID(known, c.joined())]; {
		case owner.ID != "" && owner.NetworkMode == "host", c.NetworkMode == "host":
			c.Addresses = []netip.Addr{loopback}
		case owner.ID != "":
			c.Addresses, c.Networks, c.perNetwork = owner.Addresses, owner.Networks, owner.perNetwork
		}
		v.byID[id] = c
		v.sorted = append(v.sorted, c)
	}
	byName := func(a, b Container) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(v.sorted, byName)
	slices.SortFunc(v.stopped, byName)
	return v
}

// joinedID returns the id for container:<id or name>; the engine stores what the user wrote.
func joinedID(known map[string]Container, ref string) string {
	if ref == "" {
		return ""
	}
	if _, ok := known[ref]; ok {
		return ref
	}
	for id, c := range known {
		if c.Name == ref || (len(ref) >= minIDLength && strings.HasPrefix(id, ref)) {
			return id
		}
	}
	return ""
}

// near returns the addresses of a container on the networks of another one.
func near(me, c Container) []netip.Addr {
	var near []netip.Addr
	for i, name := range c.Networks {
		if slices.Contains(me.Networks, name) && i < len(c.perNetwork) {
			near = append(near, c.perNetwork[i]...)
		}
	}
	return near
}

func (v *view) find(id string) (Container, bool) {
	if c, ok := v.byID[id]; ok {
		return c, true
	}
	if len(id) < minIDLength {
		return Container{}, false
	}
	var found Container
	for _, c := range v.sorted {
		if strings.HasPrefix(c.ID, id) {
			if found.ID != "" {
				return Container{}, false
			}
			found = c
		}
	}
	return found, found.ID != ""
}

// named returns the containers with a name, by the first criterion that matches any: container name, compose service, network
// alias, host name.
func (v *view) named(name string) []Container {
	name = strings.TrimSuffix(name, ".")
	for _, matches := range []func(Container) bool{
		func(c Container) bool { return strings.EqualFold(c.Name, name) },
		func(c Container) bool { return strings.EqualFold(c.Labels[composeServiceLabel], name) },
		func(c Container) bool {
			return slices.ContainsFunc(c.Aliases, func(a string) bool { return strings.EqualFold(a, name) })
		},
		func(c Container) bool { return strings.EqualFold(c.Hostname, name) },
	} {
		var found []Container
		for _, c := range v.sorted {
			if matches(c) {
				found = append(found, c)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// at returns the container with the address, its own or a shared one, except for loopback.
func (v *view) at(ip netip.Addr) (Container, bool) {
	if ip.IsLoopback() {
		return Container{}, false
	}
	for _, c := range v.sorted {
		if slices.Contains(c.Addresses, ip) {
			return c, true
		}
	}
	return Container{}, false
}
