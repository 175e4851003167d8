package dashboards

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/library"
	"github.com/ausguck/ausguck/internal/component/dashboards/source"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// Server is Grafana's server side as a lifecycle.Component.
type Server struct {
	o       Options
	log     *slog.Logger
	api     grafana.API
	handler http.Handler
	serving atomic.Bool

	mtx     sync.Mutex // held while anything is changed
	cfg     *Config
	library *library.Library
	sources *source.Sources
}

var _ lifecycle.Component = (*Server)(nil)

// New returns a server that will start with cfg, which LoadConfig has checked.
func New(o Options, cfg *Config) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, log: o.Logger, cfg: cfg}
	if s.sources, err = source.New(source.Options{
		Logger: o.Logger, Registerer: o.Registerer, DB: o.DB, SetAside: o.SetAside, KeyFile: o.KeyFile, Inside: o.Inside, Transport: o.Transport,
		QueryTimeout: o.QueryTimeout, Now: o.Now, Version: o.Version,
	}, cfg.sources); err != nil {
		return nil, err
	}
	if s.library, err = library.New(library.Options{
		Logger: o.Logger, Registerer: o.Registerer, DB: o.DB, SetAside: o.SetAside, Dir: o.Dir, Resolve: s.sources.Resolve, SubURL: o.subURL(), Now: o.Now,
	}); err != nil {
		return nil, err
	}
	s.api = grafana.API{Routes: s.routes(), Caller: o.Caller, Ready: s.serving.Load, Logger: o.Logger}
	s.handler = s.api.Handler()
	return s, nil
}

// pruneInterval is how often annotations beyond their caps are deleted.
const pruneInterval = time.Hour

// Run reads all dashboards, answers requests and follows the files until ctx ends.
func (s *Server) Run(ctx context.Context, ready func()) error {
	if err := database.Migrate(ctx, s.o.DB, "dashboards", migrations); err != nil {
		return fmt.Errorf("prepare database of dashboards: %w", err)
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	defer s.serving.Store(false)
	ready()
	prune := time.NewTicker(pruneInterval)
	defer prune.Stop()
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-prune.C:
				if err := s.pruneAnnotations(ctx); err != nil && ctx.Err() == nil {
					s.log.Error("Old annotations stay", "err", err)
				}
			}
		}
	}()
	s.library.Follow(ctx)
	return nil
}

func (s *Server) start(ctx context.Context) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if err := s.sources.Open(ctx); err != nil {
		return err
	}
	for _, w := range s.cfg.Warnings() {
		s.log.Warn("Provisioning", "warning", w)
	}
	if err := s.library.Open(s.cfg.library, s.sources.HasOwn()); err != nil {
		return err
	}
	s.serving.Store(true)
	return s.pruneAnnotations(ctx)
}

// Applied returns the running configuration.
func (s *Server) Applied() *Config {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.cfg
}

// ApplyConfig makes cfg, which LoadConfig has checked, the running configuration; of a server that is not running, the one
// that it starts with.
func (s *Server) ApplyConfig(cfg *Config) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if !s.serving.Load() {
		s.cfg = cfg
		s.sources.Expect(cfg.sources)
		return nil
	}
	if err := s.library.Rescan(); err != nil { // what has gone meanwhile and is to be kept
		return err
	}
	if err := s.sources.Apply(context.Background(), cfg.sources); err != nil {
		return err
	}
	s.cfg = cfg
	return s.library.Apply(cfg.library, s.sources.HasOwn())
}

// Handler serves every path below /api/ that the part knows and answers 404 in Grafana's shape to all
// others; mount it at /api/ and /goto/. Until Run is ready it answers 503, but for /api/health.
func (s *Server) Handler() http.Handler { return s.handler }

// Routes are all that Handler answers.
func (s *Server) Routes() []grafana.Route { return s.api.Routes }
