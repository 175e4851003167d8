package source

import (
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// proxyRule allows a role to send certain requests to data sources of one type.
type proxyRule struct {
	role    grafana.Role
	methods []string
	paths   []string // patterns for path.Match, relative to the data source's URL
}

var (
	read  = []string{http.MethodGet, http.MethodHead}
	query = []string{http.MethodGet, http.MethodHead, http.MethodPost}
)

// proxyRules are the requests that roles below Admin may send through the proxy. All others are rejected, because a
// data source serves its administration API at the same address.
var proxyRules = map[string][]proxyRule{
	typePrometheus: {
		{grafana.Viewer, query, []string{
			"api/v1/query", "api/v1/query_range", "api/v1/query_exemplars", "api/v1/series", "api/v1/labels", "api/v1/format_query", "api/v1/parse_query",
		}},
		{grafana.Viewer, read, []string{
			"api/v1/label/*/values", "api/v1/metadata", "api/v1/rules", "api/v1/alerts", "api/v1/targets", "api/v1/targets/metadata", "api/v1/alertmanagers",
			"api/v1/status/buildinfo", "api/v1/status/runtimeinfo", "api/v1/status/tsdb", "api/v1/status/flags", "api/v1/scrape_pools", "api/v1/features",
		}},
	},
	typeLoki: {
		{grafana.Viewer, query, []string{
			"loki/api/v1/query", "loki/api/v1/query_range", "loki/api/v1/series", "loki/api/v1/labels", "loki/api/v1/label", "loki/api/v1/format_query",
			"loki/api/v1/index/stats", "loki/api/v1/index/volume", "loki/api/v1/index/volume_range", "loki/api/v1/patterns",
			"loki/api/v1/detected_fields", "loki/api/v1/detected_labels", "loki/api/v1/detected_field/*/values",
		}},
		{grafana.Viewer, read, []string{
			"loki/api/v1/label/*/values", "loki/api/v1/tail", "loki/api/v1/drilldown-limits", "loki/api/v1/rules", "loki/api/v1/status/buildinfo",
			"prometheus/api/v1/rules", "prometheus/api/v1/alerts",
		}},
	},
	typeAlertmanager: {
		{grafana.Viewer, read, []string{"api/v2/status", "api/v2/receivers", "api/v2/alerts", "api/v2/alerts/groups", "api/v2/silences", "api/v2/silence/*"}},
		{grafana.Editor, []string{http.MethodPost}, []string{"api/v2/silences", "api/v2/alerts"}},
		{grafana.Editor, []string{http.MethodDelete}, []string{"api/v2/silence/*"}},
	},
}

// allowProxy reports whether role may send the request. below is the path relative to the data source's URL in escaped
// form, because a label name may contain a slash.
func allowProxy(kind string, role grafana.Role, method, below string) bool {
	if role.Includes(grafana.Admin) {
		return true
	}
	below = strings.Trim(below, "/")
	for _, rule := range proxyRules[kind] {
		if !role.Includes(rule.role) || !slices.Contains(rule.methods, method) {
			continue
		}
		for _, pattern := range rule.paths {
			if ok, _ := path.Match(pattern, below); ok {
				return true
			}
		}
	}
	return false
}
