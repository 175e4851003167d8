package dashboards

import (
	"net/http"

	"github.com/ausguck/ausguck/internal/grafana"
)

// org returns the one organization that exists.
func org() map[string]any {
	return map[string]any{"id": 1, "name": "Main Org.", "address": map[string]any{
		"address1": "", "address2": "", "city": "", "zipCode": "", "state": "", "country": "",
	}}
}

func getOrg(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	if id := r.PathValue("id"); id != "" && id != "1" {
		return grafana.Fail(http.StatusNotFound, "Organization not found")
	}
	if name := r.PathValue("name"); name != "" && name != org()["name"] {
		return grafana.Fail(http.StatusNotFound, "Organization not found")
	}
	return grafana.OK(w, org())
}

func getOrgs(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	return grafana.OK(w, []any{map[string]any{"id": 1, "name": org()["name"]}})
}
