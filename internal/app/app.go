package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/httpserver"
	"github.com/ausguck/ausguck/internal/inproc"
	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/programpages"
	"github.com/ausguck/ausguck/internal/setaside"
)

const (
	// partStopTimeout and drainTimeout add up to less than the 10 s that Docker gives a container to stop, unless remote write
	// has a longer flush deadline.
	partStopTimeout = 7 * time.Second
	flushMargin     = 4 * time.Second
	drainTimeout    = 2 * time.Second
)

// App is the whole program as a value.
type App struct {
	options Options
	prefix  string // the path before all routes, without a slash at its end

	// Shared by the parts.
	registry *prometheus.Registry
	gatherer prometheus.Gatherer
	dialer   *inproc.Dialer
	inside   sync.Map // HTTP handlers inside the process, by address
	http     *httpserver.Server
	db       *sql.DB
	copies   *database.Copies
	setAside *setaside.Shelf // data that could not be read
	// lock keeps other processes away from the data.
	lock   io.Closer
	access access
	group  *lifecycle.Group

	known     *lastGood
	started   time.Time
	settled   chan struct{} // closed when every part is ready or has failed once
	stopping  chan struct{} // closed when the program is asked to stop
	ready     atomic.Bool
	quit      context.CancelFunc
	reloading sync.Mutex
	backingUp sync.Mutex
	// faults are the configurations that failed to load, by part, since the start or the last successful reload.
	faults atomic.Pointer[map[string]fault]
	loaded atomic.Pointer[map[string]document]
	// warned are the warnings about the loaded configurations, by part.
	warned atomic.Pointer[map[string][]string]
}

// New checks the options and all files and creates the parts. It starts nothing and binds no address. It returns a ConfigError
// for invalid options and for files without a fallback, and another error for an unusable data folder.
func New(o Options) (_ *App, err error) {
	a := &App{options: o, started: time.Now(), settled: make(chan struct{}), stopping: make(chan struct{})}
	if err := a.options.Complete(); err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	setMemoryLimit(a.options.Memory, o.Logger)
	if a.lock, err = datadir.Lock(a.options.StoragePath); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	a.known = &lastGood{datadir.In(a.options.StoragePath, datadir.LastGood)}
	if err := a.wire(); err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	l := a.options.loadAll(a.known, true)
	if err := l.err(); err != nil {
		return nil, err
	}
	if err := a.build(); err != nil {
		return nil, &ConfigError{Problems: []error{err}}
	}
	a.remember(l)
	a.warnOfMissingMounts()
	return a, nil
}

// Run binds the addresses and runs all parts until ctx ends. The HTTP server starts first and stops last: health checks and pages
// are served before the first part is ready and until the last one has stopped.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.quit = cancel
	if err := a.listen(); err != nil {
		return errors.Join(err, a.http.Close(), a.close())
	}
	httpCtx, stopHTTP := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHTTP()
	httpDone := make(chan error, 1)
	go func() {
		defer cancel() // without HTTP, nothing else needs to run
		httpDone <- a.http.Serve(httpCtx)
	}()
	stopInside := a.serveInside()
	if a.options.AutoReload {
		go a.watchFiles(ctx)
	}
	go a.feedWatchdog(ctx)
	go a.copies.Run(ctx)
	go a.greet(ctx)
	defer context.AfterFunc(ctx, func() {
		a.ready.Store(false)
		close(a.stopping)
		notifySystemd(daemon.SdNotifyStopping)
	})()
	err := a.group.Run(ctx, func() { a.settle(ctx) })
	stopInside()
	stopHTTP()
	err = errors.Join(err, <-httpDone)
	return errors.Join(err, a.close()) // the last requests may have needed it
}

// settle is called when every part is ready or has failed once.
func (a *App) settle(ctx context.Context) {
	a.ready.Store(true)
	close(a.settled)
	a.options.Logger.Info("Ready", "took", time.Since(a.started).Round(time.Millisecond), "parts_down", len(a.down()))
	notifySystemd(daemon.SdNotifyReady)
	go programpages.Run(ctx, a.options.Logger)
}

// close releases the data once nothing uses it any more.
func (a *App) close() error {
	var err error
	if a.db != nil {
		err = a.db.Close()
	}
	return errors.Join(err, a.lock.Close())
}

// listen binds the main address, which must succeed, and the well-known ports, which only cause a warning if they fail.
func (a *App) listen() error {
	o := &a.options
	if err := a.http.Listen(httpserver.Main, o.Web.ListenAddress, a.access.asking(a.routes())); err != nil {
		return err
	}
	a.warnOfPlainText()
	if o.Web.WellKnownPorts == portsOff {
		return nil
	}
	host, _, err := net.SplitHostPort(o.Web.ListenAddress)
	if err != nil {
		return fmt.Errorf("--web.listen-address %q: %w", o.Web.ListenAddress, err)
	}
	for p := range a.ports() {
		if p.insideOnly {
			continue
		}
		if err := a.listenWellKnown(p.name, net.JoinHostPort(host, p.number), p.routes(a)); err != nil {
			o.Logger.Warn("Cannot listen on a well-known port; the main address serves the same API, and --no-web.well-known-ports disables these ports",
				"listener", p.name, "err", err)
		}
	}
	return nil
}

// listenWellKnown binds one of the well-known ports.
func (a *App) listenWellKnown(name, address string, routes []route) error {
	if a.options.Web.WellKnownPorts == portsAsk {
		return a.http.Listen(name, address, a.access.asking(routes))
	}
	return a.http.ListenWellKnown(name, address, a.access.open(routes), a.access.asking(routes))
}

// warnOfPlainText warns that others on the network can read passwords sent to the main address.
func (a *App) warnOfPlainText() {
	addr := a.http.Addresses()[0]
	host, err := netip.ParseAddrPort(addr.Addr)
	if err == nil && !host.Addr().Unmap().IsLoopback() && addr.Scheme == "http" && !strings.HasPrefix(a.options.Prometheus.ExternalURL, "https:") {
		a.options.Logger.Warn("Passwords are sent unencrypted: add a certificate to web.yml, or use a TLS proxy and set --web.external-url=https://…",
			"address", addr.Addr)
	}
}

// greet prints the banner once it knows how to log in.
func (a *App) greet(ctx context.Context) {
	select {
	case <-a.group.Settled(a.options.Auth.name()):
		a.Banner(a.options.Stdout)
	case <-ctx.Done():
	}
}
