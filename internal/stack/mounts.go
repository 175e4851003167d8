package stack

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// configDir is the configuration folder in Ausguck's image.
const configDir = "/etc/ausguck"

// below returns the rest of a container path below a folder, "" for the folder itself.
func below(name, dir string) (rest string, ok bool) {
	name, dir = path.Clean(name), path.Clean(dir)
	if name == dir {
		return "", true
	}
	return strings.CutPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

// covering returns the mount of a service that contains a path of its container, with the rest of the path.
func (p *plan) covering(s *part, name string) (found *mount, rest string) {
	for i := range s.mounts {
		m := &s.mounts[i]
		if r, ok := below(name, p.f.interpolate(m.target)); ok && (found == nil || len(r) < len(rest)) && path.Clean(p.f.interpolate(m.target)) != "/" {
			found, rest = m, r
		}
	}
	return found, rest
}

func (p *plan) mounted(s *part, name string) bool {
	m, _ := p.covering(s, name)
	return m != nil
}

// configOfPart returns the path of a part's configuration file in its container: from its flag, or else the image's default.
func (p *plan) configOfPart(s *part) string {
	if s.config != "" {
		return s.config
	}
	for _, place := range s.program.config {
		if p.mounted(s, place) {
			return place
		}
	}
	return ""
}

// hostPath returns the path of a bind mount's source on this machine.
func (p *plan) hostPath(source string) string {
	resolved := p.f.interpolate(source)
	if rest, ok := strings.CutPrefix(resolved, "~/"); ok {
		home, _ := p.f.getenv("HOME")
		return filepath.Join(home, rest)
	}
	if !filepath.IsAbs(resolved) {
		resolved = filepath.Join(p.f.dir, resolved)
	}
	return filepath.Clean(resolved)
}

// source returns a bind mount's source for the new file, which may be in another folder.
func (p *plan) source(raw string) string {
	if p.sameDir || !strings.HasPrefix(raw, ".") {
		return raw
	}
	return p.fromDir(filepath.Join(p.f.dir, raw))
}

// fromDir returns a host path relative to the new file's folder, with the leading dot by which Compose distinguishes paths from
// names.
func (p *plan) fromDir(name string) string {
	relative, err := filepath.Rel(p.dir, name)
	if err != nil {
		return name
	}
	return "./" + filepath.ToSlash(relative)
}

// host are the host folders that exporters and collectors mount. Ausguck's file mounts those that it needs itself.
var host = []string{"/", "/proc", "/sys", "/var/run", "/run", "/run/udev", "/var/lib/docker", "/dev/disk", "/cgroup", "/sys/fs/cgroup", "/dev/kmsg", "/var/log", "/etc/hostname"}

// ofHost reports whether a mount is a part of the host itself, and records what the new file needs of it.
func (p *plan) ofHost(s *part, m mount) bool {
	source := path.Clean(p.f.interpolate(m.source))
	target := path.Clean(p.f.interpolate(m.target))
	if path.Base(source) == "docker.sock" || path.Base(target) == "docker.sock" {
		p.socket = m.source
		return true
	}
	switch s.program.id {
	case "node-exporter", "cadvisor":
		return slices.Contains(host, source)
	case "promtail":
		return source == "/var/log" && target == source
	}
	return false
}

// provisioning returns the paths of Grafana's provisioning files in its container.
func (p *plan) provisioning(s *part) []string {
	places := []string{"/etc/grafana/provisioning", "/opt/bitnami/grafana/conf/provisioning", "/usr/share/grafana/conf/provisioning"}
	for _, v := range s.environment {
		if v.name == "GF_PATHS_PROVISIONING" && v.value != "" {
			places = append([]string{p.f.interpolate(v.value)}, places...)
		}
	}
	return places
}

// here returns where Ausguck reads a mount of Grafana, below --config.dir.
func (p *plan) here(s *part, target string) (name string, ok bool) {
	for _, place := range p.provisioning(s) {
		if rest, ok := below(target, place); ok {
			return path.Join("grafana/provisioning", rest), true
		}
	}
	if rest, ok := below(target, "/var/lib/grafana/dashboards"); ok {
		return path.Join("grafana/dashboards", rest), true
	}
	if path.Clean(target) == "/etc/grafana" {
		return "grafana", true
	}
	return "", false
}

// commonFolder returns the only host folder whose files have the layout of --config.dir; "" if there is none. It is then mounted
// as a whole, so that files beside the known ones are found too. A folder that only one program mounts as a whole keeps its
// mount.
func (p *plan) commonFolder() string {
	folder, in, file := "", 0, false
	for _, s := range p.replaced {
		if s.program.flag == "" {
			continue
		}
		m, rest := p.covering(s, p.configOfPart(s))
		if m == nil {
			continue
		}
		name := path.Join(path.Clean(p.f.interpolate(m.source)), rest)
		if m.named || path.Base(name) != s.program.name || folder != "" && folder != path.Dir(name) {
			return ""
		}
		folder = path.Dir(name)
		in++
		file = file || rest == ""
	}
	if folder == "" || in == 1 && !file || folder == "." || p.hostPath(folder) == p.f.dir || folder == "/" {
		return ""
	}
	for _, s := range p.replaced {
		for _, m := range s.mounts {
			if m.named || p.ofHost(s, m) {
				continue
			}
			if want, ok := p.place(s, p.f.interpolate(m.target)); ok && path.Join(folder, want) != path.Clean(p.f.interpolate(m.source)) {
				return ""
			}
		}
	}
	return folder
}

// place returns the path below --config.dir for a file or folder at a path in a container; false if it is not configuration.
func (p *plan) place(s *part, target string) (name string, ok bool) {
	if s.program.id == "grafana" {
		return p.here(s, target)
	}
	config := p.configOfPart(s)
	if config == "" {
		return "", false
	}
	if path.Clean(target) == config {
		return s.program.name, true
	}
	for _, root := range append([]string{path.Dir(config)}, s.program.root...) {
		if rest, ok := below(target, root); ok && root != "/" {
			return rest, true
		}
	}
	return "", false
}

// inFolder reports whether a file is read from the common folder, in which web.yml needs no flag.
func (p *plan) inFolder(s *part, name string) bool {
	where, ok := p.place(s, name)
	return p.folder != "" && ok && where == "web.yml"
}

// takeMounts maps the files of a part to where Ausguck reads them, and determines where its data is.
func (p *plan) takeMounts(s *part) {
	config := p.configOfPart(s)
	if m, rest := p.covering(s, config); m != nil && s.program.flag != "" {
		p.looksReadable(s, *m, rest)
		if p.folder == "" {
			p.configArgs = append(p.configArgs, "--"+s.program.flag+"="+config)
		}
	} else if s.program.flag != "" {
		p.note("%s: its configuration file is not mounted, so Ausguck uses its built-in %s.", s.name, s.program.name)
	}
	data := p.dataOf(s)
	for _, m := range s.mounts {
		target := p.f.interpolate(m.target)
		if rest, ok := below(data, target); ok && data != "" && m.config == nil {
			if m.source != "" {
				p.takeData(s, m, rest)
			}
			continue
		}
		if p.ofHost(s, m) || m.source == "" {
			continue
		}
		if where, ok := p.place(s, target); ok {
			if p.folder != "" && !m.named {
				continue
			}
			if s.program.id == "grafana" {
				target = path.Join(configDir, where)
			}
		} else if s.program.id == "grafana" && (strings.HasSuffix(target, ".ini") || strings.HasSuffix(target, ".toml")) {
			p.note("%s: %s is not read. Set GF_* variables or flags instead.", s.name, m.source)
			continue
		} else if s.program.id == "node-exporter" && slices.Contains(host, path.Clean(target)) {
			continue
		}
		p.mount(s, m, target)
	}
	if s.program.id == "grafana" && p.inServer() {
		p.migrations = slices.DeleteFunc(p.migrations, func(m migration) bool { return m.service == s })
		p.note("%s: its data is in a database server. Migrate it from the address of the running Grafana: ausguck migrate --from-grafana=http://…, with the token of an admin in GRAFANA_TOKEN.", s.name)
		return
	}
	if data != "" && !slices.ContainsFunc(p.migrations, func(m migration) bool { return m.service == s }) {
		p.takeData(s, mount{}, "")
	}
}

// mount adds a volume to the new file.
func (p *plan) mount(s *part, m mount, target string) {
	if m.config != nil {
		p.configs = append(p.configs, m.config)
		return
	}
	options := []string{"ro"}
	for _, option := range m.options {
		if option == "z" || option == "Z" || strings.HasPrefix(option, "r") && strings.HasSuffix(option, "slave") {
			options = append(options, option)
		}
	}
	source := m.source
	if m.named {
		p.volumes = append(p.volumes, m.source)
	} else {
		source = p.source(source)
	}
	for _, there := range p.mounts {
		if there.target != target {
			continue
		}
		if there.source != source {
			p.note("%s: %s is not mounted, because %s is already mounted on %s. Mount one of them elsewhere.", s.name, m.source, there.source, target)
		}
		return
	}
	if name := p.hostPath(m.source); !m.named && strings.HasPrefix(m.source, ".") && target != p.configOfPart(s) {
		if _, err := os.Stat(name); os.IsNotExist(err) {
			p.note("%s: %s does not exist.", s.name, p.shown(name))
		}
	}
	if !m.named && strings.Contains(path.Base(target), ".") {
		p.singleFiles = true
	}
	p.mounts = append(p.mounts, mount{source: source, target: target, options: options, named: m.named})
}

// looksReadable reports what would prevent the container from reading a configuration file.
func (p *plan) looksReadable(s *part, m mount, rest string) {
	if m.named {
		return
	}
	name := filepath.Join(p.hostPath(m.source), filepath.FromSlash(rest))
	info, err := os.Stat(name)
	switch {
	case os.IsNotExist(err) && p.folder != "":
		p.note("%s: %s does not exist, so Ausguck uses its built-in %s.", s.name, p.shown(name), s.program.name)
	case os.IsNotExist(err):
		p.note("%s: %s does not exist. Create it before you start Ausguck.", s.name, p.shown(name))
	case err == nil && info.IsDir():
		p.note("%s: %s is a folder, not a configuration file. Docker creates a folder where a mounted file is missing.", s.name, p.shown(name))
	case err == nil && info.Mode().Perm()&0o004 == 0:
		p.note("%s: %s is readable only by its owner. Ausguck runs as user 65532, so run: sudo chown 65532 %s", s.name, p.shown(name), p.shown(name))
	}
}

// shown returns a host path in the form that users know.
func (p *plan) shown(name string) string {
	if relative, err := filepath.Rel(p.f.dir, name); err == nil && filepath.IsLocal(relative) {
		return "./" + filepath.ToSlash(relative)
	}
	return name
}
