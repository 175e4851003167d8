package dashboards

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/library"
	"github.com/ausguck/ausguck/internal/component/dashboards/people"
	"github.com/ausguck/ausguck/internal/component/dashboards/source"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// Server implements Grafana's backend as a lifecycle.Component.
type Server struct {
	o        Options
	log      *slog.Logger
	library  *library.Library
	sources  *source.Sources
	people   *people.People
	frontend frontend
	api      grafana.API
	handler  http.Handler
	serving  atomic.Bool

	mtx sync.Mutex // held while a new configuration is applied
	cfg *Config
}

var _ lifecycle.Component = (*Server)(nil)

// New returns a server that starts with cfg, which must come from LoadConfig.
func New(o Options, cfg *Config) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, log: o.Logger, cfg: cfg}
	if s.sources, err = source.New(source.Options{
		Logger: o.Logger, Registerer: o.Registerer, DB: o.DB, SetAside: o.SetAside, KeyFile: o.KeyFile, Inside: o.Inside, Engine: o.Engine, Transport: o.Transport, OwnCookies: o.OwnCookies,
		QueryTimeout: o.QueryTimeout, Now: o.Now, Version: o.Version,
	}, cfg.sources); err != nil {
		return nil, err
	}
	if s.library, err = library.New(library.Options{
		Logger: o.Logger, Registerer: o.Registerer, DB: o.DB, SetAside: o.SetAside, Dir: o.Dir, Resolve: s.sources.Resolve, SubURL: o.subURL(), Now: o.Now,
	}); err != nil {
		return nil, err
	}
	s.people = people.New(people.Options{DB: o.DB, Library: s.library, AppURL: o.AppURL, SubURL: o.subURL(), Now: o.Now})
	s.frontend = frontend{o, s.sources}
	s.api = grafana.API{Routes: s.routes(), Caller: o.Caller, Ready: s.serving.Load, Logger: o.Logger}
	s.handler = s.api.Handler()
	return s, nil
}

// pruneInterval is how often annotations that exceed the limits are deleted.
const pruneInterval = time.Hour

// Run reads all dashboards, serves requests and watches the files until ctx is done.
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
				if err := s.people.Prune(ctx); err != nil && ctx.Err() == nil {
					s.log.Error("Cannot delete old annotations", "err", err)
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
	return s.people.Prune(ctx)
}

// Applied returns the running configuration.
func (s *Server) Applied() *Config {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.cfg
}

// ApplyConfig makes cfg, which must come from LoadConfig, the running configuration. If the server is not running, it
// will start with cfg.
func (s *Server) ApplyConfig(cfg *Config) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if !s.serving.Load() {
		s.cfg = cfg
		s.sources.Expect(cfg.sources)
		return nil
	}
	if err := s.library.Rescan(); err != nil { // deleted files whose dashboards must be kept
		return err
	}
	if err := s.sources.Apply(context.Background(), cfg.sources); err != nil {
		return err
	}
	s.cfg = cfg
	return s.library.Apply(cfg.library, s.sources.HasOwn())
}

// Handler serves every path below /api/ that this part implements and returns a 404 in Grafana's format for all others;
// mount it at /api/ and /goto/. Until Run is ready it returns a 503, except for /api/health.
func (s *Server) Handler() http.Handler { return s.handler }

// Routes returns all routes that Handler serves.
func (s *Server) Routes() []grafana.Route { return s.api.Routes }

// routes combines the routes of the subpackages with those for the program as a whole.
func (s *Server) routes() []grafana.Route {
	admin := adminAPI{s.o, s.library, s.sources}
	return slices.Concat(s.library.Routes(), s.sources.Routes(), s.people.Routes(), []grafana.Route{
		grafana.On("GET /api/health", grafana.Public, admin.health),
		grafana.On("GET /api/frontend/settings", grafana.SignedIn, s.frontend.get),
		grafana.On("POST /api/admin/provisioning/{kind}/reload", "provisioning:reload", admin.reload),
		grafana.On("GET /api/admin/stats", "server.stats:read", admin.stats),
		grafana.On("GET /api/admin/settings", "settings:read", admin.settings),

		grafana.On("GET /api/org", "orgs:read", getOrg),
		grafana.On("GET /api/orgs", "orgs:read", getOrgs),
		grafana.On("GET /api/orgs/{id}", "orgs:read", getOrg),
		grafana.On("GET /api/orgs/name/{name}", "orgs:read", getOrg),
		grafana.On("GET /api/org/quotas", grafana.SignedIn, grafana.Refuse("There are no quotas")),

		grafana.On("GET /api/library-elements", grafana.SignedIn, noLibraryElements),
		grafana.On("/api/query-history", grafana.SignedIn, grafana.Refuse("There is no query history")),
		grafana.On("/api/live/", grafana.SignedIn, grafana.Refuse("Grafana Live is not supported")),
		grafana.On("/api/playlists", grafana.SignedIn, grafana.Refuse("There are no playlists")),
		grafana.On("/api/snapshots", grafana.SignedIn, grafana.Refuse("There are no snapshots")),
		grafana.On("/api/dashboard/snapshots", grafana.SignedIn, grafana.Refuse("There are no snapshots")),
	})
}

// noLibraryElements returns an empty list: library panels are inlined into the dashboards that use them.
func noLibraryElements(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	return grafana.OK(w, map[string]any{"result": map[string]any{"totalCount": 0, "elements": []any{}, "page": 1, "perPage": 100}})
}

// UserPreferences returns the caller's preferences, with the organization's as defaults.
func (s *Server) UserPreferences(ctx context.Context, c grafana.Caller) (people.Preferences, error) {
	return s.people.Preferences(ctx, c)
}

// Shown is the dashboard at a frontend URL.
type Shown struct {
	UID string `json:"uid"`
	// Home is set for the URL /, which does not name a dashboard.
	Home   bool            `json:"home"`
	Answer *library.Answer `json:"answer"`
}

// Shown returns the dashboard that the frontend shows to a caller at a path, so that it need not request it. It returns
// nil if the page shows no dashboard or has to report an error. home is the caller's home dashboard.
func (s *Server) Shown(ctx context.Context, c grafana.Caller, path, home string) *Shown {
	shown := &Shown{Home: path == "/"}
	if rest, ok := strings.CutPrefix(path, "/d/"); ok {
		shown.UID, _, _ = strings.Cut(rest, "/")
	} else if !shown.Home {
		return nil
	}
	if !s.serving.Load() {
		return nil
	}
	var err error
	if shown.Home {
		if shown.UID, _, err = s.library.Home(home); err != nil {
			return nil
		}
	}
	if shown.Answer, err = s.library.Answer(ctx, c, shown.UID); err != nil {
		return nil
	}
	return shown
}

// FrontendSettings returns the response of GET /api/frontend/settings, which is embedded in the page.
func (s *Server) FrontendSettings() map[string]any { return s.frontend.settings() }
