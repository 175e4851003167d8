package dockerhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// lookupError is shown as a target's last error if neither DNS nor Docker knows its name.
type lookupError struct {
	host string
	dns  *net.DNSError
	why  string
}

func (e *lookupError) Error() string {
	return fmt.Sprintf("lookup %s: %s, and %s", e.host, e.dns.Err, e.why)
}

func (e *lookupError) Unwrap() error { return e.dns }

// DialContext dials like net.Dialer. In addition, it resolves names that DNS does not know to running containers (container name,
// compose service, network alias, host name), and tries a container's other addresses if the given one does not respond.
func (h *Host) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("dial %q: %w", addr, err)
	}
	v := h.view.Load()
	if strings.EqualFold(strings.TrimSuffix(host, "."), hostName) {
		return h.dialHost(ctx, network, port, v)
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		c, ok := v.at(ip.Unmap())
		if !ok {
			return h.dialAny(ctx, network, []netip.Addr{ip}, port)
		}
		return h.dialContainer(ctx, network, append([]netip.Addr{ip.Unmap()}, without(c.Addresses, ip.Unmap())...), port, c)
	}
	named := v.named(host)
	if len(named) == 0 {
		conn, err := h.dialer.DialContext(ctx, network, addr)
		if dns := notFound(err); dns != nil {
			return nil, &lookupError{host: host, dns: dns, why: h.whyUnknown()}
		}
		return conn, err
	}
	// DNS takes precedence, so that the meaning of resolvable names does not change. It only gets a share of the time: a resolver
	// that does not respond must not use up the scrape timeout of a container that Docker knows.
	if ips, err := h.lookup(ctx, network, host); err == nil && len(ips) > 0 {
		return h.dialAny(ctx, network, ips, port)
	}
	var candidates []netip.Addr
	for _, c := range named {
		candidates = append(candidates, h.reachable(c, v)...)
	}
	if len(candidates) == 0 {
		return nil, fmt.Errorf("dial %s: container %s has no address (network mode %s)", addr, named[0].Name, named[0].NetworkMode)
	}
	conn, err := h.dialContainer(ctx, network, candidates, port, named[0])
	if err != nil {
		return nil, fmt.Errorf("dial container %s: %w", named[0].Name, err)
	}
	return conn, nil
}

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// hostName is a container's name for its host: Docker Desktop's DNS knows it, and a compose file can add it as
// host.docker.internal:host-gateway.
const hostName = "host.docker.internal"

// dialHost dials the machine that the engine runs on, at any address that it has from here.
func (h *Host) dialHost(ctx context.Context, network, port string, v *view) (net.Conn, error) {
	addrs := h.hostAddresses(ctx, network, v)
	if len(addrs) == 0 {
		return nil, fmt.Errorf("dial the host: %s is not known, and this container has no default gateway; "+
			`add to the compose file: extra_hosts: ["%s:host-gateway"]`, hostName, hostName)
	}
	return h.dialAny(ctx, network, addrs, port)
}

// hostAddresses returns the addresses of the machine that the engine runs on, as seen from here.
func (h *Host) hostAddresses(ctx context.Context, network string, v *view) (addrs []netip.Addr) {
	me, known := v.find(h.self.id)
	if !known || me.NetworkMode == "host" { // not known: the engine may run in the same container
		addrs = []netip.Addr{loopback, netip.IPv6Loopback()}
	}
	if h.self.inContainer && (!known || me.NetworkMode != "host") {
		if ips, err := h.lookup(ctx, network, hostName); err == nil && len(ips) > 0 {
			addrs = append(addrs, ips...)
		} else if h.self.gateway.IsValid() {
			addrs = append(addrs, h.self.gateway)
		}
	}
	return addrs
}

// Resolve returns the address to use for a host, if that is not what DNS says: for the name of a container that DNS does not know,
// for host.docker.internal, and for an address of a container that has another one on a network of this process.
func (h *Host) Resolve(ctx context.Context, host string) (ip netip.Addr, ok bool) {
	v := h.view.Load()
	if strings.EqualFold(strings.TrimSuffix(host, "."), hostName) {
		return first(h.hostAddresses(ctx, "tcp", v))
	}
	me, inContainer := h.Self()
	if ip, err := netip.ParseAddr(host); err == nil {
		c, known := v.at(ip.Unmap())
		if shared := near(me, c); known && inContainer && !slices.Contains(shared, ip.Unmap()) {
			return first(shared)
		}
		return ip, false
	}
	named := v.named(host)
	if len(named) == 0 {
		return ip, false
	}
	if ips, err := h.lookup(ctx, "tcp", host); err == nil && len(ips) > 0 {
		return ip, false // as for DialContext, DNS takes precedence
	}
	for _, c := range named {
		if ip, ok := first(near(me, c)); ok && inContainer {
			return ip, true
		}
	}
	return first(h.reachable(named[0], v))
}

func first(addrs []netip.Addr) (ip netip.Addr, ok bool) {
	if len(addrs) == 0 {
		return ip, false
	}
	return addrs[0], true
}

// dialContainer tries the addresses of a container, those on shared networks first.
func (h *Host) dialContainer(ctx context.Context, network string, addrs []netip.Addr, port string, c Container) (net.Conn, error) {
	me, ok := h.Self()
	if ok {
		shared := near(me, c)
		slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return -compareBool(slices.Contains(shared, a), slices.Contains(shared, b)) })
	}
	if !h.Apart(c) {
		return h.dialAny(ctx, network, addrs, port)
	}
	// Docker drops packets between bridge networks, so this would run into the scrape timeout, which does not show the reason.
	// Use only part of the time, so that some is left to report it.
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	conn, err := h.dialAny(ctx, network, addrs, port)
	if err != nil {
		return nil, fmt.Errorf("container %s is only on %s, and Ausguck is on %s: %w", c.Name, networkNames(c), networkNames(me), err)
	}
	return conn, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func networkNames(c Container) string {
	if len(c.Networks) == 0 {
		return "no network"
	}
	return strings.Join(c.Networks, ", ")
}

// onHost reports whether a container uses the host's network, directly or through another container.
func onHost(c Container) bool { return slices.Contains(c.Addresses, loopback) }

// Self returns the container that this process runs in; ok is false if it does not run in one, or the engine does not know it.
func (h *Host) Self() (c Container, ok bool) {
	if !h.self.inContainer || h.self.id == "" {
		return Container{}, false
	}
	return h.view.Load().find(h.self.id)
}

// Apart reports whether a container is only reachable over networks that the container of this process is not on.
func (h *Host) Apart(c Container) bool {
	self, ok := h.Self()
	if !ok || self.NetworkMode == "host" || c.ID == self.ID || onHost(c) || len(c.Networks) == 0 {
		return false
	}
	return len(near(self, c)) == 0
}

func (h *Host) lookup(ctx context.Context, network, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, h.timing.lookup)
	defer cancel()
	family := "ip"
	switch network {
	case "tcp4", "udp4":
		family = "ip4"
	case "tcp6", "udp6":
		family = "ip6"
	}
	return h.dialer.Resolver.LookupNetIP(ctx, family, host)
}

// reachable returns the addresses at which this process can dial a container.
func (h *Host) reachable(c Container, v *view) []netip.Addr {
	if !onHost(c) || !h.self.inContainer || !h.self.gateway.IsValid() {
		return c.Addresses
	}
	me, ok := v.find(h.self.id)
	switch {
	case !ok: // our own network mode is unknown: try both addresses of the host
		return append(slices.Clone(c.Addresses), h.self.gateway)
	case me.NetworkMode == "host":
		return c.Addresses
	default: // the loopback address is our own
		return []netip.Addr{h.self.gateway}
	}
}

// dialAny tries the addresses in turn, each with its share of the remaining time.
func (h *Host) dialAny(ctx context.Context, network string, addrs []netip.Addr, port string) (net.Conn, error) {
	var failed error
	for i, a := range addrs {
		conn, err := h.dialShare(ctx, network, net.JoinHostPort(a.String(), port), len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		if failed == nil {
			failed = err
		} else { // on one line, because it is shown as a target's last error
			failed = fmt.Errorf("%w; %w", failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

func (h *Host) dialShare(ctx context.Context, network, addr string, shares int) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok && shares > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(shares))
		defer cancel()
	} else if shares > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
	}
	return h.dialer.DialContext(ctx, network, addr)
}

// whyUnknown completes "lookup x: no such host, and …".
func (h *Host) whyUnknown() string {
	if s := h.Status(); !s.Connected {
		return "Docker cannot be queried: " + s.Reason
	}
	return "no running Docker container has that name"
}

// notFound returns the DNS error if the name is unknown or the resolver is temporarily failing.
func notFound(err error) *net.DNSError {
	var dns *net.DNSError
	if errors.As(err, &dns) && (dns.IsNotFound || dns.IsTemporary || dns.IsTimeout) {
		return dns
	}
	return nil
}

func without(addrs []netip.Addr, a netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(addrs), func(x netip.Addr) bool { return x == a })
}
