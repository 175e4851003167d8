package source

import (
	"slices"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
)

// list is a state of all data sources. It is never changed once it is published.
type list []Datasource

// find returns a data source, nil when there is none.
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

// theDefault is the default of all.
func (l list) theDefault() *Datasource {
	if d := l.find(func(d *Datasource) bool { return d.IsDefault }); d != nil {
		return d
	}
	return l.find(func(*Datasource) bool { return true })
}

// ofType is the data source that stands for a type: the default of all when it has the type, else the first.
func (l list) ofType(kind string) *Datasource {
	if d := l.find(func(d *Datasource) bool { return d.Type == kind && d.IsDefault }); d != nil {
		return d
	}
	return l.find(func(d *Datasource) bool { return d.Type == kind })
}

// hasToldDefault reports whether a file says what the default is.
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
