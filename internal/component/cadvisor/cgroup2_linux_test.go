package cadvisor

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/dockerhost"
)

// TestCgroup2 runs itself again in a mount namespace in which /sys/fs/cgroup is the unified hierarchy, because
// upstream decides once per process and the machine may use version 1.
func TestCgroup2(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, as CI is: mounting is not for everybody")
	}
	const again = "AUSGUCK_TEST_CGROUP2"
	if os.Getenv(again) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestCgroup2$", "-test.v")
		cmd.Env = append(os.Environ(), again+"=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "--- PASS: TestCgroup2")
		return
	}
	const root = "/sys/fs/cgroup"
	require.NoError(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	require.NoError(t, syscall.Unmount(root, syscall.MNT_DETACH))
	require.NoError(t, syscall.Mount("none", root, "cgroup2", 0, ""))

	name := "/docker-" + testID("e") + ".scope"
	require.NoError(t, os.Mkdir(root+name, 0o755))
	busy := exec.Command("sh", "-c", "while :; do :; done")
	require.NoError(t, busy.Start())
	t.Cleanup(func() {
		_ = busy.Process.Kill()
		_ = busy.Wait()
		require.NoError(t, os.Remove(root+name))
	})
	require.NoError(t, os.WriteFile(filepath.Join(root+name, "cgroup.procs"), []byte(strconv.Itoa(busy.Process.Pid)), 0o644))

	e, _ := startExporter(t, Options{Containers: newSource(dockerhost.Container{
		ID: testID("e"), Name: "agent-gateway", Image: "gateway:1", PID: busy.Process.Pid,
	})})
	for _, family := range []string{
		"container_cpu_usage_seconds_total", "container_memory_usage_bytes", "container_processes",
		"container_network_receive_bytes_total", "container_pressure_cpu_waiting_seconds_total",
	} {
		eventually(t, e.Handler(), family, func(l map[string]string, m *dto.Metric) bool {
			return l["name"] == "agent-gateway" && l["image"] == "gateway:1" && l["id"] == name
		})
	}
}
