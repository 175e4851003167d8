package cadvisor

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/cadvisor/lib/container"
	"github.com/google/cadvisor/lib/fs"
	"github.com/google/cadvisor/lib/manager"
	info "github.com/google/cadvisor/lib/model"
	"github.com/google/cadvisor/lib/watcher"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/dockerhost"
)

// stuckPlugin blocks in Register until it is released.
type stuckPlugin struct{ release chan struct{} }

func (stuckPlugin) InitializeFSContext(*fs.Context) error { return nil }

func (p stuckPlugin) Register(info.MachineInfoFactory, fs.FsInfo, container.MetricSet) (watcher.ContainerWatcher, error) {
	<-p.release
	return nil, nil
}

// brokenManager can read only one of its two containers.
type brokenManager struct {
	manager.Manager
	read map[string]info.ContainerInfo
}

func (m brokenManager) GetContainerInfoV2(string, info.RequestOptions) (map[string]info.ContainerInfo, error) {
	return m.read, errors.New("partial failures")
}

func TestOneBrokenContainerLeavesTheOthers(t *testing.T) {
	good := info.ContainerInfo{ContainerReference: info.ContainerReference{Name: "/good"}}
	p := provider{brokenManager{read: map[string]info.ContainerInfo{"/good": good, "/bad": {}}}, slog.New(slog.DiscardHandler)}
	infos, err := p.GetRequestedContainersInfo("/", info.RequestOptions{})
	require.NoError(t, err)
	require.Equal(t, map[string]*info.ContainerInfo{"/good": &good}, infos)

	p.Manager = brokenManager{}
	_, err = p.GetRequestedContainersInfo("/", info.RequestOptions{})
	require.EqualError(t, err, "partial failures")
}

func TestRemedy(t *testing.T) {
	require.Contains(t, remedy(os.NewSyscallError("inotify_init", syscall.EMFILE)), "fs.inotify.max_user_instances")
	require.Contains(t, remedy(os.NewSyscallError("inotify_add_watch", syscall.ENOSPC)), "fs.inotify.max_user_watches")
	require.Empty(t, remedy(errors.New("other")))
}

func TestOOMKills(t *testing.T) {
	v1, v2 := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(v1, "memory.oom_control"),
		[]byte("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(v2, "memory.events"),
		[]byte("low 0\nhigh 1\nmax 2\noom 5\noom_kill 4\noom_group_kill 9\n"), 0o644))
	for name, tc := range map[string]struct {
		unified bool
		paths   map[string]string
		want    uint64
	}{
		"cgroup v1":      {false, map[string]string{"memory": v1}, 3},
		"cgroup v2":      {true, map[string]string{"": v2}, 4},
		"no such cgroup": {true, map[string]string{"": "/nowhere"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := &handler{factory: &factory{unified: tc.unified}, paths: tc.paths}
			require.Equal(t, tc.want, h.oomKills())
		})
	}
}

func TestCgroupPath(t *testing.T) {
	v1 := &handler{factory: &factory{}, paths: map[string]string{"cpu": "/sys/fs/cgroup/cpu/docker/1"}}
	p, err := v1.GetCgroupPath("cpu")
	require.NoError(t, err)
	require.Equal(t, "/sys/fs/cgroup/cpu/docker/1", p)
	_, err = v1.GetCgroupPath("memory")
	require.ErrorContains(t, err, `no cgroup path for "memory"`)

	v2 := &handler{factory: &factory{unified: true}, paths: map[string]string{"": "/sys/fs/cgroup/system.slice/docker-1.scope"}}
	p, err = v2.GetCgroupPath("memory")
	require.NoError(t, err)
	require.Equal(t, "/sys/fs/cgroup/system.slice/docker-1.scope", p)
}

func TestFactoryLeavesOthersAlone(t *testing.T) {
	src := newSource(dockerhost.Container{ID: testID("a")})
	f, err := newFactory(src, nil)
	require.NoError(t, err)
	for name, want := range map[string]bool{
		"/docker/" + testID("a"):                          true,
		"/docker/" + testID("b"):                          true, // by its path, even if Docker does not report it yet
		"/system.slice/docker-" + testID("b") + ".scope":  true,
		"/custom/" + testID("a"):                          true, // by its ID
		"/custom/" + testID("c"):                          false,
		"/machine.slice/libpod-" + testID("c") + ".scope": false,
		"/system.slice":                                   false,
		"/":                                               false,
	} {
		handle, accept, err := f.CanHandleAndAccept(name)
		require.NoError(t, err)
		require.Equal(t, want, handle, name)
		require.Equal(t, want, accept, name)
	}
	require.Empty(t, f.claim())
	src.learn(dockerhost.Container{ID: testID("c")})
	require.ElementsMatch(t, []string{"/custom/" + testID("c"), "/machine.slice/libpod-" + testID("c") + ".scope"}, f.claim())
	require.Empty(t, f.claim(), "each is taken over once")
}

func TestPressureOnlyWhereTheKernelHasIt(t *testing.T) {
	require.True(t, served(true).Has(container.PressureMetrics))
	require.False(t, served(false).Has(container.PressureMetrics))
	require.False(t, ofContainers.Has(container.DiskUsageMetrics), "no disk walk")
}
