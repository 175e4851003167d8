package dashboards_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/grafana"
)

func (r *rig) save(body string) map[string]any {
	r.t.Helper()
	return r.ok("POST", "/api/dashboards/db", body).(map[string]any)
}

func TestSavedDashboardIsAFileThatPeopleCanRead(t *testing.T) {
	r := start(t, nil)
	got := r.save(`{"dashboard":{"uid":"a","title":" My <b>dash</b> ","zeta":1.50,"alpha":[],"panels":[{"type":"text"}]},"message":"first"}`)
	require.Equal(t, map[string]any{
		"id": got["id"], "uid": "a", "url": "/d/a/my-b-dash-b", "status": "success", "version": 1.0, "slug": "my-b-dash-b", "folderUid": "",
	}, got)
	content, err := os.ReadFile(filepath.Join(r.dir, "general", "a.json"))
	require.NoError(t, err)
	require.Equal(t, `{
  "uid": "a",
  "title": "My <b>dash</b>",
  "zeta": 1.50,
  "alpha": [],
  "panels": [
    {
      "id": 1,
      "type": "text",
      "gridPos": {
        "h": 8,
        "w": 12,
        "x": 0,
        "y": 0
      }
    }
  ],
  "version": 1
}
`, string(content))
	served := r.ok("GET", "/api/dashboards/uid/a", "")
	require.Equal(t, got["id"], at(t, served, "dashboard", "id"))
	require.Equal(t, "admin", at(t, served, "meta", "createdBy"))
	r.stop()
	r.run()
	require.Equal(t, served, r.ok("GET", "/api/dashboards/uid/a", ""), "the same after a restart")
}

func TestOptimisticLocking(t *testing.T) {
	r := start(t, nil)
	r.save(`{"dashboard":{"uid":"a","title":"A"}}`)
	a := r.admin("POST", "/api/dashboards/db", `{"dashboard":{"uid":"a","title":"B","version":7}}`)
	require.Equal(t, http.StatusPreconditionFailed, a.code)
	require.JSONEq(t, `{"status":"version-mismatch","message":"The dashboard has been changed by someone else"}`, a.body)
	require.Equal(t, 2.0, r.save(`{"dashboard":{"uid":"a","title":"B","version":1}}`)["version"])
	require.Equal(t, 3.0, r.save(`{"dashboard":{"uid":"a","title":"C","version":1},"overwrite":true}`)["version"])

	a = r.admin("POST", "/api/dashboards/db", `{"dashboard":{"uid":"other","title":"c"}}`)
	require.Equal(t, http.StatusPreconditionFailed, a.code)
	require.JSONEq(t, `{"status":"name-exists","message":"A dashboard with the same name in the folder already exists"}`, a.body)
	require.Equal(t, "a", r.save(`{"dashboard":{"title":"C"},"overwrite":true}`)["uid"], "without a uid the title decides")
}

func TestConcurrentSavesLoseNothing(t *testing.T) {
	r := start(t, nil)
	r.save(`{"dashboard":{"uid":"a","title":"A"}}`)
	var wg sync.WaitGroup
	codes := make(chan int, 40)
	for i := range 40 {
		wg.Go(func() {
			codes <- r.admin("POST", "/api/dashboards/db", fmt.Sprintf(`{"dashboard":{"uid":"a","title":"A","version":1,"n":%d}}`, i)).code
			r.admin("GET", "/api/dashboards/uid/a", "")
			r.admin("GET", "/api/search", "")
			r.admin("POST", "/api/dashboards/db", fmt.Sprintf(`{"dashboard":{"uid":"b%d","title":"B %d"}}`, i, i))
		})
	}
	wg.Wait()
	close(codes)
	saved := 0
	for code := range codes {
		if code == http.StatusOK {
			saved++
		} else {
			require.Equal(t, http.StatusPreconditionFailed, code)
		}
	}
	require.Equal(t, 1, saved, "of many who saw version 1 one may save")
	require.Equal(t, 2.0, at(t, r.ok("GET", "/api/dashboards/uid/a", ""), "dashboard", "version"))
	require.Len(t, r.ok("GET", "/api/search?query=B&type=dash-db", ""), 40)
}

func TestVersions(t *testing.T) {
	r := start(t, nil)
	for i := range 25 {
		r.save(fmt.Sprintf(`{"dashboard":{"uid":"a","title":"A %d","version":%d},"message":"change %d"}`, i, i, i))
	}
	versions := at(t, r.ok("GET", "/api/dashboards/uid/a/versions", ""), "versions").([]any)
	require.Len(t, versions, 20, "the last 20 stay")
	require.Equal(t, 25.0, at(t, versions, 0, "version"))
	require.Equal(t, "change 24", at(t, versions, 0, "message"))
	require.Equal(t, "admin", at(t, versions, 0, "createdBy"))
	require.Equal(t, 24.0, at(t, versions, 0, "parentVersion"))
	require.Len(t, at(t, r.ok("GET", "/api/dashboards/uid/a/versions?limit=3&start=2", ""), "versions"), 3)
	files, err := filepath.Glob(filepath.Join(r.dir, ".versions", "a", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 20)

	require.Equal(t, "A 9", at(t, r.ok("GET", "/api/dashboards/uid/a/versions/10", ""), "data", "title"))
	require.Equal(t, http.StatusNotFound, r.admin("GET", "/api/dashboards/uid/a/versions/3", "").code)
	require.Equal(t, http.StatusBadRequest, r.admin("GET", "/api/dashboards/uid/a/versions/x", "").code)

	diff := r.admin("POST", "/api/dashboards/calculate-diff", `{"base":{"dashboardUID":"a","version":10},"new":{"dashboardUID":"a","version":25},"diffType":"basic"}`)
	require.Equal(t, http.StatusOK, diff.code)
	require.Contains(t, diff.body, "--- a version 10\n+++ a version 25\n")
	require.Contains(t, diff.body, "-  \"title\": \"A 9\",\n")
	diff = r.admin("POST", "/api/dashboards/calculate-diff", `{"base":{"dashboardUID":"a","version":25},"new":{"unsavedDashboard":{"title":"<x>"}}}`)
	require.Contains(t, diff.body, `+  "title": "<x>"`)
	require.Equal(t, "text/plain; charset=utf-8", diff.header.Get("Content-Type"))

	require.Equal(t, 26.0, at(t, r.ok("POST", "/api/dashboards/uid/a/restore", `{"version":10}`), "version"))
	require.Equal(t, "A 9", at(t, r.ok("GET", "/api/dashboards/uid/a", ""), "dashboard", "title"))
	latest := at(t, r.ok("GET", "/api/dashboards/uid/a/versions?limit=1", ""), "versions", 0)
	require.Equal(t, "Restored from version 10", at(t, latest, "message"))
	require.Equal(t, 10.0, at(t, latest, "restoredFrom"))
	require.Equal(t, http.StatusBadRequest, r.admin("POST", "/api/dashboards/uid/a/restore", `{"version":26}`).code)

	r.ok("DELETE", "/api/dashboards/uid/a", "")
	require.Equal(t, http.StatusNotFound, r.admin("GET", "/api/dashboards/uid/a/versions", "").code)
	require.NoDirExists(t, filepath.Join(r.dir, ".versions", "a"))
	require.NoFileExists(t, filepath.Join(r.dir, "general", "a.json"))
}

func TestHandEditedFileIsANewVersion(t *testing.T) {
	r := start(t, nil)
	r.save(`{"dashboard":{"uid":"a","title":"A","panels":[]}}`)
	file := filepath.Join(r.dir, "general", "a.json")
	title := func() any { return at(t, r.ok("GET", "/api/dashboards/uid/a", ""), "dashboard", "title") }

	require.NoError(t, os.WriteFile(file, []byte(`{"uid":"a","title":"By hand","panels":[]}`), 0o600))
	eventually(t, func() bool { return title() == "By hand" }, "the change is seen")
	versions := at(t, r.ok("GET", "/api/dashboards/uid/a/versions", ""), "versions").([]any)
	require.Len(t, versions, 2)
	require.Equal(t, "changed in the file", at(t, versions, 0, "message"))

	require.NoError(t, os.WriteFile(file, []byte(`{"uid":"a","title":"Half`), 0o600))
	eventually(t, func() bool { return metric(t, r, "ausguck_dashboards_files_failed") == 1 }, "the problem is reported")
	require.Equal(t, "By hand", title(), "the last good state stays")
	r.stop()
	r.run()
	require.Equal(t, "By hand", title(), "over a restart")
	require.Equal(t, 3.0, r.save(`{"dashboard":{"uid":"a","title":"Saved over it","version":2}}`)["version"])
	require.Equal(t, 0.0, metric(t, r, "ausguck_dashboards_files_failed"))

	require.NoError(t, os.Remove(file))
	eventually(t, func() bool { return r.admin("GET", "/api/dashboards/uid/a", "").code == http.StatusNotFound }, "a file that is gone is a dashboard that is gone")

	writeTree(t, r.dir, map[string]string{"team/dropped in.json": `{"title":"Dropped","panels":[]}`})
	eventually(t, func() bool { return len(r.ok("GET", "/api/search?query=dropped", "").([]any)) == 1 }, "a new file is seen")
	hit := at(t, r.ok("GET", "/api/search?query=dropped", ""), 0)
	require.Equal(t, "team", at(t, hit, "folderTitle"))
	uid := at(t, hit, "uid").(string)
	r.save(fmt.Sprintf(`{"dashboard":{"uid":%q,"title":"Dropped","version":1},"folderUid":"team"}`, uid))
	require.NoFileExists(t, filepath.Join(r.dir, "team", "dropped in.json"))
	require.FileExists(t, filepath.Join(r.dir, "team", uid+".json"))
}

// TestCrash leaves what a process can leave that is killed in the middle of a save.
func TestCrash(t *testing.T) {
	r := start(t, nil)
	r.save(`{"dashboard":{"uid":"a","title":"A","panels":[]}}`)
	r.stop()
	writeTree(t, r.dir, map[string]string{
		"general/.tmp-1":        `{"uid":"a","title":"half`,
		".versions/a/.tmp-2":    `{`,
		".versions/a/2.json":    `{"version":2,"data":{"ti`,                         // not written by us: renames are whole
		"general/b.json":        `{"uid":"b","title":"No version yet","version":4}`, // the file is written before its version
		"team/moved.json":       `{"uid":"moved","title":"Moved","panels":[]}`,
		"general/moved.json":    `{"uid":"moved","title":"Moved","panels":[]}`,
		".versions/gone/1.json": `{"version":1,"data":{"title":"Gone"}}`,
	})
	require.NoError(t, os.Chtimes(filepath.Join(r.dir, "general", "moved.json"), time.Time{}, time.Now().Add(-time.Hour)))
	r.run()
	require.Equal(t, "A", at(t, r.ok("GET", "/api/dashboards/uid/a", ""), "dashboard", "title"))
	require.NoFileExists(t, filepath.Join(r.dir, "general", ".tmp-1"))
	b := at(t, r.ok("GET", "/api/dashboards/uid/b/versions", ""), "versions").([]any)
	require.Len(t, b, 1)
	require.Equal(t, 4.0, at(t, b, 0, "version"))
	require.Equal(t, "team", at(t, r.ok("GET", "/api/dashboards/uid/moved", ""), "meta", "folderUid"), "the newer of two places counts")
	require.Contains(t, r.log.String(), "is in "+filepath.Join(r.dir, "team", "moved.json")+" too, which is newer")
	require.Equal(t, http.StatusNotFound, r.admin("GET", "/api/dashboards/uid/gone", "").code)
}

func TestSaveThatFailsSaysSo(t *testing.T) {
	r := start(t, nil)
	r.save(`{"dashboard":{"uid":"a","title":"A"}}`)
	// A file where the folder would be is what a test can make that fails even for root.
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, ".versions")))
	writeTree(t, r.dir, map[string]string{".versions": "in the way"})
	a := r.admin("POST", "/api/dashboards/db", `{"dashboard":{"uid":"a","title":"B","version":1}}`)
	require.Equal(t, http.StatusInternalServerError, a.code)
	require.Contains(t, a.body, "not a directory")
}

func TestFolders(t *testing.T) {
	r := start(t, nil)
	a := r.ok("POST", "/api/folders", `{"uid":"team","title":"Team","description":"ours"}`)
	require.Equal(t, "/dashboards/f/team/team", at(t, a, "url"))
	require.Equal(t, 1.0, at(t, a, "version"))
	for _, tc := range []struct {
		body, want string
		code       int
	}{
		{`{"title":"Team"}`, "A folder with the same name already exists in the current location", 409},
		{`{"uid":"team","title":"X"}`, "a folder/dashboard with the same uid already exists", 409},
		{`{"title":"general"}`, "A folder already exists with that name", 409},
		{`{"title":" "}`, "folder title cannot be empty", 400},
		{`{"uid":"a/b","title":"X"}`, "invalid uid for folder provided", 400},
		{`{"title":"X","parentUid":"none"}`, "parent folder not found", 404},
		{`{`, "bad request data", 400},
	} {
		got := r.admin("POST", "/api/folders", tc.body)
		require.Equal(t, tc.code, got.code, tc.body)
		require.Contains(t, at(t, decoded(t, got.body), "message"), tc.want)
	}
	r.ok("POST", "/api/folders", `{"uid":"sub","title":"Team","parentUid":"team"}`)
	r.ok("POST", "/api/folders", `{"uid":"deep","title":"Deep","parentUid":"sub"}`)
	sub := r.ok("GET", "/api/folders/deep", "")
	require.Equal(t, "sub", at(t, sub, "parentUid"))
	require.Equal(t, "team", at(t, sub, "parents", 0, "uid"))
	require.Len(t, r.ok("GET", "/api/folders?parentUid=team", ""), 1)
	require.Equal(t, sub, r.ok("GET", fmt.Sprintf("/api/folders/id/%.0f", at(t, sub, "id")), ""))

	r.save(`{"dashboard":{"uid":"d","title":"D"},"folderUid":"sub"}`)
	require.FileExists(t, filepath.Join(r.dir, "sub", "d.json"))
	require.Equal(t, map[string]any{"folder": 2.0, "dashboard": 1.0, "librarypanel": 0.0, "alertrule": 0.0}, r.ok("GET", "/api/folders/team/counts", ""))

	got := r.admin("PUT", "/api/folders/team", `{"title":"Crew","version":5}`)
	require.Equal(t, http.StatusPreconditionFailed, got.code)
	require.Equal(t, "Crew", at(t, r.ok("PUT", "/api/folders/team", `{"title":"Crew","version":1}`), "title"))
	require.Equal(t, "ours", at(t, r.ok("GET", "/api/folders/team", ""), "description"))
	require.Equal(t, http.StatusBadRequest, r.admin("POST", "/api/folders/team/move", `{"parentUid":"deep"}`).code, "into itself")
	require.NotContains(t, r.ok("POST", "/api/folders/deep/move", `{"parentUid":""}`), "parentUid")
	r.ok("POST", "/api/folders/deep/move", `{"parentUid":"team"}`)

	// Saving without a folder leaves the dashboard where it is; another folder moves its file.
	r.save(`{"dashboard":{"uid":"d","title":"D2","version":1}}`)
	require.FileExists(t, filepath.Join(r.dir, "sub", "d.json"))
	r.save(`{"dashboard":{"uid":"d","title":"D2","version":2},"folderUid":"general"}`)
	require.FileExists(t, filepath.Join(r.dir, "general", "d.json"))
	require.NoDirExists(t, filepath.Join(r.dir, "sub"))
	r.save(`{"dashboard":{"uid":"d","title":"D2","version":3},"folderUid":"sub"}`)

	before := r.ok("GET", "/api/folders/team", "")
	r.stop()
	r.run()
	require.Equal(t, before, r.ok("GET", "/api/folders/team", ""), "after a restart")
	require.Contains(t, r.admin("DELETE", "/api/folders/team?forceDeleteRules=false", "").body, "Folder Crew deleted")
	require.Equal(t, http.StatusNotFound, r.admin("GET", "/api/folders/sub", "").code)
	require.Equal(t, http.StatusNotFound, r.admin("GET", "/api/dashboards/uid/d", "").code)
	require.Equal(t, http.StatusNotFound, r.admin("DELETE", "/api/folders/team", "").code)
}

func TestRoles(t *testing.T) {
	r := start(t, nil)
	require.Equal(t, http.StatusUnauthorized, r.as("", "GET", "/api/search", "").code)
	require.JSONEq(t, `{"message":"Unauthorized","messageId":"auth.unauthorized","statusCode":401}`, r.as("", "GET", "/api/nothing", "").body)
	require.Equal(t, http.StatusOK, r.as("", "GET", "/api/health", "").code)
	for _, tc := range []struct {
		method, path, body string
		needs              grafana.Role
		permission         string
	}{
		{"GET", "/api/search", "", grafana.Viewer, ""},
		{"POST", "/api/dashboards/db", `{"dashboard":{"title":"x"}}`, grafana.Editor, "dashboards:write"},
		{"POST", "/api/folders", `{"title":"x"}`, grafana.Editor, "folders:create"},
		{"POST", "/api/annotations", `{"text":"x"}`, grafana.Editor, "annotations:create"},
		{"POST", "/api/datasources", `{"name":"x","type":"loki","url":"http://x"}`, grafana.Admin, "datasources:create"},
		{"GET", "/api/datasources", "", grafana.Admin, "datasources:read"},
		{"GET", "/api/datasources/uid/prometheus", "", grafana.Admin, "datasources:read"},
		{"PUT", "/api/org/preferences", `{}`, grafana.Admin, "orgs.preferences:write"},
		{"PUT", "/api/user/preferences", `{}`, grafana.Viewer, ""},
	} {
		for _, role := range []grafana.Role{"Nobody", grafana.Viewer, grafana.Editor, grafana.Admin} {
			a := r.as(role, tc.method, tc.path, strings.Replace(tc.body, `"x"`, `"`+string(role)+`"`, 1))
			if role.Includes(tc.needs) {
				require.Equal(t, http.StatusOK, a.code, "%s %s as %s: %s", tc.method, tc.path, role, a.body)
				continue
			}
			require.Equal(t, http.StatusForbidden, a.code, "%s %s as %s", tc.method, tc.path, role)
			body := decoded(t, a.body)
			require.Equal(t, "Access denied", at(t, body, "title"))
			require.Equal(t, "You'll need additional permissions to perform this action. Permissions needed: "+tc.permission, at(t, body, "message"))
		}
	}
}
