package statuspage

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ausguck/ausguck/internal/component/statuspage/subscribers"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// Options configures a Server.
type Options struct {
	Logger *slog.Logger
	DB     *sql.DB
	// Query returns the value of a PromQL expression with a single result; known is false if it has none.
	Query func(ctx context.Context, expr string, at time.Time) (value float64, known bool, err error)
	// StoredDays returns for how many days samples are kept.
	StoredDays func() int
	// Silence creates a silence for a maintenance, and returns its ID; Unsilence ends it. Both are nil without Alertmanager.
	Silence   func(ctx context.Context, e Event, matchers []Matcher, by string) (id string, err error)
	Unsilence func(ctx context.Context, id string) error
	// Send delivers a mail with the settings of a receiver of Alertmanager.
	Send func(ctx context.Context, receiver string, m subscribers.Mail) error
	// Network returns what the addresses of one client have in common.
	Network func(address string) string
	// Base is the URL at which visitors reach the server, for feeds; Root is the path prefix of all routes, without a slash at the end.
	Base, Root string
}

// Matcher is an equality matcher of a silence.
type Matcher struct{ Name, Value string }

// Server renders pages and serves them.
type Server struct {
	options     Options
	calm        *slog.Logger
	store       store
	subscribers *subscribers.Lists
	changed     chan struct{} // wakes Run after a change

	mtx      sync.Mutex
	applied  *Config
	rendered atomic.Pointer[map[string]*document] // by page name; only public ones
	seen     atomic.Pointer[map[string]*snapshot] // by page name; all of them
}

var _ lifecycle.Component = (*Server)(nil)

const (
	// observeEvery is how often states are queried, and daysEvery how often the history is.
	observeEvery = 10 * time.Second
	daysEvery    = 10 * time.Minute
)

// New returns a server with a configuration. It opens nothing.
func New(o Options, cfg *Config) *Server {
	s := &Server{
		options: o, calm: upstreamlog.New(o.Logger, upstreamlog.Rules{Repeat: time.Hour}), store: store{o.DB},
		changed: make(chan struct{}, 1), applied: cfg,
	}
	s.rendered.Store(&map[string]*document{})
	s.seen.Store(&map[string]*snapshot{})
	s.subscribers = subscribers.New(subscribers.Options{Logger: o.Logger, DB: o.DB, Send: o.Send, Network: o.Network, Lists: s.lists})
	return s
}

// Applied returns the running configuration.
func (s *Server) Applied() *Config {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.applied
}

// ApplyConfig makes cfg the running configuration.
func (s *Server) ApplyConfig(cfg *Config) error {
	s.mtx.Lock()
	s.applied = cfg
	s.mtx.Unlock()
	s.wake()
	return nil
}

func (s *Server) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Run keeps the pages current until ctx ends.
func (s *Server) Run(ctx context.Context, ready func()) error {
	if err := s.store.prepare(ctx); err != nil {
		return err
	}
	if err := s.subscribers.Prepare(ctx); err != nil {
		return err
	}
	ready()
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() { s.subscribers.Run(ctx) })
	observe, days := time.NewTicker(observeEvery), time.NewTicker(daysEvery)
	defer observe.Stop()
	defer days.Stop()
	s.keepAllDays(ctx)
	for {
		s.renderAll(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-observe.C:
		case <-s.changed:
		case <-days.C:
			s.keepAllDays(ctx)
		}
	}
}

func (s *Server) keepAllDays(ctx context.Context) {
	for _, p := range s.Applied().Pages {
		if err := s.keepDays(ctx, p, time.Now()); err != nil && ctx.Err() == nil {
			s.calm.Warn("The history of a status page is not updated", "page", p.Name, "err", err)
		}
	}
	if err := s.store.forget(ctx, time.Now()); err != nil && ctx.Err() == nil {
		s.calm.Warn("Old days of status pages are not removed", "err", err)
	}
}

// renderAll observes all pages and renders the public ones. A page that cannot be observed stays as it was.
func (s *Server) renderAll(ctx context.Context) {
	before, next, seen := *s.rendered.Load(), map[string]*document{}, map[string]*snapshot{}
	for _, p := range s.Applied().Pages {
		snap, err := s.observe(ctx, p, time.Now())
		switch {
		case err == nil:
			seen[p.Name] = snap
			s.tellProgress(ctx, p, snap)
			if p.Public {
				next[p.Name] = render(snap, s.options.Base, s.options.Root)
			}
			continue
		case ctx.Err() == nil:
			s.calm.Error("Status page not updated", "page", p.Name, "err", err)
		}
		if old := before[p.Name]; old != nil && p.Public {
			next[p.Name] = old
		}
	}
	s.seen.Store(&seen)
	s.rendered.Store(&next)
}

// ServeHTTP serves the documents of public pages, below /status-page/, and nothing else.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r) }
