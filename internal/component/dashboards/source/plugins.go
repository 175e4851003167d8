package source

import (
	"net/http"

	"github.com/ausguck/ausguck/internal/grafana"
)

// plugin is a panel or data source type that the frontend has.
type plugin struct {
	kind, id, name string
	// The capabilities of a data source.
	metrics, logs, alerting, annotations, builtIn bool
	hideFromList                                  bool
}

// panelPlugins are in the order in which the frontend offers them.
var panelPlugins = []plugin{
	{kind: "panel", id: "timeseries", name: "Time series"},
	{kind: "panel", id: "barchart", name: "Bar chart"},
	{kind: "panel", id: "stat", name: "Stat"},
	{kind: "panel", id: "gauge", name: "Gauge"},
	{kind: "panel", id: "bargauge", name: "Bar gauge"},
	{kind: "panel", id: "table", name: "Table"},
	{kind: "panel", id: "piechart", name: "Pie chart"},
	{kind: "panel", id: "state-timeline", name: "State timeline"},
	{kind: "panel", id: "heatmap", name: "Heatmap"},
	{kind: "panel", id: "status-history", name: "Status history"},
	{kind: "panel", id: "histogram", name: "Histogram"},
	{kind: "panel", id: "text", name: "Text"},
	{kind: "panel", id: "alertlist", name: "Alert list"},
	{kind: "panel", id: "dashlist", name: "Dashboard list"},
	{kind: "panel", id: "logs", name: "Logs"},
	{kind: "panel", id: "row", name: "Row", hideFromList: true},
}

var datasourcePlugins = []plugin{
	{kind: "datasource", id: typePrometheus, name: "Prometheus", metrics: true, alerting: true, annotations: true},
	{kind: "datasource", id: typeLoki, name: "Loki", metrics: true, logs: true, alerting: true, annotations: true},
	{kind: "datasource", id: typeAlertmanager, name: "Alertmanager", alerting: true},
	{kind: "datasource", id: "grafana", name: "-- Grafana --", metrics: true, annotations: true, builtIn: true},
	{kind: "datasource", id: "mixed", name: "-- Mixed --", metrics: true, builtIn: true},
	{kind: "datasource", id: "dashboard", name: "-- Dashboard --", metrics: true, builtIn: true},
}

func pluginByID(id string) *plugin {
	for _, list := range [][]plugin{panelPlugins, datasourcePlugins} {
		for i := range list {
			if list[i].id == id {
				return &list[i]
			}
		}
	}
	return nil
}

func pluginName(id string) string {
	if p := pluginByID(id); p != nil {
		return p.name
	}
	return id
}

func pluginLogo(id string) string { return "public/img/icons/datasources/" + id + ".svg" }

// logo returns the path of the plugin's logo in the frontend.
func (p *plugin) logo() string {
	if p.kind == "datasource" {
		return pluginLogo(p.id)
	}
	return "public/img/icons/panels/" + p.id + ".svg"
}

// info returns the part of a plugin's description that @grafana/data reads.
func (p *plugin) info(version string) map[string]any {
	return map[string]any{
		"author": map[string]any{"name": "Ausguck"}, "description": "", "links": []any{}, "screenshots": []any{},
		"logos": map[string]any{"small": p.logo(), "large": p.logo()}, "version": version, "updated": "",
	}
}

// meta returns a plugin in the format of the frontend settings.
func (p *plugin) meta(version string) map[string]any {
	m := map[string]any{
		"id": p.id, "name": p.name, "type": p.kind, "info": p.info(version), "module": "core:plugin/" + p.id,
		"baseUrl": "public/app/plugins/" + p.kind + "/" + p.id, "signature": "internal", "angularDetected": false,
	}
	if p.kind == "datasource" {
		m["metrics"], m["logs"], m["alerting"], m["annotations"] = p.metrics, p.logs, p.alerting, p.annotations
		m["builtIn"], m["mixed"], m["streaming"], m["backend"] = p.builtIn, p.id == "mixed", p.logs, p.queryable()
	} else {
		m["hideFromList"], m["skipDataQuery"], m["state"] = p.hideFromList, p.id == "text" || p.id == "row" || p.id == "dashlist", ""
	}
	return m
}

// queryable reports whether the server supports queries and health checks for the type.
func (p *plugin) queryable() bool {
	_, checked := healthChecks[p.id]
	return checked
}

// pluginAPI lists the frontend's plugins, with the version of the program.
type pluginAPI struct{ version string }

func (a pluginAPI) list(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	out := []any{}
	for _, list := range [][]plugin{datasourcePlugins, panelPlugins} {
		for i := range list {
			p := &list[i]
			if kind := r.URL.Query().Get("type"); kind != "" && kind != p.kind {
				continue
			}
			if p.builtIn && r.URL.Query().Get("core") == "0" {
				continue
			}
			out = append(out, map[string]any{
				"id": p.id, "name": p.name, "type": p.kind, "enabled": true, "pinned": false, "info": p.info(a.version),
				"dependencies": map[string]any{"grafanaDependency": "", "plugins": []any{}}, "latestVersion": "", "hasUpdate": false,
				"defaultNavUrl": "/plugins/" + p.id + "/", "category": "", "state": "", "signature": "internal", "signatureType": "", "signatureOrg": "",
			})
		}
	}
	return grafana.OK(w, out)
}

func (a pluginAPI) settings(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	p := pluginByID(r.PathValue("id"))
	if p == nil {
		return grafana.Fail(http.StatusNotFound, "Plugin not found, no installed plugin with that id")
	}
	out := p.meta(a.version)
	out["enabled"], out["pinned"], out["jsonData"], out["secureJsonFields"] = true, false, nil, map[string]bool{}
	return grafana.OK(w, out)
}
