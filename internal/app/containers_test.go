package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/dockerhost"
)

// Each container is explained in a sentence, with what to do about it.
func TestContainersAreExplained(t *testing.T) {
	keep := &promserver.DroppingRule{Number: 1, Keep: true, SourceLabels: []string{"__meta_docker_container_label_prometheus_io_scrape"}, Text: "the rule"}
	found := func(id string, f promserver.Discovered) promserver.Discovered {
		f.Pool, f.Labels = "containers", map[string]string{"__meta_docker_container_id": id}
		return f
	}
	failing := func(problem string) promserver.Discovered {
		return promserver.Discovered{URL: "http://a:80/metrics", Target: &promserver.Target{Job: "shop", Health: "down", LastScrape: time.Now(), LastError: problem}}
	}
	up := promserver.Discovered{URL: "http://a:80/metrics", Target: &promserver.Target{Job: "shop", Health: "up", LastScrape: time.Now()}}
	for name, c := range map[string]struct {
		container             dockerhost.Container
		found                 []promserver.Discovered
		discovers             bool
		state, reason, remedy string
	}{
		"without the label": {
			found: []promserver.Discovered{found("1", promserver.Discovered{Dropped: keep})}, discovers: true,
			state: "dropped", reason: "It does not ask to be scraped: it has no label prometheus.io/scrape.", remedy: `prometheus.io/scrape: "true"`,
		},
		"with another value": {
			container: dockerhost.Container{Labels: map[string]string{"prometheus.io/scrape": "yes"}},
			found:     []promserver.Discovered{found("1", promserver.Discovered{Dropped: keep})}, discovers: true,
			state: "dropped", reason: `its label prometheus.io/scrape is "yes"`, remedy: `prometheus.io/scrape: "true"`,
		},
		"dropped by a label of its own": {
			container: dockerhost.Container{Labels: map[string]string{"my.team-x/quiet": "1"}},
			found:     []promserver.Discovered{found("1", promserver.Discovered{Dropped: &promserver.DroppingRule{Number: 2, SourceLabels: []string{"__meta_docker_container_label_my_team_x_quiet"}}})}, discovers: true,
			state: "dropped", reason: `Its label my.team-x/quiet="1" says that it is not to be scraped.`, remedy: "Take the label my.team-x/quiet away.",
		},
		"without a network": {
			container: dockerhost.Container{NetworkMode: "none"},
			found:     []promserver.Discovered{found("1", promserver.Discovered{Dropped: &promserver.DroppingRule{Number: 2, SourceLabels: []string{"__meta_docker_container_network_mode"}}})}, discovers: true,
			state: "dropped", reason: "It has no network", remedy: "Connect it",
		},
		"on a wrong port": {
			found: []promserver.Discovered{found("1", failing("dial tcp 172.17.0.2:80: connect: connection refused"))}, discovers: true,
			state: "failing", reason: "The scrape of http://a:80/metrics fails: dial tcp", remedy: "prometheus.io/port",
		},
		"on a wrong path": {
			found: []promserver.Discovered{found("1", failing("server returned HTTP status 404 Not Found"))}, discovers: true,
			state: "failing", reason: "404", remedy: "prometheus.io/path",
		},
		"past a limit": {
			found: []promserver.Discovered{found("1", failing("sample limit exceeded"))}, discovers: true,
			state: "failing", reason: "sample limit exceeded", remedy: "the label that explodes",
		},
		"one port of two fails": {
			found: []promserver.Discovered{found("1", up), found("1", failing("EOF")), found("1", promserver.Discovered{Dropped: keep})}, discovers: true,
			state: "failing", reason: "EOF",
		},
		"scraped": {found: []promserver.Discovered{found("2", failing("x")), found("1", up)}, discovers: true, state: "scraped", reason: "Scraped by the job shop"},
		"named in a file": {
			container: dockerhost.Container{Aliases: []string{"gateway"}},
			found:     []promserver.Discovered{{Labels: map[string]string{"__address__": "gateway:3001"}, Target: up.Target}},
			state:     "scraped", reason: "Scraped by the job shop",
		},
		"nobody looks":  {state: "unseen", reason: "No job of prometheus.yml asks Docker", remedy: "docker_sd_configs"},
		"not found yet": {discovers: true, state: "unseen", reason: "do not have it in their answer", remedy: "just started"},
	} {
		t.Run(name, func(t *testing.T) {
			c.container.ID, c.container.Name = "1", "shop"
			views := explainContainers([]dockerhost.Container{c.container}, c.found, c.discovers)
			require.Len(t, views, 1)
			require.Equal(t, c.state, views[0].State)
			require.Contains(t, views[0].Reason, c.reason)
			if c.remedy == "" {
				require.Empty(t, views[0].Remedy)
			} else {
				require.Contains(t, views[0].Remedy, c.remedy)
			}
		})
	}
}
