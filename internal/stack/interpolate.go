package stack

import (
	"regexp"
	"strings"
)

// reference is a variable in a compose file: $$, $NAME, ${NAME}, ${NAME:-default} and so on.
var reference = regexp.MustCompile(`\$(?:\$|\{([A-Za-z_]\w*)(?:(:?[-?+])((?:[^{}]|\{[^{}]*\})*))?\}|([A-Za-z_]\w*))`)

// interpolate replaces variables as Compose does. A required variable that is missing is replaced by "".
func interpolate(text string, env func(string) (string, bool)) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		m := reference.FindStringSubmatch(found)
		name, operator, other := m[1]+m[4], m[2], m[3]
		value, set := env(name)
		has := set && (value != "" || !strings.HasPrefix(operator, ":"))
		switch {
		case strings.HasSuffix(operator, "+"):
			if has {
				return interpolate(other, env)
			}
			return ""
		case strings.HasSuffix(operator, "-") && !has:
			return interpolate(other, env)
		}
		return value
	})
}

// splitColons splits a string at colons outside ${variable:-…} and [IPv6 address].
func splitColons(text string) (parts []string) {
	depth, from := 0, 0
	for i, c := range text {
		switch {
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ':' && depth == 0:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}
