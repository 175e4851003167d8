package provision

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parse returns the root of the document with variables expanded, or nil for an empty file.
func (f *Files) parse(file string, content []byte) (*yaml.Node, []error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil, yamlErrors(file, "", err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	e := &expander{file: file}
	e.expandNode(doc.Content[0], false)
	f.Warnings = append(f.Warnings, e.warnings...)
	return doc.Content[0], e.problems
}

// Decode decodes n into into, with snake also from keys of the old format, and warns about keys that have no effect.
// Grafana silently ignores such keys, so they must not be errors.
func (f *Files) Decode(file, field string, n *yaml.Node, snake bool, into any) []error {
	lenient(n, reflect.TypeOf(into).Elem(), snake)
	if err := n.Decode(into); err != nil {
		return yamlErrors(file, field, err)
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	known := yamlKeys(reflect.TypeOf(into).Elem())
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains(known, key.Value) {
			f.Warn("%s:%d: %s%s: unknown field, ignored", file, key.Line, prefixed(field), key.Value)
		}
	}
	return nil
}

func yamlKeys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" && name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}

func prefixed(field string) string {
	if field == "" {
		return ""
	}
	return field + ": "
}

var (
	yamlLine     = regexp.MustCompile(`(?:yaml: )?line (\d+): (.*)`)
	yamlMismatch = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `([^`]*)`)? into (.+)$")
)

// yamlErrors converts errors of the YAML library to "file:line: field: reason", without Go type names.
func yamlErrors(file, field string, err error) []error {
	texts := []string{err.Error()}
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		texts = typed.Errors
	}
	var problems []error
	for _, text := range texts {
		where := file
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			where, text = file+":"+m[1], m[2]
		}
		if m := yamlMismatch.FindStringSubmatch(text); m != nil {
			want, scalar := wantedKind(m[3])
			text = "must be " + want
			if scalar && m[2] != "" { // elsewhere it may be a secret without its key
				text += fmt.Sprintf(", not %q", m[2])
			}
		}
		problems = append(problems, fmt.Errorf("%s: %s%s", where, prefixed(field), strings.TrimPrefix(text, "yaml: ")))
	}
	return problems
}

func wantedKind(goType string) (name string, scalar bool) {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list", false
	case goType == "bool":
		return "true or false", true
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "float"):
		return "a number", true
	case goType == "string":
		return "a text", true
	}
	return "a section with fields", false
}

// isNull reports whether n is empty: `datasources:` with all items commented out.
func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}
