package promserver

import (
	"context"
	"strconv"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/moby"
	"github.com/prometheus/prometheus/discovery/targetgroup"
)

const (
	dockerContainerID = "__meta_docker_container_id"
	dockerPort        = "__meta_docker_port_private"
	// lowestDockerPort is our own label: relabeling sees one target at a time, so no rule can choose between the ports
	// of a container, each of which docker_sd_configs turns into a target.
	lowestDockerPort = "__meta_docker_port_lowest"
)

// lowestPorts is a docker_sd_configs whose targets also have lowestDockerPort. Nothing changes unless a rule uses the
// label.
type lowestPorts struct{ discovery.Config }

// withLowestPorts returns the configurations with those of Docker wrapped. They are wrapped here and not when the file
// is loaded, because a wrapped configuration cannot be marshaled to YAML.
func withLowestPorts(configs discovery.Configs) discovery.Configs {
	wrapped := make(discovery.Configs, len(configs))
	for i, c := range configs {
		if _, ok := c.(*moby.DockerSDConfig); ok {
			c = lowestPorts{c}
		}
		wrapped[i] = c
	}
	return wrapped
}

// NewDiscoverer implements discovery.Config.
func (c lowestPorts) NewDiscoverer(o discovery.DiscovererOptions) (discovery.Discoverer, error) {
	d, err := c.Config.NewDiscoverer(o)
	if err != nil {
		return nil, err
	}
	return lowestPortsDiscoverer{d}, nil
}

type lowestPortsDiscoverer struct{ discovery.Discoverer }

// Run implements discovery.Discoverer.
func (d lowestPortsDiscoverer) Run(ctx context.Context, up chan<- []*targetgroup.Group) {
	found := make(chan []*targetgroup.Group)
	go func() {
		defer close(found)
		d.Discoverer.Run(ctx, found)
	}()
	for groups := range found {
		for _, g := range groups {
			if g != nil {
				addLowestPorts(g.Targets)
			}
		}
		select {
		case up <- groups:
		case <-ctx.Done(): // Run above returns then, too
		}
	}
}

func addLowestPorts(targets []model.LabelSet) {
	lowest := map[model.LabelValue]uint64{}
	for _, t := range targets {
		port, err := strconv.ParseUint(string(t[dockerPort]), 10, 16)
		if err != nil {
			continue
		}
		if known, ok := lowest[t[dockerContainerID]]; !ok || port < known {
			lowest[t[dockerContainerID]] = port
		}
	}
	for _, t := range targets {
		if port, ok := lowest[t[dockerContainerID]]; ok {
			t[lowestDockerPort] = model.LabelValue(strconv.FormatUint(port, 10))
		}
	}
}
