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
	// writeTimeout is how long a client may take for writeChunk bytes of an answer, so that one that does not read is
	// told from one that is slow: a fixed deadline for a whole answer would cut long ones off.
	writeTimeout = 30 * time.Second
	writeChunk   = 64 << 10
)

// conn is an accepted connection. It gives its slot back when it is closed, and ends writes that its client does not read.
type conn struct {
	net.Conn
	slots    *slots
	listener *slotListener
	address  netip.Addr
	// extra is set for one that was accepted although all ordinary slots are taken.
	extra bool
	// since is when the server began to wait for the client, by what it waits for, in nanoseconds of Unix time; 0 = it does not.
	since [kindsOfWaiting]atomic.Int64

	mtx sync.Mutex
	// served are the streams of HTTP/2 whose handlers work, and do not wait for the client.
	served int
	// deadline is what others have set for writes.
	deadline time.Time
}

// waitFor makes kinds all that the server waits for.
func (c *conn) waitFor(kinds ...waiting) {
	for kind := range c.since {
		c.since[kind].Store(0)
	}
	for _, kind := range kinds {
		c.since[kind].Store(c.slots.now().UnixNano())
	}
}

// serving counts streams. While there are none, whatever happens on the connection waits for the client.
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

// Close gives the slot back.
func (c *conn) Close() error {
	c.slots.mtx.Lock()
	c.slots.drop(c)
	c.slots.mtx.Unlock()
	return c.Conn.Close()
}

// Write fails when the client does not take a part of the answer in time.
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

// writeDeadline is the earlier of our own and the one that was set.
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

// connOf returns our connection below one that net/http serves, nil when there is none.
func connOf(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}
