package dashjson

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Panels returns all panels of a classic dashboard in order, including rows and the panels inside them.
func Panels(body *Object) []*Object {
	var all []*Object
	var walk func(panels []*Object)
	walk = func(panels []*Object) {
		for _, p := range panels {
			all = append(all, p)
			if len(all) <= MaxPanels {
				walk(p.Objects("panels"))
			}
		}
	}
	walk(body.Objects("panels"))
	for _, row := range body.Objects("rows") {
		walk(row.Objects("panels"))
	}
	return all
}

// completePanels gives each panel a unique id and a position.
func (d *Dashboard) completePanels() error {
	panels := Panels(d.Body)
	if len(panels) > MaxPanels {
		return fmt.Errorf("%d panels or more; the limit is %d", len(panels), MaxPanels)
	}
	seen := map[int64]bool{}
	var without []*Object
	next := int64(1)
	for _, p := range panels {
		id, ok := p.Int("id")
		if !ok || id <= 0 || seen[id] {
			without = append(without, p)
			continue
		}
		seen[id] = true
		next = max(next, id+1)
	}
	for _, p := range without {
		p.SetFirst("id", number(next))
		next++
	}
	d.placePanels()
	return nil
}

// The default panel size, in units of Grafana's 24-column grid.
const (
	gridColumns   = 24
	defaultWidth  = 12
	defaultHeight = 8
)

// placePanels places panels without a gridPos in two columns below those that have one. Grafana would stack them all on
// top of each other.
func (d *Dashboard) placePanels() {
	var without []*Object
	bottom := int64(0)
	for _, p := range d.Body.Objects("panels") {
		pos := p.Object("gridPos")
		if pos == nil {
			without = append(without, p)
			continue
		}
		y, _ := pos.Int("y")
		h, _ := pos.Int("h")
		bottom = max(bottom, y+h)
	}
	x := int64(0)
	for _, p := range without {
		if p.Text("type") == "row" {
			if x > 0 {
				x, bottom = 0, bottom+defaultHeight
			}
			p.Set("gridPos", gridPos(0, bottom, gridColumns, 1))
			bottom++
			continue
		}
		p.Set("gridPos", gridPos(x, bottom, defaultWidth, defaultHeight))
		if x += defaultWidth; x >= gridColumns {
			x, bottom = 0, bottom+defaultHeight
		}
	}
}

func gridPos(x, y, w, h int64) *Object {
	return NewObject("h", number(h), "w", number(w), "x", number(x), "y", number(y))
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }
