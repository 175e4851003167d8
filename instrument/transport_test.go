package instrument_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ausguck/ausguck/instrument"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering returns a transport to a server that always responds in this way.
func answering(status int, err error) http.RoundTripper {
	return roundTrip(func(*http.Request) (*http.Response, error) {
		if err != nil {
			return nil, err
		}
		return &http.Response{StatusCode: status, Body: http.NoBody}, nil
	})
}

func TestCallsByStatus(t *testing.T) {
	for want, next := range map[string]http.RoundTripper{
		"202":      answering(202, nil),
		"503":      answering(503, nil),
		"timeout":  answering(0, context.DeadlineExceeded),
		"canceled": answering(0, context.Canceled),
		"error":    answering(0, errors.New("connection refused")),
	} {
		s := instrument.New(instrument.Options{})
		calls := s.Transport(next, instrument.Calls{Name: "orchestrator"})
		_, _ = calls.RoundTrip(httptest.NewRequest("POST", "http://x/", nil))
		wantValue(t, s, `orchestrator_calls_total{method="POST",status="`+want+`"}`, 1)
		wantValue(t, s, "orchestrator_call_duration_seconds_count", 1)
		wantValue(t, s, "orchestrator_calls_in_flight", 0)
	}
}

func TestTransportsOfOneNameShareMetrics(t *testing.T) {
	s := instrument.New(instrument.Options{})
	for range 2 {
		calls := s.Transport(answering(200, nil), instrument.Calls{Name: "adapter", Buckets: []float64{1, 2}})
		_, _ = calls.RoundTrip(httptest.NewRequest("BREW", "http://x/", nil))
	}
	wantValue(t, s, `adapter_calls_total{method="other",status="200"}`, 2)
	wantValue(t, s, `adapter_call_duration_seconds_bucket{le="2"}`, 2)
}

// The trace of a request continues in the calls made for it, with their own spans, and the caller's request is not modified.
func TestTraceGoesOn(t *testing.T) {
	s := instrument.New(instrument.Options{})
	var sent string
	next := roundTrip(func(r *http.Request) (*http.Response, error) {
		sent = r.Header.Get("Traceparent")
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})
	calls := s.Transport(next, instrument.Calls{Name: "adapter"})
	h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, _ := http.NewRequestWithContext(r.Context(), "GET", "http://x/", nil)
		if _, err := calls.RoundTrip(out); err != nil {
			t.Error(err)
		}
		if len(out.Header) != 0 {
			t.Errorf("the caller's request was changed: %v", out.Header)
		}
	}))
	ask(t, h, "GET", "/", "Traceparent", traceparent)
	if !strings.HasPrefix(sent, traceparent[:36]) || sent[36:52] == traceparent[36:52] {
		t.Errorf("sent %q", sent)
	}
	if !hasExemplar(t, s, traceparent[3:35], sent[36:52]) {
		t.Error("the call has no exemplar")
	}

	sent = ""
	out := httptest.NewRequest("GET", "http://x/", nil)
	_, _ = calls.RoundTrip(out)
	if sent != "" {
		t.Errorf("a call without a trace sent %q", sent)
	}
	out.Header.Set("Traceparent", "mine")
	_, _ = calls.RoundTrip(out.WithContext(instrument.WithTrace(t.Context(), instrument.NewTrace())))
	if sent != "mine" {
		t.Errorf("the caller's own header became %q", sent)
	}
}

func TestCloseIdleConnections(t *testing.T) {
	s := instrument.New(instrument.Options{})
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	next := &counting{}
	client := http.Client{Transport: s.Transport(next, instrument.Calls{Name: "x"})}
	client.CloseIdleConnections()
	if next.closed != 1 {
		t.Error("the transport below keeps its connections")
	}
}

type counting struct {
	http.Transport
	closed int
}

func (c *counting) CloseIdleConnections() { c.closed++ }
