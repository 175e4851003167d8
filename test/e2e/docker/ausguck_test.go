package docker_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/stretchr/testify/require"
)

const pollEvery = 100 * time.Millisecond

func isNotFound(err error) bool { return cerrdefs.IsNotFound(err) }

// ausguck is the program under test.
type ausguck struct {
	url  string
	pid  int
	exit chan error

	killed bool

	mu  sync.Mutex
	log bytes.Buffer
}

func (a *ausguck) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.Write(b)
}

func (a *ausguck) output() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

// startAusguck runs the binary with temporary folders until the test ends. config is the text of prometheus.yml; empty
// means the built-in one.
func startAusguck(t *testing.T, e *engine, config string, flags ...string) *ausguck {
	t.Helper()
	return startAusguckOn(t, e, t.TempDir(), config, flags...)
}

// startAusguckOn is startAusguck with what a previous one has left in the storage folder.
func startAusguckOn(t *testing.T, e *engine, storage, config string, flags ...string) *ausguck {
	t.Helper()
	binary := os.Getenv("AUSGUCK_BINARY")
	if binary == "" {
		binary = "../../../bin/ausguck"
	}
	binary, err := filepath.Abs(binary)
	require.NoError(t, err)
	require.FileExists(t, binary, "build it first, in the root of the repository: make build (or set AUSGUCK_BINARY)")

	configDir := t.TempDir()
	if config != "" {
		require.NoError(t, os.WriteFile(filepath.Join(configDir, "prometheus.yml"), []byte(config), 0o644))
	}
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd := exec.Command(binary, append([]string{
		"--storage.path=" + storage, "--config.dir=" + configDir, "--web.listen-address=" + address,
		"--no-web.well-known-ports", "--docker.host=" + e.endpoint,
	}, flags...)...)
	cmd.Env = append(os.Environ(), "GF_SECURITY_ADMIN_PASSWORD=secret")
	a := &ausguck{url: "http://admin:secret@" + address, exit: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = a, a
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	a.pid = cmd.Process.Pid
	go func() { a.exit <- cmd.Wait() }()
	t.Cleanup(func() {
		if a.killed {
			return
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-a.exit:
			if err != nil {
				t.Errorf("ausguck ended: %v", err)
			}
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			t.Error("ausguck did not stop within 10s")
		}
		if t.Failed() {
			t.Logf("output of ausguck:\n%s", a.output())
		}
	})
	within(t, 30*time.Second, "ready", func() error {
		_, err := a.get("/-/ready")
		return err
	})
	return a
}

// kill ends the process with kill -9.
func (a *ausguck) kill(t *testing.T) {
	t.Helper()
	a.killed = true
	require.NoError(t, syscall.Kill(a.pid, syscall.SIGKILL))
	require.Error(t, <-a.exit, "ended by the signal")
}

// get returns the body of a response that must be 200.
func (a *ausguck) get(path string) (string, error) {
	select {
	case err := <-a.exit:
		a.exit <- err
		return "", fmt.Errorf("ausguck has ended: %w", err)
	default:
	}
	client := http.Client{Timeout: 20 * time.Second}
	r, err := client.Get(a.url + path)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	if r.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s: %s: %s", path, r.Status, b)
	}
	return string(b), nil
}

// target is an entry of /api/v1/targets.
type target struct {
	Labels    map[string]string `json:"labels"`
	ScrapeURL string            `json:"scrapeUrl"`
	LastError string            `json:"lastError"`
	Health    string            `json:"health"`
}

// targets returns the active targets whose label has the value.
func (a *ausguck) targets(label, value string) ([]target, error) {
	body, err := a.get("/api/v1/targets?state=active")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			ActiveTargets []target `json:"activeTargets"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, err
	}
	var found []target
	for _, t := range answer.Data.ActiveTargets {
		if t.Labels[label] == value {
			found = append(found, t)
		}
	}
	return found, nil
}

// series is one element of an instant vector.
type series struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

func (s series) number() float64 {
	text, _ := s.Value[1].(string)
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// query evaluates PromQL now.
func (a *ausguck) query(promql string) ([]series, error) {
	return a.vector("/api/v1/query?" + url.Values{"query": {promql}}.Encode())
}

// vector returns the instant vector in a response of the Prometheus or Loki API.
func (a *ausguck) vector(path string) ([]series, error) {
	body, err := a.get(path)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []series `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", body, err)
	}
	return answer.Data.Result, nil
}

// exposes returns the lines of the page that contain all of the texts.
func (a *ausguck) exposes(path string, texts ...string) ([]string, error) {
	body, err := a.get(path)
	if err != nil {
		return nil, err
	}
	var found []string
next:
	for line := range strings.Lines(body) {
		for _, s := range texts {
			if !strings.Contains(line, s) {
				continue next
			}
		}
		found = append(found, line)
	}
	return found, nil
}

// cpuSeconds returns the CPU time that the process has used so far.
func (a *ausguck) cpuSeconds(t *testing.T) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.pid))
	require.NoError(t, err)
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the name before it may contain anything
	user, err := strconv.ParseFloat(f[11], 64)
	require.NoError(t, err)
	system, err := strconv.ParseFloat(f[12], 64)
	require.NoError(t, err)
	return (user + system) / 100 // USER_HZ is 100 on every Linux architecture that Go knows
}

// within waits until f returns nil and returns how long that took.
func within(t *testing.T, limit time.Duration, what string, f func() error) time.Duration {
	t.Helper()
	begun := time.Now()
	for {
		err := f()
		if err == nil {
			return time.Since(begun)
		}
		if time.Since(begun) > limit {
			require.NoError(t, err, "%s: not within %s", what, limit)
		}
		time.Sleep(pollEvery)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
