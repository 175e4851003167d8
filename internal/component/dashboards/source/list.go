package source

import (
	"slices"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
)

// list is a state of all data sources. It is immutable once published.
type list []Datasource

// find returns a data source, or nil if there is none.
func (l list) find(match func(*Datasource) bool) *Datasource {
	for i := range l {
		if match(&l[i]) {
			return &l[i]
		}
	}
	return nil
}

func (l list) byUID(uid string) *Datasource {
	return l.find(func(d *Datasource) bool { return d.UID == uid })
}

func (l list) byID(id int64) *Datasource {
	return l.find(func(d *Datasource) bool { return d.ID == id })
}

func (l list) byName(name string) *Datasource {
	return l.find(func(d *Datasource) bool { return d.Name == name })
}

// theDefault returns the overall default.
func (l list) theDefault() *Datasource {
	if d := l.find(func(d *Datasource) bool { return d.IsDefault }); d != nil {
		return d
	}
	return l.find(func(*Datasource) bool { return true })
}

// ofType returns the default data source of a type: the overall default if it has the type, otherwise the first one of
// the type.
func (l list) ofType(kind string) *Datasource {
	if d := l.find(func(d *Datasource) bool { return d.Type == kind && d.IsDefault }); d != nil {
		return d
	}
	return l.find(func(d *Datasource) bool { return d.Type == kind })
}

// hasToldDefault reports whether a file explicitly sets the default.
func (l list) hasToldDefault() bool {
	return slices.ContainsFunc(l, func(d Datasource) bool { return d.toldDefault })
}

// resolve fills inputs of exported dashboards with the default data source of their type, and constants with their value.
func (l list) resolve(in dashjson.Input) (string, bool) {
	if in.Type != "datasource" {
		return in.Value, true
	}
	if in.PluginID == "__expr__" || in.PluginID == "grafana" {
		return map[string]string{"__expr__": "__expr__", "grafana": "-- Grafana --"}[in.PluginID], true
	}
	if d := l.ofType(in.PluginID); d != nil {
		return d.UID, true
	}
	return "", false
}
