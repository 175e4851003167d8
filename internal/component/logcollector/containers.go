package logcollector

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/moby"
)

// containers reads the logs of the containers of one engine. It asks for those that have ended too: one that dies at
// once has lines all the same.
type containers struct {
	logger  *slog.Logger
	sender  *sender
	metrics *metrics
	job     *job
	sd      *moby.DockerSDConfig
	since   time.Time // containers that ended before this and were never read are old
	asked   time.Time // when the time of the last look was written

	mtx     sync.Mutex
	readers map[string]bool
	drained map[string]string // id → the end of its life up to which it is read
	// settled are containers that are drained and of which no event has come since: nothing needs to be asked about
	// them. It is nil while the engine tells no events; then each list is followed by an inspect of each.
	settled map[string]bool
	said    string
	wg      sync.WaitGroup
}

func newContainers(logger *slog.Logger, s *sender, m *metrics, j *job, sd *moby.DockerSDConfig, since time.Time) *containers {
	c := &containers{
		logger: logger.With("job", j.name), sender: s, metrics: m, job: j, sd: sd, since: since,
		readers: map[string]bool{}, drained: map[string]string{},
	}
	if last, ok := s.ledger.get(c.key()); ok { // one that lived and died while nobody looked has lines too
		c.since = time.Unix(0, last.Time).Add(-engineMargin)
	}
	return c
}

// engineInterval is how often it is written that the engine was asked. A container that ended so shortly before that
// its reader may have stored nothing is within engineMargin.
const engineInterval, engineMargin = 10 * time.Second, time.Minute

// key is where the ledger has when the engine was last asked.
func (c *containers) key() string { return "engine:" + c.job.name + ":" + c.sd.Host }

// run follows the engine until ctx ends, through its absences.
func (c *containers) run(ctx context.Context) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			c.wg.Wait()
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
	if text := err.Error(); text != c.said {
		c.said = text
		c.logger.Warn("Cannot ask Docker for containers; their logs wait for it", "host", c.sd.Host, "err", err)
	}
}

// follow lists the containers at first, at every event and every refresh interval.
func (c *containers) follow(ctx context.Context) error {
	cli, err := client.New(client.WithTLSClientConfigFromEnv(), client.WithAPIVersionFromEnv(),
		client.WithHost(c.sd.Host), client.WithUserAgent("ausguck"))
	if err != nil {
		return fmt.Errorf("make Docker client for %s: %w", c.sd.Host, err)
	}
	defer func() { _ = cli.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := cli.Events(ctx, client.EventsListOptions{
		Filters: make(client.Filters).Add("type", "container").Add("event", "start", "die"),
	})
	c.heard(true, "")
	refresh := time.NewTicker(max(time.Duration(c.sd.RefreshInterval), time.Second))
	defer refresh.Stop()
	for {
		if err := c.list(ctx, cli); err != nil {
			return err
		}
		c.mtx.Lock()
		c.said = ""
		c.mtx.Unlock()
		select {
		case m := <-stream.Messages:
			c.heard(true, m.Actor.ID)
		case err := <-stream.Err: // a proxy may forbid events: the list will do
			stream.Err, stream.Messages = nil, nil
			c.heard(false, "")
			c.logger.Debug("Docker tells no events; containers are looked for", "err", err)
		case <-refresh.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// heard notes an event of a container; without an id, that events are told from here on, or no more.
func (c *containers) heard(events bool, id string) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	switch {
	case !events:
		c.settled = nil
	case id == "":
		c.settled = map[string]bool{}
	default:
		delete(c.settled, id)
	}
}

func (c *containers) list(ctx context.Context, cli *client.Client) error {
	asked, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	filters := make(client.Filters)
	for _, f := range c.sd.Filters {
		filters.Add(f.Name, f.Values...)
	}
	list, err := cli.ContainerList(asked, client.ContainerListOptions{All: true, Filters: filters})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	c.mtx.Lock()
	defer c.mtx.Unlock()
	if now := time.Now(); now.Sub(c.asked) > engineInterval {
		c.asked = now
		c.sender.ledger.put(c.key(), position{Time: now.UnixNano()})
	}
	present := map[string]bool{}
	for _, item := range list.Items {
		present[item.ID] = true
		if !c.readers[item.ID] {
			c.consider(ctx, asked, cli, item)
		}
	}
	maps.DeleteFunc(c.drained, func(id, _ string) bool { return !present[id] })
	maps.DeleteFunc(c.settled, func(id string, _ bool) bool { return !present[id] })
	c.metrics.sources.WithLabelValues("container").Set(float64(len(c.readers)))
	return nil
}

// consider starts a reader when a container has lines that were not read; c.mtx is held.
func (c *containers) consider(ctx, asked context.Context, cli *client.Client, item container.Summary) {
	if c.settled[item.ID] {
		return
	}
	inspected, err := cli.ContainerInspect(asked, item.ID, client.ContainerInspectOptions{})
	if err != nil || inspected.Container.Config == nil || inspected.Container.State == nil {
		return // gone already
	}
	// The list is older than the answer: a container that it calls created may have run and ended since. So its state
	// is taken from the answer alone.
	state, tty := inspected.Container.State, inspected.Container.Config.Tty
	life := ""
	if !state.Running {
		life = state.FinishedAt
		ended, _ := time.Parse(time.RFC3339Nano, life)
		_, known := c.sender.ledger.get(containerKey(item.ID, c.job))
		if c.drained[item.ID] == life || !known && ended.Before(c.since) {
			c.drained[item.ID] = life
			if c.settled != nil {
				c.settled[item.ID] = true
			}
			return
		}
	}
	set := containerLabels(item)
	r := &containerReader{
		logger: c.logger, sender: c.sender, metrics: c.metrics, job: c.job, cli: cli, id: item.ID,
		key: containerKey(item.ID, c.job), name: strings.TrimPrefix(string(set["__meta_docker_container_name"]), "/"), tty: tty,
		labels: func(stream string) (model.LabelSet, bool) {
			withStream := set.Merge(model.LabelSet{"__meta_docker_container_log_stream": model.LabelValue(stream)})
			l, keep := relabelled(withStream, c.job.cfg.RelabelConfigs)
			return publicLabels(l), keep
		},
	}
	if !r.wanted() {
		c.drained[item.ID] = life
		return
	}
	c.readers[item.ID] = true
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		err := r.run(ctx)
		c.mtx.Lock()
		defer c.mtx.Unlock()
		delete(c.readers, item.ID)
		if err == nil {
			c.drained[item.ID] = life
		} else if ctx.Err() == nil {
			c.logger.Debug("Logs of a container ended early; reading them on", "container", r.name, "err", err)
		}
	}()
}

func containerKey(id string, j *job) string { return "container:" + j.name + ":" + id }

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// containerLabels are those that docker_sd gives a container, with its first network and port.
func containerLabels(item container.Summary) model.LabelSet {
	set := model.LabelSet{
		"__meta_docker_container_id":           model.LabelValue(item.ID),
		"__meta_docker_container_network_mode": model.LabelValue(item.HostConfig.NetworkMode),
	}
	if len(item.Names) > 0 {
		set["__meta_docker_container_name"] = model.LabelValue(item.Names[0])
	}
	for name, value := range item.Labels {
		set[model.LabelName("__meta_docker_container_label_"+notInNames.ReplaceAllString(name, "_"))] = model.LabelValue(value)
	}
	address := ""
	if item.NetworkSettings != nil {
		for _, name := range slices.Sorted(maps.Keys(item.NetworkSettings.Networks)) {
			n := item.NetworkSettings.Networks[name]
			if n == nil {
				continue
			}
			if n.IPAddress.IsValid() {
				address = n.IPAddress.String()
			}
			set["__meta_docker_network_name"], set["__meta_docker_network_id"] = model.LabelValue(name), model.LabelValue(n.NetworkID)
			set["__meta_docker_network_ip"] = model.LabelValue(address)
			break
		}
	}
	port := uint16(0)
	for _, p := range item.Ports {
		if p.Type == "tcp" && (port == 0 || p.PrivatePort < port) {
			port = p.PrivatePort
		}
	}
	if port > 0 {
		set["__meta_docker_port_private"] = model.LabelValue(fmt.Sprint(port))
		address = fmt.Sprintf("%s:%d", address, port)
	} else {
		address += ":80"
	}
	set[model.AddressLabel] = model.LabelValue(address)
	return set
}
