package dockerhost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
)

var errSilent = errors.New("no response within the timeout")

// follow handles one connection: it negotiates the version, lists containers, and applies events until something fails or ctx
// ends. It returns the error and whether the connection had been established before.
func (h *Host) follow(ctx context.Context) (established bool, err error) {
	// Use one client per connection, because the engine behind the socket may have another version after a restart.
	cli, err := client.New(client.WithTLSClientConfigFromEnv(), client.WithAPIVersionFromEnv(),
		client.WithHost(h.endpoint), client.WithUserAgent("ausguck"))
	if err != nil {
		return false, fmt.Errorf("create a Docker client for %s: %w", h.endpoint, err)
	}
	defer func() { _ = cli.Close() }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	err = h.call(ctx, func(ctx context.Context) error {
		_, err := cli.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
		return err
	})
	if err != nil {
		return false, refused("ping Docker", "PING=1", err)
	}
	// Open the stream before reading the list, so that no event is missed in between. If a proxy forbids events, the list is
	// still read and published.
	watchdog := time.AfterFunc(h.timing.call, func() { cancel(errSilent) })
	stream := cli.Events(ctx, client.EventsListOptions{
		Filters: make(client.Filters).Add("type", string(events.ContainerEventType), string(events.NetworkEventType)),
	})
	watchdog.Stop()
	if err := h.list(ctx, cli, true); err != nil {
		return false, err
	}
	select {
	case err := <-stream.Err:
		return false, refused("follow Docker events", "EVENTS=1", cause(ctx, err))
	default:
	}
	h.setConnected(cli.ClientVersion(), h.networks(ctx, cli))
	return true, h.obey(ctx, cli, stream)
}

// networks checks a request that only docker_sd_configs needs: if it fails, that discovery finds nothing and only logs it.
func (h *Host) networks(ctx context.Context, cli *client.Client) error {
	err := h.call(ctx, func(ctx context.Context) error {
		_, err := cli.NetworkList(ctx, client.NetworkListOptions{})
		return err
	})
	if cerrdefs.IsPermissionDenied(err) || cerrdefs.IsUnauthorized(err) {
		return &forbiddenError{call: "list networks", grant: "NETWORKS=1", err: err}
	}
	return nil // any other error shows in the essential calls
}

// forbiddenError is a request that a socket proxy rejects, with the setting that allows it.
type forbiddenError struct {
	call, grant string
	err         error
}

func (e *forbiddenError) Error() string { return e.call + ": " + e.err.Error() }
func (e *forbiddenError) Unwrap() error { return e.err }

// refused adds the required permission to the error of a call that a socket proxy forbids.
func refused(call, grant string, err error) error {
	if cerrdefs.IsPermissionDenied(err) || cerrdefs.IsUnauthorized(err) {
		return &forbiddenError{call: call, grant: grant, err: err}
	}
	return fmt.Errorf("%s: %w", call, err)
}

// obey applies the stream of events, and lists again from time to time as a safety net.
func (h *Host) obey(ctx context.Context, cli *client.Client, stream client.EventsResult) error {
	relist := time.NewTicker(h.timing.relist)
	defer relist.Stop()
	for {
		var err error
		select {
		case m := <-stream.Messages:
			err = h.apply(ctx, cli, m)
		case err = <-stream.Err:
			err = fmt.Errorf("follow Docker events: %w", cause(ctx, err))
		case <-relist.C:
			err = h.list(ctx, cli, false)
		}
		if err != nil {
			return err
		}
	}
}

// call limits the duration of one request, because a Docker socket can accept a connection and then hang forever.
func (h *Host) call(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, h.timing.call, errSilent)
	defer cancel()
	return cause(ctx, f(ctx))
}

// cause replaces errors such as "context deadline exceeded" by the cause of the context.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// maxStopped limits how many containers that are not running are inspected and stored; the most recent ones are kept.
const maxStopped = 100

// list compares the engine's containers with the known ones and inspects new and changed ones, or all of them if events may have
// been missed.
func (h *Host) list(ctx context.Context, cli *client.Client, all bool) error {
	var listed client.ContainerListResult
	err := h.call(ctx, func(ctx context.Context) (err error) {
		listed, err = cli.ContainerList(ctx, client.ContainerListOptions{All: true})
		return err
	})
	if err != nil {
		return refused("list containers", "CONTAINERS=1", err)
	}
	h.mu.Lock()
	known := maps.Clone(h.known)
	h.mu.Unlock()

	next := make(map[string]Container, len(listed.Items))
	stopped := 0
	for _, s := range listed.Items { // most recently created first
		if s.State != container.StateRunning && s.State != container.StatePaused && s.State != container.StateRestarting {
			if stopped++; stopped > maxStopped {
				continue
			}
		}
		old, ok := known[s.ID]
		if ok && !all && sameAs(old, s) {
			next[s.ID] = old
			continue
		}
		c, ok, err := h.inspect(ctx, cli, s.ID)
		if err != nil {
			return err
		}
		if ok {
			next[s.ID] = c.after(old)
		}
	}
	h.publish(next)
	return nil
}

// sameAs reports whether a listed container still has the name, state and addresses that it had when it was inspected.
func sameAs(c Container, s container.Summary) bool {
	if len(s.Names) == 0 || strings.TrimPrefix(s.Names[0], "/") != c.Name || s.NetworkSettings == nil {
		return false
	}
	if string(s.State) != c.State {
		return false
	}
	if !c.Running() {
		return true
	}
	n := 0
	for _, e := range s.NetworkSettings.Networks {
		if e == nil {
			continue
		}
		for _, a := range []netip.Addr{e.IPAddress, e.GlobalIPv6Address} {
			if !a.IsValid() {
				continue
			}
			if !slices.Contains(c.Addresses, a) {
				return false
			}
			n++
		}
	}
	return n == len(c.Addresses)
}

func (h *Host) inspect(ctx context.Context, cli *client.Client, id string) (Container, bool, error) {
	var got client.ContainerInspectResult
	err := h.call(ctx, func(ctx context.Context) (err error) {
		got, err = cli.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		return err
	})
	if cerrdefs.IsNotFound(err) {
		return Container{}, false, nil
	}
	if err != nil {
		return Container{}, false, refused(fmt.Sprintf("inspect container %.12s", id), "CONTAINERS=1", err)
	}
	c := fromInspect(got.Container)
	c.OOMKills = h.oomKills[c.ID]
	return c, true, nil
}

// apply updates one container after an event about it.
func (h *Host) apply(ctx context.Context, cli *client.Client, m events.Message) error {
	id := m.Actor.ID
	switch {
	case m.Type == events.NetworkEventType:
		if m.Action != events.ActionConnect && m.Action != events.ActionDisconnect {
			return nil
		}
		id = m.Actor.Attributes["container"]
	case strings.HasPrefix(string(m.Action), "exec_"), m.Action == events.ActionTop, m.Action == events.ActionResize:
		return nil // every health check causes three of these
	}
	switch m.Action {
	case events.ActionOOM:
		h.oomKills[id]++
	case events.ActionDestroy:
		delete(h.oomKills, id)
	}
	if id == "" {
		return nil
	}
	c, exists, err := h.inspect(ctx, cli, id)
	if err != nil {
		return err
	}
	h.mu.Lock()
	next := maps.Clone(h.known)
	h.mu.Unlock()
	if exists {
		next[id] = c.after(next[id])
		forgetOldest(next)
	} else {
		delete(next, id)
	}
	h.publish(next)
	return nil
}

// after preserves the exit status of an earlier run, which the engine discards when it starts the container again.
func (c Container) after(old Container) Container {
	if c.Running() && c.RestartCount > 0 && c.ExitCode == 0 {
		c.ExitCode, c.OOMKilled = old.ExitCode, old.OOMKilled
	}
	return c
}

// forgetOldest limits the number of containers that are not running to maxStopped.
func forgetOldest(known map[string]Container) {
	var stopped []Container
	for _, c := range known {
		if !c.Running() && c.State != string(container.StateRestarting) {
			stopped = append(stopped, c)
		}
	}
	if len(stopped) <= maxStopped {
		return
	}
	slices.SortFunc(stopped, func(a, b Container) int { return b.Created.Compare(a.Created) })
	for _, c := range stopped[maxStopped:] {
		delete(known, c.ID)
	}
}

// publish makes a new view visible, and notifies waiters if it differs.
func (h *Host) publish(next map[string]Container) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if reflect.DeepEqual(h.known, next) {
		return
	}
	h.known = next
	h.view.Store(newView(next))
	h.announce()
}
