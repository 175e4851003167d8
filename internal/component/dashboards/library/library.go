// Package library implements dashboards and folders: provisioned files, saved dashboards with their versions, search and stars.
//
//	/api/dashboards/…, /api/folders/…, /api/search, /api/user/stars/…
package library

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/setaside"
)

// Options configures a Library. All fields except SetAside are required.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	DB         *sql.DB
	SetAside   *setaside.Shelf
	// Dir holds saved dashboards and their versions. Open creates it.
	Dir     string
	Resolve Resolver
	// SubURL is the path prefix of links, without a trailing slash.
	SubURL string
	Now    func() time.Time
}

// Library holds all dashboards and folders.
type Library struct {
	o       Options
	metrics *metrics
	stars   stars
	// followed is signaled when the set of folders to watch changes.
	followed chan struct{}

	mtx      sync.Mutex // held during any change
	held     *collection
	cfg      *Config
	reported map[string]bool // file problems already logged
}

// New returns an empty library.
func New(o Options) (*Library, error) {
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	held := &collection{store: store{o.Dir, o.SetAside}, versions: versions{filepath.Join(o.Dir, ".versions"), o.SetAside}, now: o.Now, resolve: o.Resolve}
	held.view.Store(newView(nil, nil))
	return &Library{o: o, metrics: m, stars: stars{o.DB}, followed: make(chan struct{}, 1), held: held, reported: map[string]bool{}}, nil
}

// Open reads all dashboards. Files unchanged since cfg was checked are not read again unless all is set because the
// values of their inputs may have changed.
func (l *Library) Open(cfg *Config, all bool) error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	l.cfg = cfg
	if err := l.held.open(cfg, all); err != nil {
		return err
	}
	l.observe()
	return nil
}

// Apply loads the files of cfg's providers.
func (l *Library) Apply(cfg *Config, all bool) error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	l.cfg = cfg
	if err := l.held.reload(cfg, all); err != nil {
		return err
	}
	l.observe()
	select {
	case l.followed <- struct{}{}:
	default:
	}
	return nil
}

// Rescan reads the files that have changed.
func (l *Library) Rescan() error {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	err := l.held.rescan()
	l.observe()
	return err
}

// Follow rescans files when they change, until ctx is done.
func (l *Library) Follow(ctx context.Context) { follower{l}.run(ctx) }

func (l *Library) view() *view { return l.held.view.Load() }

// publish makes a change by the API visible; reported file problems remain.
func (l *Library) publish() {
	l.held.publish(savedProblems(l.held.files, l.held.store.dir))
	l.observe()
}

// Count holds the number of objects of each kind.
type Count struct{ Dashboards, Folders, Tags, Stars int }

// Count returns the number of objects of each kind.
func (l *Library) Count(ctx context.Context) (Count, error) {
	v := l.view()
	stars, err := l.stars.count(ctx)
	return Count{len(v.dashboards), len(v.folders), len(v.tags), stars}, err
}

// Has reports whether a dashboard with the uid exists.
func (l *Library) Has(uid string) bool { return l.view().dashboards[uid] != nil }

// UIDOf returns the uid of the dashboard with the numeric id.
func (l *Library) UIDOf(id int64) (string, error) {
	if d := l.view().byID(id); d != nil {
		return d.uid, nil
	}
	return "", ErrNoDashboard
}

// overviewUID is the built-in dashboard that is the default home dashboard.
const overviewUID = "ausguck-overview"

// Home returns the uid and the URL of the dashboard with the given uid, or of the default home dashboard.
func (l *Library) Home(wanted string) (uid, address string, err error) {
	v := l.view()
	for _, uid := range []string{wanted, overviewUID} {
		if d := v.dashboards[uid]; d != nil {
			return d.uid, d.url(l.o.SubURL), nil
		}
	}
	for _, d := range v.sorted {
		if d.provisioned != nil && d.provisioned.builtIn && strings.Contains(d.lower, "overview") {
			return d.uid, d.url(l.o.SubURL), nil
		}
	}
	return "", "", ErrNoDashboard
}

// named returns the dashboard that the path names by uid, or by id as in old clients.
func (l *Library) named(r *http.Request) (*dashboard, error) {
	v := l.view()
	var d *dashboard
	if uid := r.PathValue("uid"); uid != "" {
		d = v.dashboards[uid]
	} else {
		id, err := grafana.PathInt(r, "id")
		if err != nil {
			return nil, err
		}
		d = v.byID(id)
	}
	if d == nil {
		return nil, ErrNoDashboard
	}
	return d, nil
}

// Routes returns the routes of this package.
func (l *Library) Routes() []grafana.Route {
	w := writer{l}
	dashboards, versions, folders, found, stars := dashboardAPI{w}, versionAPI{w}, folderAPI{l}, searchAPI{l}, starAPI{l}
	const read, write, readFolders, writeFolders grafana.Permission = "dashboards:read", "dashboards:write", "folders:read", "folders:write"
	return []grafana.Route{
		grafana.On("GET /api/search", grafana.SignedIn, found.search),
		grafana.On("GET /api/search/sorting", grafana.SignedIn, found.sorting),

		grafana.On("POST /api/dashboards/db", write, dashboards.post),
		grafana.On("POST /api/dashboards/import", write, dashboards.importOne),
		grafana.On("POST /api/dashboards/import/check", read, dashboards.previewImport),
		grafana.On("GET /api/dashboards/tags", read, dashboards.tags),
		grafana.On("POST /api/dashboards/calculate-diff", read, versions.diff),
		grafana.On("GET /api/dashboards/uid/{uid}", read, dashboards.get),
		grafana.On("DELETE /api/dashboards/uid/{uid}", "dashboards:delete", dashboards.remove),
		grafana.On("GET /api/dashboards/uid/{uid}/versions", read, versions.list),
		grafana.On("GET /api/dashboards/uid/{uid}/versions/{version}", read, versions.get),
		grafana.On("POST /api/dashboards/uid/{uid}/restore", write, versions.restore),
		grafana.On("GET /api/dashboards/uid/{uid}/permissions", read, dashboards.permissions),
		grafana.On("POST /api/dashboards/uid/{uid}/permissions", grafana.SignedIn, grafana.Refuse("Permissions of one dashboard cannot be set; roles hold everywhere")),
		grafana.On("GET /api/dashboards/id/{id}/versions", read, versions.list),
		grafana.On("GET /api/dashboards/id/{id}/versions/{version}", read, versions.get),
		grafana.On("POST /api/dashboards/id/{id}/restore", write, versions.restore),
		grafana.On("/api/dashboards/uid/{uid}/public-dashboards", grafana.SignedIn, grafana.Refuse("Public dashboards are not supported")),
		grafana.On("/api/dashboards/public-dashboards", grafana.SignedIn, grafana.Refuse("Public dashboards are not supported")),

		grafana.On("GET /api/folders", readFolders, folders.list),
		grafana.On("POST /api/folders", "folders:create", folders.post),
		grafana.On("GET /api/folders/{uid}", readFolders, folders.get),
		grafana.On("GET /api/folders/{uid}/{what}", readFolders, folders.detail),
		grafana.On("PUT /api/folders/{uid}", writeFolders, folders.put),
		grafana.On("DELETE /api/folders/{uid}", "folders:delete", folders.remove),
		grafana.On("POST /api/folders/{uid}/move", writeFolders, folders.move),
		grafana.On("POST /api/folders/{uid}/permissions", grafana.SignedIn, grafana.Refuse("Permissions of one folder cannot be set; roles hold everywhere")),

		grafana.On("GET /api/user/stars", grafana.SignedIn, stars.list),
		grafana.On("POST /api/user/stars/dashboard/uid/{uid}", grafana.SignedIn, stars.post),
		grafana.On("DELETE /api/user/stars/dashboard/uid/{uid}", grafana.SignedIn, stars.remove),
		grafana.On("POST /api/user/stars/dashboard/{id}", grafana.SignedIn, stars.post),
		grafana.On("DELETE /api/user/stars/dashboard/{id}", grafana.SignedIn, stars.remove),
	}
}
