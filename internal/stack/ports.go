package stack

import (
	"slices"
	"strconv"
	"strings"
)

// listens returns the port at which a part was listening, and the port inside Ausguck that replaces it; "" if there is none.
func (p *plan) listens(s *part) (was, inside string) {
	inside = s.program.port
	was = s.port
	if s.program.id == "grafana" {
		for _, v := range s.environment {
			if v.name == "GF_SERVER_HTTP_PORT" && v.value != "" {
				was = p.f.interpolate(v.value)
				inside = was // Ausguck uses the same variable
			}
		}
	}
	if was == "" {
		was = s.program.port
	}
	return was, inside
}

func (p *plan) takePorts(s *part) {
	was, inside := p.listens(s)
	if p.hostNetwork {
		return
	}
	if s.networkMode == "host" && inside != "" {
		s.ports = append(s.ports, portMapping{published: was, target: was})
		for _, host := range []string{"host.docker.internal", "172.17.0.1"} {
			p.serviceName(host, was, s)
		}
	}
	for _, m := range p.singlePorts(s.ports) {
		target, published := p.f.interpolate(m.target), m.published
		to := inside
		if target != was || inside == "" {
			if !(s.program.id == "alertmanager" && target == "9094" && slices.ContainsFunc(p.args, func(arg string) bool {
				return strings.HasPrefix(arg, "--cluster.") && arg != "--cluster.listen-address="
			})) {
				p.note("%s: port %s is not published: Ausguck has no equivalent.", s.name, target)
				continue
			}
			to = target
		}
		line := to
		if published != "" {
			line = published + ":" + to
		}
		if m.hostIP != "" {
			line = m.hostIP + ":" + line
		}
		if s.program.id == "grafana" && published != "" {
			p.page = p.f.interpolate(published)
		}
		if !slices.Contains(p.ports, line) {
			p.ports = append(p.ports, line)
		}
	}
}

// singlePorts expands mappings with ranges, such as 9090-9091:9090-9091.
func (p *plan) singlePorts(all []portMapping) (single []portMapping) {
	for _, m := range all {
		target, last, isRange := strings.Cut(p.f.interpolate(m.target), "-")
		published, _, _ := strings.Cut(p.f.interpolate(m.published), "-")
		from, err1 := strconv.Atoi(target)
		to, err2 := strconv.Atoi(last)
		host, err3 := strconv.Atoi(published)
		if !isRange || err1 != nil || err2 != nil || to-from > maxRange {
			single = append(single, m)
			continue
		}
		for port := from; port <= to; port++ {
			one := portMapping{hostIP: m.hostIP, target: strconv.Itoa(port), protocol: m.protocol}
			if err3 == nil {
				one.published = strconv.Itoa(host + port - from)
			}
			single = append(single, one)
		}
	}
	return single
}

// maxRange limits the size of port ranges.
const maxRange = 100

// takePage publishes the page if there was no Grafana.
func (p *plan) takePage() {
	if p.hostNetwork || slices.ContainsFunc(p.replaced, func(s *part) bool { return s.program.id == "grafana" }) {
		return
	}
	p.page = "3000"
	p.ports = append([]string{"127.0.0.1:3000:3000"}, p.ports...)
	p.note("No Grafana service was found, so the page is published on 127.0.0.1:3000. Change this under ports if that port is in use.")
}

// serviceName makes a name lead to the part in process.
func (p *plan) serviceName(name, port string, s *part) {
	item := name + ":" + port + "=" + s.program.id
	if port == s.program.port {
		item = name + "=" + s.program.id
	}
	if !slices.Contains(p.serviceNames, item) {
		p.serviceNames = append(p.serviceNames, item)
	}
}

func (p *plan) takeNames(s *part) {
	was, _ := p.listens(s)
	if was == "" {
		was = "9080" // Promtail's
	}
	for _, name := range s.names() {
		name = p.f.interpolate(name)
		if custom := was != s.program.port && s.program.id != "promtail"; custom || !s.program.isUsual(name) {
			p.serviceName(name, was, s)
		}
	}
	if s.networkMode != "" {
		if s.networkMode == "host" && !p.hostNetwork {
			p.note("%s: it used the host network, which Ausguck does not. Port %s is published on the host instead.", s.name, was)
		}
		if s.networkMode != "host" {
			p.note("%s: network_mode: %s is not carried over.", s.name, s.networkMode)
		}
	}
	networks := s.networks
	if len(networks) == 0 && s.networkMode == "" {
		networks = []attachment{{name: "default"}}
	}
	for _, n := range networks {
		i := slices.IndexFunc(p.networks, func(there attachment) bool { return there.name == n.name })
		if i < 0 {
			i = len(p.networks)
			p.networks = append(p.networks, attachment{name: n.name})
		}
		for _, name := range append([]string{s.name, s.containerName}, n.aliases...) {
			if name != "" && !slices.Contains(p.networks[i].aliases, name) {
				p.networks[i].aliases = append(p.networks[i].aliases, name)
			}
		}
	}
}
