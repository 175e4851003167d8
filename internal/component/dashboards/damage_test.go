package dashboards_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/setaside"
)

// damaged starts the server on what a test has done to its files, and returns what it tells of that.
func (r *rig) damaged() []setaside.Notice {
	r.t.Helper()
	shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	r.run(func(o *dashboards.Options) { o.SetAside = shelf })
	for _, n := range shelf.Notices() {
		require.NotEmpty(r.t, n.Lost)
		require.NotEmpty(r.t, n.Remedy)
	}
	return shelf.Notices()
}

func TestDamagedFolders(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"cut":      func(path string) error { return os.Truncate(path, 20) },
		"empty":    func(path string) error { return os.Truncate(path, 0) },
		"wrong":    func(path string) error { return os.WriteFile(path, []byte(`{"folders":[{"uid":"a/b"}]}`), 0o600) },
		"gone":     os.Remove,
		"a folder": func(path string) error { return replaceByFolder(path) },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			r.ok("POST", "/api/folders", `{"uid":"team","title":"Crew"}`)
			r.ok("POST", "/api/dashboards/db", `{"folderUid":"team","dashboard":{"uid":"mine","title":"Mine","panels":[]}}`)
			r.stop()
			path := filepath.Join(r.dir, "folders.json")
			require.NoError(t, damage(path))
			notices := r.damaged()
			require.Len(t, notices, 1)
			require.Equal(t, path, notices[0].Path)
			require.Equal(t, name != "gone", notices[0].Aside != "")
			require.Equal(t, "team", at(t, r.ok("GET", "/api/dashboards/uid/mine", ""), "meta", "folderUid"))
			require.Equal(t, "team", at(t, r.ok("GET", "/api/folders/team", ""), "title"))
			r.stop()
			require.Empty(t, r.damaged(), "it is told of once")
		})
	}
}

func replaceByFolder(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Mkdir(path, 0o750)
}

// A version that cannot be read is set aside, and the others are listed; of a dashboard whose file is gone it is told how to
// have it back.
func TestDamagedVersions(t *testing.T) {
	r := start(t, nil)
	for range 3 {
		r.ok("POST", "/api/dashboards/db", `{"overwrite":true,"dashboard":{"uid":"mine","title":"Mine","panels":[]}}`)
	}
	r.stop()
	versions := filepath.Join(r.dir, ".versions", "mine")
	require.NoError(t, os.Truncate(filepath.Join(versions, "2.json"), 0))
	require.NoError(t, replaceByFolder(filepath.Join(versions, "3.json")))
	notices := r.damaged()
	require.Len(t, notices, 2)
	require.Equal(t, "version 3 of the dashboard mine", notices[0].Lost)
	require.Equal(t, "version 2 of the dashboard mine", notices[1].Lost)
	require.Len(t, at(t, r.ok("GET", "/api/dashboards/uid/mine/versions", ""), "versions"), 1)
	require.Equal(t, http.StatusOK, r.admin("GET", "/api/dashboards/uid/mine", "").code)
	aside, err := filepath.Glob(filepath.Join(versions, "*.corrupt-*"))
	require.NoError(t, err)
	require.Len(t, aside, 2)
	r.stop()

	require.NoError(t, os.Remove(filepath.Join(r.dir, "general", "mine.json")))
	notices = r.damaged()
	require.Len(t, notices, 1)
	require.Equal(t, `the dashboard "Mine"`, notices[0].Lost)
	require.Contains(t, notices[0].Remedy, "jq .data "+versions)
	r.ok("POST", "/api/dashboards/db", `{"dashboard":{"uid":"mine","title":"Mine","panels":[]}}`)
	r.ok("DELETE", "/api/dashboards/uid/mine", "")
	r.stop()
	require.Empty(t, r.damaged(), "one that was deleted on the page")
}

// A data source whose row is damaged costs that one.
func TestDamagedDataSource(t *testing.T) {
	r := start(t, nil)
	for _, uid := range []string{"good", "bad"} {
		r.ok("POST", "/api/datasources", `{"name":"`+uid+`","uid":"`+uid+`","type":"prometheus","url":"http://127.0.0.1:1","access":"proxy"}`)
	}
	r.stop()
	r.exec(`UPDATE datasources SET body = '{"type":' WHERE uid = 'bad'`)
	notices := r.damaged()
	require.Len(t, notices, 1)
	require.Equal(t, `the data source "bad"`, notices[0].Lost)
	r.ok("GET", "/api/datasources/uid/good", "")
}
