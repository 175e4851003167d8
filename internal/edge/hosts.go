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
	// private lets through what no other site can be called: IP addresses, and names that no public DNS server has.
	private bool
}

// dockerNames are those of the host in containers of Docker and Podman, which no DNS server has.
var dockerNames = []string{"host.docker.internal", "gateway.docker.internal", "host.containers.internal"}

// privateSuffixes are those that public DNS does not have.
var privateSuffixes = []string{".local", ".lan", ".internal", ".home.arpa", ".localdomain", ".intranet", ".corp", ".home"}

// NewHosts returns loopback's names and the given ones, of which those that begin with "*." stand for all names below.
// With private, IP addresses and names of private networks are allowed too, as it is right for a port that other machines reach.
func NewHosts(private bool, names ...string) *Hosts {
	h := &Hosts{names: map[string]bool{"localhost": true, "": true}, suffixes: []string{".localhost"}, private: private}
	if private {
		h.suffixes = append(h.suffixes, privateSuffixes...)
	}
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
		return h.private || ip.Unmap().IsLoopback() || h.names[name]
	}
	if h.names[name] || h.private && isSingleLabel(name) {
		return true
	}
	for _, suffix := range h.suffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// isSingleLabel reports whether a name is one of a container or of a host in the same domain. Digits alone may be an address
// in an old notation.
func isSingleLabel(name string) bool {
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == "" && strings.Trim(name, "0123456789abcdefx") != ""
}

// hostName returns the name of a host with or without a port, in lower case, without brackets and without the dot of DNS
// at its end.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}
