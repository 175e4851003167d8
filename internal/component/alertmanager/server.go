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
	"github.com/ausguck/ausguck/internal/metrics"
)

// Server is Alertmanager as a lifecycle.Component.
type Server struct {
	*Loader
	history *history
	// state is nil until Run has created the engine.
	state atomic.Pointer[engine]
	mails chan struct{} // deliveries of SendMail

	loaded, loadedAt prometheus.Gauge

	mtx     sync.Mutex // held while a configuration is applied
	applied *Config
}

var _ lifecycle.Component = (*Server)(nil)

// New returns a server that will start with cfg, which l has loaded. db stores the history of notifications, which are
// sent even if it is unavailable.
func New(l *Loader, cfg *Config, db *sql.DB) *Server {
	s := &Server{Loader: l, history: newHistory(l.options, db), mails: make(chan struct{}, maxMails), applied: cfg}
	s.registerMetrics(l.options.Registerer)
	return s
}

// Run accepts alerts and sends notifications until ctx ends. It then sends nothing more, writes its state to disk and
// leaves the cluster. It may be called again after it has returned.
func (s *Server) Run(ctx context.Context, ready func()) (err error) {
	if err := os.MkdirAll(s.options.Dir, 0o750); err != nil {
		return fmt.Errorf("create Alertmanager's data folder: %w", err)
	}
	stopHistory := s.history.start()
	defer stopHistory() // after the last attempt
	options, scope := s.options, metrics.NewScope(s.options.Registerer)
	defer scope.Close()
	options.Registerer = scope
	e, err := newEngine(options, s.history)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	s.begin(e)
	defer s.state.Store(nil)
	ready()
	<-ctx.Done()
	return nil
}

// begin starts an engine with the configuration that was applied last.
func (s *Server) begin(e *engine) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	e.apply(s.applied)
	s.state.Store(e)
}

// ApplyConfig makes cfg, which Load has checked, the running configuration, or, if the server is not running, the one
// that it starts with. Alerts, silences and the notification log are kept. It cannot fail: Load has already created
// everything that could.
func (s *Server) ApplyConfig(cfg *Config) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if e := s.state.Load(); e != nil {
		e.apply(cfg)
	}
	s.applied = cfg
	return nil
}

// Applied returns the running configuration.
func (s *Server) Applied() *Config {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.applied
}

// Handler serves Alertmanager's HTTP API below /api/v2, and upstream's response for the removed API below /api/v1.
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
