package dockerhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// lookupError is what a user reads as a target's last error when neither DNS nor Docker knows its name.
type lookupError struct {
	host string
	dns  *net.DNSError
	why  string
}

func (e *lookupError) Error() string {
	return fmt.Sprintf("lookup %s: %s, and %s", e.host, e.dns.Err, e.why)
}

func (e *lookupError) Unwrap() error { return e.dns }

// DialContext dials like net.Dialer, and in addition finds names that DNS does not know among the running
// containers (container name, compose service, network alias, hostname) and tries a container's other addresses
// when the given one does not answer.
func (h *Host) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("dial %q: %w", addr, err)
	}
	v := h.view.Load()
	if ip, err := netip.ParseAddr(host); err == nil {
		others := []netip.Addr{ip}
		if c, ok := v.at(ip.Unmap()); ok {
			others = append(others, without(c.Addresses, ip.Unmap())...)
		}
		return h.dialAny(ctx, network, others, port)
	}
	named := v.named(host)
	if len(named) == 0 {
		conn, err := h.dialer.DialContext(ctx, network, addr)
		if dns := notFound(err); dns != nil {
			return nil, &lookupError{host: host, dns: dns, why: h.whyUnknown()}
		}
		return conn, err
	}
	// DNS comes first, so that what resolves keeps meaning the same. It gets a share of the time only: a
	// resolver that does not answer must not eat the scrape timeout of a container that Docker knows.
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
	conn, err := h.dialAny(ctx, network, candidates, port)
	if err != nil {
		return nil, fmt.Errorf("dial container %s: %w", named[0].Name, err)
	}
	return conn, nil
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

// reachable returns the addresses at which a container can be dialled from where this process runs.
func (h *Host) reachable(c Container, v *view) []netip.Addr {
	onHost := slices.ContainsFunc(c.Addresses, netip.Addr.IsLoopback)
	if !onHost || !h.self.inContainer || !h.self.gateway.IsValid() {
		return c.Addresses
	}
	me, ok := v.find(h.self.id)
	switch {
	case !ok: // we do not know our own network: the host may be either
		return append(slices.Clone(c.Addresses), h.self.gateway)
	case me.NetworkMode == "host":
		return c.Addresses
	default: // the loopback address would be our own
		return []netip.Addr{h.self.gateway}
	}
}

// dialAny tries the addresses in turn, each with its share of the time that is left.
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
		return "Docker cannot be asked: " + s.Reason
	}
	return "no running Docker container has that name"
}

// notFound returns the DNS error when the name is unknown or the resolver does not work at the moment.
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
