// Package source implements what dashboards query: data sources with their provisioning, secrets, HTTP client, proxy, queries,
// health checks and plugins. dsquery creates frames, expr evaluates expressions.
//
//	/api/datasources/…, /api/ds/query, /api/ausguck/query, /api/plugins/…
package source

import (
	"cmp"
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/setaside"
)

// Options configures Sources. All fields except SetAside, Inside and OwnCookies are required.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	DB         *sql.DB
	SetAside   *setaside.Shelf
	KeyFile    string
	Inside     func(host string) http.Handler
	Engine     func(host string) dsquery.Engine
	Transport  *http.Transport
	OwnCookies []string
	// QueryTimeout limits queries and health checks of data sources without their own timeout.
	QueryTimeout time.Duration
	Now          func() time.Time
	Version      string
}

// keptAnswers limits the memory of the cache of query results, in bytes.
const keptAnswers = 32 << 20

// Sources holds the data sources, both from files and created through the API.
type Sources struct {
	o       Options
	asker   *asker
	ranges  *dsquery.Ranges
	all     atomic.Pointer[list]
	batches batches

	mtx   sync.Mutex // held during any change
	table table      // since Open
	files *Config

	keyLost sync.Once // reports a lost key
}

// New returns the data sources of cfg; those created through the API are loaded by Open.
func New(o Options, cfg *Config) (*Sources, error) {
	ranges := dsquery.NewRanges(keptAnswers)
	m, err := newMetrics(o.Registerer, ranges)
	if err != nil {
		return nil, err
	}
	s := &Sources{o: o, asker: &asker{o: o, metrics: m}, ranges: ranges}
	s.Expect(cfg)
	return s, nil
}

// Expect sets the configuration that Open applies.
func (s *Sources) Expect(cfg *Config) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.files = cfg
	s.all.Store(&cfg.sources)
}

// Open reads the encryption key and the data sources created through the API.
func (s *Sources) Open(ctx context.Context) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	secrets, err := openSecretBox(s.o.KeyFile, s.o.SetAside)
	if err != nil {
		return err
	}
	s.table = table{s.o.DB, secrets, s.o.KeyFile, s.o.SetAside, s.o.Logger, &s.keyLost}
	return s.apply(ctx, s.files)
}

// Apply replaces the provisioned data sources with those of cfg.
func (s *Sources) Apply(ctx context.Context, cfg *Config) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.apply(ctx, cfg)
}

// apply activates the provisioned data sources and those created through the API. A provisioned one takes precedence
// over one created through the API with the same uid or name.
func (s *Sources) apply(ctx context.Context, cfg *Config) error {
	for _, name := range cfg.deleted {
		if err := s.table.remove(ctx, "name", name); err != nil {
			return err
		}
	}
	stored, err := s.table.all(ctx)
	if err != nil {
		return err
	}
	all := slices.Clone(cfg.sources)
	for _, d := range stored {
		if cfg.sources.find(func(p *Datasource) bool { return p.UID == d.UID || p.Name == d.Name }) != nil {
			s.o.Logger.Warn("A provisioned data source hides one created through the API", "uid", d.UID, "name", d.Name)
			continue
		}
		if d.IsDefault && cfg.sources.hasToldDefault() {
			d.IsDefault = false
		}
		all = append(all, d)
	}
	s.files = cfg
	s.use(all)
	return nil
}

// use publishes the data sources, exactly one of which is the default.
func (s *Sources) use(all list) {
	i := slices.IndexFunc(all, func(d Datasource) bool { return d.toldDefault })
	if i < 0 {
		i = slices.IndexFunc(all, func(d Datasource) bool { return d.IsDefault && !d.provisioned })
	}
	if i >= 0 {
		for j := range all {
			all[j].IsDefault = i == j
		}
	}
	slices.SortStableFunc(all, func(a, b Datasource) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	s.all.Store(&all)
	s.asker.clients.forget()
}

func (s *Sources) list() list { return *s.all.Load() }

// Count returns the number of data sources.
func (s *Sources) Count() int { return len(s.list()) }

// Resolve fills inputs of exported dashboards with the default data source of their type.
func (s *Sources) Resolve(in dashjson.Input) (string, bool) { return s.list().resolve(in) }

// HasOwn reports whether there are data sources that are unknown when the files are checked.
func (s *Sources) HasOwn() bool {
	return s.list().find(func(d *Datasource) bool { return !d.provisioned }) != nil
}

var errNoSource = grafana.Fail(http.StatusNotFound, "Data source not found")

// named returns the data source that the path names by uid, name or id.
func (s *Sources) named(r *http.Request) (*Datasource, error) {
	var d *Datasource
	if uid := r.PathValue("uid"); uid != "" {
		d = s.list().byUID(uid)
	} else if name := r.PathValue("name"); name != "" {
		d = s.list().byName(name)
	} else {
		id, err := grafana.PathInt(r, "id")
		if err != nil {
			return nil, err
		}
		d = s.list().byID(id)
	}
	if d == nil {
		return nil, errNoSource
	}
	return d, nil
}

// Routes returns the routes of this package.
func (s *Sources) Routes() []grafana.Route {
	settings, proxy, queries, plugins := settingsAPI{s}, proxyAPI{s}, queryAPI{s}, pluginAPI{s.o.Version}
	const read, write, remove, query grafana.Permission = "datasources:read", "datasources:write", "datasources:delete", "datasources:query"
	return []grafana.Route{
		grafana.On("GET /api/datasources", read, settings.list),
		grafana.On("POST /api/datasources", "datasources:create", settings.create),
		grafana.On("GET /api/datasources/{id}", read, settings.get),
		grafana.On("PUT /api/datasources/{id}", write, settings.update),
		grafana.On("DELETE /api/datasources/{id}", remove, settings.delete),
		grafana.On("GET /api/datasources/uid/{uid}", read, settings.get),
		grafana.On("PUT /api/datasources/uid/{uid}", write, settings.update),
		grafana.On("DELETE /api/datasources/uid/{uid}", remove, settings.delete),
		grafana.On("GET /api/datasources/name/{name}", read, settings.get),
		grafana.On("DELETE /api/datasources/name/{name}", remove, settings.delete),
		grafana.On("GET /api/datasources/id/{name}", "datasources.id:read", settings.getID),
		grafana.On("GET /api/datasources/uid/{uid}/health", query, settings.health),
		grafana.On("/api/datasources/uid/{uid}/resources/{path...}", query, proxy.resource),
		grafana.On("/api/datasources/proxy/uid/{uid}/{path...}", query, proxy.whole),
		grafana.On("/api/datasources/proxy/{id}/{path...}", query, proxy.whole),
		grafana.On("POST /api/ds/query", query, queries.answer),
		grafana.On("POST /api/ausguck/query", query, queries.batch),
		grafana.On("DELETE /api/ausguck/query/{id}", query, queries.cancel),
		grafana.On("POST /api/tsdb/query", grafana.SignedIn, grafana.Refuse("POST /api/ds/query has taken its place")),
		grafana.On("GET /api/plugins", grafana.SignedIn, plugins.list),
		grafana.On("GET /api/plugins/{id}/settings", grafana.SignedIn, plugins.settings),
	}
}
