package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var everythingKills = flag.Int("kills", 4, "how often TestKillsWithEverythingAtOnce ends the process")

// ledger is what one kind of writer sent, sequentially and each once, and which of it was acknowledged.
type ledger struct {
	kind     string
	every    time.Duration
	put      func(s *server, n int) (status int, answer string, err error)
	sent     atomic.Int64
	mu       sync.Mutex
	accepted []int
	refused  map[string]int // responses that were not acknowledgements
}

// run sends to the currently running server, until stop is closed.
func (l *ledger) run(current *atomic.Pointer[server], stop <-chan struct{}) {
	ticker := time.NewTicker(l.every)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		l.sent.Add(1)
		status, answer, err := l.put(current.Load(), n)
		l.mu.Lock()
		switch {
		case err != nil: // killed
		case status/100 == 2:
			l.accepted = append(l.accepted, n)
		default:
			l.refused[fmt.Sprint(status, " ", tail(answer, 120))]++
		}
		l.mu.Unlock()
	}
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// check requires that everything acknowledged is stored once, and nothing but what was sent.
func (l *ledger) check(t *testing.T, stored map[int]int) {
	t.Helper()
	var lost, doubled []int
	for _, n := range l.accepted {
		if stored[n] == 0 {
			lost = append(lost, n)
		}
	}
	for n, count := range stored {
		require.Less(t, n, int(l.sent.Load()), "%s that were never sent", l.kind)
		if count > 1 {
			doubled = append(doubled, n)
		}
	}
	require.Empty(t, lost, "acknowledged %s that are gone", l.kind)
	require.Empty(t, doubled, "%s that are there more than once", l.kind)
	figure(t, "%s: %d sent, %d acknowledged, %d stored, 0 lost, 0 doubled", l.kind, l.sent.Load(), len(l.accepted), len(stored))
	if len(l.refused) > 0 {
		t.Logf("%s that were refused: %v", l.kind, l.refused)
	}
}

// postJSON sends a document to a server that may die in the meantime.
func (s *server) postJSON(path string, document any) (int, string, error) {
	body, err := json.Marshal(document)
	if err != nil {
		return 0, "", err
	}
	return s.post(path, map[string]string{"Content-Type": "application/json"}, body)
}

// numbersOf counts the numbers after the prefix in the names.
func numbersOf(t *testing.T, prefix string, names []string) map[int]int {
	t.Helper()
	counts := map[int]int{}
	for _, name := range names {
		if text, ok := strings.CutPrefix(name, prefix); ok {
			n, err := strconv.Atoi(text)
			require.NoError(t, err)
			counts[n]++
		}
	}
	return counts
}

// everythingLedgers send a sample, a pushed line, a silence, a dashboard and a user, like separate clients.
func everythingLedgers() map[string]*ledger {
	list := []*ledger{
		{kind: "samples", every: 10 * time.Millisecond, put: func(s *server, n int) (int, string, error) {
			return s.tryWrite(oneSample("kept_value", time.Now(), float64(n)))
		}},
		{kind: "pushed lines", every: 20 * time.Millisecond, put: func(s *server, n int) (int, string, error) {
			return s.postJSON("/loki/api/v1/push", map[string]any{"streams": []any{map[string]any{
				"stream": map[string]string{"job": "pushed"},
				"values": [][2]string{{strconv.FormatInt(time.Now().UnixNano(), 10), fmt.Sprintf("kept-%d", n)}},
			}}})
		}},
		{kind: "silences", every: 100 * time.Millisecond, put: func(s *server, n int) (int, string, error) {
			return s.postJSON("/api/v2/silences", map[string]any{
				"matchers":  []any{map[string]any{"name": "alertname", "value": fmt.Sprintf("Never%d", n), "isRegex": false}},
				"startsAt":  time.Now().Format(time.RFC3339),
				"endsAt":    time.Now().Add(3 * time.Hour).Format(time.RFC3339),
				"createdBy": "test", "comment": fmt.Sprintf("kept-%d", n),
			})
		}},
		{kind: "dashboards", every: 150 * time.Millisecond, put: func(s *server, n int) (int, string, error) {
			return s.postJSON("/api/dashboards/db", map[string]any{"dashboard": map[string]any{
				"uid": fmt.Sprintf("kept-%d", n), "title": fmt.Sprintf("Kept %d", n), "panels": []any{},
			}})
		}},
		{kind: "users", every: 300 * time.Millisecond, put: func(s *server, n int) (int, string, error) {
			return s.postJSON("/api/admin/users", map[string]any{"login": fmt.Sprintf("kept-%d", n), "password": "password of a user"})
		}},
	}
	byKind := map[string]*ledger{}
	for _, l := range list {
		l.refused = map[string]int{}
		byKind[l.kind] = l
	}
	return byKind
}

// keptSamples returns the values of the samples since begin.
func (s *server) keptSamples(t *testing.T, begin time.Time) map[int]int {
	t.Helper()
	window := int(time.Since(begin).Seconds()) + 60
	var matrix struct {
		Result []struct {
			Values [][2]any `json:"values"`
		} `json:"result"`
	}
	s.data(t, "/api/v1/query", url.Values{"query": {fmt.Sprintf("kept_value[%ds]", window)}}, &matrix)
	require.Len(t, matrix.Result, 1)
	var values []string
	for _, sample := range matrix.Result[0].Values {
		values = append(values, fmt.Sprint(sample[1]))
	}
	require.EqualValues(t, len(values), s.value(t, fmt.Sprintf("count_over_time(kept_value[%ds])", window)))
	return numbersOf(t, "", values)
}

// keptDocuments returns the values of a field in a list of JSON documents.
func (s *server) keptDocuments(t *testing.T, path, field string) (names []string) {
	t.Helper()
	var list []map[string]any
	require.NoError(t, json.Unmarshal([]byte(s.get(t, path)), &list))
	for _, entry := range list {
		name, ok := entry[field].(string)
		require.True(t, ok, "%s of %v", field, entry)
		names = append(names, name)
	}
	return names
}

// keptUsers returns the logins of all users, page by page.
func (s *server) keptUsers(t *testing.T) (logins []string) {
	t.Helper()
	const size = 1000
	for page := 1; ; page++ {
		next := s.keptDocuments(t, fmt.Sprintf("/api/users?perpage=%d&page=%d", size, page), "login")
		logins = append(logins, next...)
		if len(next) < size {
			return logins
		}
	}
}

// Killed at random moments while it acknowledges everything at once: nothing that was acknowledged, and no line of a
// file, is lost or duplicated.
func TestKillsWithEverythingAtOnce(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir, storage := t.TempDir(), t.TempDir()
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig, "promtail.yml": promtailFor(dir)})
	flags := []string{"--no-cadvisor", "--no-node-exporter", "--no-docker", "--web.enable-remote-write-receiver"}
	s := startAusguck(t, config, storage, flags...)
	begin := time.Now()

	file := &logWriter{path: dir + "/app.log", line: jsonLine, rotate: renamed, generations: 1000, perSecond: 20 << 10}
	stop := make(chan struct{})
	waitFile := writeAll(t, map[string]*logWriter{"json": file}, seed, 1<<40, stop)
	var current atomic.Pointer[server]
	current.Store(s)
	ledgers := everythingLedgers()
	var writers sync.WaitGroup
	for _, l := range ledgers {
		writers.Go(func() { l.run(&current, stop) })
	}
	end := sync.OnceFunc(func() {
		close(stop)
		writers.Wait()
	})
	t.Cleanup(end)

	for n := range *everythingKills {
		if n%4 < 3 { // otherwise it may die before it is ready
			s.waitReady(t, time.Minute)
		}
		alive := time.NewTimer(time.Duration(random.IntN(3000)) * time.Millisecond)
		select {
		case <-alive.C:
		case <-s.exited:
			require.FailNow(t, "process ended by itself", tail(s.output.String(), 4000))
		}
		s.kill()
		s = launchAusguck(t, config, storage, flags...)
		current.Store(s)
	}
	started := s.waitReady(t, time.Minute)
	before := map[string]int{}
	for kind, l := range ledgers {
		before[kind] = l.count()
	}
	eventually(t, readyTimeout, func() error { // it accepts everything again
		for kind, l := range ledgers {
			if l.count() <= before[kind] {
				return fmt.Errorf("no %s are taken after the last kill", kind)
			}
		}
		return nil
	})
	end()
	waitFile()
	figure(t, "%d kills in %s; the last start took %s", *everythingKills, time.Since(begin).Round(time.Second), started.Round(10*time.Millisecond))

	ledgers["samples"].check(t, s.keptSamples(t, begin))
	ledgers["silences"].check(t, numbersOf(t, "kept-", s.keptDocuments(t, "/api/v2/silences", "comment")))
	ledgers["dashboards"].check(t, numbersOf(t, "kept-", s.keptDocuments(t, "/api/search?type=dash-db&limit=5000", "uid")))
	ledgers["users"].check(t, numbersOf(t, "kept-", s.keptUsers(t)))

	pushed := map[int]int{}
	for line, stamps := range s.stamps(t, "pushed", begin) {
		for n, count := range numbersOf(t, "kept-", []string{line}) {
			pushed[n] += count * len(stamps)
		}
	}
	ledgers["pushed lines"].check(t, pushed)
	s.waitStored(t, begin, map[string]int64{"json": file.lines.Load(), "pushed": int64(len(pushed))})
	collected := s.stamps(t, "json", begin)
	require.Len(t, collected, int(file.lines.Load()), "different lines")
	for line, stamps := range collected {
		require.Len(t, stamps, 1, line)
	}
	figure(t, "collected lines: %d written, %d stored, 0 lost, 0 doubled", file.lines.Load(), len(collected))
	s.stop(t)
}

// hangingServer accepts connections, reads nothing and never responds.
func hangingServer(t *testing.T) (address string, taken *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	taken = &atomic.Int64{}
	var held []net.Conn
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			held = append(held, conn)
			taken.Add(1)
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		<-ended
		for _, conn := range held {
			require.NoError(t, conn.Close())
		}
	})
	return listener.Addr().String(), taken
}

// Thousands of notifications that wait for a receiver that accepts connections and never responds do not delay the
// shutdown.
func TestHangingReceiversDoNotDelayTheStop(t *testing.T) {
	t.Parallel()
	const alerts, waiting, perPost = 5000, 1000, 500
	for kind, receiver := range map[string]string{
		"webhook": "webhook_configs: [{url: 'http://ADDRESS'}]",
		"tls":     "webhook_configs: [{url: 'https://ADDRESS'}]",
		"mail":    "email_configs: [{to: team@example.com, from: a@example.com, smarthost: 'ADDRESS', hello: example.com}]",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			address, taken := hangingServer(t)
			s := startAusguck(t, configDir(t, map[string]string{
				"prometheus.yml": quietConfig,
				"alertmanager.yml": "route: {receiver: team, group_by: ['...'], group_wait: 0s, group_interval: 1m, repeat_interval: 1h}\n" +
					"receivers: [{name: team, " + strings.ReplaceAll(receiver, "ADDRESS", address) + "}]\n",
			}), t.TempDir(), metricsOnly...)
			for first := 0; first < alerts; first += perPost {
				var list []map[string]string
				for n := range perPost {
					list = append(list, map[string]string{"alertname": fmt.Sprintf("Alert%d", first+n), "instance": fmt.Sprint(n)})
				}
				s.fire(t, list...)
			}
			require.Equal(t, alerts, s.alertCount(t))
			eventually(t, time.Minute, func() error {
				return errUnless(taken.Load() >= waiting, "%d of %d notifications wait", taken.Load(), alerts)
			})
			begin, hang := time.Now(), taken.Load()
			s.stop(t)
			figure(t, "%d alerts in groups of their own, %d connections hanging: ended with 0 in %s", alerts, hang, time.Since(begin).Round(time.Millisecond))
		})
	}
}
