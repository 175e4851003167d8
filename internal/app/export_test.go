package app

import "github.com/ausguck/ausguck/internal/auth"

// What ThisMachine and Everybody are in the tables that Tables returns.
const (
	Everybody   = everybody
	ThisMachine = thisMachine
)

// Tables returns who may ask each route, by its pattern: those of the listeners and the inner ones of "grafana" and "users".
func (a *App) Tables() map[string]map[string]auth.Role {
	tables := map[string]map[string]auth.Role{"grafana": {}}
	for name, routes := range map[string][]route{"main": a.routes(), "prometheus": a.stockPrometheusRoutes(), "alertmanager": a.stockAlertmanagerRoutes(), "loki": a.stockLokiRoutes()} {
		tables[name] = map[string]auth.Role{}
		for _, r := range routes {
			tables[name][r.pattern] = r.who
		}
	}
	for pattern, role := range a.parts.dashboards.Roles() {
		tables["grafana"][pattern] = auth.Role(role)
	}
	tables["users"] = a.parts.auth.Roles()
	return tables
}
