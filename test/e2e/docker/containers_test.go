package docker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestContainerSeries(t *testing.T) {
	a := startAusguck(t, docker, "")
	id := start(t, docker, service{
		name: "agent-gateway", env: []string{"BURN_CPU=0.05"},
		labels: map[string]string{"com.docker.compose.service": "gateway", "com.docker.compose.project": "code-agent", "other": "x"},
	})
	for _, name := range []string{
		"container_cpu_usage_seconds_total", "container_memory_usage_bytes", "container_memory_working_set_bytes",
		"container_network_receive_bytes_total", "container_network_transmit_bytes_total",
		"container_processes", "container_start_time_seconds",
	} {
		var got []series
		within(t, 30*time.Second, name, func() (err error) {
			got, err = a.query(name + `{name="agent-gateway"}`)
			if err == nil && len(got) == 0 {
				err = fmt.Errorf("no series of %s", name)
			}
			return err
		})
		require.Len(t, got, 1, name)
		m := got[0].Metric
		require.Contains(t, m["id"], id, name)
		require.Equal(t, image, m["image"], name)
		require.Equal(t, "gateway", m["container_label_com_docker_compose_service"], name)
		require.Equal(t, "code-agent", m["container_label_com_docker_compose_project"], name)
		require.NotContains(t, m, "container_label_other", name)
	}
	within(t, 40*time.Second, "CPU is counted", func() error {
		r, err := a.query(`container_cpu_usage_seconds_total{name="agent-gateway"} > 0.2`)
		if err == nil && len(r) == 0 {
			err = fmt.Errorf("no CPU time")
		}
		return err
	})
}

// quickConfig reads the containers often, so that their cost shows above the noise.
const quickConfig = `
scrape_configs:
  - job_name: cadvisor
    scrape_interval: 2s
    static_configs:
      - targets: ["cadvisor:8080"]
`

func TestTwentyContainers(t *testing.T) {
	const count = 20
	var want []string
	for i := range count {
		name := fmt.Sprintf("ausguck-many-%02d", i)
		start(t, docker, service{name: name, env: []string{"BURN_CPU=0.005"}})
		want = append(want, name)
	}
	with := startAusguck(t, docker, quickConfig, "--no-node-exporter")
	without := startAusguck(t, docker, quickConfig, "--no-node-exporter", "--no-cadvisor")
	within(t, 20*time.Second, "all names", func() error {
		r, err := with.query(`container_memory_usage_bytes{name=~"ausguck-many-.*"}`)
		if err != nil {
			return err
		}
		names := map[string]bool{}
		for _, s := range r {
			names[s.Metric["name"]] = true
		}
		for _, name := range want {
			if !names[name] {
				return fmt.Errorf("%s is missing of %d", name, len(names))
			}
		}
		return nil
	})

	const window, every, usual = 30 * time.Second, 2 * time.Second, 15 * time.Second
	before := [2]float64{with.cpuSeconds(t), without.cpuSeconds(t)}
	time.Sleep(window) // a measurement, not a wait for something
	spent := [2]float64{with.cpuSeconds(t) - before[0], without.cpuSeconds(t) - before[1]}
	perScrape := (spent[0] - spent[1]) / (window.Seconds() / every.Seconds())
	share := perScrape / usual.Seconds()
	t.Logf("cadvisor with %d containers, stored: %.1f ms of CPU per scrape, %.2f %% of a core at the usual %s (process with %.2fs, without %.2fs in %s)",
		count, perScrape*1000, share*100, usual, spent[0], spent[1], window)
	require.Less(t, share, 0.10, "five times what is aimed at, because the machine may be busy")
}
