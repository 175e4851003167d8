package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/backup"
	"github.com/ausguck/ausguck/internal/component/alertmanager"
	"github.com/ausguck/ausguck/internal/component/cadvisor"
	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/logcollector"
	"github.com/ausguck/ausguck/internal/component/loki"
	"github.com/ausguck/ausguck/internal/component/nodeexporter"
	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/diskspace"
	"github.com/ausguck/ausguck/internal/dockerhost"
	"github.com/ausguck/ausguck/internal/httpserver"
	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/logbridge"
	"github.com/ausguck/ausguck/internal/setaside"
)

// parts are everything that runs. A nil part is switched off or cannot work here.
type parts struct {
	registry *prometheus.Registry
	gatherer prometheus.Gatherer
	http     *httpserver.Server
	docker   *dockerhost.Host
	node     *nodeexporter.Exporter
	cadvisor *cadvisor.Exporter
	prom     *promserver.Server
	alerting *alertmanager.Server
	loki     *loki.Server
	// collector reads log files and containers.
	collector *logcollector.Collector
	disk      *diskspace.Watch
	// lock keeps other processes from the data.
	lock io.Closer
	// setAside is what of the data could not be used.
	setAside *setaside.Shelf
	db       *sql.DB
	auth     *auth.Service
	// dashboards is what Grafana's server does for the page.
	dashboards *dashboards.Server

	// In-process listeners, by the part that answers there.
	main, alertingAddr, nodeAddr, cadvisorAddr, lokiAddr *inproc.Listener
	dialer                                               *inproc.Dialer
}

// newParts makes what the others are made with: metrics, disk, Docker, and the dialer of scrapes.
func newParts(o Options) (*parts, error) {
	p := &parts{
		main:         inproc.NewListener("ausguck"),
		alertingAddr: inproc.NewListener("alertmanager"),
		nodeAddr:     inproc.NewListener("node-exporter"),
		cadvisorAddr: inproc.NewListener("cadvisor"),
		lokiAddr:     inproc.NewListener("loki"),
	}
	p.registry, p.gatherer = newRegistry()
	p.gatherer = gatherers{p.gatherer, prometheus.GathererFunc(p.gatherLogs)}
	p.setAside = setaside.New(o.Logger, p.registry)
	p.disk = diskspace.New(o.Prometheus.Dir, o.Logger.With("part", "storage"), p.registry)
	next := inproc.DialContextFunc((&networkDialer).DialContext)
	if o.Docker.Enabled {
		var err error
		p.docker, err = dockerhost.New(dockerhost.Options{
			Endpoint: o.Docker.Host, Logger: o.Logger.With("part", "dockerhost"), Registerer: p.registry,
		})
		if err != nil {
			return nil, fmt.Errorf("--docker.host: %w", err)
		}
		next = p.docker.DialContext
	}
	p.dialer = inproc.NewDialer(p.wellKnownNames(o), next)
	return p, nil
}

// wellKnownNames leads the host names of the separate containers, also with the prefix that the original
// compose file gives them, to the parts that take their place.
func (p *parts) wellKnownNames(o Options) map[string]*inproc.Listener {
	names := map[string]*inproc.Listener{}
	add := func(address string, l *inproc.Listener) {
		names[address] = l
		names["agent-"+address] = l
	}
	add("prometheus:9090", p.main)
	add("grafana:3000", p.main)
	if o.Alertmanager.On {
		for _, address := range alertmanagerAddresses {
			add(address, p.alertingAddr)
		}
	}
	if o.NodeExporter.On {
		add("node-exporter:9100", p.nodeAddr)
	}
	if o.CAdvisor.On {
		add("cadvisor:8080", p.cadvisorAddr)
	}
	if o.Logs.Loki.On {
		add("loki:3100", p.lokiAddr)
	}
	return names
}

// alertmanagerAddresses are what other files call the built-in Alertmanager.
var alertmanagerAddresses = []string{"alertmanager:9093"}

// builtInAlertmanagers are the addresses, with their prefixed forms, that rules reach in process.
func (p *parts) builtInAlertmanagers(o Options) (addresses []string) {
	for address, listener := range p.wellKnownNames(o) {
		if listener == p.alertingAddr {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// wire makes the parts and hands each what it needs of the others.
func wire(o Options, l *loaders, cfg *configuration, p *parts) error {
	log := o.Logger
	logbridge.ClaimKlog(log.With("part", "klog"))

	proxies, err := httpserver.ParseProxies(o.Web.TrustedProxies)
	if err != nil {
		return fmt.Errorf("--web.trusted-proxies: %w", err)
	}
	p.http, err = httpserver.New(httpserver.Options{
		Logger:         log.With("part", "httpserver"),
		Registerer:     p.registry,
		WebConfigFile:  cfg.webFile,
		AllowAnonymous: o.Web.AllowAnonymous,
		ReadTimeout:    time.Duration(o.Web.ReadTimeout),
		MaxConnections: o.Web.MaxConnections,
		TrustedProxies: proxies,
		AccessLog:      o.Web.AccessLog,
		DrainTimeout:   drainTimeout,
	})
	if err != nil {
		return err
	}
	if o.NodeExporter.On {
		args, err := o.nodeExporterArgs()
		if err != nil {
			return err
		}
		p.node, err = nodeexporter.New(nodeexporter.Options{
			Logger: log.With("part", "nodeexporter"), Args: args, Registerer: p.registry,
		})
		if err = skip(log, "nodeexporter", o.NodeExporter.Asked || len(o.NodeExporterArgs) > 0, err); err != nil {
			return err
		}
	}
	if o.CAdvisor.On {
		p.cadvisor, err = cadvisor.New(cadvisor.Options{
			Logger:               log.With("part", "cadvisor"),
			Registerer:           p.registry,
			Containers:           p.containerSource(),
			HousekeepingInterval: o.Housekeeping,
			ContainerLabels:      splitList(o.Docker.Labels),
		})
		if err = skip(log, "cadvisor", o.CAdvisor.Asked, err); err != nil {
			return err
		}
	}
	wireLogs(o, cfg, p)
	p.prom = promserver.New(l.prometheus, cfg.prometheus)
	return nil
}

// wireStored opens the database and makes the parts that keep rows in it.
func wireStored(o Options, prefix string, l *loaders, cfg *configuration, p *parts) (err error) {
	if p.lock, err = lockStorage(o.StoragePath); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.closeStored())
		}
	}()
	useTempDir(o.StoragePath, o.Logger)
	if err := backup.Clean(o.StoragePath); err != nil {
		return fmt.Errorf("remove what an interrupted backup has left: %w", err)
	}
	if p.db, err = database.OpenSound(databaseFile(o), p.setAside); err != nil {
		return err
	}
	trusted, err := o.trustedOrigin()
	if err != nil {
		return err
	}
	p.auth, err = auth.New(context.Background(), auth.Options{
		DB:            p.db,
		Logger:        o.Logger.With("part", "auth"),
		Registerer:    p.registry,
		Prefix:        prefix,
		Secure:        strings.HasPrefix(o.Prometheus.ExternalURL, "https:"),
		LoginPage:     loginPage,
		SessionIdle:   time.Duration(o.Auth.SessionIdle),
		AdminLogin:    cfg.admin.login,
		AdminPassword: cfg.admin.password,
		UserHash:      p.http.UserHash,
		UserNames:     p.http.UserNames,

		InitialPasswordFile: o.initialPasswordFile(),
		SignIn:              cfg.signIn,
		TrustedOrigin:       trusted,
	})
	if err != nil {
		return err
	}
	external, err := promserver.ParseExternalURL(o.Prometheus.ExternalURL, o.Web.ListenAddress)
	if err != nil {
		return err
	}
	p.dashboards, err = dashboards.New(dashboards.Options{
		DB:         p.db,
		SetAside:   p.setAside,
		Dir:        o.dashboardDir(),
		KeyFile:    filepath.Join(o.StoragePath, "datasources.key"),
		Logger:     o.Logger.With("part", "dashboards"),
		Registerer: p.registry,
		Caller:     caller,
		Transport:  p.transport(),
		Version:    Version(),
		Commit:     version.GetRevision(),
		AppURL:     external.Scheme + "://" + external.Host + prefix + "/",
	}, cfg.dashboards)
	if err != nil || !o.Alertmanager.On {
		return err
	}
	p.alerting, err = alertmanager.New(context.Background(), l.alerting, cfg.alerting, p.db)
	return err
}

// databaseFile is where users, annotations and the like are.
func databaseFile(o Options) string { return filepath.Join(o.StoragePath, "ausguck.db") }

// closeStored lets go of the data, when nobody needs them any more.
func (p *parts) closeStored() error {
	var err error
	if p.db != nil {
		err = p.db.Close()
	}
	return errors.Join(err, p.lock.Close())
}

// caller tells dashboards who asks.
func caller(r *http.Request) (dashboards.Caller, bool) {
	id, ok := auth.FromContext(r.Context())
	return callerOf(id), ok
}

func callerOf(id auth.Identity) dashboards.Caller {
	return dashboards.Caller{ID: id.UserID, UID: id.UID, Login: id.Login, Name: id.Name, Email: id.Email, Role: dashboards.Role(id.Role)}
}

// transport asks data sources: the names of the separate containers in process, others by the network and its proxy.
func (p *parts) transport() *http.Transport {
	inProcess := p.dialer.Names()
	return &http.Transport{
		DialContext: noDocker{p.docker, p.dialer.DialContext}.dial,
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

// components lists what runs, in the order of the start: a part starts after every part it calls.
func (p *parts) components(g *lifecycle.Group) {
	g.Add("storage", p.disk)
	g.Add("auth", p.auth)
	g.Add("dashboards", p.dashboards) // asks data sources only for others, so it answers while the WAL is read
	if p.docker != nil {
		g.Add("dockerhost", p.docker)
	}
	if p.node != nil {
		g.Add("nodeexporter", p.node)
	}
	if p.cadvisor != nil {
		g.Add("cadvisor", p.cadvisor)
	}
	if p.alerting != nil {
		g.Add("alertmanager", p.alerting)
	}
	if p.loki != nil {
		g.Add("loki", p.loki)
	}
	if p.collector != nil {
		g.Add("logcollector", p.collector)
	}
	g.Add("promserver", p.prom)
}

// containerSource avoids an interface that holds a nil pointer.
func (p *parts) containerSource() cadvisor.ContainerSource {
	if p.docker == nil {
		return nil
	}
	return p.docker
}

// skip turns the error of a part that nobody asked for into a warning.
func skip(log *slog.Logger, part string, asked bool, err error) error {
	if err == nil || asked {
		return err
	}
	log.Warn("Going on without a part that cannot work here", "part", part, "err", err)
	return nil
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// plain serves h without compression: between parts of one process it would only cost time.
func plain(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		h.ServeHTTP(w, r)
	})
}
