package instrument_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ausguck/ausguck/instrument"
)

func TestLabels(t *testing.T) {
	mux := http.NewServeMux()
	handle := func(pattern string, h http.HandlerFunc) { mux.HandleFunc(pattern, h) }
	handle("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
	handle("/any/", func(w http.ResponseWriter, r *http.Request) {})
	handle("PURGE /cache", func(w http.ResponseWriter, r *http.Request) {})
	handle("GET example.com/hosted", func(w http.ResponseWriter, r *http.Request) {})
	handle("GET /early", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // too late
	})
	handle("GET /named", func(w http.ResponseWriter, r *http.Request) { instrument.SetRoute(w, "by the handler") })
	inner := http.NewServeMux()
	inner.HandleFunc("GET /inner/{name}", func(w http.ResponseWriter, r *http.Request) {})
	mux.Handle("/inner/", inner)
	mux.Handle("/unwrapped", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		instrument.SetRoute(wrapped{w}, "found through Unwrap")
	}))

	for _, c := range []struct{ method, target, want string }{
		{"GET", "/items/1", `method="GET",route="/items/{id}",status="200"`},
		{"HEAD", "/items/2", `method="HEAD",route="/items/{id}",status="200"`},
		{"DELETE", "/items/2", `method="DELETE",route="unknown",status="405"`},
		{"GET", "/wp-login.php", `method="GET",route="unknown",status="404"`},
		{"GET", "/any/thing/at/all", `method="GET",route="/any/",status="200"`},
		{"PURGE", "/cache", `method="other",route="/cache",status="200"`},
		{"GET", "http://example.com/hosted", `method="GET",route="example.com/hosted",status="200"`},
		{"GET", "/early", `method="GET",route="/early",status="418"`},
		{"GET", "/named", `method="GET",route="by the handler",status="200"`},
		{"GET", "/inner/x", `method="GET",route="/inner/{name}",status="200"`},
		{"GET", "/inner", `method="GET",route="/inner/",status="307"`},
		{"GET", "/unwrapped", `method="GET",route="found through Unwrap",status="200"`},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			s := instrument.New(instrument.Options{})
			ask(t, s.Handler(mux), c.method, c.target)
			if got := seriesOf(t, s, "http_requests_total"); !slices.Equal(got, []string{"http_requests_total{" + c.want + "}"}) {
				t.Errorf("got %v", got)
			}
			wantValue(t, s, "http_request_duration_seconds_count{"+c.want+"}", 1)
		})
	}
}

type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestSetRouteElsewhere(t *testing.T) {
	if instrument.SetRoute(httptest.NewRecorder(), "x") || instrument.SetRoute(nil, "x") {
		t.Error("a writer that is not measured has no route")
	}
}

func TestMoreMethods(t *testing.T) {
	s := instrument.New(instrument.Options{Methods: []string{"PURGE"}})
	ask(t, s.Handler(http.NotFoundHandler()), "PURGE", "/")
	wantValue(t, s, `http_requests_total{method="PURGE",route="unknown",status="404"}`, 1)
}

// Outer handlers see the request's pattern, even if a trace caused a copy of the request.
func TestPatternIsHandedOn(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, r *http.Request) {})
	for _, o := range []instrument.Options{{}, {StartTraces: true}} {
		r := httptest.NewRequest("GET", "/items/1", nil)
		instrument.New(o).Handler(mux).ServeHTTP(httptest.NewRecorder(), r)
		if r.Pattern != "GET /items/{id}" {
			t.Errorf("%+v: pattern %q", o, r.Pattern)
		}
	}
}

func TestSizes(t *testing.T) {
	s := instrument.New(instrument.Options{})
	server := httptest.NewServer(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		switch r.URL.Path {
		case "/copy":
			io.Copy(w, io.LimitReader(rand.Reader, 100_000)) // uses ReadFrom
		case "/string":
			io.WriteString(w, strings.Repeat("x", 1000))
		default:
			w.Write(make([]byte, 500))
		}
		instrument.SetRoute(w, r.URL.Path)
	})))
	defer server.Close()
	for path, body := range map[string]io.Reader{
		"/copy":    strings.NewReader(strings.Repeat("a", 70)),
		"/string":  io.MultiReader(strings.NewReader(strings.Repeat("a", 5000))), // of unknown length: chunked
		"/neither": nil,
	} {
		answer, err := http.Post(server.URL+path, "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	server.Close() // waits for the handlers
	for path, want := range map[string][2]float64{"/copy": {70, 100_000}, "/string": {5000, 1000}, "/neither": {0, 500}} {
		wantValue(t, s, `http_request_size_bytes_sum{method="POST",route="`+path+`"}`, want[0])
		wantValue(t, s, `http_response_size_bytes_sum{method="POST",route="`+path+`"}`, want[1])
	}
}

func TestPanic(t *testing.T) {
	mistake := errors.New("mistake")
	for _, c := range []struct {
		name   string
		panics any
		before func(http.ResponseWriter)
		counts float64
	}{
		{"before the header", mistake, func(http.ResponseWriter) {}, 1},
		{"after the header", mistake, func(w http.ResponseWriter) { w.WriteHeader(200) }, 1},
		{"abort", http.ErrAbortHandler, func(w http.ResponseWriter) { w.WriteHeader(200) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := instrument.New(instrument.Options{})
			h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.before(w)
				panic(c.panics)
			}))
			func() {
				defer func() {
					if v := recover(); v != c.panics {
						t.Errorf("the panic goes on as %v", v)
					}
				}()
				ask(t, h, "GET", "/")
			}()
			wantValue(t, s, `http_requests_total{method="GET",route="unknown",status="500"}`, 1)
			wantValue(t, s, `http_request_duration_seconds_count{method="GET",route="unknown",status="500"}`, 1)
			wantValue(t, s, "http_panics_total", c.counts)
			wantValue(t, s, "http_requests_in_flight", 0)
		})
	}
}

func TestClientGone(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  func(w http.ResponseWriter, gone func())
		status  string
		aborted bool
	}{
		{"before any answer", func(w http.ResponseWriter, gone func()) { gone() }, "499", false},
		{"and the handler takes it for an error", func(w http.ResponseWriter, gone func()) {
			gone()
			http.Error(w, "context canceled", 500)
		}, "499", false},
		{"after an answer", func(w http.ResponseWriter, gone func()) { fmt.Fprint(w, "ok"); gone() }, "200", false},
		{"in the middle of a stream", func(w http.ResponseWriter, gone func()) {
			fmt.Fprint(w, "event 1")
			w.(http.Flusher).Flush()
			gone() // the usual end of a stream
		}, "200", false},
		{"and a write fails", func(w http.ResponseWriter, gone func()) {
			fmt.Fprint(w, "ok")
			gone()
			w.Write([]byte("fail"))
		}, "499", false},
		{"and the proxy aborts", func(w http.ResponseWriter, gone func()) { w.WriteHeader(200); gone(); panic(http.ErrAbortHandler) }, "499", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := instrument.New(instrument.Options{})
			ctx, gone := context.WithCancel(t.Context())
			defer func() {
				if v := recover(); (v != nil) != c.aborted {
					t.Errorf("panic %v", v)
				}
				wantValue(t, s, `http_requests_total{method="GET",route="unknown",status="`+c.status+`"}`, 1)
				wantValue(t, s, "http_panics_total", 0)
			}()
			r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
			s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.answer(w, gone) })).
				ServeHTTP(&failing{httptest.NewRecorder()}, r)
		})
	}
}

// failing is a writer that fails for writes of "fail".
type failing struct{ *httptest.ResponseRecorder }

func (w *failing) Write(p []byte) (int, error) {
	if string(p) == "fail" {
		return 0, errors.New("broken pipe")
	}
	return w.ResponseRecorder.Write(p)
}

// A deadline set by the server does not count as a disconnected client.
func TestDeadlineIsNoClientGone(t *testing.T) {
	s := instrument.New(instrument.Options{})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(504) })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	wantValue(t, s, `http_requests_total{method="GET",route="unknown",status="504"}`, 1)
}

// A real client that disconnects, over a real connection.
func TestClientGoneOverTheWire(t *testing.T) {
	s := instrument.New(instrument.Options{})
	arrived := make(chan struct{})
	server := httptest.NewServer(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})))
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-arrived; leave() }()
	request, _ := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
	if _, err := http.DefaultClient.Do(request); err == nil {
		t.Fatal("an answer to one who left")
	}
	eventually(t, "499", func() bool { return value(t, s, `http_requests_total{method="GET",route="unknown",status="499"}`) == 1 })
}

func TestHijack(t *testing.T) {
	s := instrument.New(instrument.Options{})
	stay := make(chan struct{})
	server := httptest.NewServer(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		fmt.Fprint(rw, line)
		_ = rw.Flush()
		<-stay
	})))
	defer server.Close()
	request, _ := http.NewRequest("GET", server.URL, nil)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "echo")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	conn := answer.Body.(io.ReadWriteCloser)
	defer conn.Close()
	fmt.Fprint(conn, "hello\n")
	if line, _ := bufio.NewReader(conn).ReadString('\n'); line != "hello\n" {
		t.Errorf("echo %q", line)
	}
	wantValue(t, s, "http_requests_in_flight", 0) // no longer a request
	close(stay)
	eventually(t, "101", func() bool { return value(t, s, `http_requests_total{method="GET",route="unknown",status="101"}`) == 1 })
	if got := seriesOf(t, s, "http_request_duration_seconds_count"); len(got) != 0 && value(t, s, got[0]) != 0 {
		t.Errorf("the time of a taken over connection counts: %v", got)
	}
	wantValue(t, s, "http_requests_in_flight", 0)
}

// Streams arrive while the handler is writing them: through a proxy, over HTTP/1 and HTTP/2.
func TestStreaming(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("http2 %v", http2), func(t *testing.T) {
			s := instrument.New(instrument.Options{})
			more := make(chan struct{})
			backend := httptest.NewServer(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for range 3 {
					fmt.Fprintln(w, "event")
					if err := http.NewResponseController(w).Flush(); err != nil {
						t.Error(err)
					}
					<-more
				}
			})))
			defer backend.Close()
			target, _ := url.Parse(backend.URL)
			front := httptest.NewUnstartedServer(s.Handler(&httputil.ReverseProxy{
				FlushInterval: -1,
				Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
			}))
			front.EnableHTTP2 = http2
			front.StartTLS()
			defer front.Close()
			answer, err := front.Client().Get(front.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if (answer.ProtoMajor == 2) != http2 {
				t.Fatal(answer.Proto)
			}
			lines := bufio.NewReader(answer.Body)
			for range 3 {
				if line, err := lines.ReadString('\n'); line != "event\n" {
					t.Fatal(line, err)
				}
				more <- struct{}{} // only after the line has arrived
			}
			front.Close()
			wantValue(t, s, `http_requests_total{method="GET",route="unknown",status="200"}`, 2)
		})
	}
}

func TestInFlight(t *testing.T) {
	s := instrument.New(instrument.Options{})
	var inside sync.WaitGroup
	inside.Add(3)
	leave := make(chan struct{})
	h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside.Done()
		<-leave
	}))
	var done sync.WaitGroup
	for range 3 {
		done.Add(1)
		go func() {
			defer done.Done()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}()
	}
	inside.Wait()
	wantValue(t, s, "http_requests_in_flight", 3)
	close(leave)
	done.Wait()
	wantValue(t, s, "http_requests_in_flight", 0)
}
