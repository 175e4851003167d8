package stack

import (
	"path"
	"slices"
	"strings"
)

// program is one of those that Ausguck replaces.
type program struct {
	// id is what --web.service-names calls it, label what people do.
	id, label string
	// images are the names of its images, each with the owners by whom they are known.
	images []image
	// port is where it listens and port its place in Ausguck; empty where Ausguck has none.
	port string
	// config are the places of its configuration file, and of its folder, in the images.
	config, root []string
	// flag is Ausguck's flag for its configuration file, name the file's name in --config.dir.
	flag, name string
	// data are the places of its data, in the order in which they are looked for.
	data []string
	// usual are the names that lead to it in process without being told.
	usual []string
}

type image struct {
	name   string
	owners []string
}

var upstreams = []string{"prom", "prometheus", "bitnami", "bitnamilegacy", "ubuntu", "chainguard", "rapidfort"}

// programs are all that are replaced.
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
		id: "cadvisor", label: "cAdvisor", port: "8080",
		images: []image{{"cadvisor", []string{"cadvisor", "google", "google-containers", "google_containers", "zcube", "bitnami"}}},
		usual:  []string{"cadvisor"},
	},
}

// recognize tells by its image which program a service runs; nil for any other. An image of which only a variable is known
// is recognized by the name of the service.
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
	// A registry alone, as of a copy of the image, has a dot or a port.
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

// names are those by which others on its networks reach the service.
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
