package stack

import (
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (p *plan) takeEnvironment(s *part) {
	p.envFiles = append(p.envFiles, s.envFiles...)
	for _, v := range s.environment {
		i := slices.IndexFunc(p.environment, func(there variable) bool { return there.name == v.name })
		switch {
		case v.name == "GF_PATHS_PROVISIONING": // its files are mounted where Ausguck reads them
		case i < 0:
			p.environment = append(p.environment, v)
		case p.environment[i] != v:
			p.note("%s: the variable %s is ignored, because another service sets it to another value.", s.name, v.name)
		}
	}
}

// variable returns the value of an environment variable of the old services.
func (p *plan) variable(name string) string {
	for _, v := range p.effective() {
		if v.name == name {
			return v.value
		}
	}
	return ""
}

// effective returns the variables with their values, including those from env_file.
func (p *plan) effective() (all []variable) {
	for _, v := range p.environment {
		value := p.f.interpolate(v.value)
		if !v.set {
			value, _ = p.f.lookup(v.name)
		}
		all = append(all, variable{v.name, value, true})
	}
	for _, n := range p.envFiles {
		name := text(n)
		for _, key := range pairs(n) {
			if key.key == "path" {
				name = text(key.value)
			}
		}
		more, err := dotEnv(p.hostPath(name))
		if err != nil {
			p.note("env_file %s cannot be read: %v.", name, err)
		}
		for _, v := range more {
			if !slices.ContainsFunc(all, func(there variable) bool { return there.name == v.name }) {
				all = append(all, v)
			}
		}
	}
	return all
}

func (p *plan) takeLabels(s *part) {
	var gone []string
	for _, l := range s.labels {
		switch {
		case strings.HasPrefix(l.name, "prometheus.io/"), strings.HasPrefix(l.name, "com.docker.compose."):
		case s.program.id == "grafana":
			p.labels = append(p.labels, l)
		case strings.HasPrefix(l.name, "traefik."), strings.HasPrefix(l.name, "caddy"):
			gone = append(gone, l.name)
		}
	}
	if len(gone) > 0 {
		p.note("%s: %s not carried over. Only Grafana's labels are kept, because one container now serves all ports.", s.name, is(gone))
	}
}

func (p *plan) readableSecret(s *part, n *yaml.Node) {
	name := text(n)
	for _, key := range pairs(n) {
		if key.key == "source" {
			name = text(key.value)
		}
	}
	for _, key := range pairs(p.f.secrets[name]) {
		if key.key != "file" {
			continue
		}
		path := p.hostPath(text(key.value))
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o004 == 0 {
			p.note("%s: the secret %s is readable only by its owner. Ausguck runs as user 65532, so run: sudo chown 65532 %s", s.name, p.shown(path), p.shown(path))
		}
	}
}

// takeURLs chooses the external URL: Grafana's root URL, or else the external URL of Prometheus or Alertmanager with the port
// replaced by the page's.
func (p *plan) takeURLs() {
	root := p.variable("GF_SERVER_ROOT_URL") != "" || p.variable("GF_SERVER_ROOT_URL__FILE") != "" || p.variable("GF_SERVER_DOMAIN") != ""
	taken := ""
	for _, s := range p.replaced {
		switch {
		case s.url == "":
		case root:
			p.note("%s: --web.external-url is ignored, because links lead to Grafana's root URL.", s.name)
		case taken != "":
			if s.url != taken {
				p.note("%s: --web.external-url=%s is ignored, because one URL leads to all of Ausguck.", s.name, s.url)
			}
		default:
			taken = s.url
			p.args = append(p.args, "--web.external-url="+p.pageURL(s))
		}
	}
	served := p.f.interpolate(taken)
	if root {
		served = p.variable("GF_SERVER_ROOT_URL")
	}
	for _, s := range p.replaced {
		prefix := pathOf(s.prefix)
		if s.prefix == "" {
			prefix = pathOf(p.f.interpolate(s.url))
		}
		if prefix != "" && prefix != pathOf(served) {
			p.note("%s: its API was below %s and is now served without this prefix. Remove it from the URLs in clients, data sources and scrape jobs.", s.name, prefix)
		}
	}
	if !root && taken == "" {
		port := p.page
		if port == "" {
			port = "3000"
		}
		p.environment = append(p.environment, variable{"AUSGUCK_EXTERNAL_URL", "${AUSGUCK_EXTERNAL_URL:-http://localhost:" + port + "/}", true})
	}
}

// iniVariable is one of Grafana's own variables, such as %(domain)s, which have no slashes in their values.
var iniVariable = regexp.MustCompile(`%\([a-z_]+\)s`)

// pathOf returns the path of a URL or of a route prefix, without slashes at its end; empty for the root.
func pathOf(address string) string {
	u, err := url.Parse(strings.Replace(iniVariable.ReplaceAllString(address, "http"), ":http/", "/", 1))
	if err != nil {
		return ""
	}
	return strings.TrimRight(u.Path, "/")
}

// pageURL returns the external URL of a part with the port of the page.
func (p *plan) pageURL(s *part) string {
	u, err := url.Parse(p.f.interpolate(s.url))
	if err != nil || u.Port() == "" || p.page == "" {
		return s.url
	}
	was, _ := p.listens(s)
	published := u.Port() == was
	for _, m := range s.ports {
		published = published || p.f.interpolate(m.published) == u.Port()
	}
	if !published {
		return s.url
	}
	u.Host = net.JoinHostPort(u.Hostname(), p.page)
	p.note("%s: links now lead to %s, where the page is, instead of %s.", s.name, u, s.url)
	return u.String()
}
