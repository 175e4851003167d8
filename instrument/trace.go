package instrument

import (
	"context"
	"crypto/rand"
	"encoding/hex"
)

// Trace is the part of a W3C trace context that a service needs: the trace of a request, and whether it is recorded.
type Trace struct {
	traceID [16]byte
	spanID  [8]byte
	flags   byte
}

const sampled = 1

// ID returns the trace's id as 32 hexadecimal digits.
func (t Trace) ID() string { return hex.EncodeToString(t.traceID[:]) }

// SpanID returns the ID of the caller's span as 16 hexadecimal digits.
func (t Trace) SpanID() string { return hex.EncodeToString(t.spanID[:]) }

// Sampled reports whether the caller records the trace. Only then it becomes an exemplar.
func (t Trace) Sampled() bool { return t.flags&sampled != 0 }

// String returns the value of a traceparent header.
func (t Trace) String() string {
	return "00-" + t.ID() + "-" + t.SpanID() + "-" + hex.EncodeToString([]byte{t.flags & sampled})
}

// NewTrace returns a sampled trace with random IDs.
func NewTrace() Trace {
	t := Trace{flags: sampled}
	_, _ = rand.Read(t.traceID[:]) // never fails, or ends the program
	return t.child()
}

// child returns the same trace with a new span.
func (t Trace) child() Trace {
	_, _ = rand.Read(t.spanID[:])
	return t
}

type traceKey struct{}

// WithTrace returns a context whose logs, exemplars and calls belong to the trace.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceFrom returns the trace of a context; false if it has none.
func TraceFrom(ctx context.Context) (Trace, bool) {
	t, ok := ctx.Value(traceKey{}).(Trace)
	return t, ok
}

// ParseTraceparent parses the value of a traceparent header as specified by W3C Trace Context, including future versions.
func ParseTraceparent(value string) (t Trace, ok bool) {
	const length = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
	if len(value) < length || value[2] != '-' || value[35] != '-' || value[52] != '-' {
		return Trace{}, false
	}
	var version, flags [1]byte
	if !unhex(version[:], value[:2]) || !unhex(t.traceID[:], value[3:35]) ||
		!unhex(t.spanID[:], value[36:52]) || !unhex(flags[:], value[53:55]) {
		return Trace{}, false
	}
	switch {
	case version[0] == 0xff, t.traceID == [16]byte{}, t.spanID == [8]byte{}:
		return Trace{}, false
	case len(value) > length && (version[0] == 0 || value[length] != '-'):
		return Trace{}, false
	}
	t.flags = flags[0]
	return t, true
}

// unhex only decodes lower-case digits, as the standard requires.
func unhex(to []byte, from string) bool {
	for i := range to {
		high, low := digit(from[2*i]), digit(from[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		to[i] = high<<4 | low
	}
	return true
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}
