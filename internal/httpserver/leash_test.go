package httpserver

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// pipes is a listener with in-memory connections, so that tests can use a fake clock.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// sendSlowly sends a request of 100 bytes, one per interval, and returns the response's status, 0 for none, and the time that it
// took.
func sendSlowly(t *testing.T, interval time.Duration, h http.HandlerFunc) (status int, took time.Duration) {
	s, err := New(Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	p := make(pipes)
	server := &http.Server{Handler: s.wrap("test", h), ReadTimeout: s.opts.ReadTimeout}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(p) // returns when the listener has no more connections
	}()
	client, served := net.Pipe()
	p <- served
	begin := time.Now()
	var writing sync.WaitGroup
	writing.Go(func() {
		_, err := io.WriteString(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
		for i := 0; i < 100 && err == nil; i++ {
			time.Sleep(interval)
			_, err = client.Write([]byte("x"))
		}
	})
	res, err := http.ReadResponse(bufio.NewReader(client), nil)
	took = time.Since(begin)
	if err == nil {
		status = res.StatusCode
	}
	client.Close()
	close(p)
	<-done
	_ = server.Close()
	writing.Wait()
	return status, took
}

func TestBodiesHaveToArrive(t *testing.T) {
	read := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusRequestTimeout)
		}
	}
	known := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			Authenticated(r)
			h(w, r)
		}
	}
	for name, tt := range map[string]struct {
		interval time.Duration
		handler  http.HandlerFunc
		status   int
		most     time.Duration
	}{
		"nobody, in time":              {100 * time.Millisecond, read, 200, 11 * time.Second},
		"nobody, a byte now and then":  {time.Second, read, 408, unauthenticatedTimeout},
		"known, a byte now and then":   {time.Second, known(read), 200, 101 * time.Second},
		"known, falls silent":          {time.Minute, known(read), 408, bodyTimeout},
		"known, past the read timeout": {14 * time.Second, known(read), 408, DefaultReadTimeout},
		"known, the handler takes its time": {10 * time.Millisecond, known(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Minute)
			read(w, r)
			time.Sleep(10 * time.Minute)
			if r.Context().Err() != nil {
				http.Error(w, "taken for gone", http.StatusInternalServerError)
			}
		}), 200, 12 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				status, took := sendSlowly(t, tt.interval, tt.handler)
				require.Equal(t, tt.status, status)
				require.LessOrEqual(t, took, tt.most+time.Second)
			})
		})
	}
}

// The response to a client that does not read is aborted; that to a slow reader is not.
func TestAnswersHaveToBeRead(t *testing.T) {
	for name, tt := range map[string]struct {
		interval time.Duration
		want     bool
	}{"slow": {writeTimeout - time.Second, true}, "never": {time.Hour, false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, served := net.Pipe()
				s := newSlots(1, nil, newMetrics(nil).closed)
				c := s.admit(served, &slotListener{Listener: make(pipes), slots: s, main: true})
				require.NotNil(t, c)
				var reading sync.WaitGroup
				reading.Go(func() {
					for buf := make([]byte, writeChunk); ; {
						time.Sleep(tt.interval)
						if _, err := io.ReadFull(client, buf); err != nil {
							return
						}
					}
				})
				n, err := c.Write(make([]byte, 10*writeChunk))
				if tt.want {
					require.NoError(t, err)
					require.Equal(t, 10*writeChunk, n)
				} else {
					require.Error(t, err)
					require.Zero(t, n)
				}
				require.NoError(t, c.Close())
				client.Close()
				reading.Wait()
			})
		})
	}
}
