// Package dashjson converts every common shape of dashboard JSON into Grafana's classic one: bare, wrapped in
// {"dashboard": …}, exported with __inputs, Kubernetes style, and the v2 schema.
//
// It deals with neither files nor HTTP. Unknown fields are kept, in order and with numbers unchanged. The frontend
// migrates old schema versions of the classic shape. Only the dashboards part imports this package.
package dashjson

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Shape is the format in which a dashboard was received.
type Shape string

// The shapes, named as in notices.
const (
	Classic    Shape = "classic"
	Wrapped    Shape = "wrapped"
	Exported   Shape = "exported"
	Kubernetes Shape = "kubernetes"
	V2         Shape = "v2"
)

// MaxPanels limits the number of panels in a dashboard, including those in rows.
const MaxPanels = 10_000

// Dashboard is a dashboard in the classic shape.
type Dashboard struct {
	// Body is the classic dashboard. It has a title, and all its panels have ids.
	Body *Object
	// Shape is the original format: the outermost one apart from wrapping.
	Shape Shape
	// FolderUID is the folder named by the JSON around the dashboard; empty if it names none.
	FolderUID string
	// HasFolder reports whether the JSON names a folder; an empty FolderUID then means General.
	HasFolder bool
	// Message and Overwrite come from the wrapper.
	Message   string
	Overwrite bool
	// Inputs must be filled in with Resolve.
	Inputs []Input
	// Notices tell the user about the conversion.
	Notices []string

	elements map[string]*Object // library panels by uid
}

// Parse reads one dashboard of any shape. If there is no dashboard, the error says what was found instead.
func Parse(data []byte) (*Dashboard, error) {
	v, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return FromValue(v)
}

// FromValue is like Parse for a value returned by Decode. It takes ownership of v.
func FromValue(v any) (*Dashboard, error) {
	d := &Dashboard{Shape: Classic}
	if err := d.unwrap(v, 0); err != nil {
		return nil, err
	}
	d.readInputs()
	d.readElements()
	d.inlineElements()
	if err := checkTypes(d.Body); err != nil {
		return nil, err
	}
	if strings.TrimSpace(d.Body.Text("title")) == "" {
		return nil, ErrNoTitle
	}
	return d, d.completePanels()
}

// ErrNoTitle is returned for a dashboard without a title. Its text is Grafana's because API clients compare it.
var ErrNoTitle = errors.New("Dashboard title cannot be empty")

const maxWrappers = 3

// unwrap finds the dashboard in v and converts it to the classic shape.
func (d *Dashboard) unwrap(v any, depth int) error {
	o, ok := v.(*Object)
	if !ok {
		return fmt.Errorf("not a dashboard, but %s; a dashboard is an object with title and panels", kindOf(v))
	}
	inner, wrapped := o.Get("dashboard").(*Object)
	switch {
	case o.Text("apiVersion") != "" && o.Has("kind") && (o.Has("spec") || o.Has("items")):
		return d.fromKubernetes(o)
	case wrapped && !o.Has("panels"):
		if depth == maxWrappers {
			return errors.New("not a dashboard: \"dashboard\" holds \"dashboard\" too often")
		}
		d.Shape = Wrapped
		d.readWrapper(o)
		return d.unwrap(inner, depth+1)
	case o.Has("elements") && o.Has("layout"): // a v2 spec without the enclosing resource
		return d.fromV2(o, "")
	case depth == 0 && !looksClassic(o):
		return describeOther(o)
	}
	if o.Has("__inputs") || o.Has("__requires") || o.Has("__elements") {
		d.Shape = Exported
	}
	d.Body = o
	return nil
}

// readWrapper reads the fields that API requests and responses have around the dashboard.
func (d *Dashboard) readWrapper(o *Object) {
	d.Message, d.Overwrite = o.Text("message"), o.Bool("overwrite")
	for _, from := range []*Object{o, o.Object("meta")} {
		if uid, ok := from.Get("folderUid").(string); ok && !d.HasFolder {
			d.FolderUID, d.HasFolder = uid, true
		}
	}
}

// marks are the fields of which a classic dashboard has at least one in addition to its title.
var marks = []string{"panels", "rows", "templating", "schemaVersion", "annotations", "timepicker", "graphTooltip", "time", "tags", "uid", "refresh", "version", "editable"}

func looksClassic(o *Object) bool {
	if o.Has("panels") || o.Has("rows") || o.Has("templating") {
		return true
	}
	return o.Has("title") && !looksLikePanel(o) && slices.ContainsFunc(marks, o.Has)
}

func looksLikePanel(o *Object) bool {
	return o.Text("type") != "" && (o.Has("targets") || o.Has("gridPos") || o.Has("fieldConfig") || o.Has("options"))
}

// describeOther returns an error describing an object that is not a dashboard.
func describeOther(o *Object) error {
	switch found := o.Get("dashboard"); {
	case looksLikePanel(o):
		return fmt.Errorf("this is one panel (type %s), not a dashboard; put it into \"panels\" of a dashboard", o.Text("type"))
	case o.Has("groups"):
		return errors.New("this is a file of alert rules, not a dashboard; add it to rule_files in prometheus.yml")
	case o.Has("model") && o.Has("kind"):
		return errors.New("this is a library panel, not a dashboard; put its \"model\" into \"panels\" of a dashboard")
	case o.Has("access") && o.Has("type") || o.Has("datasources"):
		return errors.New("this is a data source, not a dashboard; data sources belong in provisioning/datasources")
	case o.Has("dashboard"):
		return fmt.Errorf("\"dashboard\" must be an object with title and panels, not %s", kindOf(found))
	}
	keys := o.Keys()
	if len(keys) == 0 {
		return errors.New("not a dashboard, but an empty object {}; a dashboard has title and panels")
	}
	if len(keys) > 5 {
		keys = append(keys[:5], "…")
	}
	return fmt.Errorf("not a dashboard, but an object with %s; a dashboard has title and panels", strings.Join(keys, ", "))
}

// fromKubernetes reads a resource of Grafana's API group.
func (d *Dashboard) fromKubernetes(o *Object) error {
	group, version, _ := strings.Cut(o.Text("apiVersion"), "/")
	switch kind := o.Text("kind"); {
	case kind == "DashboardList" || kind == "List":
		return fmt.Errorf("this is a list of %d dashboards; one file holds one dashboard, so write each of \"items\" into a file", len(o.List("items")))
	case kind != "Dashboard" && kind != "DashboardWithAccessInfo":
		return fmt.Errorf("this is a %s (%s), not a dashboard; kind must be Dashboard", kind, o.Text("apiVersion"))
	case group != "dashboard.grafana.app" && group != "grafana.app":
		return fmt.Errorf("this is a Dashboard of %s; apiVersion must be dashboard.grafana.app/v1", o.Text("apiVersion"))
	}
	spec := o.Object("spec")
	if spec == nil {
		return errors.New("\"spec\" is missing; it holds the dashboard")
	}
	d.Shape = Kubernetes
	metadata := o.Object("metadata")
	annotations := metadata.Object("annotations")
	if annotations.Has("grafana.app/folder") {
		d.FolderUID, d.HasFolder = annotations.Text("grafana.app/folder"), true
	}
	d.Message = annotations.Text("grafana.app/message")
	name := metadata.Text("name")
	if strings.HasPrefix(version, "v2") || spec.Has("elements") && spec.Has("layout") {
		return d.fromV2(spec, name)
	}
	if name != "" {
		spec.SetFirst("uid", name)
	}
	d.Body = spec
	return nil
}

// checkTypes reports the first field whose type is not what the rest of the code relies on.
func checkTypes(o *Object) error {
	for _, f := range []struct {
		name string
		ok   func(any) bool
		want string
	}{
		{"title", isText, "a text"},
		{"uid", isText, "a text"},
		{"panels", isObjects, "a list of objects"},
		{"rows", isObjects, "a list of objects"},
		{"tags", isTexts, "a list of texts"},
		{"templating", isObject, "an object"},
		{"annotations", isObject, "an object"},
		{"time", isObject, "an object"},
	} {
		if v := o.Get(f.name); v != nil && !f.ok(v) {
			return fmt.Errorf("%s: must be %s, not %s", f.name, f.want, kindOf(v))
		}
	}
	return nil
}

func isText(v any) bool   { _, ok := v.(string); return ok }
func isObject(v any) bool { _, ok := v.(*Object); return ok }

func isTexts(v any) bool {
	list, ok := v.([]any)
	return ok && !slices.ContainsFunc(list, func(v any) bool { return !isText(v) })
}

func isObjects(v any) bool {
	list, ok := v.([]any)
	return ok && !slices.ContainsFunc(list, func(v any) bool { return !isObject(v) })
}
