package dashjson

import (
	"errors"
	"slices"
	"strings"
)

// classicSchemaVersion is the schema version of converted dashboards.
const classicSchemaVersion = 42

// fromV2 converts a v2 spec into a classic dashboard. Fields unknown to v2 are kept unchanged.
func (d *Dashboard) fromV2(spec *Object, name string) error {
	if spec.Object("elements") == nil || spec.Object("layout") == nil {
		return errors.New("\"spec\" has no elements and layout, which the v2 schema needs")
	}
	d.Shape = V2
	c := &v2Converter{d: d, elements: spec.Object("elements"), placed: map[string]bool{}}
	body := NewObject()
	if name != "" {
		body.Set("uid", name)
	}
	handled := []string{"elements", "layout", "variables", "annotations", "timeSettings", "cursorSync", "preferences"}
	for _, key := range spec.Keys() {
		if !slices.Contains(handled, key) {
			body.Set(key, spec.Get(key))
		}
	}
	body.Set("schemaVersion", number(classicSchemaVersion))
	body.Set("graphTooltip", number(index([]string{"Off", "Crosshair", "Tooltip"}, spec.Text("cursorSync"))))
	c.timeSettings(spec.Object("timeSettings"), body)

	annotations := []any{}
	for _, a := range spec.Objects("annotations") {
		annotations = append(annotations, annotation(a.Object("spec")))
	}
	body.Set("annotations", NewObject("list", annotations))

	c.variables(spec)
	panels, _ := c.layout(spec.Object("layout"), "", 0)
	for _, key := range c.elements.Keys() {
		if !c.placed[key] {
			d.notice("element %q is not in the layout and left out", key)
		}
	}
	list := make([]any, len(panels))
	for i, p := range panels {
		list[i] = p
	}
	body.Set("templating", NewObject("list", c.vars))
	body.Set("panels", list)
	d.Body = body
	return nil
}

// index returns the index of s in names, or 0 if it is not in them.
func index(names []string, s string) int64 { return int64(max(slices.Index(names, s), 0)) }

type v2Converter struct {
	d        *Dashboard
	elements *Object
	vars     []any
	names    []string // of vars
	placed   map[string]bool
}

func (c *v2Converter) timeSettings(t, body *Object) {
	if t == nil {
		return
	}
	copyFields(body, t, "timezone", "timezone", "weekStart", "weekStart", "fiscalYearStartMonth", "fiscalYearStartMonth", "autoRefresh", "refresh")
	body.Set("time", NewObject("from", t.Get("from"), "to", t.Get("to")))
	picker := NewObject()
	copyFields(picker, t, "autoRefreshIntervals", "refresh_intervals", "quickRanges", "quick_ranges", "hideTimepicker", "hidden", "nowDelay", "nowDelay")
	body.Set("timepicker", picker)
}

// copyFields copies fields that exist and are not null; names alternates between the name in from and the name in to.
func copyFields(to, from *Object, names ...string) {
	for i := 0; i+1 < len(names); i += 2 {
		if v := from.Get(names[i]); v != nil {
			to.Set(names[i+1], v)
		}
	}
}

// copyRest copies all fields of from except the named ones.
func copyRest(to, from *Object, but ...string) {
	for _, key := range from.Keys() {
		if !slices.Contains(but, key) && !to.Has(key) {
			to.Set(key, from.Get(key))
		}
	}
}

// query returns the data source reference and the query of a DataQuery. In v2alpha1 the kind is the type and the
// reference is next to the query.
func query(q, beside *Object) (ref, spec *Object) {
	kind := q.Text("group")
	if kind == "" && q.Text("kind") != "DataQuery" {
		kind = q.Text("kind")
	}
	uid := q.Object("datasource").Text("name")
	if beside != nil {
		if beside.Text("type") != "" {
			kind = beside.Text("type")
		}
		uid = beside.Text("uid")
	}
	switch {
	case kind == "grafana" && uid == "":
		uid = "-- Grafana --"
	case kind == "datasource" && uid == "":
		uid = "-- Dashboard --"
	}
	if kind != "" || uid != "" {
		ref = NewObject()
		if kind != "" {
			ref.Set("type", kind)
		}
		if uid != "" {
			ref.Set("uid", uid)
		}
	}
	return ref, q.Object("spec")
}

// Elements

func (c *v2Converter) panel(name string, pos *Object) *Object {
	element := c.elements.Object(name)
	spec := element.Object("spec")
	if spec == nil {
		c.d.notice("the layout refers to element %q, which does not exist", name)
		return nil
	}
	c.placed[name] = true
	p := NewObject("id", spec.Get("id"), "title", spec.Text("title"), "gridPos", pos)
	if element.Text("kind") == "LibraryPanel" {
		p.Set("libraryPanel", spec.Get("libraryPanel"))
		p.Set("type", "library-panel-ref")
		return p
	}
	copyFields(p, spec, "description", "description", "links", "links", "transparent", "transparent", "subtitle", "subtitle")
	viz := spec.Object("vizConfig")
	kind, version := viz.Text("group"), viz.Text("version")
	if kind == "" {
		kind = viz.Text("kind")
	}
	settings := viz.Object("spec")
	if version == "" {
		version = settings.Text("pluginVersion")
	}
	p.Set("type", kind)
	if version != "" {
		p.Set("pluginVersion", version)
	}
	copyFields(p, settings, "options", "options", "fieldConfig", "fieldConfig")
	c.queries(p, spec.Object("data").Object("spec"))
	return p
}

// queries fills in a panel's targets, transformations and query options.
func (c *v2Converter) queries(p, group *Object) {
	targets := []any{}
	var shared *Object
	mixed := false
	for i, q := range group.Objects("queries") {
		spec := q.Object("spec")
		ref, body := query(spec.Object("query"), spec.Object("datasource"))
		target := NewObject("refId", spec.Text("refId"))
		if spec.Bool("hidden") {
			target.Set("hide", true)
		}
		if ref != nil {
			target.Set("datasource", ref)
		}
		copyRest(target, body)
		targets = append(targets, target)
		if i > 0 && !sameRef(shared, ref) {
			mixed = true
		}
		shared = ref
	}
	switch {
	case mixed:
		p.Set("datasource", NewObject("type", "mixed", "uid", "-- Mixed --"))
	case shared != nil:
		p.Set("datasource", clone(shared))
	}
	p.Set("targets", targets)
	transformations := []any{}
	for _, t := range group.Objects("transformations") {
		spec := t.Object("spec")
		id := spec.Text("id") // v2beta1; the kind is unchanged
		if id == "" {
			id = t.Text("group")
		}
		if id == "" {
			id = t.Text("kind")
		}
		transformation := NewObject("id", id)
		copyRest(transformation, spec, "id")
		transformations = append(transformations, transformation)
	}
	if len(transformations) > 0 {
		p.Set("transformations", transformations)
	}
	copyRest(p, group.Object("queryOptions"))
}

func sameRef(a, b *Object) bool {
	return a.Text("type") == b.Text("type") && a.Text("uid") == b.Text("uid")
}

// annotation returns an annotation query in classic form.
func annotation(spec *Object) *Object {
	a := NewObject()
	copyFields(a, spec, "name", "name", "enable", "enable", "hide", "hide", "iconColor", "iconColor", "filter", "filter",
		"placement", "placement", "mappings", "mappings")
	ref, target := query(spec.Object("query"), spec.Object("datasource"))
	if spec.Bool("builtIn") {
		a.Set("builtIn", number(1))
		a.Set("type", "dashboard")
		if ref == nil {
			ref = NewObject("type", "grafana", "uid", "-- Grafana --")
		}
	}
	if ref != nil {
		a.Set("datasource", ref)
	}
	if len(target.Keys()) > 0 {
		a.Set("target", target)
	}
	// In classic files, the query fields of Prometheus and Loki are next to the target.
	if kind := ref.Text("type"); kind == "prometheus" || kind == "loki" {
		copyRest(a, target, "refId")
	}
	copyRest(a, spec.Object("legacyOptions"))
	return a
}

// Variables

func (c *v2Converter) variables(section *Object) {
	for _, v := range section.Objects("variables") {
		converted := variable(v)
		name := converted.Text("name")
		if slices.Contains(c.names, name) {
			c.d.notice("variable %q is defined in more than one section; the first definition applies everywhere", name)
			continue
		}
		c.names = append(c.names, name)
		c.vars = append(c.vars, converted)
	}
}

var (
	hideNames    = []string{"dontHide", "hideLabel", "hideVariable", "inControlsMenu"}
	refreshNames = []string{"never", "onDashboardLoad", "onTimeRangeChanged"}
	sortNames    = []string{"disabled", "alphabeticalAsc", "alphabeticalDesc", "numericalAsc", "numericalDesc",
		"alphabeticalCaseInsensitiveAsc", "alphabeticalCaseInsensitiveDesc", "naturalAsc", "naturalDesc"}
)

// variable returns a variable in classic form.
func variable(v *Object) *Object {
	kind := strings.ToLower(strings.TrimSuffix(v.Text("kind"), "Variable"))
	if kind == "text" {
		kind = "textbox"
	}
	spec := v.Object("spec")
	out := NewObject("type", kind)
	handled := []string{"hide", "refresh", "sort", "query", "datasource", "pluginId"}
	copyRest(out, spec, handled...)
	out.Set("hide", number(index(hideNames, spec.Text("hide"))))
	if spec.Has("refresh") {
		out.Set("refresh", number(index(refreshNames, spec.Text("refresh"))))
	}
	if spec.Has("sort") {
		out.Set("sort", number(index(sortNames, spec.Text("sort"))))
	}
	switch kind {
	case "query":
		ref, q := query(spec.Object("query"), spec.Object("datasource"))
		if ref != nil {
			out.Set("datasource", ref)
		}
		if legacy, ok := q.Get("__legacyStringValue").(string); ok {
			out.Set("query", legacy)
		} else if text, ok := spec.Get("query").(string); ok {
			out.Set("query", text)
		} else {
			out.Set("query", q)
		}
	case "datasource":
		out.Set("query", spec.Text("pluginId"))
	case "adhoc", "groupby":
		if ref := variableRef(v, spec); ref != nil {
			out.Set("datasource", ref)
		}
	case "switch":
		on := spec.Text("current") == spec.Text("enabledValue")
		out.Set("options", []any{
			NewObject("text", "Enabled", "value", spec.Get("enabledValue"), "selected", on),
			NewObject("text", "Disabled", "value", spec.Get("disabledValue"), "selected", !on),
		})
		out.Set("current", NewObject("text", spec.Get("current"), "value", spec.Get("current")))
	default:
		copyFields(out, spec, "query", "query")
	}
	return out
}

// variableRef returns the data source of a variable that is not a query variable: outside the spec since v2beta1,
// inside it before.
func variableRef(v, spec *Object) *Object {
	if inside := spec.Object("datasource"); inside != nil {
		return inside
	}
	ref, _ := query(NewObject("kind", "DataQuery", "group", v.Get("group"), "datasource", orNil(v.Object("datasource"))), nil)
	return ref
}

// orNil prevents a nil pointer from becoming a non-nil interface value.
func orNil(o *Object) any {
	if o == nil {
		return nil
	}
	return o
}
