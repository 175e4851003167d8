// Package dashboards implements the server side of Grafana with its HTTP API and provisioning files. It wires these packages:
//
//   - library: dashboards, folders, versions, search, stars
//   - source: data sources, their proxy and queries; dsquery creates data frames, expr evaluates expressions
//   - people: preferences, annotations, short URLs, teams
//   - provision: reads provisioning files; dashjson: dashboard JSON of all schema versions
//
// The package itself serves /api/health, /api/frontend/settings, /api/org and /api/admin. It wraps no engine, imports no sibling
// part and has no users: internal/app wires it and passes in the caller of a request.
package dashboards

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/setaside"
)

// Options is what a Server is made from.
type Options struct {
	// Logger receives messages; nil discards them.
	Logger *slog.Logger
	// Registerer receives the ausguck_dashboards_* metrics; nil keeps them to itself.
	Registerer prometheus.Registerer
	// DB is the open database of internal/database. It holds annotations, stars, preferences, short links
	// and the datasources that were made by API. Run migrates it.
	DB *sql.DB
	// SetAside takes files of Dir that cannot be read; nil moves them and tells nobody.
	SetAside *setaside.Shelf
	// Dir holds saved dashboards as plain JSON files, `<folder uid or "general">/<uid>.json`, with folders.json
	// and .versions beside them. Run creates it.
	Dir string
	// KeyFile holds the key of the secrets of datasources made by API. Run makes it when it is not there.
	KeyFile string
	// Caller says who sent a request; false answers 401. It must be safe for concurrent use.
	Caller func(*http.Request) (grafana.Caller, bool)
	// Reload reads the files of provisioning again and calls ApplyConfig; nil refuses to.
	Reload func() error
	// Users counts who may sign in; nil counts nobody.
	Users func(context.Context) (UserCounts, error)
	// Inside returns the handler of the part of this process that a well-known address (prometheus:9090) stands for; it is
	// called without a connection. nil, also as an answer, leaves the address to Transport.
	Inside func(host string) http.Handler
	// Engine returns the Prometheus of this process that answers at a well-known address, if its answers may be kept; nil,
	// also as an answer, is none.
	Engine func(host string) dsquery.Engine
	// Transport asks other datasources, and dials the well-known addresses in process for WebSockets. nil is
	// the network. It is cloned for datasources with TLS settings of their own.
	Transport *http.Transport
	// OwnCookies are names of cookies that no data source gets, whatever its keepCookies.
	OwnCookies []string
	// Version and Commit are ours, shown by /api/health and in buildInfo.
	Version, Commit string
	// AppURL is where people reach the page, with the path and a slash at the end: "http://localhost:3000/".
	// Its path is the sub URL of links that answers carry.
	AppURL string
	// QueryTimeout bounds a query of /api/ds/query and a health check of a datasource; 0 is 30 s.
	QueryTimeout time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const defaultQueryTimeout = 30 * time.Second

func (o Options) complete() (Options, error) {
	if o.DB == nil || o.Dir == "" || o.KeyFile == "" || o.Caller == nil {
		return o, errors.New("dashboards: DB, Dir, KeyFile and grafana.Caller are needed")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Registerer == nil {
		o.Registerer = prometheus.NewRegistry()
	}
	if o.Reload == nil {
		o.Reload = noReload
	}
	if o.Users == nil {
		o.Users = noUsers
	}
	if o.Engine == nil {
		o.Engine = func(string) dsquery.Engine { return nil }
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	if o.AppURL == "" {
		o.AppURL = "http://localhost:3000/"
	}
	if o.QueryTimeout == 0 {
		o.QueryTimeout = defaultQueryTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, nil
}

// subURL is the path of AppURL without the slash at its end, empty at the root.
func (o Options) subURL() string {
	u, err := url.Parse(o.AppURL)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.Path, "/")
}

// Source says where provisioning is read from.
type Source struct {
	// ConfigDir is --config.dir; its grafana/provisioning and grafana/dashboards are read. Empty means none.
	ConfigDir string
	// BuiltIn holds the dashboards that are always there below grafana/dashboards; nil means none.
	BuiltIn fs.FS
	// Dir is Options.Dir; its files are checked too. Empty means none.
	Dir string
	// Copies has, by path, where to read the files of grafana/provisioning, which are not looked for in their own places. It
	// is nil for what is read from there.
	Copies map[string]string
}
