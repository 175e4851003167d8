package stack

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// dataVolume is the data volume in the new file.
const dataVolume = "ausguck-data"

// plan is the new file while it is being built.
type plan struct {
	o       Options
	f       *file
	name    string // of the new file
	dir     string // of the new file, absolute
	sameDir bool
	project string

	replaced []*part
	left     []*service
	// folder is the host folder that becomes --config.dir, "" if the old mounts are kept.
	folder string
	// hostNetwork is set if the new container uses the host's network.
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
	page             string // the published port of the page

	notes []string
}

func (p *plan) note(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !slices.Contains(p.notes, note) {
		p.notes = append(p.notes, note)
	}
}

func newPlan(o Options, f *file, name string) *plan {
	p := &plan{o: o, f: f, name: name}
	p.dir, _ = filepath.Abs(o.Dir) // fails only without a working directory
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
	for _, s := range p.replaced { // first the paths of files, which everything else depends on
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

// take adds one service to the plan.
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

// explain adds notes about the file as a whole.
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

// usesSocket reports whether the new container gets the Docker socket: cAdvisor takes the names of containers from it.
func (p *plan) usesSocket() bool {
	return p.socket != "" || slices.ContainsFunc(p.replaced, func(s *part) bool { return s.program.id == "cadvisor" })
}

// shownFile returns the path of the old file for commands that are run in the new file's folder.
func (p *plan) shownFile() string {
	name, err := filepath.Rel(p.dir, filepath.Join(p.f.dir, filepath.Base(p.f.path)))
	if err != nil {
		return p.f.path
	}
	return shellQuoted(filepath.ToSlash(name))
}

// shellQuoted quotes a word for a shell.
func shellQuoted(word string) string {
	if strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
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
