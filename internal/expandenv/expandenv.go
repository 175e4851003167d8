// Package expandenv expands environment variables in configuration files, as Loki and Promtail do with -config.expand-env.
//
// It imports only the standard library.
package expandenv

import (
	"bytes"
	"fmt"
	"regexp"
)

// variable matches ${NAME}, with an optional default as in ${NAME:-default}. A number is not a name: ${1} is a group of a regular
// expression, which is common in relabeling rules and stages.
var variable = regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_]*|\d+)(?:(:?[-=])([^}\n]*))?\}`)

// Expand expands environment variables in loki.yml or promtail.yml, as Loki and Promtail do with -config.expand-env. $${ is an
// escaped ${. A variable that is neither set nor has a default is kept, with a warning: in files that do not use variables, it
// may have another meaning.
func Expand(file string, content []byte, env func(string) (string, bool)) (expanded []byte, warnings []string) {
	warned := map[string]bool{}
	expanded = variable.ReplaceAllFunc(content, func(found []byte) []byte {
		if bytes.HasPrefix(found, []byte("$$")) {
			return found[1:]
		}
		parts := variable.FindSubmatch(found)
		name, operator, otherwise := string(parts[1]), string(parts[2]), parts[3]
		value, set := env(name)
		switch {
		case set && (value != "" || len(operator) < 2): // with a colon, an empty value counts as unset
			return []byte(value)
		case operator != "":
			return otherwise
		case name[0] >= '0' && name[0] <= '9':
			return found
		}
		if !warned[name] {
			warned[name] = true
			warnings = append(warnings, fmt.Sprintf("%s: ${%s} is not expanded: the environment variable %s is not set", file, name, name))
		}
		return found
	})
	return expanded, warnings
}
