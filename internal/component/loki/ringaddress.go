package loki

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/go-kit/log"
	"github.com/grafana/dskit/netutil"
	"github.com/grafana/dskit/ring"
)

// ringAddress returns the address at which the other members of the ring reach the ingester, as upstream determines it, or "".
func ringAddress(c *Config) string {
	lifecycler := c.Ingester.LifecyclerConfig
	host, err := ring.GetInstanceAddr(lifecycler.Addr, lifecycler.InfNames, log.NewNopLogger(), lifecycler.EnableInet6)
	if err != nil {
		return "" // upstream's module reports it
	}
	return net.JoinHostPort(host, strconv.Itoa(ring.GetInstancePort(lifecycler.Port, c.Server.GRPCListenPort)))
}

// warnAboutRingAddress says that the other members of the ring cannot reach the address of this one, or that it may not be the one that
// is meant: on a host with a public address and Docker, upstream chooses the address of Docker's bridge, which all hosts have.
func (c *Config) warnAboutRingAddress(doc document) {
	if !c.cluster {
		return
	}
	lifecycler := c.Ingester.LifecyclerConfig
	if lifecycler.Addr != "" {
		if ip, err := netip.ParseAddr(lifecycler.Addr); lifecycler.Addr == "localhost" || err == nil && (ip.IsLoopback() || ip.IsUnspecified()) {
			c.warn("common.instance_addr: the other members of the ring cannot reach this one at %s: set an address of this host, or common.instance_interface_names", lifecycler.Addr)
		}
		return
	}
	for _, option := range []string{"common.instance_interface_names", "common.ring.instance_interface_names", "ingester.lifecycler.interface_names"} {
		if doc.has(option) {
			return
		}
	}
	c.warnAboutAddresses(lifecycler.InfNames, func(name string) (string, error) {
		return netutil.GetFirstAddressOf([]string{name}, log.NewNopLogger(), lifecycler.EnableInet6)
	})
}

// warnAboutAddresses says which of several addresses the other members of the ring get, if there is more than one.
func (c *Config) warnAboutAddresses(interfaces []string, addressOf func(name string) (string, error)) {
	var found []string
	for _, name := range interfaces {
		if address, err := addressOf(name); err == nil {
			found = append(found, address+" of "+name)
		}
	}
	if len(found) > 1 {
		c.warn("common.instance_interface_names is not set: the other members of the ring get the address %s, not %s; name the interface that they reach",
			found[0], strings.Join(found[1:], ", "))
	}
}
