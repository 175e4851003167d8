package dockerhost

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/api/types/network"
	"github.com/stretchr/testify/require"
)

// engine implements the part of a Docker engine's API that a Host uses.
type engine struct {
	socket  string
	version string // API version; the engine behind a socket proxy may be old

	mu         sync.Mutex
	containers map[string]container.InspectResponse
	followers  map[chan events.Message]struct{}
	forbidden  string        // path prefix that gets a 403
	hang       chan struct{} // requests wait for it if it is not nil
	requests   map[string]int

	server *http.Server
}

func newEngine(t *testing.T) *engine {
	dir, err := os.MkdirTemp("", "engine") // t.TempDir is too long for a socket path
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	e := &engine{
		socket:     filepath.Join(dir, "docker.sock"),
		version:    "1.44",
		containers: map[string]container.InspectResponse{},
		followers:  map[chan events.Message]struct{}{},
		requests:   map[string]int{},
	}
	t.Cleanup(e.stop)
	return e
}

func (e *engine) endpoint() string { return "unix://" + e.socket }

func (e *engine) start(t *testing.T) {
	l, err := net.Listen("unix", e.socket)
	require.NoError(t, err)
	e.server = &http.Server{Handler: e}
	server := e.server
	go func() { _ = server.Serve(l) }()
}

// stop simulates a stopped dockerd: connections are closed and the socket is removed.
func (e *engine) stop() {
	if e.server != nil {
		_ = e.server.Close()
		e.server = nil
	}
}

func (e *engine) set(c container.InspectResponse) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.containers[c.ID] = c
}

func (e *engine) tell(t events.Type, action events.Action, id string, attributes map[string]string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for f := range e.followers {
		f <- events.Message{Type: t, Action: action, Actor: events.Actor{ID: id, Attributes: attributes}}
	}
}

func (e *engine) happens(action events.Action, c container.InspectResponse) {
	e.set(c)
	e.tell(events.ContainerEventType, action, c.ID, nil)
}

func (e *engine) count(path string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests[path]
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if rest, ok := strings.CutPrefix(path, "/v"+e.version); ok {
		path = rest
	}
	e.mu.Lock()
	e.requests[path]++
	hang, forbidden := e.hang, e.forbidden
	e.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
		return
	}
	if forbidden != "" && strings.HasPrefix(path, forbidden) {
		http.Error(w, "<html><body><h1>403 Forbidden</h1></body></html>", http.StatusForbidden)
		return
	}
	switch {
	case path == "/_ping":
		w.Header().Set("Api-Version", e.version)
		w.Header().Set("Ostype", "linux")
	case path == "/containers/json":
		e.list(w)
	case path == "/networks":
		_, _ = w.Write([]byte("[]"))
	case path == "/events":
		e.follow(w, r)
	case strings.HasPrefix(path, "/containers/"):
		e.inspect(w, strings.TrimSuffix(strings.TrimPrefix(path, "/containers/"), "/json"))
	default:
		http.Error(w, fmt.Sprintf(`{"message":"page not found: %s"}`, r.URL.Path), http.StatusNotFound)
	}
}

func (e *engine) list(w http.ResponseWriter) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []container.Summary{}
	for _, c := range e.containers {
		s := container.Summary{ID: c.ID, Names: []string{c.Name}, State: c.State.Status}
		s.NetworkSettings = &container.NetworkSettingsSummary{Networks: c.NetworkSettings.Networks}
		list = append(list, s)
	}
	_ = json.NewEncoder(w).Encode(list)
}

func (e *engine) inspect(w http.ResponseWriter, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.containers[id]
	if !ok {
		http.Error(w, `{"message":"No such container"}`, http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(c)
}

func (e *engine) follow(w http.ResponseWriter, r *http.Request) {
	f := make(chan events.Message, 100)
	e.mu.Lock()
	e.followers[f] = struct{}{}
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.followers, f)
		e.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for {
		select {
		case m := <-f:
			_ = json.NewEncoder(w).Encode(m)
			_ = http.NewResponseController(w).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// id returns a full container id of one repeated character.
func id(c string) string { return strings.Repeat(c, 64) }

type option func(*container.InspectResponse)

// crashes describes a container that the engine is about to restart for the nth time.
func crashes(c container.InspectResponse, n int) container.InspectResponse {
	c.RestartCount = n
	c.State = &container.State{Status: container.StateRestarting, Running: true, Restarting: true, ExitCode: 7, FinishedAt: "2026-01-02T04:00:00Z"}
	c.HostConfig.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyUnlessStopped}
	return c
}

// runs describes a running container on the bridge network without addresses.
func runs(id, name string, options ...option) container.InspectResponse {
	c := container.InspectResponse{
		ID: id, Name: "/" + name, Created: "2026-01-02T03:04:05.6Z",
		State:           &container.State{Status: container.StateRunning, Running: true, Pid: 42, StartedAt: "2026-01-02T03:04:06Z"},
		Config:          &container.Config{Image: "registry/" + name + ":1", Hostname: id[:12]},
		HostConfig:      &container.HostConfig{NetworkMode: "bridge"},
		NetworkSettings: &container.NetworkSettings{Networks: map[string]*network.EndpointSettings{}},
	}
	for _, o := range options {
		o(&c)
	}
	return c
}

func ended(c container.InspectResponse) container.InspectResponse {
	c.State = &container.State{Status: container.StateExited, ExitCode: 1, FinishedAt: "2026-01-02T04:00:00Z"}
	return c
}

func labelled(key, value string) option {
	return func(c *container.InspectResponse) {
		if c.Config.Labels == nil {
			c.Config.Labels = map[string]string{}
		}
		c.Config.Labels[key] = value
	}
}

func on(net, addr string, aliases ...string) option {
	return func(c *container.InspectResponse) {
		e := &network.EndpointSettings{Aliases: aliases}
		if addr != "" {
			if err := e.IPAddress.UnmarshalText([]byte(addr)); err != nil {
				panic(err)
			}
		}
		c.NetworkSettings.Networks[net] = e
	}
}

func mode(m string) option {
	return func(c *container.InspectResponse) { c.HostConfig.NetworkMode = container.NetworkMode(m) }
}
