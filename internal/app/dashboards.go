package app

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/page"
	"github.com/ausguck/ausguck/internal/versions"
	"github.com/ausguck/ausguck/monitoring"
)

// DashboardsPart is the server side of Grafana for the UI.
type DashboardsPart struct {
	configured[dashboards.Config]
	source  dashboards.Source
	keyFile string
	server  *dashboards.Server
}

func (p *DashboardsPart) name() string                   { return "dashboards" }
func (p *DashboardsPart) component() lifecycle.Component { return p.server }

func (p *DashboardsPart) complete(o *Options) {
	p.source = dashboards.Source{ConfigDir: o.ConfigDir, BuiltIn: monitoring.Files, Dir: datadir.In(o.StoragePath, datadir.Dashboards)}
	p.keyFile = datadir.In(o.StoragePath, datadir.SourcesKey)
}

func (p *DashboardsPart) load(l *loading) {
	read := func() (document, error) {
		if p.source.ConfigDir == "" {
			return document{BuiltIn: true, Name: builtIn + "dashboards"}, nil
		}
		return document{Name: filepath.Join(p.source.ConfigDir, "grafana", "provisioning"), Dir: p.source.ConfigDir}, nil
	}
	p.next = load(l, p.name(), source{read: read, builtIn: func() document { return document{BuiltIn: true, Name: builtIn + "dashboards"} }},
		func(d document) (*dashboards.Config, []error) {
			src := p.source
			src.Copies = d.copies
			if d.BuiltIn {
				src.ConfigDir = ""
			}
			return dashboards.LoadConfig(src)
		}, func(c *dashboards.Config) (beside, warnings []string) { return c.Files(), c.Warnings() })
	if p.next != nil {
		l.dashboardProblems = p.next.DashboardProblems()
	}
}

func (p *DashboardsPart) build(a *App) (err error) {
	p.server, err = dashboards.New(dashboards.Options{
		DB:         a.db,
		Dir:        p.source.Dir,
		KeyFile:    p.keyFile,
		SetAside:   a.setAside,
		Logger:     a.options.Logger.With("part", p.name()),
		Registerer: a.registry,
		Caller:     auth.Caller,
		Reload:     func() error { return a.reloadAlone(p) },
		Users: func(ctx context.Context) (dashboards.UserCounts, error) {
			n, err := a.options.Auth.service.Count(ctx)
			return dashboards.UserCounts{Users: n.All, Admins: n.ByRole[auth.Admin], Editors: n.ByRole[auth.Editor], Viewers: n.ByRole[auth.Viewer], Active: n.Active}, err
		},
		Inside:     a.insideHandler,
		Engine:     a.engineAt,
		Transport:  a.sourceTransport(),
		OwnCookies: []string{auth.CookieName, auth.DeviceCookieName},
		Version:    versions.Own(),
		Commit:     versions.Revision(),
		AppURL:     a.options.external.Scheme + "://" + a.options.external.Host + a.prefix + "/",
	}, p.next)
	p.runs = p.server
	return err
}

// engineAt returns the Prometheus of this process if the address is one of its well-known addresses.
func (a *App) engineAt(address string) dsquery.Engine {
	if p := &a.options.Prometheus; p.server != nil && slices.Contains(p.at.addresses(), address) {
		return p.server
	}
	return nil
}

func (p *DashboardsPart) routes(*App) []route {
	grafana := p.server.Handler()
	return []route{
		{"/api/", viewer, grafana}, // the handler checks the roles of editors and admins itself
		{"GET /api/health", everybody, grafana},
		{"GET /goto/", viewer, grafana},
	}
}

// sourceTransport sends requests to data sources: in process for the names of the separate containers, otherwise over the network
// and its proxy.
func (a *App) sourceTransport() *http.Transport {
	inProcess := a.dialer.Names()
	return &http.Transport{
		DialContext: noDocker{a.options.Docker.host, a.dialer.DialContext}.dial,
		Proxy: func(r *http.Request) (*url.URL, error) {
			if slices.Contains(inProcess, r.URL.Host) {
				return nil, nil
			}
			return http.ProxyFromEnvironment(r)
		},
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
	}
}

// boot returns the page's boot data, which it needs no request for. It has defaults while the database cannot return the user's
// preferences.
func (a *App) boot(r *http.Request) page.Boot {
	id, _ := auth.FromContext(r.Context())
	server := a.options.Dashboards.server
	p, err := server.UserPreferences(r.Context(), id.Caller())
	if err != nil {
		a.options.Logger.Debug("Preferences not read", "login", id.Login, "err", err)
	}
	boot := page.Boot{
		User: page.User{
			ID: id.UserID, UID: id.UID, Login: id.Login, Name: id.Name, Email: id.Email, OrgRole: string(id.Role), IsSignedIn: true,
			Theme: cmp.Or(p.Theme, "dark"), Timezone: cmp.Or(p.Timezone, "browser"), WeekStart: p.WeekStart,
		},
		Settings: server.FrontendSettings(),
		SubURL:   a.prefix,
		Version:  versions.Own(),

		OldestSample: a.options.Prometheus.server.OldestSample(),
	}
	if shown := server.Shown(r.Context(), id.Caller(), r.URL.Path, p.HomeDashboardUID); shown != nil {
		boot.Dashboard = shown
	}
	return boot
}

// DashboardFiles returns the locations of Grafana's files, and the file with the encryption key of data source secrets. Call
// Complete first.
func (o *Options) DashboardFiles() (src dashboards.Source, keyFile string) {
	return o.Dashboards.source, o.Dashboards.keyFile
}
