package dockerhost

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

// newHost returns a Host that retries quickly.
func newHost(t *testing.T, endpoint string) (*Host, *lines) {
	log := &lines{}
	h, err := New(Options{
		Endpoint: endpoint, Logger: slog.New(slog.NewTextHandler(log, nil)), Registerer: prometheus.NewRegistry(),
	})
	require.NoError(t, err)
	h.timing = timing{
		call: 5 * time.Second, relist: time.Hour, lookup: time.Second,
		minDelay: 5 * time.Millisecond, maxDelay: 20 * time.Millisecond,
	}
	h.self = self{}
	return h, log
}

func run(t *testing.T, h *Host) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	ready := make(chan struct{})
	go func() { done <- h.Run(ctx, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(3 * time.Second):
			t.Error("Run did not return after its context ended")
		}
	})
}

// wait waits for a condition on the Host's state.
func wait(t *testing.T, h *Host, what string, condition func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		changed := h.Changed()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("%s: still not so; status %+v, containers %+v", what, h.Status(), h.Containers())
		}
	}
}

func names(h *Host) string {
	var s []string
	for _, c := range h.Containers() {
		s = append(s, c.Name)
	}
	return strings.Join(s, " ")
}

func connected(h *Host) func() bool { return func() bool { return h.Status().Connected } }

func TestNewChecksEndpoint(t *testing.T) {
	for endpoint, want := range map[string]string{
		"":                        "",
		"unix:///run/docker.sock": "",
		"tcp://proxy:2375":        "",
		"tcp://proxy:2375/":       "",
		"tcp://proxy":             "want tcp://host:port",
		"tcp://me:hush@proxy:1":   "must not contain a user and password",
		"ssh://user@host":         "want unix:///path/to/docker.sock or tcp://host:port",
		"/var/run/docker.sock":    "want unix:///path/to/docker.sock or tcp://host:port",
		"unix://":                 "want unix:///path/to/docker.sock or tcp://host:port",
	} {
		t.Run(endpoint, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", "")
			_, err := New(Options{Endpoint: endpoint})
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, want)
		})
	}
}

func TestEndpointComesFromEnvironment(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://proxy:2375")
	h, err := New(Options{})
	require.NoError(t, err)
	require.Equal(t, "tcp://proxy:2375", h.Endpoint())
	t.Setenv("DOCKER_HOST", "")
	h, err = New(Options{})
	require.NoError(t, err)
	require.Equal(t, DefaultEndpoint, h.Endpoint())
}

func TestFollowsContainers(t *testing.T) {
	e := newEngine(t)
	e.set(runs(id("a"), "zebra", labelled("k", "v"), on("bridge", "172.17.0.2")))
	e.set(ended(runs(id("f"), "gone")))
	e.start(t)
	h, log := newHost(t, e.endpoint())
	run(t, h)
	wait(t, h, "connected", connected(h))

	c, ok := h.ByID(id("a")[:12])
	require.True(t, ok)
	require.Equal(t, Container{
		ID: id("a"), Name: "zebra", Image: "registry/zebra:1", NetworkMode: "bridge", Hostname: id("a")[:12],
		Labels: map[string]string{"k": "v"}, Addresses: []netip.Addr{netip.MustParseAddr("172.17.0.2")}, PID: 42,
		Created: time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.UTC), Started: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
		State: "running", Networks: []string{"bridge"}, perNetwork: [][]netip.Addr{{netip.MustParseAddr("172.17.0.2")}},
	}, c)
	_, ok = h.ByID(id("f"))
	require.False(t, ok, "a container that does not run is not listed")
	_, ok = h.ByID("aaa")
	require.False(t, ok, "three characters are no id")

	e.happens(events.ActionStart, runs(id("b"), "apple"))
	wait(t, h, "started", func() bool { return names(h) == "apple zebra" })

	e.happens(events.ActionRename, runs(id("b"), "banana"))
	wait(t, h, "renamed", func() bool { return names(h) == "banana zebra" })

	sick := runs(id("b"), "banana")
	sick.State.Health = &container.Health{Status: container.Unhealthy}
	e.happens(events.ActionHealthStatusUnhealthy, sick)
	wait(t, h, "unhealthy", func() bool { c, _ := h.ByID(id("b")); return c.Health == "unhealthy" })

	e.happens(events.ActionOOM, sick)
	e.happens(events.ActionDie, ended(sick))
	wait(t, h, "ended", func() bool { return names(h) == "zebra" })
	e.happens(events.ActionStart, sick)
	e.happens(events.ActionOOM, sick)
	wait(t, h, "killed twice", func() bool { c, _ := h.ByID(id("b")); return c.OOMKills == 2 })

	e.set(runs(id("a"), "zebra", on("bridge", "172.17.0.2"), on("second", "10.0.0.2")))
	e.tell(events.NetworkEventType, events.ActionConnect, "net", map[string]string{"container": id("a")})
	wait(t, h, "second network", func() bool { c, _ := h.ByID(id("a")); return len(c.Addresses) == 2 })

	before := e.count("/containers/" + id("b") + "/json")
	e.happens("exec_start: /healthcheck", sick)
	e.happens(events.ActionDie, ended(sick))
	wait(t, h, "ended", func() bool { return names(h) == "zebra" })
	require.Equal(t, before+1, e.count("/containers/"+id("b")+"/json"), "health checks are not worth a request")
	require.Equal(t, 1, log.count("Connected to Docker"))
	require.Zero(t, log.count("level=WARN"))
	require.InDelta(t, 1, testutil.ToFloat64(h.reconnects), 0)
}

func TestListsAgainWithoutEvents(t *testing.T) {
	e := newEngine(t)
	e.set(runs(id("a"), "one", on("bridge", "172.17.0.2")))
	e.start(t)
	h, _ := newHost(t, e.endpoint())
	h.timing.relist = 10 * time.Millisecond
	run(t, h)
	wait(t, h, "connected", connected(h))
	e.set(runs(id("b"), "two"))
	wait(t, h, "found", func() bool { return names(h) == "one two" })
	e.set(runs(id("a"), "one", on("bridge", "172.17.0.9")))
	wait(t, h, "moved", func() bool {
		c, _ := h.ByID(id("a"))
		return len(c.Addresses) == 1 && c.Addresses[0] == netip.MustParseAddr("172.17.0.9")
	})
	e.set(ended(runs(id("b"), "two")))
	wait(t, h, "missing", func() bool { return names(h) == "one" })
	require.LessOrEqual(t, e.count("/containers/"+id("a")+"/json"), 2, "what did not change is not inspected again")
}

func TestEngineRestarts(t *testing.T) {
	e := newEngine(t)
	e.set(runs(id("a"), "one"))
	e.start(t)
	h, log := newHost(t, e.endpoint())
	run(t, h)
	wait(t, h, "connected", connected(h))

	e.stop()
	wait(t, h, "noticed", func() bool { return !h.Status().Connected })
	require.Equal(t, "one", names(h), "the names stay: with live-restore the containers do as well")
	require.Contains(t, h.Status().Reason, "there is no Docker socket at "+e.socket)

	e.set(ended(runs(id("a"), "one")))
	e.set(runs(id("b"), "two"))
	e.version = "1.41" // downgraded in the meantime
	e.start(t)
	wait(t, h, "back", func() bool { return h.Status().Connected && names(h) == "two" })
	require.Equal(t, Status{Connected: true}, h.Status())
	require.Equal(t, 2, log.count("Connected to Docker"))
	require.Equal(t, 1, log.count("level=WARN"), "one line per change, not per attempt")
}

func TestSocketAppearsLater(t *testing.T) {
	e := newEngine(t)
	h, log := newHost(t, e.endpoint())
	run(t, h)
	wait(t, h, "missed", func() bool { return log.count("level=WARN") == 1 })
	require.Contains(t, h.Status().Remedy, "sudo systemctl enable --now docker")
	e.set(runs(id("a"), "one"))
	e.start(t)
	wait(t, h, "connected", connected(h))
	require.Equal(t, "one", names(h))
}

func TestSocketHangs(t *testing.T) {
	e := newEngine(t)
	e.set(runs(id("a"), "one"))
	e.hang = make(chan struct{})
	e.start(t)
	h, log := newHost(t, e.endpoint())
	h.timing.call = 200 * time.Millisecond
	run(t, h)
	wait(t, h, "noticed", func() bool { return strings.Contains(h.Status().Reason, "does not respond within 200ms") })
	require.Contains(t, h.Status().Remedy, "sudo systemctl restart docker")

	e.mu.Lock()
	e.hang = nil
	e.mu.Unlock()
	wait(t, h, "recovered", connected(h))
	require.Equal(t, 1, log.count("level=WARN"))
}

func TestHangWhileConnected(t *testing.T) {
	e := newEngine(t)
	e.set(runs(id("a"), "one"))
	e.start(t)
	h, _ := newHost(t, e.endpoint())
	h.timing.call, h.timing.relist = 200*time.Millisecond, 50*time.Millisecond
	run(t, h)
	wait(t, h, "connected", connected(h))
	e.mu.Lock()
	e.hang = make(chan struct{})
	e.mu.Unlock()
	wait(t, h, "noticed", func() bool { return strings.Contains(h.Status().Reason, "does not respond") })
	require.Equal(t, "one", names(h))
}

// Each request that a socket proxy forbids is reported with the setting that allows it.
func TestSocketProxyForbids(t *testing.T) {
	for path, grant := range map[string]string{"/containers/json": "CONTAINERS=1", "/containers/aa": "CONTAINERS=1", "/events": "EVENTS=1", "/_ping": "PING=1"} {
		t.Run(path, func(t *testing.T) {
			e := newEngine(t)
			e.set(runs(id("a"), "one"))
			e.forbidden = path
			e.start(t)
			h, log := newHost(t, e.endpoint())
			run(t, h)
			wait(t, h, "noticed", func() bool { return strings.Contains(h.Status().Reason, "forbids") })
			require.Equal(t, "add to the environment of the Docker socket proxy: "+grant+" (it needs "+allGrants+")", h.Status().Remedy)
			require.NotContains(t, h.Status().Reason, "<html")
			if path == "/events" {
				require.Equal(t, "one", names(h), "without events the list is still read at every attempt")
			}
			require.Equal(t, 1, log.count("level=WARN"))
		})
	}
	t.Run("/networks", func(t *testing.T) {
		e := newEngine(t)
		e.set(runs(id("a"), "one"))
		e.forbidden = "/networks"
		e.start(t)
		h, log := newHost(t, e.endpoint())
		run(t, h)
		wait(t, h, "connected", connected(h))
		require.Contains(t, h.Status().Reason, "list networks")
		require.Contains(t, h.Status().Remedy, "NETWORKS=1")
		require.Equal(t, "one", names(h))
		require.Equal(t, 1, log.count("level=WARN"))
	})
}

func TestEngineVersions(t *testing.T) {
	for version, want := range map[string]string{
		"1.40": "",
		"1.99": "",
		"1.24": "update the Docker engine to 19.03 or newer",
	} {
		t.Run(version, func(t *testing.T) {
			e := newEngine(t)
			e.version = version
			if version == "1.99" { // the client uses its own latest version, which the engine still supports
				e.version = "1.54"
			}
			e.start(t)
			h, _ := newHost(t, e.endpoint())
			run(t, h)
			if want == "" {
				wait(t, h, "connected", connected(h))
				return
			}
			wait(t, h, "refused", func() bool { return strings.Contains(h.Status().Remedy, want) })
		})
	}
}

func TestBorrowedAddresses(t *testing.T) {
	e := newEngine(t)
	e.set(runs(id("a"), "owner", on("x", "172.18.0.2"), on("y", "172.19.0.2")))
	e.set(runs(id("b"), "joined", mode("container:"+id("a"))))
	e.set(runs(id("c"), "host", mode("host"), on("host", "")))
	e.set(runs(id("d"), "joined-host", mode("container:host")))
	e.set(runs(id("e"), "none", mode("none"), on("none", "")))
	e.start(t)
	h, _ := newHost(t, e.endpoint())
	run(t, h)
	wait(t, h, "connected", connected(h))
	loopback := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	two := []netip.Addr{netip.MustParseAddr("172.18.0.2"), netip.MustParseAddr("172.19.0.2")}
	for name, want := range map[string][]netip.Addr{
		"owner": two, "joined": two, "host": loopback, "joined-host": loopback, "none": nil,
	} {
		found := h.view.Load().named(name)
		require.Len(t, found, 1, name)
		require.Equal(t, want, found[0].Addresses, name)
	}
}
