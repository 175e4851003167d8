package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// grafanaDatabase creates a grafana.db from a file of statements.
func grafanaDatabase(t *testing.T, statements string) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata/grafana", statements))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "grafana.db")
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	_, err = db.Exec(string(script))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return file
}

// tree returns every file below a folder with its content, to verify that nothing changes.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = string(content)
		return err
	}))
	return files
}

// searched returns the UIDs found by a search, each with that of its folder.
func (s *server) searched(t *testing.T, query string) map[string]string {
	t.Helper()
	var found []struct{ UID, FolderUID string }
	require.NoError(t, json.Unmarshal([]byte(s.get(t, "/api/search?"+query)), &found))
	folders := map[string]string{}
	for _, f := range found {
		folders[f.UID] = f.FolderUID
	}
	return folders
}

// The folders of a stock Prometheus, Loki and Alertmanager, and the database of a Grafana are migrated; the
// originals are unchanged, and everything is available after the start.
func TestMigrate(t *testing.T) {
	t.Parallel()
	target, _ := counterTarget(t)
	config := configDir(t, everySecond(target))
	tsdb := t.TempDir()
	stock := startStock(t, filepath.Join(config, "prometheus.yml"), tsdb)
	stock.waitValue(t, time.Minute, `count_over_time(scraped_total[5m]) >= bool 5`, 1)
	samples := stock.value(t, `count_over_time(scraped_total[5m])`)

	loki, alertmanager := t.TempDir(), t.TempDir()
	post := func(s *server, path, body string, want int) {
		status, answer := s.do(t, http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, body)
		require.Equal(t, want, status, answer)
	}
	store := startStockLoki(t, loki)
	post(store, "/loki/api/v1/push", fmt.Sprintf(`{"streams":[{"stream":{"job":"old"},"values":[["%d","an old line"]]}]}`, time.Now().UnixNano()), http.StatusNoContent)
	store.signal(t, syscall.SIGTERM)
	store.exitCode(t, time.Minute)
	notifier := startStockAlertmanager(t, alertmanager)
	post(notifier, "/api/v2/silences", fmt.Sprintf(`{"matchers":[{"name":"alertname","value":"x","isRegex":false}],"startsAt":%q,"endsAt":%q,"createdBy":"me","comment":"old silence"}`,
		time.Now().Format(time.RFC3339), time.Now().Add(time.Hour).Format(time.RFC3339)), http.StatusOK)
	notifier.stop(t)

	storage := filepath.Join(t.TempDir(), "new")
	grafana := grafanaDatabase(t, "v10.sql")
	args := []string{
		"migrate", "--storage.path=" + storage, "--from-prometheus=" + tsdb, "--from-loki=" + loki,
		"--from-alertmanager=" + alertmanager, "--from-grafana=" + grafana,
	}
	// The folder of a running program is rejected.
	code, out := runToEnd(t, ausguckBinary(t), args...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "the folder is in use; stop the Prometheus")
	stock.stop(t)

	sources := tree(t, tsdb)
	code, out = runToEnd(t, ausguckBinary(t), args...)
	require.Zero(t, code, out)
	require.Contains(t, out, "2 dashboards in 1 folders, 2 data sources, 2 annotations")
	require.Contains(t, out, "the secrets of data source Team Loki")
	require.Contains(t, out, "1 dashboards of other organisations stay")
	require.Contains(t, out, "1 annotations stay: they ended before")
	require.Contains(t, out, "Nothing was written; add --write to do it.")
	require.NoDirExists(t, storage)

	code, out = runToEnd(t, ausguckBinary(t), append(args, "--write")...)
	require.Zero(t, code, out)
	require.Contains(t, out, "Grafana is taken over: 2 dashboards in 1 folders, 2 data sources, 2 annotations.")
	require.NotContains(t, out, "left:")
	require.Equal(t, sources, tree(t, tsdb), "the source is as it was")
	code, out = runToEnd(t, ausguckBinary(t), append(args, "--write")...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "already contains data; migrate to a new --storage.path")

	flags := []string{"--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-log-collector"}
	s := startAusguck(t, config, storage, flags...)
	require.GreaterOrEqual(t, s.value(t, `count_over_time(scraped_total[10m])`), samples)
	eventually(t, 30*time.Second, func() error {
		body := s.get(t, "/loki/api/v1/query_range?query=%7Bjob%3D%22old%22%7D")
		return errUnless(strings.Contains(body, "an old line"), "%s", body)
	})
	require.Contains(t, s.get(t, "/api/v2/silences"), "old silence")
	found := s.searched(t, "type=dash-db")
	require.Equal(t, "services", found["gateway"])
	require.Contains(t, found, "old-home")
	require.NotContains(t, found, "other-org")
	require.Contains(t, s.get(t, "/api/dashboards/uid/gateway"), "rate(http_requests_total[5m])")
	require.Contains(t, s.get(t, "/api/datasources/uid/P1809F7CD0C75ACF3"), "http://agent-prometheus:9090")
	var annotations []struct{ Text, DashboardUID string }
	require.NoError(t, json.Unmarshal([]byte(s.get(t, fmt.Sprintf("/api/annotations?from=%d&to=%d", time.Now().Add(-48*time.Hour).UnixMilli(), time.Now().UnixMilli()))), &annotations))
	require.Len(t, annotations, 2)

	// The same through Grafana's HTTP API, from the server that is now running.
	again := filepath.Join(t.TempDir(), "again")
	code, out = runToEnd(t, ausguckBinary(t), "migrate", "--storage.path="+again, "--from-grafana="+s.url, "--write")
	require.Zero(t, code, out)
	require.Contains(t, out, "2 annotations.")
	code, out = runToEnd(t, ausguckBinary(t), "migrate", "--storage.path="+again, "--from-grafana="+urlOf("admin", "wrong", s.address))
	require.Equal(t, 1, code)
	require.Contains(t, out, "admin credentials are required")
	s.stop(t)

	n := startAusguck(t, config, again, flags...)
	require.Equal(t, "services", n.searched(t, "type=dash-db")["gateway"])
	n.stop(t)
}

// Nested folders and the objects of newer versions.
func TestMigrateNewGrafana(t *testing.T) {
	t.Parallel()
	storage := filepath.Join(t.TempDir(), "new")
	code, out := runToEnd(t, ausguckBinary(t), "migrate", "--storage.path="+storage, "--from-grafana="+grafanaDatabase(t, "v12.sql"), "--write")
	require.Zero(t, code, out)
	require.Contains(t, out, "Grafana is taken over: 2 dashboards in 2 folders, 0 data sources, 1 annotations.")
	s := startAusguck(t, configDir(t, nil), storage, "--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-log-collector")
	found := s.searched(t, "type=dash-db")
	require.Equal(t, "inner", found["deep"])
	require.Equal(t, "outer", found["unified"])
	require.NotContains(t, found, "gone")
	require.Equal(t, "outer", s.searched(t, "type=dash-folder")["inner"])
	s.stop(t)
}

// All paths that are not such a folder or file are reported at once, and nothing is written.
func TestMigrateFromNothing(t *testing.T) {
	t.Parallel()
	empty, storage := t.TempDir(), filepath.Join(t.TempDir(), "new")
	text := filepath.Join(empty, "text.db")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 200)), 0o600))
	code, out := runToEnd(t, ausguckBinary(t), "migrate", "--storage.path="+storage, "--write", "--from-prometheus="+empty,
		"--from-loki="+empty, "--from-alertmanager="+empty, "--from-grafana="+text)
	require.Equal(t, 1, code)
	for _, want := range []string{"is not a data folder of Prometheus", "is not a data folder of Loki", "is not a data folder of Alertmanager", "is not a Grafana database"} {
		require.Contains(t, out, want)
	}
	require.NoDirExists(t, storage)
	code, out = runToEnd(t, ausguckBinary(t), "migrate")
	require.Equal(t, 1, code)
	require.Contains(t, out, "nothing to migrate: set a source")
}
