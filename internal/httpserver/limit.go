package httpserver

import (
	"net"
	"sync"
)

// limitListener hands out a connection only while a slot is free. netutil.LimitListener has a semaphore per
// listener, which would multiply the limit by the number of ports; this one is given the shared slots.
type limitListener struct {
	net.Listener
	slots     chan struct{}
	closed    chan struct{}
	closeOnce sync.Once
}

// Accept waits for a connection and then for a slot: the other way round, idle listeners would hold slots.
func (l *limitListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case l.slots <- struct{}{}:
		return &limitConn{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
	case <-l.closed:
		c.Close()
		return nil, net.ErrClosed
	}
}

// Close also wakes an Accept that waits for a slot.
func (l *limitListener) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitConn struct {
	net.Conn
	release func()
}

// Close gives the slot back.
func (c *limitConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
