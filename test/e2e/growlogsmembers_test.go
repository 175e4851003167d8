package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hurried is the loki.yml of the page with a compactor that works every second, a retention of a day, members that are forgotten soon, and
// none that waits when it starts and stops.
// Heartbeats have a resolution of a second: with one in each, leaving the ring would be repeated for up to ten seconds.
func hurried(t *testing.T) string {
	t.Helper()
	file := readGrowPage(t).section(t, "Logs on three hosts").file(t, "loki.yml")
	for from, to := range map[string]string{
		"kvstore: {store: memberlist}": "kvstore: {store: memberlist}\n    heartbeat_period: 2s\n    heartbeat_timeout: 6s",
		"retention_period: 90d":        "retention_period: 24h\n  reject_old_samples: false",
		"autoforget_unhealthy: true":   "autoforget_unhealthy: true\n  lifecycler: {min_ready_duration: 0s, final_sleep: 0s}",
		"retention_enabled: true":      "retention_enabled: true\n  compaction_interval: 1s\n  retention_delete_delay: 1s\n  delete_request_cancel_period: 1s",
	} {
		require.Contains(t, file, from)
		file = strings.Replace(file, from, to, 1)
	}
	return file
}

// stockLoki starts a stock Loki on a host with a loki.yml, with all data below its folder.
func (h *host) stockLoki(t *testing.T, folder string, flags ...string) *server {
	t.Helper()
	cmd := exec.Command(stockBinary(t, "loki"), append([]string{"-config.file=loki.yml"}, flags...)...)
	cmd.Dir = folder
	return h.program(t, 3100, cmd)
}

// logcli runs a query on a host with the stock client and returns the lines.
func (h *host) logcli(t *testing.T, flags ...string) []string {
	t.Helper()
	var p *process
	h.do(func() {
		p = startProcess(t, exec.Command(stockBinary(t, "logcli"), append([]string{"--addr=http://" + h.ip + ":3100", "--quiet", "--output=raw"}, flags...)...))
	})
	code := p.exitCode(t, time.Minute)
	require.Zero(t, code, p.output.String())
	return strings.Split(strings.TrimSpace(p.output.String()), "\n")
}

// stopWithIndex stops a member. On a busy machine it may have no time to write its index to the bucket, and does so after the next start.
func (r *logRing) stopWithIndex(n int) {
	r.t.Helper()
	for range 5 {
		s := r.servers[n]
		s.stop(r.t)
		if !s.output.matches("stops without waiting until it has left") {
			return
		}
		r.start(n)
		r.servers[n].waitReady(r.t, time.Minute)
	}
	require.FailNow(r.t, "a member has no time to leave the ring", r.hosts[n].ip)
}

// While lines arrive, an Ausguck leaves the ring and comes back, a stock Loki joins and leaves, and another one is killed for good: no
// accepted line is lost. Exactly one compactor runs, and deletes what is too old from the bucket. Then a stock Loki reads the bucket alone.
func TestGrowLogsMembers(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	store := startObjectStore(t, network, "logs")
	files := map[string]string{"loki.yml": hurried(t)}
	ring := newLogRing(t, network, files)
	ring.flags = append(ring.flags, "--no-log-collector")
	ring.startAll()
	ring.waitMembers(3)
	loads := []*logLoad{startLogLoad(ring.hosts[0], ring.servers[0], "host1", 200), startLogLoad(ring.hosts[1], ring.servers[1], "host2", 200)}
	compacting := func() (on []string) {
		for n, s := range ring.servers {
			if s != nil && metric(ring.hosts[n].at(s, 3100).get(t, "/metrics"), "loki_boltdb_shipper_compactor_running") == 1 {
				on = append(on, s.address)
			}
		}
		return on
	}
	waitOneCompactor := func() (address string) {
		t.Helper()
		eventually(t, time.Minute, func() error {
			on := compacting()
			address = strings.Join(on, " ")
			return errUnless(len(on) == 1, "compactors run on %v", on)
		})
		return address
	}
	compactor := waitOneCompactor()

	old := time.Now().Add(-4 * 24 * time.Hour)
	code, answer := ring.servers[0].pushJob(t, "old", old, "id=old")
	require.Equal(t, http.StatusNoContent, code, answer)
	require.Empty(t, ring.servers[1].entries(t, `{job="old"}`, old.Add(-time.Hour), time.Now()), "older than the retention")
	code, answer = ring.servers[0].pushJob(t, "gone", time.Now(), "id=gone")
	require.Equal(t, http.StatusNoContent, code, answer)
	for n, s := range ring.servers {
		s.flush(t, ring.hosts[n])
	}
	oldChunks := func() (names []string) {
		for _, name := range store.chunks(t) {
			if strings.Contains(name, fmt.Sprintf("/%x:", old.UnixMilli())) {
				names = append(names, name)
			}
		}
		return names
	}
	eventually(t, time.Minute, func() error {
		return errUnless(len(store.chunks(t)) > 2 && len(oldChunks()) == 1, "chunks %v", store.chunks(t))
	})

	leaving := ring.servers[2]
	ring.servers[2] = nil
	begin := time.Now()
	leaving.stop(t) // and writes its index to the bucket
	ring.waitMembers(2)
	loads[0].waitAccepted(t)
	ring.start(2)
	ring.servers[2].waitReady(t, time.Minute)
	ring.waitMembers(3)

	stock := network.host(t, 4)
	folder := configDir(t, files)
	member := stock.stockLoki(t, folder)
	ring.waitMembers(4)
	member.waitAnswer(t, time.Minute, "/ready")
	loads = append(loads, startLogLoad(stock, member, "stock", 100))
	for _, l := range loads {
		l.waitAccepted(t)
	}
	loads[2].stop(t)
	for _, s := range append([]*server{member}, ring.servers...) {
		loads[2].requireAll(t, s)
	}
	credentials := []string{"--username=admin", "--password=" + adminPassword}
	require.Len(t, stock.logcli(t, "query", "--limit=5000", `{stream="stock"}`), len(loads[2].accepted))
	require.Len(t, ring.hosts[0].logcli(t, append(credentials, "query", "--limit=5000", `{stream="stock"}`)...), len(loads[2].accepted))
	member.signal(t, syscall.SIGTERM)
	ring.waitMembers(3)
	figure(t, "a stock Loki joined the ring of Ausgucks and left: %d lines accepted by it, all found by each member and logcli", len(loads[2].accepted))

	compactor += ", then " + waitOneCompactor()
	if *growLong { // Loki reads the marks of what is to be deleted once a minute
		eventually(t, 3*time.Minute, func() error {
			return errUnless(len(store.objects(t, "logs", "markers/")) > 0, "no marks in the bucket: %v", store.objects(t, "logs", ""))
		})
		eventually(t, 5*time.Minute, func() error { return errUnless(len(oldChunks()) == 0, "chunks that are too old: %v", oldChunks()) })
		figure(t, "retention on S3: the chunk that was too old is gone %s after its index was written", time.Since(begin).Round(time.Second))
		compacts := ring.servers[ring.compactor(time.Minute)]
		begin = time.Now()
		code, answer = compacts.deletion(t, `{job="gone"}`)
		require.Equal(t, http.StatusNoContent, code, answer)
		eventually(t, 10*time.Minute, func() error {
			found, list := len(compacts.entries(t, `{job="gone"}`, begin.Add(-time.Hour), time.Now())), compacts.get(t, "/loki/api/v1/delete")
			return errUnless(found == 0 && strings.Contains(list, `"status":"processed"`), "%d lines are found after the deletion %s", found, list)
		})
		figure(t, "a deletion is processed, and the compactor's host finds the line no more, after %s", time.Since(begin).Round(time.Second))
	}
	figure(t, "one compactor in the ring at a time: %s", compactor)
	ring.servers[2].kill() // and never comes back
	ring.servers[2] = nil
	ring.waitMembers(2)
	for _, l := range loads[:2] {
		l.stop(t)
	}
	for _, l := range loads {
		for _, s := range ring.servers[:2] {
			l.requireAll(t, s)
		}
	}
	figure(t, "one member left and came back, one was killed and forgotten: %d lines accepted, 0 lost", len(loads[0].accepted)+len(loads[1].accepted))
	require.LessOrEqual(t, len(compacting()), 1)
	if *growLong {
		waitOneCompactor() // ten heartbeat timeouts after the last one was killed
	}

	for n, s := range ring.servers[:2] {
		s.flush(t, ring.hosts[n])
		eventually(t, time.Minute, func() error {
			left := metric(s.get(t, "/metrics"), "loki_ingester_memory_chunks")
			return errUnless(left == 0, "%.0f chunks are only in memory", left)
		})
		ring.stopWithIndex(n)
	}
	alone := network.host(t, 5)
	config := strings.NewReplacer("replication_factor: 3", "replication_factor: 1", "store: memberlist", "store: inmemory").Replace(files["loki.yml"])
	config = config[:strings.Index(config, "memberlist:")] + config[strings.Index(config, "ingester:"):]
	folder = configDir(t, map[string]string{"loki.yml": config})
	reader := alone.stockLoki(t, folder)
	for _, l := range loads {
		reader.waitAnswer(t, time.Minute, "/ready")
		l.requireAll(t, reader)
	}
	written := startLogLoad(alone, reader, "written-by-stock", 500)
	written.waitAccepted(t)
	written.stop(t)
	status, body := reader.do(t, http.MethodPost, "/flush", nil, "")
	require.Equal(t, http.StatusNoContent, status, body)
	reader.signal(t, syscall.SIGTERM)
	require.Zero(t, reader.exitCode(t, time.Minute))
	writeFile(t, filepath.Join(folder, "prometheus.yml"), quietConfig)
	s := alone.reachable(t, folder, t.TempDir(), metricsOnly...)
	s.waitReady(t, time.Minute)
	for _, l := range append(loads, written) {
		l.requireAll(t, s)
	}
	figure(t, "a stock Loki reads all %d lines that Ausgucks wrote to S3, and Ausguck the %d that it wrote",
		len(loads[0].accepted)+len(loads[1].accepted)+len(loads[2].accepted), len(written.accepted))
	s.stop(t)
}
