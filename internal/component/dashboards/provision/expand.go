package provision

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// variable matches what Grafana expands in values: $$, $__env{X}, $__file{path}, ${X} and $X.
var variable = regexp.MustCompile(`\$\$|\$__(\w+)\{([^}]*)\}|\$\{([^}]*)\}|\$([A-Za-z_]\w*)`)

// expander expands variables in the values of one YAML file.
type expander struct {
	file     string
	problems []error
	warnings []string
}

// expandNode expands variables in every value below n. Values in text sections (jsonData, secureJsonData) remain
// strings; elsewhere a value may become a number or a boolean.
func (e *expander) expandNode(n *yaml.Node, text bool) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			e.expandNode(n.Content[i+1], text || key == "jsonData" || key == "secureJsonData")
		}
	case yaml.ScalarNode:
		if n.ShortTag() != "!!str" || !strings.Contains(n.Value, "$") {
			return
		}
		if value := e.expand(n.Value, n.Line); value != n.Value {
			n.Value = value
			if !text {
				n.Tag, n.Style = "", 0
			}
		}
	default:
		for _, c := range n.Content {
			e.expandNode(c, text)
		}
	}
}

func (e *expander) expand(s string, line int) string {
	return variable.ReplaceAllStringFunc(s, func(found string) string {
		m := variable.FindStringSubmatch(found)
		switch {
		case found == "$$":
			return "$"
		case m[1] == "file":
			content, err := os.ReadFile(m[2])
			if err != nil {
				e.problems = append(e.problems, fmt.Errorf("%s:%d: %s: %w", e.file, line, found, err))
			}
			return strings.TrimSpace(string(content))
		case m[1] != "" && m[1] != "env":
			e.problems = append(e.problems, fmt.Errorf("%s:%d: %s: only $__env{NAME} and $__file{path} are supported", e.file, line, found))
			return ""
		}
		name := m[2] + m[3] + m[4]
		value, ok := os.LookupEnv(name)
		if !ok {
			e.warnings = append(e.warnings, fmt.Sprintf("%s:%d: environment variable %s is not set, so an empty value is used; write $$ for a dollar sign", e.file, line, name))
		}
		return value
	})
}
