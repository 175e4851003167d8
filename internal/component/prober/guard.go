package prober

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// metadata are addresses outside of the link-local range at which clouds serve the credentials of a machine.
var metadata = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("192.0.0.192"),     // Oracle Cloud
	netip.MustParseAddr("168.63.129.16"),   // Azure
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
}

// embedding are the IPv6 prefixes that contain an IPv4 address, with the byte at which it begins.
var embedding = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // NAT64
	{netip.MustParsePrefix("2002::/16"), 2},     // 6to4
	{netip.MustParsePrefix("::/96"), 12},        // IPv4-compatible
}

// refuseLinkLocal returns an error for link-local addresses and those of cloud metadata, unless allowed contains them.
func refuseLinkLocal(ip netip.Addr, allowed []netip.Prefix) error {
	ip = ip.Unmap().WithZone("")
	for _, e := range embedding {
		if ip.Is6() && !ip.IsLoopback() && e.prefix.Contains(ip) {
			b := ip.As16()
			if err := refuseLinkLocal(netip.AddrFrom4([4]byte(b[e.at:e.at+4])), allowed); err != nil {
				return err
			}
		}
	}
	for _, p := range allowed {
		if p.Contains(ip) {
			return nil
		}
	}
	if ip.IsLinkLocalUnicast() {
		return fmt.Errorf("%s is a link-local address, where clouds serve the credentials of a machine; allow it with --prober.allowed-networks=%s/%d", ip, ip, ip.BitLen())
	}
	for _, m := range metadata {
		if ip == m {
			return fmt.Errorf("%s is the metadata address of a cloud; allow it with --prober.allowed-networks=%s/%d", ip, ip, ip.BitLen())
		}
	}
	return nil
}

// ParseNetworks parses a comma-separated list of networks and addresses.
func ParseNetworks(list string) (networks []netip.Prefix, err error) {
	for text := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if ip, err := netip.ParseAddr(text); err == nil {
			networks = append(networks, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither a network nor an address", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// refusal is the reason why a target is not probed.
type refusal struct{ error }

// refuse returns a refusal if an address must not be probed.
func (p *Prober) refuse(ctx context.Context, to netip.AddrPort) error {
	err := refuseLinkLocal(to.Addr(), p.o.Allowed)
	if err == nil && p.o.Refuse != nil {
		err = p.o.Refuse(ctx, to)
	}
	if err != nil {
		return refusal{err}
	}
	return nil
}

// watched returns a context in which connections to refused addresses end the probe. Upstream offers no hook for its connections,
// but it dials with the context of the probe, and net tells the context's trace each address before it connects: also those
// behind redirects, and those that a name server returns only at its second answer.
func (p *Prober) watched(parent context.Context) (ctx context.Context, refused func() error, done func()) {
	ctx, cancel := context.WithCancelCause(parent)
	returned := make(chan struct{})
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{ConnectStart: func(network, address string) {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !strings.HasPrefix(network, "tcp") {
			return // not a connection to another machine
		}
		if err := p.refuse(parent, to); err != nil {
			cancel(err)
			// HTTP transports dial in a goroutine of their own. Keep it until the request has ended, so that nothing is sent; a
			// prober that dials in its own goroutine fails in connect because of the context.
			select {
			case <-returned:
			case <-time.After(holdRefused):
			}
		}
	}})
	refused = func() error {
		var r refusal
		if err := context.Cause(ctx); errors.As(err, &r) {
			return r
		}
		return nil
	}
	return ctx, refused, sync.OnceFunc(func() {
		close(returned)
		cancel(nil)
	})
}

// holdRefused is how long a refused connection waits for its request to end.
const holdRefused = 500 * time.Millisecond

// hostOf returns the host and port that a prober connects to first; an empty host if it connects to none.
func hostOf(prober, target string) (host, port string) {
	switch prober {
	case "http":
		if !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "https://") {
			target = "http://" + target
		}
		u, err := url.Parse(target)
		if err != nil {
			return "", ""
		}
		port = u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		return u.Hostname(), port
	case "icmp":
		return target, "0"
	case "unix":
		return "", ""
	}
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return target, "53" // only DNS has a default
	}
	return host, port
}

// withHost replaces the host of a target.
func withHost(prober, target, host string) string {
	switch prober {
	case "http":
		if !strings.HasPrefix(target, "http://") && !strings.HasPrefix(target, "https://") {
			target = "http://" + target
		}
		u, err := url.Parse(target)
		if err != nil {
			return target
		}
		if port := u.Port(); port != "" {
			u.Host = net.JoinHostPort(host, port)
		} else if strings.Contains(host, ":") {
			u.Host = "[" + host + "]"
		} else {
			u.Host = host
		}
		return u.String()
	case "icmp":
		return host
	}
	if _, port, err := net.SplitHostPort(target); err == nil {
		return net.JoinHostPort(host, port)
	}
	return host
}
