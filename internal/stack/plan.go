package stack

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// dataVolume is the volume of the new file.
const dataVolume = "ausguck-data"

// plan is the new file in the making.
type plan struct {
	o       Options
	f       *file
	name    string // of the new file
	dir     string // of the new file, absolute
	sameDir bool
	project string

	replaced []*part
	left     []*service
	// folder is the folder of the host that is --config.dir, "" when the old mounts stay as they are.
	folder string
	// hostNetwork is set when the new container has the host's network.
	hostNetwork bool

	args, configArgs []string
	serviceNames     []string
	environment      []variable
	envFiles         []*yaml.Node
	ports            []string
	mounts           []mount
	volumes          []string // of the old file
	configs, secrets []*yaml.Node
	networks         []attachment
	labels           []variable
	extraHosts       []string
	migrations       []migration
	socket           string
	singleFiles      bool
	page             string // how the host reaches the page: the published port

	notes []string
}

func (p *plan) note(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(p.notes, note) {
		p.notes = append(p.notes, note)
	}
}

func newPlan(o Options, f *file, name string) *plan {
	p := &plan{o: o, f: f, name: name}
	p.dir, _ = filepath.Abs(o.Dir) // fails without a working folder only
	p.sameDir = p.dir == f.dir
	p.project = projectOf(f, f.dir)
	for _, s := range f.services {
		if s.program == nil {
			p.left = append(p.left, s)
		} else {
			p.replaced = append(p.replaced, &part{service: s})
		}
	}
	p.hostNetwork = len(p.replaced) > 0
	for _, s := range p.replaced {
		p.hostNetwork = p.hostNetwork && (s.networkMode == "host" || s.program.id == "cadvisor")
	}
	for _, s := range p.replaced { // the places of files before anything that depends on them
		for _, a := range parse(s.command) {
			if a.name == "config.file" {
				s.config = f.interpolate(a.value)
			}
		}
	}
	p.folder = p.commonFolder()
	for _, s := range p.replaced {
		p.take(s)
	}
	p.takeURLs()
	p.takePage()
	p.explain()
	return p
}

// take takes over one service.
func (p *plan) take(s *part) {
	if s.extends {
		p.note("%s: extends is not supported. Add the settings of the other service by hand.", s.name)
	}
	if s.shell {
		p.note("%s: its entrypoint is a script, which does not run. Add the files that it writes to the configuration.", s.name)
		s.command = nil
	}
	p.takeFlags(s)
	p.takeEnvironment(s)
	p.takeMounts(s)
	p.takePorts(s)
	p.takeNames(s)
	p.takeLabels(s)
	for _, secret := range s.secrets {
		p.secrets = append(p.secrets, secret)
		p.readableSecret(s, secret)
	}
	for _, host := range s.extraHosts {
		if !slices.Contains(p.extraHosts, host) {
			p.extraHosts = append(p.extraHosts, host)
		}
	}
	if len(s.idle) > 0 {
		where := ""
		switch s.program.id {
		case "loki", "promtail":
			where = "; use " + s.program.name + " instead"
		}
		p.note("%s: %s no effect%s.", s.name, has(s.idle), where)
	}
	if len(s.others) > 0 {
		p.note("%s: %s not carried over.", s.name, is(s.others))
	}
}

func has(names []string) string { return verb(names, "has", "have") }
func is(names []string) string  { return verb(names, "is", "are") }

func verb(names []string, one, many string) string {
	if len(names) == 1 {
		return names[0] + " " + one
	}
	return joined(names) + " " + many
}

func joined(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func (p *plan) takeEnvironment(s *part) {
	p.envFiles = append(p.envFiles, s.envFiles...)
	for _, v := range s.environment {
		i := slices.IndexFunc(p.environment, func(there variable) bool { return there.name == v.name })
		switch {
		case v.name == "GF_PATHS_PROVISIONING": // its files are mounted where they are read
		case i < 0:
			p.environment = append(p.environment, v)
		case p.environment[i] != v:
			p.note("%s: the variable %s is ignored, because another service sets it to another value.", s.name, v.name)
		}
	}
}

// variable is the value of an environment variable of the old services.
func (p *plan) variable(name string) string {
	for _, v := range p.effective() {
		if v.name == name {
			return v.value
		}
	}
	return ""
}

// effective are the variables with their values, those of env_file too.
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

// listens is the port at which a part was, and inside the one of Ausguck that answers for it; "" for none.
func (p *plan) listens(s *part) (was, inside string) {
	inside = s.program.port
	was = s.port
	if s.program.id == "grafana" {
		for _, v := range s.environment {
			if v.name == "GF_SERVER_HTTP_PORT" && v.value != "" {
				was = p.f.interpolate(v.value)
				inside = was // Ausguck follows the variable
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
	for _, m := range s.ports {
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

// takePage publishes the page where no Grafana was.
func (p *plan) takePage() {
	if p.hostNetwork || slices.ContainsFunc(p.replaced, func(s *part) bool { return s.program.id == "grafana" }) {
		return
	}
	p.page = "3000"
	p.ports = append([]string{"127.0.0.1:3000:3000"}, p.ports...)
	p.note("No Grafana service was found, so the page is published on 127.0.0.1:3000. Change this under ports if that port is in use.")
}

// serviceName lets a name lead to the part in process.
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

// takeURLs decides where links lead: Grafana's root URL, else the external URL of Prometheus or Alertmanager, with the port
// of the page in place of theirs.
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
	if !root && taken == "" {
		port := p.page
		if port == "" {
			port = "3000"
		}
		p.environment = append(p.environment, variable{"AUSGUCK_EXTERNAL_URL", "${AUSGUCK_EXTERNAL_URL:-http://localhost:" + port + "/}", true})
	}
}

// pageURL is the external URL of a part, with the port of the page.
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

// explain collects what people should know of the whole.
func (p *plan) explain() {
	if p.o.InContainer && p.f.name == "" && len(p.migrations) > 0 && p.f.interpolate("${COMPOSE_PROJECT_NAME:-}") == "" {
		p.note("Volumes are prefixed with the name of the compose file's folder, which is not visible in a container. Run this command again with -e COMPOSE_PROJECT_NAME=<name>, or replace %s_ in the commands below; docker volume ls lists the volumes.", p.project)
	}
	if p.f.includes {
		p.note("include is not supported. Run this command for each of the files.")
	}
	var environ []string
	for _, v := range p.effective() {
		environ = append(environ, v.name+"="+v.value)
	}
	for _, warning := range p.o.Grafana(environ) {
		p.note("%s.", warning)
	}
	var users, asked []string
	for _, s := range p.replaced {
		if s.user != "" {
			users = append(users, s.name)
		}
		if s.program.port != "" && s.program.id != "grafana" {
			asked = append(asked, s.program.port)
		}
	}
	if len(users) > 0 {
		p.note("The user of %s is not carried over. Ausguck runs as user 65532, which must be able to read the configuration files.", joined(users))
	}
	if len(asked) > 0 {
		slices.Sort(asked)
		ports := "Port " + asked[0] + " now requires"
		if asked = slices.Compact(asked); len(asked) > 1 {
			ports = "Ports " + joined(asked) + " now require"
		}
		p.note("%s the credentials of an Ausguck user or service account. To serve every client without credentials, as before, add --web.allow-anonymous under command.", ports)
	}
	if p.singleFiles {
		p.note("Single files are mounted. An editor that replaces a file on saving detaches it from the container: restart the container then, or mount the folder.")
	}
	for _, s := range p.left {
		for _, d := range s.dependsOn {
			if slices.ContainsFunc(p.replaced, func(r *part) bool { return r.name == d }) {
				p.note("%s depends on %s in %s: start it with docker compose -f %s up -d --no-deps %s.", s.name, d, p.shownFile(), p.shownFile(), s.name)
				break
			}
		}
	}
}

// usesSocket reports whether the new container gets the socket of Docker: cAdvisor takes the names of containers from it.
func (p *plan) usesSocket() bool {
	return p.socket != "" || slices.ContainsFunc(p.replaced, func(s *part) bool { return s.program.id == "cadvisor" })
}

// shownFile is the old file as commands in the new one's folder name it.
func (p *plan) shownFile() string {
	name, err := filepath.Rel(p.dir, filepath.Join(p.f.dir, filepath.Base(p.f.path)))
	if err != nil {
		return p.f.path
	}
	return filepath.ToSlash(name)
}

func (p *plan) result() *Result {
	r := &Result{Notes: p.notes}
	for _, s := range p.replaced {
		r.Replaced = append(r.Replaced, s.name)
	}
	for _, s := range p.left {
		r.Left = append(r.Left, s.name)
	}
	stop := fmt.Sprintf("docker compose -f %s stop %s", p.shownFile(), strings.Join(r.Replaced, " "))
	r.Steps = []Step{{"Check the configuration", strings.TrimSuffix(fmt.Sprintf("docker compose -f %s run --rm --no-deps ausguck check %s", p.name, strings.Join(p.configArgs, " ")), " ")}, {"Stop what is replaced", stop}}
	if migrate := p.migrateCommand(); migrate != "" {
		for _, m := range p.migrations {
			if m.copied == "" {
				continue
			}
			container := m.service.containerName
			if container == "" {
				container = fmt.Sprintf("$(docker compose -f %s ps -aq %s)", p.shownFile(), m.service.name)
			}
			r.Steps = append(r.Steps, Step{"Copy the data of " + m.service.name + ", which has no named volume", fmt.Sprintf("docker cp %s:%s from-%s", container, m.copied, m.service.program.id)})
		}
		r.Steps = append(r.Steps, Step{"Create the new volume", fmt.Sprintf("docker compose -f %s up --no-start", p.name)},
			Step{"Migrate the data; omit --write for a dry run", migrate + " --write"})
	}
	group := ""
	if p.usesSocket() {
		group = "DOCKER_GID=$(getent group docker | cut -d: -f3) "
	}
	r.Steps = append(r.Steps, Step{"Start", fmt.Sprintf("%sdocker compose -f %s up -d", group, p.name)},
		Step{"To go back", fmt.Sprintf("docker compose -f %s rm -sf && docker compose -f %s start %s", p.name, p.shownFile(), strings.Join(r.Replaced, " "))})
	r.Content = p.write(r)
	return r
}
