package instrument_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/instrument"
)

func ask(t *testing.T, h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The names, labels and buckets of the original metrics.ts, and their help texts.
func TestNamesOfTheOriginal(t *testing.T) {
	s := instrument.New(instrument.Options{Service: "gateway"})
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) })
	ask(t, s.Handler(mux), "POST", "/webhook")
	calls := s.Transport(answering(http.StatusAccepted, nil), instrument.Calls{Name: "orchestrator"})
	if _, err := calls.RoundTrip(httptest.NewRequest("POST", "http://orchestrator/jobs", nil)); err != nil {
		t.Fatal(err)
	}

	got := page(t, s, "text/plain")
	want, err := os.ReadFile(filepath.Join("testdata", "original.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(want)) {
		if !strings.Contains(got, line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	buckets := func(family string) (n int) { return len(seriesOf(t, s, family+"_bucket")) }
	if n := buckets("http_request_duration_seconds"); n != 10 {
		t.Errorf("%d buckets of requests", n)
	}
	if n := buckets("orchestrator_call_duration_seconds"); n != 8 {
		t.Errorf("%d buckets of calls", n)
	}
}

func TestProcessAndBuildAreThere(t *testing.T) {
	s := instrument.New(instrument.Options{Service: "gateway", Version: "1.2.3"})
	wantValue(t, s, `service_info{revision="",service="gateway",version="1.2.3"}`, 1)
	for _, family := range []string{
		"go_goroutines", "go_memstats_heap_inuse_bytes", "go_gc_duration_seconds_sum", "go_build_info",
		"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds",
		"http_requests_in_flight", "http_panics_total", "http_requests_overflow_total",
	} {
		if len(seriesOf(t, s, family)) == 0 {
			t.Errorf("%s is missing", family)
		}
	}
}

func TestTwoServicesShareNothing(t *testing.T) {
	a, b := instrument.New(instrument.Options{}), instrument.New(instrument.Options{})
	ask(t, a.Handler(http.NotFoundHandler()), "GET", "/")
	wantValue(t, a, `http_requests_total{method="GET",route="unknown",status="404"}`, 1)
	wantValue(t, b, `http_requests_total{method="GET",route="unknown",status="404"}`, -1)
	if families, err := prometheus.DefaultGatherer.Gather(); err != nil {
		t.Fatal(err)
	} else {
		for _, f := range families {
			if strings.HasPrefix(f.GetName(), "http_") {
				t.Errorf("the default registry has %s", f.GetName())
			}
		}
	}
}

func TestBadOptionsPanic(t *testing.T) {
	for name, o := range map[string]instrument.Options{
		"buckets":  {Buckets: []float64{2, 1}},
		"registry": {Registry: instrument.New(instrument.Options{}).Registry()},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			instrument.New(o)
		})
	}
}

func TestMetricsPage(t *testing.T) {
	s := instrument.New(instrument.Options{})
	h := s.Handler(http.NotFoundHandler())

	w := ask(t, h, "GET", "/metrics", "Accept", "application/openmetrics-text; version=1.0.0", "Accept-Encoding", "gzip")
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "application/openmetrics-text") {
		t.Errorf("content type %q", got)
	}
	if got := w.Header().Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("content encoding %q", got)
	}
	unzipped, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(text), "# EOF\n") {
		t.Error("OpenMetrics ends with # EOF")
	}

	protobuf := "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
	if got := ask(t, h, "GET", "/metrics", "Accept", protobuf).Header().Get("Content-Type"); !strings.HasPrefix(got, "application/vnd.google.protobuf") {
		t.Errorf("content type %q: without protobuf there are no native histograms", got)
	}
	if w := ask(t, h, "POST", "/metrics"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /metrics: %d", w.Code)
	}
	if n := len(seriesOf(t, s, "http_requests_total")); n != 0 {
		t.Errorf("the pages of the library are counted as %d series", n)
	}
}

// Requests are in both kinds of histograms at once.
func TestNativeHistogram(t *testing.T) {
	for _, noNative := range []bool{false, true} {
		s := instrument.New(instrument.Options{NoNative: noNative})
		ask(t, s.Handler(http.NotFoundHandler()), "GET", "/")
		families, err := s.Registry().Gather()
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range families {
			if f.GetName() != "http_request_duration_seconds" {
				continue
			}
			found = true
			h := f.GetMetric()[0].GetHistogram()
			if len(h.GetBucket()) != 9 || (len(h.GetPositiveSpan()) == 0) != noNative {
				t.Errorf("NoNative %v: %d classic buckets, native spans %v", noNative, len(h.GetBucket()), h.GetPositiveSpan())
			}
		}
		if !found {
			t.Error("no histogram")
		}
	}
}

func TestHealth(t *testing.T) {
	s := instrument.New(instrument.Options{ReadyPath: "/ready"})
	h := s.Handler(http.NotFoundHandler())
	expect := func(path string, status int, body string) {
		t.Helper()
		w := ask(t, h, "GET", path)
		if w.Code != status || strings.TrimSpace(w.Body.String()) != body {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	expect("/healthz", 200, `{"status":"ok"}`)
	expect("/ready", 200, `{"status":"ok"}`)

	var broken error
	s.AddCheck("queue", func(context.Context) error { return broken })
	s.AddCheck("panics", func(context.Context) error { panic("oops") })
	broken = errors.New("disk full")
	expect("/ready", 503, `{"status":"not ready","failed":{"panics":"panic: oops","queue":"disk full"}}`)
	expect("/healthz", 200, `{"status":"ok"}`)
	s.AddCheck("panics", nil)
	broken = nil
	expect("/ready", 200, `{"status":"ok"}`)

	hang := make(chan struct{})
	defer close(hang)
	s.AddCheck("hangs", func(context.Context) error { <-hang; return nil })
	expect("/ready", 503, `{"status":"not ready","failed":{"hangs":"no result within 2s"}}`)
	s.AddCheck("hangs", nil)

	s.Drain()
	expect("/ready", 503, `{"status":"draining"}`)
	expect("/healthz", 200, `{"status":"ok"}`)
}
