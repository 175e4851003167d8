package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "codeagent")
	if err == nil {
		binary = filepath.Join(dir, "codeagent")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build codeagent:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// taker is an orchestrator that records the jobs that it receives. It responds slowly, so that a kill interrupts deliveries in
// progress.
type taker struct {
	mu   sync.Mutex
	jobs map[string]int
	slow time.Duration
}

func (o *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id, ok := strings.CutPrefix(r.URL.Path, "/jobs/"); ok {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.jobs[id] == 0 {
			w.WriteHeader(http.StatusNotFound)
		}
		return
	}
	var j struct{ ID string }
	if err := json.NewDecoder(r.Body).Decode(&j); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	o.jobs[j.ID]++
	o.mu.Unlock()
	time.Sleep(o.slow) // a real one takes time too
	w.WriteHeader(http.StatusAccepted)
}

func (o *taker) has(ids map[string]bool) (missing int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range ids {
		if o.jobs[id] == 0 {
			missing++
		}
	}
	return missing
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startGateway runs the real program until the returned function kills it.
func startGateway(t *testing.T, address, dir, orchestrator string, env ...string) (pid int, kill func()) {
	t.Helper()
	cmd := exec.Command(binary, "gateway")
	cmd.Env = append(append(os.Environ(), "ADDRESS="+address, "QUEUE_DIR="+dir, "ORCHESTRATOR_URL="+orchestrator, "ADO_PASSWORD=right"), env...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	within(t, 20*time.Second, "the gateway is ready", func() error {
		answer, err := http.Get("http://" + address + "/readyz")
		if err == nil {
			answer.Body.Close()
		}
		return err
	})
	var once sync.Once
	kill = func() {
		once.Do(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // returns the signal that we sent
		})
	}
	t.Cleanup(kill)
	return cmd.Process.Pid, kill
}

func within(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); ; <-tick.C {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
	}
}

// send returns the job's ID if the gateway accepted the notification.
func send(client *http.Client, address string, id int) (job string, status int, err error) {
	body := fmt.Sprintf(`{"subscriptionId":"s","notificationId":%d,"eventType":"git.push","resource":{"x":%q}}`, id, strings.Repeat("x", 500))
	r, err := http.NewRequest("POST", "http://"+address+"/webhook", strings.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	r.SetBasicAuth("ado", "right")
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer answer.Body.Close()
	var got struct{ Job string }
	err = json.NewDecoder(answer.Body).Decode(&got)
	return got.Job, answer.StatusCode, err
}

// Twenty times kill -9 under load: accepted events are delivered, none twice. Clients without a response send again, as Azure
// DevOps does.
func TestKillLosesNothing(t *testing.T) {
	o := &taker{jobs: map[string]int{}, slow: 2 * time.Millisecond}
	server := httptest.NewServer(o)
	defer server.Close()
	dir, address := t.TempDir(), freePort(t)

	var mu sync.Mutex
	accepted, next, total := map[string]bool{}, 0, 0
	stop := make(chan struct{})
	var senders sync.WaitGroup
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	sender := func() {
		defer senders.Done()
		for {
			mu.Lock()
			next++
			id := next
			mu.Unlock()
			for {
				select {
				case <-stop:
					return
				default:
				}
				job, status, err := send(client, address, id)
				if err == nil && status < 300 {
					mu.Lock()
					accepted[job] = true
					total++
					mu.Unlock()
					break
				}
			}
		}
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return total
	}
	for range 8 {
		senders.Add(1)
		go sender()
	}
	for range 20 {
		_, kill := startGateway(t, address, dir, server.URL)
		before := count()
		within(t, 30*time.Second, "100 more are accepted", func() error {
			if count() < before+100 {
				return errors.New("too few")
			}
			return nil
		})
		kill()
	}
	close(stop)
	senders.Wait()
	startGateway(t, address, dir, server.URL)
	within(t, time.Minute, "all are delivered", func() error {
		if missing := o.has(accepted); missing > 0 {
			return fmt.Errorf("%d of %d are missing", missing, len(accepted))
		}
		return nil
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, n := range o.jobs {
		if n != 1 {
			t.Errorf("job %s was sent %d times", id, n)
		}
	}
	t.Logf("%d accepted, %d delivered", len(accepted), len(o.jobs))
}

// Far more than the orchestrator can accept: only 202 or 503, in bounded memory.
func TestFlood(t *testing.T) {
	hold := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-hold }))
	defer server.Close()
	defer close(hold)
	address := freePort(t)
	pid, _ := startGateway(t, address, t.TempDir(), server.URL, "QUEUE_MAX_ENTRIES=5000")

	const clients, seconds, perSecond = 32, 4, 5000
	var statuses [600]atomic.Int64
	var id atomic.Int64
	var done sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: 20 * time.Second}
	start := time.Now()
	for range clients {
		done.Add(1)
		go func() {
			defer done.Done()
			for n := id.Add(1); n <= seconds*perSecond; n = id.Add(1) {
				time.Sleep(time.Until(start.Add(time.Duration(n) * time.Second / perSecond))) // paces the load; not a wait
				_, status, err := send(client, address, int(n))
				if err != nil {
					t.Error(err)
					return
				}
				statuses[status].Add(1)
			}
		}()
	}
	done.Wait()
	took := time.Since(start)
	if n := statuses[202].Load(); n != 5000 {
		t.Errorf("%d accepted, want as many as the queue takes", n)
	}
	if n := statuses[202].Load() + statuses[503].Load(); n != seconds*perSecond {
		t.Errorf("%d of %d got 202 or 503", n, seconds*perSecond)
	}
	peak := memory(t, pid)
	if peak > 200<<20 {
		t.Errorf("peak memory %d MiB", peak>>20)
	}
	t.Logf("%d webhooks in %s, %.0f/s; %d accepted, %d refused with 503; peak memory %d MiB",
		seconds*perSecond, took, seconds*perSecond/took.Seconds(), statuses[202].Load(), statuses[503].Load(), peak>>20)
}

// memory returns the peak resident memory in bytes.
func memory(t *testing.T, pid int) (bytes int64) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(rest, &bytes); err != nil {
		t.Fatal(err)
	}
	return bytes << 10
}

func TestConfigurationProblemsAreAllReported(t *testing.T) {
	cmd := exec.Command(binary, "gateway")
	cmd.Env = append(os.Environ(), "ORCHESTRATOR_URL=nonsense", "WORKERS=0", "BODY_TIMEOUT=soon")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"ORCHESTRATOR_URL", "WORKERS", "BODY_TIMEOUT"} {
		if !strings.Contains(string(out), name) {
			t.Errorf("%s is not named in %s", name, out)
		}
	}
}

func TestRequiresInstrumentOnly(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		if !r.Indirect && r.Path != "github.com/ausguck/ausguck/instrument" {
			t.Errorf("go.mod requires %s", r.Path)
		}
	}
}
