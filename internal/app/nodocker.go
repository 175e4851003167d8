package app

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/ausguck/ausguck/internal/dockerhost"
	"github.com/ausguck/ausguck/internal/inproc"
)

// dockerPort is the port of an engine that requires no credentials.
const dockerPort = 2375

var errDocker = errors.New("a data source cannot query a Docker engine: access to the engine is equivalent to root on its host")

// noDocker dials for data sources, whose addresses and requests are chosen by users, and rejects Docker engines.
type noDocker struct {
	host *dockerhost.Host // nil if no engine is used
	next inproc.DialContextFunc
}

func (d noDocker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.next(ctx, network, address)
	if err != nil {
		return nil, err
	}
	// Check the connected address and not the name, which may resolve to another one next time.
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if ok && d.isEngine(ctx, tcp.AddrPort()) {
		return nil, errors.Join(errDocker, c.Close())
	}
	return c, nil
}

func (d noDocker) isEngine(ctx context.Context, remote netip.AddrPort) bool {
	if remote.Port() == dockerPort {
		return true
	}
	if d.host == nil {
		return false
	}
	address, ok := strings.CutPrefix(d.host.Endpoint(), "tcp://")
	if !ok {
		return false
	}
	name, port, err := net.SplitHostPort(strings.TrimSuffix(address, "/"))
	if err != nil || port != strconv.Itoa(int(remote.Port())) {
		return false
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return true // it has the engine's port; rejecting everything on that port is safer than reaching the engine
	}
	return slices.ContainsFunc(addresses, func(a netip.Addr) bool {
		return a.Unmap() == remote.Addr().Unmap() || isOwn(a) && isOwn(remote.Addr())
	})
}

// isOwn reports whether an address belongs to this machine.
func isOwn(a netip.Addr) bool {
	if a.Unmap().IsLoopback() || a.IsUnspecified() {
		return true
	}
	own, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(own, func(n net.Addr) bool {
		network, err := netip.ParsePrefix(n.String())
		return err == nil && network.Addr() == a.Unmap()
	})
}
