package dockerhost

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
)

const (
	composeServiceLabel = "com.docker.compose.service"
	minIDLength         = 12
)

// Container is one running container as the engine describes it.
type Container struct {
	// ID is the full 64 character id.
	ID string
	// Name is without the leading slash.
	Name string
	// Image is the reference that the container was created from.
	Image string
	// NetworkMode is the engine's word: bridge, host, none, a network's name or container:<id>.
	NetworkMode string
	// Health is starting, healthy, unhealthy, or empty when the container has no health check.
	Health string
	// Hostname is the name that the container has for itself.
	Hostname string
	// Aliases are the names by which its networks know it.
	Aliases []string
	Labels  map[string]string
	// Addresses has those of all networks; those of the joined container for container:<id>; the loopback address
	// for host mode.
	Addresses []netip.Addr
	// PID is the first process, in the engine's PID namespace.
	PID          int
	Created      time.Time
	Started      time.Time
	RestartCount int
	// OOMKills counts the out-of-memory events seen since this process follows the engine.
	OOMKills uint64
}

// joined returns the container whose network this one uses, or "".
func (c Container) joined() string {
	id, ok := strings.CutPrefix(c.NetworkMode, "container:")
	if !ok {
		return ""
	}
	return id
}

// fromInspect converts the engine's answer; ok is false for a container that does not run.
func fromInspect(r container.InspectResponse) (c Container, ok bool) {
	if r.State == nil || !r.State.Running || r.State.Restarting {
		return Container{}, false
	}
	c = Container{
		ID:           r.ID,
		Name:         strings.TrimPrefix(r.Name, "/"),
		Image:        r.Image,
		PID:          r.State.Pid,
		Created:      parseTime(r.Created),
		Started:      parseTime(r.State.StartedAt),
		RestartCount: r.RestartCount,
	}
	if r.State.Health != nil && r.State.Health.Status != container.NoHealthcheck {
		c.Health = string(r.State.Health.Status)
	}
	if r.Config != nil {
		if r.Config.Image != "" {
			c.Image = r.Config.Image
		}
		c.Labels, c.Hostname = r.Config.Labels, r.Config.Hostname
	}
	if r.HostConfig != nil {
		c.NetworkMode = string(r.HostConfig.NetworkMode)
	}
	if r.NetworkSettings != nil {
		names := make([]string, 0, len(r.NetworkSettings.Networks))
		for name := range r.NetworkSettings.Networks {
			names = append(names, name)
		}
		slices.Sort(names) // so that the order of addresses is the same at every inspect
		for _, name := range names {
			e := r.NetworkSettings.Networks[name]
			if e == nil {
				continue
			}
			for _, a := range []netip.Addr{e.IPAddress, e.GlobalIPv6Address} {
				if a.IsValid() {
					c.Addresses = append(c.Addresses, a)
				}
			}
			c.Aliases = append(append(c.Aliases, e.Aliases...), e.DNSNames...)
		}
		slices.Sort(c.Aliases)
		c.Aliases = slices.Compact(c.Aliases)
	}
	return c, true
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Unix() < 0 {
		return time.Time{}
	}
	return t
}

// view is an immutable picture of the running containers.
type view struct {
	sorted []Container
	byID   map[string]Container
}

// newView resolves the addresses that containers borrow from others or from the host.
func newView(known map[string]Container) *view {
	v := &view{byID: make(map[string]Container, len(known))}
	for id, c := range known {
		switch owner := known[joinedID(known, c.joined())]; {
		case owner.ID != "" && owner.NetworkMode == "host", c.NetworkMode == "host":
			c.Addresses = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
		case owner.ID != "":
			c.Addresses = owner.Addresses
		}
		v.byID[id] = c
		v.sorted = append(v.sorted, c)
	}
	slices.SortFunc(v.sorted, func(a, b Container) int { return strings.Compare(a.Name, b.Name) })
	return v
}

// joinedID finds the id behind container:<id or name>; the engine stores whichever the user wrote.
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

// named returns the containers that answer to a name, by the first of these that any has: container name, compose
// service, network alias, hostname.
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

// at returns the container that has an address of its own or borrowed, loopback excepted.
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
