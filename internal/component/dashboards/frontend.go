package dashboards

import (
	"net/http"

	"github.com/ausguck/ausguck/internal/component/dashboards/source"
	"github.com/ausguck/ausguck/internal/grafana"
)

// minRefresh is the shortest refresh interval that the frontend offers.
const minRefresh = "5s"

// frontend serves the settings that the frontend requests at startup.
type frontend struct {
	o       Options
	sources *source.Sources
}

func (s frontend) settings() map[string]any {
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

func (s frontend) get(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	return grafana.OK(w, s.settings())
}
