package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pair are two Ausgucks behind a proxy, as in "High availability" of docs/grow.md.
type pair struct {
	*desk
	lan     lan
	hosts   map[int]*host
	servers map[int]*server
	proxy   *server
	start   func(t *testing.T, number int)
}

const pairToken = "0123456789abcdef-of-a-backup"

func newPair(t *testing.T) *pair {
	t.Helper()
	network := newLAN(t)
	p := &pair{desk: newDesk(t, network), lan: network, hosts: map[int]*host{}, servers: map[int]*server{}}
	all := readGrowPage(t)
	page, alerts := all.section(t, "High availability"), all.section(t, "Alerts in a cluster")
	command := page.command(t, "ausguck")
	config, storage := map[int]string{}, map[int]string{}
	for n := 1; n <= 2; n++ {
		p.hosts[n] = network.host(t, n)
		alerting, each := alerts.file(t, "prometheus.yml"), all.section(t, "Watch each other").file(t, "prometheus.yml")
		prometheus := strings.Replace(all.section(t, "One view of both").file(t, "prometheus.yml"), "global:\n", "global:\n  scrape_interval: 1s\n", 1) +
			alerting[strings.Index(alerting, "alerting:"):] + strings.Replace(each, "scrape_configs:\n", scrapeDesk, 1)
		config[n], storage[n] = configDir(t, map[string]string{
			"prometheus.yml":         prometheus,
			"grow.rules.yml":         growRules,
			"web.yml":                alerts.file(t, "web.yml"),
			"secrets/peer_password":  "change-me-please",
			"alertmanager.yml":       p.alertmanagerConfig(10 * time.Second),
			"heartbeats.yml":         "heartbeats: [{name: backup, token: " + pairToken + ", every: 10s, grace: 1s}]\n",
			"dashboards/shared.json": `{"uid": "from-a-file", "title": "From a file", "schemaVersion": 42, "panels": []}`,
		}), t.TempDir()
		writeFile(t, filepath.Join(config[n], "grafana/provisioning/dashboards/shared.yml"),
			"apiVersion: 1\nproviders: [{name: shared, type: file, options: {path: '"+filepath.Join(config[n], "dashboards")+"'}}]\n")
	}
	p.start = func(t *testing.T, n int) {
		t.Helper()
		p.servers[n] = p.hosts[n].installed(t, n, config[n], storage[n], command, "--no-cadvisor", "--no-docker",
			"--no-log-collector", "--scrape.discovery-reload-interval=1s", "--cluster.gossip-interval=100ms")
	}
	for n := range p.hosts {
		p.start(t, n)
	}
	for n := range p.hosts {
		p.servers[n].waitReady(t, time.Minute)
	}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	writeFile(t, file, page.file(t, "haproxy.cfg"))
	haproxy, err := exec.LookPath("haproxy")
	require.NoError(t, err, "apt-get install haproxy")
	p.proxy = network.host(t, 7).program(t, 80, exec.Command(haproxy, "-f", file))
	p.proxy.url = urlOf("admin", adminPassword, p.proxy.address)
	p.proxy.waitReady(t, time.Minute)
	return p
}

// browser is a client of the proxy that keeps cookies.
func (p *pair) browser(t *testing.T) *server {
	t.Helper()
	client := *p.proxy.client
	var err error
	client.Jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	b := *p.proxy
	b.url, b.client = "http://"+p.proxy.address, &client
	return &b
}

// at returns the number of the host on which a browser stays.
func (s *server) at(t *testing.T) int {
	t.Helper()
	address, err := url.Parse(s.url)
	require.NoError(t, err)
	for _, c := range s.client.Jar.Cookies(address) {
		if name, found := strings.CutPrefix(c.Value, "server-"); found && c.Name == "ausguck_host" {
			number, err := strconv.Atoi(name)
			require.NoError(t, err)
			return number
		}
	}
	require.Fail(t, "the proxy has set no cookie")
	return 0
}

func (s *server) logIn(t *testing.T) {
	t.Helper()
	code, answer := s.do(t, http.MethodPost, "/login", map[string]string{"Content-Type": "application/json", "Origin": s.url},
		`{"user": "admin", "password": "`+adminPassword+`"}`)
	require.Equal(t, http.StatusOK, code, answer)
}

// Two Ausgucks behind haproxy: what works through one address, and what belongs to a host.
func TestGrowPair(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	post := func(s *server, path, body string) string {
		t.Helper()
		code, answer := s.do(t, http.MethodPost, path, map[string]string{"Content-Type": "application/json"}, body)
		require.Less(t, code, 300, "%s: %s", path, answer)
		return answer
	}

	// Requests with a password reach both hosts.
	hosts := map[string]int{}
	for range 20 {
		for _, path := range []string{"/api/v1/query?query=up", "/api/v1/labels", "/api/v2/alerts", "/loki/api/v1/labels", "/api/org", "/"} {
			p.proxy.get(t, path)
		}
	}
	for n, s := range p.servers {
		hosts[fmt.Sprintf("server-%d", n)] = int(metric(s.get(t, "/metrics"), "prometheus_http_requests_total"))
	}
	figure(t, "120 requests with a password through haproxy succeed; of them to Prometheus's API by host: %v", hosts)
	for name, count := range hosts {
		require.GreaterOrEqual(t, count, 10, name)
	}

	// Each scrapes both, and knows them by their addresses.
	for n, s := range p.servers {
		for _, expression := range []string{
			`count(up{job="prometheus", instance=~"10.0.0.[12]:3000"} == 1)`, `count(up{job="node-exporter"} == 1)`,
			`count(alertmanager_config_hash and on (job, instance) alertmanager_cluster_members == 2)`, `count(prometheus_rule_group_rules)`,
		} {
			eventually(t, time.Minute, func() error {
				return errUnless(s.value(t, expression) == 2, "server-%d: %s is %v", n, expression, s.value(t, expression))
			})
		}
		status := s.get(t, "/api/ausguck/status")
		require.Contains(t, status, `"name":"server-1","address":"10.0.0.1:9094"`, "server-%d", n)
		require.Contains(t, status, `"name":"server-2","address":"10.0.0.2:9094"`, "server-%d", n)
		require.Contains(t, status, `"host":"10.0.0.5:19291"`, "server-%d", n)
	}

	// A browser logs in once and stays on its host, even if the other one does not know its session.
	b := p.browser(t)
	b.logIn(t)
	mine := b.at(t)
	other := 3 - mine
	for range 10 {
		b.get(t, "/api/user")
		require.Equal(t, mine, b.at(t))
	}
	session := func(s *server) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+"/api/user", nil)
		require.NoError(t, err)
		address, err := url.Parse(b.url)
		require.NoError(t, err)
		for _, c := range b.client.Jar.Cookies(address) {
			request.AddCookie(c)
		}
		response, err := s.client.Transport.RoundTrip(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}
	require.Equal(t, http.StatusOK, session(p.servers[mine]))
	require.Equal(t, http.StatusUnauthorized, session(p.servers[other]), "a session belongs to a host")

	// What is in files is on both, and what is changed on the page on one.
	post(p.servers[mine], "/api/dashboards/db", `{"dashboard": {"uid": "from-the-page", "title": "From the page", "panels": []}}`)
	post(p.servers[mine], "/api/admin/users", `{"login": "eve", "password": "a long password"}`)
	post(p.servers[mine], "/api/ausguck/probes", `{"name": "page", "url": "http://10.0.0.8/metrics"}`)
	_, token := p.servers[mine].serviceAccount(t, "peer", "Editor")
	post(p.servers[mine], "/hb/"+pairToken, "")
	silence := p.servers[mine].silence(t, "part", "silenced")
	eventually(t, time.Minute, func() error {
		code, _ := p.servers[other].do(t, http.MethodGet, "/api/v2/silence/"+silence, nil, "")
		return errUnless(code == http.StatusOK, "the other host does not know the silence")
	})
	for n, s := range p.servers {
		has := func(path string) bool {
			code, answer := s.do(t, http.MethodGet, path, nil, "")
			require.Contains(t, []int{http.StatusOK, http.StatusNotFound}, code, answer)
			return code == http.StatusOK
		}
		require.True(t, has("/api/dashboards/uid/from-a-file"), "server-%d", n)
		require.Equal(t, n == mine, has("/api/dashboards/uid/from-the-page"), "server-%d", n)
		require.Equal(t, n == mine, has("/api/users/lookup?loginOrEmail=eve"), "server-%d", n)
		require.Equal(t, n == mine, strings.Contains(s.get(t, "/api/ausguck/probes"), `"name":"page"`), "server-%d", n)
		anonymous := *s
		anonymous.url = "http://" + s.address
		code, _ := anonymous.do(t, http.MethodGet, "/api/user", map[string]string{"Authorization": "Bearer " + token}, "")
		require.Equal(t, map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[n == mine], code, "server-%d", n)
		code, _ = anonymous.do(t, http.MethodPost, "/api/v2/alerts", map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"}, "[]")
		require.Equal(t, n == mine, code == http.StatusOK, "server-%d: a peer with the role Editor sends alerts: %d", n, code)
		code, _ = anonymous.do(t, http.MethodGet, "/api/v1/labels", as("peer", "change-me-please"), "")
		require.Equal(t, http.StatusOK, code, "server-%d knows the user of web.yml", n)
	}
	eventually(t, time.Minute, func() error {
		up := metric(p.servers[other].get(t, "/metrics"), "ausguck_heartbeat_up")
		return errUnless(up == 0, "the other host does not miss the heartbeat: %v", up)
	})

	// The host of the browser fails: the proxy uses the other one, on which the browser logs in again.
	p.servers[mine].kill()
	for range 20 {
		p.proxy.get(t, "/api/v1/labels")
	}
	eventually(t, time.Minute, func() error {
		code, _ := b.do(t, http.MethodGet, "/api/user", nil, "")
		return errUnless(code == http.StatusUnauthorized, "the browser gets %d", code)
	})
	b.logIn(t)
	require.Equal(t, other, b.at(t))
	b.get(t, "/api/user")
	p.set(true, "alone")
	p.wait(t, "FIRING", "alone")
}

// The store shows the series of a pair once, and without a gap while one of them is down.
func TestGrowPairInThanos(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	page := readGrowPage(t).section(t, "One view of both")
	store, folder := p.lan.host(t, 5), t.TempDir()
	thanos := func(t *testing.T, port int, words ...string) *server {
		t.Helper()
		args := append([]string{}, words[1:]...)
		for _, arg := range page.command(t, words...) {
			args = append(args, strings.Replace(arg, "/var/lib/thanos", folder, 1))
		}
		return store.program(t, port, exec.Command(stockBinary(t, "thanos"), args...))
	}
	receive, query := thanos(t, 10902, "thanos", "receive"), thanos(t, 10932, "thanos", "query")
	receive.waitReady(t, time.Minute)
	query.waitReady(t, time.Minute)
	p.set(false, "one", "two")
	raw := func() int {
		var vector struct{ Result []point }
		query.data(t, "/api/v1/query", url.Values{"query": {"count(broken)"}, "dedup": {"false"}}, &vector)
		if len(vector.Result) == 0 {
			return 0
		}
		return int(vector.Result[0].value(t))
	}
	eventually(t, time.Minute, func() error { return errUnless(raw() == 4, "%d series from both hosts", raw()) })
	require.Equal(t, 2.0, query.value(t, "count(broken)"), "each series once")
	both := time.Now()

	p.servers[1].kill()
	down := 20 * time.Second
	if *growLong {
		down = 5 * time.Minute
	}
	waitUntil(t, time.Now().Add(down))
	p.start(t, 1)
	p.servers[1].waitReady(t, time.Minute)
	waitUntil(t, time.Now().Add(10*time.Second))
	ended := time.Now()
	require.Equal(t, 2.0, query.value(t, "count(broken)"), "each series once")

	// Samples of the last five seconds, every second: a gap of that length in the merged series is a point less.
	gaps := func(s *server, expression string) (missing int) {
		var matrix struct {
			Result []struct{ Values [][2]json.RawMessage }
		}
		steps := int(ended.Sub(both).Seconds())
		s.data(t, "/api/v1/query_range", url.Values{"query": {expression}, "start": {unixTime(both)}, "end": {unixTime(ended)}, "step": {"1"}}, &matrix)
		require.Len(t, matrix.Result, 1)
		return steps + 1 - len(matrix.Result[0].Values)
	}
	const expression = `count(count_over_time(broken[5s])) == 2`
	alone, merged := gaps(p.servers[1], expression), gaps(query, expression)
	figure(t, "one of a pair was down for %.0f s: missing seconds in its own data %d, in the merged series %d", down.Seconds(), alone, merged)
	for name, program := range map[string]*server{"Ausguck": p.servers[2], "thanos receive": receive, "thanos query": query} {
		figure(t, "%s uses %d MiB", name, program.memory(t, "VmRSS")>>20)
	}
	require.Greater(t, alone, int(down.Seconds())-8)
	require.Zero(t, merged)
}
