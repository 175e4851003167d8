package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// openDir returns a new folder that another user can enter.
func openDir(t *testing.T, owner int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ausguck-e2e-*")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Chown(dir, owner, owner))
	return dir
}

// copyProgram copies the program to where another user can run it.
func copyProgram(t *testing.T, dir string) string {
	t.Helper()
	from, err := os.Open(ausguckBinary(t))
	require.NoError(t, err)
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(dir, "ausguck"), os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(to, from)
	require.NoError(t, err)
	require.NoError(t, to.Close())
	return to.Name()
}

// A file, and a folder, that this user may not read are reported once with the reason and a remedy; others are
// collected, and what becomes readable is collected then.
func TestUnreadableLogs(t *testing.T) {
	t.Parallel()
	const nobody = 65534
	logs, storage := openDir(t, 0), openDir(t, nobody)
	writeFile(t, filepath.Join(logs, "good.log"), "good\n")
	writeFile(t, filepath.Join(logs, "secret.log"), "secret\n")
	require.NoError(t, os.Chmod(filepath.Join(logs, "secret.log"), 0o600))
	writeFile(t, filepath.Join(logs, "closed", "hidden.log"), "hidden\n")
	require.NoError(t, os.Chmod(filepath.Join(logs, "closed"), 0o700))
	require.NoError(t, os.Symlink("circle.log", filepath.Join(logs, "circle.log")))
	config := openDir(t, nobody)
	writeFile(t, filepath.Join(config, "prometheus.yml"), quietConfig)
	writeFile(t, filepath.Join(config, "promtail.yml"), fmt.Sprintf(`
clients: [{url: http://loki:3100/loki/api/v1/push}]
scrape_configs: [{job_name: a, static_configs: [{labels: {job: a, __path__: '%[1]s/*.log'}}, {labels: {job: a, __path__: '%[1]s/closed/*.log'}}]}]
`, logs))
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd := exec.Command(copyProgram(t, openDir(t, nobody)), "--config.dir="+config, "--storage.path="+storage,
		"--web.listen-address="+address, "--no-web.well-known-ports", "--no-cadvisor", "--no-node-exporter", "--no-docker")
	cmd.Dir = storage
	cmd.Env = append(os.Environ(), passwordEnv, "HOME="+storage)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	s := launch(t, address, cmd)
	s.url = urlOf("admin", adminPassword, address)
	s.waitReady(t, readyTimeout)

	eventually(t, readyTimeout, func() error {
		n := metric(s.get(t, "/metrics"), "ausguck_logcollector_unreadable_files")
		return errUnless(n == 3 && len(s.lines(t, `{job="a"}`)) == 1, "%v unreadable", n)
	})
	for n := range 3 { // new files trigger another scan
		writeFile(t, filepath.Join(logs, fmt.Sprintf("more%d.log", n)), "more\n")
		eventually(t, readyTimeout, func() error { return errUnless(len(s.lines(t, `{job="a"}`)) == n+2, "not collected") })
	}
	for path, why := range map[string]string{"secret.log": "permission denied", "closed": "permission denied", "circle.log": "too many levels of symbolic links"} {
		var said []string
		for line := range strings.Lines(s.output.String()) {
			if strings.Contains(line, "Cannot read a log file") && strings.Contains(line, "path="+filepath.Join(logs, path)+" ") {
				said = append(said, line)
			}
		}
		require.Len(t, said, 1, path)
		require.Contains(t, said[0], why)
		if why == "permission denied" {
			require.Contains(t, said[0], "setfacl")
		}
	}

	require.NoError(t, os.Chmod(filepath.Join(logs, "closed"), 0o755))
	require.NoError(t, os.Chmod(filepath.Join(logs, "secret.log"), 0o644))
	require.NoError(t, os.Remove(filepath.Join(logs, "circle.log")))
	eventually(t, time.Minute, func() error {
		n := metric(s.get(t, "/metrics"), "ausguck_logcollector_unreadable_files")
		return errUnless(n == 0 && len(s.lines(t, `{job="a"}`)) == 6, "%v unreadable", n)
	})
	s.stop(t)
}

// When another client has used up all streams, known files are still collected, new ones wait with a warning, and
// nothing is missing once streams are available again.
func TestNewStreamsWaitForRoom(t *testing.T) {
	t.Parallel()
	logs := t.TempDir()
	config := configDir(t, map[string]string{
		"prometheus.yml": quietConfig,
		"loki.yml":       "limits_config: {max_global_streams_per_user: 50}\ningester: {chunk_idle_period: 20s, flush_check_period: 1s, chunk_retain_period: 0s}\n",
		"promtail.yml": fmt.Sprintf(`
clients: [{url: http://loki:3100/loki/api/v1/push}]
scrape_configs: [{job_name: a, static_configs: [{labels: {job: a, __path__: '%s/*.log'}}]}]
`, logs)})
	s := startAusguck(t, config, t.TempDir(), "--no-cadvisor", "--no-node-exporter", "--no-docker")
	add := func(name string, lines int) {
		f, err := os.OpenFile(filepath.Join(logs, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		_, err = f.WriteString(strings.Repeat("a line\n", lines))
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	stored := func(name string) int { return len(s.lines(t, `{job="a", filename="`+logs+"/"+name+`"}`)) }
	wait := func(name string, want int) {
		eventually(t, 2*time.Minute, func() error {
			have := stored(name)
			return errUnless(have == want, "%d of %d lines of %s", have, want, name)
		})
	}
	add("known.log", 10)
	wait("known.log", 10)
	for n := 0; ; n++ { // another client's mistake
		require.Less(t, n, 100)
		if code, _ := s.pushJob(t, fmt.Sprintf("flood-%d", n), time.Now(), "x"); code == http.StatusTooManyRequests {
			break
		}
	}
	add("new.log", 20)
	s.waitOutput(t, `Lines of new streams are waiting.*new\.log`)
	add("known.log", 10)
	wait("known.log", 20)
	wait("new.log", 20)
	require.Equal(t, 20, stored("known.log"))
	require.Equal(t, 1, strings.Count(s.output.String(), "Lines of new streams are waiting"), "said once")
	s.stop(t)
}
