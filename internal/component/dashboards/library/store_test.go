package library_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

func TestSavedDashboardIsAFileThatPeopleCanRead(t *testing.T) {
	r := dashtest.Start(t, nil)
	got := r.Save(`{"dashboard":{"uid":"a","title":" My <b>dash</b> ","zeta":1.50,"alpha":[],"panels":[{"type":"text"}]},"message":"first"}`)
	require.Equal(t, map[string]any{
		"id": got["id"], "uid": "a", "url": "/d/a/my-b-dash-b", "status": "success", "version": 1.0, "slug": "my-b-dash-b", "folderUid": "",
	}, got)
	content, err := os.ReadFile(filepath.Join(r.Dir, "general", "a.json"))
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
	served := r.OK("GET", "/api/dashboards/uid/a", "")
	require.Equal(t, got["id"], dashtest.At(t, served, "dashboard", "id"))
	require.Equal(t, "admin", dashtest.At(t, served, "meta", "createdBy"))
	r.Stop()
	r.Run()
	require.Equal(t, served, r.OK("GET", "/api/dashboards/uid/a", ""), "the same after a restart")
}

func TestOptimisticLocking(t *testing.T) {
	r := dashtest.Start(t, nil)
	r.Save(`{"dashboard":{"uid":"a","title":"A"}}`)
	a := r.Admin("POST", "/api/dashboards/db", `{"dashboard":{"uid":"a","title":"B","version":7}}`)
	require.Equal(t, http.StatusPreconditionFailed, a.Code)
	require.JSONEq(t, `{"status":"version-mismatch","message":"The dashboard has been changed by someone else"}`, a.Body)
	require.Equal(t, 2.0, r.Save(`{"dashboard":{"uid":"a","title":"B","version":1}}`)["version"])
	require.Equal(t, 3.0, r.Save(`{"dashboard":{"uid":"a","title":"C","version":1},"overwrite":true}`)["version"])

	a = r.Admin("POST", "/api/dashboards/db", `{"dashboard":{"uid":"other","title":"c"}}`)
	require.Equal(t, http.StatusPreconditionFailed, a.Code)
	require.JSONEq(t, `{"status":"name-exists","message":"A dashboard with the same name in the folder already exists"}`, a.Body)
	require.Equal(t, "a", r.Save(`{"dashboard":{"title":"C"},"overwrite":true}`)["uid"], "without a uid the title decides")
}

func TestConcurrentSavesLoseNothing(t *testing.T) {
	r := dashtest.Start(t, nil)
	r.Save(`{"dashboard":{"uid":"a","title":"A"}}`)
	var wg sync.WaitGroup
	codes := make(chan int, 40)
	for i := range 40 {
		wg.Go(func() {
			codes <- r.Admin("POST", "/api/dashboards/db", fmt.Sprintf(`{"dashboard":{"uid":"a","title":"A","version":1,"n":%d}}`, i)).Code
			r.Admin("GET", "/api/dashboards/uid/a", "")
			r.Admin("GET", "/api/search", "")
			r.Admin("POST", "/api/dashboards/db", fmt.Sprintf(`{"dashboard":{"uid":"b%d","title":"B %d"}}`, i, i))
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
	require.Equal(t, 2.0, dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a", ""), "dashboard", "version"))
	require.Len(t, r.OK("GET", "/api/search?query=B&type=dash-db", ""), 40)
}

func TestVersions(t *testing.T) {
	r := dashtest.Start(t, nil)
	for i := range 25 {
		r.Save(fmt.Sprintf(`{"dashboard":{"uid":"a","title":"A %d","version":%d},"message":"change %d"}`, i, i, i))
	}
	versions := dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a/versions", ""), "versions").([]any)
	require.Len(t, versions, 20, "the last 20 stay")
	require.Equal(t, 25.0, dashtest.At(t, versions, 0, "version"))
	require.Equal(t, "change 24", dashtest.At(t, versions, 0, "message"))
	require.Equal(t, "admin", dashtest.At(t, versions, 0, "createdBy"))
	require.Equal(t, 24.0, dashtest.At(t, versions, 0, "parentVersion"))
	require.Len(t, dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a/versions?limit=3&start=2", ""), "versions"), 3)
	files, err := filepath.Glob(filepath.Join(r.Dir, ".versions", "a", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 20)

	require.Equal(t, "A 9", dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a/versions/10", ""), "data", "title"))
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/dashboards/uid/a/versions/3", "").Code)
	require.Equal(t, http.StatusBadRequest, r.Admin("GET", "/api/dashboards/uid/a/versions/x", "").Code)

	diff := r.Admin("POST", "/api/dashboards/calculate-diff", `{"base":{"dashboardUID":"a","version":10},"new":{"dashboardUID":"a","version":25},"diffType":"basic"}`)
	require.Equal(t, http.StatusOK, diff.Code)
	require.Contains(t, diff.Body, "--- a version 10\n+++ a version 25\n")
	require.Contains(t, diff.Body, "-  \"title\": \"A 9\",\n")
	diff = r.Admin("POST", "/api/dashboards/calculate-diff", `{"base":{"dashboardUID":"a","version":25},"new":{"unsavedDashboard":{"title":"<x>"}}}`)
	require.Contains(t, diff.Body, `+  "title": "<x>"`)
	require.Equal(t, "text/plain; charset=utf-8", diff.Header.Get("Content-Type"))

	require.Equal(t, 26.0, dashtest.At(t, r.OK("POST", "/api/dashboards/uid/a/restore", `{"version":10}`), "version"))
	require.Equal(t, "A 9", dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a", ""), "dashboard", "title"))
	latest := dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a/versions?limit=1", ""), "versions", 0)
	require.Equal(t, "Restored from version 10", dashtest.At(t, latest, "message"))
	require.Equal(t, 10.0, dashtest.At(t, latest, "restoredFrom"))
	require.Equal(t, http.StatusBadRequest, r.Admin("POST", "/api/dashboards/uid/a/restore", `{"version":26}`).Code)

	r.OK("DELETE", "/api/dashboards/uid/a", "")
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/dashboards/uid/a/versions", "").Code)
	require.NoDirExists(t, filepath.Join(r.Dir, ".versions", "a"))
	require.NoFileExists(t, filepath.Join(r.Dir, "general", "a.json"))
}

func TestHandEditedFileIsANewVersion(t *testing.T) {
	r := dashtest.Start(t, nil)
	r.Save(`{"dashboard":{"uid":"a","title":"A","panels":[]}}`)
	file := filepath.Join(r.Dir, "general", "a.json")
	title := func() any { return dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a", ""), "dashboard", "title") }

	require.NoError(t, os.WriteFile(file, []byte(`{"uid":"a","title":"By hand","panels":[]}`), 0o600))
	dashtest.Eventually(t, func() bool { return title() == "By hand" }, "the change is seen")
	versions := dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a/versions", ""), "versions").([]any)
	require.Len(t, versions, 2)
	require.Equal(t, "changed in the file", dashtest.At(t, versions, 0, "message"))

	require.NoError(t, os.WriteFile(file, []byte(`{"uid":"a","title":"Half`), 0o600))
	dashtest.Eventually(t, func() bool { return dashtest.Metric(t, r, "ausguck_dashboards_files_failed") == 1 }, "the problem is reported")
	require.Equal(t, "By hand", title(), "the last good state stays")
	r.Stop()
	r.Run()
	require.Equal(t, "By hand", title(), "over a restart")
	require.Equal(t, 3.0, r.Save(`{"dashboard":{"uid":"a","title":"Saved over it","version":2}}`)["version"])
	require.Equal(t, 0.0, dashtest.Metric(t, r, "ausguck_dashboards_files_failed"))

	require.NoError(t, os.Remove(file))
	dashtest.Eventually(t, func() bool { return r.Admin("GET", "/api/dashboards/uid/a", "").Code == http.StatusNotFound }, "a file that is gone is a dashboard that is gone")

	dashtest.WriteTree(t, r.Dir, map[string]string{"team/dropped in.json": `{"title":"Dropped","panels":[]}`})
	dashtest.Eventually(t, func() bool { return len(r.OK("GET", "/api/search?query=dropped", "").([]any)) == 1 }, "a new file is seen")
	hit := dashtest.At(t, r.OK("GET", "/api/search?query=dropped", ""), 0)
	require.Equal(t, "team", dashtest.At(t, hit, "folderTitle"))
	uid := dashtest.At(t, hit, "uid").(string)
	r.Save(fmt.Sprintf(`{"dashboard":{"uid":%q,"title":"Dropped","version":1},"folderUid":"team"}`, uid))
	require.NoFileExists(t, filepath.Join(r.Dir, "team", "dropped in.json"))
	require.FileExists(t, filepath.Join(r.Dir, "team", uid+".json"))
}

// TestCrash starts with the files left by a process that was killed in the middle of a save.
func TestCrash(t *testing.T) {
	r := dashtest.Start(t, nil)
	r.Save(`{"dashboard":{"uid":"a","title":"A","panels":[]}}`)
	r.Stop()
	dashtest.WriteTree(t, r.Dir, map[string]string{
		"general/.tmp-1":        `{"uid":"a","title":"half`,
		".versions/a/.tmp-2":    `{`,
		".versions/a/2.json":    `{"version":2,"data":{"ti`,                         // not written by us: our renames are atomic
		"general/b.json":        `{"uid":"b","title":"No version yet","version":4}`, // the file is written before its version
		"team/moved.json":       `{"uid":"moved","title":"Moved","panels":[]}`,
		"general/moved.json":    `{"uid":"moved","title":"Moved","panels":[]}`,
		".versions/gone/1.json": `{"version":1,"data":{"title":"Gone"}}`,
	})
	require.NoError(t, os.Chtimes(filepath.Join(r.Dir, "general", "moved.json"), time.Time{}, time.Now().Add(-time.Hour)))
	r.Run()
	require.Equal(t, "A", dashtest.At(t, r.OK("GET", "/api/dashboards/uid/a", ""), "dashboard", "title"))
	require.NoFileExists(t, filepath.Join(r.Dir, "general", ".tmp-1"))
	b := dashtest.At(t, r.OK("GET", "/api/dashboards/uid/b/versions", ""), "versions").([]any)
	require.Len(t, b, 1)
	require.Equal(t, 4.0, dashtest.At(t, b, 0, "version"))
	require.Equal(t, "team", dashtest.At(t, r.OK("GET", "/api/dashboards/uid/moved", ""), "meta", "folderUid"), "the newer of two places counts")
	require.Contains(t, r.Log.String(), "is in "+filepath.Join(r.Dir, "team", "moved.json")+" too, which is newer")
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/dashboards/uid/gone", "").Code)
}

func TestSaveThatFailsSaysSo(t *testing.T) {
	r := dashtest.Start(t, nil)
	r.Save(`{"dashboard":{"uid":"a","title":"A"}}`)
	// A file in place of the directory is a failure that a test can cause even as root.
	require.NoError(t, os.RemoveAll(filepath.Join(r.Dir, ".versions")))
	dashtest.WriteTree(t, r.Dir, map[string]string{".versions": "in the way"})
	a := r.Admin("POST", "/api/dashboards/db", `{"dashboard":{"uid":"a","title":"B","version":1}}`)
	require.Equal(t, http.StatusInternalServerError, a.Code)
	require.Contains(t, a.Body, "not a directory")
}
