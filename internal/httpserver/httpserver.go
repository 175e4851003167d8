// Package httpserver owns the listening sockets: TLS and basic auth from the standard web.yml, request metrics, the access log,
// recovery from panics, and draining at shutdown.
//
// It wraps prometheus/exporter-toolkit/web. It imports none of our packages.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Main is the listener name whose address comes from --web.listen-address; errors name that flag for it.
const Main = "main"

// Defaults of Options. The first two are those of stock Prometheus.
const (
	DefaultReadTimeout    = 5 * time.Minute
	DefaultMaxConnections = 512
	DefaultDrainTimeout   = 5 * time.Second
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	// PromQL and LogQL are sent in the URL, so this is well above what a browser sends.
	maxHeaderBytes = 256 << 10
	// maxStreams is how many HTTP/2 requests share a connection, and thus a slot. A dashboard sends a few dozen at once.
	maxStreams = 100
)

// Options configure a Server.
type Options struct {
	Logger *slog.Logger
	// Registerer registers the ausguck_http_* metrics; nil disables them.
	Registerer prometheus.Registerer
	// WebConfigFile is a web.yml in the format of all Prometheus exporters; empty means plain HTTP without users.
	WebConfigFile string
	// AllowAnonymous makes ListenWellKnown as open on addresses that other machines can reach as it is on loopback.
	AllowAnonymous bool
	// ReadTimeout limits how long reading one request may take, including its body.
	ReadTimeout time.Duration
	// MaxConnections limits the open connections of all listeners together. Another connection takes the slot of a client that
	// keeps the server waiting; in addition, extraSlots are reserved for health checks and this machine.
	MaxConnections int
	// TrustedProxies are the networks of the proxies whose X-Forwarded-For and -Proto are trusted.
	TrustedProxies []netip.Prefix
	// AccessLog logs every request at debug level.
	AccessLog bool
	// LogPath returns a path as it is logged, without secrets in it; nil leaves it unchanged.
	LogPath func(path string) string
	// PlainHTTP2 names the listeners that also accept HTTP/2 without TLS, which gRPC clients use.
	PlainHTTP2 []string
	// DrainTimeout is how long requests in progress may continue after Serve is asked to stop.
	DrainTimeout time.Duration
}

// Server serves handlers on several listeners.
type Server struct {
	opts    Options
	logger  *slog.Logger
	access  access
	metrics *metrics
	slots   *slots
	proxies proxies
	unnamed unnamedProxies
	web     *webFile

	mtx   sync.Mutex
	bound []*listener
}

// Address is the address of one listener.
type Address struct {
	Name   string // as given to Listen
	Addr   string // host:port, with the actual port if :0 was requested
	Scheme string // http or https
}

// URL returns the root URL of the address, without a trailing slash. For an unspecified address it uses localhost.
func (a Address) URL() string {
	addr := a.Addr
	if host, port, err := net.SplitHostPort(addr); err == nil {
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			addr = net.JoinHostPort("localhost", port)
		}
	}
	return a.Scheme + "://" + addr
}

// connKey is the context key of a request's connection.
type connKey struct{}

type listener struct {
	Address
	socket net.Listener
	server *http.Server
}

// New checks web.yml and returns a server that is not bound to any address yet.
func New(o Options) (*Server, error) {
	if o.ReadTimeout == 0 {
		o.ReadTimeout = DefaultReadTimeout
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	if o.DrainTimeout == 0 {
		o.DrainTimeout = DefaultDrainTimeout
	}
	if o.LogPath == nil {
		o.LogPath = func(path string) string { return path }
	}
	if errs := CheckWebConfig(o.WebConfigFile); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	a, err := readAccess(o.WebConfigFile)
	if err != nil {
		return nil, err
	}
	m := newMetrics(o.Registerer)
	return &Server{
		opts:    o,
		logger:  o.Logger,
		access:  a,
		metrics: m,
		slots:   newSlots(o.MaxConnections, o.TrustedProxies, m.closed),
		proxies: o.TrustedProxies,
		web:     &webFile{path: o.WebConfigFile},
	}, nil
}

// Listen binds addr immediately; Serve then serves h there. h checks credentials itself: the server does not check the users of
// web.yml in addition, see UserHash. The name identifies the listener in logs, metrics and errors. The error wraps
// syscall.EADDRINUSE if the port is in use, and contains a remedy.
func (s *Server) Listen(name, addr string, h http.Handler) error {
	tcpAddr, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s for %s: %w", addr, name, err)
	}
	return s.listen(name, tcpAddr, h, false)
}

// ListenWellKnown binds the port of a stock program. On loopback it serves open, as that program does: credentials are only
// required if web.yml has users. On an address that other machines can reach it serves asking, which checks credentials itself,
// unless web.yml requires verified client certificates or AllowAnonymous is set.
func (s *Server) ListenWellKnown(name, addr string, open, asking http.Handler) error {
	// Check the same address that is bound: a host name is resolved only once.
	tcpAddr, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s for %s: %w", addr, name, err)
	}
	if tcpAddr.IP.IsLoopback() || s.access.clientCerts {
		return s.listen(name, tcpAddr, open, true)
	}
	if s.opts.AllowAnonymous {
		if !s.access.credentials() {
			s.logger.Warn("Serving without credentials on an address that other machines can reach", "listener", name, "address", addr)
		}
		return s.listen(name, tcpAddr, open, true)
	}
	return s.listen(name, tcpAddr, asking, false)
}

// listen binds the address; users selects whether the toolkit checks the users of web.yml.
func (s *Server) listen(name string, addr *net.TCPAddr, h http.Handler, users bool) error {
	l, err := net.ListenTCP("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s for %s: %w%s", addr, name, err, bindAdvice(name, addr.Port, err))
	}
	server, err := s.newHTTPServer(name, l.Addr(), h, users)
	if err != nil {
		l.Close()
		return fmt.Errorf("listen on %s for %s: %w", addr, name, err)
	}
	count := s.metrics.connState(name)
	server.ConnState = func(c net.Conn, state http.ConnState) {
		count(c, state)
		s.slots.onState(c, state)
	}
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, connOf(c))
	}

	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.bound = append(s.bound, &listener{
		Address: Address{Name: name, Addr: l.Addr().String(), Scheme: s.access.scheme()},
		socket:  &slotListener{Listener: l, slots: s.slots, main: name == Main},
		server:  server,
	})
	return nil
}

// bindAdvice returns a remedy for a failed bind, as the rest of a sentence.
func bindAdvice(name string, port int, err error) string {
	flag := "turn the well-known ports off with --no-web.well-known-ports"
	if name == Main {
		flag = "choose another address with --web.listen-address"
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Sprintf("; stop the program that uses the port (`ss -ltnp 'sport = :%d'` shows it), or %s", port, flag)
	case errors.Is(err, syscall.EACCES):
		return "; ports below 1024 need root or CAP_NET_BIND_SERVICE, or " + flag
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "; this machine has no such address (`ip address` lists them), " + flag
	}
	return ""
}

// Addresses returns the bound addresses, in the order of the calls to Listen.
func (s *Server) Addresses() []Address {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	addrs := make([]Address, 0, len(s.bound))
	for _, l := range s.bound {
		addrs = append(addrs, l.Address)
	}
	return addrs
}

// Serve serves all listeners until ctx ends. Then it accepts no new connections, gives requests in progress the drain timeout,
// cuts off the rest and returns nil. It returns early with an error if a listener fails.
func (s *Server) Serve(ctx context.Context) error {
	// Requests outlive ctx while draining; handlers of hijacked connections see the end of this context.
	requests, cancelRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelRequests()

	s.mtx.Lock()
	bound := s.bound
	s.mtx.Unlock()

	failed := make(chan error, len(bound))
	for _, l := range bound {
		l.server.BaseContext = func(net.Listener) context.Context { return requests }
		s.logger.Info("Listening", "listener", l.Name, "address", l.Addr, "scheme", l.Scheme)
		go func() {
			if err := l.serve(); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve %s on %s: %w", l.Name, l.Addr, err)
			}
		}()
	}
	select {
	case err := <-failed:
		s.drain(bound)
		return err
	case <-ctx.Done():
		s.drain(bound)
		return nil
	}
}

// drain stops all listeners concurrently, so that the slowest one determines the duration, not the sum.
func (s *Server) drain(bound []*listener) {
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.DrainTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, l := range bound {
		wg.Go(func() {
			if err := l.server.Shutdown(ctx); err != nil {
				s.logger.Warn("Cutting off requests that outlasted the drain", "listener", l.Name, "drain_timeout", s.opts.DrainTimeout, "err", err)
				l.server.Close()
			}
		})
	}
	wg.Wait()
}

// Close closes the listeners. It is for a start that failed before Serve, which closes them itself.
func (s *Server) Close() error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	var errs []error
	for _, l := range s.bound {
		errs = append(errs, l.socket.Close())
	}
	return errors.Join(errs...)
}

func (l *listener) serve() error {
	// Without TLS, net/http itself sets a TLSConfig here, but no GetConfigForClient.
	if l.server.TLSConfig != nil && l.server.TLSConfig.GetConfigForClient != nil {
		return l.server.ServeTLS(l.socket, "", "")
	}
	return l.server.Serve(l.socket)
}
