package dashjson

import (
	"fmt"
	"regexp"
	"slices"
)

// Input is a placeholder that an exported dashboard leaves to be filled in.
type Input struct {
	Name        string `json:"name"`
	Label       string `json:"label"`
	Description string `json:"description"`
	// Type is datasource or constant.
	Type string `json:"type"`
	// PluginID is the data source type.
	PluginID string `json:"pluginId"`
	// Value is the value of a constant.
	Value string `json:"value"`
}

func (d *Dashboard) readInputs() {
	for _, o := range d.Body.Objects("__inputs") {
		in := Input{
			Name: o.Text("name"), Label: o.Text("label"), Description: o.Text("description"),
			Type: o.Text("type"), PluginID: o.Text("pluginId"), Value: o.Text("value"),
		}
		if v := o.Get("value"); in.Value == "" && v != nil {
			in.Value = fmt.Sprint(v)
		}
		if in.Name != "" {
			d.Inputs = append(d.Inputs, in)
		}
	}
}

var placeholder = regexp.MustCompile(`\$\{([\w-]+)\}`)

// Resolve replaces each input with the value that the value function returns for it, and removes fields that only an
// export needs. Inputs without a value stay unresolved and are named in Notices.
func (d *Dashboard) Resolve(value func(Input) (string, bool)) {
	values := map[string]string{}
	for _, in := range d.Inputs {
		if v, ok := value(in); ok {
			values[in.Name] = v
		} else {
			d.notice("input %s (%s %s) has no value", in.Name, in.Type, in.PluginID)
		}
	}
	d.Inputs = slices.DeleteFunc(d.Inputs, func(in Input) bool { _, ok := values[in.Name]; return ok })
	for _, key := range []string{"__inputs", "__requires", "__elements"} {
		d.Body.Delete(key)
	}
	d.presetVariables(values)
	if len(values) > 0 {
		substitute(d.Body, values)
	}
}

// presetVariables removes inputs from values that are also variables of the dashboard: ${NAME} keeps referring to the
// variable, so that users can choose another data source, and the input becomes its initial value.
func (d *Dashboard) presetVariables(values map[string]string) {
	for _, v := range d.Body.Object("templating").Objects("list") {
		value, ok := values[v.Text("name")]
		if !ok {
			continue
		}
		delete(values, v.Text("name"))
		if current := v.Object("current"); v.Text("type") == "datasource" && current.Get("value") == nil {
			v.Set("current", NewObject("text", value, "value", value))
		}
	}
}

// substitute replaces ${NAME} in all strings below v and returns the replacement for v.
func substitute(v any, values map[string]string) any {
	switch v := v.(type) {
	case string:
		return placeholder.ReplaceAllStringFunc(v, func(found string) string {
			if value, ok := values[found[2:len(found)-1]]; ok {
				return value
			}
			return found
		})
	case *Object:
		for key, child := range v.values {
			v.values[key] = substitute(child, values)
		}
	case []any:
		for i, child := range v {
			v[i] = substitute(child, values)
		}
	}
	return v
}

// readElements reads the library panels of an export: an object keyed by uid, or a list in older exports.
func (d *Dashboard) readElements() {
	d.elements = map[string]*Object{}
	add := func(key string, e *Object) {
		if uid := e.Text("uid"); uid != "" {
			key = uid
		}
		if model := e.Object("model"); model != nil && key != "" {
			d.elements[key] = model
		}
	}
	for _, e := range d.Body.Objects("__elements") {
		add("", e)
	}
	elements := d.Body.Object("__elements")
	for _, key := range elements.Keys() {
		add(key, elements.Object(key))
	}
}

// inlineElements copies the model of a library panel into each panel that refers to it. Library panels are not
// supported here.
func (d *Dashboard) inlineElements() {
	for _, p := range Panels(d.Body) {
		ref := p.Object("libraryPanel")
		if ref == nil {
			continue
		}
		model := d.elements[ref.Text("uid")]
		if model == nil {
			model = ref.Object("model")
		}
		if model == nil {
			if p.Text("type") == "" || p.Text("type") == "library-panel-ref" {
				d.notice("panel %q is the library panel %s, which is not in the file", p.Text("title"), ref.Text("uid"))
			}
			continue
		}
		for _, key := range model.Keys() {
			if own := p.Get(key); key == "id" || key == "gridPos" || key == "libraryPanel" || key == "title" && own != nil && own != "" {
				continue
			}
			p.Set(key, clone(model.Get(key)))
		}
		p.Delete("libraryPanel")
	}
}

func (d *Dashboard) notice(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(d.Notices, text) {
		d.Notices = append(d.Notices, text)
	}
}
