package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/httpserver"
	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/programpages"
)

const (
	// partStopTimeout and drainTimeout together stay below the 10 s that Docker gives a container, unless
	// remote write was given longer to flush.
	partStopTimeout = 7 * time.Second
	flushMargin     = 4 * time.Second
	drainTimeout    = 2 * time.Second
)

var networkDialer = net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}

// App is the whole program as a value.
type App struct {
	options Options
	loaders *loaders
	parts   *parts
	group   *lifecycle.Group
	prefix  string
	access  access
	admin   adminUser
	started time.Time

	reloading sync.Mutex
	backingUp sync.Mutex
	ready     atomic.Bool
	quit      context.CancelFunc
}

// New checks the options and all files and makes the parts. It starts nothing and binds nothing.
// Wrong options or files give a ConfigError; a database that cannot be used gives another error.
func New(o Options) (*App, error) {
	o = o.complete()
	setMemoryLimit(o.Memory, o.Logger)
	p, err := newParts(o)
	if err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	o.Prometheus.Registry = p.registry
	o.Prometheus.Gatherer = p.gatherer
	o.Prometheus.AutoReload = o.AutoReload
	o.Prometheus.Dial = p.dialer.DialContext
	o.Prometheus.Disk = p.disk
	o.Prometheus.BuiltInAlertmanagers = p.builtInAlertmanagers(o)
	o.Alerting.Registerer = p.registry
	loaders, err := newLoaders(o)
	if err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	if err := checkImageHosts(o.Web.ImageHosts); err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	cfg, problems := loadConfiguration(o, loaders, o.dockerHost())
	if len(problems) > 0 {
		return nil, &ConfigError{Problems: problems}
	}
	if err := wire(o, loaders, cfg, p); err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	a := &App{options: o, loaders: loaders, parts: p, admin: cfg.admin, started: time.Now()}
	if a.prefix, err = o.routePrefix(); err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	if err := wireStored(o, a.prefix, loaders, cfg, p); err != nil {
		return nil, err
	}
	if a.access, err = newAccess(o, a.prefix, p); err != nil {
		return nil, errors.Join(&ConfigError{Problems: []error{err}}, p.closeStored())
	}
	a.group = lifecycle.NewGroup(o.Logger, max(partStopTimeout, time.Duration(o.Prometheus.RemoteFlushDeadline)+flushMargin))
	p.components(a.group)
	a.registerStates(p.registry)
	a.logWarnings(cfg.warnings)
	o.warnOfMissingMounts(o.Logger)
	return a, nil
}

// Run binds the addresses and runs all parts until ctx ends. HTTP surrounds them: health checks and
// pages answer before the first part is ready and until the last has stopped.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.quit = cancel

	if err := a.listen(); err != nil {
		return errors.Join(err, a.parts.http.Close(), a.parts.closeStored())
	}
	err := a.parts.auth.Bootstrap(context.WithoutCancel(ctx)) // asked to stop, it stops below
	if err != nil {
		return errors.Join(fmt.Errorf("set up the admin: %w", err), a.parts.http.Close(), a.parts.closeStored())
	}
	a.Banner(a.options.Stdout)
	httpCtx, stopHTTP := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHTTP()
	httpDone := make(chan error, 1)
	go func() {
		defer cancel() // without HTTP there is nothing to run for
		httpDone <- a.parts.http.Serve(httpCtx)
	}()
	stopInProcess := a.serveInProcess()

	if a.options.AutoReload {
		go a.watchFiles(ctx)
	}
	go a.feedWatchdog(ctx)
	defer context.AfterFunc(ctx, func() {
		a.ready.Store(false)
		notifySystemd(daemon.SdNotifyStopping)
	})()
	err = a.group.Run(ctx, func() {
		a.ready.Store(true)
		a.options.Logger.Info("Ready", "took", time.Since(a.started).Round(time.Millisecond))
		notifySystemd(daemon.SdNotifyReady)
		go programpages.Run(ctx, a.options.Logger)
	})
	stopInProcess()
	stopHTTP()
	err = errors.Join(err, <-httpDone)
	return errors.Join(err, a.parts.closeStored()) // the last requests may have needed it
}

// listen binds the main address, without which there is no start, and the well-known ports, without
// which there is a warning.
func (a *App) listen() error {
	if err := a.parts.http.Listen(httpserver.Main, a.options.Web.ListenAddress, a.access.asking(a.routes())); err != nil {
		return err
	}
	a.warnOfPlainText()
	if a.options.Web.WellKnownPorts == portsOff {
		return nil
	}
	host, _, err := net.SplitHostPort(a.options.Web.ListenAddress)
	if err != nil {
		return fmt.Errorf("--web.listen-address %q: %w", a.options.Web.ListenAddress, err)
	}
	for _, w := range []struct {
		name, port string
		routes     []route
	}{
		{"prometheus", "9090", a.stockPrometheusRoutes()},
		{"alertmanager", "9093", a.stockAlertmanagerRoutes()},
		{"node-exporter", "9100", exporterRoutes("node_exporter", a.nodeMetrics())},
		{"cadvisor", "8080", exporterRoutes("cAdvisor", a.containerMetrics())},
		{"loki", "3100", a.stockLokiRoutes()},
	} {
		address := net.JoinHostPort(host, w.port)
		if w.routes == nil { // the part is off
			continue
		}
		if err := a.listenWellKnown(w.name, address, w.routes); err != nil {
			a.options.Logger.Warn("Going on without a well-known port; the main address serves the same, and --no-web.well-known-ports leaves them all",
				"listener", w.name, "err", err)
		}
	}
	return nil
}

// listenWellKnown binds one of the well-known ports.
func (a *App) listenWellKnown(name, address string, routes []route) error {
	if a.options.Web.WellKnownPorts == portsAsk {
		return a.parts.http.Listen(name, address, a.access.asking(routes))
	}
	return a.parts.http.ListenWellKnown(name, address, a.access.open(routes), a.access.asking(routes))
}

// warnOfPlainText tells people that what they are about to do lets others read their passwords.
func (a *App) warnOfPlainText() {
	addr := a.parts.http.Addresses()[0]
	host, err := netip.ParseAddrPort(addr.Addr)
	if err == nil && !host.Addr().Unmap().IsLoopback() && addr.Scheme == "http" && !strings.HasPrefix(a.options.Prometheus.ExternalURL, "https:") {
		a.options.Logger.Warn("Passwords cross the network readable: give web.yml a certificate, or put a proxy with TLS in front and say so with --web.external-url=https://…",
			"address", addr.Addr)
	}
}

// serveInProcess answers the well-known host names inside the process. The returned function ends it.
func (a *App) serveInProcess() (stop func()) {
	var servers []*http.Server
	for l, routes := range map[*inproc.Listener][]route{
		a.parts.main:         a.stockPrometheusRoutes(),
		a.parts.alertingAddr: a.stockAlertmanagerRoutes(),
		a.parts.nodeAddr:     exporterRoutes("node_exporter", a.nodeMetrics()),
		a.parts.cadvisorAddr: exporterRoutes("cAdvisor", a.containerMetrics()),
		a.parts.lokiAddr:     a.builtInLokiRoutes(),
	} {
		srv := &http.Server{Handler: a.access.inProcess(routes), ReadHeaderTimeout: time.Minute}
		servers = append(servers, srv)
		go func() { _ = srv.Serve(l) }() // ends with ErrServerClosed
	}
	return func() {
		for _, srv := range servers {
			_ = srv.Close()
		}
	}
}

// waitingFor lists the parts that are not ready, each with what it waits for.
func (a *App) waitingFor() []string {
	if a.ready.Load() {
		return nil
	}
	waiting := []string{}
	for _, s := range a.group.States() {
		if s.Phase == lifecycle.Ready {
			continue
		}
		line := s.Name + " is " + string(s.Phase)
		if s.Name == "promserver" && s.Phase == lifecycle.Starting {
			line += ": " + a.parts.prom.Starting()
		}
		waiting = append(waiting, line)
	}
	if len(waiting) == 0 {
		waiting = append(waiting, "stopping")
	}
	return waiting
}

// registerStates exports ausguck_part_ready, 1 for each part that is ready.
func (a *App) registerStates(reg prometheus.Registerer) {
	for i, s := range a.group.States() {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "ausguck_part_ready",
			Help:        "Whether a part of Ausguck is ready.",
			ConstLabels: prometheus.Labels{"part": s.Name},
		}, func() float64 {
			if a.group.States()[i].Phase == lifecycle.Ready {
				return 1
			}
			return 0
		}))
	}
}

// routePrefix returns the path before all routes, without a slash at its end.
func (o Options) routePrefix() (string, error) {
	prefix := o.Web.RoutePrefix
	if prefix == "" {
		u, err := promserver.ParseExternalURL(o.Prometheus.ExternalURL, o.Web.ListenAddress)
		if err != nil {
			return "", err
		}
		prefix = u.Path
	}
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		return "", nil
	}
	return "/" + prefix, nil
}
