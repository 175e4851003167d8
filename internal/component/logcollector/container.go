package logcollector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
	"github.com/prometheus/common/model"
)

const (
	askTimeout = 20 * time.Second
	// If a container's logs break off, reading is retried after a pause that doubles.
	firstPause, lastPause = 100 * time.Millisecond, 5 * time.Second
)

// errNothingLeft means that everything there is of a container was read.
var errNothingLeft = errors.New("nothing left to read")

// readContainer reads a container until nothing is left to read. started is the event of its start: then its logs are
// requested before anything else, because it may be removed as soon as it ends.
func (c *containers) readContainer(ctx context.Context, cli *client.Client, id string, s *containerState, started *events.Actor) {
	c.count(1)
	defer c.count(-1)
	r := &containerReader{
		logger: c.logger, sender: c.sender, metrics: c.metrics, job: c.job, cli: cli, id: id, key: containerKey(id, c.job), name: id,
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		begun := time.Now()
		err := c.readLife(ctx, cli, r, s, started)
		c.mtx.Lock()
		done := ctx.Err() != nil || errors.Is(err, errNothingLeft) && !s.again
		if done {
			s.reading = false
			if ctx.Err() == nil {
				s.settled = time.Now()
			}
			if s.removed {
				delete(c.known, id)
			}
		}
		s.again = false
		c.mtx.Unlock()
		if done {
			return
		}
		if err != nil && !errors.Is(err, errNothingLeft) {
			c.logger.Debug("Logs of a container ended early; reading them again", "container", r.name, "err", err)
		} else if time.Since(begun) > lastPause {
			pause = firstPause
		}
		started = nil
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done(): // the next iteration ends it
			timer.Stop()
		}
	}
}

// readLife reads what a container has written and, while it runs, what it writes until it ends.
func (c *containers) readLife(ctx context.Context, cli *client.Client, r *containerReader, s *containerState, started *events.Actor) error {
	if started != nil {
		if err := r.open(ctx); err != nil {
			c.logger.Debug("Cannot read logs of a container that has just started; inspecting it again", "container", r.id, "err", err)
		}
		defer r.close()
	}
	life, err := c.describe(ctx, cli, r, started)
	switch {
	case cerrdefs.IsNotFound(err):
		return errNothingLeft
	case err != nil:
		c.setLogs(s, ContainerLogs{Reason: "Docker returns no details of this container: " + err.Error() + "."})
		return err
	}
	c.mtx.Lock()
	readTo := s.readTo
	c.mtx.Unlock()
	if life.ended != "" {
		_, known := c.sender.ledger.get(r.key)
		at, _ := time.Parse(time.RFC3339Nano, life.ended)
		if !known && at.Before(c.since) {
			c.setLogs(s, ContainerLogs{Reason: "It ended before Ausguck collected logs for the first time."})
			return errNothingLeft
		}
		if readTo == life.ended {
			return errNothingLeft
		}
	}
	if reason, remedy := c.unwanted(r, life); reason != "" {
		c.setLogs(s, ContainerLogs{Reason: reason, Remedy: remedy})
		return errNothingLeft
	}
	c.setLogs(s, ContainerLogs{Collected: true})
	if err := r.run(ctx); err != nil {
		reason := ContainerLogs{Reason: "Docker does not return its logs: " + err.Error() + "."}
		if strings.Contains(err.Error(), "does not support reading") {
			reason.Reason, reason.Remedy = "Its log driver "+life.driver+" stores no logs that Docker can read.", readableDriver
			err = errNothingLeft
		}
		c.setLogs(s, reason)
		return err
	}
	if life.ended == "" {
		return nil // the next iteration inspects how it ended
	}
	c.mtx.Lock()
	s.readTo = life.ended
	c.mtx.Unlock()
	return errNothingLeft
}

// life is a container from a start to its end.
type life struct {
	ended  string // when, as reported by the engine; empty while it runs
	driver string // log driver
}

// describe inspects a container, and sets the name and labels of its reader. For a container that is already gone it
// uses the event of its start. All decisions are based on a single response: a list is older than it.
func (c *containers) describe(ctx context.Context, cli *client.Client, r *containerReader, started *events.Actor) (life, error) {
	if started == nil {
		select {
		case c.slots <- struct{}{}:
			defer func() { <-c.slots }()
		case <-ctx.Done():
			return life{}, ctx.Err()
		}
	}
	asked, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	answer, err := cli.ContainerInspect(asked, r.id, client.ContainerInspectOptions{})
	inspected := answer.Container
	switch {
	case cerrdefs.IsNotFound(err) && started != nil && r.logs != nil:
		r.describe(labelsOfEvent(started))
		return life{}, nil
	case err != nil:
		return life{}, fmt.Errorf("inspect container %.12s: %w", r.id, err)
	case inspected.Config == nil || inspected.State == nil:
		return life{}, fmt.Errorf("inspect container %.12s: the response does not contain it", r.id)
	}
	l := life{}
	if !inspected.State.Running && !inspected.State.Restarting {
		l.ended = inspected.State.FinishedAt
	}
	if inspected.HostConfig != nil {
		l.driver = inspected.HostConfig.LogConfig.Type
	}
	set, err := c.labels(asked, cli, inspected)
	switch {
	case cerrdefs.IsNotFound(err) && started != nil && r.logs != nil:
		set = labelsOfEvent(started)
	case err != nil:
		return life{}, err
	}
	if set != nil {
		r.describe(set)
	}
	return l, nil
}

// unwanted returns why the lines of a container are not collected, and what would change that; both empty if they are
// collected.
func (c *containers) unwanted(r *containerReader, l life) (reason, remedy string) {
	switch {
	case l.driver == "none":
		return "Its log driver is none, so Docker keeps no logs.", readableDriver
	case r.base == nil:
		return fmt.Sprintf("The filters of docker_sd_configs in the job %s exclude it.", c.job.name), "Change the filters, or the container."
	case r.wanted():
		return "", ""
	case strings.EqualFold(string(r.base["__meta_docker_container_label_ausguck_logs"]), "false"):
		return `The label ausguck.logs="false" excludes its logs.`, "Remove the label ausguck.logs."
	}
	return fmt.Sprintf("relabel_configs of the job %s drop it, or remove all its labels.", c.job.name), "Change the rules in promtail.yml."
}

const readableDriver = "Choose another log driver, such as logging: {driver: local}, and recreate the container."

// ask lists the containers that match the filters of the job, either all or the one with the given ID.
func (c *containers) ask(ctx context.Context, cli *client.Client, id string) ([]container.Summary, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	filters := make(client.Filters)
	for _, f := range c.sd.Filters {
		filters.Add(f.Name, f.Values...)
	}
	if id != "" {
		filters.Add("id", id)
	}
	list, err := cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	return list.Items, nil
}

func (c *containers) setLogs(s *containerState, logs ContainerLogs) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	s.logs = logs
}

func (c *containers) count(n float64) { c.metrics.sources.WithLabelValues("container").Add(n) }

func containerKey(id string, j *job) string { return "container:" + j.name + ":" + id }

// describe sets the labels of the container.
func (r *containerReader) describe(set model.LabelSet) {
	r.base = set
	if name := strings.TrimPrefix(string(set[labelContainerName]), "/"); name != "" {
		r.name = name
	}
}
