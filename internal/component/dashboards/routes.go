package dashboards

import (
	"net/http"
	"slices"

	"github.com/ausguck/ausguck/internal/grafana"
)

// The permissions that answers name when they are missing.
const (
	mayWriteAnnotations grafana.Permission = "annotations:write"
	mayWriteOrg         grafana.Permission = "orgs.preferences:write"
)

// routes is every URL that this part answers; all others are 404.
func (s *Server) routes() []grafana.Route {
	return slices.Concat(s.library.Routes(), s.libraryRoutes(), s.sources.Routes(), s.otherRoutes())
}

// libraryRoutes are dashboards, folders and what hangs on them.
func (s *Server) libraryRoutes() []grafana.Route {
	return []grafana.Route{
		grafana.On("GET /api/health", grafana.Public, s.getHealth),
		grafana.On("GET /api/frontend/settings", grafana.SignedIn, s.getFrontendSettings),

		grafana.On("GET /api/dashboards/home", grafana.SignedIn, s.homeDashboard),

		grafana.On("GET /api/annotations", "annotations:read", s.listAnnotations),
		grafana.On("POST /api/annotations", "annotations:create", s.postAnnotation),
		grafana.On("GET /api/annotations/tags", "annotations:read", s.annotationTags),
		grafana.On("POST /api/annotations/graphite", mayWriteAnnotations, grafana.Refuse("Graphite's form is not known; POST /api/annotations takes {time, text, tags}")),
		grafana.On("GET /api/annotations/{id}", "annotations:read", s.getAnnotation),
		grafana.On("PUT /api/annotations/{id}", mayWriteAnnotations, s.changeAnnotation(false, "Annotation updated")),
		grafana.On("PATCH /api/annotations/{id}", mayWriteAnnotations, s.changeAnnotation(true, "Annotation patched")),
		grafana.On("DELETE /api/annotations/{id}", "annotations:delete", s.deleteAnnotation),
	}
}

// otherRoutes are datasources, queries, settings, and what Grafana has and this does not.
func (s *Server) otherRoutes() []grafana.Route {
	return []grafana.Route{
		grafana.On("GET /api/user/preferences", grafana.SignedIn, s.getPreferences(owner)),
		grafana.On("PUT /api/user/preferences", grafana.SignedIn, s.setPreferences(owner, false)),
		grafana.On("PATCH /api/user/preferences", grafana.SignedIn, s.setPreferences(owner, true)),
		grafana.On("GET /api/org/preferences", "orgs.preferences:read", s.getPreferences(forAll)),
		grafana.On("PUT /api/org/preferences", mayWriteOrg, s.setPreferences(forAll, false)),
		grafana.On("PATCH /api/org/preferences", mayWriteOrg, s.setPreferences(forAll, true)),
		grafana.On("GET /api/org", "orgs:read", s.getOrg),
		grafana.On("GET /api/orgs", "orgs:read", s.getOrgs),
		grafana.On("GET /api/orgs/{id}", "orgs:read", s.getOrg),
		grafana.On("GET /api/orgs/name/{name}", "orgs:read", s.getOrg),
		grafana.On("GET /api/org/quotas", grafana.SignedIn, grafana.Refuse("There are no quotas")),

		grafana.On("POST /api/admin/provisioning/{kind}/reload", "provisioning:reload", s.reloadProvisioning),
		grafana.On("GET /api/admin/stats", "server.stats:read", s.adminStats),
		grafana.On("GET /api/admin/settings", "settings:read", s.adminSettings),
		grafana.On("GET /api/teams/search", grafana.SignedIn, searchTeams),
		grafana.On("GET /api/user/teams", grafana.SignedIn, noTeams),

		grafana.On("POST /api/short-urls", grafana.SignedIn, s.postShortURL),
		grafana.On("GET /goto/{uid}", grafana.SignedIn, s.followShortURL),

		grafana.On("GET /api/library-elements", grafana.SignedIn, noLibraryElements),
		grafana.On("/api/query-history", grafana.SignedIn, grafana.Refuse("There is no query history")),
		grafana.On("/api/live/", grafana.SignedIn, grafana.Refuse("Grafana Live is not there")),
		grafana.On("/api/playlists", grafana.SignedIn, grafana.Refuse("There are no playlists")),
		grafana.On("/api/snapshots", grafana.SignedIn, grafana.Refuse("There are no snapshots")),
		grafana.On("/api/dashboard/snapshots", grafana.SignedIn, grafana.Refuse("There are no snapshots")),
	}
}

func forAll(grafana.Caller) string { return orgOwner }

// noLibraryElements is true: library panels are put into the dashboards that use them.
func noLibraryElements(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	return grafana.OK(w, map[string]any{"result": map[string]any{"totalCount": 0, "elements": []any{}, "page": 1, "perPage": 100}})
}
