package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// logRing are Ausgucks on hosts 1, 2, 3 … with the loki.yml of docs/grow.md for several hosts.
type logRing struct {
	t       *testing.T
	hosts   []*host
	servers []*server
	config  []string
	storage []string
	flags   []string
}

func newLogRing(t *testing.T, network lan, files map[string]string) *logRing {
	t.Helper()
	r := &logRing{t: t, flags: []string{
		"--no-cadvisor", "--no-node-exporter", "--no-docker",
		"--cluster.listen-address=0.0.0.0:9094", "--cluster.peer=10.0.0.1:9094", "--cluster.peer=10.0.0.2:9094", "--cluster.peer=10.0.0.3:9094",
	}}
	files["prometheus.yml"] = quietConfig
	if files["loki.yml"] == "" {
		files["loki.yml"] = readGrowPage(t).section(t, "Logs on three hosts").file(t, "loki.yml")
	}
	for n := range 3 {
		r.add(network.host(t, n+1), files)
	}
	return r
}

// add adds a host and does not start Ausguck on it.
func (r *logRing) add(h *host, files map[string]string) {
	r.hosts = append(r.hosts, h)
	r.config, r.storage = append(r.config, configDir(r.t, files)), append(r.storage, r.t.TempDir())
	r.servers = append(r.servers, nil)
}

func (r *logRing) start(n int, flags ...string) {
	r.servers[n] = r.hosts[n].reachable(r.t, r.config[n], r.storage[n], append(flags, r.flags...)...)
}

func (r *logRing) startAll() {
	for n := range r.hosts {
		r.start(n)
	}
	for _, s := range r.servers {
		s.waitReady(r.t, 2*time.Minute)
	}
}

// waitMembers waits until every running server sees a number of active ingesters.
func (r *logRing) waitMembers(count int) {
	r.t.Helper()
	for n, s := range r.servers {
		if s == nil {
			continue
		}
		eventually(r.t, 2*time.Minute, func() error {
			ring := r.hosts[n].at(s, 3100).get(r.t, "/ring")
			active := strings.Count(ring, "<td>ACTIVE</td>")
			return errUnless(active == count && !strings.Contains(ring, "UNHEALTHY"), "%s sees %d active members: %s", s.address, active, tail(ring, 1500))
		})
	}
}

// signalRules fire when a line says so.
const signalRules = `
groups:
  - name: grow
    interval: 1s
    rules:
      - {alert: First, expr: 'sum(count_over_time({job="signal"} |= "first" [10m])) > 0'}
      - {alert: Second, expr: 'sum(count_over_time({job="signal"} |= "second" [10m])) > 0'}
      - {alert: Third, expr: 'sum(count_over_time({job="signal"} |= "third" [10m])) > 0'}
`

const signalReceiver = `
route: {receiver: inbox, group_by: [alertname], group_wait: 1s, group_interval: 5m, repeat_interval: 4h}
receivers: [{name: inbox, webhook_configs: [{url: "http://10.0.0.8:8000/"}]}]
`

// Three Ausgucks in one ring while 1,000 lines per second arrive at all of them and one collects a file: one is killed, another is cut off, a
// third has a slow link. Each of them returns each accepted line once, and each alert of a LogQL rule is notified once.
func TestGrowLogsRing(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	store := startObjectStore(t, network, "logs")
	var received inbox
	network.host(t, 8).serve(t, 8000, &received)
	dir := t.TempDir()
	written := filepath.Join(dir, "app.log")
	ring := newLogRing(t, network, map[string]string{
		"alertmanager.yml": signalReceiver, "loki-rules/fake/grow.yml": signalRules,
		"promtail.yml": "clients: [{url: http://loki:3100/loki/api/v1/push}]\nscrape_configs: []\n",
	})
	writeFile(t, filepath.Join(ring.config[2], "promtail.yml"), fmt.Sprintf(`
clients: [{url: http://loki:3100/loki/api/v1/push}]
scrape_configs: [{job_name: file, static_configs: [{labels: {job: file, __path__: %s}}]}]
`, written))
	ring.startAll()
	ring.waitMembers(3)
	for _, s := range ring.servers {
		s.waitPeers(t, 3)
	}

	begin := time.Now()
	loads := map[int]*logLoad{}
	for n, h := range ring.hosts {
		loads[n] = startLogLoad(h, ring.servers[n], fmt.Sprintf("host%d", n+1), 300)
	}
	fileDone, fileStop := make(chan int), make(chan struct{})
	go func() { fileDone <- appendLines(written, 100, fileStop) }()
	signal := func(n int, name string) {
		t.Helper()
		eventually(t, time.Minute, func() error {
			code, answer := ring.servers[n].pushJob(t, "signal", time.Now(), name)
			return errUnless(code == http.StatusNoContent, "%d %s", code, answer)
		})
	}
	signal(0, "first")
	received.wait(t, time.Minute, "First")
	eventually(t, time.Minute, func() error { // Alertmanager repeats a notification if the sender dies before the others know of it
		knowing := 0
		for _, s := range ring.servers {
			if metric(s.get(t, "/metrics"), "alertmanager_nflog_gossip_messages_propagated_total") > 0 {
				knowing++
			}
		}
		return errUnless(knowing >= 2, "%d of the others know of the notification", knowing)
	})

	fault := 3 * time.Second
	if *growLong {
		fault = 90 * time.Second // longer than heartbeats and retries of the ring
	}
	lasts := func(what string, during func()) {
		t.Helper()
		at := time.Now()
		if during != nil {
			during()
		}
		eventually(t, fault+time.Minute, func() error { return errUnless(time.Since(at) >= fault, "%s", what) })
	}
	ring.servers[0].kill()
	lasts("one is killed", func() {
		signal(1, "second")
		received.wait(t, time.Minute, "Second")
		loads[1].waitAccepted(t)
		loads[2].waitAccepted(t)
	})
	ring.start(0)
	ring.servers[0].waitReady(t, time.Minute)
	loads[0].waitAccepted(t)

	ring.hosts[1].cut(t)
	lasts("one is cut off", func() {
		loads[0].waitAccepted(t)
		loads[2].waitAccepted(t)
	})
	ring.hosts[1].join(t)
	loads[1].waitAccepted(t)

	ring.hosts[2].slow(t, "2mbit")
	lasts("one is slow", func() {
		signal(0, "third")
		received.wait(t, time.Minute, "Third")
		loads[0].waitAccepted(t)
		loads[1].waitAccepted(t)
	})
	ring.hosts[2].fast(t)
	for n := range ring.hosts {
		loads[n].stop(t)
	}
	close(fileStop)
	lines := <-fileDone
	took := time.Since(begin)

	ring.waitMembers(3)
	accepted, retries := 0, int64(0)
	for _, l := range loads {
		accepted += len(l.accepted)
		retries += l.retries.Load()
	}
	resident := make([]int, len(ring.servers))
	requireAll := func() {
		t.Helper()
		for n, s := range ring.servers {
			for _, l := range loads {
				l.requireAll(t, s)
			}
			eventually(t, time.Minute, func() error {
				found := s.entries(t, `{job="file"}`, begin.Add(-time.Minute), time.Now())
				once := 0
				for _, count := range found {
					if count == 1 {
						once++
					}
				}
				return errUnless(len(found) == lines && once == lines, "%s: %d of %d lines of the file, %d once", s.address, len(found), lines, once)
			})
			resident[n] = s.memory(t, "VmRSS") >> 20
		}
	}
	requireAll()
	figure(t, "three in a ring, %s under 1,000 lines/s: %d lines accepted, %d collected from a file; on each of the three 0 lost, 0 doubled; %d pushes were repeated; resident %v MB",
		took.Round(time.Second), accepted, lines, retries, resident)
	require.Less(t, slices.Max(resident), 400, "MB: at most twice what the page says")
	for n, s := range ring.servers {
		s.flush(t, ring.hosts[n])
	}
	eventually(t, time.Minute, func() error {
		left := 0.0
		for _, s := range ring.servers {
			left += metric(s.get(t, "/metrics"), "loki_ingester_memory_chunks")
		}
		return errUnless(left == 0, "%.0f chunks are only in memory", left)
	})
	requireAll()
	require.Equal(t, map[string]int{"First": 1, "Second": 1, "Third": 1}, received.counts(t, "alertname", "firing"), "notifications: %s", received.told())
	figure(t, "after all chunks are flushed: the same lines on each of the three, from %d objects; 3 alerts of LogQL rules, 3 notifications", len(store.chunks(t)))
	for _, s := range ring.servers {
		s.stop(t)
	}
}

// told returns when each message arrived, from whom and about what.
func (b *inbox) told() string {
	var text strings.Builder
	for _, m := range b.all() {
		fmt.Fprintf(&text, "%s %s\n", m.at.Format(time.TimeOnly), m.body)
	}
	return text.String()
}

// appendLines writes numbered lines to a file at a rate until stop is closed, and returns how many.
func appendLines(path string, perSecond int, stop <-chan struct{}) (lines int) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return -1
	}
	defer file.Close()
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	defer ticker.Stop()
	for ; ; lines++ {
		select {
		case <-stop:
			return lines
		case <-ticker.C:
		}
		if _, err := fmt.Fprintf(file, "level=warn id=file-%07d what=written\n", lines); err != nil {
			return -1
		}
	}
}
