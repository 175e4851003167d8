package httpserver

import (
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// writeTimeout is how long a client may take to receive writeChunk bytes of a response. This distinguishes a client that does
	// not read from a slow one; a fixed deadline for the whole response would cut off long ones.
	writeTimeout = 30 * time.Second
	writeChunk   = 64 << 10
)

// conn is an accepted connection. It releases its slot when it is closed, and aborts writes that its client does not read.
type conn struct {
	net.Conn
	slots    *slots
	listener *slotListener
	address  netip.Addr
	// extra is set if it was accepted although all ordinary slots are taken.
	extra bool
	// since is when the server began to wait for the client, by the kind of waiting, in nanoseconds of Unix time; 0 means that it
	// is not waiting.
	since [kindsOfWaiting]atomic.Int64

	mtx sync.Mutex
	// served is the number of HTTP/2 streams whose handlers are running and not waiting for the client.
	served int
	// deadline is the write deadline that callers have set.
	deadline time.Time
}

// waitFor sets the kinds of waiting; all others end.
func (c *conn) waitFor(kinds ...waiting) {
	for kind := range c.since {
		c.since[kind].Store(0)
	}
	for _, kind := range kinds {
		c.since[kind].Store(c.slots.now().UnixNano())
	}
}

// serving counts streams. While there are none, the server counts as waiting for the client, whatever happens on the connection.
func (c *conn) serving(n int) {
	if c == nil {
		return
	}
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.served += n
	since := int64(0)
	if c.served == 0 {
		since = c.slots.now().UnixNano()
	}
	c.since[forStreams].Store(since)
}

// Close closes the connection and releases the slot.
func (c *conn) Close() error {
	c.slots.mtx.Lock()
	c.slots.drop(c)
	c.slots.mtx.Unlock()
	return c.Conn.Close()
}

// Write fails if the client does not receive a chunk of the response in time.
func (c *conn) Write(p []byte) (n int, err error) {
	defer c.since[forReader].Store(0)
	for {
		part := p[n:min(n+writeChunk, len(p))]
		now := c.slots.now()
		c.since[forReader].Store(now.UnixNano())
		if err := c.Conn.SetWriteDeadline(c.writeDeadline(now)); err != nil {
			return n, err
		}
		m, err := c.Conn.Write(part)
		n += m
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// writeDeadline returns the earlier of our own deadline and the one that callers have set.
func (c *conn) writeDeadline(now time.Time) time.Time {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	own := now.Add(writeTimeout)
	if c.deadline.IsZero() || own.Before(c.deadline) {
		return own
	}
	return c.deadline
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mtx.Lock()
	c.deadline = t
	c.mtx.Unlock()
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

// connOf returns our connection below one that net/http serves, or nil if there is none.
func connOf(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}
