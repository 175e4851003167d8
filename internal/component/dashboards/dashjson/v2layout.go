package dashjson

import "encoding/json"

// layout returns the panels of a layout in the classic grid starting at row y, and the first free row below them. Rows
// nested in rows or tabs become rows of the dashboard, named after all their parents.
func (c *v2Converter) layout(layout *Object, path string, y int64) ([]*Object, int64) {
	spec := layout.Object("spec")
	switch kind := layout.Text("kind"); kind {
	case "GridLayout":
		return c.grid(spec, y)
	case "AutoGridLayout":
		return c.autoGrid(spec, y)
	case "RowsLayout":
		return c.sections(spec.Objects("rows"), path, y, false)
	case "TabsLayout":
		c.d.notice("tabs are shown as rows")
		return c.sections(spec.Objects("tabs"), path, y, true)
	default:
		c.d.notice("the layout %q is not known; what is in it is left out", kind)
		return nil, y
	}
}

// grid places panels at their own positions.
func (c *v2Converter) grid(spec *Object, y int64) ([]*Object, int64) {
	var panels []*Object
	bottom := y
	for _, item := range spec.Objects("items") {
		s := item.Object("spec")
		if item.Text("kind") == "GridLayoutRow" { // from before RowsLayout existed
			rowY, _ := s.Int("y")
			row := newRow(s.Text("title"), s.Bool("collapsed"), y+rowY)
			applyRepeat(row, s.Object("repeat"), 0)
			inside, end := c.grid(NewObject("items", s.List("elements")), y+rowY+1)
			panels, bottom = appendRow(panels, row, inside), max(bottom, end)
			continue
		}
		x, _ := s.Int("x")
		top, _ := s.Int("y")
		w, h := orDefault(s, "width", defaultWidth), orDefault(s, "height", defaultHeight)
		bottom = max(bottom, y+top+h)
		if p := c.panel(s.Object("element").Text("name"), gridPos(x, y+top, w, h)); p != nil {
			applyRepeat(p, s.Object("repeat"), 0)
			panels = append(panels, p)
		}
	}
	return panels, bottom
}

func orDefault(o *Object, key string, otherwise int64) int64 {
	if n, ok := o.Int(key); ok && n > 0 {
		return n
	}
	return otherwise
}

// One unit of the classic grid is 30 pixels high with a gap of 8; the heights are those of Grafana's rowHeightMode.
const (
	gridUnit = 30
	gridGap  = 8
)

var rowHeights = map[string]int64{"short": 168, "standard": 320, "tall": 512}

// autoGrid places panels in columns of equal width.
func (c *v2Converter) autoGrid(spec *Object, y int64) ([]*Object, int64) {
	columns := min(orDefault(spec, "maxColumnCount", 3), gridColumns)
	width := gridColumns / columns
	pixels, ok := rowHeights[spec.Text("rowHeightMode")]
	if !ok {
		pixels = orDefault(spec, "rowHeight", rowHeights["standard"])
	}
	height := (pixels + gridGap + gridUnit + gridGap - 1) / (gridUnit + gridGap)
	var panels []*Object
	place := int64(0)
	for _, item := range spec.Objects("items") {
		s := item.Object("spec")
		c.conditions(s)
		p := c.panel(s.Object("element").Text("name"), gridPos(place%columns*width, y+place/columns*height, width, height))
		if p == nil {
			continue
		}
		applyRepeat(p, s.Object("repeat"), columns)
		panels = append(panels, p)
		place++
	}
	return panels, y + (place+columns-1)/columns*height
}

// sections places rows or tabs. Only the first tab is open, as in the frontend.
func (c *v2Converter) sections(list []*Object, path string, y int64, tabs bool) ([]*Object, int64) {
	var panels []*Object
	for i, item := range list {
		s := item.Object("spec")
		c.conditions(s)
		c.variables(s)
		title := s.Text("title")
		if path != "" {
			title = path + " / " + title
		}
		inner := s.Object("layout")
		if kind := inner.Text("kind"); kind == "RowsLayout" || kind == "TabsLayout" {
			if s.Object("repeat") != nil {
				c.d.notice("%q holds rows and is shown once, not repeated", title)
			}
			var inside []*Object
			inside, y = c.layout(inner, title, y)
			panels = append(panels, inside...)
			continue
		}
		if s.Bool("hideHeader") && s.Object("repeat") == nil && len(panels) == 0 {
			panels, y = c.layout(inner, "", y)
			continue
		}
		top := y
		row := newRow(title, s.Bool("collapse") || tabs && i > 0, top)
		applyRepeat(row, s.Object("repeat"), 0)
		inside, end := c.layout(inner, title, top+1)
		panels = appendRow(panels, row, inside)
		if y = end; row.Bool("collapsed") {
			y = top + 1
		}
	}
	return panels, y
}

func newRow(title string, collapsed bool, y int64) *Object {
	return NewObject("type", "row", "title", title, "collapsed", collapsed, "gridPos", gridPos(0, y, gridColumns, 1), "panels", []any{})
}

// appendRow adds a row and its panels: inside the row if it is collapsed, after it if it is open.
func appendRow(panels []*Object, row *Object, inside []*Object) []*Object {
	panels = append(panels, row)
	if !row.Bool("collapsed") {
		return append(panels, inside...)
	}
	list := make([]any, len(inside))
	for i, p := range inside {
		list[i] = p
	}
	row.Set("panels", list)
	return panels
}

// applyRepeat repeats a panel or row by a variable; columns is the number of columns of an automatic grid.
func applyRepeat(p, repeat *Object, columns int64) {
	if repeat == nil {
		return
	}
	p.Set("repeat", repeat.Text("value"))
	if p.Text("type") == "row" {
		return
	}
	direction := repeat.Text("direction")
	if direction == "" {
		direction = "h"
	}
	p.Set("repeatDirection", direction)
	if limit, ok := repeat.Get("maxPerRow").(json.Number); ok {
		p.Set("maxPerRow", limit)
	} else if columns > 0 {
		p.Set("maxPerRow", number(columns))
	}
}

func (c *v2Converter) conditions(spec *Object) {
	if len(spec.Object("conditionalRendering").Object("spec").List("items")) > 0 {
		c.d.notice("conditional rendering is not known here; everything is shown")
	}
}
