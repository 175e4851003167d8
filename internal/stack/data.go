package stack

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// inServer reports whether Grafana stores its data in a database server.
func (p *plan) inServer() bool {
	kind := p.variable("GF_DATABASE_TYPE")
	return kind != "" && kind != "sqlite3" || p.variable("GF_DATABASE_URL") != ""
}

// dataOf returns the data folder of a program in its container, or "" if it has none.
func (p *plan) dataOf(s *part) string {
	if s.data != "" {
		return s.data
	}
	if s.program.id == "loki" {
		if prefix := p.lokiPrefix(s); prefix != "" {
			return prefix
		}
	}
	for _, place := range s.program.data {
		if m, _ := p.covering(s, place); m != nil {
			return place
		}
	}
	if len(s.program.data) > 0 {
		return s.program.data[0]
	}
	return ""
}

// lokiPrefix returns common.path_prefix of a loki.yml.
func (p *plan) lokiPrefix(s *part) string {
	m, rest := p.covering(s, p.configOfPart(s))
	if m == nil || m.named {
		return ""
	}
	content, err := readBounded(filepath.Join(p.hostPath(m.source), filepath.FromSlash(rest)))
	if err != nil {
		return ""
	}
	var cfg struct {
		Common struct {
			Prefix string `yaml:"path_prefix"`
		} `yaml:"common"`
		Storage struct {
			Filesystem struct {
				Directory string `yaml:"directory"`
			} `yaml:"filesystem"`
		} `yaml:"storage_config"`
	}
	if yaml.Unmarshal(content, &cfg) != nil {
		return ""
	}
	if cfg.Common.Prefix == "" && path.Base(cfg.Storage.Filesystem.Directory) == "chunks" {
		return path.Dir(cfg.Storage.Filesystem.Directory)
	}
	return cfg.Common.Prefix
}

// migration describes the location of a part's data.
type migration struct {
	service *part
	// volume is the left side of --volume, inside the path within it.
	volume, inside string
	// copied is the path in the old container, for data that is not in a volume.
	copied string
}

func (p *plan) takeData(s *part, m mount, rest string) {
	take := migration{service: s, inside: rest}
	switch {
	case m.source == "":
		take.copied = p.dataOf(s)
		take.volume = `"$PWD/from-` + s.program.id + `"`
	case m.named:
		take.volume = p.volumeName(m.source)
	default:
		source := p.hostPath(m.source)
		if relative, err := filepath.Rel(p.dir, source); err == nil && filepath.IsLocal(relative) {
			source = "$PWD/" + filepath.ToSlash(relative)
		}
		take.volume = `"` + source + `"`
	}
	p.migrations = append(p.migrations, take)
}

// volumeName returns the engine's name for a volume of the old file.
func (p *plan) volumeName(name string) string {
	external, own := false, ""
	for _, key := range pairs(p.f.volumes[name]) {
		switch key.key {
		case "name":
			own = p.f.interpolate(text(key.value))
		case "external":
			external = text(key.value) != "false"
			for _, inner := range pairs(key.value) { // the syntax before version 3.4 of the Compose file
				if inner.key == "name" {
					own = p.f.interpolate(text(inner.value))
				}
			}
		}
	}
	switch {
	case own != "":
		return own
	case external:
		return name
	}
	return p.project + "_" + name
}

// migrateCommand returns the command that imports the data, without --write.
func (p *plan) migrateCommand() string {
	if len(p.migrations) == 0 {
		return ""
	}
	var volumes, sources []string
	for _, m := range p.migrations {
		id := m.service.program.id
		volumes = append(volumes, fmt.Sprintf("-v %s:/from/%s:ro", m.volume, id))
		from := path.Join("/from", id, m.inside)
		if id == "grafana" {
			from += "/grafana.db"
		}
		sources = append(sources, "--from-"+id+"="+from)
	}
	return fmt.Sprintf("docker run --rm --user 0 -v %s_%s:/data %s %s migrate %s", p.project, dataVolume, strings.Join(volumes, " "), "ausguck:latest", strings.Join(sources, " "))
}
