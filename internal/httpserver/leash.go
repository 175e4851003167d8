package httpserver

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// unauthenticatedTimeout is how long the request of a client may take to arrive before it has shown who it is.
	unauthenticatedTimeout = 15 * time.Second
	// bodyTimeout is how long one that has shown it may stay silent in the middle of a body.
	bodyTimeout = 15 * time.Second
	// restTimeout is how long what a handler has not read may take to arrive: net/http reads it before it answers.
	restTimeout = 5 * time.Second
)

// leash bounds how long a handler waits for the body of a request. A deadline runs only while the handler reads: one
// that passes during its work would look to net/http as if the client had gone.
type leash struct {
	io.ReadCloser
	control *http.ResponseController
	conn    *conn
	// shared is set where several requests share the connection.
	shared bool
	// begin is when the header had arrived, total how long the whole request may take.
	begin         time.Time
	total         time.Duration
	authenticated atomic.Bool
	// complete is set when the whole body was read, failed when reading it was given up.
	complete, failed atomic.Bool
}

// leashBody puts a leash on the request's body; done is to be called when the handler has returned.
func (s *Server) leashBody(w http.ResponseWriter, r *http.Request, c *conn) (l *leash, done func()) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, func() {}
	}
	l = &leash{ReadCloser: r.Body, control: http.NewResponseController(w), conn: c, shared: r.ProtoMajor > 1, begin: time.Now(), total: s.opts.ReadTimeout}
	l.setDeadline(l.begin.Add(min(unauthenticatedTimeout, l.total)))
	r.Body = l
	return l, l.end
}

// end is called when the handler has returned. What it has left of the body, net/http reads, and that has to come at once.
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
		l.conn.since[forBody].Store(l.begin.UnixNano()) // until net/http says that the connection is idle
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
		// From the begin of the request: a client that sends a byte now and then keeps the server waiting as well.
		l.conn.since[forBody].Store(l.begin.UnixNano())
		defer l.conn.since[forBody].Store(0)
	}
	n, err := l.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		l.complete.Store(true)
		l.setDeadline(time.Time{}) // nothing is waited for any more
	case err != nil:
		l.failed.Store(true)
	}
	return n, err
}

// setDeadline does nothing for a connection that has been taken over.
func (l *leash) setDeadline(t time.Time) { _ = l.control.SetReadDeadline(t) }
