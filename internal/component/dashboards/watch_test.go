package dashboards_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards"
)

// titles are the dashboards that are not built in.
func (r *rig) titles() string {
	r.t.Helper()
	var out []string
	for _, h := range r.ok("GET", "/api/search?type=dash-db", "").([]any) {
		if folder, _ := at(r.t, h, "folderTitle").(string); folder != "Ausguck" {
			out = append(out, folder+"/"+at(r.t, h, "title").(string))
		}
	}
	return strings.Join(out, " ")
}

func (r *rig) eventuallyTitles(want string) {
	r.t.Helper()
	eventually(r.t, func() bool { return r.titles() == want }, want)
}

func TestFilesAreFollowed(t *testing.T) {
	r := start(t, map[string]string{"grafana/dashboards/a.json": `{"uid":"a","title":"A","panels":[]}`})
	dir := filepath.Join(r.configDir, "grafana", "dashboards")
	require.Equal(t, "/A", r.titles())

	writeTree(t, dir, map[string]string{"a.json": `{"uid":"a","title":"Changed","panels":[]}`})
	r.eventuallyTitles("/Changed")
	writeTree(t, dir, map[string]string{"New/deep/b.json": `{"uid":"b","title":"B","panels":[]}`})
	r.eventuallyTitles("deep/B /Changed")
	writeTree(t, dir, map[string]string{"New/deep/c.json": `{"uid":"c","title":"C","panels":[]}`})
	r.eventuallyTitles("deep/B deep/C /Changed")
	require.NoError(t, os.Rename(filepath.Join(dir, "New", "deep", "c.json"), filepath.Join(dir, "c.json")))
	r.eventuallyTitles("deep/B /C /Changed")

	writeTree(t, dir, map[string]string{"a.json": `{"uid":"a","title":"Half`})
	eventually(t, func() bool { return metric(t, r, "ausguck_dashboards_files_failed") == 1 }, "the half-written file is reported")
	require.Equal(t, "deep/B /C /Changed", r.titles(), "the last good state stays")
	require.Contains(t, r.log.String(), "a.json: not JSON: line 1: the JSON ends too early")
	writeTree(t, dir, map[string]string{"a.json": `{"uid":"a","title":"Whole","panels":[]}`})
	r.eventuallyTitles("deep/B /C /Whole")
	require.Equal(t, 0.0, metric(t, r, "ausguck_dashboards_files_failed"))

	require.NoError(t, os.RemoveAll(filepath.Join(dir, "New")))
	require.NoError(t, os.Remove(filepath.Join(dir, "a.json")))
	r.eventuallyTitles("/C")
	require.Equal(t, http.StatusNotFound, r.admin("GET", "/api/folders/deep", "").code, "a folder without files is gone")
}

func TestFolderThatComesLaterIsFound(t *testing.T) {
	r := start(t, map[string]string{providersFile: "providers: [{name: p, updateIntervalSeconds: 1, options: {path: /nowhere/boards}}]"})
	require.Contains(t, r.log.String(), "its dashboards appear when it is")
	r.stop()
	mounted := filepath.Join(t.TempDir(), "boards")
	writeTree(t, r.configDir, map[string]string{providersFile: fmt.Sprintf("providers: [{name: p, updateIntervalSeconds: 1, options: {path: %s}}]", mounted)})
	r.run()
	require.Empty(t, r.titles())
	writeTree(t, mounted, map[string]string{"a.json": `{"title":"A","panels":[]}`})
	r.eventuallyTitles("/A")
}

// TestConfigMapSwap does what Kubernetes does: the files are links through ..data, which is swapped as a whole.
func TestConfigMapSwap(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mounted")
	writeTree(t, dir, map[string]string{
		"..2026_01/a.json": `{"uid":"a","title":"Old","panels":[]}`,
		"..2026_02/a.json": `{"uid":"a","title":"New and longer","panels":[]}`,
	})
	require.NoError(t, os.Symlink("..2026_01", filepath.Join(dir, "..data")))
	require.NoError(t, os.Symlink("..data/a.json", filepath.Join(dir, "a.json")))
	r := start(t, map[string]string{providersFile: fmt.Sprintf("providers: [{name: p, options: {path: %s}}]", dir)})
	require.Equal(t, "/Old", r.titles())
	require.NoError(t, os.Symlink("..2026_02", filepath.Join(dir, "..data_tmp")))
	require.NoError(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "..2026_01")))
	r.eventuallyTitles("/New and longer")
}

func TestLinkToItselfEnds(t *testing.T) {
	r := start(t, map[string]string{"grafana/dashboards/a.json": `{"uid":"a","title":"A","panels":[]}`})
	dir := filepath.Join(r.configDir, "grafana", "dashboards")
	require.NoError(t, os.Symlink(".", filepath.Join(dir, "loop")))
	writeTree(t, dir, map[string]string{"b.json": `{"uid":"b","title":"B","panels":[]}`})
	eventually(t, func() bool { return strings.Contains(r.titles(), "B") }, "the folder is still read")
}

func TestDisableDeletionKeepsTheDashboard(t *testing.T) {
	r := start(t, map[string]string{
		providersFile:               "providers: [{name: p, folder: Team, disableDeletion: true, options: {path: /var/lib/grafana/dashboards}}]",
		"grafana/dashboards/a.json": `{"uid":"a","title":"A","version":7,"panels":[]}`,
	})
	require.NoError(t, os.Remove(filepath.Join(r.configDir, "grafana", "dashboards", "a.json")))
	eventually(t, func() bool {
		a := r.admin("GET", "/api/dashboards/uid/a", "")
		return a.code == http.StatusOK && at(t, decoded(t, a.body), "meta", "provisioned") == false
	}, "it is a saved one now")
	require.Equal(t, "Team/A", r.titles())
	r.stop()
	r.run()
	require.Equal(t, "Team/A", r.titles())
	r.ok("DELETE", "/api/dashboards/uid/a", "")
}

func TestApplyConfig(t *testing.T) {
	r := start(t, map[string]string{"grafana/dashboards/a.json": `{"uid":"a","title":"A","panels":[]}`})
	r.ok("POST", "/api/datasources", `{"name":"Mine","type":"loki","url":"http://b:2"}`)
	writeTree(t, r.configDir, map[string]string{
		providersFile:             "providers: [{name: p, folder: Other, options: {path: grafana/other}}]",
		sourcesFile:               "datasources: [{name: New, uid: new, type: prometheus, url: 'http://a'}]\ndeleteDatasources: [{name: Mine}]",
		"grafana/other/b.json":    `{"uid":"b","title":"B","panels":[]}`,
		"grafana/other/more.json": `{"uid":"c","title":"C","panels":[]}`,
	})
	cfg, problems := dashboards.LoadConfig(r.source())
	require.Empty(t, problems)
	require.NoError(t, r.server.ApplyConfig(cfg))
	require.Equal(t, "Other/B Other/C", r.titles())
	require.Equal(t, http.StatusNotFound, r.admin("GET", "/api/datasources/name/Mine", "").code)
	r.ok("GET", "/api/datasources/uid/new", "")
	writeTree(t, r.configDir, map[string]string{"grafana/other/b.json": `{"uid":"b","title":"B2","panels":[]}`})
	r.eventuallyTitles("Other/B2 Other/C")

	writeTree(t, r.configDir, map[string]string{"grafana/other/b.json": `{"uid":"b","title":`})
	cfg, problems = dashboards.LoadConfig(r.source())
	require.Empty(t, problems)
	require.Len(t, cfg.DashboardProblems(), 1)
	require.NoError(t, r.server.ApplyConfig(cfg))
	require.Equal(t, "Other/B2 Other/C", r.titles(), "a broken file keeps its last good state over a reload")
}
