package people

import (
	"net/http"

	"github.com/ausguck/ausguck/internal/grafana"
)

// searchTeams returns an empty list: there are no teams, and roles apply everywhere.
func searchTeams(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	page, err := grafana.QueryInt(r, "page", 1)
	if err != nil {
		return err
	}
	perPage, err := grafana.QueryInt(r, "perpage", 1000)
	if err != nil {
		return err
	}
	return grafana.OK(w, map[string]any{"totalCount": 0, "teams": []any{}, "page": page, "perPage": perPage})
}

func noTeams(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	return grafana.OK(w, []any{})
}
