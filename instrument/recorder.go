package instrument

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"
)

// recorder records the response of a handler. The types in writers.go give it exactly the optional interfaces of inner.
type recorder struct {
	inner    http.ResponseWriter
	request  *http.Request // passed to the handler
	outer    *http.Request // received from the server
	service  *Service
	body     *countedBody // nil if the length is known
	trace    *Trace       // nil without one
	route    string
	start    time.Duration
	written  int64
	status   int // 0 before the header
	stripe   int
	routed   bool
	hijacked bool
	gone     bool
	returned bool // without a panic
	aborted  bool // by panic(http.ErrAbortHandler)
}

func (rec *recorder) core() *recorder { return rec }

// Header returns the header of the response.
func (rec *recorder) Header() http.Header { return rec.inner.Header() }

// Unwrap gives http.ResponseController access to features of the server beyond the interfaces of this writer.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.inner }

// WriteHeader records the final status; those from 100 to 199 only precede one.
func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		rec.header(status)
	}
	rec.inner.WriteHeader(status)
}

func (rec *recorder) header(status int) {
	rec.status = status
	rec.gone = clientGone(rec.outer.Context())
}

// wrote records the result of a writing method. If a response cannot be written, the client has disconnected.
func (rec *recorder) wrote(n int64, err error) {
	rec.written += n
	if err != nil && clientGone(rec.outer.Context()) {
		rec.gone = true
	}
}

func (rec *recorder) Write(p []byte) (int, error) {
	if rec.status == 0 {
		rec.header(http.StatusOK)
	}
	n, err := rec.inner.Write(p)
	rec.wrote(int64(n), err)
	return n, err
}

func (rec *recorder) writeString(s string) (int, error) {
	if rec.status == 0 {
		rec.header(http.StatusOK)
	}
	n, err := rec.inner.(io.StringWriter).WriteString(s)
	rec.wrote(int64(n), err)
	return n, err
}

// readFrom does not record a status before it starts: with an empty source, the header can still be set.
func (rec *recorder) readFrom(source io.Reader) (int64, error) {
	n, err := rec.inner.(io.ReaderFrom).ReadFrom(source)
	if rec.status == 0 && n > 0 {
		rec.status = http.StatusOK
	}
	rec.wrote(n, err)
	return n, err
}

func (rec *recorder) flush() {
	if rec.status == 0 {
		rec.header(http.StatusOK)
	}
	rec.inner.(http.Flusher).Flush()
}

// flushError is for http.ResponseController, which prefers it to Flush.
func (rec *recorder) flushError() error {
	f, ok := rec.inner.(interface{ FlushError() error })
	if !ok {
		rec.flush()
		return nil
	}
	if rec.status == 0 {
		rec.header(http.StatusOK)
	}
	err := f.FlushError()
	rec.wrote(0, err)
	return err
}

func (rec *recorder) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := rec.inner.(http.Hijacker).Hijack()
	if err == nil && !rec.hijacked {
		rec.hijacked = true
		rec.service.inFlight[rec.stripe].Add(-1) // no longer a request
	}
	return conn, rw, err
}

func (rec *recorder) push(target string, o *http.PushOptions) error {
	return rec.inner.(http.Pusher).Push(target, o)
}

func (rec *recorder) closeNotify() <-chan bool {
	//nolint:staticcheck // SA1019: frameworks still panic without it
	return rec.inner.(http.CloseNotifier).CloseNotify()
}

// The optional interfaces as bits, which are the index of the type in writers.go.
const (
	hasFlush = 1 << iota
	hasHijack
	hasReadFrom
	hasWriteString
	hasCloseNotify
	hasPush
	combinations = 1 << iota
)

func optional(w http.ResponseWriter) (has int) {
	if _, ok := w.(http.Flusher); ok {
		has |= hasFlush
	}
	if _, ok := w.(http.Hijacker); ok {
		has |= hasHijack
	}
	if _, ok := w.(io.ReaderFrom); ok {
		has |= hasReadFrom
	}
	if _, ok := w.(io.StringWriter); ok {
		has |= hasWriteString
	}
	//nolint:staticcheck // SA1019: frameworks still panic without it
	if _, ok := w.(http.CloseNotifier); ok {
		has |= hasCloseNotify
	}
	if _, ok := w.(http.Pusher); ok {
		has |= hasPush
	}
	return has
}

// writerCache caches the type that fits the server's writer, which rarely changes.
type writerCache struct{ last atomic.Pointer[writerFit] }

type writerFit struct {
	of  reflect.Type
	fit func(*recorder) http.ResponseWriter
}

func (c *writerCache) wrap(rec *recorder) http.ResponseWriter {
	of, last := reflect.TypeOf(rec.inner), c.last.Load()
	if last == nil || last.of != of {
		last = &writerFit{of, writers[optional(rec.inner)]}
		c.last.Store(last)
	}
	return last.fit(rec)
}
