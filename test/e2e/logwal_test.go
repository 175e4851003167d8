package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Acknowledged lines survive kill -9: those of a stream that was flushed, left memory and came back, and those written
// after a record torn by the kill.
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
		if n > 20 { // the next lines belong to a stream that is not in memory
			eventually(t, readyTimeout, func() error {
				streams := metric(s.get(t, "/metrics"), "loki_ingester_memory_streams")
				return errUnless(streams <= 0, "%v streams are in memory", streams)
			})
		}
	}
	s.stop(t)
}

// tear leaves the beginning of a record at the end of the write-ahead log, as a kill between two of its pages does.
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

// Lines acknowledged before and while the disk was full are kept, each once, while checkpoints, chunks and the index
// cannot be written: when there is space again, and through kill -9 before and after that.
func TestAcknowledgedLinesStayThroughAFullDisk(t *testing.T) {
	t.Parallel()
	storage, logs := t.TempDir(), t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", storage, "tmpfs", 0, "size=96m"), "needs root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(storage, unix.MNT_DETACH)) })
	config := configDir(t, map[string]string{
		"prometheus.yml": quietConfig, "loki.yml": "ingester: {chunk_idle_period: 2s, flush_check_period: 250ms, wal: {checkpoint_duration: 1s}}\n",
		"promtail.yml": fmt.Sprintf("clients: [{url: 'http://loki:3100/loki/api/v1/push'}]\nscrape_configs: [{job_name: f, static_configs: [{targets: [localhost], labels: {job: collected, __path__: '%s/*.log'}}]}]\n", logs),
	})
	start := func() *server {
		return startAusguck(t, config, storage, "--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-alertmanager")
	}
	s, filler := start(), filepath.Join(storage, "somebody-elses-file")
	want := map[string]int{}
	collected := func() { // a line for the collector, which waits for space
		want["collected"]++
		file, err := os.OpenFile(filepath.Join(logs, "a.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		require.NoError(t, err)
		_, err = fmt.Fprintf(file, "line %d\n", want["collected"])
		require.NoError(t, err)
		require.NoError(t, file.Close())
	}
	push := func(n int) (refused int) { // to streams that are flushed, and a new one
		for _, job := range []string{"first", "second", fmt.Sprintf("new at %d", n)} {
			code, answer := s.pushJob(t, job, time.Now(), fmt.Sprintf("line %d", n))
			if code == http.StatusNoContent {
				want[job]++
				continue
			}
			require.Equal(t, http.StatusInsufficientStorage, code, answer)
			refused++
		}
		return refused
	}
	allThere := func(when string) {
		t.Helper()
		eventually(t, readyTimeout, func() error {
			for job, n := range want {
				found := map[string]int{}
				for _, line := range s.lines(t, fmt.Sprintf(`{job=%q}`, job)) {
					found[line]++
				}
				if twice := slices.Max(append(slices.Collect(maps.Values(found)), 0)); len(found) != n || twice > 1 {
					return fmt.Errorf("%s: of %d lines of %s %d are there, at most %d times", when, n, job, len(found), twice)
				}
			}
			return nil
		})
	}
	n := 0
	for _, killed := range []bool{true, false} { // while the disk is full, or once there is space again
		for range 20 {
			collected()
			require.Zero(t, push(n))
			n++
		}
		allThere("with room")
		fillDisk(t, filler)
		accepted, refused := 0, 0
		for range 2 {
			giveBack(t, filler, 30<<20)
			eventually(t, time.Minute, func() error { // until the free space is noticed
				n++
				return errUnless(push(n) == 0, "still refused")
			})
			for range 100 { // checkpoints and flushes are due every second
				fillMore(t, filler)
				collected()
				n++
				no := push(n)
				accepted, refused = accepted+3-no, refused+no
				<-time.After(20 * time.Millisecond)
			}
		}
		n++
		t.Logf("of the pushes to a disk without a byte %d were accepted and %d refused", accepted, refused)
		require.Positive(t, refused)
		if !killed {
			require.NoError(t, os.Remove(filler))
			allThere("with room again")
			require.Zero(t, push(n))
			n++
		}
		s.kill()
		if killed {
			require.NoError(t, os.Remove(filler))
		}
		s = start()
		allThere("after a kill")
	}
	s.stop(t)
}

// giveBack frees space on a full disk.
func giveBack(t *testing.T, filler string, bytes int64) {
	t.Helper()
	info, err := os.Stat(filler)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(filler, info.Size()-bytes))
}
