package library_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

func TestDamagedFolders(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"cut":      func(path string) error { return os.Truncate(path, 20) },
		"empty":    func(path string) error { return os.Truncate(path, 0) },
		"wrong":    func(path string) error { return os.WriteFile(path, []byte(`{"folders":[{"uid":"a/b"}]}`), 0o600) },
		"gone":     os.Remove,
		"a folder": func(path string) error { return replaceByFolder(path) },
	} {
		t.Run(name, func(t *testing.T) {
			r := dashtest.Start(t, nil)
			r.OK("POST", "/api/folders", `{"uid":"team","title":"Crew"}`)
			r.OK("POST", "/api/dashboards/db", `{"folderUid":"team","dashboard":{"uid":"mine","title":"Mine","panels":[]}}`)
			r.Stop()
			path := filepath.Join(r.Dir, "folders.json")
			require.NoError(t, damage(path))
			notices := r.Damaged()
			require.Len(t, notices, 1)
			require.Equal(t, path, notices[0].Path)
			require.Equal(t, name != "gone", notices[0].Aside != "")
			require.Equal(t, "team", dashtest.At(t, r.OK("GET", "/api/dashboards/uid/mine", ""), "meta", "folderUid"))
			require.Equal(t, "team", dashtest.At(t, r.OK("GET", "/api/folders/team", ""), "title"))
			r.Stop()
			require.Empty(t, r.Damaged(), "it is told of once")
		})
	}
}

func replaceByFolder(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Mkdir(path, 0o750)
}

// An unreadable version is set aside and the others are listed; for a dashboard without a file, the message explains
// how to restore it.
func TestDamagedVersions(t *testing.T) {
	r := dashtest.Start(t, nil)
	for range 3 {
		r.OK("POST", "/api/dashboards/db", `{"overwrite":true,"dashboard":{"uid":"mine","title":"Mine","panels":[]}}`)
	}
	r.Stop()
	versions := filepath.Join(r.Dir, ".versions", "mine")
	require.NoError(t, os.Truncate(filepath.Join(versions, "2.json"), 0))
	require.NoError(t, replaceByFolder(filepath.Join(versions, "3.json")))
	notices := r.Damaged()
	require.Len(t, notices, 2)
	require.Equal(t, "version 3 of the dashboard mine", notices[0].Lost)
	require.Equal(t, "version 2 of the dashboard mine", notices[1].Lost)
	require.Len(t, dashtest.At(t, r.OK("GET", "/api/dashboards/uid/mine/versions", ""), "versions"), 1)
	require.Equal(t, http.StatusOK, r.Admin("GET", "/api/dashboards/uid/mine", "").Code)
	aside, err := filepath.Glob(filepath.Join(versions, "*.corrupt-*"))
	require.NoError(t, err)
	require.Len(t, aside, 2)
	r.Stop()

	require.NoError(t, os.Remove(filepath.Join(r.Dir, "general", "mine.json")))
	notices = r.Damaged()
	require.Len(t, notices, 1)
	require.Equal(t, `the dashboard "Mine"`, notices[0].Lost)
	require.Contains(t, notices[0].Remedy, "jq .data "+versions)
	r.OK("POST", "/api/dashboards/db", `{"dashboard":{"uid":"mine","title":"Mine","panels":[]}}`)
	r.OK("DELETE", "/api/dashboards/uid/mine", "")
	r.Stop()
	require.Empty(t, r.Damaged(), "one that was deleted on the page")
}
