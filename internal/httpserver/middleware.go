package httpserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"
)

// wrap adds to h what applies to every request: the client's address, time limits, recovery, metrics and the access log. It is
// the outermost handler, so that requests rejected for their credentials are also counted and logged.
func (s *Server) wrap(name string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		r, done := s.receive(w, r)
		defer done()
		rec := &recorder{ResponseWriter: w}
		if r.ProtoMajor > 1 {
			rec.stream = newStream(w, r)
			defer rec.stream.end()
		}
		defer func() {
			cause := recover()
			if cause != nil && !isAbort(cause) {
				s.metrics.panics.Inc()
				s.logger.Error("Handler panicked", "listener", name, "method", r.Method, "path", s.opts.LogPath(r.URL.Path), "err", cause, "stack", string(debug.Stack()))
				if rec.code == 0 {
					http.Error(rec, "internal error; the log has the details", http.StatusInternalServerError)
					cause = nil
				} else {
					// It is too late for a status: only a broken connection can signal the error.
					cause = http.ErrAbortHandler
				}
			}
			s.observe(name, r, rec, time.Since(start))
			if cause != nil {
				panic(cause)
			}
		}()
		if !served(w, r) {
			http.Error(rec, "too many connections; try again later", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(rec.withOptional(), r)
	})
}

// receive determines the sender of the request and limits how long its body may take.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (_ *http.Request, done func()) {
	info := &requestInfo{}
	info.conn, _ = r.Context().Value(connKey{}).(*conn)
	r = r.WithContext(context.WithValue(r.Context(), requestKey{}, info))
	peer, _ := peerOf(r)
	var trusted bool
	if info.forwarded, trusted = s.proxies.tellClient(r); info.forwarded && !trusted && s.unnamed.first(peer) {
		s.logger.Warn("Ignoring the forwarding headers of an untrusted proxy: all its clients count as one. If it is yours, add it to --web.trusted-proxies", "address", peer)
	}
	info.leash, done = s.leashBody(w, r, info.conn)
	return r, done
}

// served reports whether the request may be served. On one of the extra slots, only health checks and requests of this machine to
// the main address are.
func served(w http.ResponseWriter, r *http.Request) bool {
	info := infoOf(r.Context())
	if info.conn == nil || !info.conn.extra {
		return true
	}
	w.Header().Set("Connection", "close")
	if isHealth(r) || info.conn.listener.main && info.conn.address.IsLoopback() {
		return true
	}
	w.Header().Set("Retry-After", "5")
	return false
}

// isAbort detects the panic by which a handler makes net/http abort the connection.
func isAbort(cause any) bool {
	err, ok := cause.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

func (s *Server) observe(name string, r *http.Request, rec *recorder, d time.Duration) {
	code := rec.code
	if code == 0 {
		code = http.StatusOK // net/http sends this if the handler wrote nothing
	}
	s.metrics.observe(name, r.Method, code, d)
	if s.opts.AccessLog {
		// Without the query, which may contain a token.
		s.logger.Debug("Request served", "listener", name, "remote", r.RemoteAddr, "method", r.Method,
			"path", s.opts.LogPath(r.URL.Path), "code", code, "bytes", rec.bytes, "duration", d)
	}
}

// secure sets headers that suit every response; web.yml and handlers may override them.
func secure(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("X-Frame-Options", "deny")
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
		h.ServeHTTP(w, r)
	})
}

// recorder records the status of a response and counts its bytes.
type recorder struct {
	http.ResponseWriter
	code   int
	bytes  int64
	stream *stream // nil if the request does not share its connection
}

// Unwrap supports http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader records the final status; 1xx responses precede it.
func (r *recorder) WriteHeader(code int) {
	if r.code == 0 && code >= 200 || code == http.StatusSwitchingProtocols {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

// Write counts the bytes.
func (r *recorder) Write(b []byte) (int, error) {
	r.implied()
	var n int
	var err error
	if r.stream != nil {
		n, err = r.stream.write(b)
	} else {
		n, err = r.ResponseWriter.Write(b)
	}
	r.bytes += int64(n)
	return n, err
}

// ReadFrom keeps the wrapped writer's fast path for files.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	r.implied()
	if r.stream != nil {
		return io.Copy(writeOnly{r}, src) // counts the bytes
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// writeOnly hides ReadFrom, to avoid recursion.
type writeOnly struct{ io.Writer }

func (r *recorder) implied() {
	if r.code == 0 {
		r.code = http.StatusOK
	}
}

// withOptional returns a writer that supports flushing and hijacking exactly if the wrapped one does: upstream handlers use type
// assertions, and a wrong answer would make them fail in the middle of a response.
func (r *recorder) withOptional() http.ResponseWriter {
	flusher, canFlush := r.ResponseWriter.(http.Flusher)
	_, canHijack := r.ResponseWriter.(http.Hijacker)
	switch {
	case canFlush && canHijack:
		return &struct {
			*recorder
			flush
			hijack
		}{r, flush{r, flusher}, hijack{r}}
	case canFlush:
		return &struct {
			*recorder
			flush
		}{r, flush{r, flusher}}
	}
	return r
}

type flush struct {
	rec     *recorder
	flusher http.Flusher
}

// Flush sends the buffered data, with status 200 if none was set.
func (f flush) Flush() {
	f.rec.implied()
	if f.rec.stream != nil {
		f.rec.stream.waitFor(func() { f.flusher.Flush() })
		return
	}
	f.flusher.Flush()
}

type hijack struct{ rec *recorder }

// Hijack takes over the connection; the request is counted as 101.
func (h hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := h.rec.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("hijack connection: %w", err)
	}
	h.rec.code = http.StatusSwitchingProtocols
	return c, rw, nil
}
