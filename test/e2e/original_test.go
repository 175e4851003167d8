package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// composeFlags are the flags with which the containers of the original stack are started.
var composeFlags = []string{
	"--web.console.libraries=/usr/share/prometheus/console_libraries",
	"--web.console.templates=/usr/share/prometheus/consoles",
	"--web.enable-lifecycle",
	"--storage.tsdb.retention.time=15d",
	"--path.procfs=/proc",
	"--path.sysfs=/sys",
	"--collector.filesystem.mount-points-exclude=^/(sys|proc|dev|host|etc)($|/)",
	"--no-docker",
}

// The prometheus.yml of the stack that Ausguck replaces works unchanged, with the names of its containers.
func TestOriginalStack(t *testing.T) {
	t.Parallel()
	config, storage := "testdata/original", t.TempDir()
	before, err := os.ReadFile("testdata/original/prometheus.yml")
	require.NoError(t, err)
	s := startAusguck(t, config, storage, composeFlags...)

	for _, job := range []string{"node-exporter", "cadvisor"} {
		eventually(t, time.Minute, func() error {
			found := s.targets(t)[job]
			return errUnless(found.Health == "up", "%s is %q: %s", job, found.Health, found.LastError)
		})
		s.waitValue(t, 15*time.Second, `up{job="`+job+`"}`, 1)
	}
	require.Positive(t, s.value(t, `count(node_cpu_seconds_total{instance="node-exporter:9100"})`))
	require.Positive(t, s.value(t, `count(container_cpu_usage_seconds_total{instance="cadvisor:8080"})`))
	require.Zero(t, s.value(t, `count(node_filesystem_size_bytes{mountpoint=~"/(sys|proc|dev)(/.*)?"}) or vector(0)`))

	for job, host := range map[string]string{
		"gateway": "agent-gateway", "orchestrator": "agent-orchestrator", "traefik": "agent-traefik",
	} {
		eventually(t, time.Minute, func() error {
			found := s.targets(t)[job]
			return errUnless(found.Health == "down", "%s is %q", job, found.Health)
		})
		reason := s.targets(t)[job].LastError
		t.Logf("%s is down: %s", job, reason)
		require.Contains(t, reason, host)
		s.waitValue(t, 15*time.Second, `up{job="`+job+`"}`, 0)
	}
	require.Contains(t, s.get(t, "/api/v1/alertmanagers"), "alertmanager:9093")
	after, err := os.ReadFile("testdata/original/prometheus.yml")
	require.NoError(t, err)
	require.Equal(t, before, after)
	s.stop(t)
}

// The containers of the original stack are named agent-… on their network.
func TestContainerNamesAreDialledInside(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, configDir(t, map[string]string{"prometheus.yml": `
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ['prometheus:9090', 'agent-prometheus:9090']}]
  - job_name: node
    static_configs: [{targets: ['node-exporter:9100', 'agent-node-exporter:9100']}]
  - job_name: cadvisor
    static_configs: [{targets: ['cadvisor:8080', 'agent-cadvisor:8080']}]
`}), t.TempDir(), "--no-docker")
	s.waitValue(t, time.Minute, "count(up == 1)", 6)
	require.EqualValues(t, 2, s.value(t, "count(prometheus_tsdb_head_series)"))
	require.EqualValues(t, 2, s.value(t, "count(node_load1)"))
	s.stop(t)
}
