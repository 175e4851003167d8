package prober

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/prometheus/blackbox_exporter/config"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/confpath"
	"github.com/ausguck/ausguck/internal/problem"
	"github.com/ausguck/ausguck/internal/rdap"
)

// Config is a consistent state of blackbox.yml and probes.yml.
type Config struct {
	*Modules
	// Source is the name of the file with the probes.
	Source string
	Probes []Probe
}

// Modules are the modules of a blackbox.yml, by name.
type Modules struct {
	all      map[string]config.Module
	Warnings []string
}

// LoadModules parses a blackbox.yml as blackbox_exporter does and returns all problems in it. Paths in it may be relative to dir.
// Modules of the built-in file that this one does not define are added, because container labels refer to them.
func LoadModules(name, dir string, content, builtIn []byte) (*Modules, []error) {
	cfg, err := parseModules(string(content))
	if err != nil {
		return nil, problem.Locate(problem.File{Name: name, Content: content}, err, func(text string) error {
			_, err := parseModules(text)
			return err
		})
	}
	standard, err := parseModules(string(builtIn))
	if err != nil {
		return nil, []error{fmt.Errorf("built-in modules: %w", err)}
	}
	m := &Modules{all: standard.Modules}
	var moved confpath.Moved
	for _, module := range slices.Sorted(maps.Keys(cfg.Modules)) {
		c := cfg.Modules[module]
		if c.HTTP.NoFollowRedirects != nil {
			c.HTTP.NoFollowRedirects = nil // as upstream, whose decoder has set FollowRedirects from it
			m.Warnings = append(m.Warnings, fmt.Sprintf("%s: module %q: no_follow_redirects is deprecated; use follow_redirects", name, module))
		}
		if c.Prober == "" {
			m.Warnings = append(m.Warnings, fmt.Sprintf("%s: module %q has no prober, so its probes fail", name, module))
		}
		confpath.Visit(&c, func(path *string) { *path = beside(moved.Here(*path, dir), dir) })
		m.all[module] = c
	}
	if warning := moved.Warning(name, dir); warning != "" {
		m.Warnings = append(m.Warnings, warning)
	}
	return m, nil
}

// beside returns the path of a file in dir. For blackbox_exporter, a path is relative to the folder in which it was started, which
// is used if it has the file.
func beside(path, dir string) string {
	if filepath.IsAbs(path) {
		return path
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	return filepath.Join(dir, path)
}

func parseModules(text string) (*config.Config, error) {
	c, err := decodeStrict[config.Config](text)
	if err != nil {
		return nil, err
	}
	if c.Modules == nil {
		c.Modules = map[string]config.Module{}
	}
	return &c, nil
}

// emptyDocument reports whether the error is that of a file without content, which is valid.
func emptyDocument(err error) bool { return errors.Is(err, io.EOF) }

// LoadProbes parses a probes.yml and returns all problems in it.
func LoadProbes(modules *Modules, name string, content []byte) (*Config, []error) {
	probes, problems := ParseProbes(name, content)
	if len(problems) > 0 {
		return nil, problems
	}
	for _, p := range probes {
		if _, err := modules.of(p); err != nil {
			problems = append(problems, problem.At(problem.File{Name: name, Content: content}, p.Name, fmt.Errorf("probe %q: %w", p.Name, err)))
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &Config{Modules: modules, Source: name, Probes: probes}, nil
}

// of returns the module that a probe uses. If the probe has no domain but is to watch one, that is an error.
func (m *Modules) of(p Probe) (module config.Module, err error) {
	if p.Module != "" {
		var ok bool
		if module, ok = m.all[p.Module]; !ok {
			return module, fmt.Errorf("module: blackbox.yml has no module %q", p.Module)
		}
	} else if module, err = p.compiled(); err != nil {
		return module, err
	}
	_, err = p.domain(module)
	return module, err
}

// domain returns the registered domain, in A-labels, whose expiry is watched; empty if none is.
func (p *Probe) domain(m config.Module) (string, error) {
	if p.Expect.DomainDays == 0 {
		return "", nil
	}
	host := m.DNS.QueryName
	if m.Prober != "dns" {
		t, err := p.target()
		if err != nil {
			return "", err
		}
		host, _ = hostOf(m.Prober, t.address)
	}
	domain, err := rdap.Registrable(host)
	if err != nil {
		return "", fmt.Errorf("expect: domain_days: %w", err)
	}
	return domain, nil
}

// moduleName is the module that a probe uses. The names of generated ones contain a slash, as no name in practice does.
func (p *Probe) moduleName() string {
	if p.Module != "" {
		return p.Module
	}
	return "probes/" + p.Name
}

// compiled returns the module that tests what the probe expects.
func (p *Probe) compiled() (m config.Module, err error) {
	t, err := p.target()
	if err != nil {
		return m, err
	}
	settings, err := p.module(t)
	if err != nil {
		return m, err
	}
	text, err := yaml.Marshal(settings)
	if err != nil {
		return m, err
	}
	return decodeStrict[config.Module](string(text))
}

// Names returns the names of the modules, sorted.
func (m *Modules) Names() []string { return slices.Sorted(maps.Keys(m.all)) }
