package logcollector

import "fmt"

// ContainerLogs reports whether a container's lines are collected.
type ContainerLogs struct {
	Collected bool
	// Reason is why they are not, and Remedy how to change that.
	Reason, Remedy string
}

// ContainerLogs returns what is known about the lines of each container, by its full ID. otherwise applies to the
// containers that are not in known.
func (c *Collector) ContainerLogs() (known map[string]ContainerLogs, otherwise ContainerLogs) {
	c.mtx.Lock()
	sources := c.containers
	c.mtx.Unlock()
	if len(sources) == 0 {
		return nil, ContainerLogs{
			Reason: "No job in promtail.yml discovers containers.",
			Remedy: "Add docker_sd_configs to a job, as in the built-in promtail.yml, which `ausguck init` writes.",
		}
	}
	known = map[string]ContainerLogs{}
	otherwise = ContainerLogs{Reason: "It has just started; its logs will be collected shortly."}
	for _, s := range sources {
		s.mtx.Lock()
		if s.trouble != "" {
			otherwise = ContainerLogs{Reason: fmt.Sprintf("The Docker engine at %s cannot be asked: %s.", s.sd.Host, s.trouble)}
		}
		for id, state := range s.known {
			if !known[id].Collected && state.logs != (ContainerLogs{}) {
				known[id] = state.logs
			}
		}
		s.mtx.Unlock()
	}
	return known, otherwise
}
