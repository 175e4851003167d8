// Package expandenv puts environment variables into configuration files, as Loki and Promtail do with -config.expand-env.
//
// It imports the standard library only.
package expandenv

import (
	"bytes"
	"fmt"
	"regexp"
)

// variable is ${NAME}, also with a default as in ${NAME:-default}. A number is no name: ${1} is a group of a regular
// expression, which relabelling and stages are full of.
var variable = regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_]*|\d+)(?:(:?[-=])([^}\n]*))?\}`)

// Expand puts the values of environment variables into loki.yml or promtail.yml, as Loki and Promtail do with
// -config.expand-env. $${ is a ${ that stays. A variable that is neither set nor has a default stays too, with a warning:
// who does not use variables may mean something else by it.
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
		case set && (value != "" || len(operator) < 2): // with a colon, an empty value counts as none
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
