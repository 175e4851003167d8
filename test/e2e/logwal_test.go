package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/stretchr/testify/require"
)

// Lines that were acknowledged stay through kill -9: those of a stream that was flushed, left memory and came back, and those
// that were written after a record that the kill had torn.
func TestAcknowledgedLinesStayThroughKills(t *testing.T) {
	t.Parallel()
	storage, logs := t.TempDir(), t.TempDir()
	config := configDir(t, map[string]string{
		"prometheus.yml": quietConfig, "loki.yml": "ingester: {chunk_idle_period: 2s, flush_check_period: 250ms}\n",
		"promtail.yml": fmt.Sprintf("clients: [{url: 'http://loki:3100/loki/api/v1/push'}]\nscrape_configs: [{job_name: f, static_configs: [{targets: [localhost], labels: {job: collected, __path__: '%s/*.log'}}]}]\n", logs),
	})
	start := func() *server {
		return startAusguck(t, config, storage, "--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-alertmanager")
	}
	s := start()
	written := 0
	write := func(n int) {
		file, err := os.OpenFile(filepath.Join(logs, "a.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		require.NoError(t, err)
		var lines []string
		for range n {
			written++
			lines = append(lines, fmt.Sprintf("line %d", written))
			_, err := fmt.Fprintln(file, lines[len(lines)-1])
			require.NoError(t, err)
		}
		require.NoError(t, file.Close())
		code, answer := s.pushJob(t, "pushed", time.Now(), lines...)
		require.Equal(t, http.StatusNoContent, code, answer)
	}
	allThere := func() {
		eventually(t, readyTimeout, func() error {
			pushed, collected := len(s.lines(t, `{job="pushed"}`)), len(s.lines(t, `{job="collected"}`))
			return errUnless(pushed == written && collected == written, "of %d lines %d pushed and %d collected ones are there", written, pushed, collected)
		})
	}
	for _, n := range []int{100, 50, 20, 120, 7} {
		write(n)
		allThere()
		s.kill()
		tear(t, filepath.Join(storage, "loki", "wal"))
		s = start()
		allThere()
		if n > 20 { // the next lines come to a stream that is not in memory
			eventually(t, readyTimeout, func() error {
				streams := metric(s.get(t, "/metrics"), "loki_ingester_memory_streams")
				return errUnless(streams <= 0, "%v streams are in memory", streams)
			})
		}
	}
	s.stop(t)
}

// tear leaves the beginning of a record at the end of the write-ahead log, as a kill between two pages of it does.
func tear(t *testing.T, wal string) {
	t.Helper()
	_, last, err := wlog.Segments(wal)
	require.NoError(t, err)
	file, err := os.OpenFile(wlog.SegmentName(wal, last), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	const first = 2 // of several pieces
	_, err = file.Write([]byte{first, 0x40, 0x00, 1, 2, 3, 4, 'a', ' ', 'p', 'i', 'e', 'c', 'e'})
	require.NoError(t, err)
	require.NoError(t, file.Close())
}
