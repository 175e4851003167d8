package provision

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// lenient changes a section so that it decodes into t as Grafana reads it: numbers and booleans may be quoted, and if
// snake is set, as in files without an apiVersion, keys may be written as is_default instead of isDefault.
func lenient(n *yaml.Node, t reflect.Type, snake bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	known := yamlKeys(t)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if camel := camelCase(key.Value); snake && !slices.Contains(known, key.Value) && slices.Contains(known, camel) {
			key.Value = camel
		}
		if value.Kind == yaml.ScalarNode && value.ShortTag() == "!!str" {
			unquote(value, kindOfKey(t, key.Value))
		}
	}
}

// unquote converts a string to the type Grafana reads it as; a value that cannot be converted is kept for the error message.
func unquote(value *yaml.Node, kind reflect.Kind) {
	text := strings.TrimSpace(value.Value)
	switch kind {
	case reflect.Bool:
		if text == "" {
			text = "false"
		}
		if b, err := strconv.ParseBool(text); err == nil {
			*value = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(b), Line: value.Line, Column: value.Column}
		}
	case reflect.Int, reflect.Int64:
		if text == "" {
			text = "0"
		}
		if _, err := strconv.ParseInt(text, 10, 64); err == nil {
			*value = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: text, Line: value.Line, Column: value.Column}
		}
	}
}

func kindOfKey(t reflect.Type, key string) reflect.Kind {
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name == key {
			kind := t.Field(i).Type
			if kind.Kind() == reflect.Pointer {
				kind = kind.Elem()
			}
			return kind.Kind()
		}
	}
	return reflect.Invalid
}

// camelCase returns secureJsonData for secure_json_data.
func camelCase(snake string) string {
	parts := strings.Split(snake, "_")
	for i := 1; i < len(parts); i++ {
		if parts[i] != "" {
			parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
		}
	}
	return strings.Join(parts, "")
}

// Version returns the apiVersion of a file, 0 for none. The only valid version is 1.
func Version(file string, root *yaml.Node) (version int64, problems []error) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "apiVersion" {
			version, _ = strconv.ParseInt(root.Content[i+1].Value, 10, 64)
		}
	}
	if version > 1 {
		problems = append(problems, fmt.Errorf("%s:%d: apiVersion: only version 1 is supported, not %d", file, root.Line, version))
	}
	return version, problems
}
