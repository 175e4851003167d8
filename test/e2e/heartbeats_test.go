package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// heartbeat is what the API says about one.
type heartbeat struct {
	Name, Status  string
	LastPing, Due time.Time
	Pings         map[string]int
}

func (s *server) heartbeats(t *testing.T) map[string]heartbeat {
	t.Helper()
	var answer struct{ Heartbeats []heartbeat }
	require.NoError(t, json.Unmarshal([]byte(s.get(t, "/api/ausguck/heartbeats")), &answer))
	all := map[string]heartbeat{}
	for _, h := range answer.Heartbeats {
		all[h.Name] = h
	}
	return all
}

// reporter is a client that pings one heartbeat, again and again.
type reporter struct {
	name, token string

	mtx   sync.Mutex
	sent  int
	acked []int
	// last is when the last acknowledged ping was sent.
	last time.Time
}

func (r *reporter) run(current *atomic.Pointer[server], stop <-chan struct{}) {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		begin := time.Now()
		r.mtx.Lock()
		n := r.sent
		r.sent++
		r.mtx.Unlock()
		status, _, err := current.Load().post("/hb/"+r.token+"/0", nil, fmt.Appendf(nil, "kept-%s-%d-", r.name, n))
		if err == nil && status == http.StatusOK {
			r.mtx.Lock()
			r.acked, r.last = append(r.acked, n), begin
			r.mtx.Unlock()
		}
	}
}

// state returns how many pings were sent and acknowledged, and when the last acknowledged one was sent.
func (r *reporter) state() (sent, acked int, last time.Time) {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	return r.sent, len(r.acked), r.last
}

// added returns the token of a heartbeat that it adds as the page does.
func (s *server) added(t *testing.T, name string) string {
	t.Helper()
	status, body, err := s.post("/api/ausguck/heartbeats", nil, fmt.Appendf(nil, `{"name": %q, "every": "10s", "grace": "5s"}`, name))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, body)
	var answer struct{ Token string }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return answer.Token
}

// Killed at random moments while heartbeats of the file and of the page arrive: none that was acknowledged is lost, neither its count
// and time nor its log line, and no alert fires because of the restarts.
func TestHeartbeatsThroughKills(t *testing.T) {
	t.Parallel()
	const reporters, kills = 60, 6
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var file strings.Builder
	file.WriteString("heartbeats:\n")
	var all []*reporter
	for n := range reporters {
		r := &reporter{name: fmt.Sprintf("job-%d", n)}
		if n%2 == 0 {
			r.token = fmt.Sprintf("token-of-job-%05d", n)
			fmt.Fprintf(&file, "  - {name: %s, token: %s, every: 10s, grace: 5s}\n", r.name, r.token)
		}
		all = append(all, r)
	}
	config, storage := configDir(t, map[string]string{"heartbeats.yml": file.String()}), t.TempDir()
	flags := []string{"--no-cadvisor", "--no-node-exporter", "--no-docker"}
	begin := time.Now()
	s := startAusguck(t, config, storage, flags...)
	for _, r := range all {
		if r.token == "" {
			r.token = s.added(t, r.name)
		}
	}
	var current atomic.Pointer[server]
	current.Store(s)
	stop := make(chan struct{})
	var running sync.WaitGroup
	for _, r := range all {
		running.Go(func() { r.run(&current, stop) })
	}
	end := sync.OnceFunc(func() {
		close(stop)
		running.Wait()
	})
	t.Cleanup(end)

	acknowledged := func() (n int) {
		for _, r := range all {
			_, acked, _ := r.state()
			n += acked
		}
		return n
	}
	for range kills {
		before := acknowledged()
		eventually(t, readyTimeout, func() error { return errUnless(acknowledged() > before+reporters, "hardly any ping is taken") })
		alive := time.NewTimer(time.Duration(random.IntN(2000)) * time.Millisecond)
		select {
		case <-alive.C:
		case <-s.exited:
			require.FailNow(t, "process ended by itself", tail(s.output.String(), 4000))
		}
		s.kill()
		s = launchAusguck(t, config, storage, flags...)
		s.waitReady(t, time.Minute)
		kept := s.heartbeats(t) // before the reporters find the new process
		for _, r := range all {
			sent, acked, last := r.state()
			total := kept[r.name].Pings["success"]
			require.GreaterOrEqual(t, total, acked, "%s: acknowledged pings are gone", r.name)
			require.LessOrEqual(t, total, sent, "%s: pings that were never sent", r.name)
			require.False(t, kept[r.name].LastPing.Before(last), "%s: the last ping was sent at %s and is from %s", r.name, last, kept[r.name].LastPing)
		}
		current.Store(s)
	}
	before := acknowledged()
	eventually(t, readyTimeout, func() error { return errUnless(acknowledged() > before, "no ping is taken after the last kill") })
	require.Empty(t, regexp.MustCompile(`"Heartbeat\w+"`).FindAllString(s.get(t, "/api/v1/alerts"), -1), "no alert because of a restart")
	end()

	lines := map[string]int{}
	eventually(t, time.Minute, func() error { // Loki has taken all lines
		clear(lines)
		for line, stamps := range s.stamps(t, "heartbeats", begin) {
			if text := regexp.MustCompile(`kept-job-\d+-\d+-`).FindString(line); text != "" {
				lines[text] += len(stamps)
			}
		}
		for _, r := range all {
			for _, n := range r.acked {
				if lines[fmt.Sprintf("kept-%s-%d-", r.name, n)] == 0 {
					return fmt.Errorf("the line of ping %d of %s is not in Loki", n, r.name)
				}
			}
		}
		return nil
	})
	for text, count := range lines {
		require.Equal(t, 1, count, "%s is there more than once", text)
	}
	figure(t, "%d pings acknowledged by %d heartbeats through %d kills, 0 lost", acknowledged(), reporters, kills)
	require.NotContains(t, s.output.String(), "token-of-job", "no token in the log")
	s.stop(t)
}

// A heartbeat that does not report is missing, and comes back; the URLs of healthchecks.io work without the prefix.
func TestHeartbeatMissing(t *testing.T) {
	t.Parallel()
	const uuid = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
	s := startAusguck(t, configDir(t, map[string]string{"heartbeats.yml": "heartbeats:\n" +
		"  - {name: backup, token: " + uuid + ", every: 10s, grace: 1s, labels: {team: storage}}\n" +
		"  - {name: other, token: a-token-of-another, every: 1d}\n"}), t.TempDir(),
		append([]string{"--web.access-log", "--log.level=debug"}, metricsOnly...)...)
	firing := func(name string, want bool) func() error {
		return func() error {
			alerts := s.get(t, "/api/v1/alerts")
			return errUnless(strings.Contains(alerts, name) == want, "%s fires: %t; %s", name, !want, alerts)
		}
	}
	ping := func(path string) {
		status, body, err := s.post(path, nil, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, body)
		require.Equal(t, "OK", body)
	}
	ping("/" + uuid + "/start")
	ping("/ping/" + uuid)
	eventually(t, time.Minute, firing("HeartbeatMissing", true))
	alerts := s.get(t, "/api/v1/alerts")
	require.Contains(t, alerts, `"heartbeat":"backup"`)
	require.Contains(t, alerts, `"team":"storage"`)
	require.NotContains(t, alerts, `"heartbeat":"other"`)
	require.Equal(t, "missing", s.heartbeats(t)["backup"].Status)

	done := make(chan struct{})
	var pings sync.WaitGroup
	defer pings.Wait()
	defer close(done)
	pings.Go(func() { // it works again, but fails
		for {
			_, _, _ = s.post("/"+uuid+"/7", nil, []byte("no space left"))
			select {
			case <-done:
				return
			case <-time.After(2 * time.Second):
			}
		}
	})
	eventually(t, time.Minute, firing("HeartbeatMissing", false))
	eventually(t, time.Minute, firing("HeartbeatFailed", true))
	require.Regexp(t, `path=/<token>/start code=200`, s.output.String())
	require.NotContains(t, s.output.String(), uuid, "the access log has no token")
	_, port, _ := strings.Cut(s.address, ":")
	s.survives(t, http.MethodPost, port, "/hb/"+uuid, "", "", make([]byte, 17<<20))
	for _, path := range []string{"/api/v1/status/config", "/api/v1/status/flags", "/api/ausguck/configuration", "/api/ausguck/status", "/api/ausguck/heartbeats", "/metrics", "/status"} {
		require.NotContains(t, s.get(t, path), uuid, path)
	}
}

// The crontabs and the script of docs/heartbeats.md do what the page says.
func TestCommandsOfHeartbeats(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/heartbeats.md")
	require.NoError(t, err)
	s := startAusguck(t, configDir(t, map[string]string{"heartbeats.yml": "heartbeats:\n" +
		"  - {name: backup, token: a-token-of-the-page, every: 1d}\n" +
		"  - {name: moved, token: 5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278, every: 1d}\n"}), t.TempDir(), metricsOnly...)
	run := func(command string) {
		command = strings.NewReplacer("127.0.0.1:3000", s.address, "TOKEN", "a-token-of-the-page").Replace(command)
		out, err := exec.CommandContext(t.Context(), "bash", "-c", "set -eu\n"+command).CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, out)
		require.Empty(t, string(out), command)
	}
	blocks := func(language string) (found []string) {
		for _, block := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
			found = append(found, block[1])
		}
		return found
	}
	crontabs := blocks("crontab")
	require.Len(t, crontabs, 2)
	fields := regexp.MustCompile(`^(\S+ ){5}`)
	own := strings.ReplaceAll(fields.ReplaceAllString(crontabs[0], ""), "$?", "$code")
	require.Contains(t, own, "/usr/local/bin/backup;")
	run(strings.Replace(own, "/usr/local/bin/backup;", "code=3;", 1))
	require.Equal(t, "failed", s.heartbeats(t)["backup"].Status)
	run(strings.Replace(own, "/usr/local/bin/backup;", "code=0;", 1))
	require.Equal(t, "up", s.heartbeats(t)["backup"].Status)
	require.Equal(t, "new", s.heartbeats(t)["moved"].Status)
	run(fields.ReplaceAllString(crontabs[1], ""))
	require.Equal(t, "up", s.heartbeats(t)["moved"].Status)

	scripts := blocks("sh")
	require.Contains(t, scripts[0], "heartbeat=http")
	for _, c := range []struct {
		archive, status string
		fails           int
	}{{t.TempDir() + "/backup.tar.gz", "up", 1}, {"/nowhere/backup.tar.gz", "failed", 2}} {
		run(strings.ReplaceAll(scripts[0], "/tmp/backup.tar.gz", c.archive))
		h := s.heartbeats(t)["backup"]
		require.Equal(t, c.status, h.Status)
		require.Equal(t, c.fails, h.Pings["fail"])
	}
	require.Equal(t, 2, s.heartbeats(t)["backup"].Pings["start"])
	require.Contains(t, s.get(t, "/metrics"), `ausguck_heartbeat_last_duration_seconds{group="",heartbeat="backup"}`)
	s.stop(t)
}
