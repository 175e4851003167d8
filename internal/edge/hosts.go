package edge

import (
	"net"
	"net/netip"
	"strings"
)

// Hosts are the names for which a port without credentials serves requests. Another site can make its own name resolve to
// 127.0.0.1 ("DNS rebinding"); the browser then treats our responses as that site's, but sends the name in the Host header.
type Hosts struct {
	names    map[string]bool
	suffixes []string
	// private also allows what cannot be another site's name: IP addresses, and names that no public DNS server has.
	private bool
}

// dockerNames are the names of the host in Docker and Podman containers, which no DNS server has.
var dockerNames = []string{"host.docker.internal", "gateway.docker.internal", "host.containers.internal"}

// privateSuffixes are suffixes that do not exist in public DNS.
var privateSuffixes = []string{".local", ".lan", ".internal", ".home.arpa", ".localdomain", ".intranet", ".corp", ".home"}

// NewHosts returns the names of loopback and the given ones. Those that begin with "*." match all names below. With private, IP
// addresses and names of private networks are allowed too, which is right for a port that other machines can reach.
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

// Allows reports whether a Host header has one of the names. An empty one does not come from a browser.
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

// isSingleLabel reports whether a name is that of a container or of a host in the same domain. Digits alone may be an address in
// an old notation.
func isSingleLabel(name string) bool {
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == "" && strings.Trim(name, "0123456789abcdefx") != ""
}

// hostName returns the host name in lower case, without port, brackets and the trailing dot of DNS.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}
