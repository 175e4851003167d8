package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// flushed asks all running members to write their chunks and waits until those that were in memory then are in the bucket.
func (r *logRing) flushed() {
	r.t.Helper()
	for n, s := range r.servers {
		if s == nil {
			continue
		}
		before := max(0, metric(s.get(r.t, "/metrics"), "loki_ingester_chunks_flushed_total"))
		inMemory := metric(s.get(r.t, "/metrics"), "loki_ingester_memory_chunks")
		s.flush(r.t, r.hosts[n])
		eventually(r.t, time.Minute, func() error {
			written := metric(s.get(r.t, "/metrics"), "loki_ingester_chunks_flushed_total") - before
			return errUnless(written >= inMemory, "%s has written %.0f of %.0f chunks", s.address, written, inMemory)
		})
	}
}

// leave stops a member for good.
func (r *logRing) leave(n int) {
	r.t.Helper()
	s := r.servers[n]
	r.servers[n] = nil
	s.stop(r.t)
	require.False(r.t, s.output.matches("stops without waiting until it has left"), s.output.String())
}

// While lines arrive, a new Ausguck with an empty data folder joins the ring, of whose members it knows only one, and takes lines; then
// one of the first three leaves for good, and after a flush another one. Each accepted line is found once by those that remain.
func TestGrowLogsJoinAndLeave(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	startObjectStore(t, network, "logs")
	ring := newLogRing(t, network, map[string]string{"loki.yml": hurried(t)})
	ring.flags = append(ring.flags, "--no-log-collector")
	ring.startAll()
	ring.waitMembers(3)
	perSecond := 200
	if *growLong {
		perSecond = 500
	}
	loads := []*logLoad{startLogLoad(ring.hosts[0], ring.servers[0], "stays", perSecond), startLogLoad(ring.hosts[1], ring.servers[1], "leaves-second", perSecond)}

	const all, some = "join_members: [10.0.0.1:7946, 10.0.0.2:7946, 10.0.0.3:7946]", "join_members: [10.0.0.3:7946]"
	file := strings.Replace(hurried(t), all, some, 1)
	require.Contains(t, file, some)
	ring.add(network.host(t, 4), map[string]string{"prometheus.yml": quietConfig, "loki.yml": file})
	begin := time.Now()
	ring.start(3)
	ring.servers[3].waitReady(t, time.Minute)
	ring.waitMembers(4)
	joined := time.Since(begin)
	loads = append(loads, startLogLoad(ring.hosts[3], ring.servers[3], "joined", perSecond))
	loads[2].waitAccepted(t)
	eventually(t, time.Minute, func() error { // and not only passes them on
		streams := metric(ring.servers[3].get(t, "/metrics"), "loki_ingester_memory_streams")
		return errUnless(streams > 0, "the new member stores %.0f streams", streams)
	})

	begin = time.Now()
	ring.leave(2) // the only one that the new member was told about
	ring.waitMembers(3)
	left := time.Since(begin)
	for _, l := range loads {
		l.waitAccepted(t)
	}
	hoursAgo := time.Now().Add(-5 * time.Hour)
	late := func(s *server) int { return len(s.entries(t, `{job="late"}`, hoursAgo.Add(-time.Hour), time.Now())) }
	code, answer := ring.servers[0].pushJob(t, "late", hoursAgo, "id=late")
	require.Equal(t, http.StatusNoContent, code, answer)
	require.Zero(t, late(ring.servers[3]), "a line that is hours old is found when its chunk is written")
	ring.flushed()
	eventually(t, time.Minute, func() error { return errUnless(late(ring.servers[3]) == 1, "the late line is not found") })
	loads[1].stop(t)
	ring.leave(1)
	ring.waitMembers(2)
	accepted := 0
	for _, l := range []*logLoad{loads[0], loads[2]} {
		l.stop(t)
	}
	for _, l := range loads {
		for _, s := range []*server{ring.servers[0], ring.servers[3]} {
			l.requireAll(t, s)
		}
		accepted += len(l.accepted)
	}
	figure(t, "a new Ausguck is in the ring %s after its start, one is out of it %s after it was told to stop, and another one followed: %d lines accepted, 0 lost, 0 doubled",
		joined.Round(100*time.Millisecond), left.Round(100*time.Millisecond), accepted)
	ring.servers[0].stop(t)
	ring.servers[3].stop(t)
}
