// Package dockerhost is the process's only client of the Docker engine.
//
// It maintains the list of running containers (names, labels, addresses, process ids), diagnoses an unavailable engine and names
// the remedy, and dials names that only Docker knows. It wraps github.com/moby/moby/client and imports none of our packages;
// every part may use it, most of them through their own interface.
package dockerhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// DefaultEndpoint is the engine's address unless DOCKER_HOST is set.
const DefaultEndpoint = "unix:///var/run/docker.sock"

// Options configure a Host.
type Options struct {
	// Endpoint names the engine: unix:///path or tcp://host:port. Empty means DOCKER_HOST, else DefaultEndpoint.
	Endpoint string
	// Logger logs changes of the state, not every attempt. Nil discards them.
	Logger *slog.Logger
	// Registerer registers the ausguck_dockerhost_* metrics; it may be nil.
	Registerer prometheus.Registerer
}

// Status describes whether the engine is available, and if not, the reason and the remedy.
type Status struct {
	Connected bool
	// Reason is a description of the problem for users. While connected it is empty, or names what a socket proxy forbids
	// although docker_sd_configs needs it.
	Reason string
	// Remedy is the exact command or compose line that fixes it; empty if nothing is wrong.
	Remedy string
}

// Host is a client of one Docker engine. Create it with New; all methods can be called at any time, even before Run.
type Host struct {
	endpoint string
	network  string // "unix" or "tcp"
	address  string // the socket's path or host:port
	logger   *slog.Logger
	dialer   *net.Dialer
	self     self
	timing   timing

	reconnects prometheus.Counter

	// Only used by Run's goroutine.
	kind     troubleKind       // of status
	oomKills map[string]uint64 // by id; kept after the end of a container, because most containers are killed by the first one

	mu      sync.Mutex
	known   map[string]Container // as inspected, by full id
	status  Status
	changed chan struct{} // closed and replaced at every change

	view atomic.Pointer[view]
}

// timing has the durations that tests shorten.
type timing struct {
	call     time.Duration // timeout of one API call
	relist   time.Duration // safety net in addition to events
	minDelay time.Duration // first delay before reconnecting
	maxDelay time.Duration
	lookup   time.Duration // timeout of DNS if Docker knows the name
}

// New checks the options. It starts nothing and opens no connection.
func New(o Options) (*Host, error) {
	endpoint := o.Endpoint
	if endpoint == "" {
		endpoint = os.Getenv("DOCKER_HOST")
	}
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	network, address, ok := strings.Cut(endpoint, "://")
	if !ok || address == "" || (network != "unix" && network != "tcp") {
		return nil, fmt.Errorf("docker endpoint %q: want unix:///path/to/docker.sock or tcp://host:port", endpoint)
	}
	if network == "tcp" && strings.Contains(address, "@") { // not repeated, because the endpoint is shown and logged from here on
		return nil, errors.New("docker endpoint: the URL must not contain a user and password; use tcp://host:port")
	}
	if network == "tcp" {
		address = strings.TrimSuffix(address, "/")
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("docker endpoint %q: want tcp://host:port: %w", endpoint, err)
		}
	}
	logger := o.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	h := &Host{
		endpoint: endpoint,
		network:  network,
		address:  address,
		logger:   logger,
		dialer:   &net.Dialer{Resolver: net.DefaultResolver},
		self:     detectSelf("/"),
		timing: timing{
			call:     10 * time.Second,
			relist:   time.Minute,
			minDelay: 500 * time.Millisecond,
			maxDelay: 5 * time.Second,
			lookup:   2 * time.Second,
		},
		oomKills: map[string]uint64{},
		known:    map[string]Container{},
		status:   Status{Reason: "Docker at " + endpoint + " has not been queried yet", Remedy: "it is queried right after startup"},
		changed:  make(chan struct{}),
	}
	h.view.Store(newView(nil))
	if err := h.register(o.Registerer); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *Host) register(r prometheus.Registerer) error {
	h.reconnects = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "ausguck_dockerhost_connections_total",
		Help: "Connections made to the Docker engine.",
	})
	if r == nil {
		return nil
	}
	collectors := []prometheus.Collector{
		h.reconnects,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ausguck_dockerhost_up",
			Help: "Whether the Docker engine can be reached (1) or not (0).",
		}, func() float64 {
			if h.Status().Connected {
				return 1
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ausguck_dockerhost_containers",
			Help: "Running containers in the last response of the Docker engine.",
		}, func() float64 { return float64(len(h.view.Load().sorted)) }),
		newRestarts(h),
	}
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register Docker metrics: %w", err)
		}
	}
	return nil
}

// Run keeps the container list up to date until ctx ends. It calls ready immediately and never fails because Docker is missing:
// it waits for the engine, and reconnects when it restarts. It is a lifecycle.Component.
func (h *Host) Run(ctx context.Context, ready func()) error {
	ready()
	delay := h.timing.minDelay
	for ctx.Err() == nil {
		begun := time.Now()
		established, err := h.follow(ctx)
		if ctx.Err() != nil {
			break
		}
		if !established {
			h.setTrouble(err)
		} else if time.Since(begun) > delay {
			// The event stream ended. Proxies cut idle streams, so reconnect before treating it as a failure.
			delay = h.timing.minDelay
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
		delay = min(2*delay, h.timing.maxDelay)
	}
	return nil
}

// Endpoint returns the engine's address, for example unix:///var/run/docker.sock.
func (h *Host) Endpoint() string { return h.endpoint }

// Containers returns the running containers sorted by name. While the engine is unavailable it returns the last known ones. The
// caller owns the slice; the maps and slices inside are shared and must not be modified.
func (h *Host) Containers() []Container {
	return append([]Container(nil), h.view.Load().sorted...)
}

// Stopped returns the containers that are not running, including those that the engine is about to restart, sorted by name; at
// most 100, the most recently created ones. The caller owns the slice, as with Containers.
func (h *Host) Stopped() []Container {
	return append([]Container(nil), h.view.Load().stopped...)
}

// ByID returns the running container with that full id, or the only one whose id begins with the given 12 or more characters.
func (h *Host) ByID(id string) (Container, bool) { return h.view.Load().find(id) }

// Status returns the current state of the connection.
func (h *Host) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.status
}

// Changed returns a channel that is closed at the next change of the containers or of the connection. Call it before reading the
// state; several callers may wait at the same time.
func (h *Host) Changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

// announce notifies everyone who waits on Changed. Call it with h.mu held.
func (h *Host) announce() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// setConnected and setTrouble are only called by Run's goroutine. They log before they announce, so that the message is already
// written when waiters are notified.
func (h *Host) setConnected(apiVersion string, limited error) {
	h.reconnects.Inc()
	status, kind := Status{Connected: true}, troubleNone
	if limited != nil {
		kind, status = h.diagnose(limited)
		status.Connected = true
	}
	if h.Status() == status {
		return
	}
	if limited != nil {
		h.logger.Warn("Docker denies requests that discovery needs", "reason", status.Reason, "remedy", status.Remedy)
	}
	h.logger.Info("Connected to Docker", "endpoint", h.endpoint, "api_version", apiVersion,
		"containers", len(h.view.Load().sorted))
	h.setStatus(kind, status)
}

func (h *Host) setTrouble(err error) {
	kind, status := h.diagnose(err)
	if was := h.Status(); h.kind == kind && was.Remedy == status.Remedy && !was.Connected {
		return
	}
	h.logger.Warn("Docker is not responding; container names and discovery are unavailable",
		"reason", status.Reason, "remedy", status.Remedy, "err", err)
	h.setStatus(kind, status)
}

func (h *Host) setStatus(kind troubleKind, status Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kind, h.status = kind, status
	h.announce()
}
