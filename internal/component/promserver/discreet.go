package promserver

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/redact"
)

// openParams are scrape parameters whose values select what is returned and do not identify the client.
var openParams = []string{"module", "match[]", "collect[]", "exclude[]", "format", "debug"}

// discreetPaths are the paths that show targets or the configuration. Upstream removes passwords from them, but
// parameters and headers, which often contain tokens, are for admins only.
var discreetPaths = map[string]func(*discretion, any) any{
	"/api/v1/targets":               (*discretion).targets,
	"/api/v1/targets/relabel_steps": (*discretion).targets,
	"/api/v1/status/config":         (*discretion).config,
}

// Discreet is Handler for users who are not admins: responses omit the values of the parameters and headers of
// scrapes, and of the headers of remote write and read. A response without any of these is unchanged, byte for byte.
func (s *Server) Discreet() http.Handler {
	next := s.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hide, ok := discreetPaths[strings.TrimRight(r.URL.Path, "/")]
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		plain := r.Clone(r.Context())
		plain.Header.Del("Accept-Encoding")
		held := &heldAnswer{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(held, plain)
		body := held.body.Bytes()
		var answer any
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		if dec.Decode(&answer) == nil {
			d := &discretion{}
			answer = hide(d, answer)
			if d.hidden {
				var b bytes.Buffer
				e := json.NewEncoder(&b)
				e.SetEscapeHTML(false)
				if e.Encode(answer) == nil {
					body = bytes.TrimRight(b.Bytes(), "\n")
				}
			}
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(held.code)
		_, _ = w.Write(body) // the client is gone
	})
}

// heldAnswer buffers a response.
type heldAnswer struct {
	http.ResponseWriter
	code int
	body bytes.Buffer
}

func (h *heldAnswer) WriteHeader(code int)        { h.code = code }
func (h *heldAnswer) Write(b []byte) (int, error) { return h.body.Write(b) }

// discretion removes values and records whether there were any.
type discretion struct{ hidden bool }

// targets walks a response and hides labels that hold parameters, and addresses with a query, wherever they are.
func (d *discretion) targets(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if name, ok := strings.CutPrefix(key, "__param_"); ok && !slices.Contains(openParams, name) {
				if text, _ := inner.(string); text != "" {
					v[key], d.hidden = redact.Secret, true
				}
				continue
			}
			v[key] = d.targets(inner)
		}
	case []any:
		for i := range v {
			v[i] = d.targets(v[i])
		}
	case string:
		text := hideQueries(v)
		d.hidden = d.hidden || text != v
		return text
	}
	return v
}

// config removes values of headers and parameters from the YAML in the response.
func (d *discretion) config(v any) any {
	answer, _ := v.(map[string]any)
	data, _ := answer["data"].(map[string]any)
	text, ok := data["yaml"].(string)
	if !ok {
		return v
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		data["yaml"], d.hidden = "# not shown: "+err.Error()+"\n", true
		return v
	}
	d.yaml(&doc, false)
	if !d.hidden {
		return v
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		b.Reset()
		b.WriteString("# not shown: " + err.Error() + "\n")
	}
	data["yaml"] = b.String()
	return v
}

func (d *discretion) yaml(n *yaml.Node, hide bool) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, value := n.Content[i].Value, n.Content[i+1]
			secret := hide && !slices.Contains(openParams, name) ||
				slices.Contains([]string{"headers", "http_headers", "params", "endpoint_params"}, name)
			d.yaml(value, secret)
		}
	case yaml.ScalarNode:
		text := hideQueries(n.Value)
		if hide && n.Value != "" {
			text = redact.Secret
		}
		if text != n.Value {
			n.SetString(text)
			d.hidden = true
		}
	case yaml.AliasNode:
	default:
		for _, child := range n.Content {
			d.yaml(child, hide)
		}
	}
}

var address = regexp.MustCompile(`[a-z][a-z0-9+]*://[^\s"'<>\\]+`)

// hideQueries removes credentials and parameter values from the addresses in a text.
func hideQueries(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return redact.Text(hideParams(text))
}

func hideParams(text string) string {
	return address.ReplaceAllStringFunc(text, func(raw string) string {
		before, query, ok := strings.Cut(raw, "?")
		if !ok {
			return raw
		}
		params := strings.Split(query, "&")
		for i, param := range params {
			name, value, _ := strings.Cut(param, "=")
			if plain, err := url.QueryUnescape(name); value != "" && (err != nil || !slices.Contains(openParams, plain)) {
				params[i] = name + "=" + redact.Secret
			}
		}
		return before + "?" + strings.Join(params, "&")
	})
}
