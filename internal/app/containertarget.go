package app

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/dockerhost"
)

const (
	scrapeLabel = "prometheus.io/scrape"
	portLabel   = "prometheus.io/port"
)

// explainTarget describes the state of a container's scrapes.
func (f containerFacts) explainTarget(v *containerView, c dockerhost.Container, t *promserver.Target, of []*promserver.Discovered) {
	switch {
	case t.LastError != "":
		v.State = "failing"
		v.Reason = fmt.Sprintf("The scrape of %s fails: %s.", v.URL, t.LastError)
		v.Remedy = f.scrapeRemedy(v, c, t.LastError)
	case t.LastScrape.IsZero():
		v.State = "waiting"
		v.Reason = "It was discovered and will be scraped within one interval."
	default:
		v.State = "scraped"
		v.Reason = fmt.Sprintf("Scraped by the job %s, last %s.", t.Job, since(t.LastScrape))
	}
	explainPorts(v, c, of)
}

// explainPorts lists the ports of a container that exposes several and has no label that selects one.
func explainPorts(v *containerView, c dockerhost.Container, of []*promserver.Discovered) {
	if _, chosen := c.Labels[portLabel]; chosen || len(c.Ports) < 2 {
		return
	}
	v.Reason += fmt.Sprintf(" It exposes the ports %s; ", enumerate(c.Ports))
	targets, up := 0, 0
	for _, found := range of {
		if found.Target != nil && found.Labels["__meta_docker_container_id"] == c.ID {
			targets++
			if found.Target.Health == "up" {
				up++
			}
		}
	}
	other := c.Ports[1]
	switch {
	case targets > 1: // from the user's own configuration
		v.Reason += fmt.Sprintf("each is a target, and %d of %d are up. The label %s leaves one.", up, targets, portLabel)
	case v.State == "failing":
		v.Reason += fmt.Sprintf("without the label %s, the lowest is scraped.", portLabel)
	default:
		v.Reason += fmt.Sprintf(`the lowest is scraped, unless a label chooses another, such as %s: "%d".`, portLabel, other)
	}
	if v.State == "failing" && !strings.Contains(v.Remedy, "network") {
		v.Remedy = fmt.Sprintf(`%s: "%d"`, portLabel, other)
	}
}

func enumerate(ports []uint16) string {
	texts := make([]string, len(ports))
	for i, p := range ports {
		texts[i] = strconv.Itoa(int(p))
	}
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}

var firstNumber = regexp.MustCompile(`\d+`)

// explainPortLabel explains what is wrong with a port label that does not name a port.
func explainPortLabel(v *containerView, c dockerhost.Container) {
	label, ok := c.Labels[portLabel]
	if !ok || c.Labels[scrapeLabel] == "false" || validPort(label) {
		return
	}
	suggested := "<port>"
	if number := firstNumber.FindString(label); validPort(number) {
		suggested = number
	} else if len(c.Ports) > 0 {
		suggested = strconv.Itoa(int(c.Ports[0]))
	}
	write := fmt.Sprintf(`%s: "%s"`, portLabel, suggested)
	switch {
	case label == "": // treated as no label
		if v.State == "failing" {
			v.Reason += fmt.Sprintf(" The label %s is empty, so it selects no port.", portLabel)
			v.Remedy = "Write the port into the label: " + write
		}
		return
	case len(firstNumber.FindAllString(label, 2)) > 1:
		v.Reason = fmt.Sprintf("Its label %s is %q, and a container is scraped at one port.", portLabel, label)
		v.Remedy = "Choose one: " + write + "; for the others, add a job to prometheus.yml that names the container and the port."
	case strings.Contains(label, "/"):
		v.Reason = fmt.Sprintf("The label %s is %q, which contains more than a port number.", portLabel, label)
		v.Remedy = "Write the number only: " + write
	case firstNumber.FindString(label) == label:
		v.Reason = fmt.Sprintf("The label %s is %q, but ports are numbers from 1 to 65535.", portLabel, label)
		v.Remedy = "Write the port at which it serves metrics: " + write
	default:
		v.Reason = fmt.Sprintf("The label %s is %q, which is not a port number.", portLabel, label)
		v.Remedy = "Write the port at which it serves metrics, as a number: " + write
	}
	v.State, v.Lines = "failing", ""
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '+'
}

var silences = []string{"deadline exceeded", "i/o timeout", "no route to host", "network is unreachable", "is only on"}

// scrapeRemedy returns the remedy for a scrape error of a container.
func (f containerFacts) scrapeRemedy(v *containerView, c dockerhost.Container, problem string) string {
	silent := slices.ContainsFunc(silences, func(s string) bool { return strings.Contains(problem, s) })
	onHost := c.NetworkMode == "host"
	switch {
	case silent && f.self != nil && f.apart(c):
		return f.joinNetwork(v, c)
	case onHost && f.self != nil && f.self.NetworkMode != "host" && strings.Contains(v.URL, "//localhost"):
		return "It uses the host's network, and localhost is the container of Ausguck: in docker_sd_configs, set host_networking_host: host.docker.internal"
	case onHost && f.self != nil && silent:
		return "It uses the host's network, and a firewall of the host may drop packets from containers. With ufw: sudo ufw allow from 172.16.0.0/12"
	case onHost && strings.Contains(problem, "connection refused"):
		return `Nothing listens on this port of the host. Set the port with the label prometheus.io/port: "<port>". To be reachable from a container, the service must listen on 0.0.0.0, not only on 127.0.0.1.`
	}
	return scrapeRemedy(problem)
}

// joinNetwork is the remedy that adds Ausguck to the network of a container.
func (f containerFacts) joinNetwork(v *containerView, c dockerhost.Container) string {
	only, network := "network "+c.Networks[0], c.Networks[0]
	if len(c.Networks) > 1 {
		only = "networks " + strings.Join(c.Networks, ", ")
	}
	v.Reason = fmt.Sprintf("It is only on the %s, and Ausguck is on %s: Docker drops packets between its networks (%s).",
		only, strings.Join(f.self.Networks, ", "), v.URL)
	now := fmt.Sprintf("docker network connect %s %s", network, f.self.Name)
	service := f.self.Labels["com.docker.compose.service"]
	if service == "" {
		return fmt.Sprintf("Add Ausguck to the network %s: %s", network, now)
	}
	v.Lines = fmt.Sprintf("services:\n  %s:\n    networks:\n      %s: {}\nnetworks:\n  %s:\n    external: true\n", service, network, network)
	return fmt.Sprintf("Add Ausguck to the network %s, with these lines in its compose file. Until then, %s does the same, as long as this container exists.", network, now)
}

// scrapeRemedy returns the remedy for a scrape error that does not depend on the container.
func scrapeRemedy(problem string) string {
	for _, known := range []struct{ word, remedy string }{
		{"connection refused", `Nothing listens on this port. Set the port with the label prometheus.io/port: "<port>". In the container, the service must listen on 0.0.0.0, not only on 127.0.0.1.`},
		{"HTTP status 404", `There are no metrics at this path. Set the path with the label prometheus.io/path: "<path>".`},
		{"HTTP status 401", "It requires credentials: add basic_auth or authorization to the job in prometheus.yml."},
		{"HTTP status 403", "It requires credentials: add basic_auth or authorization to the job in prometheus.yml."},
		{"HTTP response to HTTPS client", `It uses HTTP: prometheus.io/scheme: http`},
		{"malformed HTTP response", `It may use HTTPS: prometheus.io/scheme: https`},
		{"HTTP request to an HTTPS server", `It uses HTTPS: prometheus.io/scheme: https`},
		{"certificate", "Its certificate is not trusted: add its certificate authority to tls_config of the job."},
		{"sample limit exceeded", "It exposes more samples than sample_limit allows: find the label with too many values on the Status page, or raise the limit for the job."},
		{"body size limit exceeded", "Its response exceeds body_size_limit: expose fewer series, or raise the limit for the job."},
		{"label_", "It exceeds the job's limits for the number or the length of labels."},
		{"deadline exceeded", "It does not respond within scrape_timeout: it is overloaded, or a firewall drops the packets."},
		{"Content-Type", `The response does not contain metrics: set the right address with prometheus.io/port and prometheus.io/path.`},
		{"expected", `The response does not contain metrics: set the right address with prometheus.io/port and prometheus.io/path.`},
		{"no running Docker container", "The container with this name is not running."},
		{"no such host", "The name cannot be resolved: the container is not running, or has another name."},
	} {
		if strings.Contains(problem, known.word) {
			return known.remedy
		}
	}
	return ""
}
