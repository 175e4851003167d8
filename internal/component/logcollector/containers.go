package logcollector

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
	"github.com/prometheus/prometheus/discovery/moby"
)

const (
	// engineInterval is how often the time of the last query to the engine is recorded. Containers that ended so
	// shortly before it that their readers may have stored nothing are within engineMargin.
	engineInterval, engineMargin = 10 * time.Second, time.Minute
	// lookAgain is how often all containers are listed despite events, how often events are requested again after a
	// failure, and how often an ended container is inspected while there are none.
	lookAgain = time.Minute
	// inspectsAtOnce bounds the concurrent inspections of containers that follow a list.
	inspectsAtOnce = 8
)

// containers reads the logs of the containers of one engine. Events report containers that start; the list finds
// containers that started earlier, including those that have ended: one that exits immediately has lines, too.
type containers struct {
	logger  *slog.Logger
	sender  *sender
	metrics *metrics
	job     *job
	sd      *moby.DockerSDConfig
	since   time.Time // unread containers that ended before this are old
	asked   time.Time // when the time of the last list was recorded

	mtx     sync.Mutex
	known   map[string]*containerState // by ID
	events  bool                       // the engine sends events; otherwise, containers are inspected after each list
	trouble string                     // why the engine cannot be queried, empty if it can
	slots   chan struct{}
	wg      sync.WaitGroup
}

// containerState is the state of a container.
type containerState struct {
	reading bool // a goroutine reads it
	again   bool // it has started again in the meantime
	removed bool
	readTo  string    // the end of its run up to which it has been read
	settled time.Time // since when nothing is left to read, zero if unknown
	logs    ContainerLogs
}

func newContainers(logger *slog.Logger, s *sender, m *metrics, j *job, sd *moby.DockerSDConfig, since time.Time) *containers {
	c := &containers{
		logger: logger.With("job", j.name), sender: s, metrics: m, job: j, sd: sd, since: since,
		known: map[string]*containerState{}, slots: make(chan struct{}, inspectsAtOnce),
	}
	if last, ok := s.ledger.get(c.key()); ok { // a container that started and ended while this process was down has lines, too
		c.since = time.Unix(0, last.Time).Add(-engineMargin)
	}
	return c
}

// key is the ledger's key for the time of the last query to the engine.
func (c *containers) key() string { return "engine:" + c.job.name + ":" + c.sd.Host }

// run follows the engine until ctx ends, even if it is unavailable at times.
func (c *containers) run(ctx context.Context) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
		if err := c.follow(ctx); err != nil && ctx.Err() == nil {
			c.complain(err)
		}
		wait.Reset(time.Second)
	}
}

func (c *containers) complain(err error) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	if text := err.Error(); text != c.trouble {
		c.trouble = text
		c.logger.Warn("Cannot list Docker containers; their logs are collected when Docker responds", "host", c.sd.Host, "err", err)
	}
}

// follow reads until the engine can no longer be queried or ctx ends, and waits for its readers.
func (c *containers) follow(ctx context.Context) error {
	cli, err := client.New(client.WithTLSClientConfigFromEnv(), client.WithAPIVersionFromEnv(),
		client.WithHost(c.sd.Host), client.WithUserAgent("ausguck"))
	if err != nil {
		return fmt.Errorf("create a Docker client for %s: %w", c.sd.Host, err)
	}
	defer func() { _ = cli.Close() }()
	defer c.wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	refresh := time.NewTicker(max(time.Duration(c.sd.RefreshInterval), time.Second))
	defer refresh.Stop()
	var stream client.EventsResult
	var listed, subscribed time.Time
	for {
		if stream.Messages == nil && time.Since(subscribed) >= lookAgain { // before the list, so that nothing is missed
			subscribed = time.Now()
			stream = cli.Events(ctx, client.EventsListOptions{
				Filters: make(client.Filters).Add("type", "container").Add("event", "start", "die", "destroy"),
			})
			c.hear(true)
			listed = time.Time{}
		}
		if stream.Messages == nil || time.Since(listed) >= lookAgain {
			if err := c.list(ctx, cli); err != nil {
				return err
			}
			listed = time.Now()
		}
		select {
		case m := <-stream.Messages:
			c.heard(ctx, cli, m)
		case err := <-stream.Err: // forbidden or cut off by a proxy: the list suffices until they are requested again
			stream = client.EventsResult{}
			c.hear(false)
			c.logger.Debug("Docker events are unavailable; polling for containers", "err", err)
		case <-refresh.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hear records whether events are received from here on. Earlier ones were missed, so each container is inspected once.
func (c *containers) hear(events bool) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.events = events
	if events {
		for _, s := range c.known {
			s.settled = time.Time{}
		}
	}
}

// heard handles an event.
func (c *containers) heard(ctx context.Context, cli *client.Client, m events.Message) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	id := m.Actor.ID
	switch m.Action {
	case events.ActionStart:
		c.read(ctx, cli, id, &m.Actor)
	case events.ActionDie:
		if s := c.known[id]; s == nil || !s.reading { // otherwise its reader comes to the end
			c.read(ctx, cli, id, nil)
		}
	case events.ActionDestroy:
		if s := c.known[id]; s != nil {
			if s.removed = true; !s.reading {
				delete(c.known, id)
			}
		}
	}
}

// list starts reading the containers that are not known to be read.
func (c *containers) list(ctx context.Context, cli *client.Client) error {
	items, err := c.ask(ctx, cli, "")
	if err != nil {
		return err
	}
	c.mtx.Lock()
	defer c.mtx.Unlock()
	c.trouble = ""
	if time.Since(c.asked) > engineInterval {
		c.asked = time.Now()
		c.sender.ledger.put(c.key(), position{Time: c.sender.ledger.clock.now().UnixNano()})
	}
	present := map[string]bool{}
	for _, item := range items {
		present[item.ID] = true
		s := c.known[item.ID]
		if s == nil || !s.reading && (s.settled.IsZero() || !c.events && time.Since(s.settled) > lookAgain) {
			c.read(ctx, cli, item.ID, nil)
		}
	}
	maps.DeleteFunc(c.known, func(id string, s *containerState) bool { return !present[id] && !s.reading })
	c.forgetRemoved(present)
	return nil
}

// forgetRemoved removes containers that the engine no longer has from the ledger; c.mtx is held.
func (c *containers) forgetRemoved(present map[string]bool) {
	if len(c.job.cfg.DockerSDConfigs) > 1 { // another engine of the job may have them
		return
	}
	for key := range c.sender.ledger.known() {
		id, ours := strings.CutPrefix(key, containerKey("", c.job))
		if ours && !present[id] && c.known[id] == nil {
			c.sender.ledger.forget(key)
		}
	}
}

// read starts a goroutine that reads a container, unless there is one; c.mtx is held.
func (c *containers) read(ctx context.Context, cli *client.Client, id string, started *events.Actor) {
	s := c.known[id]
	if s == nil {
		s = &containerState{}
		c.known[id] = s
	}
	if s.reading {
		s.again = s.again || started != nil
		return
	}
	s.reading, s.again, s.settled = true, false, time.Time{}
	c.wg.Go(func() {
		c.readContainer(ctx, cli, id, s, started)
	})
}
