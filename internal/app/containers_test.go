package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/promserver"
	"github.com/ausguck/ausguck/internal/dockerhost"
)

// Each container has an explanation in one sentence, and a remedy.
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
	scrape := func(port string) map[string]string {
		return map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": port}
	}
	invalid := failing(`parse "http://a:abc/metrics": invalid port ":abc" after host`)
	for name, c := range map[string]struct {
		container             dockerhost.Container
		found                 []promserver.Discovered
		discovers             bool
		state, reason, remedy string
	}{
		"port label with letters": {
			container: dockerhost.Container{Labels: scrape("abc")}, found: []promserver.Discovered{found("1", invalid)}, discovers: true,
			state: "failing", reason: `The label prometheus.io/port is "abc", which is not a port number.`, remedy: `prometheus.io/port: "<port>"`,
		},
		"port label too high": {
			container: dockerhost.Container{Labels: scrape("70000"), Ports: []uint16{8080}}, found: []promserver.Discovered{found("1", failing("dial tcp: address 70000: invalid port"))}, discovers: true,
			state: "failing", reason: "ports are numbers from 1 to 65535", remedy: `prometheus.io/port: "8080"`,
		},
		"port label zero":       {container: dockerhost.Container{Labels: scrape("0")}, found: []promserver.Discovered{found("1", failing("x"))}, discovers: true, state: "failing", reason: "from 1 to 65535", remedy: `"<port>"`},
		"port label negative":   {container: dockerhost.Container{Labels: scrape("-80")}, found: []promserver.Discovered{found("1", failing("x"))}, discovers: true, state: "failing", reason: `"-80", which is not a port number`, remedy: `"80"`},
		"port label with blank": {container: dockerhost.Container{Labels: scrape("80 ")}, found: []promserver.Discovered{found("1", failing("x"))}, discovers: true, state: "failing", reason: `"80 ", which is not a port number`, remedy: `prometheus.io/port: "80"`},
		"port label with a protocol, which Prometheus leaves out": {
			container: dockerhost.Container{Labels: scrape("8080/tcp"), Started: time.Now().Add(-time.Hour)}, discovers: true,
			state: "failing", reason: `"8080/tcp", which contains more than a port number`, remedy: `Write the number only: prometheus.io/port: "8080"`,
		},
		"port label with two": {
			container: dockerhost.Container{Labels: scrape("8080,9090")}, found: []promserver.Discovered{found("1", failing("x"))}, discovers: true,
			state: "failing", reason: "a container is scraped at one port", remedy: `Choose one: prometheus.io/port: "8080"; for the others, add a job`,
		},
		"port label empty, port 80 closed": {
			container: dockerhost.Container{Labels: scrape("")}, found: []promserver.Discovered{found("1", failing("connection refused"))}, discovers: true,
			state: "failing", reason: "The label prometheus.io/port is empty", remedy: `Write the port into the label: prometheus.io/port: "<port>"`,
		},
		"port label empty, port 80 open": {
			container: dockerhost.Container{Labels: scrape("")}, found: []promserver.Discovered{found("1", up)}, discovers: true,
			state: "scraped", reason: "Scraped by the job shop",
		},
		"port label invalid of one that is not scraped": {
			container: dockerhost.Container{Labels: map[string]string{"prometheus.io/port": "abc"}}, found: []promserver.Discovered{found("1", promserver.Discovered{Dropped: keep})}, discovers: true,
			state: "dropped", reason: "no label prometheus.io/scrape", remedy: `prometheus.io/scrape: "true"`,
		},
		"several ports, the lowest is scraped": {
			container: dockerhost.Container{Ports: []uint16{8080, 9000, 9443}}, found: []promserver.Discovered{found("1", up)}, discovers: true,
			state: "scraped", reason: `It exposes the ports 8080, 9000 and 9443; the lowest is scraped, unless a label chooses another, such as prometheus.io/port: "9000".`,
		},
		"several ports, the lowest has no metrics": {
			container: dockerhost.Container{Ports: []uint16{8080, 9000}}, found: []promserver.Discovered{found("1", failing("server returned HTTP status 404 Not Found"))}, discovers: true,
			state: "failing", reason: "It exposes the ports 8080 and 9000; without the label prometheus.io/port, the lowest is scraped.", remedy: `prometheus.io/port: "9000"`,
		},
		"several ports, each a target by a file of the user's own": {
			container: dockerhost.Container{Ports: []uint16{8080, 9000}}, found: []promserver.Discovered{found("1", up), found("1", failing("EOF"))}, discovers: true,
			state: "failing", reason: "each is a target, and 1 of 2 are up. The label prometheus.io/port leaves one.", remedy: `prometheus.io/port: "9000"`,
		},
		"several ports and a label": {
			container: dockerhost.Container{Ports: []uint16{8080, 9000}, Labels: scrape("9000")}, found: []promserver.Discovered{found("1", failing("connection refused"))}, discovers: true,
			state: "failing", reason: "connection refused.", remedy: "0.0.0.0",
		},
		"exited with an error": {
			container: dockerhost.Container{State: "exited", ExitCode: 3, RestartPolicy: "no", Finished: time.Now().Add(-time.Minute)},
			state:     "exited", reason: "It exited with code 3, 1m0s ago, and no restart policy starts it again, so it is not scraped.", remedy: "docker logs --tail 50 shop",
		},
		"out of memory": {
			container: dockerhost.Container{State: "exited", ExitCode: 137, OOMKilled: true, RestartPolicy: "always", Finished: time.Now()},
			state:     "exited", reason: "code 137 (out of memory)", remedy: "more memory",
		},
		"has done its work": {
			container: dockerhost.Container{State: "exited", Finished: time.Now()}, state: "exited", reason: "code 0", remedy: "no action is needed",
		},
		"gave up": {
			container: dockerhost.Container{State: "exited", ExitCode: 1, RestartPolicy: "on-failure", RestartCount: 5, Finished: time.Now()},
			state:     "exited", reason: "on-failure gave up after 5 restarts", remedy: "docker start shop",
		},
		"could not be started": {
			container: dockerhost.Container{State: "created", ExitCode: 127, Error: "port is already allocated"},
			state:     "exited", reason: "Docker could not start it: port is already allocated.", remedy: "Fix the cause",
		},
		"never started": {container: dockerhost.Container{State: "created"}, state: "exited", reason: "never started", remedy: "docker start shop"},
		"waits for a restart": {
			container: dockerhost.Container{State: "restarting", ExitCode: 127, RestartCount: 9, Finished: time.Now()},
			found:     []promserver.Discovered{found("1", failing("i/o timeout"))}, discovers: true,
			state: "restarting", reason: "Docker has restarted it 9 times. It last exited with code 127 (its command was not found), 0s ago.", remedy: "Check command and entrypoint",
		},
		"runs for a moment": {
			container: dockerhost.Container{State: "running", ExitCode: 1, RestartCount: 1, Started: time.Now()},
			found:     []promserver.Discovered{found("1", failing("connection refused"))}, discovers: true,
			state: "restarting", reason: "Docker has restarted it once. It last exited with code 1,", remedy: "docker logs",
		},
		"runs again": {
			container: dockerhost.Container{State: "running", ExitCode: 1, RestartCount: 9, Started: time.Now().Add(-time.Hour)},
			found:     []promserver.Discovered{found("1", up)}, discovers: true, state: "scraped", reason: "Scraped by",
		},

		"without the label": {
			found: []promserver.Discovered{found("1", promserver.Discovered{Dropped: keep})}, discovers: true,
			state: "dropped", reason: "It is not scraped, because it has no label prometheus.io/scrape.", remedy: `prometheus.io/scrape: "true"`,
		},
		"with another value": {
			container: dockerhost.Container{Labels: map[string]string{"prometheus.io/scrape": "yes"}},
			found:     []promserver.Discovered{found("1", promserver.Discovered{Dropped: keep})}, discovers: true,
			state: "dropped", reason: `its label prometheus.io/scrape is "yes"`, remedy: `prometheus.io/scrape: "true"`,
		},
		"dropped by a label of its own": {
			container: dockerhost.Container{Labels: map[string]string{"my.team-x/quiet": "1"}},
			found:     []promserver.Discovered{found("1", promserver.Discovered{Dropped: &promserver.DroppingRule{Number: 2, SourceLabels: []string{"__meta_docker_container_label_my_team_x_quiet"}}})}, discovers: true,
			state: "dropped", reason: `The label my.team-x/quiet="1" excludes it from scraping.`, remedy: "Remove the label my.team-x/quiet.",
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
			state: "failing", reason: "sample limit exceeded", remedy: "the label with too many values",
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
		"nobody looks":  {state: "unseen", reason: "No job in prometheus.yml discovers containers", remedy: "ausguck init --add containers"},
		"not found yet": {container: dockerhost.Container{Started: time.Now()}, discovers: true, state: "unseen", reason: "It has just started."},
		"never found":   {discovers: true, state: "unseen", reason: "The job containers discovers containers, but does not find this one.", remedy: "filters"},
	} {
		t.Run(name, func(t *testing.T) {
			c.container.ID, c.container.Name = "1", "shop"
			facts := containerFacts{containers: []dockerhost.Container{c.container}, found: c.found, endpoint: "unix:///d", status: dockerhost.Status{Connected: true}}
			if c.discovers {
				facts.hosts = map[string]string{"unix:///d": "containers"}
			}
			views := facts.explain()
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

// The explanation of a container also depends on where Ausguck runs.
func TestContainersOfOtherNetworksAreExplained(t *testing.T) {
	self := &dockerhost.Container{Name: "agent-ausguck", NetworkMode: "code-agent", Networks: []string{"code-agent"}, Labels: map[string]string{"com.docker.compose.service": "ausguck"}}
	bare := &dockerhost.Container{Name: "monitor", NetworkMode: "bridge", Networks: []string{"bridge"}}
	hostMode := &dockerhost.Container{Name: "agent-ausguck", NetworkMode: "host", Networks: []string{"host"}}
	far := dockerhost.Container{NetworkMode: "proj_default", Networks: []string{"proj_default"}}
	onHost := dockerhost.Container{NetworkMode: "host", Networks: []string{"host"}}
	for name, c := range map[string]struct {
		self           *dockerhost.Container
		container      dockerhost.Container
		apart          bool
		url, problem   string
		reason, remedy string
		lines          string
	}{
		"another network": {
			self, far, true, "http://172.20.0.2:80/metrics", "context deadline exceeded",
			"It is only on the network proj_default, and Ausguck is on code-agent",
			"Add Ausguck to the network proj_default, with these lines in its compose file. Until then, docker network connect proj_default agent-ausguck",
			"services:\n  ausguck:\n    networks:\n      proj_default: {}\nnetworks:\n  proj_default:\n    external: true\n",
		},
		"another network, without Compose": {
			bare, far, true, "http://172.20.0.2:80/metrics", "dial tcp 172.20.0.2:80: i/o timeout",
			"only on the network proj_default", "Add Ausguck to the network proj_default: docker network connect proj_default monitor", "",
		},
		"another network that routing reaches": {
			self, far, true, "http://172.20.0.2:80/metrics", "server returned HTTP status 404 Not Found", "404", "prometheus.io/path", "",
		},
		"the same network, silent": {
			self, far, false, "http://172.20.0.2:80/metrics", "context deadline exceeded", "context deadline exceeded", "does not respond within scrape_timeout", "",
		},
		"the host's network, by a file of the user's own": {
			self, onHost, false, "http://localhost:9000/metrics", "dial tcp 127.0.0.1:9000: connect: connection refused",
			"connection refused", "host_networking_host: host.docker.internal", "",
		},
		"the host's network, on loopback": {
			self, onHost, false, "http://host.docker.internal:9000/metrics", "dial tcp 172.18.0.1:9000: connect: connection refused",
			"connection refused", "listen on 0.0.0.0", "",
		},
		"the host's network, behind a firewall": {
			self, onHost, false, "http://host.docker.internal:9000/metrics", "context deadline exceeded", "deadline exceeded", "ufw allow", "",
		},
		"Ausguck on the host's network": {
			hostMode, onHost, false, "http://localhost:9000/metrics", "connection refused", "connection refused", "Nothing listens on this port of the host", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.container.ID, c.container.Name = "1", "shop"
			views := containerFacts{
				containers: []dockerhost.Container{c.container}, self: c.self, apart: func(dockerhost.Container) bool { return c.apart },
				found: []promserver.Discovered{{
					Pool: "containers", Labels: map[string]string{"__meta_docker_container_id": "1"}, URL: c.url,
					Target: &promserver.Target{Job: "shop", Health: "down", LastScrape: time.Now(), LastError: c.problem},
				}},
			}.explain()
			require.Equal(t, "failing", views[0].State)
			require.Contains(t, views[0].Reason, c.reason)
			require.Contains(t, views[0].Remedy, c.remedy)
			require.Equal(t, c.lines, views[0].Lines)
		})
	}
}

// The reason why discovery cannot find containers is reported for each of them.
func TestContainersThatDiscoveryCannotFind(t *testing.T) {
	facts := containerFacts{
		containers: []dockerhost.Container{{ID: "1", Name: "shop"}}, endpoint: "tcp://proxy:2375", hosts: map[string]string{"tcp://proxy:2375": "containers"},
		status: dockerhost.Status{Connected: true, Reason: "the socket proxy forbids a request: list networks", Remedy: "add NETWORKS=1"},
	}
	v := facts.explain()[0]
	require.Equal(t, "unseen", v.State)
	require.Contains(t, v.Reason, "the socket proxy forbids a request: list networks")
	require.Contains(t, v.Remedy, "NETWORKS=1")

	facts.status, facts.hosts = dockerhost.Status{Connected: true}, map[string]string{"unix:///var/run/docker.sock": "containers"}
	v = facts.explain()[0]
	require.Contains(t, v.Reason, "The job containers discovers containers of the engine at unix:///var/run/docker.sock")
	require.Contains(t, v.Remedy, "host: tcp://proxy:2375")
}

// Containers that need attention come first, those that completed successfully last.
func TestOrderOfContainers(t *testing.T) {
	var order []string
	for _, v := range (containerFacts{containers: []dockerhost.Container{
		{ID: "1", Name: "done", State: "exited"},
		{ID: "2", Name: "crashed", State: "exited", ExitCode: 1},
		{ID: "3", Name: "unseen"},
		{ID: "4", Name: "crashes", State: "restarting", RestartCount: 3, ExitCode: 1},
	}}).explain() {
		order = append(order, v.Name)
	}
	require.Equal(t, []string{"crashes", "unseen", "crashed", "done"}, order)
}
