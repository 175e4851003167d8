package edge

import (
	"net"
	"net/netip"
	"strings"
)

// Hosts are the names under which a port without credentials answers. A page of another site can lead a name of its own
// to 127.0.0.1 ("DNS rebinding"); its browser then takes our answers for that site's, but says the name in Host.
type Hosts struct {
	names    map[string]bool
	suffixes []string
	// addresses lets every IP address through: no name leads to it.
	addresses bool
}

// dockerNames are those of the host in containers of Docker and Podman, which no DNS server has.
var dockerNames = []string{"host.docker.internal", "gateway.docker.internal", "host.containers.internal"}

// NewHosts returns loopback's names and the given ones, of which those that begin with "*." stand for all names below.
// With addresses, every IP address is allowed too, as it is right for a port that other machines reach.
func NewHosts(addresses bool, names ...string) *Hosts {
	h := &Hosts{names: map[string]bool{"localhost": true, "": true}, suffixes: []string{".localhost"}, addresses: addresses}
	for _, name := range append(names, dockerNames...) {
		name = hostName(name)
		if below, ok := strings.CutPrefix(name, "*"); ok && strings.HasPrefix(below, ".") {
			h.suffixes = append(h.suffixes, below)
			continue
		}
		h.names[name] = true
	}
	return h
}

// Allows reports whether a Host header has one of the names. An empty one is no browser's.
func (h *Hosts) Allows(host string) bool {
	name := hostName(host)
	if ip, err := netip.ParseAddr(name); err == nil {
		return h.addresses || ip.Unmap().IsLoopback() || h.names[name]
	}
	if h.names[name] {
		return true
	}
	for _, suffix := range h.suffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// hostName returns the name of a host with or without a port, in lower case, without brackets and without the dot of DNS
// at its end.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}
