package e2e

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests in this file measure time, so they run before those that run in parallel.

func TestStartWithAnEmptyFolder(t *testing.T) {
	const aim, bound = time.Second, 5 * time.Second
	s := launchAusguck(t, t.TempDir(), t.TempDir())
	took := s.waitReady(t, bound)
	t.Logf("ready %s after exec with an empty data folder (aim: %s)", took.Round(time.Millisecond), aim)
	require.Equal(t, http.StatusOK, s.status(t, "/-/healthy"))

	t.Run("its own host answers PromQL", func(t *testing.T) {
		eventually(t, time.Minute, func() error {
			return errUnless(s.value(t, "count(node_cpu_seconds_total)") > 0, "no node_cpu_seconds_total yet")
		})
		require.Positive(t, s.value(t, "sum(node_memory_MemTotal_bytes)"))
		eventually(t, time.Minute, func() error {
			return errUnless(s.value(t, "sum(container_cpu_usage_seconds_total)") > 0, "no container_cpu_usage_seconds_total yet")
		})
	})
	t.Run("its own jobs are up", func(t *testing.T) {
		eventually(t, time.Minute, func() error {
			up := s.query(t, "up == 1")
			return errUnless(len(up) >= 3, "only these are up: %v", up)
		})
		require.Positive(t, s.value(t, `count(up{job=~".*node.*"} == 1)`))
		require.Positive(t, s.value(t, `count(up{job=~".*cadvisor.*"} == 1)`))
	})
	t.Run("the pages of its parts", func(t *testing.T) {
		require.Positive(t, metric(s.get(t, "/metrics"), "prometheus_tsdb_head_series"))
		require.Positive(t, metric(s.get(t, "/metrics/node"), "node_cpu_seconds_total"))
		require.Positive(t, metric(s.get(t, "/metrics/cadvisor"), "container_cpu_usage_seconds_total"))
		require.Contains(t, s.get(t, "/"), "Ausguck")
	})
	s.stop(t)
}

func TestStartWithManySeriesInTheWAL(t *testing.T) {
	const count, aim, bound = 100_000, 5 * time.Second, 30 * time.Second
	config := configDir(t, map[string]string{"prometheus.yml": "global: {scrape_interval: 15s}\n"})
	storage := t.TempDir()
	flags := append(metricsOnly, "--web.enable-remote-write-receiver")
	s := startAusguck(t, config, storage, flags...)
	at := time.Now()
	for step := range time.Duration(4) {
		s.writeManySeries(t, count, at.Add((step-4)*time.Second))
	}
	s.kill()

	s = launchAusguck(t, config, storage, flags...)
	took := s.waitReady(t, bound)
	t.Logf("ready %s after exec with %d series in the WAL (aim: %s)", took.Round(time.Millisecond), count, aim)
	require.EqualValues(t, count, s.value(t, "count(many_series)"))
	require.EqualValues(t, 4*count, s.value(t, "sum(count_over_time(many_series[10m]))"))
	s.stop(t)
}

func TestStopBeforeReady(t *testing.T) {
	s := launchAusguck(t, t.TempDir(), t.TempDir())
	eventually(t, readyTimeout, func() error {
		// Something is written as soon as signals are handled; a signal before that ends any program.
		return errUnless(s.output.String() != "", "nothing written yet")
	})
	s.signal(t, syscall.SIGTERM)
	require.Zero(t, s.exitCode(t, stopTimeout))
}

// status returns the status of a response.
func (s *server) status(t *testing.T, path string) int {
	t.Helper()
	status, _ := s.do(t, http.MethodGet, path, nil, "")
	return status
}
