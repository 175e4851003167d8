package source

import (
	"maps"
	"slices"
	"strings"
)

// Frontend returns all data sources by name in the frontend's format, including the built-in ones, and the name of the
// default.
func (s *Sources) Frontend() (sources map[string]any, standard string) {
	sources = map[string]any{}
	all := s.list()
	for i := range all {
		sources[all[i].Name] = frontendSource(&all[i], s.o.Version)
	}
	for i := range datasourcePlugins {
		if p := &datasourcePlugins[i]; p.builtIn {
			uid := p.name
			if p.id == "grafana" {
				uid = "grafana"
			}
			sources[p.name] = map[string]any{
				"id": -1, "uid": uid, "type": "datasource", "name": p.name, "meta": p.meta(s.o.Version), "module": "core:plugin/" + p.id,
				"jsonData": map[string]any{}, "readOnly": true, "access": "proxy", "preload": false,
			}
		}
	}
	if d := all.theDefault(); d != nil {
		standard = d.Name
	}
	return sources, standard
}

// FrontendPanels returns the panels that the frontend has.
func FrontendPanels(version string) map[string]any {
	panels := map[string]any{}
	for i := range panelPlugins {
		m := panelPlugins[i].meta(version)
		m["sort"] = i + 1
		panels[panelPlugins[i].id] = m
	}
	return panels
}

// hiddenJSONData are data source settings that only the server needs.
var hiddenJSONData = []string{"httpHeaderName", "tls", "serverName", "oauthPassThru", "sigV4", "azure", "keepCookies"}

func frontendSource(d *Datasource, version string) map[string]any {
	data := maps.Clone(d.JSONData)
	maps.DeleteFunc(data, func(key string, _ any) bool {
		return slices.ContainsFunc(hiddenJSONData, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	})
	meta := map[string]any{"id": d.Type, "name": d.Type, "type": "datasource", "module": "", "info": (&plugin{kind: "datasource", id: d.Type}).info("")}
	if p := pluginByID(d.Type); p != nil && p.kind == "datasource" {
		meta = p.meta(version)
	}
	return map[string]any{
		"id": d.ID, "uid": d.UID, "type": d.Type, "name": d.Name, "url": "/api/datasources/proxy/uid/" + d.UID, "access": "proxy",
		"isDefault": d.IsDefault, "jsonData": data, "meta": meta, "module": meta["module"], "readOnly": d.provisioned, "preload": false,
		"cachingConfig": map[string]any{"enabled": false, "TTLMs": 0},
	}
}
