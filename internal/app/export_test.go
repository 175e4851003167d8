package app

import (
	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// ThisMachine and Everybody are roles in the tables that Tables returns.
const (
	Everybody   = everybody
	ThisMachine = thisMachine
)

// Tables returns the role that each route requires, by pattern: of the listeners, and of the inner tables "grafana" and "users".
func (a *App) Tables() map[string]map[string]auth.Role {
	tables := map[string]map[string]auth.Role{}
	for name, routes := range map[string][]route{"main": a.routes(), "prometheus": a.options.Prometheus.portRoutes(a), "alertmanager": a.options.Alertmanager.portRoutes(a), "loki": a.options.Loki.portRoutes(a), "otlp": a.options.OTLP.portRoutes(a)} {
		tables[name] = map[string]auth.Role{}
		for _, r := range routes {
			tables[name][r.pattern] = r.who
		}
	}
	for name, routes := range a.GrafanaRoutes() {
		tables[name] = map[string]auth.Role{}
		for _, r := range routes {
			tables[name][r.Pattern] = r.Needs.Role()
		}
	}
	return tables
}

// GrafanaRoutes returns the routes of Grafana's API by the part that serves them.
func (a *App) GrafanaRoutes() map[string][]grafana.Route {
	return map[string][]grafana.Route{"grafana": a.options.Dashboards.server.Routes(), "users": a.options.Auth.service.Routes()}
}

// Wrap wraps every part.
func (o *Options) Wrap(f func(part string, c lifecycle.Component) lifecycle.Component) { o.wrap = f }

// Documents serves the documentation and the runbooks.
var Documents = documents
