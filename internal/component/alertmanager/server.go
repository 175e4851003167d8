package alertmanager

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/lifecycle"
)

// Server is Alertmanager as a lifecycle.Component.
type Server struct {
	*Loader
	history *history
	// state is nil until Run has made the engine.
	state atomic.Pointer[engine]

	loaded, loadedAt prometheus.Gauge

	mtx     sync.Mutex // held while a configuration is applied
	applied *Config
}

var _ lifecycle.Component = (*Server)(nil)

// New returns a server that will start with cfg, which l has loaded. db keeps the history of notifications; its tables
// are made here.
func New(ctx context.Context, l *Loader, cfg *Config, db *sql.DB) (*Server, error) {
	h, err := newHistory(ctx, l.options, db)
	if err != nil {
		return nil, err
	}
	s := &Server{Loader: l, history: h, applied: cfg}
	s.registerMetrics(l.options.Registerer)
	return s, nil
}

// Run takes alerts and sends notifications until ctx ends. It then sends nothing more, writes what it knows to the
// disk and leaves the cluster.
func (s *Server) Run(ctx context.Context, ready func()) (err error) {
	if err := os.MkdirAll(s.options.Dir, 0o750); err != nil {
		return fmt.Errorf("make the folder of Alertmanager: %w", err)
	}
	stopHistory := s.history.start()
	defer stopHistory() // after the last attempt
	e, err := newEngine(s.options, s.history)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	e.apply(s.Applied())
	s.state.Store(e)
	defer s.state.Store(nil)
	ready()
	<-ctx.Done()
	return nil
}

// ApplyConfig makes cfg, which Load has checked, the running configuration. Alerts, silences and what was sent stay.
func (s *Server) ApplyConfig(cfg *Config) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	e := s.state.Load()
	if e == nil {
		return errors.New("alertmanager is still starting; try again when /-/ready answers 200")
	}
	e.apply(cfg)
	s.applied = cfg
	return nil
}

// Applied returns the running configuration.
func (s *Server) Applied() *Config {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.applied
}

// Handler serves Alertmanager's HTTP API below /api/v2, and the answer of upstream for the API that it no longer has,
// below /api/v1.
func (s *Server) Handler() http.Handler {
	return bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := s.state.Load()
		if e == nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "alertmanager is starting", http.StatusServiceUnavailable)
			return
		}
		e.ServeHTTP(w, r)
	}))
}
