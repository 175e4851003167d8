package stack

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// file is a compose file.
type file struct {
	path, dir string
	name      string
	services  []*service
	// networks, volumes, secrets and configs are the top-level definitions.
	networks, volumes, secrets, configs map[string]*yaml.Node
	// includes is set if the file includes others.
	includes bool

	dotEnv []variable
	getenv func(string) (string, bool)
}

// pair is an entry of a mapping.
type pair struct {
	key   string
	value *yaml.Node
}

// maxMerges limits how deep merge keys are followed, because an anchor may contain itself.
const maxMerges = 16

// pairs returns the entries of a mapping, including those of its merge keys.
func pairs(n *yaml.Node) []pair { return pairsOf(n, 0) }

func pairsOf(n *yaml.Node, depth int) (all []pair) {
	n = followed(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > maxMerges {
		return nil
	}
	var merged []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag != "!!merge" {
			all = append(all, pair{key.Value, followed(value)})
			continue
		}
		sources := []*yaml.Node{followed(value)}
		if sources[0] != nil && sources[0].Kind == yaml.SequenceNode {
			sources = sources[0].Content
		}
		for _, source := range sources {
			merged = append(merged, pairsOf(source, depth+1)...)
		}
	}
	for _, m := range merged {
		if !slices.ContainsFunc(all, func(p pair) bool { return p.key == m.key }) {
			all = append(all, m)
		}
	}
	return all
}

// followed returns the node that an alias refers to.
func followed(n *yaml.Node) *yaml.Node {
	for range maxMerges {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

func items(n *yaml.Node) (all []*yaml.Node) {
	if n = followed(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	for _, c := range n.Content {
		if c = followed(c); c != nil {
			all = append(all, c)
		}
	}
	return all
}

// text returns the value of a scalar, "" for other nodes.
func text(n *yaml.Node) string {
	if n = followed(n); n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

// texts returns the items of a list, or a single string.
func texts(n *yaml.Node) (all []string) {
	if single := text(n); single != "" {
		return []string{single}
	}
	for _, item := range items(n) {
		all = append(all, text(item))
	}
	return all
}

// variables parses a mapping or a list of NAME=VALUE.
func variables(n *yaml.Node) (all []variable) {
	for _, p := range pairs(n) {
		all = append(all, variable{p.key, text(p.value), p.value != nil && p.value.Tag != "!!null"})
	}
	for _, item := range items(n) {
		name, value, set := strings.Cut(text(item), "=")
		all = append(all, variable{name, value, set})
	}
	return all
}

func readFile(o Options) (*file, error) {
	content, err := readBounded(o.File)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(o.File))
	if err != nil {
		return nil, err
	}
	f := &file{path: o.File, dir: dir, getenv: o.Getenv, networks: map[string]*yaml.Node{}, volumes: map[string]*yaml.Node{}, secrets: map[string]*yaml.Node{}, configs: map[string]*yaml.Node{}}
	if f.dotEnv, err = dotEnv(filepath.Join(dir, ".env")); err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", o.File, err)
	}
	if len(root.Content) == 0 {
		return nil, fmt.Errorf("%s is empty", o.File)
	}
	services := false
	for _, p := range pairs(root.Content[0]) {
		switch p.key {
		case "name":
			f.name = text(p.value)
		case "include":
			f.includes = true
		case "services":
			services = true
			for _, s := range pairs(p.value) {
				f.services = append(f.services, f.service(s.key, s.value))
			}
		case "networks":
			define(f.networks, p.value)
		case "volumes":
			define(f.volumes, p.value)
		case "secrets":
			define(f.secrets, p.value)
		case "configs":
			define(f.configs, p.value)
		}
	}
	if !services {
		return nil, fmt.Errorf("%s has no services: at its top; is it a compose file?", o.File)
	}
	return f, nil
}

func define(to map[string]*yaml.Node, section *yaml.Node) {
	for _, p := range pairs(section) {
		to[p.key] = p.value
	}
}

// lookup returns a variable of the shell or of .env.
func (f *file) lookup(name string) (string, bool) {
	if value, ok := f.getenv(name); ok {
		return value, true
	}
	for _, v := range slices.Backward(f.dotEnv) {
		if v.name == name {
			return v.value, true
		}
	}
	return "", false
}

func (f *file) interpolate(text string) string { return interpolate(text, f.lookup) }
