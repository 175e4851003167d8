package cadvisor

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	info "github.com/google/cadvisor/lib/model"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/dockerhost"
)

// source is a Docker engine whose containers are set by the test.
type source struct {
	mu         sync.Mutex
	containers map[string]dockerhost.Container
	changed    chan struct{}
}

func newSource(containers ...dockerhost.Container) *source {
	s := &source{containers: map[string]dockerhost.Container{}, changed: make(chan struct{})}
	for _, c := range containers {
		s.containers[c.ID] = c
	}
	return s
}

func (s *source) ByID(id string) (dockerhost.Container, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.containers[id]
	return c, ok
}

func (s *source) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *source) learn(c dockerhost.Container) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[c.ID] = c
	close(s.changed)
	s.changed = make(chan struct{})
}

// startExporter runs an Exporter until the test ends.
func startExporter(t *testing.T, o Options) (e *Exporter, stop func()) {
	e, err := New(o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	ready := make(chan struct{})
	go func() { done <- e.Run(ctx, func() { close(ready) }) }()
	<-ready
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(6 * time.Second):
			t.Error("Run did not return after its context ended")
		}
	})
	t.Cleanup(stop)
	return e, stop
}

func scrape(t *testing.T, h http.Handler) (int, map[string]*dto.MetricFamily) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		return w.Code, nil
	}
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(w.Body)
	require.NoError(t, err)
	return w.Code, families
}

func labelsOf(m *dto.Metric) map[string]string {
	labels := map[string]string{}
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	return labels
}

// eventually scrapes until a series of the family satisfies the condition.
func eventually(t *testing.T, h http.Handler, family string, ok func(map[string]string, *dto.Metric) bool) {
	t.Helper()
	var last *dto.MetricFamily
	for limit := time.Now().Add(15 * time.Second); time.Now().Before(limit); time.Sleep(50 * time.Millisecond) {
		_, families := scrape(t, h)
		last = families[family]
		for _, m := range last.GetMetric() {
			if ok(labelsOf(m), m) {
				return
			}
		}
	}
	t.Fatalf("no such series of %s in %v", family, last)
}

// newCgroup creates a cgroup as a container runtime does, with one sleeping process in it, and returns the process
// ID.
func newCgroup(t *testing.T, name string) int {
	if os.Geteuid() != 0 {
		t.Skip("needs root, as CI is: making cgroups is not for everybody")
	}
	f, err := newFactory(nil, nil)
	require.NoError(t, err)
	p := exec.Command("sleep", "300")
	require.NoError(t, p.Start())
	var dirs []string
	for _, mount := range f.subsystems {
		dir := filepath.Join(mount, name)
		require.NoError(t, os.MkdirAll(dir, 0o755))
		dirs = append(dirs, dir)
		if filepath.Base(mount) == "cpuset" { // empty sets accept no process
			continue
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(p.Process.Pid)), 0o644))
	}
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = p.Wait()
		for _, dir := range dirs {
			require.Eventually(t, func() bool {
				err := os.Remove(dir)
				return err == nil || os.IsNotExist(err)
			}, 5*time.Second, 10*time.Millisecond, dir)
			_ = os.Remove(filepath.Dir(dir)) // the parent, if it is ours and empty
		}
	})
	return p.Process.Pid
}

func testID(c string) string { return strings.Repeat(c, 64) }

func TestHandlerBeforeRun(t *testing.T) {
	e, err := New(Options{Registerer: prometheus.NewRegistry()})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	e.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.Equal(t, "the container manager has not started yet\n", w.Body.String())
}

func TestMachineAndRootCgroup(t *testing.T) {
	e, stop := startExporter(t, Options{Logger: slog.Default()})
	eventually(t, e.Handler(), "machine_cpu_cores", func(_ map[string]string, m *dto.Metric) bool {
		return m.GetGauge().GetValue() >= 1
	})
	eventually(t, e.Handler(), "container_cpu_usage_seconds_total", func(l map[string]string, m *dto.Metric) bool {
		return l["id"] == "/" && m.GetCounter().GetValue() > 0 && m.TimestampMs == nil
	})
	stop()
	code, _ := scrape(t, e.Handler())
	require.Equal(t, http.StatusServiceUnavailable, code)
}

func TestContainerGetsItsName(t *testing.T) {
	const sooner, later, custom = "a", "b", "c"
	pid := newCgroup(t, "/docker/"+testID(sooner))
	src := newSource(dockerhost.Container{
		ID: testID(sooner), Name: "agent-gateway", Image: "gateway:1", PID: pid, Health: "healthy",
		Started: time.Unix(1700000000, 0), Labels: map[string]string{
			"com.docker.compose.service": "gateway", "secret": "never copied",
		},
	})
	e, _ := startExporter(t, Options{Containers: src})
	h := e.Handler()
	named := func(name string) func(map[string]string, *dto.Metric) bool {
		return func(l map[string]string, _ *dto.Metric) bool { return l["name"] == name }
	}
	eventually(t, h, "container_memory_usage_bytes", func(l map[string]string, m *dto.Metric) bool {
		if l["name"] != "agent-gateway" {
			return false
		}
		require.Equal(t, map[string]string{
			"name": "agent-gateway", "id": "/docker/" + testID(sooner), "image": "gateway:1",
			"container_label_com_docker_compose_service": "gateway",
			"container_label_com_docker_compose_project": "",
		}, l)
		return true
	})
	eventually(t, h, "container_start_time_seconds", func(l map[string]string, m *dto.Metric) bool {
		return l["name"] == "agent-gateway" && m.GetGauge().GetValue() == 1700000000
	})
	eventually(t, h, "container_health_state", func(l map[string]string, m *dto.Metric) bool {
		return l["name"] == "agent-gateway" && m.GetGauge().GetValue() == 1
	})
	eventually(t, h, "container_network_receive_bytes_total", named("agent-gateway"))
	eventually(t, h, "container_processes", func(l map[string]string, m *dto.Metric) bool {
		return l["name"] == "agent-gateway" && m.GetGauge().GetValue() == 1
	})

	// A container that Docker does not report yet is a cgroup without a name, and gets the name later.
	for cgroup, c := range map[string]string{"/docker/": later, "/ausguck-custom/": custom} {
		newCgroup(t, cgroup+testID(c))
		eventually(t, h, "container_memory_usage_bytes", func(l map[string]string, m *dto.Metric) bool {
			return l["id"] == cgroup+testID(c) && l["name"] == ""
		})
		src.learn(dockerhost.Container{ID: testID(c), Name: "late-" + c, Image: "late:1"})
		for _, family := range []string{"container_memory_usage_bytes", "container_network_receive_bytes_total"} {
			eventually(t, h, family, named("late-"+c))
		}
	}

	// All series of a family have the same label names, whatever they describe.
	_, families := scrape(t, h)
	for name, f := range families {
		if !strings.HasPrefix(name, "container_") || name == "container_scrape_error" {
			continue
		}
		want := ""
		for _, m := range f.GetMetric() {
			var keys []string
			for _, l := range m.GetLabel() {
				keys = append(keys, l.GetName())
			}
			got := strings.Join(keys, ",")
			if want == "" {
				want = got
			}
			require.Equal(t, want, got, name)
		}
	}
	require.NotContains(t, fmt.Sprint(families), "never copied")
}

func TestContainerEnds(t *testing.T) {
	id := testID("d")
	e, _ := startExporter(t, Options{})
	t.Run("while it runs", func(t *testing.T) {
		newCgroup(t, "/docker/"+id)
		eventually(t, e.Handler(), "container_memory_usage_bytes", func(l map[string]string, m *dto.Metric) bool {
			return l["id"] == "/docker/"+id
		})
	})
	require.Eventually(t, func() bool {
		_, families := scrape(t, e.Handler())
		for _, m := range families["container_memory_usage_bytes"].GetMetric() {
			if labelsOf(m)["id"] == "/docker/"+id {
				return false
			}
		}
		return true
	}, 5*time.Second, 20*time.Millisecond)
}

// manager.Stop leaves one goroutine per container that continues to read its cgroup; ours must not accumulate over
// restarts.
func TestStopEndsHousekeeping(t *testing.T) {
	e, stop := startExporter(t, Options{Containers: newSource()})
	eventually(t, e.Handler(), "machine_cpu_cores", func(map[string]string, *dto.Metric) bool { return true })
	stop()
	for limit := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		if !bytes.Contains(stacks, []byte("lib/manager.(*")) && !bytes.Contains(stacks, []byte("rawContainerWatcher")) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("still running:\n%s", stacks)
		}
	}
}

func TestRuntimeThatHangsDoesNotStopUs(t *testing.T) {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	var log bytes.Buffer
	e, err := New(Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	e.runtimes = []containerRuntime{{"stuck", stuckPlugin{release: release}, ""}}
	s := &session{logger: e.logger, runtimes: e.runtimes}
	require.NoError(t, claimGlobals(time.Second))
	begun := time.Now()
	require.NoError(t, s.start(time.Second))
	require.Less(t, time.Since(begun), runtimeTimeout+3*time.Second)
	s.release()
	require.Empty(t, s.containers())
	require.Contains(t, log.String(), "runtime=stuck")
	require.Contains(t, log.String(), "no response within the timeout")
}

func TestRuntimeThatComesUpLater(t *testing.T) {
	sign := filepath.Join(t.TempDir(), "podman.sock")
	s := &session{runtimes: []containerRuntime{{"podman", stuckPlugin{}, sign}}, present: map[string]bool{}}
	_, ok := s.newcomer()
	require.False(t, ok)
	require.NoError(t, os.WriteFile(sign, nil, 0o600))
	name, ok := s.newcomer()
	require.True(t, ok)
	require.Equal(t, "podman", name)
}

func TestSeriesLabelsOfOtherRuntimes(t *testing.T) {
	s := &session{labels: []string{"app"}, source: newSource()}
	require.Equal(t, map[string]string{
		"id": "/machine.slice/libpod-" + testID("a") + ".scope", "name": "pod", "image": "img", "container_label_app": "x",
	}, s.seriesLabels(&info.ContainerInfo{
		ContainerReference: info.ContainerReference{Name: "/machine.slice/libpod-" + testID("a") + ".scope", Aliases: []string{"pod"}},
		Spec:               info.ContainerSpec{Image: "img", Labels: map[string]string{"app": "x", "other": "y"}},
	}))
}
