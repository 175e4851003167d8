package docker_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// oneTargetUp returns nil if the job has exactly one target and it is up.
func oneTargetUp(a *ausguck, job string) error {
	found, err := a.targets("job", job)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("job %s has %d targets, want 1: %+v", job, len(found), found)
	}
	if found[0].Health != "up" {
		return fmt.Errorf("target of job %s is %s: %s", job, found[0].Health, found[0].LastError)
	}
	up, err := a.query(fmt.Sprintf("up{job=%q}", job))
	if err != nil {
		return err
	}
	if len(up) != 1 || up[0].number() != 1 {
		return fmt.Errorf("up of job %s is %v", job, up)
	}
	return nil
}

// noResult returns nil if the expression has no result.
func noResult(a *ausguck, promql string) error {
	r, err := a.query(promql)
	if err != nil {
		return err
	}
	if len(r) > 0 {
		return fmt.Errorf("%s: still %v", promql, r)
	}
	return nil
}

func TestLabelledContainerIsWatched(t *testing.T) {
	a := startAusguck(t, docker, "")
	one, two := newNetwork(t, docker, "ausguck-one"), newNetwork(t, docker, "ausguck-two")
	start(t, docker, service{name: "ausguck-silent", exposed: []string{"8080/tcp"}})
	id := start(t, docker, service{
		name: "ausguck-shop", networkMode: one, networks: []string{two},
		exposed: []string{"8080/tcp", "9000/tcp", "9443/tcp"},
		env:     []string{"PORTS=8080,9000,9443", "METRICS_PATH=/internal/metrics"},
		labels: map[string]string{
			"prometheus.io/scrape": "true", "prometheus.io/port": "9000", "prometheus.io/path": "/internal/metrics",
			"prometheus.io/scheme": "http", "prometheus.io/job": "shop",
		},
	})
	took := within(t, 30*time.Second, "scraped", func() error { return oneTargetUp(a, "shop") })
	t.Logf("up %.1fs after its start", took.Seconds())
	found, err := a.targets("job", "shop")
	require.NoError(t, err)
	require.Regexp(t, `^http://[0-9.]+:9000/internal/metrics$`, found[0].ScrapeURL)
	r, err := a.query(`testservice_info{job="shop"}`)
	require.NoError(t, err)
	require.Len(t, r, 1)
	require.Equal(t, id[:12], r[0].Metric["hostname"])

	body, err := a.get("/api/v1/targets?state=active")
	require.NoError(t, err)
	require.NotContains(t, body, "ausguck-silent", "a container that does not ask is not scraped")

	remove(t, docker, id)
	ended := time.Now()
	within(t, 15*time.Second, "target gone", func() error {
		left, err := a.targets("job", "shop")
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("still %+v", left)
		}
		return err
	})
	t.Logf("target gone %.1fs after the container's end", time.Since(ended).Seconds())
	// A failed scrape makes the series stale immediately. If the target disappears before that, Prometheus waits for
	// two scrape intervals, because the target may come back.
	within(t, 40*time.Second, "series stale", func() error { return noResult(a, `{job="shop",__name__=~"testservice_.*"}`) })
	t.Logf("series stale %.1fs after the container's end", time.Since(ended).Seconds())
	within(t, 20*time.Second, "container series stale", func() error {
		return noResult(a, `container_memory_usage_bytes{name="ausguck-shop"}`)
	})
}

func TestHostNetworkIsWatched(t *testing.T) {
	a := startAusguck(t, docker, "")
	port := strconv.Itoa(freePort(t))
	start(t, docker, service{
		name: "ausguck-hostnet", networkMode: "host", env: []string{"PORTS=" + port},
		labels: map[string]string{
			"prometheus.io/scrape": "true", "prometheus.io/port": port, "prometheus.io/job": "hostnet",
		},
	})
	within(t, 30*time.Second, "scraped", func() error { return oneTargetUp(a, "hostnet") })
}

// The configuration that users bring from a compose stack names containers that DNS cannot resolve here.
func TestOriginalConfiguration(t *testing.T) {
	original, err := os.ReadFile("../testdata/original/prometheus.yml")
	require.NoError(t, err)
	start(t, docker, service{name: "agent-gateway", env: []string{"PORTS=3001"}})
	a := startAusguck(t, docker, string(original))
	within(t, 30*time.Second, "scraped", func() error { return oneTargetUp(a, "gateway") })
	found, err := a.targets("job", "gateway")
	require.NoError(t, err)
	require.Equal(t, "http://agent-gateway:3001/metrics", found[0].ScrapeURL)

	within(t, 40*time.Second, "the missing one says why", func() error {
		missing, err := a.targets("job", "orchestrator")
		if err != nil {
			return err
		}
		if len(missing) != 1 || missing[0].Health != "down" {
			return fmt.Errorf("orchestrator: %+v", missing)
		}
		require.Contains(t, missing[0].LastError, "no running Docker container has that name")
		return nil
	})
}
