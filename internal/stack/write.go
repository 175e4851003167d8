package stack

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// write returns the text of the new file.
func (p *plan) write(r *Result) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Ausguck in place of %s", joined(r.Replaced))
	line("# of %s. `ausguck compose --from` wrote this file for you to change.", p.shownFile())
	line("#")
	for _, s := range r.Steps {
		line("# %s:", s.For)
		line("#   %s", s.Command)
	}
	if len(p.left) > 0 {
		line("# %s in %s. Compose reports services of the other file as orphans; do not use --remove-orphans.", leftAlone(r.Left), p.shownFile())
	}
	line("#")
	line("# Without GF_SECURITY_ADMIN_PASSWORD, get a password with: docker exec ausguck /ausguck reset-password")
	if p.f.name != "" {
		line("name: %s", quoted(p.f.name))
	}
	line("")
	line("services:")
	line("  ausguck:")
	line("    image: ${AUSGUCK_IMAGE:-ausguck:latest}")
	line("    container_name: ausguck")
	line("    restart: unless-stopped")
	line("    stop_grace_period: 15s")
	line("    command:")
	line("      # A saved configuration file is applied within seconds.")
	for _, arg := range []string{"--config.auto-reload", "--config.auto-reload-interval=5s"} {
		line("      - %s", quoted(arg))
	}
	if len(p.configArgs) > 0 {
		line("      # Configuration files keep their paths.")
	}
	for _, arg := range append(slices.Clone(p.configArgs), p.args...) {
		line("      - %s", quoted(arg))
	}
	if len(p.serviceNames) > 0 {
		line("      # More names of the embedded programs in configuration files and data sources.")
		line("      - %s", quoted("--web.service-names="+strings.Join(p.serviceNames, ",")))
	}
	p.section(line, "environment", environmentLines(p.environment))
	p.nodes(&b, "env_file", p.envFiles, p.sourceOfEnvFile)
	p.section(line, "labels", environmentLines(p.labels))
	if p.hostNetwork {
		line("    network_mode: host")
	} else {
		p.section(line, "ports", p.ports)
	}
	p.section(line, "extra_hosts", p.extraHosts)
	p.writeMounts(line)
	p.nodes(&b, "configs", p.configs, nil)
	p.nodes(&b, "secrets", p.secrets, nil)
	line("    read_only: true")
	line("    cap_drop: [ALL]")
	line(`    security_opt: ["no-new-privileges:true"]`)
	if !p.hostNetwork {
		p.writeNetworks(line)
	}
	p.definitions(&b)
	return []byte(b.String())
}

func leftAlone(names []string) string {
	if len(names) == 1 {
		return names[0] + " remains"
	}
	return joined(names) + " remain"
}

func (p *plan) section(line func(string, ...any), name string, lines []string) {
	if len(lines) == 0 {
		return
	}
	line("    %s:", name)
	for _, l := range lines {
		line("      - %s", quoted(l))
	}
}

func environmentLines(all []variable) (lines []string) {
	for _, v := range all {
		if v.set {
			lines = append(lines, v.name+"="+v.value)
		} else {
			lines = append(lines, v.name)
		}
	}
	return lines
}

func (p *plan) writeMounts(line func(string, ...any)) {
	exporters := slices.ContainsFunc(p.replaced, func(s *part) bool { return s.program.id == "node-exporter" || s.program.id == "cadvisor" })
	collector := slices.ContainsFunc(p.replaced, func(s *part) bool { return s.program.id == "promtail" })
	line("    volumes:")
	line("      - %s:/data", dataVolume)
	if p.folder != "" {
		line("      - %s", quoted(p.source(dotted(p.folder))+":"+configDir+":ro"))
	}
	for _, m := range p.mounts {
		line("      - %s", quoted(m.source+":"+m.target+":"+strings.Join(m.options, ",")))
	}
	if exporters {
		line("      # The host, which is what is measured.")
		for _, m := range []string{"/proc:/host/proc:ro", "/sys:/host/sys:ro", "/sys:/sys:ro", "/:/rootfs:ro"} {
			line("      - %s", m)
		}
	}
	var groups []string
	if collector {
		line("      - /var/log:/var/log:ro")
	}
	if collector || exporters {
		groups = append(groups, `"4"`)
	}
	if p.usesSocket() {
		socket := p.socket
		if !strings.Contains(socket, "docker.sock") {
			socket = "/var/run/docker.sock"
		}
		line("      - %s", quoted(p.source(socket)+":/var/run/docker.sock"))
		groups = append([]string{"${DOCKER_GID:-999}"}, groups...)
	}
	if len(groups) > 0 {
		line("    # The groups of the Docker socket and of log files. DOCKER_GID is: getent group docker | cut -d: -f3")
		line("    group_add:")
		for _, group := range groups {
			line("      - %s", group)
		}
	}
}

// dotted returns a path with the leading dot by which Compose distinguishes paths from names.
func dotted(name string) string {
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~") || strings.HasPrefix(name, "$") {
		return name
	}
	return "./" + name
}

func (p *plan) writeNetworks(line func(string, ...any)) {
	if len(p.networks) == 0 {
		return
	}
	line("    # Other containers reach Ausguck by the names of the services it replaces.")
	line("    networks:")
	for _, n := range p.networks {
		line("      %s:", quoted(n.name))
		line("        aliases:")
		for _, alias := range n.aliases {
			line("          - %s", quoted(alias))
		}
	}
}

// definitions writes the definitions that the service refers to, as in the old file.
func (p *plan) definitions(b *strings.Builder) {
	volumes := map[string]any{dataVolume: map[string]any{}}
	for _, name := range p.volumes {
		volumes[name] = map[string]any{"external": true, "name": p.volumeName(name)}
	}
	define := map[string]map[string]any{"volumes": volumes, "networks": {}, "secrets": {}, "configs": {}}
	if !p.hostNetwork {
		for _, n := range p.networks {
			defined, ok := p.f.networks[n.name]
			switch {
			case !p.sameDir && !external(defined):
				define["networks"][n.name] = map[string]any{"external": true, "name": p.networkName(n.name)}
			case ok:
				define["networks"][n.name] = plain(defined)
			}
		}
	}
	p.referred(define["secrets"], p.secrets, p.f.secrets)
	p.referred(define["configs"], p.configs, p.f.configs)
	for _, kind := range []string{"volumes", "networks", "secrets", "configs"} {
		if len(define[kind]) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n%s:\n", kind)
		for _, name := range slices.Sorted(maps.Keys(define[kind])) {
			fmt.Fprintf(b, "%s", indented(map[string]any{name: define[kind][name]}, "  "))
		}
	}
}

// referred copies the definitions of secrets or configs, with paths relative to the new file's folder.
func (p *plan) referred(to map[string]any, uses []*yaml.Node, from map[string]*yaml.Node) {
	for _, n := range uses {
		name := text(n)
		for _, key := range pairs(n) {
			if key.key == "source" {
				name = text(key.value)
			}
		}
		definition, ok := plain(from[name]).(map[string]any)
		if !ok {
			continue
		}
		if file, ok := definition["file"].(string); ok {
			definition["file"] = p.source(file)
		}
		to[name] = definition
	}
}

func external(n *yaml.Node) bool {
	for _, key := range pairs(n) {
		if key.key == "external" {
			return text(key.value) != "false"
		}
	}
	return false
}

// networkName returns the engine's name for a network of the old file.
func (p *plan) networkName(name string) string {
	for _, key := range pairs(p.f.networks[name]) {
		if key.key == "name" {
			return text(key.value)
		}
	}
	return p.project + "_" + name
}

// plain returns the value of a node without anchors; nil if there is none.
func plain(n *yaml.Node) any {
	var v any
	if n == nil || n.Decode(&v) != nil {
		return nil
	}
	if v == nil {
		return map[string]any{}
	}
	return v
}

// nodes writes entries of the old file unchanged, except for paths, which change adapts to the new file's folder.
func (p *plan) nodes(b *strings.Builder, name string, all []*yaml.Node, change func(any) any) {
	var values []any
	var seen []string
	for _, n := range all {
		v := plain(n)
		if change != nil {
			v = change(v)
		}
		if shown := fmt.Sprint(v); !slices.Contains(seen, shown) {
			seen = append(seen, shown)
			values = append(values, v)
		}
	}
	if len(values) > 0 {
		fmt.Fprintf(b, "    %s:\n%s", name, indented(values, "      "))
	}
}

func (p *plan) sourceOfEnvFile(v any) any {
	move := func(name string) string {
		if !p.sameDir && !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "$") {
			return p.source(dotted(name))
		}
		return name
	}
	switch v := v.(type) {
	case string:
		return move(v)
	case map[string]any:
		if name, ok := v["path"].(string); ok {
			v["path"] = move(name)
		}
	}
	return v
}

func indented(v any, by string) string {
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(v); err != nil {
		return by + "# " + err.Error() + "\n"
	}
	_ = encoder.Close()
	out := ""
	for line := range strings.Lines(b.String()) {
		out += by + line
	}
	return out
}

var (
	safe      = regexp.MustCompile(`^[A-Za-z0-9_./$~-][A-Za-z0-9_./$~{}?+=,@%^()*|<>;-]*(:[A-Za-z0-9_./$~{}?+=,@%^()*|<>;-]+)*$`)
	otherwise = regexp.MustCompile(`(?i)^([-+.\d_]+|\d+(:\d+)+|y|n|yes|no|on|off|true|false|null|~|-)$`)
)

// quoted formats a string as a YAML scalar.
func quoted(text string) string {
	switch {
	case strings.ContainsAny(text, "\n\t\r") || !isPrintable(text):
		return strconv.Quote(text)
	case safe.MatchString(text) && !otherwise.MatchString(text) && !strings.HasPrefix(text, "- "):
		return text
	case !strings.Contains(text, "'"):
		return "'" + text + "'"
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func isPrintable(text string) bool {
	return !slices.ContainsFunc([]rune(text), func(r rune) bool { return !strconv.IsPrint(r) })
}
