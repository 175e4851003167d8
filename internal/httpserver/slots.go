package httpserver

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// extraSlots are reserved for health checks and for this machine's own requests to the main address when all others are taken.
const extraSlots = 16

// waiting is what the server waits for from a client.
type waiting int

const (
	forRequest waiting = iota // the next one on a persistent connection
	forHeader
	forBody
	forReader // to receive more of a response
	forStreams
	kindsOfWaiting
)

// patience is how long the server waits for a client before it may close the connection in favor of another one. Closing an idle
// connection only costs its client a new handshake, so it may be closed immediately.
var patience = [kindsOfWaiting]time.Duration{forHeader: 250 * time.Millisecond, forBody: time.Second, forReader: 250 * time.Millisecond, forStreams: 250 * time.Millisecond}

// reasons are the metric's labels for closed connections, reasonRefused for those that got no slot.
var reasons = [kindsOfWaiting]string{"idle", "slow_header", "slow_body", "slow_reader", "slow_streams"}

const reasonRefused = "refused"

// slots decides which connections are open. All listeners share it, so that the limit applies to the process.
//
// A connection that finds no free slot takes that of a client that keeps the server waiting: one that is idle, has not sent its
// request, or does not read its response. Requests that are being served are never cut off.
type slots struct {
	max int
	// shared is how many slots the well-known ports may use in total: the rest is reserved for the main address.
	shared int
	// perAddress limits the connections from one address, except for this machine's own and those of trusted proxies.
	perAddress int
	proxies    proxies
	closed     *prometheus.CounterVec
	now        func() time.Time

	mtx       sync.Mutex
	open      map[*conn]struct{}
	byAddress map[netip.Addr]int
	wellKnown int
}

func newSlots(limit int, trusted proxies, closed *prometheus.CounterVec) *slots {
	return &slots{
		max: limit, shared: max(1, limit*3/4), perAddress: max(1, limit/2), proxies: trusted, closed: closed, now: time.Now,
		open: map[*conn]struct{}{}, byAddress: map[netip.Addr]int{},
	}
}

// admit assigns a slot to c and returns the connection to serve, or nil if there is no slot.
func (s *slots) admit(c net.Conn, listener *slotListener) *conn {
	admitted := &conn{Conn: c, slots: s, listener: listener, address: addressOf(c.RemoteAddr())}
	admitted.waitFor(forHeader)
	s.mtx.Lock()
	victim, ok := s.place(admitted)
	if ok {
		s.open[admitted] = struct{}{}
	}
	s.mtx.Unlock()
	if victim != nil {
		_ = victim.Conn.Close() // its handler gets an error from its next read or write
	}
	if !ok {
		s.closed.WithLabelValues(reasonRefused).Inc()
		return nil
	}
	return admitted
}

// place counts c and returns the connection whose slot it takes, if any. The caller holds the lock.
func (s *slots) place(c *conn) (victim *conn, ok bool) {
	mayTake := func(*conn) bool { return true }
	switch {
	case !c.address.IsLoopback() && !s.proxies.trust(c.address) && s.byAddress[c.address] >= s.perAddress:
		mayTake = func(other *conn) bool { return other.address == c.address }
	case !c.listener.main && s.wellKnown >= s.shared:
		mayTake = func(other *conn) bool { return !other.listener.main }
	case len(s.open) < s.max:
		s.count(c, 1)
		return nil, true
	}
	if victim, why := s.victim(mayTake); victim != nil {
		s.drop(victim)
		s.closed.WithLabelValues(reasons[why]).Inc()
		s.count(c, 1)
		return victim, true
	}
	if len(s.open) < s.max+extraSlots {
		c.extra = true
		s.count(c, 1)
		return nil, true
	}
	return nil, false
}

// victim returns the connection that has kept the server waiting the longest, among those of the address with the most such
// connections, and what the server is waiting for.
func (s *slots) victim(mayTake func(*conn) bool) (found *conn, why waiting) {
	now := s.now()
	var longest time.Duration
	for c := range s.open {
		if !mayTake(c) {
			continue
		}
		for kind := range kindsOfWaiting {
			since := c.since[kind].Load()
			lasted := now.Sub(time.Unix(0, since))
			if since == 0 || lasted < patience[kind] {
				continue
			}
			if found == nil || s.byAddress[c.address] > s.byAddress[found.address] || s.byAddress[c.address] == s.byAddress[found.address] && lasted > longest {
				found, why, longest = c, kind, lasted
			}
		}
	}
	return found, why
}

// count adds n connections like c.
func (s *slots) count(c *conn, n int) {
	if s.byAddress[c.address] += n; s.byAddress[c.address] == 0 {
		delete(s.byAddress, c.address)
	}
	if !c.listener.main {
		s.wellKnown += n
	}
}

// drop releases the slot of c once. The caller holds the lock.
func (s *slots) drop(c *conn) {
	if _, open := s.open[c]; open {
		delete(s.open, c)
		s.count(c, -1)
	}
}

// slotListener accepts the connections that get a slot and closes all others: a connection waiting for a slot would block those
// behind it.
type slotListener struct {
	net.Listener
	slots *slots
	// main is set for the main address, which has reserved slots.
	main bool
}

// Accept implements net.Listener.
func (l *slotListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := l.slots.admit(c, l); admitted != nil {
			return admitted, nil
		}
		_ = c.Close()
	}
}

// loopback reports whether only this machine can reach the listener.
func (l *slotListener) loopback() bool { return addressOf(l.Addr()).IsLoopback() }

// onState tracks the state of a connection in net/http.
func (s *slots) onState(c net.Conn, state http.ConnState) {
	own := connOf(c)
	if own == nil {
		return
	}
	switch state {
	case http.StateActive, http.StateHijacked:
		own.waitFor()
	case http.StateIdle:
		own.waitFor(forRequest)
	}
}

// addressOf returns the address that identifies a client: all addresses of an IPv6 /64 network count as one.
func addressOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() && !ip.IsLoopback() {
		if network, err := ip.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return ip
}
