package grafanaclient

import (
	"strconv"
	"testing"
	"time"

	grafana "github.com/grafana/grafana-openapi-client-go/client"
	"github.com/grafana/grafana-openapi-client-go/client/annotations"
	"github.com/grafana/grafana-openapi-client-go/client/dashboards"
	"github.com/grafana/grafana-openapi-client-go/client/datasources"
	"github.com/grafana/grafana-openapi-client-go/client/folders"
	"github.com/grafana/grafana-openapi-client-go/client/org"
	"github.com/grafana/grafana-openapi-client-go/client/search"
	"github.com/grafana/grafana-openapi-client-go/client/service_accounts"
	"github.com/grafana/grafana-openapi-client-go/client/users"
	"github.com/grafana/grafana-openapi-client-go/models"
	"github.com/stretchr/testify/require"
)

// TestOfficialClient runs all parts against one program; none of them leaves behind anything that affects
// another.
func TestOfficialClient(t *testing.T) {
	address := start(t)
	admin := as(address, "admin", password)
	for name, test := range map[string]func(*testing.T, *grafana.GrafanaHTTPAPI, string){
		"health": testHealth, "dashboards": testDashboards, "import": testImport, "folders": testFolders, "datasources": testDatasources,
		"annotations": testAnnotations, "service accounts": testServiceAccounts, "user and org": testUserAndOrg, "users": testUsers,
		"what is missing": testMissing,
	} {
		t.Run(name, func(t *testing.T) { test(t, admin, address) })
	}
}

func ptr[T any](v T) *T { return &v }

func testHealth(t *testing.T, c *grafana.GrafanaHTTPAPI, _ string) {
	health, err := c.Health.GetHealth()
	require.NoError(t, err)
	require.Equal(t, "ok", health.Payload.Database)
	require.NotEmpty(t, health.Payload.Version)
}

func testDashboards(t *testing.T, c *grafana.GrafanaHTTPAPI, _ string) {
	model := map[string]any{"uid": "made", "title": "Made by the client", "tags": []string{"client", "test"}, "schemaVersion": 42, "panels": []any{}}
	saved, err := c.Dashboards.PostDashboard(&models.SaveDashboardCommand{Dashboard: model, Message: "first"})
	require.NoError(t, err)
	require.Equal(t, "success", *saved.Payload.Status)
	require.Equal(t, "made", *saved.Payload.UID)
	require.NotZero(t, *saved.Payload.ID)
	require.Equal(t, "/d/made/made-by-the-client", *saved.Payload.URL)

	_, err = c.Dashboards.PostDashboard(&models.SaveDashboardCommand{Dashboard: model})
	require.ErrorAs(t, err, ptr((*dashboards.PostDashboardPreconditionFailed)(nil)), "an old version is not written over")

	model["title"] = "Made again"
	second, err := c.Dashboards.PostDashboard(&models.SaveDashboardCommand{Dashboard: model, Message: "second", Overwrite: true})
	require.NoError(t, err)
	require.Equal(t, *saved.Payload.Version+1, *second.Payload.Version)

	got, err := c.Dashboards.GetDashboardByUID("made")
	require.NoError(t, err)
	require.Equal(t, "Made again", got.Payload.Dashboard.(map[string]any)["title"])
	require.Equal(t, "made-again", got.Payload.Meta.Slug)
	require.False(t, got.Payload.Meta.Provisioned)

	versions, err := c.Dashboards.GetDashboardVersionsByUID(dashboards.NewGetDashboardVersionsByUIDParams().WithUID("made"))
	require.NoError(t, err)
	require.Len(t, versions.Payload.Versions, 2)
	require.Equal(t, "second", versions.Payload.Versions[0].Message)
	first, err := c.Dashboards.GetDashboardVersionByUID("made", versions.Payload.Versions[1].Version)
	require.NoError(t, err)
	require.Equal(t, "Made by the client", first.Payload.Data.(map[string]any)["title"])
	_, err = c.Dashboards.RestoreDashboardVersionByUID("made", &models.RestoreDashboardVersionCommand{Version: versions.Payload.Versions[1].Version})
	require.NoError(t, err)

	found, err := c.Search.Search(search.NewSearchParams().WithQuery(ptr("made by")).WithType(ptr("dash-db")).WithTag([]string{"client"}))
	require.NoError(t, err)
	require.Len(t, found.Payload, 1)
	require.Equal(t, "made", found.Payload[0].UID)
	require.Equal(t, models.HitType("dash-db"), found.Payload[0].Type)
	byUID, err := c.Search.Search(search.NewSearchParams().WithDashboardUIDs([]string{"made"}).WithLimit(ptr(int64(5))))
	require.NoError(t, err)
	require.Len(t, byUID.Payload, 1)
	sorting, err := c.Search.ListSortOptions()
	require.NoError(t, err)
	require.NotNil(t, sorting.Payload)

	tags, err := c.Dashboards.GetDashboardTags()
	require.NoError(t, err)
	require.NotEmpty(t, tags.Payload)
	_, err = c.Dashboards.GetHomeDashboard()
	require.NoError(t, err)
	permissions, err := c.Dashboards.GetDashboardPermissionsListByUID("made")
	require.NoError(t, err)
	require.NotEmpty(t, permissions.Payload)

	_, err = c.SignedInUser.StarDashboardByUID("made")
	require.NoError(t, err)
	starred, err := c.Search.Search(search.NewSearchParams().WithStarred(ptr(true)))
	require.NoError(t, err)
	require.Len(t, starred.Payload, 1)
	_, err = c.SignedInUser.UnstarDashboardByUID("made")
	require.NoError(t, err)

	deleted, err := c.Dashboards.DeleteDashboardByUID("made")
	require.NoError(t, err)
	require.Contains(t, *deleted.Payload.Message, "Made by the client")
	_, err = c.Dashboards.GetDashboardByUID("made")
	require.ErrorAs(t, err, ptr((*dashboards.GetDashboardByUIDNotFound)(nil)))
}

func testImport(t *testing.T, c *grafana.GrafanaHTTPAPI, _ string) {
	export := map[string]any{
		"__inputs": []any{map[string]any{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus", "label": "Prometheus"}},
		"uid":      "imported", "title": "Imported", "schemaVersion": 39,
		"panels": []any{map[string]any{"id": 1, "type": "timeseries", "title": "P", "datasource": map[string]any{"type": "prometheus", "uid": "${DS_PROM}"}}},
	}
	imported, err := c.Dashboards.ImportDashboard(&models.ImportDashboardRequest{
		Dashboard: export, Overwrite: true, Inputs: []*models.ImportDashboardInput{{Name: "DS_PROM", Type: "datasource", PluginID: "prometheus", Value: "prometheus"}},
	})
	require.NoError(t, err)
	require.Equal(t, "imported", imported.Payload.UID)
	require.True(t, imported.Payload.Imported)
	got, err := c.Dashboards.GetDashboardByUID("imported")
	require.NoError(t, err)
	panel := got.Payload.Dashboard.(map[string]any)["panels"].([]any)[0].(map[string]any)
	require.Equal(t, "prometheus", panel["datasource"].(map[string]any)["uid"])
	_, err = c.Dashboards.DeleteDashboardByUID("imported")
	require.NoError(t, err)
}

func testFolders(t *testing.T, c *grafana.GrafanaHTTPAPI, _ string) {
	made, err := c.Folders.CreateFolder(&models.CreateFolderCommand{UID: "team", Title: "Team"})
	require.NoError(t, err)
	require.Equal(t, "Team", made.Payload.Title)
	inner, err := c.Folders.CreateFolder(&models.CreateFolderCommand{UID: "inner", Title: "Inner", ParentUID: "team"})
	require.NoError(t, err)
	require.Equal(t, "team", inner.Payload.ParentUID)
	_, err = c.Folders.CreateFolder(&models.CreateFolderCommand{UID: "team", Title: "Other"})
	require.Error(t, err)

	updated, err := c.Folders.UpdateFolder("team", &models.UpdateFolderCommand{Title: "The team", Overwrite: true})
	require.NoError(t, err)
	require.Equal(t, "The team", updated.Payload.Title)
	_, err = c.Dashboards.PostDashboard(&models.SaveDashboardCommand{Dashboard: map[string]any{"uid": "in-team", "title": "In team", "panels": []any{}}, FolderUID: "team"})
	require.NoError(t, err)
	counts, err := c.Folders.GetFolderDescendantCounts("team")
	require.NoError(t, err)
	require.EqualValues(t, 1, counts.Payload["dashboard"])

	all, err := c.Folders.GetFolders(folders.NewGetFoldersParams())
	require.NoError(t, err)
	require.Condition(t, func() bool {
		for _, folder := range all.Payload {
			if folder.UID == "team" {
				return folder.Title == "The team"
			}
		}
		return false
	})
	byUID, err := c.Folders.GetFolderByUID("team")
	require.NoError(t, err)
	byID, err := c.Folders.GetFolderByID(byUID.Payload.ID) //nolint:staticcheck // deprecated, and asked by scripts still
	require.NoError(t, err)
	require.Equal(t, "team", byID.Payload.UID)
	permissions, err := c.Folders.GetFolderPermissionList("team")
	require.NoError(t, err)
	require.NotEmpty(t, permissions.Payload)
	moved, err := c.Folders.MoveFolder("inner", &models.MoveFolderCommand{})
	require.NoError(t, err)
	require.Empty(t, moved.Payload.ParentUID)

	for _, uid := range []string{"team", "inner"} {
		_, err = c.Folders.DeleteFolder(folders.NewDeleteFolderParams().WithFolderUID(uid))
		require.NoError(t, err)
	}
	_, err = c.Folders.GetFolderByUID("team")
	require.ErrorAs(t, err, ptr((*folders.GetFolderByUIDNotFound)(nil)))
	_, err = c.Dashboards.GetDashboardByUID("in-team")
	require.Error(t, err, "a folder goes with what is in it")
}

func testDatasources(t *testing.T, c *grafana.GrafanaHTTPAPI, address string) {
	made, err := c.Datasources.AddDataSource(&models.AddDataSourceCommand{
		Name: "Far", UID: "far", Type: "prometheus", Access: "proxy", URL: "http://" + address, BasicAuth: true, BasicAuthUser: "admin",
		JSONData: map[string]any{"timeInterval": "5s", "httpMethod": "POST"}, SecureJSONData: map[string]string{"basicAuthPassword": password},
	})
	require.NoError(t, err)
	require.Equal(t, "far", made.Payload.Datasource.UID)
	require.Equal(t, *made.Payload.ID, made.Payload.Datasource.ID)
	require.True(t, made.Payload.Datasource.SecureJSONFields["basicAuthPassword"])
	_, err = c.Datasources.AddDataSource(&models.AddDataSourceCommand{Name: "Far", Type: "prometheus", Access: "proxy", URL: "http://" + address})
	require.ErrorAs(t, err, ptr((*datasources.AddDataSourceConflict)(nil)))

	id := strconv.FormatInt(made.Payload.Datasource.ID, 10)
	got, err := c.Datasources.GetDataSourceByID(id)
	require.NoError(t, err)
	require.Equal(t, "5s", got.Payload.JSONData.(map[string]any)["timeInterval"])
	byName, err := c.Datasources.GetDataSourceByName("Far")
	require.NoError(t, err)
	require.Equal(t, "far", byName.Payload.UID)
	idByName, err := c.Datasources.GetDataSourceIDByName("Far")
	require.NoError(t, err)
	require.Equal(t, made.Payload.Datasource.ID, *idByName.Payload.ID)

	updated, err := c.Datasources.UpdateDataSourceByUID("far", &models.UpdateDataSourceCommand{
		Name: "Far away", Type: "prometheus", Access: "proxy", URL: "http://" + address, BasicAuth: true, BasicAuthUser: "admin",
		JSONData: map[string]any{"timeInterval": "10s"}, Version: made.Payload.Datasource.Version,
	})
	require.NoError(t, err)
	require.Equal(t, "Far away", updated.Payload.Datasource.Name)
	require.True(t, updated.Payload.Datasource.SecureJSONFields["basicAuthPassword"], "a secret that was not sent again stays")

	health, err := c.Datasources.CheckDatasourceHealthWithUID("far")
	require.NoError(t, err)
	require.NotEmpty(t, health.Payload.Message)
	all, err := c.Datasources.GetDataSources()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all.Payload), 4)

	answer, _, err := c.Datasources.QueryMetricsWithExpressions(&models.MetricRequest{
		From: ptr("now-5m"), To: ptr("now"),
		Queries: []models.JSON{map[string]any{"refId": "A", "datasource": map[string]any{"uid": "far"}, "expr": "1 + 1", "instant": true, "range": false}},
	})
	require.NoError(t, err)
	frame := answer.Payload.Results["A"].Frames[0]
	require.NotNil(t, frame)

	_, err = c.Datasources.DeleteDataSourceByUID("far")
	require.NoError(t, err)
	_, err = c.Datasources.GetDataSourceByUID("far")
	require.ErrorAs(t, err, ptr((*datasources.GetDataSourceByUIDNotFound)(nil)))
}

func testAnnotations(t *testing.T, c *grafana.GrafanaHTTPAPI, _ string) {
	now := time.Now().UnixMilli()
	made, err := c.Annotations.PostAnnotation(&models.PostAnnotationsCmd{Text: ptr("Deployed"), Time: now - 1000, TimeEnd: now, Tags: []string{"deploy"}})
	require.NoError(t, err)
	id := strconv.FormatInt(*made.Payload.ID, 10)
	got, err := c.Annotations.GetAnnotationByID(id)
	require.NoError(t, err)
	require.Equal(t, "Deployed", got.Payload.Text)
	require.Equal(t, now, got.Payload.TimeEnd)
	_, err = c.Annotations.PatchAnnotation(id, &models.PatchAnnotationsCmd{Text: "Deployed 2"})
	require.NoError(t, err)
	_, err = c.Annotations.UpdateAnnotation(id, &models.UpdateAnnotationsCmd{Text: "Deployed 3", Time: now - 500, TimeEnd: now, Tags: []string{"deploy", "again"}})
	require.NoError(t, err)
	found, err := c.Annotations.GetAnnotations(annotations.NewGetAnnotationsParams().WithTags([]string{"again"}).WithFrom(ptr(now - 60_000)).WithTo(ptr(now + 60_000)))
	require.NoError(t, err)
	require.Len(t, found.Payload, 1)
	require.Equal(t, "Deployed 3", found.Payload[0].Text)
	tags, err := c.Annotations.GetAnnotationTags(annotations.NewGetAnnotationTagsParams())
	require.NoError(t, err)
	require.Len(t, tags.Payload.Result.Tags, 2)
	_, err = c.Annotations.DeleteAnnotationByID(id)
	require.NoError(t, err)
	_, err = c.Annotations.GetAnnotationByID(id)
	require.Error(t, err)
}

func testServiceAccounts(t *testing.T, c *grafana.GrafanaHTTPAPI, address string) {
	made, err := c.ServiceAccounts.CreateServiceAccount(service_accounts.NewCreateServiceAccountParams().WithBody(&models.CreateServiceAccountForm{Name: "robot", Role: "Editor"}))
	require.NoError(t, err)
	id := made.Payload.ID
	token, err := c.ServiceAccounts.CreateToken(service_accounts.NewCreateTokenParams().WithServiceAccountID(id).WithBody(&models.AddServiceAccountTokenCommand{Name: "key", SecondsToLive: 3600}))
	require.NoError(t, err)
	require.NotEmpty(t, token.Payload.Key)

	robot := asToken(address, token.Payload.Key)
	_, err = robot.Dashboards.PostDashboard(&models.SaveDashboardCommand{Dashboard: map[string]any{"uid": "robots", "title": "Robot's", "panels": []any{}}})
	require.NoError(t, err, "an editor's token may save")
	_, err = robot.Datasources.AddDataSource(&models.AddDataSourceCommand{Name: "no", Type: "prometheus", Access: "proxy", URL: "http://x"})
	require.ErrorAs(t, err, ptr((*datasources.AddDataSourceForbidden)(nil)))
	_, err = robot.Dashboards.DeleteDashboardByUID("robots")
	require.NoError(t, err)

	updated, err := c.ServiceAccounts.UpdateServiceAccount(service_accounts.NewUpdateServiceAccountParams().WithServiceAccountID(id).WithBody(&models.UpdateServiceAccountForm{Name: "robot", Role: "Viewer"}))
	require.NoError(t, err)
	require.Equal(t, "Viewer", updated.Payload.Serviceaccount.Role)
	_, err = robot.Dashboards.PostDashboard(&models.SaveDashboardCommand{Dashboard: map[string]any{"title": "No more", "panels": []any{}}})
	require.ErrorAs(t, err, ptr((*dashboards.PostDashboardForbidden)(nil)))

	got, err := c.ServiceAccounts.RetrieveServiceAccount(id)
	require.NoError(t, err)
	require.Equal(t, "robot", got.Payload.Name)
	list, err := c.ServiceAccounts.SearchOrgServiceAccountsWithPaging(service_accounts.NewSearchOrgServiceAccountsWithPagingParams().WithQuery(ptr("robot")))
	require.NoError(t, err)
	require.Len(t, list.Payload.ServiceAccounts, 1)
	tokens, err := c.ServiceAccounts.ListTokens(id)
	require.NoError(t, err)
	require.Len(t, tokens.Payload, 1)
	_, err = c.ServiceAccounts.DeleteToken(tokens.Payload[0].ID, id)
	require.NoError(t, err)
	_, err = robot.Search.Search(search.NewSearchParams())
	require.ErrorAs(t, err, ptr((*search.SearchUnauthorized)(nil)), "a token that is gone opens nothing")
	_, err = c.ServiceAccounts.DeleteServiceAccount(id)
	require.NoError(t, err)
}

func testUserAndOrg(t *testing.T, c *grafana.GrafanaHTTPAPI, _ string) {
	me, err := c.SignedInUser.GetSignedInUser()
	require.NoError(t, err)
	require.Equal(t, "admin", me.Payload.Login)
	require.True(t, me.Payload.IsGrafanaAdmin)
	require.EqualValues(t, 1, me.Payload.OrgID)
	orgs, err := c.SignedInUser.GetSignedInUserOrgList()
	require.NoError(t, err)
	require.Len(t, orgs.Payload, 1)
	current, err := c.Org.GetCurrentOrg()
	require.NoError(t, err)
	byID, err := c.Orgs.GetOrgByID(current.Payload.ID)
	require.NoError(t, err)
	require.Equal(t, current.Payload.Name, byID.Payload.Name)
	byName, err := c.Orgs.GetOrgByName(current.Payload.Name)
	require.NoError(t, err)
	require.Equal(t, current.Payload.ID, byName.Payload.ID)

	_, err = c.SignedInUser.PatchUserPreferences(&models.PatchPrefsCmd{Theme: "light"})
	require.NoError(t, err)
	mine, err := c.SignedInUser.GetUserPreferences()
	require.NoError(t, err)
	require.Equal(t, "light", mine.Payload.Theme)
	_, err = c.Org.UpdateOrgPreferences(&models.UpdatePrefsCmd{Timezone: "utc"})
	require.NoError(t, err)
	ours, err := c.Org.GetOrgPreferences()
	require.NoError(t, err)
	require.Equal(t, "utc", ours.Payload.Timezone)
}

func testUsers(t *testing.T, c *grafana.GrafanaHTTPAPI, address string) {
	made, err := c.AdminUsers.AdminCreateUser(&models.AdminCreateUserForm{Login: "vera", Name: "Vera", Email: "vera@example.org", Password: "viewer password 1", OrgID: 1})
	require.NoError(t, err)
	id := made.Payload.ID
	found, err := c.Users.GetUserByLoginOrEmail("vera@example.org")
	require.NoError(t, err)
	require.Equal(t, id, found.Payload.ID)
	byID, err := c.Users.GetUserByID(id)
	require.NoError(t, err)
	require.Equal(t, "vera", byID.Payload.Login)
	all, err := c.Users.SearchUsers(users.NewSearchUsersParams().WithPerpage(ptr(int64(10))))
	require.NoError(t, err)
	require.Len(t, all.Payload, 2)
	_, err = c.Users.UpdateUser(id, &models.UpdateUserCommand{Login: "vera", Name: "Vera V.", Email: "vera@example.org"})
	require.NoError(t, err)
	_, err = c.Org.UpdateOrgUserForCurrentOrg(id, &models.UpdateOrgUserCommand{Role: "Viewer"})
	require.NoError(t, err)
	inOrg, err := c.Org.GetOrgUsersForCurrentOrg(org.NewGetOrgUsersForCurrentOrgParams().WithQuery(ptr("vera")))
	require.NoError(t, err)
	require.Len(t, inOrg.Payload, 1)
	require.Equal(t, "Viewer", inOrg.Payload[0].Role)

	vera := as(address, "vera", "viewer password 1")
	_, err = vera.Dashboards.PostDashboard(&models.SaveDashboardCommand{Dashboard: map[string]any{"title": "No", "panels": []any{}}})
	require.ErrorAs(t, err, ptr((*dashboards.PostDashboardForbidden)(nil)))
	_, err = vera.Datasources.GetDataSources()
	require.ErrorAs(t, err, ptr((*datasources.GetDataSourcesForbidden)(nil)), "addresses of data sources are not for viewers")
	_, err = c.AdminUsers.AdminUpdateUserPassword(id, &models.AdminUpdateUserPasswordForm{Password: "viewer password 2"})
	require.NoError(t, err)
	_, err = as(address, "vera", "viewer password 2").Search.Search(search.NewSearchParams())
	require.NoError(t, err)
	_, err = c.AdminUsers.AdminDeleteUser(id)
	require.NoError(t, err)
}

func testMissing(t *testing.T, c *grafana.GrafanaHTTPAPI, _ string) {
	_, err := c.Dashboards.GetDashboardByUID("never")
	require.ErrorContains(t, err, "Dashboard not found")
	_, err = c.Playlists.SearchPlaylists(nil)
	require.Error(t, err, "what is not there is never an empty success")
}
