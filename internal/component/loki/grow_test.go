package loki

import (
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pageConfig loads the loki.yml of a section of docs/grow.md.
func pageConfig(t *testing.T, section string) *Config {
	t.Helper()
	page, err := os.ReadFile("../../../docs/grow.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "\n## "+section+"\n")
	require.True(t, found)
	file := regexp.MustCompile("(?s)`loki.yml`[^\n]*:\n\n```yaml\n(.*?)```").FindStringSubmatch(rest)
	require.NotNil(t, file)
	cfg, problems := LoadConfig(Options{Logger: slog.New(slog.DiscardHandler), Dir: t.TempDir()}, Source{Name: "loki.yml", Content: []byte(file[1])})
	require.Empty(t, problems)
	return cfg
}

// docs/grow.md says how long things take that no test can wait for: the settings that decide about it have these values.
func TestTimesOfThePage(t *testing.T) {
	for _, section := range []string{"Logs in an object store", "Logs on three hosts"} {
		cfg := pageConfig(t, section)
		require.Equal(t, 2*time.Hour, cfg.Ingester.MaxChunkAge, section)
		require.Equal(t, 30*time.Minute, cfg.Ingester.MaxChunkIdle, section)
		require.Equal(t, "s3", cfg.CompactorConfig.DeleteRequestStore, section)
		require.Equal(t, 3*time.Hour, cfg.CompactorConfig.DeleteRequestCancelPeriod, section)
		require.Equal(t, 10*time.Minute, cfg.CompactorConfig.CompactionInterval, section)
		require.Equal(t, 90*24*time.Hour, cfg.Retention(), section)
	}
	ring := pageConfig(t, "Logs on three hosts")
	require.Equal(t, 2*time.Hour, ring.CompactorConfig.RetentionDeleteDelay, "after every member has the new index")
	require.True(t, ring.Ingester.AutoForgetUnhealthy)
	require.Equal(t, time.Minute, ring.Ingester.LifecyclerConfig.RingConfig.HeartbeatTimeout, "then a host that was killed is forgotten")
	require.Equal(t, time.Minute, ring.Ruler.Ring.HeartbeatTimeout, "a ruler is forgotten after two")
	require.Equal(t, time.Minute, ring.Ruler.PollInterval, "and its groups are taken over with the next poll")
	require.Equal(t, time.Minute, ring.CompactorConfig.CompactorRing.HeartbeatTimeout, "a compactor is forgotten after ten")
	require.Zero(t, ring.Querier.QueryIngestersWithin)
}

// A deletion that is done while its lines are only in memory, or in an index that is only on their host, does not reach them.
func TestDeletionsWaitForTheLines(t *testing.T) {
	load := func(file string) *Config {
		cfg, problems := LoadConfig(Options{Logger: slog.New(slog.DiscardHandler), Dir: t.TempDir()}, Source{Name: "loki.yml", Content: []byte(file)})
		require.Empty(t, problems)
		return cfg
	}
	for file, period := range map[string]time.Duration{
		"":                               3 * time.Hour,
		"ingester: {max_chunk_age: 12h}": 13 * time.Hour,
		"compactor: {delete_request_cancel_period: 24h}": 24 * time.Hour,
	} {
		cfg := load(file)
		require.Equal(t, period, cfg.CompactorConfig.DeleteRequestCancelPeriod, file)
		require.Empty(t, cfg.Warnings, file)
	}
	cfg := load("compactor: {delete_request_cancel_period: 1h}")
	require.Equal(t, time.Hour, cfg.CompactorConfig.DeleteRequestCancelPeriod)
	require.Equal(t, []string{"loki.yml: compactor.delete_request_cancel_period: deletions miss lines that are not in the store yet; wait at least 2h16m0s (ingester.max_chunk_age and 16m0s for the index)"}, cfg.Warnings)
}
