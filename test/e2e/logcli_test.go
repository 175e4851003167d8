package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pushJob stores lines through Loki's JSON API, each one nanosecond after the previous one, and returns the
// response.
func (s *server) pushJob(t *testing.T, job string, at time.Time, lines ...string) (int, string) {
	t.Helper()
	values := make([][2]string, len(lines))
	for i, line := range lines {
		values[i] = [2]string{strconv.FormatInt(at.UnixNano()+int64(i), 10), line}
	}
	body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": map[string]string{"job": job}, "values": values}}})
	require.NoError(t, err)
	return s.do(t, http.MethodPost, "/loki/api/v1/push", map[string]string{"Content-Type": "application/json"}, string(body))
}

// A stock logcli works with all its commands.
func TestStockLogcli(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, configDir(t, map[string]string{"prometheus.yml": quietConfig}), t.TempDir(), metricsOnly...)
	var lines []string
	for n := range 100 {
		lines = append(lines, fmt.Sprintf("level=info n=%d msg=hello", n))
	}
	code, body := s.pushJob(t, "cli", time.Now().Add(-time.Minute), lines...)
	require.Equal(t, http.StatusNoContent, code, body)

	flags := []string{"--addr=http://" + s.address, "--username=admin", "--password=" + adminPassword, "--quiet"}
	logcli := func(args ...string) string {
		code, out := runToEnd(t, stockBinary(t, "logcli"), append(flags, args...)...)
		require.Zero(t, code, "logcli %v: %s", args, out)
		return out
	}
	out := logcli("query", "--limit=1000", "--forward", "--output=raw", `{job="cli"} | logfmt | n >= 90`)
	require.Equal(t, strings.Join(lines[90:], "\n"), strings.TrimSpace(out))
	require.Contains(t, logcli("instant-query", `sum(count_over_time({job="cli"}[10m]))`), `"100"`)
	require.Contains(t, logcli("query", "--step=30s", "--since=10m", `sum(count_over_time({job="cli"}[10m]))`), `"100"`)
	require.Contains(t, logcli("labels"), "job")
	require.Equal(t, "cli", strings.TrimSpace(logcli("labels", "job")))
	require.Contains(t, logcli("series", `{job="cli"}`), `{job="cli", service_name="cli"}`)
	random := rand.NewChaCha8([32]byte{})
	for range 4 { // statistics are about chunks on disk, to which full ones are flushed
		var big []string
		for range 1000 {
			noise := make([]byte, 800)
			_, _ = random.Read(noise) // never fails
			big = append(big, base64.StdEncoding.EncodeToString(noise))
		}
		code, body := s.pushJob(t, "big", time.Now(), big...)
		require.Equal(t, http.StatusNoContent, code, body)
	}
	eventually(t, readyTimeout, func() error {
		stats := logcli("stats", `{job="big"}`)
		return errUnless(matches(`entries: [1-9]\d\d`, stats) && matches(`streams: 1`, stats), "%s", stats)
	})
	require.Contains(t, logcli("volume", `{job="cli"}`), `cli`)
	require.Contains(t, logcli("detected-fields", `{job="cli"}`), "msg")

	tail := startProcess(t, exec.Command(stockBinary(t, "logcli"), append(flags, "query", "--tail", "--output=raw", `{job="cli"} |= "fresh"`)...))
	n := 0
	eventually(t, readyTimeout, func() error { // it receives lines once it is connected
		n++
		code, body := s.pushJob(t, "cli", time.Now(), fmt.Sprintf("fresh %d", n))
		require.Equal(t, http.StatusNoContent, code, body)
		return errUnless(tail.output.matches(`fresh \d+`), "nothing comes by tail: %s", tail.output)
	})
	tail.kill()
	s.stop(t)
}
