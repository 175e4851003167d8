package app

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/backup"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/httpserver"
	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/logbridge"
	"github.com/ausguck/ausguck/internal/metrics"
	"github.com/ausguck/ausguck/internal/page"
	"github.com/ausguck/ausguck/internal/setaside"
)

// wire creates what the parts share and passes it to them.
func (a *App) wire() (err error) {
	o := &a.options
	a.registry, a.gatherer = metrics.NewRegistry()
	a.gatherer = metrics.Gatherers{a.gatherer, &o.Loki}
	names := []string{"database"}
	for p := range a.parts() {
		names = append(names, p.name())
	}
	a.setAside = setaside.New(o.Logger, a.registry, names...)
	logbridge.ClaimKlog(o.Logger.With("part", "klog"))
	if a.prefix, err = o.routePrefix(); err != nil {
		return err
	}
	if err := page.CheckImageHosts(splitList(o.Web.ImageHosts)); err != nil {
		return err
	}
	inside := map[string]*inproc.Listener{}
	for p := range a.ports() {
		for _, address := range p.addresses() {
			inside[address] = p.inside
		}
	}
	a.dialer = inproc.NewDialer(inside, a.dialOutside)
	if err := a.openDatabase(datadir.In(o.StoragePath, datadir.Database)); err != nil {
		return err
	}
	for p := range a.parts() {
		if err := p.wire(a); err != nil {
			return err
		}
	}
	return nil
}

// openDatabase reads the whole database before anything uses it. If it is unusable now, the parts retry until it is usable.
func (a *App) openDatabase(path string) (err error) {
	log := a.options.Logger.With("part", "database")
	if a.db, err = database.OpenSound(path, a.setAside); err != nil {
		log.Error("Database unavailable; parts that need it are down until it is available", "err", err)
		if a.db, err = database.New(path); err != nil {
			return err
		}
	}
	a.copies = &database.Copies{DB: a.db, Path: path, Logger: log, Room: func() error { return a.options.Storage.disk.Full() }}
	return nil
}

// build creates the listeners, the parts and the group that runs them.
func (a *App) build() error {
	o := &a.options
	datadir.UseTemp(o.StoragePath, o.Logger)
	if err := backup.Clean(o.StoragePath); err != nil {
		o.Logger.Warn("Cannot remove the files of an interrupted backup", "err", err)
	}
	proxies, err := httpserver.ParseProxies(o.Web.TrustedProxies)
	if err != nil {
		return fmt.Errorf("--web.trusted-proxies: %w", err)
	}
	var plainHTTP2 []string
	for p := range a.ports() {
		if p.http2 {
			plainHTTP2 = append(plainHTTP2, p.name)
		}
	}
	a.http, err = httpserver.New(httpserver.Options{
		Logger:         o.Logger.With("part", "httpserver"),
		Registerer:     a.registry,
		WebConfigFile:  o.WebConfigFile(),
		AllowAnonymous: o.Web.AllowAnonymous,
		ReadTimeout:    time.Duration(o.Web.ReadTimeout),
		MaxConnections: o.Web.MaxConnections,
		TrustedProxies: proxies,
		AccessLog:      o.Web.AccessLog,
		LogPath:        a.hideToken,
		DrainTimeout:   drainTimeout,
		PlainHTTP2:     plainHTTP2,
	})
	if err != nil {
		return err
	}
	a.group = lifecycle.NewGroup(o.Logger, max(partStopTimeout, time.Duration(o.Prometheus.RemoteFlushDeadline)+flushMargin))
	for p := range a.parts() {
		if err := p.build(a); err != nil {
			return err
		}
		if c := p.component(); c != nil {
			if o.wrap != nil {
				c = o.wrap(p.name(), c)
			}
			a.group.Keep(p.name(), c, p.needs()...)
		}
	}
	if a.access, err = newAccess(a); err != nil {
		return err
	}
	a.registerStates(a.registry)
	return nil
}

// parts returns the enabled parts.
func (a *App) parts() iter.Seq[part] {
	return func(yield func(part) bool) {
		for _, p := range a.options.all() {
			if p.on() && !yield(p) {
				return
			}
		}
	}
}

// ports returns the ports of the enabled parts.
func (a *App) ports() iter.Seq[*port] {
	return func(yield func(*port) bool) {
		for p := range a.parts() {
			for _, at := range p.ports() {
				if !yield(at) {
					return
				}
			}
		}
	}
}

var networkDialer = net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}

// dialOutside opens connections to other machines and containers. Docker resolves the names of its containers.
func (a *App) dialOutside(ctx context.Context, network, address string) (net.Conn, error) {
	if inside := a.onLoopback(address); inside != nil {
		return inside.DialContext(ctx, network, address)
	}
	if docker := a.options.Docker.host; docker != nil {
		return docker.DialContext(ctx, network, address)
	}
	return networkDialer.DialContext(ctx, network, address)
}

// onLoopback returns the listener of the part whose well-known port a loopback address leads to, nil for other addresses. In a
// container such a port requires credentials, which configuration files for the separate programs do not have.
func (a *App) onLoopback(address string) *inproc.Listener {
	host, number, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) || a.http == nil {
		return nil
	}
	for p := range a.ports() {
		if p.number != number || p.insideOnly || len(p.hosts) == 0 {
			continue
		}
		for _, bound := range a.http.Addresses() {
			if bound.Name == p.name && bound.Scheme == "http" {
				return p.inside
			}
		}
	}
	return nil
}

// serveInside serves the well-known host names inside the process. The returned function stops it.
func (a *App) serveInside() (stop func()) {
	var servers []*http.Server
	for p := range a.ports() {
		if len(p.addresses()) == 0 {
			continue
		}
		h := a.access.inProcess(p.routes(a))
		if p.adopt != nil {
			answer := h
			h = handler(func(w http.ResponseWriter, r *http.Request) {
				p.adopt(a, r)
				answer.ServeHTTP(w, r)
			})
		}
		for _, address := range p.addresses() {
			a.inside.Store(address, h)
		}
		srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
		servers = append(servers, srv)
		go func() { _ = srv.Serve(p.inside) }() // returns ErrServerClosed
	}
	return func() {
		a.inside.Clear()
		for _, srv := range servers {
			_ = srv.Close()
		}
	}
}

// insideHandler returns the handler of a well-known host name of the process; nil for others.
func (a *App) insideHandler(address string) http.Handler {
	h, _ := a.inside.Load(address)
	found, _ := h.(http.Handler)
	return found
}

// registerStates exports ausguck_part_ready, which is 1 for each part that is ready.
func (a *App) registerStates(reg prometheus.Registerer) {
	for _, s := range a.group.States() {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "ausguck_part_ready",
			Help:        "Whether a part of Ausguck is ready.",
			ConstLabels: prometheus.Labels{"part": s.Name},
		}, func() float64 {
			if now, _ := a.group.State(s.Name); now.Phase == lifecycle.Ready {
				return 1
			}
			return 0
		}), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "ausguck_part_config_replaced",
			Help:        "Whether a part runs with a configuration other than its file, because the file does not load.",
			ConstLabels: prometheus.Labels{"part": s.Name},
		}, func() float64 {
			if _, replaced := faultOf(*a.faults.Load(), s.Name); replaced {
				return 1
			}
			return 0
		}))
	}
}

// skip turns the error of a part that was not enabled explicitly into a warning.
func (a *App) skip(part string, asked bool, err error) error {
	if err == nil || asked {
		return err
	}
	a.options.Logger.Warn("Part disabled because it cannot run here", "part", part, "err", err)
	return nil
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// logged logs warnings.
func logged(log *slog.Logger, warnings []string) {
	for _, w := range warnings {
		log.Warn("Configuration warning", "warning", w)
	}
}
