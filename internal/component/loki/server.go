package loki

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/grafana/loki/v3/pkg/validation"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/ausguck/ausguck/internal/lifecycle"
)

const (
	startTimeout = 5 * time.Minute // enough for reading a long write-ahead log
	stopTimeout  = 6 * time.Second
	// leaveTimeout is how long a member of a ring may take to leave it before it starts again with its ports.
	leaveTimeout = 30 * time.Second
)

// Server is Loki as a part.
type Server struct {
	options Options
	logger  log.Logger
	log     *slog.Logger
	cap     *sizeCap
	alerts  *alertWay

	engine atomic.Pointer[engine] // nil while it does not respond
	reload chan reloading

	mtx     sync.Mutex
	applied *Config
	full    atomic.Bool
	running atomic.Bool

	storeError atomic.Value // string: what is wrong with the object store, or ""
	ringError  atomic.Value // string: what is wrong with the ring, or ""
	unreached  atomic.Pointer[map[string]string]
	crowded    atomic.Bool // see weigh
}

type reloading struct {
	cfg  *Config
	done chan error
}

var (
	_ lifecycle.Component = (*Server)(nil)
	_ prometheus.Gatherer = (*Server)(nil)
)

// New returns a Server; cfg comes from LoadConfig with the same options. It sets globals of Loki's packages.
func New(o Options, cfg *Config) *Server {
	s := &Server{
		options: o, log: o.Logger, logger: claimGlobals(o.Logger), applied: cfg,
		cap: newSizeCap(o), alerts: newAlertWay(o.Logger, o.Dial, o.InProcess), reload: make(chan reloading),
	}
	s.cap.adopt(cfg)
	s.newObjectStoreGauge()
	s.newRingGauge()
	return s
}

// Run starts Loki, calls ready when lines can be stored and queried, and stops it when ctx ends.
func (s *Server) Run(ctx context.Context, ready func()) error {
	if err := os.MkdirAll(s.options.Dir, 0o750); err != nil {
		return fmt.Errorf("create Loki's data folder: %w", err)
	}
	if err := s.alerts.listen(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.running.Store(true)
	defer s.running.Store(false)
	go s.alerts.serve(ctx)
	e, err := s.begin(ctx, s.Applied())
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it was ready
		}
		return err
	}
	go s.checkShipped(ctx, s.Applied())
	go s.watchObjectStore(ctx)
	go s.watchRing(ctx)
	capped := make(chan struct{})
	go func() {
		defer close(capped)
		s.cap.run(ctx)
	}()
	ready()
	for {
		select {
		case <-ctx.Done():
			<-capped
			return s.leave(e)
		case err := <-e.failed:
			return errors.Join(err, s.end(e, stopTimeout))
		case r := <-s.reload:
			next, err := s.swap(ctx, e, r.cfg)
			r.done <- err
			if next == nil {
				return err
			}
			e = next
		}
	}
}

// begin creates and starts an engine.
func (s *Server) begin(ctx context.Context, cfg *Config) (*engine, error) {
	started := time.Now()
	if err := s.options.makeSound(cfg); err != nil {
		return nil, err
	}
	if err := s.options.writeBuiltInRules(cfg); err != nil {
		s.log.Warn("Built-in LogQL rules are disabled", "err", err)
	}
	if cfg.Ingester.WAL.Enabled {
		if err := mendWAL(s.log, s.options.SetAside, cfg.Ingester.WAL.Dir); err != nil {
			s.log.Warn("Cannot check Loki's write-ahead log; lines after a damaged record and lines of recreated streams may be missing", "err", err)
		}
	}
	s.cap.adopt(cfg)
	limits := &cappedLimits{cap: s.cap, defaults: cfg.LimitsConfig, cache: map[*validation.Limits]cappedAt{}}
	e, err := s.create(ctx, cfg, limits)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := e.start(ctx); err != nil {
		return nil, errors.Join(err, s.end(e, stopTimeout))
	}
	s.engine.Store(e)
	s.tellRepairs(e, cfg)
	s.log.Info("Loki is ready", "took", time.Since(started).Round(time.Millisecond), "retention", cfg.Retention(), "size_limit_bytes", s.cap.inForce())
	return e, nil
}

// leave stops the engine before the process ends. Leaving a ring may take longer than the process has: nothing is lost then, because all
// lines and the index are in write-ahead logs, and the other members notice the missing heartbeats.
func (s *Server) leave(e *engine) error {
	err := s.end(e, stopTimeout)
	if e.cfg.cluster && errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("Loki stops without waiting until it has left its ring", "waited", stopTimeout)
		return nil
	}
	return err
}

func (s *Server) end(e *engine, timeout time.Duration) error {
	s.engine.Store(nil)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return e.stop(ctx)
}

// swap stops e and restarts Loki with cfg, or, if that fails, with its previous configuration. Pushes wait in the
// meantime.
func (s *Server) swap(ctx context.Context, e *engine, cfg *Config) (*engine, error) {
	if err := s.end(e, leaveTimeout); err != nil {
		return nil, err
	}
	next, err := s.begin(ctx, cfg)
	if err == nil {
		return next, nil
	}
	before, again := s.begin(ctx, e.cfg)
	if again != nil {
		return nil, errors.Join(err, again)
	}
	return before, err
}

// Applied returns the configuration with which Loki runs.
func (s *Server) Applied() *Config {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.applied
}

// ApplyConfig restarts Loki if the file has changed; it responds with 503 during that time, and lines wait.
func (s *Server) ApplyConfig(cfg *Config) error {
	s.mtx.Lock()
	before := s.applied
	s.mtx.Unlock()
	if bytes.Equal(before.content, cfg.content) {
		return nil
	}
	if !s.running.Load() {
		s.setApplied(cfg)
		return nil
	}
	r := reloading{cfg, make(chan error, 1)}
	select {
	case s.reload <- r:
	case <-time.After(stopTimeout):
		return errors.New("apply loki.yml: Loki is not running; retry when it is")
	}
	if err := <-r.done; err != nil {
		return fmt.Errorf("apply loki.yml: %w", err)
	}
	s.setApplied(cfg)
	return nil
}

func (s *Server) setApplied(cfg *Config) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.applied = cfg
}

// room checks the disk before lines are stored, and the memory if they cannot leave it.
func (s *Server) room() error {
	var err error
	advice := "Logs are rejected while the disk is full; clients retry. Free some space, or lower --storage.loki.retention.size"
	if s.options.Disk != nil {
		err = s.options.Disk.Full()
	}
	if err == nil && s.crowded.Load() {
		err = errCrowded
		advice = "Logs are rejected until the object store takes those that are in memory; clients retry"
	}
	if full := err != nil; s.full.Swap(full) != full && full {
		s.log.Error(advice, "err", err)
	}
	return err
}

// Handler is Loki's HTTP API without the endpoints that stop or empty it; it responds with 503 until Loki is ready.
func (s *Server) Handler() http.Handler {
	return bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/status/buildinfo") {
			serveBuildInfo(w)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/format_query") {
			serveFormatQuery(w, r)
			return
		}
		e := s.engine.Load()
		if e == nil {
			serveNotReady(w)
			return
		}
		if isPush(r) {
			s.servePush(e.handler, w, r)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/tail") { // it does not end by itself
			e.handler.ServeHTTP(w, r)
			return
		}
		if isDeletion(r) {
			e.queries.serve(http.HandlerFunc(e.serveDeletion), w, r)
			return
		}
		e.queries.serve(e.handler, w, r)
	}))
}

func serveNotReady(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "Loki is not ready: it starts or reads its write-ahead log", http.StatusServiceUnavailable)
}

// servePush acknowledges a push only if its lines are kept. Loki reports success even if there is no space for them in
// its write-ahead log, so the disk is checked before and after; if lines were stored nevertheless and are sent again,
// Loki treats them as the same lines.
func (s *Server) servePush(next http.Handler, w http.ResponseWriter, r *http.Request) {
	err := s.room()
	if err == nil {
		held := &answer{header: w.Header()}
		next.ServeHTTP(held, r)
		if err = s.room(); err == nil || held.code/100 != 2 {
			w.WriteHeader(cmp.Or(held.code, http.StatusOK))
			_, _ = w.Write(held.body.Bytes()) // the client is gone
			return
		}
	}
	w.Header().Set("Retry-After", "10")
	code := http.StatusInsufficientStorage
	if strings.HasSuffix(r.URL.Path, "/v1/logs") {
		code = http.StatusServiceUnavailable // OTLP senders retry after this one
	}
	http.Error(w, err.Error(), code)
}

func isPush(r *http.Request) bool {
	return r.Method == http.MethodPost && (strings.HasSuffix(r.URL.Path, "/push") || strings.HasSuffix(r.URL.Path, "/v1/logs"))
}

// Says returns what is wrong with the object store and with the ring, or "".
func (s *Server) Says() string {
	store, ring := s.storeSays(), s.ringSays()
	if store != "" && ring != "" {
		return store + "; " + ring
	}
	return store + ring
}

// Ready reports whether lines can be stored and queried.
func (s *Server) Ready() bool { return s.engine.Load() != nil }

// Gather returns Loki's own metrics without those that are in other registries of the process.
func (s *Server) Gather() ([]*dto.MetricFamily, error) {
	e := s.engine.Load()
	if e == nil {
		return nil, nil
	}
	families, err := e.registry.Gather()
	kept := families[:0]
	for _, f := range families {
		if !isShared(f.GetName()) {
			kept = append(kept, f)
		}
	}
	return kept, err
}

// isShared reports whether another registry of the process also has the metric.
func isShared(name string) bool {
	for _, prefix := range []string{"go_", "process_", "prometheus_", "promhttp_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// serveFormatQuery formats a query, as Loki's own main does.
func serveFormatQuery(w http.ResponseWriter, r *http.Request) {
	expr, err := parseLogQL(r.FormValue("query"))
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"status": "invalid-query", "error": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "success", "data": syntax.Prettify(expr)})
}
