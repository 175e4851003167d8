package e2e

import (
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// filesBelow counts the files of each folder below dir.
func filesBelow(dir string) map[string]int {
	found := map[string]int{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() { // files may disappear meanwhile
			found[filepath.Dir(path)]++
		}
		return nil
	})
	return found
}

// indexDays returns the daily tables of Loki's index that have files.
func indexDays(dir string) []string {
	var days []string
	for folder := range filesBelow(dir) {
		rel, _ := filepath.Rel(dir, folder)
		if day, _, _ := strings.Cut(rel, "/"); strings.HasPrefix(day, "index_") && !slices.Contains(days, day) { // a tenant's files are a folder deeper
			days = append(days, day)
		}
	}
	return days
}

// Logs older than retention_period are deleted from disk, chunks and index, and younger ones from a push in the same
// minute are kept.
func TestLogRetention(t *testing.T) {
	t.Parallel()
	storage := t.TempDir()
	// 24h is the shortest retention that Loki accepts.
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig, "loki.yml": `
limits_config: {retention_period: 24h, reject_old_samples: false}
ingester: {chunk_idle_period: 1s, flush_check_period: 250ms, wal: {checkpoint_duration: 1s}}
compactor: {compaction_interval: 2s, retention_delete_delay: 1s}
`})
	start := func() *server {
		s := launchWith(t, []string{"TMPDIR=/nonexistent"}, config, storage, metricsOnly...) // as in the compose file, with read_only
		s.waitReady(t, readyTimeout)
		return s
	}
	s := start()
	const count = 1000
	now := time.Now()
	for job, age := range map[string]time.Duration{"old": 50 * time.Hour, "older": 98 * time.Hour, "young": 20 * time.Hour} {
		var lines []string
		for n := range count {
			lines = append(lines, fmt.Sprintf("job=%s n=%d", job, n))
		}
		code, answer := s.pushJob(t, job, now.Add(-age), lines...)
		require.Equal(t, http.StatusNoContent, code, answer)
	}
	chunks, index := filepath.Join(storage, "loki", "chunks", "fake"), filepath.Join(storage, "loki", "chunks", "index")
	eventually(t, readyTimeout, func() error {
		streams := filesBelow(chunks)
		return errUnless(len(streams) == 3, "chunks are flushed: %v", streams)
	})
	// Upstream looks for marked chunks once a minute. The index of pushed lines is written when its files are rotated,
	// every quarter of an hour, or at startup.
	s.stop(t)
	s = start()
	tables := 0
	eventually(t, 2*time.Minute, func() error {
		tables = max(tables, len(indexDays(index)))
		streams := filesBelow(chunks)
		return errUnless(len(streams) == 1, "files by stream: %v", streams)
	})
	require.Equal(t, 3, tables, "days of index before")
	eventually(t, time.Minute, func() error {
		left := indexDays(index)
		return errUnless(len(left) == 1, "days of index: %v", left)
	})
	// The previous process may have some of its chunks in its cache. The write-ahead log no longer contains them, as
	// checkpoints are short here.
	s.stop(t)
	s = start()
	require.Equal(t, map[string]int64{"young": count}, s.counts(t, now.Add(-120*time.Hour)))
	s.stop(t)
}
