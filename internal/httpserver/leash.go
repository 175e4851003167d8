package httpserver

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// unauthenticatedTimeout is how long the request of an unauthenticated client may take to arrive.
	unauthenticatedTimeout = 15 * time.Second
	// bodyTimeout is how long an authenticated client may pause in the middle of a body.
	bodyTimeout = 15 * time.Second
	// restTimeout is how long the part of a body that a handler has not read may take to arrive: net/http reads it before it
	// responds.
	restTimeout = 5 * time.Second
)

// leash limits how long a handler waits for the body of a request. A deadline is only set while the handler reads: if it expired
// while the handler is working, net/http would conclude that the client had disconnected.
type leash struct {
	io.ReadCloser
	control *http.ResponseController
	conn    *conn
	// shared is set if several requests share the connection.
	shared bool
	// begin is when the header had arrived, total how long the whole request may take.
	begin         time.Time
	total         time.Duration
	authenticated atomic.Bool
	// complete is set once the whole body has been read, failed once reading has been abandoned.
	complete, failed atomic.Bool
}

// leashBody wraps the request's body in a leash; done must be called after the handler returns.
func (s *Server) leashBody(w http.ResponseWriter, r *http.Request, c *conn) (l *leash, done func()) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, func() {}
	}
	l = &leash{ReadCloser: r.Body, control: http.NewResponseController(w), conn: c, shared: r.ProtoMajor > 1, begin: time.Now(), total: s.opts.ReadTimeout}
	l.setDeadline(l.begin.Add(min(unauthenticatedTimeout, l.total)))
	r.Body = l
	return l, l.end
}

// end is called after the handler returns. net/http reads the rest of the body, which must arrive promptly.
func (l *leash) end() {
	if l.complete.Load() {
		return
	}
	rest := min(restTimeout, l.total)
	if l.failed.Load() {
		rest = 0
	}
	l.setDeadline(time.Now().Add(rest))
	if l.conn != nil && !l.shared {
		l.conn.since[forBody].Store(l.begin.UnixNano()) // until net/http reports the connection as idle
	}
}

// Read implements io.Reader.
func (l *leash) Read(p []byte) (int, error) {
	now := time.Now()
	deadline := l.begin.Add(min(unauthenticatedTimeout, l.total))
	if l.authenticated.Load() {
		deadline = now.Add(bodyTimeout)
		if end := l.begin.Add(l.total); end.Before(deadline) {
			deadline = end
		}
	}
	l.setDeadline(deadline)
	switch {
	case l.conn == nil:
	case l.shared:
		l.conn.serving(-1)
		defer l.conn.serving(1)
	default:
		// Measured from the beginning of the request: a client that sends a byte now and then keeps the server waiting as well.
		l.conn.since[forBody].Store(l.begin.UnixNano())
		defer l.conn.since[forBody].Store(0)
	}
	n, err := l.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		l.complete.Store(true)
		l.setDeadline(time.Time{}) // the server waits for nothing any more
	case err != nil:
		l.failed.Store(true)
	}
	return n, err
}

// setDeadline does nothing for a hijacked connection.
func (l *leash) setDeadline(t time.Time) { _ = l.control.SetReadDeadline(t) }
