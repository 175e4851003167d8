package instrument_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ausguck/ausguck/instrument"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestParseTraceparent(t *testing.T) {
	for value, ok := range map[string]bool{
		traceparent:                               true,
		traceparent[:53] + "00":                   true,
		"01" + traceparent[2:] + "-more":          true,
		"":                                        false,
		traceparent[:54]:                          false,
		traceparent + "-more":                     false,
		"01" + traceparent[2:] + "more":           false,
		"ff" + traceparent[2:]:                    false,
		strings.ToUpper(traceparent):              false,
		strings.Replace(traceparent, "-", "_", 1): false,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": false,
		"00-0af7651916cd43dd8448eb211c80319x-b7ad6b7169203331-01": false,
	} {
		if got, parsed := instrument.ParseTraceparent(value); parsed != ok {
			t.Errorf("%q: %v %v", value, got, parsed)
		}
	}
	trace, _ := instrument.ParseTraceparent(traceparent)
	if trace.String() != traceparent || trace.ID() != traceparent[3:35] || trace.SpanID() != traceparent[36:52] || !trace.Sampled() {
		t.Errorf("%v", trace)
	}
}

func FuzzParseTraceparent(f *testing.F) {
	f.Add(traceparent)
	f.Add("01" + traceparent[2:] + "-more")
	f.Fuzz(func(t *testing.T, value string) {
		trace, ok := instrument.ParseTraceparent(value)
		if !ok {
			return
		}
		again, ok := instrument.ParseTraceparent(trace.String())
		if !ok || again.ID() != trace.ID() || again.SpanID() != trace.SpanID() || again.Sampled() != trace.Sampled() {
			t.Errorf("%q becomes %q", value, trace)
		}
	})
}

func TestExemplars(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         bool
	}{
		{"sampled", traceparent, true},
		{"not sampled", traceparent[:53] + "00", false},
		{"none", "", false},
		{"broken", "00-x", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := instrument.New(instrument.Options{})
			h := s.Handler(http.NotFoundHandler())
			for range 100 {
				ask(t, h, "GET", "/", "Traceparent", c.header)
			}
			if got := hasExemplar(t, s, "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"); got != c.want {
				t.Errorf("exemplar %v", got)
			}
			wantValue(t, s, `http_request_duration_seconds_count{method="GET",route="unknown",status="404"}`, 100)
		})
	}
}

// hasExemplar reports whether a line of /metrics has an exemplar with these IDs, whose order is not fixed.
func hasExemplar(t *testing.T, s *instrument.Service, trace, span string) bool {
	t.Helper()
	for line := range strings.Lines(page(t, s, "application/openmetrics-text; version=1.0.0")) {
		_, exemplar, _ := strings.Cut(line, " # {")
		if strings.Contains(exemplar, `trace_id="`+trace+`"`) && strings.Contains(exemplar, `span_id="`+span+`"`) {
			return true
		}
	}
	return false
}

func TestStartTraces(t *testing.T) {
	var trace instrument.Trace
	var ok bool
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { trace, ok = instrument.TraceFrom(r.Context()) })
	ask(t, instrument.New(instrument.Options{}).Handler(h), "GET", "/")
	if ok {
		t.Error("a trace that nobody asked for")
	}
	s := instrument.New(instrument.Options{StartTraces: true}).Handler(h)
	ask(t, s, "GET", "/")
	if _, valid := instrument.ParseTraceparent(trace.String()); !ok || !valid {
		t.Errorf("new trace %q", trace)
	}
	ask(t, s, "GET", "/", "Traceparent", traceparent)
	if trace.String() != traceparent {
		t.Errorf("the caller's trace became %q", trace)
	}
}
