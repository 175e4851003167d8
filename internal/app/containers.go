package app

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/dockerhost"
)

// containersView is the response of /api/ausguck/containers.
type containersView struct {
	Docker     dockerView      `json:"docker"`
	Containers []containerView `json:"containers"`
}

type dockerView struct {
	Enabled   bool   `json:"enabled"`
	Connected bool   `json:"connected"`
	Endpoint  string `json:"endpoint,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Remedy    string `json:"remedy,omitempty"`
}

// containerView describes whether a container is scraped, the reason, and how to change it.
type containerView struct {
	Name    string `json:"name"`
	Image   string `json:"image"`
	Health  string `json:"health,omitempty"`
	Network string `json:"network"`
	// State is scraped, waiting, failing, dropped, unseen, restarting or exited.
	State  string `json:"state"`
	Reason string `json:"reason"`
	// Remedy is a label for a compose file or a sentence; empty if nothing is wrong.
	Remedy string `json:"remedy,omitempty"`
	// Lines are the lines of a compose file that Remedy refers to.
	Lines string `json:"lines,omitempty"`
	// Rule is the relabeling rule that dropped it.
	Rule string `json:"rule,omitempty"`
	// URL is the scrape URL.
	URL string `json:"url,omitempty"`
	Job string `json:"job,omitempty"`
	// Ports are the TCP ports that it exposes.
	Ports []uint16 `json:"ports,omitempty"`
	// Restarts is how often the engine has restarted it since it was last started manually.
	Restarts int `json:"restarts,omitempty"`
	// Exit describes its last exit; nil for a running container whose last exit is unknown.
	Exit *exitView `json:"exit,omitempty"`
	// Logs describes whether its log lines are collected.
	Logs containerLogsView `json:"logs"`

	urgency int
}

type exitView struct {
	Code        int       `json:"code"`
	Time        time.Time `json:"time"`
	OutOfMemory bool      `json:"outOfMemory,omitempty"`
}

// containerFacts is the input for explaining containers.
type containerFacts struct {
	containers []dockerhost.Container
	found      []promserver.Discovered
	// hosts are the engines that scrape jobs discover containers from, each with the job.
	hosts map[string]string
	// endpoint is the engine that the containers come from, and status its state.
	endpoint string
	status   dockerhost.Status
	// self is the container of this process; nil outside a container.
	self *dockerhost.Container
	// apart reports whether a container is only on networks that self is not on.
	apart func(dockerhost.Container) bool
}

// serveContainers reports why each container is or is not scraped.
func (a *App) serveContainers(w http.ResponseWriter, _ *http.Request) {
	view := containersView{Containers: []containerView{}}
	if a.options.Docker.Enabled {
		host, prom := a.options.Docker.host, a.options.Prometheus.server
		status := host.Status()
		view.Docker = dockerView{Enabled: true, Connected: status.Connected, Endpoint: host.Endpoint(), Reason: status.Reason, Remedy: status.Remedy}
		facts := containerFacts{
			containers: append(host.Containers(), host.Stopped()...), found: prom.Discovered(), hosts: prom.Applied().DockerHosts(),
			endpoint: host.Endpoint(), status: status, apart: host.Apart,
		}
		if self, ok := host.Self(); ok {
			facts.self = &self
		}
		view.Containers = facts.explain()
		a.options.LogCollector.explainLogs(view.Containers, facts.containers)
	}
	writeJSON(w, http.StatusOK, view)
}

// explain determines the state of each container; those that need attention come first.
func (f containerFacts) explain() []containerView {
	views := make([]containerView, 0, len(f.containers))
	for _, c := range f.containers {
		v := containerView{Name: c.Name, Image: c.Image, Health: c.Health, Network: c.NetworkMode, Ports: c.Ports, Restarts: c.RestartCount}
		if !c.Running() || c.RestartCount > 0 && (c.ExitCode != 0 || c.OOMKilled) {
			v.Exit = &exitView{Code: c.ExitCode, Time: c.Finished, OutOfMemory: c.OOMKilled}
		}
		var of []*promserver.Discovered
		for i := range f.found {
			if isOf(&f.found[i], c) {
				of = append(of, &f.found[i])
			}
		}
		f.explainOne(&v, c, of)
		v.urgency = urgency(v)
		views = append(views, v)
	}
	slices.SortStableFunc(views, func(a, b containerView) int {
		return cmp.Or(cmp.Compare(a.urgency, b.urgency), cmp.Compare(a.Name, b.Name))
	})
	return views
}

// urgency is the rank of a state on the page. A container that completed successfully comes last.
func urgency(v containerView) int {
	states := []string{"restarting", "failing", "unseen", "exited", "dropped", "waiting", "scraped"}
	if v.State == "exited" && v.Exit != nil && v.Exit.Code == 0 {
		return len(states)
	}
	return slices.Index(states, v.State)
}

// worth ranks the targets of a container: scraped and failing first, then scraped.
func worth(f *promserver.Discovered) int {
	switch {
	case f.Target == nil:
		return 0
	case f.Target.Health == "down":
		return 2
	}
	return 1
}

// isOf reports whether a target was discovered from the container by the Docker engine, or is a static one that names it. Probes of
// the container are not scrapes of it.
func isOf(f *promserver.Discovered, c dockerhost.Container) bool {
	if f.Labels["__metrics_path__"] == promserver.ProbePath {
		return false
	}
	if id, ok := f.Labels["__meta_docker_container_id"]; ok {
		return id == c.ID
	}
	host, _, err := net.SplitHostPort(f.Labels["__address__"])
	if err != nil {
		host = f.Labels["__address__"]
	}
	return host != "" && (host == c.Name || slices.Contains(c.Aliases, host))
}

func (f containerFacts) explainOne(v *containerView, c dockerhost.Container, of []*promserver.Discovered) {
	var best *promserver.Discovered
	for _, found := range of {
		if best == nil || worth(found) > worth(best) {
			best = found
		}
	}
	switch {
	case !c.Running():
		explainStopped(v, c)
		return
	case best == nil:
		v.State = "unseen"
		f.explainUnseen(v, c)
	case best.Target == nil:
		v.State = "dropped"
		explainDropped(v, c, best)
	default:
		v.URL, v.Job = best.URL, best.Target.Job
		f.explainTarget(v, c, best.Target, of)
	}
	if v.State != "scraped" && v.State != "dropped" {
		explainPortLabel(v, c)
		explainCrashes(v, c)
	}
}

func (f containerFacts) explainUnseen(v *containerView, c dockerhost.Container) {
	switch job, asked := f.hosts[f.endpoint]; {
	case len(f.hosts) == 0:
		v.Reason = "No job in prometheus.yml discovers containers, and no job has this one as a target."
		v.Remedy = "Run `ausguck init --add containers DIR` to add the built-in job that discovers containers, or add its name to static_configs of a job."
	case f.status.Connected && f.status.Reason != "":
		v.Reason = "docker_sd_configs finds no container: " + f.status.Reason + "."
		v.Remedy = "Permit it: " + f.status.Remedy + "."
	case !asked:
		host := slices.Sorted(maps.Keys(f.hosts))[0]
		v.Reason = fmt.Sprintf("The job %s discovers containers of the engine at %s, but this container belongs to another engine.", f.hosts[host], host)
		v.Remedy = fmt.Sprintf("In docker_sd_configs of prometheus.yml, and of promtail.yml: host: %s", f.endpoint)
	case time.Since(c.Started) < 15*time.Second:
		v.Reason = "It has just started. Ausguck queries Docker for containers every few seconds."
	default:
		v.Reason = fmt.Sprintf("The job %s discovers containers, but does not find this one.", job)
		v.Remedy = "Remove the filters in docker_sd_configs that exclude it, or check the log of Ausguck for discovery errors."
	}
}

func explainDropped(v *containerView, c dockerhost.Container, f *promserver.Discovered) {
	rule := f.Dropped
	if rule == nil {
		v.Reason = fmt.Sprintf("The job %s discovers it, but it has no address.", f.Pool)
		v.Remedy = "Connect it to a network, or publish a port."
		return
	}
	v.Rule = fmt.Sprintf("%s, rule %d: %s", f.Pool, rule.Number, rule.Text)
	for _, source := range rule.SourceLabels {
		label, ok := strings.CutPrefix(source, "__meta_docker_container_label_")
		if !ok {
			continue
		}
		name := labelName(label, c.Labels)
		value, has := c.Labels[name]
		switch {
		case !rule.Keep:
			v.Reason = fmt.Sprintf("The label %s=%q excludes it from scraping.", name, value)
			v.Remedy = fmt.Sprintf("Remove the label %s.", name)
		case !has:
			v.Reason = fmt.Sprintf("It is not scraped, because it has no label %s.", name)
			v.Remedy = name + `: "true"`
		default:
			v.Reason = fmt.Sprintf("It is not scraped, because its label %s is %q.", name, value)
			v.Remedy = name + `: "true"`
		}
		return
	}
	switch {
	case slices.Contains(rule.SourceLabels, "__meta_docker_container_network_mode") && c.NetworkMode == "none":
		v.Reason = "It has no network, so it cannot be reached."
		v.Remedy = "Connect it to a network."
	default:
		v.Reason = fmt.Sprintf("Rule %d of relabel_configs in the job %s drops it.", rule.Number, f.Pool)
		v.Remedy = "Change the rule, or its source labels: " + strings.Join(rule.SourceLabels, ", ") + "."
	}
}

// labelName returns the Docker label that discovery sanitized to the given name.
func labelName(sanitized string, labels map[string]string) string {
	for name := range labels {
		if strings.NewReplacer(".", "_", "/", "_", "-", "_").Replace(name) == sanitized {
			return name
		}
	}
	if rest, ok := strings.CutPrefix(sanitized, "prometheus_io_"); ok {
		return "prometheus.io/" + rest
	}
	return sanitized
}
