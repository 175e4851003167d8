package app

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/dockerhost"
)

// containersView is the answer of /api/ausguck/containers.
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

// containerView says of a container whether it is scraped, why, and what changes that.
type containerView struct {
	Name    string `json:"name"`
	Image   string `json:"image"`
	Health  string `json:"health,omitempty"`
	Network string `json:"network"`
	// State is scraped, waiting, failing, dropped or unseen.
	State  string `json:"state"`
	Reason string `json:"reason"`
	// Remedy is a label of a compose file or a sentence, empty when nothing is wrong.
	Remedy string `json:"remedy,omitempty"`
	// Rule is the relabelling rule that dropped it.
	Rule string `json:"rule,omitempty"`
	// URL is where it is scraped.
	URL string `json:"url,omitempty"`
	Job string `json:"job,omitempty"`
	// Logs says whether its lines are collected.
	Logs containerLogsView `json:"logs"`
}

// serveContainers tells why each container is or is not scraped.
func (a *App) serveContainers(w http.ResponseWriter, _ *http.Request) {
	view := containersView{Containers: []containerView{}}
	if a.options.Docker.Enabled {
		host, prom := a.options.Docker.host, a.options.Prometheus.server
		status := host.Status()
		view.Docker = dockerView{Enabled: true, Connected: status.Connected, Endpoint: host.Endpoint(), Reason: status.Reason, Remedy: status.Remedy}
		containers := host.Containers()
		view.Containers = explainContainers(containers, prom.Discovered(), prom.Applied().DiscoversContainers())
		a.options.LogCollector.explainLogs(view.Containers, containers)
	}
	writeJSON(w, http.StatusOK, view)
}

// explainContainers finds what became of each container; those that need a person come first.
func explainContainers(containers []dockerhost.Container, found []promserver.Discovered, discovers bool) []containerView {
	views := make([]containerView, 0, len(containers))
	for _, c := range containers {
		v := containerView{Name: c.Name, Image: c.Image, Health: c.Health, Network: c.NetworkMode}
		var best *promserver.Discovered
		for i := range found {
			if f := &found[i]; isOf(f, c) && (best == nil || worth(f) > worth(best)) {
				best = f
			}
		}
		explain(&v, c, best, discovers)
		views = append(views, v)
	}
	slices.SortStableFunc(views, func(a, b containerView) int { return cmp.Compare(urgency(a.State), urgency(b.State)) })
	return views
}

func urgency(state string) int {
	return slices.Index([]string{"failing", "unseen", "dropped", "waiting", "scraped"}, state)
}

// worth prefers, of several targets of a container, what is scraped and fails, then what is scraped.
func worth(f *promserver.Discovered) int {
	switch {
	case f.Target == nil:
		return 0
	case f.Target.Health == "down":
		return 2
	}
	return 1
}

// isOf is true for a target that the Docker engine gave for the container, or a written one that names it.
func isOf(f *promserver.Discovered, c dockerhost.Container) bool {
	if id, ok := f.Labels["__meta_docker_container_id"]; ok {
		return id == c.ID
	}
	host, _, err := net.SplitHostPort(f.Labels["__address__"])
	if err != nil {
		host = f.Labels["__address__"]
	}
	return host != "" && (host == c.Name || slices.Contains(c.Aliases, host))
}

func explain(v *containerView, c dockerhost.Container, f *promserver.Discovered, discovers bool) {
	switch {
	case f == nil:
		v.State = "unseen"
		explainUnseen(v, discovers)
	case f.Target == nil:
		v.State = "dropped"
		explainDropped(v, c, f)
	default:
		v.URL, v.Job = f.URL, f.Target.Job
		explainTarget(v, f.Target)
	}
}

func explainUnseen(v *containerView, discovers bool) {
	if !discovers {
		v.Reason = "No job of prometheus.yml asks Docker for containers, and none names this one."
		v.Remedy = "Add docker_sd_configs to a job, as the built-in prometheus.yml has it (`ausguck init` writes it), or its name to static_configs."
		return
	}
	v.Reason = "The jobs that ask Docker for containers do not have it in their answer."
	v.Remedy = "It has just started, and the next look at the engine finds it; or filters of docker_sd_configs leave it out."
}

func explainDropped(v *containerView, c dockerhost.Container, f *promserver.Discovered) {
	rule := f.Dropped
	if rule == nil {
		v.Reason = fmt.Sprintf("The job %s finds it and has no address for it.", f.Pool)
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
			v.Reason = fmt.Sprintf("Its label %s=%q says that it is not to be scraped.", name, value)
			v.Remedy = fmt.Sprintf("Take the label %s away.", name)
		case !has:
			v.Reason = fmt.Sprintf("It does not ask to be scraped: it has no label %s.", name)
			v.Remedy = name + `: "true"`
		default:
			v.Reason = fmt.Sprintf("It does not ask to be scraped: its label %s is %q.", name, value)
			v.Remedy = name + `: "true"`
		}
		return
	}
	switch {
	case slices.Contains(rule.SourceLabels, "__meta_docker_container_network_mode") && c.NetworkMode == "none":
		v.Reason = "It has no network, so nothing can reach it."
		v.Remedy = "Connect it to a network."
	default:
		v.Reason = fmt.Sprintf("Rule %d of relabel_configs in the job %s drops it.", rule.Number, f.Pool)
		v.Remedy = "Change the rule, or what it looks at: " + strings.Join(rule.SourceLabels, ", ") + "."
	}
}

// labelName is the Docker label behind the name that discovery gave it.
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

func explainTarget(v *containerView, t *promserver.Target) {
	switch {
	case t.LastError != "":
		v.State = "failing"
		v.Reason = fmt.Sprintf("The scrape of %s fails: %s.", v.URL, t.LastError)
		v.Remedy = scrapeRemedy(t.LastError)
	case t.LastScrape.IsZero():
		v.State = "waiting"
		v.Reason = "It was found and will be scraped for the first time within an interval."
	default:
		v.State = "scraped"
		v.Reason = fmt.Sprintf("Scraped by the job %s, last %s.", t.Job, since(t.LastScrape))
	}
}

// scrapeRemedy is what helps against an error of a scrape.
func scrapeRemedy(problem string) string {
	for _, known := range []struct{ word, remedy string }{
		{"connection refused", `Nothing listens there. The port is named with the label prometheus.io/port: "<port>"; in the container the service has to listen on 0.0.0.0, not on 127.0.0.1 only.`},
		{"HTTP status 404", `There are no metrics at this path. The label prometheus.io/path: "<path>" names another.`},
		{"HTTP status 401", "It asks for credentials: give the job basic_auth or authorization in prometheus.yml."},
		{"HTTP status 403", "It asks for credentials: give the job basic_auth or authorization in prometheus.yml."},
		{"HTTP response to HTTPS client", `It speaks HTTP: prometheus.io/scheme: http`},
		{"malformed HTTP response", `It may speak HTTPS: prometheus.io/scheme: https`},
		{"HTTP request to an HTTPS server", `It speaks HTTPS: prometheus.io/scheme: https`},
		{"certificate", "Its certificate is not trusted: name its authority in tls_config of the job."},
		{"sample limit exceeded", "It sends more samples than sample_limit allows: look for the label that explodes on the page Status, or raise the limit for the job."},
		{"body size limit exceeded", "Its answer is longer than body_size_limit allows: fewer series, or a higher limit for the job."},
		{"label_", "A label is longer than, or there are more of them than, the limits of the job allow."},
		{"deadline exceeded", "It does not answer within scrape_timeout: it is overloaded, or a firewall drops the packets."},
		{"Content-Type", `What answers there is not metrics: name their place with prometheus.io/port and prometheus.io/path.`},
		{"expected", `What answers there is not metrics: name their place with prometheus.io/port and prometheus.io/path.`},
		{"no running Docker container", "The container with this name does not run."},
		{"no such host", "The name is not known: the container does not run, or has another name."},
	} {
		if strings.Contains(problem, known.word) {
			return known.remedy
		}
	}
	return ""
}
