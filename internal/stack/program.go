package stack

import (
	"path"
	"slices"
	"strings"
)

// program is a program that Ausguck replaces.
type program struct {
	// id is its name in --web.service-names, label its name for users.
	id, label string
	// images are the names of its images, each with the owners that publish it.
	images []image
	// port is its default port and the port in Ausguck; empty if Ausguck has none.
	port string
	// config are the paths of its configuration file in the images, root those of the configuration folder.
	config, root []string
	// flag is Ausguck's flag for its configuration file, name the file's name in --config.dir.
	flag, name string
	// data are the paths of its data, in search order.
	data []string
	// usual are the names that lead to it in process by default.
	usual []string
}

type image struct {
	name   string
	owners []string
}

var upstreams = []string{"prom", "prometheus", "bitnami", "bitnamilegacy", "ubuntu", "chainguard", "rapidfort"}

// programs are all programs that Ausguck replaces.
var programs = []*program{
	{
		id: "prometheus", label: "Prometheus", port: "9090", flag: "config.file", name: "prometheus.yml",
		images: []image{{"prometheus", upstreams}},
		config: []string{"/etc/prometheus/prometheus.yml", "/opt/bitnami/prometheus/conf/prometheus.yml"},
		root:   []string{"/etc/prometheus", "/opt/bitnami/prometheus/conf"},
		data:   []string{"/prometheus", "/opt/bitnami/prometheus/data"}, usual: []string{"prometheus"},
	},
	{
		id: "alertmanager", label: "Alertmanager", port: "9093", flag: "alertmanager.config.file", name: "alertmanager.yml",
		images: []image{{"alertmanager", upstreams}},
		config: []string{"/etc/alertmanager/alertmanager.yml", "/opt/bitnami/alertmanager/conf/config.yml"},
		root:   []string{"/etc/alertmanager", "/opt/bitnami/alertmanager/conf"},
		data:   []string{"/alertmanager", "/opt/bitnami/alertmanager/data"}, usual: []string{"alertmanager"},
	},
	{
		id: "loki", label: "Loki", port: "3100", flag: "loki.config.file", name: "loki.yml",
		images: []image{{"loki", []string{"grafana"}}, {"grafana-loki", []string{"bitnami", "bitnamilegacy"}}},
		config: []string{"/etc/loki/local-config.yaml", "/bitnami/grafana-loki/conf/loki.yaml"},
		root:   []string{"/etc/loki", "/bitnami/grafana-loki/conf"},
		data:   []string{"/loki", "/bitnami/grafana-loki", "/tmp/loki", "/var/loki", "/data/loki"}, usual: []string{"loki"},
	},
	{
		id: "promtail", label: "Promtail", flag: "promtail.config.file", name: "promtail.yml",
		images: []image{{"promtail", []string{"grafana", "bitnami", "bitnamilegacy"}}, {"grafana-promtail", []string{"bitnami"}}},
		config: []string{"/etc/promtail/config.yml", "/bitnami/promtail/conf/promtail.yaml"},
		root:   []string{"/etc/promtail", "/bitnami/promtail/conf"}, usual: []string{"promtail"},
	},
	{
		id: "grafana", label: "Grafana", port: "3000",
		images: []image{{"grafana", []string{"grafana", "bitnami", "bitnamilegacy", "chainguard", "ubuntu"}}, {"grafana-oss", []string{"grafana"}}, {"grafana-enterprise", []string{"grafana"}}},
		root:   []string{"/etc/grafana"},
		data:   []string{"/var/lib/grafana", "/opt/bitnami/grafana/data"}, usual: []string{"grafana"},
	},
	{
		id: "node-exporter", label: "node_exporter", port: "9100",
		images: []image{{"node-exporter", upstreams}, {"node_exporter", upstreams}},
		usual:  []string{"node-exporter", "node_exporter", "nodeexporter"},
	},
	{
		id: "blackbox-exporter", label: "blackbox_exporter", port: "9115", flag: "blackbox.config.file", name: "blackbox.yml",
		images: []image{{"blackbox-exporter", upstreams}, {"blackbox_exporter", upstreams}},
		config: []string{"/etc/blackbox_exporter/config.yml", "/opt/bitnami/blackbox-exporter/conf/blackbox.yml"},
		root:   []string{"/etc/blackbox_exporter", "/opt/bitnami/blackbox-exporter/conf"},
		usual:  []string{"blackbox-exporter", "blackbox_exporter", "blackbox"},
	},
	{
		id: "cadvisor", label: "cAdvisor", port: "8080",
		images: []image{{"cadvisor", []string{"cadvisor", "google", "google-containers", "google_containers", "zcube", "bitnami"}}},
		usual:  []string{"cadvisor"},
	},
}

// recognize returns the program that a service runs, determined by its image; nil for other programs. An image that is only a
// variable is recognized by the name of the service.
func (f *file) recognize(s *service) *program {
	name := f.interpolate(s.image)
	if name == "" && strings.Contains(s.image, "$") {
		for _, p := range programs {
			if slices.Contains(p.usual, strings.TrimPrefix(s.name, "agent-")) {
				return p
			}
		}
		return nil
	}
	name, _, _ = strings.Cut(name, "@")
	dir, base := path.Split(name)
	base, _, _ = strings.Cut(base, ":")
	owner := path.Base(dir)
	// A registry without an owner, as for a copy of the image, contains a dot or a port.
	registry := strings.ContainsAny(owner, ".:") && strings.Count(name, "/") == 1
	for _, p := range programs {
		for _, known := range p.images {
			if base == known.name && (registry || slices.Contains(known.owners, owner)) {
				return p
			}
		}
	}
	return nil
}

// names returns the names by which other services on its networks reach the service.
func (s *service) names() []string {
	names := []string{s.name}
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(s.containerName)
	for _, n := range s.networks {
		for _, alias := range n.aliases {
			add(alias)
		}
	}
	return names
}

// isUsual reports whether a name leads to the program in process without --web.service-names.
func (p *program) isUsual(name string) bool {
	return slices.Contains(p.usual, strings.TrimPrefix(name, "agent-"))
}
