package dashboards

import "net/http"

// The permissions that answers name when they are missing.
const (
	mayWriteDashboards  = "dashboards:write"
	mayWriteFolders     = "folders:write"
	mayWriteAnnotations = "annotations:write"
	mayReadSources      = "datasources:read"
	mayWriteSources     = "datasources:write"
	mayWriteOrg         = "orgs.preferences:write"
)

// routes is every URL that this part answers; all others are 404.
func (s *Server) routes() []route {
	return append(s.libraryRoutes(), s.otherRoutes()...)
}

// libraryRoutes are dashboards, folders and what hangs on them.
func (s *Server) libraryRoutes() []route {
	return []route{
		{"GET /api/health", "", "", s.getHealth},
		{"GET /api/frontend/settings", Viewer, "", s.getFrontendSettings},

		{"GET /api/search", Viewer, "", s.search},
		{"GET /api/search/sorting", Viewer, "", s.searchSorting},

		{"POST /api/dashboards/db", Editor, mayWriteDashboards, s.postDashboard},
		{"POST /api/dashboards/import", Editor, mayWriteDashboards, s.importDashboard},
		{"POST /api/dashboards/import/check", Viewer, "", s.previewImport},
		{"GET /api/dashboards/home", Viewer, "", s.homeDashboard},
		{"GET /api/dashboards/tags", Viewer, "", s.dashboardTags},
		{"POST /api/dashboards/calculate-diff", Viewer, "", s.calculateDiff},
		{"GET /api/dashboards/uid/{uid}", Viewer, "", s.getDashboard},
		{"DELETE /api/dashboards/uid/{uid}", Editor, "dashboards:delete", s.delDashboard},
		{"GET /api/dashboards/uid/{uid}/versions", Viewer, "", s.listVersions},
		{"GET /api/dashboards/uid/{uid}/versions/{version}", Viewer, "", s.getVersion},
		{"POST /api/dashboards/uid/{uid}/restore", Editor, mayWriteDashboards, s.restoreVersion},
		{"GET /api/dashboards/uid/{uid}/permissions", Viewer, "", s.permissions},
		{"POST /api/dashboards/uid/{uid}/permissions", Admin, "dashboards.permissions:write", refuse("Permissions of one dashboard cannot be set; roles hold everywhere")},
		{"GET /api/dashboards/id/{id}/versions", Viewer, "", s.listVersions},
		{"GET /api/dashboards/id/{id}/versions/{version}", Viewer, "", s.getVersion},
		{"POST /api/dashboards/id/{id}/restore", Editor, mayWriteDashboards, s.restoreVersion},
		{"/api/dashboards/uid/{uid}/public-dashboards", Viewer, "", refuse("Public dashboards are not there")},
		{"/api/dashboards/public-dashboards", Viewer, "", refuse("Public dashboards are not there")},

		{"GET /api/folders", Viewer, "", s.listFolders},
		{"POST /api/folders", Editor, "folders:create", s.postFolder},
		{"GET /api/folders/{uid}", Viewer, "", s.getFolder},
		{"GET /api/folders/{uid}/{what}", Viewer, "", s.getFolderDetail},
		{"PUT /api/folders/{uid}", Editor, mayWriteFolders, s.putFolder},
		{"DELETE /api/folders/{uid}", Editor, "folders:delete", s.deleteFolder},
		{"POST /api/folders/{uid}/move", Editor, mayWriteFolders, s.moveFolder},
		{"POST /api/folders/{uid}/permissions", Admin, "folders.permissions:write", refuse("Permissions of one folder cannot be set; roles hold everywhere")},

		{"GET /api/annotations", Viewer, "", s.listAnnotations},
		{"POST /api/annotations", Editor, "annotations:create", s.postAnnotation},
		{"GET /api/annotations/tags", Viewer, "", s.annotationTags},
		{"POST /api/annotations/graphite", Editor, mayWriteAnnotations, refuse("Graphite's form is not known; POST /api/annotations takes {time, text, tags}")},
		{"GET /api/annotations/{id}", Viewer, "", s.getAnnotation},
		{"PUT /api/annotations/{id}", Editor, mayWriteAnnotations, s.changeAnnotation(false, "Annotation updated")},
		{"PATCH /api/annotations/{id}", Editor, mayWriteAnnotations, s.changeAnnotation(true, "Annotation patched")},
		{"DELETE /api/annotations/{id}", Editor, "annotations:delete", s.deleteAnnotation},

		{"GET /api/user/stars", Viewer, "", s.listStars},
		{"POST /api/user/stars/dashboard/uid/{uid}", Viewer, "", s.postStar},
		{"DELETE /api/user/stars/dashboard/uid/{uid}", Viewer, "", s.deleteStar},
		{"POST /api/user/stars/dashboard/{id}", Viewer, "", s.postStar},
		{"DELETE /api/user/stars/dashboard/{id}", Viewer, "", s.deleteStar},
	}
}

// otherRoutes are datasources, queries, settings, and what Grafana has and this does not.
func (s *Server) otherRoutes() []route {
	return []route{
		{"GET /api/datasources", Admin, mayReadSources, s.listSources},
		{"POST /api/datasources", Admin, "datasources:create", s.postSource},
		{"GET /api/datasources/{id}", Admin, mayReadSources, s.getSource},
		{"PUT /api/datasources/{id}", Admin, mayWriteSources, s.putSource},
		{"DELETE /api/datasources/{id}", Admin, "datasources:delete", s.deleteSource},
		{"GET /api/datasources/uid/{uid}", Admin, mayReadSources, s.getSource},
		{"PUT /api/datasources/uid/{uid}", Admin, mayWriteSources, s.putSource},
		{"DELETE /api/datasources/uid/{uid}", Admin, "datasources:delete", s.deleteSource},
		{"GET /api/datasources/name/{name}", Admin, mayReadSources, s.getSource},
		{"DELETE /api/datasources/name/{name}", Admin, "datasources:delete", s.deleteSource},
		{"GET /api/datasources/id/{name}", Viewer, "", s.getSourceID},
		{"GET /api/datasources/uid/{uid}/health", Viewer, "", s.datasourceHealth},
		{"/api/datasources/uid/{uid}/resources/{path...}", Viewer, "", s.datasourceResource},
		{"/api/datasources/proxy/uid/{uid}/{path...}", Viewer, "", s.proxyDatasource},
		{"/api/datasources/proxy/{id}/{path...}", Viewer, "", s.proxyDatasource},
		{"POST /api/ds/query", Viewer, "", s.queryDatasources},
		{"POST /api/tsdb/query", Viewer, "", refuse("POST /api/ds/query has taken its place")},

		{"GET /api/user/preferences", Viewer, "", s.getPreferences(owner)},
		{"PUT /api/user/preferences", Viewer, "", s.setPreferences(owner, false)},
		{"PATCH /api/user/preferences", Viewer, "", s.setPreferences(owner, true)},
		{"GET /api/org/preferences", Viewer, "", s.getPreferences(forAll)},
		{"PUT /api/org/preferences", Admin, mayWriteOrg, s.setPreferences(forAll, false)},
		{"PATCH /api/org/preferences", Admin, mayWriteOrg, s.setPreferences(forAll, true)},
		{"GET /api/org", Viewer, "", s.getOrg},
		{"GET /api/orgs", Admin, "orgs:read", s.getOrgs},
		{"GET /api/orgs/{id}", Viewer, "", s.getOrg},
		{"GET /api/orgs/name/{name}", Viewer, "", s.getOrg},
		{"GET /api/org/quotas", Viewer, "", refuse("There are no quotas")},

		{"POST /api/admin/provisioning/{kind}/reload", Admin, "provisioning:reload", s.reloadProvisioning},
		{"GET /api/admin/stats", Admin, "server.stats:read", s.adminStats},
		{"GET /api/admin/settings", Admin, "settings:read", s.adminSettings},
		{"GET /api/teams/search", Viewer, "", searchTeams},
		{"GET /api/user/teams", Viewer, "", noTeams},

		{"GET /api/plugins", Viewer, "", s.listPlugins},
		{"GET /api/plugins/{id}/settings", Viewer, "", s.pluginSettings},
		{"POST /api/short-urls", Viewer, "", s.postShortURL},
		{"GET /goto/{uid}", Viewer, "", s.followShortURL},

		{"GET /api/library-elements", Viewer, "", noLibraryElements},
		{"/api/query-history", Viewer, "", refuse("There is no query history")},
		{"/api/live/", Viewer, "", refuse("Grafana Live is not there")},
		{"/api/playlists", Viewer, "", refuse("There are no playlists")},
		{"/api/snapshots", Viewer, "", refuse("There are no snapshots")},
		{"/api/dashboard/snapshots", Viewer, "", refuse("There are no snapshots")},
	}
}

// getFolderDetail tells apart what the patterns of a ServeMux cannot: /folders/id/{id} and /folders/{uid}/counts.
func (s *Server) getFolderDetail(w http.ResponseWriter, r *http.Request, c Caller) error {
	what := r.PathValue("what")
	switch {
	case r.PathValue("uid") == "id":
		r.SetPathValue("uid", "")
		r.SetPathValue("id", what)
		return s.getFolder(w, r, c)
	case what == "counts":
		return s.folderCounts(w, r, c)
	case what == "permissions":
		return s.permissions(w, r, c)
	}
	return errNotFound
}

func forAll(Caller) string { return orgOwner }

// noLibraryElements is true: library panels are put into the dashboards that use them.
func noLibraryElements(w http.ResponseWriter, _ *http.Request, _ Caller) error {
	return reply(w, http.StatusOK, map[string]any{"result": map[string]any{"totalCount": 0, "elements": []any{}, "page": 1, "perPage": 100}})
}
