package docker_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// stackAt copies a stack from internal/stack/testdata and writes its replacement.
func stackAt(t *testing.T, shape string) (s *site, said string) {
	t.Helper()
	binary, err := filepath.Abs("../../../bin/ausguck")
	require.NoError(t, err)
	s = &site{dir: filepath.Join(t.TempDir(), shape), env: append(os.Environ(), "DOCKER_HOST="+docker.endpoint, "PROMETHEUS_IMAGE=prom/prometheus")}
	require.NoError(t, os.CopyFS(s.dir, os.DirFS("../../../internal/stack/testdata/"+shape)))
	old, err := filepath.Glob(filepath.Join(s.dir, "*compose.y*ml"))
	require.NoError(t, err)
	cmd := exec.Command(binary, "compose", "--from="+filepath.Base(old[0]))
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return s, string(out)
}

// Compose accepts the written files wherever it accepts the originals, and both describe the same networks and volumes.
func TestComposeAcceptsWhatReplacesAStack(t *testing.T) {
	shapes, err := os.ReadDir("../../../internal/stack/testdata")
	require.NoError(t, err)
	accepted := 0
	for _, shape := range shapes {
		s, _ := stackAt(t, shape.Name())
		old, err := filepath.Glob(filepath.Join(s.dir, "*compose.y*ml"))
		require.NoError(t, err)
		cmd := exec.Command("docker-compose", "-f", old[0], "config", "-q")
		cmd.Dir, cmd.Env = s.dir, s.env
		if out, err := cmd.CombinedOutput(); err != nil { // docker-compose 1 does not support name: and include:
			t.Logf("%s: docker-compose does not accept the old file: %s", shape.Name(), out)
			continue
		}
		accepted++
		s.compose(t, "-f", "ausguck.yml", "config", "-q")
	}
	require.GreaterOrEqual(t, accepted, 5)
}

// The printed commands migrate the data of the old volumes, whoever owns their files, and Ausguck starts with them.
func TestMoveOverWithData(t *testing.T) {
	load(t, "ausguck")
	s, said := stackAt(t, "dockprom")
	ctx := t.Context()
	for name, owner := range map[string]int{"dockprom_metrics": 65534, "dockprom_boards": 472} {
		v, err := docker.cli.VolumeCreate(ctx, client.VolumeCreateOptions{Name: name})
		require.NoError(t, err)
		t.Cleanup(func() { _, _ = docker.cli.VolumeRemove(t.Context(), name, client.VolumeRemoveOptions{Force: true}) })
		if owner == 472 {
			continue
		}
		wal := filepath.Join(v.Volume.Mountpoint, "wal")
		require.NoError(t, os.Mkdir(wal, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(wal, "00000000"), nil, 0o600))
		for _, path := range []string{v.Volume.Mountpoint, wal, filepath.Join(wal, "00000000")} {
			require.NoError(t, os.Chown(path, owner, owner))
		}
	}
	socket := strings.TrimPrefix(docker.endpoint, "unix://")
	info, err := os.Stat(socket)
	require.NoError(t, err)
	s.env = append(s.env, fmt.Sprintf("DOCKER_GID=%d", info.Sys().(*syscall.Stat_t).Gid), "ADMIN_PASSWORD=secret of the test")
	content, err := os.ReadFile(filepath.Join(s.dir, "ausguck.yml"))
	require.NoError(t, err)
	moved := strings.ReplaceAll(string(content), "/var/run/docker.sock:/var", socket+":/var")
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "ausguck.yml"), []byte(moved), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "textfile"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "grafana/provisioning/datasources"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "grafana/provisioning/dashboards"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "alertmanager/config.yml"), []byte("route: {receiver: r}\nreceivers: [{name: r}]\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "prometheus/prometheus.yml"),
		[]byte("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: itself, static_configs: [{targets: ['localhost:9090', 'nodeexporter:9100']}]}]\n"), 0o644))
	t.Cleanup(func() { s.compose(t, "-f", "ausguck.yml", "down", "--volumes") })

	// The printed commands are run, except for what this test does not have: Compose 2, and data of Grafana and
	// Alertmanager.
	ran := 0
	for line := range strings.Lines(said) {
		command := strings.TrimSpace(line)
		if !strings.HasPrefix(line, "  ") || strings.Contains(command, " stop ") || strings.HasPrefix(command, "docker cp") || strings.Contains(command, "rm -sf") || strings.HasPrefix(command, "DOCKER_GID") {
			continue
		}
		command = strings.ReplaceAll(command, "docker compose ", "docker-compose ")
		var words []string
		for _, word := range strings.Fields(command) {
			if !strings.HasPrefix(word, "--from-grafana") && !strings.HasPrefix(word, "--from-alertmanager") {
				words = append(words, word)
			}
		}
		cmd := exec.Command("sh", "-ec", strings.Join(words, " "))
		cmd.Dir, cmd.Env = s.dir, s.env
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, out)
		t.Logf("%s\n%s", command, out)
		ran++
	}
	require.Equal(t, 3, ran, "check, create and migrate")
	data, err := docker.cli.VolumeInspect(ctx, "dockprom_ausguck-data", client.VolumeInspectOptions{})
	require.NoError(t, err)
	info, err = os.Stat(filepath.Join(data.Volume.Mountpoint, "prometheus", "wal", "00000000"))
	require.NoError(t, err)
	require.EqualValues(t, 65532, info.Sys().(*syscall.Stat_t).Uid)

	s.compose(t, "-f", "ausguck.yml", "up", "-d")
	inspected, err := docker.cli.ContainerInspect(ctx, "ausguck", client.ContainerInspectOptions{})
	require.NoError(t, err)
	address := inspected.Container.NetworkSettings.Networks["dockprom_watch"].IPAddress
	a := &ausguck{url: "http://admin:secret%20of%20the%20test@" + address.String() + ":3000", exit: make(chan error, 1)}
	within(t, time.Minute, "ready", func() error {
		_, err := a.get("/-/ready")
		return err
	})
	within(t, time.Minute, "both targets are up, the one of localhost too", func() error {
		up, err := a.query(`count(up{job="itself"} == 1)`)
		if err == nil && (len(up) == 0 || up[0].number() != 2) {
			err = fmt.Errorf("%v are up", up)
		}
		return err
	})
}
