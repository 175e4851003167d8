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

// dockerPort is where an engine listens that anybody may ask.
const dockerPort = 2375

var errDocker = errors.New("a data source cannot query a Docker engine: access to the engine is equivalent to root on its host")

// noDocker dials for data sources, whose addresses and requests people choose.
type noDocker struct {
	host *dockerhost.Host // nil when none is asked
	next inproc.DialContextFunc
}

func (d noDocker) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.next(ctx, network, address)
	if err != nil {
		return nil, err
	}
	// The address that answers counts, and not its name, which may lead to another one the next time.
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
		return true // with its port; better none of that port than the engine
	}
	return slices.ContainsFunc(addresses, func(a netip.Addr) bool {
		return a.Unmap() == remote.Addr().Unmap() || isOwn(a) && isOwn(remote.Addr())
	})
}

// isOwn reports whether an address is this machine's.
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
