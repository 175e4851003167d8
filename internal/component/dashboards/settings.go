package dashboards

import (
	"net/http"

	"github.com/ausguck/ausguck/internal/component/dashboards/source"
	"github.com/ausguck/ausguck/internal/grafana"
)

// minRefresh is the shortest refresh that the page offers.
const minRefresh = "5s"

// FrontendSettings is what GET /api/frontend/settings answers, for the page that is served with it.
func (s *Server) FrontendSettings() map[string]any {
	sources, standard := s.sources.Frontend()
	return map[string]any{
		"datasources": sources, "defaultDatasource": standard, "panels": source.FrontendPanels(s.o.Version), "apps": map[string]any{},
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
