package promserver

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/tsdb"

	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/metrics"
)

// Server is Prometheus as a lifecycle.Component.
type Server struct {
	*Loader
	changes *Changes
	// state is nil until Run has created the engines.
	state atomic.Pointer[engines]

	mtx     sync.Mutex // held while a configuration is applied
	applied *Config
}

var _ lifecycle.Component = (*Server)(nil)

// engineStopTimeout bounds the time an engine may take to stop.
const engineStopTimeout = 5 * time.Second

// flushMargin is the time for closing the storage in addition to flushing remote write.
const flushMargin = 2 * time.Second

// New returns a server that will start with cfg, which l has loaded.
func New(l *Loader, cfg *Config) *Server {
	return &Server{Loader: l, changes: &Changes{}, applied: cfg}
}

// Run starts the engines in the order of their dependencies, and stops them in reverse: rules first, or absent() alerts
// would fire at shutdown; the storage last. It may be called again after it has returned.
func (s *Server) Run(ctx context.Context, ready func()) error {
	if err := prepareDir(s.set.Dir); err != nil {
		return err
	}
	if err := s.set.soundFile("queries.active", "the list of queries in progress when the process ended", "no action is needed"); err != nil {
		return err
	}
	set := *s.set
	scope := metrics.NewScope(s.set.Registry)
	defer scope.Close()
	set.Registry = scope
	s.mtx.Lock() // configurations applied from here on wait until the engines are ready
	initial := s.applied
	e, err := newEngines(&set, initial, s.changes)
	s.state.Store(e)
	s.mtx.Unlock()
	defer s.state.Store(nil)
	if err != nil {
		return err
	}
	if err := e.applyRuntime(initial); err != nil { // before the replay, which produces most garbage
		return err
	}
	defer context.AfterFunc(ctx, e.announceStop)()

	group := lifecycle.NewGroup(s.set.Logger, max(engineStopTimeout, time.Duration(s.set.RemoteFlushDeadline)+flushMargin))
	group.Add("web", lifecycle.Func(func(ctx context.Context, ready func()) error { return e.runWeb(ctx, ready) }))
	group.Add("storage", lifecycle.Func(e.runStorage))
	group.Add("configuration", lifecycle.Func(s.applyInitial))
	group.Add("tracing", lifecycle.Func(e.runTracing))
	group.Add("notifier", lifecycle.Func(e.runNotifier))
	group.Add("scrape", lifecycle.Func(e.runScrape))
	group.Add("rules", lifecycle.Func(e.runRules))
	return group.Run(ctx, func() {
		e.announceReady()
		ready()
	})
}

// applyInitial waits for the engines that take the configuration and passes them the one checked at startup.
func (s *Server) applyInitial(ctx context.Context, ready func()) error {
	e := s.state.Load()
	select {
	case <-e.webBuilt:
	case <-ctx.Done():
		return nil
	}
	if err := e.apply(e.initial); err != nil {
		return fmt.Errorf("apply configuration: %w", err)
	}
	ready()
	<-ctx.Done()
	return nil
}

// ApplyConfig makes cfg, which Load has checked, the running configuration, or, if the server is not running, the one
// that it starts with. If an engine cannot apply it after all, the previous one is restored and the error gives the
// reason.
func (s *Server) ApplyConfig(cfg *Config) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	e := s.state.Load()
	if e == nil {
		s.applied = cfg
		return nil
	}
	if !e.ready.Load() {
		return errors.New("prometheus is still starting; retry when /-/ready returns 200")
	}
	if err := e.apply(cfg); err != nil {
		if back := e.apply(s.applied); back != nil {
			return errors.Join(err, fmt.Errorf("restore the previous configuration: %w", back))
		}
		return err
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

// ReportReload shows the outcome of a reload in prometheus_config_last_reload_successful and in the notifications of
// the UI; a reload that never got as far as ApplyConfig counts, too.
func (s *Server) ReportReload(err error) {
	if e := s.state.Load(); e != nil {
		e.reportReload(err)
	}
}

// Handler serves Prometheus's whole HTTP surface: /api/v1, /federate, /consoles, /user, /version, /-/ and /debug.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := s.state.Load()
		if e == nil || !e.serving.Load() {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "prometheus is starting", http.StatusServiceUnavailable)
			return
		}
		if code := e.noRoomFor(r); code != 0 {
			if err := e.guard.check(); err != nil {
				w.Header().Set("Retry-After", "10")
				http.Error(w, err.Error(), code)
				inproc.DiscardRest(r)
				return
			}
		}
		e.proxy.ServeHTTP(w, r)
	})
}

// noRoomFor returns the status for requests that send samples while the disk is full, 0 for other requests. Prometheus
// returns 500, which tells OTLP senders not to retry.
func (e *engines) noRoomFor(r *http.Request) int {
	switch {
	case r.Method != http.MethodPost:
	case e.set.Web.EnableRemoteWriteReceiver && strings.HasSuffix(r.URL.Path, "/api/v1/write"):
		return http.StatusInsufficientStorage
	case e.set.takesOTLP() && strings.HasSuffix(r.URL.Path, "/v1/metrics"):
		return http.StatusServiceUnavailable
	}
	return 0
}

// Snapshot writes all blocks (as hard links if the file system supports them) and a block of the samples in memory to
// dir, which together form an ordinary data folder. It returns tsdb.ErrNotReady while the storage is not open.
func (s *Server) Snapshot(dir string) error {
	e := s.state.Load()
	if e == nil {
		return tsdb.ErrNotReady
	}
	return e.storage.Snapshot(dir, true)
}

// OldestSample returns the time of the oldest sample, in milliseconds since 1970; 0 while there is none.
func (s *Server) OldestSample() int64 {
	e := s.state.Load()
	if e == nil {
		return 0
	}
	db := e.storage.db.Load()
	if db == nil {
		return 0
	}
	if first := oldest(db); first != math.MaxInt64 {
		return first
	}
	return 0
}

// Mark returns a mark for ChangedSince; see Changes.
func (s *Server) Mark() uint64 { return s.changes.Mark() }

// ChangedSince reports how long the results of range queries remain valid; see Changes.
func (s *Server) ChangedSince(mark uint64) int64 { return s.changes.ChangedSince(mark) }

// Stepwise reports whether each step of a range query is computed only from samples of this server up to the time of
// the step.
func (s *Server) Stepwise(query string) bool {
	e := s.state.Load()
	if e == nil || e.storage.remote.Load() {
		return false
	}
	expr, err := e.parser.ParseExpr(query)
	return err == nil && stepwise(expr)
}

// Starting returns what the server is waiting for, empty if it is ready.
func (s *Server) Starting() string {
	switch e := s.state.Load(); {
	case e == nil:
		return "not started"
	case e.ready.Load():
		return ""
	default:
		return e.storage.replayProgress()
	}
}
