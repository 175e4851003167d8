package stack

import (
	"path"
	"slices"
	"strings"
)

// argument is a flag on a command line.
type argument struct {
	name, value string
	hasValue    bool
	dashes      string
}

// parse parses flags in all forms: --a=b, -a b, --a.
func parse(command []string) (all []argument) {
	for i := 0; i < len(command); i++ {
		arg := strings.TrimSpace(command[i])
		name := strings.TrimLeft(arg, "-")
		if name == arg || name == "" {
			continue // the program, or an argument that is not a flag
		}
		a := argument{dashes: arg[:len(arg)-len(name)]}
		a.name, a.value, a.hasValue = strings.Cut(name, "=")
		if !a.hasValue && i+1 < len(command) && !strings.HasPrefix(command[i+1], "-") {
			a.value, a.hasValue = command[i+1], true
			i++
		}
		all = append(all, a)
	}
	return all
}

func (a argument) as(name string) string {
	if !a.hasValue {
		return "--" + name
	}
	return "--" + name + "=" + a.value
}

// part is a service that is replaced, with the settings from its flags and variables.
type part struct {
	*service
	config, data, port, url string
	// prefix is the path below which the program serves its API, empty for the path of url.
	prefix string
	// idle are the flags that have no effect.
	idle []string
}

// renamed are flags that have another name in Ausguck.
var renamed = map[string]map[string]string{
	"prometheus":        {"storage.tsdb.retention": "storage.tsdb.retention.time"},
	"alertmanager":      {"enable-feature": "alertmanager.enable-feature"},
	"cadvisor":          {"housekeeping_interval": "cadvisor.housekeeping-interval", "whitelisted_container_labels": "docker.labels"},
	"blackbox-exporter": {"timeout-offset": "blackbox.timeout-offset", "history.limit": "blackbox.history-limit"},
	"node-exporter": {
		"collector.filesystem.ignored-mount-points": "collector.filesystem.mount-points-exclude", "collector.filesystem.ignored-fs-types": "collector.filesystem.fs-types-exclude",
		"collector.netdev.ignored-devices": "collector.netdev.device-exclude", "collector.netdev.device-blacklist": "collector.netdev.device-exclude",
		"collector.netdev.device-whitelist": "collector.netdev.device-include", "collector.systemd.unit-blacklist": "collector.systemd.unit-exclude",
		"collector.systemd.unit-whitelist": "collector.systemd.unit-include", "collector.diskstats.ignored-devices": "collector.diskstats.device-exclude",
	},
}

// implied are flags that configure the existing behavior.
var implied = map[string][]string{
	"prometheus":        {"storage.tsdb.wal-compression", "storage.tsdb.allow-overlapping-blocks"},
	"loki":              {"config.expand-env"},
	"promtail":          {"config.expand-env"},
	"node-exporter":     {"path.procfs", "path.sysfs", "path.rootfs", "path.udev.data"},
	"blackbox-exporter": {"log.prober"},
	"cadvisor":          {"docker_only", "logtostderr", "store_container_labels", "docker", "containerd", "v"},
}

// takeFlags classifies the flags of a service: those that Ausguck has are kept, those for paths and ports are translated, and all
// others are reported.
func (p *plan) takeFlags(s *part) {
	id := s.program.id
	for _, a := range parse(s.command) {
		positive := strings.TrimPrefix(a.name, "no-")
		switch {
		case a.name == "config.file":
			s.config = p.f.interpolate(a.value)
		case a.name == "web.listen-address", a.name == "server.http-listen-port", id == "cadvisor" && a.name == "port":
			listen := p.f.interpolate(a.value)
			s.port = listen[strings.LastIndex(listen, ":")+1:]
		case id == "prometheus" && a.name == "storage.tsdb.path", id == "alertmanager" && a.name == "storage.path":
			s.data = p.f.interpolate(a.value)
		case id == "loki" && a.name == "common.path-prefix":
			s.data = p.f.interpolate(a.value)
		case a.name == "web.external-url" && (id == "prometheus" || id == "alertmanager"):
			s.url = a.value
		case a.name == "web.route-prefix" && (id == "prometheus" || id == "alertmanager"):
			s.prefix = p.f.interpolate(a.value)
		case id == "loki" && a.name == "target":
			if target := p.f.interpolate(a.value); target != "all" {
				p.note("%s: --target=%s has no effect. Ausguck runs all of Loki in one process, so it replaces every Loki of a distributed installation.", s.name, target)
			}
		case slices.Contains(implied[id], positive):
		case id == "prometheus" && strings.HasPrefix(a.name, "web.console."), a.name == "web.config.file":
			if id != "prometheus" || !p.mounted(s, p.f.interpolate(a.value)) {
				s.idle = append(s.idle, a.dashes+a.name)
			} else if a.name != "web.config.file" || !p.inFolder(s, p.f.interpolate(a.value)) {
				p.flag(s, a, a.name)
			}
			if a.name == "web.config.file" && id == "prometheus" && p.mounted(s, p.f.interpolate(a.value)) {
				p.note("%s: %s now applies to all ports, and its users are admins of Ausguck.", s.name, path.Base(p.f.interpolate(a.value)))
			}
		case renamed[id][positive] != "":
			p.flag(s, a, renamed[id][positive])
		case p.keeps(id, positive):
			p.flag(s, a, a.name)
		default:
			s.idle = append(s.idle, a.dashes+a.name)
		}
	}
}

// keeps reports whether Ausguck has the flag with the same meaning as in the program.
func (p *plan) keeps(id, name string) bool {
	ofHost := strings.HasPrefix(name, "collector.")
	switch id {
	case "prometheus":
		return !ofHost && p.o.Knows(name)
	case "alertmanager":
		for _, prefix := range []string{"data.", "cluster.", "alerts.", "silences.", "dispatch.", "log.", "web.get-concurrency", "web.timeout"} {
			if strings.HasPrefix(name, prefix) {
				return p.o.Knows(name)
			}
		}
	case "node-exporter":
		return ofHost && p.o.Knows(name)
	}
	return false
}

// flag adds a flag to the new command, unless it is already present.
func (p *plan) flag(s *part, a argument, name string) {
	for _, there := range p.args {
		known, _, _ := strings.Cut(strings.TrimPrefix(there, "--"), "=")
		if known != name {
			continue
		}
		if there != a.as(name) && repeatable[name] {
			break
		}
		if there != a.as(name) && !strings.HasPrefix(name, "log.") {
			p.note("%s: %s is ignored, because another service sets %s.", s.name, a.as(name), there)
		}
		return
	}
	p.args = append(p.args, a.as(name))
}

// repeatable are flags that may be given more than once.
var repeatable = map[string]bool{"enable-feature": true, "cluster.peer": true, "web.remote-write-receiver.accepted-protobuf-messages": true}
