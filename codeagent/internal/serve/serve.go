// Package serve runs the code agent's services: configuration from environment variables, logs, metrics, health, time limits and
// graceful shutdown. It is the only place where instrument is set up.
package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/ausguck/ausguck/instrument"
)

// drainTime is how long requests in progress may take after a stop is requested.
const drainTime = 10 * time.Second

// Base has what all services need.
type Base struct {
	Name    string
	Metrics *instrument.Service
	Logger  *slog.Logger
}

// NewBase creates the service's metrics, and a logger that writes JSON lines.
func NewBase(name string, logs io.Writer) *Base {
	m := instrument.New(instrument.Options{Service: name, StartTraces: true})
	return &Base{Name: name, Metrics: m, Logger: slog.New(m.LogHandler(slog.NewJSONHandler(logs, nil)))}
}

// Client returns a client for calls with that name. It waits at most limit for the header of a response.
func (b *Base) Client(name string, limit time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // services talk to each other directly
	t.MaxIdleConnsPerHost = 64
	t.ResponseHeaderTimeout = limit
	return &http.Client{Transport: b.Metrics.Transport(t, instrument.Calls{Name: name})}
}

// Run serves the handler, and runs works concurrently, until ctx ends. It passes the address to ready unless that is nil. If a
// work returns an error, the service ends.
func (b *Base) Run(ctx context.Context, address string, h http.Handler, ready func(net.Addr), works ...func(context.Context) error) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%s: %w", b.Name, err)
	}
	server := &http.Server{
		Handler: b.Metrics.Handler(h), ErrorLog: slog.NewLogLogger(b.Logger.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	b.Logger.Info("Service listens", "address", l.Addr().String())
	if ready != nil {
		ready(l.Addr())
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(works)+1)
	for _, work := range works {
		go func() { ended <- work(running) }()
	}
	go func() {
		err := server.Serve(l)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		ended <- err
	}()

	waiting := len(works) + 1
	select {
	case <-ctx.Done():
	case err = <-ended:
		waiting--
	}
	b.Metrics.Drain()
	b.Logger.Info("Service stops")
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if late := server.Shutdown(limited); late != nil {
		b.Logger.Warn("Closing connections with requests under way", "err", late)
		server.Close()
	}
	stop()
	for range waiting {
		err = errors.Join(err, <-ended)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", b.Name, err)
	}
	return nil
}

// problem is the body of an error response.
type problem struct {
	Error string `json:"error"`
}

// Answer writes the value as JSON.
func Answer(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails only if the client has disconnected
}

// Refuse responds with an error.
func Refuse(w http.ResponseWriter, status int, reason string) { Answer(w, status, problem{reason}) }

// ReadJSON decodes a body of at most limit bytes. If it returns an error, status is the status of the response.
func ReadJSON(w http.ResponseWriter, r *http.Request, limit int64, into any) (status int, err error) {
	err = json.NewDecoder(http.MaxBytesReader(w, r.Body, limit)).Decode(into)
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge, err
	}
	return http.StatusBadRequest, err
}

// CounterVec is a counter with labels. It saves services the import of client_golang.
type CounterVec struct{ add func(float64, ...string) }

// Inc adds one.
func (c CounterVec) Inc(labels ...string) { c.add(1, labels...) }

// Counter registers a counter.
func Counter(b *Base, name, help string, labels ...string) CounterVec {
	c := b.Metrics.Counter(name, help, labels...)
	return CounterVec{func(v float64, l ...string) { c.WithLabelValues(l...).Add(v) }}
}

// HistogramVec is a histogram with labels.
type HistogramVec struct{ observe func(float64, ...string) }

// Observe adds a value; durations are in seconds.
func (h HistogramVec) Observe(v float64, labels ...string) { h.observe(v, labels...) }

// Histogram registers a histogram.
func Histogram(b *Base, name, help string, buckets []float64, labels ...string) HistogramVec {
	h := b.Metrics.Histogram(name, help, buckets, labels...)
	return HistogramVec{func(v float64, l ...string) { h.WithLabelValues(l...).Observe(v) }}
}

// Add adds v.
func (c CounterVec) Add(v float64, labels ...string) { c.add(v, labels...) }
