// Package heartbeats records the signs of life of cron jobs, backups and other work that starts by itself: each calls a URL with
// its token. The last ping, its duration and exit code are metrics; each ping is a log line; and what did not report in time is
// missing, which the built-in rules turn into an alert.
//
// It understands the URLs of healthchecks.io. It stores its state in the database that it is given, and a ping is acknowledged
// when it is on disk. Only internal/app imports it.
package heartbeats

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/lifecycle"
)

// Options configures a Server.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// DB stores the state of heartbeats, and the log lines that Loki has not taken yet.
	DB *sql.DB
	// Logs serves Loki's push API at /loki/api/v1/push; nil if logs are not stored. Pings are acknowledged without it.
	Logs http.Handler
	// Tenant returns the tenant of the log lines.
	Tenant func() string
	// Network returns what the addresses of one client have in common, by which guesses of tokens are counted.
	Network func(address string) string
}

// Server takes pings. It is a lifecycle.Component.
type Server struct {
	options Options
	logger  *slog.Logger
	limits  *limits
	metrics *ownMetrics

	mtx    sync.RWMutex
	file   *Config // that was applied
	page   []added
	config *Config // both together
	unused []unusedView
	store  *store // nil if the server is not running
}

var _ lifecycle.Component = (*Server)(nil)

// New returns a server that will start with cfg.
func New(o Options, cfg *Config) *Server {
	s := &Server{options: o, logger: o.Logger, limits: newLimits(time.Now), file: cfg, config: cfg}
	s.metrics = newMetrics(o.Registerer)
	o.Registerer.MustRegister(collector{s})
	return s
}

// Run takes pings until ctx ends. It may be called again after it has returned.
func (s *Server) Run(ctx context.Context, ready func()) error {
	st, err := openStore(ctx, s.options.DB, s.options.Logs != nil, time.Now())
	if err != nil {
		return fmt.Errorf("read the state of heartbeats: %w", err)
	}
	st.lost = s.metrics.lost
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	ended := make(chan error, 1)
	wg.Go(func() { ended <- st.run(ctx) })
	if s.options.Logs != nil {
		sender := &lineSender{store: st, logs: s.options.Logs, tenant: s.options.Tenant, logger: s.logger, lost: s.metrics.lost}
		wg.Go(func() { sender.run(ctx) })
	}
	if err := s.begin(ctx, st); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		cancel()
		return errors.Join(err, <-ended)
	}
	defer s.end()
	ready()
	return <-ended
}

// begin makes the store the one that pings go to, with the configuration that was applied last and the heartbeats of the page.
func (s *Server) begin(ctx context.Context, st *store) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	page, err := readAdded(ctx, s.options.DB)
	if err != nil {
		return fmt.Errorf("read the heartbeats that were added on the page: %w", err)
	}
	if err := s.apply(ctx, st, s.file, page, false); err != nil {
		return err
	}
	s.store = st
	return nil
}

func (s *Server) end() {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.store = nil
}

// ApplyConfig makes cfg the running configuration, or, if the server is not running, the one that it starts with. The error is
// that of the database.
func (s *Server) ApplyConfig(cfg *Config) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if s.store == nil {
		s.file = cfg
		return nil
	}
	if err := s.apply(context.Background(), s.store, cfg, s.page, false); err != nil {
		return fmt.Errorf("store which heartbeats there are: %w", err)
	}
	return nil
}

// apply makes a file and the heartbeats of the page the running configuration. It stores the latter if they were edited. If it
// fails, nothing has changed.
func (s *Server) apply(ctx context.Context, st *store, file *Config, page []added, edited bool) error {
	ctx, cancel := context.WithTimeout(ctx, applyTimeout)
	defer cancel()
	config, unused := file.with(page)
	var stored []added
	if edited {
		stored = append([]added{}, page...) // not nil
	}
	if err := st.configure(ctx, config, stored); err != nil {
		return err
	}
	if !slices.EqualFunc(unused, s.unused, func(a, b unusedView) bool { return a.Name == b.Name && a.Reason == b.Reason }) {
		for _, u := range unused {
			s.logger.Warn("A heartbeat that was added on the page is not used", "heartbeat", u.Name, "reason", u.Reason)
		}
	}
	s.file, s.page, s.config, s.unused = file, page, config, unused
	s.limits.keep(config)
	return nil
}

// applyTimeout is how long a reload or an edit waits for the database.
const applyTimeout = 15 * time.Second

// Applied returns the file that was applied.
func (s *Server) Applied() *Config {
	s.mtx.RLock()
	defer s.mtx.RUnlock()
	return s.file
}

// running returns the configuration and the store; nil if the server is not running.
func (s *Server) running() (*Config, *store) {
	s.mtx.RLock()
	defer s.mtx.RUnlock()
	return s.config, s.store
}
