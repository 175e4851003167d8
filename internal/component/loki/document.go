package loki

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/problem"
)

// document is a YAML file as a tree, for finding its values and their lines.
type document struct{ root yaml.Node }

func (d *document) node() *yaml.Node { return &d.root }

func (d *document) top() *yaml.Node {
	if len(d.root.Content) == 0 {
		return &yaml.Node{Kind: yaml.MappingNode}
	}
	return d.root.Content[0]
}

// find returns the key and value at a dotted path, nil if the file does not have it.
func (d *document) find(path string) (key, value *yaml.Node) {
	value = d.top()
	for name := range strings.SplitSeq(path, ".") {
		if value == nil || value.Kind != yaml.MappingNode {
			return nil, nil
		}
		parent := value
		key, value = nil, nil
		for i := 0; i+1 < len(parent.Content); i += 2 {
			if parent.Content[i].Value == name {
				key, value = parent.Content[i], parent.Content[i+1]
			}
		}
		if key == nil {
			return nil, nil
		}
	}
	return key, value
}

func (d *document) has(path string) bool {
	key, _ := d.find(path)
	return key != nil
}

// at returns the line of a path, 0 if the file does not have it.
func (d *document) at(path string) int {
	if key, _ := d.find(path); key != nil && path != "" {
		return key.Line
	}
	return 0
}

// text returns the scalar at a path, or "".
func (d *document) text(path string) string {
	if _, v := d.find(path); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// clustered reports whether the file names other Lokis: its addresses and rings are then left unchanged.
func (d *document) clustered() bool {
	if d.has("memberlist.join_members") {
		return true
	}
	for _, path := range []string{"common.ring.kvstore.store", "ingester.lifecycler.ring.kvstore.store"} {
		if store := d.text(path); store != "" && store != "inmemory" {
			return true
		}
	}
	return false
}

// remove removes the key at a dotted path from the tree.
func (d *document) remove(path string) {
	parent := d.top()
	name := path
	if i := strings.LastIndex(path, "."); i >= 0 {
		name = path[i+1:]
		_, parent = d.find(path[:i])
	}
	if parent == nil {
		return
	}
	for i := 0; i+1 < len(parent.Content); i += 2 {
		if parent.Content[i].Value == name {
			parent.Content = append(parent.Content[:i], parent.Content[i+2:]...)
			return
		}
	}
}

// pathAt returns the dotted path of the key at a line. The YAML library reports the line on which a value starts,
// which is the next line if the value is a section.
func (d *document) pathAt(line int, key string) string {
	best, distance := key, -1
	var walk func(n *yaml.Node, prefix string)
	walk = func(n *yaml.Node, prefix string) {
		for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			path := k.Value
			if prefix != "" {
				path = prefix + "." + k.Value
			}
			if k.Value == key && k.Line <= line && (distance < 0 || line-k.Line < distance) {
				best, distance = path, line-k.Line
			}
			walk(v, path)
		}
		if n.Kind == yaml.SequenceNode {
			for i, item := range n.Content {
				walk(item, prefix+"["+strconv.Itoa(i)+"]")
			}
		}
	}
	walk(d.top(), "")
	return best
}

var atLine = regexp.MustCompile(`^line (\d+): (.*)$`)

// located formats the YAML library's errors as "file:line: field: reason".
func (d *document) located(name string, texts []string) []error {
	var problems []error
	for _, text := range texts {
		m := atLine.FindStringSubmatch(text)
		if m == nil {
			problems = append(problems, fmt.Errorf("%s: %s", name, problem.Plain(text)))
			continue
		}
		line, _ := strconv.Atoi(m[1])
		field := ""
		if path := d.keyOn(line); path != "" {
			field = path + ": "
		}
		problems = append(problems, fmt.Errorf("%s:%d: %s%s", name, line, field, problem.Plain(m[2])))
	}
	return problems
}

// keyOn returns the dotted path of the last key on a line.
func (d *document) keyOn(line int) string {
	found := ""
	var walk func(n *yaml.Node, prefix string)
	walk = func(n *yaml.Node, prefix string) {
		if n.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(n.Content); i += 2 {
				path := n.Content[i].Value
				if prefix != "" {
					path = prefix + "." + path
				}
				if n.Content[i].Line == line {
					found = path
				}
				walk(n.Content[i+1], path)
			}
		}
		if n.Kind == yaml.SequenceNode {
			for i, item := range n.Content {
				walk(item, prefix+"["+strconv.Itoa(i)+"]")
			}
		}
	}
	walk(d.top(), "")
	return found
}
