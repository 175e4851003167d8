// Package inproc connects parts of the process by HTTP without a socket.
//
// A Listener is served by an ordinary http.Server; a Dialer connects the well-known host names of the separate containers
// (`node-exporter:9100`) to such listeners, so that configuration files written for them work unchanged. It imports only the
// standard library; every part may import it.
package inproc

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
)

// Listener is a net.Listener whose connections are created in memory by DialContext.
type Listener struct {
	name   addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*Listener)(nil)

// NewListener returns a listener; its Addr returns name.
func NewListener(name string) *Listener {
	return &Listener{name: addr(name), conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for the next DialContext. It returns net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close makes pending and later calls of Accept and DialContext fail. Existing connections stay open.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns the name of the listener on the network "inproc".
func (l *Listener) Addr() net.Addr { return l.name }

// DialContext returns the client's end of a new connection; network and address are ignored.
// It blocks until the listener is served, closed, or ctx ends.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.dial(ctx, l.name)
}

// dial creates a connection; the server sees remote as the client's address.
func (l *Listener) dial(ctx context.Context, remote addr) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- conn{server, l.name, remote}:
		return clientConn{client}, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: l.name.Network(), Addr: l.name, Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: l.name.Network(), Addr: l.name, Err: ctx.Err()}
	}
}

// conn has meaningful addresses, because those of net.Pipe are just "pipe".
type conn struct {
	net.Conn
	local, remote addr
}

func (c conn) LocalAddr() net.Addr  { return c.local }
func (c conn) RemoteAddr() net.Addr { return c.remote }

// clientConn accepts writes after the server has closed the connection, as TCP does. A server may respond before it has read the
// whole request; net.Pipe would fail the write, and an http.Transport would return that error instead of the response.
type clientConn struct{ net.Conn }

func (c clientConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, io.ErrClosedPipe) {
		return len(p), nil
	}
	return n, err
}

type addr string

func (addr) Network() string  { return "inproc" }
func (a addr) String() string { return string(a) }

// DialContextFunc is the signature of net.Dialer.DialContext.
type DialContextFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Dialer dials some addresses in memory and passes all others on.
type Dialer struct {
	names map[string]*Listener
	next  DialContextFunc
}

// NewDialer returns a dialer that connects the given "host:port" addresses to their listeners and passes all others to next.
func NewDialer(names map[string]*Listener, next DialContextFunc) *Dialer {
	return &Dialer{names: maps.Clone(names), next: next}
}

// DialContext implements DialContextFunc.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if l, ok := d.names[address]; ok {
		return l.DialContext(ctx, network, address)
	}
	return d.next(ctx, network, address)
}

// Names returns the addresses that are dialed in memory, sorted.
func (d *Dialer) Names() []string {
	return slices.Sorted(maps.Keys(d.names))
}
