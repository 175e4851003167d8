// Package redact removes secrets from YAML that is shown: from values according to their keys, and from URLs.
//
// It knows no format, so it redacts too much rather than too little. Text and Words do the same for any text, such as an error.
// It imports none of our packages.
package redact

import (
	"bytes"
	"net/url"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Secret replaces a secret, as in the configuration that Prometheus shows.
const Secret = "<secret>"

var (
	// secret matches keys whose values are secrets; a file that contains a secret is not one.
	secret = regexp.MustCompile(`(?i)(passw|secret|token|credential|bearer|authorization|api_?key|account_key|access_key|private_key|connection_string|sas)`)
	file   = regexp.MustCompile(`(?i)(_file|_path|_type|_url|_ttl|_timeout|_bucket|_name|enabled)$`)
)

// YAML returns the document without its secrets, with comments and order preserved. Invalid YAML is not shown at all.
func YAML(content []byte) string {
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return "# not shown: " + err.Error() + "\n"
	}
	walk(&doc, false)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		return "# not shown: " + err.Error() + "\n"
	}
	return b.String()
}

// walk redacts every scalar below a key that names a secret.
func walk(n *yaml.Node, hidden bool) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			walk(n.Content[i+1], hidden || secret.MatchString(name) && !file.MatchString(name))
		}
	case yaml.ScalarNode:
		switch {
		case n.Value == "" || n.Tag == "!!null" || n.Tag == "!!bool":
		case hidden:
			n.SetString(Secret)
		default:
			if u, err := url.Parse(n.Value); err == nil && u.User != nil {
				u.User = url.User("secret")
				n.SetString(u.String())
			}
		}
	case yaml.AliasNode: // its target is redacted where it is defined
	default:
		for _, child := range n.Content {
			walk(child, hidden)
		}
	}
}

// address matches keys whose values are URLs that may contain secrets.
var address = regexp.MustCompile(`(?i)(^|_)ur[li]$`)

// Secrets returns the values that YAML redacts in a document, and the URLs in it. For invalid YAML it returns nothing.
func Secrets(content []byte) (found []string) {
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil
	}
	var collect func(n *yaml.Node, hidden bool)
	collect = func(n *yaml.Node, hidden bool) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				name := n.Content[i].Value
				collect(n.Content[i+1], hidden || secret.MatchString(name) && !file.MatchString(name) || address.MatchString(name))
			}
		case yaml.ScalarNode:
			if hidden && n.Tag == "!!str" {
				found = append(found, n.Value)
			}
		case yaml.AliasNode:
		default:
			for _, child := range n.Content {
				collect(child, hidden)
			}
		}
	}
	collect(&doc, false)
	return found
}
