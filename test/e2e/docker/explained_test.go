package docker_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// explained is a container on the page.
type explained struct {
	Name, State, Reason, Remedy, Lines string
	Restarts                           int
	Exit                               *struct{ Code int }
}

// containers returns the containers on the page by name, and what it reports about the engine.
func (a *ausguck) containers() (found map[string]explained, dockerReason string, err error) {
	body, err := a.get("/api/ausguck/containers")
	if err != nil {
		return nil, "", err
	}
	var answer struct {
		Docker struct {
			Connected      bool
			Reason, Remedy string
		}
		Containers []explained
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, "", err
	}
	found = map[string]explained{}
	for _, c := range answer.Containers {
		found[c.Name] = c
	}
	return found, answer.Docker.Reason + " " + answer.Docker.Remedy, nil
}

// says returns nil if a container has the state, and its reason and remedy contain the texts.
func (a *ausguck) says(name, state, reason, remedy string) error {
	found, _, err := a.containers()
	if err != nil {
		return err
	}
	c, ok := found[name]
	if !ok || c.State != state || !strings.Contains(c.Reason, reason) || !strings.Contains(c.Remedy, remedy) || remedy == "" && c.Remedy != "" {
		return fmt.Errorf("%s (%t) is %s: %s / %s", name, ok, c.State, c.Reason, c.Remedy)
	}
	return nil
}

// Why each container is or is not scraped, with the label that changes this.
func TestContainersAreExplained(t *testing.T) {
	a := startAusguck(t, docker, "")
	scrape := func(port string) map[string]string {
		return map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": port}
	}
	yes := map[string]string{"prometheus.io/scrape": "true"}
	ports := []string{"9090/tcp", "8080/tcp", "9443/tcp", "53/udp"}
	start(t, docker, service{name: "ausguck-shy", exposed: []string{"8080/tcp"}})
	start(t, docker, service{name: "ausguck-wrong-port", labels: scrape("7")})
	start(t, docker, service{name: "ausguck-fine", exposed: []string{"8080/tcp"}, labels: yes})
	start(t, docker, service{name: "ausguck-ports", exposed: ports, labels: yes})
	start(t, docker, service{name: "ausguck-closed", exposed: ports, labels: yes, env: []string{"PORTS=9090"}})
	for name, label := range map[string]string{"letters": "abc", "high": "70000", "empty": "", "protocol": "8080/tcp", "two": "8080,9443"} {
		start(t, docker, service{name: "ausguck-port-" + name, exposed: []string{"8080/tcp"}, labels: scrape(label)})
	}
	start(t, docker, service{name: "ausguck-fails", labels: yes, env: []string{"BURN_CPU=2"}})
	start(t, docker, service{name: "ausguck-done", networkMode: "none", env: []string{"LOG_LINES=1"}})
	start(t, docker, service{name: "ausguck-loop", labels: yes, env: []string{"BURN_CPU=2"}, restart: "unless-stopped"})
	for _, c := range []struct{ name, state, reason, remedy string }{
		{"ausguck-shy", "dropped", "no label prometheus.io/scrape", `prometheus.io/scrape: "true"`},
		{"ausguck-wrong-port", "failing", "connection refused", "prometheus.io/port"},
		{"ausguck-fine", "scraped", "Scraped by the job containers", ""},
		{"ausguck-ports", "scraped", "It exposes the ports 8080, 9090 and 9443; the lowest is scraped", ""},
		{"ausguck-closed", "failing", "It exposes the ports 8080, 9090 and 9443; without the label", `prometheus.io/port: "9090"`},
		{"ausguck-port-letters", "failing", `"abc", which is not a port number`, `as a number: prometheus.io/port: "8080"`},
		{"ausguck-port-high", "failing", `"70000", but ports are numbers from 1 to 65535`, `prometheus.io/port: "8080"`},
		{"ausguck-port-empty", "scraped", "Scraped by", ""},
		{"ausguck-port-protocol", "failing", `"8080/tcp", which contains more`, `Write the number only: prometheus.io/port: "8080"`},
		{"ausguck-port-two", "failing", `"8080,9443", and a container is scraped at one port`, `Choose one: prometheus.io/port: "8080"`},
		{"ausguck-fails", "exited", "It exited with code 1, ", "docker logs --tail 50 ausguck-fails"},
		{"ausguck-done", "exited", "It exited with code 0, ", "no action is needed"},
		{"ausguck-loop", "restarting", "It last exited with code 1, ", "docker logs --tail 50 ausguck-loop"},
	} {
		within(t, 60*time.Second, c.name, func() error { return a.says(c.name, c.state, c.reason, c.remedy) })
	}
	found, err := a.targets("container", "ausguck-ports")
	require.NoError(t, err)
	require.Len(t, found, 1, "three exposed ports are one target")
}

// A container that crashes immediately fires an alert within two minutes, although it hardly ever runs long enough to
// be measured.
func TestCrashLoopFires(t *testing.T) {
	a := startAusguck(t, docker, "")
	begun := time.Now()
	start(t, docker, service{name: "ausguck-loop", networkMode: "none", env: []string{"BURN_CPU=2"}, restart: "always"})
	within(t, 2*time.Minute, "the alert", func() error {
		return a.some(`ALERTS{alertname="ContainerCrashLooping",name="ausguck-loop",alertstate="firing"}`)
	})
	t.Attr("figure", fmt.Sprintf("a crash loop fires after %.0f s", time.Since(begun).Seconds()))
	require.NoError(t, a.says("ausguck-loop", "restarting", "Docker has restarted it ", "docker logs"))
}

// Ausguck in a container: containers on another network, on two networks, and on the host's.
func TestContainersAreExplainedFromAContainer(t *testing.T) {
	load(t, "ausguck")
	s := newSite(t)
	newNetwork(t, docker, "code-agent")
	foreign := newNetwork(t, docker, "ausguck-foreign")
	socket := strings.TrimPrefix(docker.endpoint, "unix://")
	info, err := os.Stat(socket)
	require.NoError(t, err)
	s.env = append(s.env, fmt.Sprintf("DOCKER_GID=%d", info.Sys().(*syscall.Stat_t).Gid))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "socket.yml"),
		fmt.Appendf(nil, "version: '3.8'\nservices: {ausguck: {volumes: ['%s:/var/run/docker.sock']}}\n", socket), 0o644))
	files := []string{"-f", "ausguck.yml", "-f", "socket.yml"}
	t.Cleanup(func() { s.compose(t, append(files, "down", "--volumes")...) })

	hostPort := strconv.Itoa(freePort(t))
	labels := func(port string) map[string]string {
		return map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": port}
	}
	start(t, docker, service{name: "ausguck-far", networkMode: foreign, labels: labels("8080")})
	start(t, docker, service{name: "ausguck-both", networkMode: foreign, networks: []string{"code-agent"}, labels: labels("8080")})
	start(t, docker, service{name: "ausguck-near", networkMode: "code-agent", labels: labels("8080")})
	start(t, docker, service{name: "ausguck-hostnet", networkMode: "host", env: []string{"PORTS=" + hostPort}, labels: labels(hostPort)})

	a := &ausguck{url: "http://admin:secret@127.0.0.1:3000", exit: make(chan error, 1)}
	up := func(more ...string) {
		s.compose(t, append(append(slices.Clone(files), more...), "up", "-d")...)
		within(t, time.Minute, "ready", func() error {
			_, err := a.get("/-/ready")
			return err
		})
	}
	up()
	for _, name := range []string{"ausguck-both", "ausguck-near", "ausguck-hostnet"} {
		within(t, time.Minute, name, func() error { return a.says(name, "scraped", "Scraped by", "") })
	}
	within(t, time.Minute, "the other network", func() error {
		return a.says("ausguck-far", "failing", "It is only on the network ausguck-foreign, and Ausguck is on code-agent", "docker network connect ausguck-foreign agent-ausguck")
	})

	t.Run("with the lines that the page gives", func(t *testing.T) {
		found, _, err := a.containers()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "network.yml"), []byte("version: '3.8'\n"+found["ausguck-far"].Lines), 0o644))
		up("-f", "network.yml")
		within(t, time.Minute, "reached", func() error { return a.says("ausguck-far", "scraped", "Scraped by", "") })
		s.compose(t, append(files, "rm", "--stop", "--force")...)
	})

	t.Run("on the host's network itself", func(t *testing.T) {
		content, err := os.ReadFile(filepath.Join(s.dir, "ausguck.yml"))
		require.NoError(t, err)
		text := regexp.MustCompile(`(?s)\n    networks:\n.*?\nvolumes:`).ReplaceAllString(string(content), "\n    network_mode: host\n\nvolumes:")
		text = regexp.MustCompile(`(?s)\n    ports:\n.*?\n    volumes:`).ReplaceAllString(text, "\n    volumes:")
		require.Contains(t, text, "network_mode: host")
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "ausguck.yml"), []byte(text), 0o644))
		up()
		for _, name := range []string{"ausguck-far", "ausguck-both", "ausguck-near", "ausguck-hostnet"} {
			within(t, time.Minute, name, func() error { return a.says(name, "scraped", "Scraped by", "") })
		}
	})
}

// granted maps the permissions of a socket proxy to the paths that they allow, as in tecnativa's.
var granted = map[string]*regexp.Regexp{
	"CONTAINERS=1": regexp.MustCompile(`^(/v[\d.]+)?/containers(/|$)`),
	"EVENTS=1":     regexp.MustCompile(`^(/v[\d.]+)?/events`),
	"NETWORKS=1":   regexp.MustCompile(`^(/v[\d.]+)?/networks`),
	"PING=1":       regexp.MustCompile(`^(/v[\d.]+)?/_ping`),
	"VERSION=1":    regexp.MustCompile(`^(/v[\d.]+)?/version`),
	"INFO=1":       regexp.MustCompile(`^(/v[\d.]+)?/info`),
}

// socketProxy forwards read requests according to the permissions, and forbids all others.
func socketProxy(t *testing.T, e *engine, grants ...string) *engine {
	t.Helper()
	proxy := e.proxy()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if !reads || !slices.ContainsFunc(grants, func(g string) bool { return granted[g].MatchString(r.URL.Path) }) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n"))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return &engine{endpoint: "tcp://" + server.Listener.Addr().String()}
}

// With the permissions of docs/secure.md everything works; without one of them, the page names it.
func TestSocketProxy(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/secure.md")
	require.NoError(t, err)
	line := regexp.MustCompile(`environment: \[(CONTAINERS=1.*)\]`).FindSubmatch(doc)
	require.NotNil(t, line)
	all := strings.Split(string(line[1]), ", ")
	for _, grant := range all {
		require.Contains(t, granted, grant)
	}
	start(t, docker, service{name: "ausguck-scraped", exposed: []string{"8080/tcp"}, labels: map[string]string{"prometheus.io/scrape": "true"}, env: []string{"LOG_RATE=1"}})

	t.Run("all", func(t *testing.T) {
		a := startAusguck(t, socketProxy(t, docker, all...), "")
		within(t, time.Minute, "scraped", func() error { return oneTargetUp(a, "ausguck-scraped") })
		a.waitLines(t, "ausguck-scraped", 1)
		within(t, time.Minute, "measured", func() error { return a.some(`container_memory_usage_bytes{name="ausguck-scraped"}`) })
		_, docker, err := a.containers()
		require.NoError(t, err)
		require.Equal(t, " ", docker)
		require.NotContains(t, a.output(), "level=WARN msg=\"Docker")
	})
	for _, missing := range all {
		if missing == "INFO=1" || missing == "VERSION=1" { // their loss affects nothing that is queried here
			continue
		}
		t.Run("without "+missing, func(t *testing.T) {
			grants := slices.DeleteFunc(slices.Clone(all), func(g string) bool { return g == missing })
			a := startAusguck(t, socketProxy(t, docker, grants...), "")
			within(t, time.Minute, "named", func() error {
				_, docker, err := a.containers()
				if err == nil && !strings.Contains(docker, "add to the environment of the Docker socket proxy: "+missing) {
					err = fmt.Errorf("it says %q", docker)
				}
				return err
			})
			if missing == "NETWORKS=1" {
				within(t, time.Minute, "the container says so", func() error {
					return a.says("ausguck-scraped", "unseen", "list networks", "NETWORKS=1")
				})
			}
			if missing == "EVENTS=1" { // the list is sufficient, only slower
				within(t, time.Minute, "scraped", func() error { return oneTargetUp(a, "ausguck-scraped") })
				a.waitLines(t, "ausguck-scraped", 1)
			}
		})
	}
}
