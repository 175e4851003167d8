package httpserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// proxies are the networks of proxies whose headers about the client are trusted.
type proxies []netip.Prefix

// ParseProxies parses addresses and networks that are separated by commas or spaces.
func ParseProxies(text string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		if ip, err := netip.ParseAddr(one); err == nil {
			list = append(list, netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(one)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an IP address nor a network such as 10.0.0.0/8", one)
		}
		list = append(list, network.Masked())
	}
	return list, nil
}

func (p proxies) trust(ip netip.Addr) bool {
	for _, network := range p {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}

// forwarding are the headers in which proxies describe the client.
var forwarding = []string{
	"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Forwarded-Scheme",
	"X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded-User", "X-Original-Url", "X-Rewrite-Url", "X-Real-Ip",
}

// tellClient sets r.RemoteAddr to the client's address. The headers of a trusted proxy are used; those from anyone else are
// removed, so that no handler sees them. It reports whether a proxy sent the request.
func (p proxies) tellClient(r *http.Request) (forwarded, trusted bool) {
	for _, name := range forwarding {
		if _, ok := r.Header[name]; ok {
			forwarded = true
		}
	}
	if !forwarded {
		return false, false
	}
	peer, ok := peerOf(r)
	if !ok || !p.trust(peer) {
		for _, name := range forwarding {
			r.Header.Del(name)
		}
		return true, false
	}
	// From right to left: each proxy appends the address that it has seen, and anyone can forge what precedes the last trusted
	// one.
	client := peer
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = hop.Unmap().WithZone("")
		if !p.trust(client) {
			break
		}
	}
	if client != peer {
		r.RemoteAddr = net.JoinHostPort(client.String(), "0")
	}
	return true, true
}

func peerOf(r *http.Request) (netip.Addr, bool) {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	return address.Addr().Unmap().WithZone(""), err == nil
}

// unnamedProxies records which untrusted proxies have been logged.
type unnamedProxies struct {
	mtx  sync.Mutex
	told map[netip.Addr]bool
}

// first reports whether the peer is to be logged for the first time; if there are many peers, only for some of them.
func (u *unnamedProxies) first(peer netip.Addr) bool {
	u.mtx.Lock()
	defer u.mtx.Unlock()
	if u.told[peer] || len(u.told) >= 10 {
		return false
	}
	if u.told == nil {
		u.told = map[netip.Addr]bool{}
	}
	u.told[peer] = true
	return true
}

type requestKey struct{}

// requestInfo is what the listener knows about a request.
type requestInfo struct {
	conn      *conn
	leash     *leash
	forwarded bool
}

func infoOf(ctx context.Context) *requestInfo {
	info, _ := ctx.Value(requestKey{}).(*requestInfo)
	return info
}

// OnLoopback reports whether the request arrived at a listener that only this machine can reach.
func OnLoopback(r *http.Request) bool {
	info := infoOf(r.Context())
	return info != nil && info.conn != nil && info.conn.listener.loopback()
}

// FromThisMachine reports whether the request arrived at a listener that only this machine can reach, and not through a proxy.
func FromThisMachine(r *http.Request) bool {
	return OnLoopback(r) && !infoOf(r.Context()).forwarded
}

// Authenticated tells the listener that the client is authenticated: its request may now take the whole read timeout instead of
// unauthenticatedTimeout.
func Authenticated(r *http.Request) {
	if info := infoOf(r.Context()); info != nil && info.leash != nil {
		info.leash.authenticated.Store(true)
	}
}
