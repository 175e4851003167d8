package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// logLoad pushes lines to a member at a rate, each with an ID of its own, and records which were accepted. What is not accepted is sent
// again, with the same timestamps, as Promtail and Alloy do.
type logLoad struct {
	stream  string // the value of the label stream
	retries atomic.Int64

	mtx      sync.Mutex
	accepted map[string]bool
	begin    time.Time
	last     time.Time // when lines were last accepted
	longest  time.Duration

	stopped chan struct{}
	done    chan struct{}
}

// startLogLoad begins to push lines to a server, which may not run yet, through a client on its host.
func startLogLoad(h *host, s *server, stream string, perSecond int) *logLoad {
	l := &logLoad{
		stream: stream, accepted: map[string]bool{}, begin: time.Now(), last: time.Now(),
		stopped: make(chan struct{}), done: make(chan struct{}),
	}
	client := h.client()
	client.Timeout = 15 * time.Second
	go func() {
		defer close(l.done)
		defer client.CloseIdleConnections()
		const most = 500 // lines in a push
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for sent := 0; ; {
			select {
			case <-l.stopped:
				return
			case <-ticker.C:
			}
			due := min(int(time.Since(l.begin).Seconds()*float64(perSecond))-sent, most)
			if due > 0 {
				l.push(client, s.url, sent, due, ticker.C)
				sent += due
			}
		}
	}()
	return l
}

// push sends lines until they are accepted, or the load is stopped: what was pending then is in no ledger.
func (l *logLoad) push(client *http.Client, address string, first, count int, again <-chan time.Time) {
	now := time.Now()
	ids, values := make([]string, count), make([][2]string, count)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s-%07d", l.stream, first+i)
		values[i] = [2]string{strconv.FormatInt(now.UnixNano()+int64(i), 10), fmt.Sprintf("level=info id=%s path=/api/v1/orders/%d took=%dms", ids[i], first+i, i)}
	}
	labels := map[string]string{"job": "grow", "stream": l.stream}
	body, _ := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": labels, "values": values}}}) // strings only
	for {
		response, err := client.Post(address+"/loki/api/v1/push", "application/json", strings.NewReader(string(body)))
		if err == nil {
			_, err = readAll(response.Body)
		}
		if err == nil && response.StatusCode/100 == 2 {
			l.mtx.Lock()
			for _, id := range ids {
				l.accepted[id] = true
			}
			l.longest = max(l.longest, time.Since(l.last))
			l.last = time.Now()
			l.mtx.Unlock()
			return
		}
		l.retries.Add(1)
		select {
		case <-l.stopped:
			return
		case <-again:
		}
	}
}

func (l *logLoad) count() int {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return len(l.accepted)
}

// waitAccepted waits until more lines are accepted than now.
func (l *logLoad) waitAccepted(t *testing.T) {
	t.Helper()
	before := l.count()
	eventually(t, time.Minute, func() error { return errUnless(l.count() > before, "no line of %s is accepted any more", l.stream) })
}

// stop waits for the push under way; the last one must be accepted.
func (l *logLoad) stop(t *testing.T) {
	t.Helper()
	l.waitAccepted(t)
	close(l.stopped)
	<-l.done
}

// entries returns how often each line of a selector is found between two times, by its ID.
func (s *server) entries(t *testing.T, selector string, begin, end time.Time) map[string]int {
	t.Helper()
	const page = 5000
	found := map[string]int{}
	for from := begin.UnixNano(); ; {
		var answer struct {
			Result []struct {
				Values [][2]string `json:"values"`
			} `json:"result"`
		}
		s.data(t, "/loki/api/v1/query_range", url.Values{
			"query": {selector}, "start": {strconv.FormatInt(from, 10)}, "end": {strconv.FormatInt(end.UnixNano(), 10)},
			"limit": {strconv.Itoa(page)}, "direction": {"forward"},
		}, &answer)
		count := 0
		for _, r := range answer.Result {
			for _, v := range r.Values {
				at, err := strconv.ParseInt(v[0], 10, 64)
				require.NoError(t, err)
				from = max(from, at+1) // lines of a stream of logLoad have different times
				_, id, _ := strings.Cut(v[1], "id=")
				id, _, _ = strings.Cut(id, " ")
				found[id]++
				count++
			}
		}
		if count < page {
			return found
		}
	}
}

// requireAll requires that a server returns each accepted line once.
func (l *logLoad) requireAll(t *testing.T, s *server) {
	t.Helper()
	var lost, doubled []string
	eventually(t, time.Minute, func() error { // a query may fail while the members find each other
		lost, doubled = nil, nil
		found := s.entries(t, `{job="grow", stream="`+l.stream+`"}`, l.begin.Add(-time.Minute), time.Now())
		for id := range l.accepted {
			switch n := found[id]; {
			case n == 0:
				lost = append(lost, id)
			case n > 1:
				doubled = append(doubled, id)
			}
		}
		return errUnless(len(lost)+len(doubled) == 0, "%s: of %d accepted lines of %s, %d are lost and %d doubled: %.10v %.10v",
			s.address, len(l.accepted), l.stream, len(lost), len(doubled), lost, doubled)
	})
}

// flush asks a member to write all chunks to the store.
func (s *server) flush(t *testing.T, h *host) {
	t.Helper()
	status, body := h.at(s, 3100).do(t, http.MethodPost, "/flush", nil, "")
	require.Equal(t, http.StatusNoContent, status, body)
}

// at returns a server of another port of the host.
func (h *host) at(s *server, port int) *server {
	other := *s
	other.address = fmt.Sprintf("%s:%d", h.ip, port)
	other.url = urlOf("admin", adminPassword, other.address)
	return &other
}

// reachable starts Ausguck on the host, with ports that other hosts can reach, and does not wait.
func (h *host) reachable(t *testing.T, config, storage string, flags ...string) *server {
	t.Helper()
	return h.ausguck(t, config, storage, append([]string{"--web.listen-address=" + h.ip + ":2025"}, flags...)...)
}

// chunks returns the objects of the bucket that are chunks.
func (s *objectStore) chunks(t *testing.T) (names []string) {
	t.Helper()
	return s.objects(t, "logs", "fake/")
}

// startToday returns the loki.yml of a section, with an object store from today on.
func startToday(t *testing.T, section string) string {
	t.Helper()
	const begin = "2026-12-15"
	page := readGrowPage(t).section(t, section).file(t, "loki.yml")
	require.Contains(t, page, begin)
	return strings.ReplaceAll(page, begin, time.Now().UTC().Format(time.DateOnly))
}

// From files to an object store: one query answers lines of both periods, before and after they are flushed, and after a restart.
func TestGrowLogsIntoObjectStore(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	store := startObjectStore(t, network, "logs")
	host := network.host(t, 1)
	config, storage := configDir(t, map[string]string{"prometheus.yml": quietConfig}), t.TempDir()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	s := host.reachable(t, config, storage, metricsOnly...)
	s.waitReady(t, time.Minute)
	want := map[string]int{}
	push := func(id string, at time.Time) {
		t.Helper()
		code, answer := s.pushJob(t, "grow", at, "id="+id)
		require.Equal(t, http.StatusNoContent, code, answer)
		want[id] = 1
	}
	requireAll := func() {
		t.Helper()
		require.Equal(t, want, s.entries(t, `{job="grow"}`, today.Add(-48*time.Hour), time.Now()))
	}
	files := func() (names []string) {
		names, err := filepath.Glob(filepath.Join(storage, "loki", "chunks", "fake", "*", "*"))
		require.NoError(t, err)
		return names
	}
	push("in-a-file", today.Add(-25*time.Hour))
	s.flush(t, host)
	eventually(t, time.Minute, func() error { return errUnless(len(files()) == 1, "chunks in files: %v", files()) })
	push("in-the-log", today.Add(-time.Hour))
	requireAll()
	s.stop(t)

	writeFile(t, filepath.Join(config, "loki.yml"), startToday(t, "Logs in an object store"))
	s = host.reachable(t, config, storage, metricsOnly...)
	s.waitReady(t, time.Minute)
	requireAll()
	push("in-memory", time.Now())
	requireAll()
	require.Empty(t, store.chunks(t))
	s.flush(t, host)
	eventually(t, time.Minute, func() error {
		return errUnless(len(files()) == 2 && len(store.chunks(t)) == 1, "chunks in files: %v, as objects: %v", files(), store.chunks(t))
	})
	requireAll()
	if *growLong {
		begin := time.Now()
		eventually(t, 18*time.Minute, func() error {
			return errUnless(len(store.objects(t, "logs", "index/")) > 0, "no index in the bucket")
		})
		figure(t, "the index of a line is in the bucket %s after its chunk", time.Since(begin).Round(time.Second))
	}
	push("after-the-flush", time.Now())
	s.stop(t)
	require.NotEmpty(t, store.objects(t, "logs", "index/"), "the index is shipped when it stops")

	s = host.reachable(t, config, storage, metricsOnly...)
	s.waitReady(t, time.Minute)
	requireAll()
	figure(t, "from files to S3: %d of %d lines of both periods are answered by one query; chunks: %d in files, %d in S3",
		len(want), len(want), len(files()), len(store.chunks(t)))
	s.stop(t)

	// Everything that is not in the bucket is gone with the host; another one reads the bucket.
	other := network.host(t, 2)
	require.NoError(t, os.RemoveAll(storage))
	s = other.reachable(t, config, t.TempDir(), metricsOnly...)
	s.waitReady(t, time.Minute)
	require.Contains(t, s.entries(t, `{job="grow"}`, today.Add(-48*time.Hour), time.Now()), "in-memory")
	s.stop(t)
}

// oftenFlushed are the settings with which chunks are written every few seconds instead of every hour.
const oftenFlushed = "\ningester: {chunk_idle_period: 2s, max_chunk_age: 3s, flush_check_period: 1s, flush_op_timeout: 3s}\n"

// An object store refuses, hangs and forbids while lines arrive, and Ausguck is killed and started again in the meantime. No accepted line
// is lost, lines are accepted and found all the time, memory and disk stay bounded, and it says what is wrong.
func TestGrowLogsObjectStoreFails(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	store := startObjectStore(t, network, "logs")
	host := network.host(t, 1)
	config, storage := configDir(t, map[string]string{
		"prometheus.yml": quietConfig, "loki.yml": startToday(t, "Logs in an object store") + oftenFlushed,
	}), t.TempDir()
	start := func() *server {
		s := host.reachable(t, config, storage, metricsOnly...)
		s.waitReady(t, time.Minute)
		return s
	}
	s := start()
	load := startLogLoad(host, s, "one", 1000)
	eventually(t, time.Minute, func() error { return errUnless(len(store.chunks(t)) > 1, "no chunks in the store") })
	outage := 4 * time.Second
	if *growLong {
		outage = 10 * time.Minute
	}
	failures := func() float64 { return metric(s.get(t, "/metrics"), "loki_ingester_chunks_flush_failures_total") }
	// In this order: Loki has a cached index when the store hangs, and compares it with the store when it starts.
	for _, mode := range []int32{gateRefuses, gateHangs, gateForbids} {
		name := map[int32]string{gateRefuses: "refuses", gateHangs: "hangs", gateForbids: "forbids"}[mode]
		before, begin := failures(), time.Now()
		store.fail(mode)
		eventually(t, outage+time.Minute, func() error {
			return errUnless(time.Since(begin) > outage && failures() > before, "%s: nothing has failed", name)
		})
		require.True(t, s.output.matches("failed to flush"), name)
		load.waitAccepted(t)
		chunks := len(store.chunks(t))
		figure(t, "S3 %s for %s under 1,000 lines/s: %d lines accepted so far, %.0f failed flushes, resident %d MB, disk %d MB",
			name, time.Since(begin).Round(time.Second), load.count(), failures()-before, s.memory(t, "VmRSS")>>20, diskUse(storage)>>20)
		eventually(t, time.Minute, func() error {
			status := s.get(t, "/api/ausguck/status")
			return errUnless(strings.Contains(status, "object store s3 does not answer"), "the Status page does not tell: %s", status)
		})
		require.Zero(t, metric(s.get(t, "/metrics"), "ausguck_loki_object_store_up"), name)
		if *growLong || mode != gateRefuses {
			s.kill()
			s = start()
			load.waitAccepted(t)
			require.True(t, s.output.matches("runs without its compactor"), name)
		}
		store.open()
		eventually(t, 2*time.Minute, func() error { return errUnless(len(store.chunks(t)) > chunks, "%s: nothing is stored again", name) })
		eventually(t, time.Minute, func() error {
			page := s.get(t, "/metrics")
			return errUnless(metric(page, "ausguck_loki_object_store_up") == 1 && metric(page, "loki_boltdb_shipper_compactor_running") == 1,
				"%s: the compactor does not run again", name)
		})
	}
	load.stop(t)
	load.requireAll(t, s)
	s.flush(t, host)
	eventually(t, 2*time.Minute, func() error {
		left := metric(s.get(t, "/metrics"), "loki_ingester_memory_chunks")
		return errUnless(left == 0, "%.0f chunks are only in memory", left)
	})
	load.requireAll(t, s)
	peak, disk := s.memory(t, "VmHWM")>>20, diskUse(storage)>>20
	figure(t, "S3 failed three ways, and two kills: %d lines accepted, 0 lost, 0 doubled, longest wait %s, peak resident %d MB, disk %d MB",
		load.count(), load.longest.Round(100*time.Millisecond), peak, disk)
	require.Less(t, peak, 400, "MB: at most twice what the page says")
	require.Less(t, int(disk), 300, "MB: the write-ahead log and the index of a day")
	s.stop(t)
}
