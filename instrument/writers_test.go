package instrument

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A writer with any combination of the optional interfaces is wrapped in one with exactly these, which call the original methods.
func TestEveryCombinationOfInterfaces(t *testing.T) {
	for has := range combinations {
		inner := &full{ResponseRecorder: httptest.NewRecorder(), called: map[string]bool{}}
		exact := writers[has](&recorder{inner: inner, outer: httptest.NewRequest("GET", "/", nil)}) // hides inner's additional ones
		if got := optional(exact); got != has {
			t.Fatalf("type %06b has %06b", has, got)
		}
		s := New(Options{})
		s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := optional(w); got != has {
				t.Fatalf("a writer with %06b is measured by one with %06b", has, got)
			}
			if _, ok := w.(interface{ FlushError() error }); ok != (has&hasFlush != 0) {
				t.Errorf("FlushError %v", ok)
			}
			use(t, w)
			if err := http.NewResponseController(w).SetReadDeadline(time.Now()); err != nil {
				t.Errorf("Unwrap: %v", err)
			}
		})).ServeHTTP(exact, httptest.NewRequest("GET", "/", nil))
		for bit, name := range []string{"Flush", "Hijack", "ReadFrom", "WriteString", "CloseNotify", "Push"} {
			if inner.called[name] != (has&(1<<bit) != 0) {
				t.Errorf("%06b: %s called: %v", has, name, inner.called[name])
			}
		}
		if !inner.called["SetReadDeadline"] {
			t.Error("SetReadDeadline does not arrive")
		}
	}
}

func use(t *testing.T, w http.ResponseWriter) {
	if v, ok := w.(http.Flusher); ok {
		v.Flush()
	}
	if v, ok := w.(io.ReaderFrom); ok {
		if n, err := v.ReadFrom(http.NoBody); n != 0 || err != nil {
			t.Error(n, err)
		}
	}
	if v, ok := w.(io.StringWriter); ok {
		if n, err := v.WriteString("abc"); n != 3 || err != nil {
			t.Error(n, err)
		}
	}
	//nolint:staticcheck // SA1019: frameworks still use it
	if v, ok := w.(http.CloseNotifier); ok {
		v.CloseNotify()
	}
	if v, ok := w.(http.Pusher); ok {
		if err := v.Push("/", nil); !errors.Is(err, http.ErrNotSupported) {
			t.Error(err)
		}
	}
	if v, ok := w.(http.Hijacker); ok {
		if _, _, err := v.Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Error(err)
		}
	}
}

// full has every optional interface and records the calls.
type full struct {
	*httptest.ResponseRecorder
	called map[string]bool
}

func (f *full) Flush() { f.called["Flush"] = true }
func (f *full) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	f.called["Hijack"] = true
	return nil, nil, http.ErrNotSupported
}
func (f *full) ReadFrom(r io.Reader) (int64, error) {
	f.called["ReadFrom"] = true
	return io.Copy(io.Discard, r)
}
func (f *full) WriteString(s string) (int, error) { f.called["WriteString"] = true; return len(s), nil }
func (f *full) CloseNotify() <-chan bool          { f.called["CloseNotify"] = true; return nil }
func (f *full) Push(string, *http.PushOptions) error {
	f.called["Push"] = true
	return http.ErrNotSupported
}
func (f *full) SetReadDeadline(time.Time) error { f.called["SetReadDeadline"] = true; return nil }

// flushFails is a server's writer with a broken connection.
type flushFails struct{ *httptest.ResponseRecorder }

func (flushFails) FlushError() error { return io.ErrClosedPipe }

func TestFlushErrorIsHandedOn(t *testing.T) {
	s := New(Options{})
	s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("flush: %v", err)
		}
	})).ServeHTTP(flushFails{httptest.NewRecorder()}, httptest.NewRequest("GET", "/", nil))
}

// A request without a trace causes one allocation, the recorder.
func TestAllocations(t *testing.T) {
	s := New(Options{})
	r := httptest.NewRequest("GET", "/", nil)
	w := &quiet{}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    float64
	}{
		"empty":  {func(w http.ResponseWriter, r *http.Request) {}, 1},
		"writes": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); w.Write(nil) }, 1},
		"route":  {func(w http.ResponseWriter, r *http.Request) { SetRoute(w, "/items/{id}") }, 1},
	} {
		h := s.Handler(c.handler)
		if got := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); got > c.want {
			t.Errorf("%s: %v allocations, want %v", name, got, c.want)
		}
	}
}

type quiet struct{}

func (*quiet) Header() http.Header         { return nil }
func (*quiet) Write(p []byte) (int, error) { return len(p), nil }
func (*quiet) WriteHeader(int)             {}

func TestWriterTypeMayChange(t *testing.T) {
	s := New(Options{})
	h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, optional(w))
	}))
	for range 3 {
		recorded := httptest.NewRecorder()
		h.ServeHTTP(recorded, httptest.NewRequest("GET", "/", nil))
		if want := fmt.Sprint(hasFlush | hasWriteString); recorded.Body.String() != want {
			t.Errorf("recorder: %s, want %s", recorded.Body, want)
		}
		h.ServeHTTP(&quiet{}, httptest.NewRequest("GET", "/", nil))
	}
}
