package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const groupsOfRules = 12

// manyRules are groups with an alert each, A00, A01 … Upstream's hash spreads names that differ only at the end over few hosts.
func manyRules() string {
	var text strings.Builder
	text.WriteString("groups:\n")
	for n := range groupsOfRules {
		fmt.Fprintf(&text, `  - name: g%02d of the groups
    interval: 1s
    rules: [{alert: A%02d, expr: 'sum(count_over_time({job="signal"}[1h])) > 0'}]
`, n, n)
	}
	return text.String()
}

// groups returns the groups of manyRules that a member evaluates.
func (s *server) groups(t *testing.T) (names []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^loki_prometheus_rule_group_rules\{.*grow\.yml;(g\d\d) of the groups".* [1-9]\d*$`).FindAllStringSubmatch(s.get(t, "/metrics"), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

// waitGroups waits until the running members evaluate each group once, and returns how many each of them evaluates.
func (r *logRing) waitGroups(timeout time.Duration) (counts []int) {
	r.t.Helper()
	eventually(r.t, timeout, func() error {
		var all []string
		counts = nil
		for _, s := range r.servers {
			if s != nil {
				mine := s.groups(r.t)
				all, counts = append(all, mine...), append(counts, len(mine))
			}
		}
		slices.Sort(all)
		return errUnless(len(all) == groupsOfRules && len(slices.Compact(all)) == groupsOfRules, "groups: %v", all)
	})
	return counts
}

// compactor waits until exactly one of the running members compacts and takes deletions, and returns its number.
func (r *logRing) compactor(timeout time.Duration) (number int) {
	r.t.Helper()
	eventually(r.t, timeout, func() error {
		var compacts, takes []int
		for n, s := range r.servers {
			if s == nil {
				continue
			}
			if metric(r.hosts[n].at(s, 3100).get(r.t, "/metrics"), "loki_boltdb_shipper_compactor_running") == 1 {
				compacts = append(compacts, n)
			}
			if code, _ := s.do(r.t, http.MethodGet, "/loki/api/v1/delete", nil, ""); code == http.StatusOK {
				takes = append(takes, n)
			}
		}
		if len(compacts) != 1 || !slices.Equal(compacts, takes) {
			return fmt.Errorf("compactors run on %v, deletions are taken by %v", compacts, takes)
		}
		number = compacts[0]
		return nil
	})
	return number
}

// deletion asks a member to delete the lines of a selector.
func (s *server) deletion(t *testing.T, selector string) (code int, answer string) {
	t.Helper()
	return s.do(t, http.MethodPost, "/loki/api/v1/delete?"+url.Values{
		"query": {selector}, "start": {fmt.Sprint(time.Now().Add(-time.Hour).Unix())}, "end": {fmt.Sprint(time.Now().Unix())},
	}.Encode(), nil, "")
}

// requireDeletions requires that the compactor's host takes deletions and the others name it.
func (r *logRing) requireDeletions(compactor int, selector string) {
	r.t.Helper()
	for n, s := range r.servers {
		switch {
		case s == nil:
		case n == compactor:
			code, answer := s.deletion(r.t, selector)
			require.Equal(r.t, http.StatusNoContent, code, answer)
			require.Contains(r.t, s.get(r.t, "/loki/api/v1/delete"), `"status":"received"`)
		default:
			code, answer := s.deletion(r.t, selector)
			require.Equal(r.t, http.StatusMisdirectedRequest, code, answer)
			name := fmt.Sprintf("which runs on host%d (%s:9095): send the request to Ausguck on that host", compactor+1, r.hosts[compactor].ip)
			require.Contains(r.t, answer, name)
			code, answer = s.do(r.t, http.MethodGet, "/loki/api/v1/delete", nil, "")
			require.Equal(r.t, http.StatusMisdirectedRequest, code, answer)
		}
	}
}

// With ruler.enable_sharding, each group is evaluated by one host; compaction is done by one, which alone takes deletions. When that host
// stops, and when it is killed, others take over, and no alert is notified twice.
func TestGrowLogsOneHostDoesIt(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	startObjectStore(t, network, "logs")
	var received inbox
	network.host(t, 8).serve(t, 8000, &received)
	file := hurried(t)
	if *growLong {
		file = readGrowPage(t).section(t, "Logs on three hosts").file(t, "loki.yml")
	}
	// An ordinary stop is seen at once; after a kill, the ring forgets a host after two timeouts, and rules are synchronized at this interval.
	sharded := "ruler:\n  enable_sharding: true\n"
	forgotten := 5 * time.Minute
	if !*growLong {
		sharded += "  poll_interval: 2s\n"
		forgotten = time.Minute
	}
	require.Contains(t, file, "\nruler:\n")
	ring := newLogRing(t, network, map[string]string{
		"loki.yml":         strings.Replace(file, "ruler:\n", sharded, 1),
		"alertmanager.yml": signalReceiver, "loki-rules/fake/grow.yml": manyRules(),
	})
	ring.flags = append(ring.flags, "--no-log-collector")
	if !*growLong {
		ring.flags = append(ring.flags, "--cluster.peer-timeout=3s")
	}
	ring.startAll()
	ring.waitMembers(3)
	for _, s := range ring.servers {
		s.waitPeers(t, 3)
	}
	counts := ring.waitGroups(2 * time.Minute)
	for n, s := range ring.servers {
		require.Equal(t, 3, strings.Count(ring.hosts[n].at(s, 3100).get(t, "/ruler/ring"), "<td>ACTIVE</td>"))
	}
	code, answer := ring.servers[0].pushJob(t, "signal", time.Now(), "all of them")
	require.Equal(t, http.StatusNoContent, code, answer)
	for n := range groupsOfRules {
		received.wait(t, time.Minute, fmt.Sprintf(`"A%02d"`, n))
	}
	for n, s := range ring.servers {
		rules := s.get(t, "/prometheus/api/v1/rules")
		require.Equal(t, groupsOfRules, strings.Count(rules, `"type":"alerting"`), "%s knows the rules of all: %s", ring.hosts[n].ip, tail(rules, 500))
	}
	figure(t, "ruler.enable_sharding: %d groups on three hosts, evaluated by one each: %v", groupsOfRules, counts)

	first := ring.compactor(15 * time.Minute)
	ring.requireDeletions(first, `{job="gone"}`)
	if *growLong {
		stopped := ring.servers[first]
		ring.servers[first] = nil
		begin := time.Now()
		stopped.stop(t)
		counts = ring.waitGroups(forgotten)
		rulesAfter := time.Since(begin)
		second := ring.compactor(time.Minute)
		figure(t, "the compactor's host stops: groups on the others after %s: %v, compactor on %s after %s",
			rulesAfter.Round(time.Second), counts, ring.hosts[second].ip, time.Since(begin).Round(time.Second))
		ring.requireDeletions(second, `{job="gone"}`)
		ring.start(first)
		ring.servers[first].waitReady(t, time.Minute)
		ring.waitMembers(3)
		ring.waitGroups(forgotten)
	}

	killed := ring.compactor(time.Minute)
	ring.servers[killed].kill()
	ring.servers[killed] = nil
	begin := time.Now()
	counts = ring.waitGroups(forgotten)
	figure(t, "a host is killed: its groups are on the others after %s: %v", time.Since(begin).Round(time.Second), counts)
	for n, s := range ring.servers {
		if s != nil {
			code, answer := s.deletion(t, `{job="gone"}`)
			require.Equal(t, http.StatusMisdirectedRequest, code, answer)
			require.Contains(t, answer, fmt.Sprintf("which runs on host%d ", killed+1), "host %d", n+1)
		}
	}
	if *growLong {
		third := ring.compactor(15 * time.Minute)
		figure(t, "the compactor is on %s %s after its host was killed", ring.hosts[third].ip, time.Since(begin).Round(time.Second))
		ring.requireDeletions(third, `{job="gone"}`)
	}
	want := map[string]int{}
	for n := range groupsOfRules {
		want[fmt.Sprintf("A%02d", n)] = 1
	}
	require.Equal(t, want, received.counts(t, "alertname", "firing"), "notifications: %s", received.told())
	require.Empty(t, received.counts(t, "alertname", "resolved"), "notifications: %s", received.told())
	for _, s := range ring.servers {
		if s != nil {
			s.stop(t)
		}
	}
}
