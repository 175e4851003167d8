package app

import (
	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/lifecycle"
)

// What ThisMachine and Everybody are in the tables that Tables returns.
const (
	Everybody   = everybody
	ThisMachine = thisMachine
)

// Tables returns who may ask each route, by its pattern: those of the listeners and the inner ones of "grafana" and "users".
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

// GrafanaRoutes returns the routes of Grafana's API by the part that answers them.
func (a *App) GrafanaRoutes() map[string][]grafana.Route {
	return map[string][]grafana.Route{"grafana": a.options.Dashboards.server.Routes(), "users": a.options.Auth.service.Routes()}
}

// Wrap puts something around every part.
func (o *Options) Wrap(f func(part string, c lifecycle.Component) lifecycle.Component) { o.wrap = f }

// Documents serves the documentation and the runbooks.
var Documents = documents
