package library_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

// titles returns the dashboards that are not built in.
func titles(r *dashtest.Rig) string {
	r.T.Helper()
	var out []string
	for _, h := range r.OK("GET", "/api/search?type=dash-db", "").([]any) {
		if folder, _ := dashtest.At(r.T, h, "folderTitle").(string); folder != "Ausguck" {
			out = append(out, folder+"/"+dashtest.At(r.T, h, "title").(string))
		}
	}
	return strings.Join(out, " ")
}

func eventuallyTitles(r *dashtest.Rig, want string) {
	r.T.Helper()
	dashtest.Eventually(r.T, func() bool { return titles(r) == want }, want)
}

func TestFilesAreFollowed(t *testing.T) {
	r := dashtest.Start(t, map[string]string{"grafana/dashboards/a.json": `{"uid":"a","title":"A","panels":[]}`})
	dir := filepath.Join(r.ConfigDir, "grafana", "dashboards")
	require.Equal(t, "/A", titles(r))

	dashtest.WriteTree(t, dir, map[string]string{"a.json": `{"uid":"a","title":"Changed","panels":[]}`})
	eventuallyTitles(r, "/Changed")
	dashtest.WriteTree(t, dir, map[string]string{"New/deep/b.json": `{"uid":"b","title":"B","panels":[]}`})
	eventuallyTitles(r, "deep/B /Changed")
	dashtest.WriteTree(t, dir, map[string]string{"New/deep/c.json": `{"uid":"c","title":"C","panels":[]}`})
	eventuallyTitles(r, "deep/B deep/C /Changed")
	require.NoError(t, os.Rename(filepath.Join(dir, "New", "deep", "c.json"), filepath.Join(dir, "c.json")))
	eventuallyTitles(r, "deep/B /C /Changed")

	dashtest.WriteTree(t, dir, map[string]string{"a.json": `{"uid":"a","title":"Half`})
	dashtest.Eventually(t, func() bool { return dashtest.Metric(t, r, "ausguck_dashboards_files_failed") == 1 }, "the half-written file is reported")
	require.Equal(t, "deep/B /C /Changed", titles(r), "the last good state stays")
	require.Contains(t, r.Log.String(), "a.json: not JSON: line 1: the JSON ends too early")
	dashtest.WriteTree(t, dir, map[string]string{"a.json": `{"uid":"a","title":"Whole","panels":[]}`})
	eventuallyTitles(r, "deep/B /C /Whole")
	require.Equal(t, 0.0, dashtest.Metric(t, r, "ausguck_dashboards_files_failed"))

	require.NoError(t, os.RemoveAll(filepath.Join(dir, "New")))
	require.NoError(t, os.Remove(filepath.Join(dir, "a.json")))
	eventuallyTitles(r, "/C")
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/folders/deep", "").Code, "a folder without files is gone")
}

func TestFolderThatComesLaterIsFound(t *testing.T) {
	r := dashtest.Start(t, map[string]string{dashtest.ProvidersFile: "providers: [{name: p, updateIntervalSeconds: 1, options: {path: /nowhere/boards}}]"})
	require.Contains(t, r.Log.String(), "its dashboards appear when it does")
	r.Stop()
	mounted := filepath.Join(t.TempDir(), "boards")
	dashtest.WriteTree(t, r.ConfigDir, map[string]string{dashtest.ProvidersFile: fmt.Sprintf("providers: [{name: p, updateIntervalSeconds: 1, options: {path: %s}}]", mounted)})
	r.Run()
	require.Empty(t, titles(r))
	dashtest.WriteTree(t, mounted, map[string]string{"a.json": `{"title":"A","panels":[]}`})
	eventuallyTitles(r, "/A")
}

// TestConfigMapSwap updates files as Kubernetes does: they are symlinks through ..data, which is replaced atomically.
func TestConfigMapSwap(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mounted")
	dashtest.WriteTree(t, dir, map[string]string{
		"..2026_01/a.json": `{"uid":"a","title":"Old","panels":[]}`,
		"..2026_02/a.json": `{"uid":"a","title":"New and longer","panels":[]}`,
	})
	require.NoError(t, os.Symlink("..2026_01", filepath.Join(dir, "..data")))
	require.NoError(t, os.Symlink("..data/a.json", filepath.Join(dir, "a.json")))
	r := dashtest.Start(t, map[string]string{dashtest.ProvidersFile: fmt.Sprintf("providers: [{name: p, options: {path: %s}}]", dir)})
	require.Equal(t, "/Old", titles(r))
	require.NoError(t, os.Symlink("..2026_02", filepath.Join(dir, "..data_tmp")))
	require.NoError(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "..2026_01")))
	eventuallyTitles(r, "/New and longer")
}

func TestLinkToItselfEnds(t *testing.T) {
	r := dashtest.Start(t, map[string]string{"grafana/dashboards/a.json": `{"uid":"a","title":"A","panels":[]}`})
	dir := filepath.Join(r.ConfigDir, "grafana", "dashboards")
	require.NoError(t, os.Symlink(".", filepath.Join(dir, "loop")))
	dashtest.WriteTree(t, dir, map[string]string{"b.json": `{"uid":"b","title":"B","panels":[]}`})
	dashtest.Eventually(t, func() bool { return strings.Contains(titles(r), "B") }, "the folder is still read")
}

func TestDisableDeletionKeepsTheDashboard(t *testing.T) {
	r := dashtest.Start(t, map[string]string{
		dashtest.ProvidersFile:      "providers: [{name: p, folder: Team, disableDeletion: true, options: {path: /var/lib/grafana/dashboards}}]",
		"grafana/dashboards/a.json": `{"uid":"a","title":"A","version":7,"panels":[]}`,
	})
	require.NoError(t, os.Remove(filepath.Join(r.ConfigDir, "grafana", "dashboards", "a.json")))
	dashtest.Eventually(t, func() bool {
		a := r.Admin("GET", "/api/dashboards/uid/a", "")
		return a.Code == http.StatusOK && dashtest.At(t, dashtest.Decoded(t, a.Body), "meta", "provisioned") == false
	}, "it is a saved one now")
	require.Equal(t, "Team/A", titles(r))
	r.Stop()
	r.Run()
	require.Equal(t, "Team/A", titles(r))
	r.OK("DELETE", "/api/dashboards/uid/a", "")
}

func TestApplyConfig(t *testing.T) {
	r := dashtest.Start(t, map[string]string{"grafana/dashboards/a.json": `{"uid":"a","title":"A","panels":[]}`})
	r.OK("POST", "/api/datasources", `{"name":"Mine","type":"loki","url":"http://b:2"}`)
	dashtest.WriteTree(t, r.ConfigDir, map[string]string{
		dashtest.ProvidersFile:    "providers: [{name: p, folder: Other, options: {path: grafana/other}}]",
		dashtest.SourcesFile:      "datasources: [{name: New, uid: new, type: prometheus, url: 'http://a'}]\ndeleteDatasources: [{name: Mine}]",
		"grafana/other/b.json":    `{"uid":"b","title":"B","panels":[]}`,
		"grafana/other/more.json": `{"uid":"c","title":"C","panels":[]}`,
	})
	cfg, problems := dashboards.LoadConfig(r.Source())
	require.Empty(t, problems)
	require.NoError(t, r.Server.ApplyConfig(cfg))
	require.Equal(t, "Other/B Other/C", titles(r))
	require.Equal(t, http.StatusNotFound, r.Admin("GET", "/api/datasources/name/Mine", "").Code)
	r.OK("GET", "/api/datasources/uid/new", "")
	dashtest.WriteTree(t, r.ConfigDir, map[string]string{"grafana/other/b.json": `{"uid":"b","title":"B2","panels":[]}`})
	eventuallyTitles(r, "Other/B2 Other/C")

	dashtest.WriteTree(t, r.ConfigDir, map[string]string{"grafana/other/b.json": `{"uid":"b","title":`})
	cfg, problems = dashboards.LoadConfig(r.Source())
	require.Empty(t, problems)
	require.Len(t, cfg.DashboardProblems(), 1)
	require.NoError(t, r.Server.ApplyConfig(cfg))
	require.Equal(t, "Other/B2 Other/C", titles(r), "a broken file keeps its last good state over a reload")
}
