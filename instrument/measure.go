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

// StatusClientGone is the status of requests whose client left before the answer began. It is nginx's number.
const StatusClientGone = 499

// began is where the clock of now starts. Differences to it need the monotonic clock alone, which is half of time.Now.
var began = time.Now()

func now() time.Duration { return time.Since(began) }

// Measure counts and times the requests to next.
//
// The route is what [SetRoute] was told, else the request's Pattern as [http.ServeMux] left it, without its method,
// else [RouteUnknown]. The status is
//   - 500 when next panics; the panic goes on;
//   - 499 when the client left before the answer began, or while it was written;
//   - 101 when next took the connection over; the time of such requests is left out of the durations;
//   - otherwise the one that next gave.
//
// The writer that next gets has those of http.Flusher, Hijacker, Pusher, CloseNotifier, io.ReaderFrom and
// io.StringWriter that the server's has, and Unwrap for [http.ResponseController].
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

// begin puts the trace into the request's context.
func (rec *recorder) begin(t Trace) {
	rec.trace = &t
	rec.request = rec.outer.WithContext(WithTrace(rec.outer.Context(), t))
}

// finish counts the request and lets a panic go on. The panic's own stack is still there for whoever recovers it.
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
		rec.outer.Pattern = rec.request.Pattern // for those around us
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
	case rec.aborted && clientGone(rec.outer.Context()): // as httputil.ReverseProxy does when it cannot go on
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

// routeName returns the route that matched, empty when none did.
func (rec *recorder) routeName() string {
	name := rec.request.Pattern
	if rec.routed {
		name = rec.route
	} else if i := strings.IndexByte(name, ' '); i >= 0 { // the method has a label of its own
		name = strings.TrimLeft(name[i:], " \t")
	}
	if !utf8.ValidString(name) {
		return strings.ToValidUTF8(name, "\ufffd") // a label with anything else is a panic
	}
	return name
}

func (rec *recorder) received() int64 {
	if rec.body != nil {
		return rec.body.read.Load()
	}
	return max(rec.outer.ContentLength, 0)
}

// countedBody counts a body whose length the client did not announce.
type countedBody struct {
	io.ReadCloser
	read atomic.Int64 // a proxy's transport may read on when the handler has returned
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}
