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

// follow is one connection: it negotiates, lists, and applies events until something fails or ctx ends. It returns
// what failed and whether the connection had been good before.
func (h *Host) follow(ctx context.Context) (established bool, err error) {
	// A client per connection, because the engine behind the socket may be another version after its restart.
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
		return false, fmt.Errorf("ping Docker: %w", err)
	}
	// The stream is opened before the list is read, so that nothing falls between the two. When a proxy forbids
	// events, the list is still read and published.
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
		return false, fmt.Errorf("follow Docker events: %w", cause(ctx, err))
	default:
	}
	h.setConnected(cli.ClientVersion())
	return true, h.obey(ctx, cli, stream)
}

// obey applies the stream of events, and lists again now and then as a safety net.
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

// call limits one request in time, because a Docker socket can accept and then hang for ever.
func (h *Host) call(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, h.timing.call, errSilent)
	defer cancel()
	return cause(ctx, f(ctx))
}

// cause replaces "context deadline exceeded" and the like by the reason that the context was given.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// list compares the engine's running containers with the known ones and inspects those that are new or changed, or
// all of them when events may have been missed.
func (h *Host) list(ctx context.Context, cli *client.Client, all bool) error {
	var listed client.ContainerListResult
	err := h.call(ctx, func(ctx context.Context) (err error) {
		listed, err = cli.ContainerList(ctx, client.ContainerListOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	h.mu.Lock()
	known := maps.Clone(h.known)
	h.mu.Unlock()

	next := make(map[string]Container, len(listed.Items))
	for _, s := range listed.Items {
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
			next[s.ID] = c
		}
	}
	h.publish(next)
	return nil
}

// sameAs says whether a listed container has the name and the addresses that it had when it was inspected.
func sameAs(c Container, s container.Summary) bool {
	if len(s.Names) == 0 || strings.TrimPrefix(s.Names[0], "/") != c.Name || s.NetworkSettings == nil {
		return false
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
		return Container{}, false, fmt.Errorf("inspect container %.12s: %w", id, err)
	}
	c, ok := fromInspect(got.Container)
	c.OOMKills = h.oomKills[c.ID]
	return c, ok, nil
}

// apply brings one container up to date after an event about it.
func (h *Host) apply(ctx context.Context, cli *client.Client, m events.Message) error {
	id := m.Actor.ID
	switch {
	case m.Type == events.NetworkEventType:
		if m.Action != events.ActionConnect && m.Action != events.ActionDisconnect {
			return nil
		}
		id = m.Actor.Attributes["container"]
	case strings.HasPrefix(string(m.Action), "exec_"), m.Action == events.ActionTop, m.Action == events.ActionResize:
		return nil // every health check makes three of these
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
	c, running, err := h.inspect(ctx, cli, id)
	if err != nil {
		return err
	}
	h.mu.Lock()
	next := maps.Clone(h.known)
	h.mu.Unlock()
	if running {
		next[id] = c
	} else {
		delete(next, id)
	}
	h.publish(next)
	return nil
}

// publish makes a new picture visible and wakes those who wait when it differs.
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
