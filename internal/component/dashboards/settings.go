package dashboards

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// minRefresh is the shortest refresh that the page offers.
const minRefresh = "5s"

// FrontendSettings is what GET /api/frontend/settings answers, for the page that is served with it.
func (s *Server) FrontendSettings() map[string]any {
	sources := map[string]any{}
	all := s.allSources()
	for i := range all {
		sources[all[i].Name] = s.frontendSource(&all[i])
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
	panels := map[string]any{}
	for i := range panelPlugins {
		m := panelPlugins[i].meta(s.o.Version)
		m["sort"] = i + 1
		panels[panelPlugins[i].id] = m
	}
	name := ""
	if d := s.defaultSource(); d != nil {
		name = d.Name
	}
	return map[string]any{
		"datasources": sources, "defaultDatasource": name, "panels": panels, "apps": map[string]any{},
		"appUrl": s.o.AppURL, "appSubUrl": s.o.subURL(), "minRefreshInterval": minRefresh,
		"buildInfo": map[string]any{
			"version": s.o.Version, "versionString": "Ausguck " + s.o.Version, "commit": s.o.Commit, "env": "production", "edition": "Open Source",
			"latestVersion": "", "hasUpdate": false, "hideVersion": false, "buildstamp": 0,
		},
		"dateFormats": map[string]any{
			"fullDate": "YYYY-MM-DD HH:mm:ss", "useBrowserLocale": false, "defaultTimezone": "browser", "defaultWeekStart": "browser",
			"interval": map[string]any{
				"millisecond": "HH:mm:ss.SSS", "second": "HH:mm:ss", "minute": "HH:mm", "hour": "MM/DD HH:mm", "day": "MM/DD", "month": "YYYY-MM", "year": "YYYY",
			},
		},
		"unifiedAlertingEnabled": false, "alertingEnabled": false, "annotationsEnabled": true,
		"unifiedAlerting":  map[string]any{"minInterval": "10s", "alertStateHistoryBackend": "", "alertStateHistoryPrimary": ""},
		"authProxyEnabled": false, "ldapEnabled": false, "oauth": map[string]any{}, "disableLoginForm": false, "disableUserSignUp": true,
		"anonymousEnabled": false, "autoAssignOrg": true, "verifyEmailEnabled": false, "externalUserMngLinkUrl": "",
		"editorsCanAdmin": false, "viewersCanEdit": false, "exploreEnabled": true, "queryHistoryEnabled": false, "profileEnabled": true,
		"featureToggles": map[string]any{}, "allowOrgCreate": false, "licenseInfo": map[string]any{"edition": "Open Source", "enabledFeatures": map[string]any{}},
		"dashboardPerformanceMetrics": []any{}, "trustedTypesDefaultPolicyEnabled": false, "cspReportOnlyEnabled": false,
		"disableSanitizeHtml": false, "snapshotEnabled": false, "publicDashboardsEnabled": false, "newsFeedEnabled": false,
		"rendererAvailable": false, "liveEnabled": false, "reportingStaticContext": map[string]any{}, "defaultDatasourceManageAlertsUiToggle": true,
		"quickRanges": []any{}, "namespace": "default", "sqlConnectionLimits": map[string]any{},
	}
}

// hiddenJSONData are settings of a datasource that only the server needs.
var hiddenJSONData = []string{"httpHeaderName", "tls", "serverName", "oauthPassThru", "sigV4", "azure", "keepCookies"}

func (s *Server) frontendSource(d *Datasource) map[string]any {
	data := maps.Clone(d.JSONData)
	maps.DeleteFunc(data, func(key string, _ any) bool {
		return slices.ContainsFunc(hiddenJSONData, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	})
	meta := map[string]any{"id": d.Type, "name": d.Type, "type": "datasource", "module": "", "info": (&plugin{kind: "datasource", id: d.Type}).info("")}
	if p := pluginByID(d.Type); p != nil && p.kind == "datasource" {
		meta = p.meta(s.o.Version)
	}
	return map[string]any{
		"id": d.ID, "uid": d.UID, "type": d.Type, "name": d.Name, "url": "/api/datasources/proxy/uid/" + d.UID, "access": "proxy",
		"isDefault": d.IsDefault, "jsonData": data, "meta": meta, "module": meta["module"], "readOnly": d.provisioned, "preload": false,
		"cachingConfig": map[string]any{"enabled": false, "TTLMs": 0},
	}
}

func (s *Server) getFrontendSettings(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	return grafana.OK(w, s.FrontendSettings())
}

func (s *Server) getHealth(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	state, code := "ok", http.StatusOK
	if err := s.o.DB.PingContext(r.Context()); err != nil {
		state, code = "failing", http.StatusServiceUnavailable
	}
	return grafana.Reply(w, code, map[string]any{"database": state, "version": s.o.Version, "commit": s.o.Commit})
}

// org is the one organisation that there is.
func org() map[string]any {
	return map[string]any{"id": 1, "name": "Main Org.", "address": map[string]any{
		"address1": "", "address2": "", "city": "", "zipCode": "", "state": "", "country": "",
	}}
}

func (s *Server) getOrg(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	if id := r.PathValue("id"); id != "" && id != "1" {
		return grafana.Fail(http.StatusNotFound, "Organization not found")
	}
	if name := r.PathValue("name"); name != "" && name != org()["name"] {
		return grafana.Fail(http.StatusNotFound, "Organization not found")
	}
	return grafana.OK(w, org())
}

func (s *Server) getOrgs(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	return grafana.OK(w, []any{map[string]any{"id": 1, "name": org()["name"]}})
}
