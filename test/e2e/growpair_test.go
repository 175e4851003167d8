package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
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
	config  map[int]string
	servers map[int]*server
	proxy   *server
	start   func(t *testing.T, number int)
}

const pairToken = "0123456789abcdef-of-a-backup"

// newPair starts both with the command of the page and with more flags, in which /etc/ausguck is their configuration folder.
func newPair(t *testing.T, flags ...string) *pair {
	t.Helper()
	network := newLAN(t)
	p := &pair{desk: newDesk(t, network), lan: network, hosts: map[int]*host{}, config: map[int]string{}, servers: map[int]*server{}}
	all := readGrowPage(t)
	page, alerts := all.section(t, "High availability"), all.section(t, "Alerts in a cluster")
	command := page.command(t, "ausguck")
	storage := map[int]string{}
	for n := 1; n <= 2; n++ {
		p.hosts[n] = network.host(t, n)
		alerting, each := alerts.file(t, "prometheus.yml"), all.section(t, "Watch each other").file(t, "prometheus.yml")
		prometheus := strings.Replace(all.section(t, "One view of both").file(t, "prometheus.yml"), "global:\n", "global:\n  scrape_interval: 1s\n", 1) +
			alerting[strings.Index(alerting, "alerting:"):] + strings.Replace(each, "scrape_configs:\n", scrapeDesk, 1)
		p.config[n], storage[n] = configDir(t, map[string]string{
			"prometheus.yml":         prometheus,
			"grow.rules.yml":         growRules,
			"web.yml":                alerts.file(t, "web.yml"),
			"secrets/peer_password":  "change-me-please",
			"alertmanager.yml":       p.alertmanagerConfig(10 * time.Second),
			"heartbeats.yml":         "heartbeats: [{name: backup, token: " + pairToken + ", every: 10s, grace: 1s}]\n",
			"probes.yml":             "probes: [{name: file, url: 'http://10.0.0.8/metrics'}]\n",
			"status-pages.yml":       "pages: [{name: example, public: true, subscribers: {receiver: team}, groups: [{components: [{name: Shop, probe: file}]}]}]\n",
			"secrets/oidc":           "the client's secret",
			"dashboards/shared.json": `{"uid": "from-a-file", "title": "From a file", "schemaVersion": 42, "panels": []}`,
			"grafana/provisioning/datasources/shared.yml": "apiVersion: 1\ndatasources: [{name: Shared, uid: from-a-file, type: prometheus, url: 'http://10.0.0.5:10932'}]\n",
		}), t.TempDir()
		writeFile(t, filepath.Join(p.config[n], "grafana/provisioning/dashboards/shared.yml"),
			"apiVersion: 1\nproviders: [{name: shared, type: file, options: {path: '"+filepath.Join(p.config[n], "dashboards")+"'}}]\n")
	}
	p.start = func(t *testing.T, n int) {
		t.Helper()
		more := []string{"--no-cadvisor", "--no-docker", "--no-log-collector", "--scrape.discovery-reload-interval=1s"}
		for _, flag := range flags {
			more = append(more, strings.Replace(flag, "/etc/ausguck", p.config[n], 1))
		}
		p.servers[n] = p.hosts[n].installed(t, n, p.config[n], storage[n], command, more...)
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

// Two Ausgucks behind haproxy: what works through one address, and what belongs to a host.
func TestGrowPair(t *testing.T) {
	t.Parallel()
	p := newPair(t, signInFlags(t)...)
	p.startProvider(t)
	p.servesBoth(t)
	p.seesBoth(t)
	b := p.browser(t)
	b.logIn(t)
	mine := b.at(t)
	p.keepsSession(t, b, mine)
	p.keepsPerHost(t, mine)
	p.watched(t, mine)
	p.failsAndReturns(t, b, mine)
}

// servesBoth checks that requests with a password reach both hosts.
func (p *pair) servesBoth(t *testing.T) {
	t.Helper()
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
}

// seesBoth checks that each host scrapes both, and knows them by their addresses.
func (p *pair) seesBoth(t *testing.T) {
	t.Helper()
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
}

// keepsSession checks that a browser that has logged in stays on its host, and that the other one does not know its session.
func (p *pair) keepsSession(t *testing.T, b *server, mine int) {
	t.Helper()
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
	require.Equal(t, http.StatusUnauthorized, session(p.servers[3-mine]), "a session belongs to a host")
}

// failsAndReturns kills the host on which a browser has logged in, and starts it again.
func (p *pair) failsAndReturns(t *testing.T, b *server, mine int) {
	t.Helper()
	other := 3 - mine
	eve, bob := p.browser(t), p.browser(t)
	eve.stay(t, mine)
	eve.signsIn(t)
	bob.stay(t, mine)
	form := bob.signInForm(t)

	// The proxy uses the other one, on which a browser logs in again.
	p.servers[mine].kill()
	killed := time.Now()
	for range 20 {
		p.proxy.get(t, "/api/v1/labels")
	}
	eventually(t, time.Minute, func() error {
		code, _ := b.do(t, http.MethodGet, "/api/user", nil, "")
		return errUnless(code == http.StatusUnauthorized, "the browser gets %d", code)
	})
	took := time.Since(killed)
	figure(t, "a host was killed: its browsers reach the other one after %.1f s", took.Seconds())
	require.Less(t, took, 20*time.Second, "docs/grow.md promises four seconds")
	b.logIn(t)
	require.Equal(t, other, b.at(t))
	b.get(t, "/api/user")
	eve.isRedirected(t, other)
	bob.startsAgain(t, form, other)

	// The other one notices, and goes on alone.
	missing := fmt.Sprintf(`up{job="prometheus", instance="10.0.0.%d:3000"} == 0`, mine)
	eventually(t, time.Minute, func() error {
		return errUnless(len(p.servers[other].query(t, missing)) == 1, "it does not see that the other one is down")
	})
	eventually(t, time.Minute, func() error {
		found := p.servers[other].query(t, builtInRule(t, "AlertmanagerPeerMissing"))
		return errUnless(len(found) == 1, "the cluster lacks nobody: %v", found)
	})
	p.set(true, "alone")
	p.wait(t, "FIRING", "alone")

	// A host that starts gets no requests until it is ready.
	p.start(t, mine)
	serves := regexp.MustCompile(`(?m)^prometheus_http_requests_total\{.*handler="/api/v1/labels".*\} [1-9]`)
	requests := 0
	eventually(t, time.Minute, func() error {
		p.proxy.get(t, "/api/v1/labels")
		requests++
		if err := p.servers[mine].answers("/metrics"); err != nil {
			return err
		}
		return errUnless(serves.MatchString(p.servers[mine].get(t, "/metrics")), "it gets no requests")
	})
	figure(t, "a host that was killed serves requests again %.1f s after its start; none of %d requests failed until then", time.Since(p.servers[mine].started).Seconds(), requests)
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
