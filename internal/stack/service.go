package stack

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// service has the settings of a service that are used. Strings are unchanged and may contain variables.
type service struct {
	name, image, containerName, networkMode, user string
	command, entrypoint                           []string
	shell                                         bool // the entrypoint is a script
	environment                                   []variable
	envFiles                                      []*yaml.Node
	ports                                         []portMapping
	mounts                                        []mount
	networks                                      []attachment
	labels                                        []variable
	extraHosts                                    []string
	secrets                                       []*yaml.Node
	dependsOn                                     []string
	extends                                       bool
	// others are the keys that are not used.
	others []string

	program *program // nil for services that are not replaced
}

type variable struct {
	name, value string
	set         bool // false if the value comes from the shell
}

// portMapping is a published port; published is empty if the engine chooses the port.
type portMapping struct{ hostIP, published, target, protocol string }

// mount is a volume of a service.
type mount struct {
	source, target string
	options        []string
	named          bool // source is the name of a volume, or empty for an anonymous one
	config         *yaml.Node
}

// attachment is a network of a service.
type attachment struct {
	name    string
	aliases []string
}

// silentKeys are keys that need no note: Ausguck's own file has the equivalent, or they only matter to the replaced containers.
var silentKeys = []string{"restart", "expose", "links", "privileged", "devices", "pid", "hostname", "stop_grace_period", "stop_signal", "tty", "stdin_open", "init",
	"read_only", "cap_drop", "cap_add", "security_opt", "pull_policy", "platform", "healthcheck", "profiles", "container_name", "x-", "uts", "ipc", "ulimits", "domainname", "group_add", "userns_mode", "cgroup", "attach"}

func (f *file) service(name string, n *yaml.Node) *service {
	s := &service{name: name}
	for _, p := range pairs(n) {
		switch p.key {
		case "image":
			s.image = text(p.value)
		case "container_name":
			s.containerName = text(p.value)
		case "network_mode":
			s.networkMode = text(p.value)
		case "user":
			s.user = text(p.value)
		case "command":
			s.command = arguments(p.value)
		case "entrypoint":
			s.entrypoint = arguments(p.value)
		case "environment":
			s.environment = variables(p.value)
		case "env_file":
			s.envFiles = listed(p.value)
		case "ports":
			for _, item := range items(p.value) {
				s.ports = append(s.ports, portOf(item))
			}
		case "volumes":
			for _, item := range items(p.value) {
				s.mounts = append(s.mounts, mountOf(item))
			}
		case "configs":
			for _, item := range items(p.value) {
				s.mounts = append(s.mounts, configOf(item))
			}
		case "secrets":
			s.secrets = items(p.value)
		case "networks":
			s.networks = attachments(p.value)
		case "labels":
			s.labels = variables(p.value)
		case "extra_hosts":
			s.extraHosts = hosts(p.value)
		case "depends_on":
			s.dependsOn = texts(p.value)
			for _, d := range pairs(p.value) {
				s.dependsOn = append(s.dependsOn, d.key)
			}
		case "extends":
			s.extends = true
		default:
			if !slices.Contains(silentKeys, p.key) && !strings.HasPrefix(p.key, "x-") {
				s.others = append(s.others, p.key)
			}
		}
	}
	if len(s.entrypoint) > 0 {
		s.shell = slices.ContainsFunc(s.entrypoint, func(arg string) bool {
			base := filepath.Base(arg)
			return base == "sh" || base == "bash" || base == "ash" || strings.HasSuffix(base, ".sh")
		})
		if !s.shell {
			s.command = append(s.entrypoint[1:], s.command...)
		}
	}
	s.program = f.recognize(s)
	return s
}

// listed returns the items of a list, or the node alone.
func listed(n *yaml.Node) []*yaml.Node {
	if n = followed(n); n != nil && n.Kind == yaml.SequenceNode {
		return items(n)
	}
	if n == nil || n.Tag == "!!null" {
		return nil
	}
	return []*yaml.Node{n}
}

// arguments returns the items of a list, or splits a string as a shell does.
func arguments(n *yaml.Node) []string {
	if single := text(n); single != "" {
		return shellSplit(single)
	}
	return texts(n)
}

// shellSplit splits at whitespace outside quotes.
func shellSplit(line string) (args []string) {
	var arg strings.Builder
	quote, inside := rune(0), false
	escaped := false
	for _, c := range line {
		switch {
		case escaped:
			arg.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inside = true, true
		case quote != 0:
			if c == quote {
				quote = 0
			} else {
				arg.WriteRune(c)
			}
		case c == '"' || c == '\'':
			quote, inside = c, true
		case c == ' ' || c == '\n' || c == '\t':
			if inside {
				args = append(args, arg.String())
				arg.Reset()
			}
			inside = false
		default:
			arg.WriteRune(c)
			inside = true
		}
	}
	if inside {
		args = append(args, arg.String())
	}
	return args
}

func portOf(n *yaml.Node) portMapping {
	if n.Kind == yaml.MappingNode {
		var m portMapping
		for _, p := range pairs(n) {
			switch p.key {
			case "target":
				m.target = text(p.value)
			case "published":
				m.published = text(p.value)
			case "host_ip":
				m.hostIP = text(p.value)
			case "protocol":
				m.protocol = text(p.value)
			}
		}
		return m
	}
	whole, protocol, _ := strings.Cut(text(n), "/")
	m := portMapping{protocol: protocol}
	parts := splitColons(whole)
	switch len(parts) {
	case 1:
		m.target = parts[0]
	case 2:
		m.published, m.target = parts[0], parts[1]
	default:
		m.hostIP, m.published, m.target = strings.Join(parts[:len(parts)-2], ":"), parts[len(parts)-2], parts[len(parts)-1]
	}
	return m
}

func mountOf(n *yaml.Node) mount {
	if n.Kind == yaml.MappingNode {
		var m mount
		kind := ""
		for _, p := range pairs(n) {
			switch p.key {
			case "type":
				kind = text(p.value)
			case "source":
				m.source = text(p.value)
			case "target":
				m.target = text(p.value)
			case "read_only":
				if on, err := strconv.ParseBool(text(p.value)); err == nil && on {
					m.options = append(m.options, "ro")
				}
			}
		}
		m.named = kind == "volume" || kind == "" && !isPath(m.source)
		if kind == "tmpfs" {
			m.named, m.source = true, ""
		}
		return m
	}
	parts := splitColons(text(n))
	if len(parts) == 1 {
		return mount{target: parts[0], named: true}
	}
	m := mount{source: parts[0], target: parts[1], named: !isPath(parts[0])}
	if len(parts) > 2 {
		m.options = strings.Split(parts[2], ",")
	}
	return m
}

// isPath distinguishes a host path from the name of a volume, as Compose does.
func isPath(source string) bool {
	return strings.HasPrefix(source, ".") || strings.HasPrefix(source, "/") || strings.HasPrefix(source, "~") || strings.HasPrefix(source, "$")
}

func configOf(n *yaml.Node) mount {
	if name := text(n); name != "" {
		return mount{source: name, target: "/" + name, named: true, config: n}
	}
	m := mount{named: true, config: n}
	for _, p := range pairs(n) {
		switch p.key {
		case "source":
			m.source = text(p.value)
		case "target":
			m.target = text(p.value)
		}
	}
	if m.target == "" {
		m.target = "/" + m.source
	}
	return m
}

func attachments(n *yaml.Node) (all []attachment) {
	for _, item := range items(n) {
		all = append(all, attachment{name: text(item)})
	}
	for _, p := range pairs(n) {
		a := attachment{name: p.key}
		for _, key := range pairs(p.value) {
			if key.key == "aliases" {
				a.aliases = texts(key.value)
			}
		}
		all = append(all, a)
	}
	return all
}

func hosts(n *yaml.Node) (all []string) {
	for _, p := range pairs(n) {
		all = append(all, p.key+":"+text(p.value))
	}
	for _, item := range items(n) {
		all = append(all, text(item))
	}
	return all
}
