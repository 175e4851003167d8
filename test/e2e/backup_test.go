package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A backup of a running process, restored into another folder, contains everything: samples, lines, silences,
// dashboards, users. A stock Prometheus can open the restored TSDB, too.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	target, _ := counterTarget(t)
	storage := t.TempDir()
	config := configDir(t, everySecond(target))
	flags := []string{"--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-log-collector"}
	s := startAusguck(t, config, storage, flags...)

	const lines = 500
	begun := time.Now().Add(-time.Minute)
	var values [][2]string
	for i := range lines {
		values = append(values, [2]string{fmt.Sprint(begun.Add(time.Duration(i) * time.Millisecond).UnixNano()), fmt.Sprintf("line %d", i)})
	}
	body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": map[string]string{"job": "backup"}, "values": values}}})
	require.NoError(t, err)
	post := func(path, body string, want int) string {
		status, answer := s.do(t, http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, body)
		require.Equal(t, want, status, answer)
		return answer
	}
	post("/loki/api/v1/push", string(body), http.StatusNoContent)
	post("/api/dashboards/db", `{"dashboard":{"uid":"mine","title":"Mine","panels":[]}}`, http.StatusOK)
	post("/api/ausguck/heartbeats", `{"name":"nightly","every":"1d"}`, http.StatusOK)
	post("/api/admin/users", `{"name":"Eve","login":"eve","password":"eve's password"}`, http.StatusOK)
	post("/api/v2/silences", fmt.Sprintf(`{"matchers":[{"name":"alertname","value":"x","isRegex":false}],"startsAt":%q,"endsAt":%q,"createdBy":"me","comment":"kept"}`,
		time.Now().Format(time.RFC3339), time.Now().Add(time.Hour).Format(time.RFC3339)), http.StatusOK)
	s.waitValue(t, time.Minute, `count_over_time(scraped_total[5m]) >= bool 5`, 1)

	samples := s.value(t, `sum(count_over_time(scraped_total[5m]))`)
	file := filepath.Join(t.TempDir(), "backup.tar.gz")
	cli := append([]string{"backup", file, "--storage.path=" + storage, "--web.listen-address=" + s.address}, flags...)
	code, out := runToEnd(t, ausguckBinary(t), cli...)
	require.Zero(t, code, out)
	require.Contains(t, out, file)
	requireSameThroughPipe(t, storage, s.address, flags)
	leftovers, err := filepath.Glob(filepath.Join(storage, ".incomplete-*"))
	require.NoError(t, err)
	require.Empty(t, leftovers, "the copies are removed")
	code, out = runToEnd(t, ausguckBinary(t), cli...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "already exists")

	// A second process on the same folder is rejected before it changes anything.
	code, out = runToEnd(t, ausguckBinary(t), "--config.dir="+config, "--storage.path="+storage,
		fmt.Sprintf("--web.listen-address=127.0.0.1:%d", freePort(t)), "--no-web.well-known-ports")
	require.Equal(t, 1, code)
	require.Contains(t, out, fmt.Sprintf("another Ausguck (process %d) is using %s", s.cmd.Process.Pid, storage))
	s.stop(t)

	// Nothing is running: the message says what to do instead.
	code, out = runToEnd(t, ausguckBinary(t), append([]string{"backup", file + "2", "--storage.path=" + storage, "--web.listen-address=" + s.address}, flags...)...)
	require.Equal(t, 1, code)
	require.Contains(t, out, "copy the folder ")
	require.NoFileExists(t, file+"2.partial")
	require.NoFileExists(t, file+"2", "nobody takes it for a backup")

	// Nothing is restored into a folder that is not empty.
	code, out = runToEnd(t, ausguckBinary(t), "restore", file, "--storage.path="+storage)
	require.Equal(t, 1, code)
	require.Contains(t, out, "is not empty")

	restored := filepath.Join(t.TempDir(), "restored")
	cut := filepath.Join(t.TempDir(), "cut.tar.gz")
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(cut, content[:len(content)*2/3], 0o600))
	code, out = runToEnd(t, ausguckBinary(t), "restore", cut, "--storage.path="+restored)
	require.Equal(t, 1, code)
	require.Contains(t, out, "archive is truncated")
	code, out = runToEnd(t, ausguckBinary(t), "restore", file, "--storage.path="+restored)
	require.Zero(t, code, out)

	n := startAusguck(t, config, restored, flags...)
	require.GreaterOrEqual(t, n.value(t, `sum(count_over_time(scraped_total[5m]))`), samples)
	eventually(t, 30*time.Second, func() error {
		var answer struct {
			Data struct {
				Result []struct{ Value [2]any }
			}
		}
		body := n.get(t, "/loki/api/v1/query?query=sum(count_over_time(%7Bjob%3D%22backup%22%7D%5B1h%5D))")
		if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Data.Result) != 1 {
			return fmt.Errorf("%w: %s", err, body)
		}
		return errUnless(answer.Data.Result[0].Value[1] == fmt.Sprint(lines), "lines: %s", body)
	})
	require.Contains(t, n.get(t, "/api/dashboards/uid/mine"), `"title":"Mine"`)
	require.Contains(t, n.get(t, "/api/ausguck/heartbeats"), `"name":"nightly"`)
	require.Contains(t, n.get(t, "/api/v2/silences"), `"comment":"kept"`)
	request, err := http.NewRequest(http.MethodGet, "http://"+n.address+"/api/user", nil)
	require.NoError(t, err)
	request.SetBasicAuth("eve", "eve's password")
	response, err := n.client.Do(request)
	require.NoError(t, err)
	user, err := readAll(response.Body)
	require.NoError(t, err)
	require.True(t, strings.Contains(user, `"login":"eve"`), user)
	n.stop(t)

	stock := startStock(t, filepath.Join(config, "prometheus.yml"), filepath.Join(restored, "prometheus"))
	require.GreaterOrEqual(t, stock.value(t, `sum(count_over_time(scraped_total[10m]))`), samples)
}

// requireSameThroughPipe backs up to standard output and restores from standard input, as in a container.
func requireSameThroughPipe(t *testing.T, storage, address string, flags []string) {
	t.Helper()
	var archive, said bytes.Buffer
	cmd := exec.Command(ausguckBinary(t), append([]string{"backup", "-", "--storage.path=" + storage, "--web.listen-address=" + address}, flags...)...)
	cmd.Stdout, cmd.Stderr = &archive, &said
	require.NoError(t, cmd.Run(), said.String())
	require.Contains(t, said.String(), "standard output: ")
	dir := filepath.Join(t.TempDir(), "piped")
	cmd = exec.Command(ausguckBinary(t), "restore", "-", "--storage.path="+dir)
	cmd.Stdin = &archive
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.FileExists(t, filepath.Join(dir, "ausguck.db"))
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		require.NotContains(t, e.Name(), "standard", "no file of that name")
	}
}
