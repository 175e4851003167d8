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

// Options configures a Server.
type Options struct {
	// Logger receives messages; nil discards them.
	Logger *slog.Logger
	// Registerer receives the ausguck_dashboards_* metrics; nil means they are not exposed.
	Registerer prometheus.Registerer
	// DB is the open database of internal/database. It stores annotations, stars, preferences, short links and data
	// sources created through the API. Run migrates it.
	DB *sql.DB
	// SetAside takes files of Dir that cannot be read; if nil, they are moved without notice.
	SetAside *setaside.Shelf
	// Dir holds saved dashboards as plain JSON files, `<folder uid or "general">/<uid>.json`, next to folders.json and
	// .versions. Run creates it.
	Dir string
	// KeyFile holds the key that encrypts the secrets of data sources created through the API. Run creates it if it
	// does not exist.
	KeyFile string
	// Caller identifies the sender of a request; false results in a 401. It must be safe for concurrent use.
	Caller func(*http.Request) (grafana.Caller, bool)
	// Reload rereads the provisioning files and calls ApplyConfig; nil disables reloading through the API.
	Reload func() error
	// Users counts the users who can sign in; nil means none.
	Users func(context.Context) (UserCounts, error)
	// Inside returns the handler of the part of this process behind a well-known address (prometheus:9090), which is
	// then called without a connection. If Inside or its result is nil, Transport is used for the address.
	Inside func(host string) http.Handler
	// Engine returns the Prometheus in this process behind a well-known address, if its results can be cached. Engine
	// and its result may be nil for none.
	Engine func(host string) dsquery.Engine
	// Transport sends requests to other data sources, and dials the well-known addresses in process for WebSockets. nil
	// means the network. It is cloned for data sources with their own TLS settings.
	Transport *http.Transport
	// OwnCookies are the names of cookies that are never forwarded to a data source, whatever its keepCookies.
	OwnCookies []string
	// Version and Commit are those of this program, shown by /api/health and in buildInfo.
	Version, Commit string
	// AppURL is the external URL of the frontend, with its path and a trailing slash: "http://localhost:3000/". Its
	// path prefixes links in responses.
	AppURL string
	// QueryTimeout limits a query to /api/ds/query and a health check of a data source; 0 means 30 s.
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

// subURL returns the path of AppURL without the trailing slash; empty for the root.
func (o Options) subURL() string {
	u, err := url.Parse(o.AppURL)
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.Path, "/")
}

// Source specifies where provisioning is read from.
type Source struct {
	// ConfigDir is --config.dir; its grafana/provisioning and grafana/dashboards are read. Empty means none.
	ConfigDir string
	// BuiltIn holds the built-in dashboards below grafana/dashboards; nil means none.
	BuiltIn fs.FS
	// Dir is Options.Dir; its files are checked as well. Empty means none.
	Dir string
	// Copies maps paths of files in grafana/provisioning to the copies that are read instead. If it is nil, the files
	// are read from their own paths.
	Copies map[string]string
}
