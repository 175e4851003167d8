package instrument

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// StatusClientGone is the status of requests whose client disconnected before the response began. nginx uses the same number.
const StatusClientGone = 499

// began is the origin of the clock in now. Durations relative to it only need the monotonic clock, which is half the cost of
// time.Now.
var began = time.Now()

func now() time.Duration { return time.Since(began) }

// Measure counts and times the requests to next.
//
// The route is the one that was passed to [SetRoute], otherwise the request's Pattern as set by [http.ServeMux], without its
// method, otherwise [RouteUnknown]. The status is
//   - 500 if next panics; the panic continues;
//   - 499 if the client disconnected before the response began, or while it was written;
//   - 101 if next took over the connection; such requests are not included in the durations;
//   - otherwise the status that next set.
//
// The writer that next gets implements those of http.Flusher, Hijacker, Pusher, CloseNotifier, io.ReaderFrom and io.StringWriter
// that the server's writer implements, and Unwrap for [http.ResponseController].
func (s *Service) Measure(next http.Handler) http.Handler {
	return &measured{s, next}
}

type measured struct {
	service *Service
	next    http.Handler
}

// ServeHTTP passes the request on and measures it.
func (m *measured) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := m.service
	rec := &recorder{inner: w, request: r, outer: r, start: now(), service: s}
	if r.ContentLength < 0 && r.Body != nil {
		rec.body = &countedBody{ReadCloser: r.Body}
		r.Body = rec.body
	}
	if trace, ok := ParseTraceparent(r.Header.Get("Traceparent")); ok {
		rec.begin(trace)
	} else if s.options.StartTraces {
		rec.begin(NewTrace())
	}
	rec.stripe = stripeOf(rec, s.series.stripes)
	s.inFlight[rec.stripe].Add(1)
	defer rec.finish()
	m.next.ServeHTTP(s.writers.wrap(rec), rec.request)
	rec.returned = true
}

// begin adds the trace to the request's context.
func (rec *recorder) begin(t Trace) {
	rec.trace = &t
	rec.request = rec.outer.WithContext(WithTrace(rec.outer.Context(), t))
}

// finish counts the request and lets a panic continue. The original stack of the panic is still available when it is recovered.
func (rec *recorder) finish() {
	s, end := rec.service, now()
	if !rec.returned {
		if v := recover(); v != nil {
			rec.aborted = v == any(http.ErrAbortHandler) // as net/http compares it
			if !rec.aborted {
				s.panics.Inc()
			}
			defer panic(v)
		}
	}
	if !rec.hijacked {
		s.inFlight[rec.stripe].Add(-1)
	}
	if rec.request != rec.outer {
		rec.outer.Pattern = rec.request.Pattern // for outer handlers
	}
	series := s.series.find(rec.request.Method, rec.routeName(), rec.result())
	counted := &series.tally[rec.stripe]
	counted.requests.Add(1)
	if rec.hijacked {
		return
	}
	s.series.observe(series, (end - rec.start).Seconds(), end, rec.trace)
	counted.received.observe(rec.received())
	counted.sent.observe(rec.written)
}

func (rec *recorder) result() int {
	switch {
	case rec.hijacked:
		return http.StatusSwitchingProtocols
	case rec.aborted && clientGone(rec.outer.Context()): // httputil.ReverseProxy does this if it cannot continue
		return StatusClientGone
	case !rec.returned:
		return http.StatusInternalServerError
	case rec.gone, rec.status == 0 && clientGone(rec.outer.Context()):
		return StatusClientGone
	case rec.status == 0:
		return http.StatusOK
	default:
		return rec.status
	}
}

func clientGone(ctx context.Context) bool {
	err := ctx.Err()
	return err != nil && errors.Is(err, context.Canceled)
}

// routeName returns the matched route, or "" if there is none.
func (rec *recorder) routeName() string {
	name := rec.request.Pattern
	if rec.routed {
		name = rec.route
	} else if i := strings.IndexByte(name, ' '); i >= 0 { // the method has its own label
		name = strings.TrimLeft(name[i:], " \t")
	}
	if !utf8.ValidString(name) {
		return strings.ToValidUTF8(name, "\ufffd") // invalid UTF-8 in a label causes a panic
	}
	return name
}

func (rec *recorder) received() int64 {
	if rec.body != nil {
		return rec.body.read.Load()
	}
	return max(rec.outer.ContentLength, 0)
}

// countedBody counts a body whose length the client did not declare.
type countedBody struct {
	io.ReadCloser
	read atomic.Int64 // a proxy's transport may continue reading after the handler has returned
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}
