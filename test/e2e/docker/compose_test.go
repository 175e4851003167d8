package docker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// site is a user's folder: the configuration and the compose files, as the program writes them.
type site struct {
	dir string
	env []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	binary, err := filepath.Abs("../../../bin/ausguck")
	require.NoError(t, err)
	s := &site{dir: t.TempDir(), env: append(os.Environ(), "DOCKER_HOST="+docker.endpoint, "COMPOSE_PROJECT_NAME=ausgucktest",
		"GF_SECURITY_ADMIN_PASSWORD=secret", "ADO_PASSWORD=demo", "DEMO_RATE=10",
		"ADO_URL=http://agent-stand-ins:7070/azure-devops-stand-in", "LLM_URL=http://agent-stand-ins:7070/model-stand-in/v1")}
	for _, args := range [][]string{{"init", "monitoring"}, {"compose"}} {
		cmd := exec.Command(binary, args...)
		cmd.Dir, cmd.Env = s.dir, s.env
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	return s
}

// compose runs docker-compose in the folder.
func (s *site) compose(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker-compose", args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "docker-compose %s: %s", strings.Join(args, " "), stderr.String())
	return string(out)
}

// load loads an image built by `make image`.
func load(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open("../../../bin/" + name + ".image.tar")
	require.NoError(t, err, "build it first, in the root of the repository: make image")
	defer f.Close()
	r, err := docker.cli.ImageLoad(t.Context(), f)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

// The image as the compose file runs it, without root and with a read-only root file system: it measures the host, and
// discovers the code agent next to it by its labels, with metrics, logs and the original's dashboard.
func TestCompose(t *testing.T) {
	s := newSite(t)
	load(t, "ausguck")
	load(t, "codeagent")
	image, err := docker.cli.ImageInspect(t.Context(), "ausguck:latest")
	require.NoError(t, err)
	t.Logf("the image has %.1f MB", float64(image.Size)/1e6)
	require.Less(t, image.Size, int64(210e6))

	ausguckUp := []string{"-f", "ausguck.yml"}
	codeagent := []string{"-f", "codeagent.yml", "--profile", "demo"}
	t.Cleanup(func() {
		s.compose(t, append(codeagent, "down", "--volumes")...)
		s.compose(t, append(ausguckUp, "down", "--volumes")...)
	})
	begun := time.Now()
	s.compose(t, append(ausguckUp, "up", "-d")...)
	a := &ausguck{url: "http://admin:secret@127.0.0.1:3000", exit: make(chan error, 1)}
	ready := func() error {
		_, err := a.get("/-/ready")
		return err
	}
	within(t, time.Minute, "ready", ready)
	logs := s.containerLogs(t, "agent-ausguck")
	t.Logf("up and ready after %s; it says %s", time.Since(begun).Round(time.Millisecond), regexp.MustCompile(`msg=Ready took=\S+`).FindString(logs))
	require.NotContains(t, logs, "level=ERROR")
	require.NotContains(t, logs, "is not mounted")

	data, err := docker.cli.VolumeInspect(t.Context(), "ausgucktest_ausguck-data", client.VolumeInspectOptions{})
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(data.Volume.Mountpoint, "tmp"), "temporary files, as the rest is read-only")

	t.Run("the host", func(t *testing.T) { seesTheHost(t, a) })

	// Everything except Traefik, whose image is not available here.
	s.compose(t, append(codeagent, "up", "-d", "gateway", "orchestrator", "adapter", "llm-patch", "stand-ins")...)
	for _, job := range []string{"gateway", "orchestrator", "adapter", "llm-patch"} {
		within(t, time.Minute, job+" is scraped", func() error { return oneTargetUp(a, job) })
	}
	for title, expression := range originalPanels(t) {
		within(t, 2*time.Minute, title, func() error { return a.some(expression) })
	}
	for _, container := range []string{"agent-gateway", "agent-llm-patch", "agent-ausguck"} {
		within(t, time.Minute, container+" in LogQL", func() error {
			n, err := a.logLines(container)
			if err == nil && n == 0 {
				err = fmt.Errorf("no lines of %s", container)
			}
			return err
		})
	}

	t.Run("killed", func(t *testing.T) {
		before, err := a.query(`sum(count_over_time(up{job="gateway"}[10m]))`)
		require.NoError(t, err)
		_, err = docker.cli.ContainerKill(t.Context(), "agent-ausguck", client.ContainerKillOptions{Signal: "KILL"})
		require.NoError(t, err)
		s.compose(t, append(ausguckUp, "up", "-d")...)
		within(t, time.Minute, "ready again", ready)
		// The stored data is still there, and so are the containers' lines from the time in between.
		s.compose(t, append(codeagent, "stop", "-t", "5")...)
		after, err := a.query(`sum(count_over_time(up{job="gateway"}[10m]))`)
		require.NoError(t, err)
		require.GreaterOrEqual(t, after[0].number(), before[0].number())
		for _, container := range []string{"agent-gateway", "agent-orchestrator", "agent-llm-patch"} {
			want := strings.Count(s.containerLogs(t, container), "\n")
			within(t, time.Minute, fmt.Sprintf("all %d lines of %s", want, container), func() error {
				n, err := a.logLines(container)
				if err == nil && n != want {
					err = fmt.Errorf("%d of %d lines of %s", n, want, container)
				}
				return err
			})
		}
	})
}

// Compose files as the program writes them: a saved file is applied, one with a mistake is named and changes nothing,
// and a process that then dies is restarted by the engine. After `docker kill -s HUP` the engine would not do that.
func TestComposeReloads(t *testing.T) {
	s := newSite(t)
	load(t, "ausguck")
	t.Cleanup(func() { s.compose(t, "-f", "ausguck.yml", "down", "--volumes") })
	s.compose(t, "-f", "ausguck.yml", "up", "-d")
	a := &ausguck{url: "http://admin:secret@127.0.0.1:3000", exit: make(chan error, 1)}
	ready := func() error {
		_, err := a.get("/-/ready")
		return err
	}
	within(t, time.Minute, "ready", ready)

	file := filepath.Join(s.dir, "monitoring", "rules", "own.rules.yml")
	rule := func(expr string) {
		content := "groups: [{name: own, interval: 1s, rules: [{record: own_rule, expr: '" + expr + "'}]}]\n"
		require.NoError(t, os.WriteFile(file, []byte(content), 0o644))
	}
	rule("vector(1)")
	within(t, time.Minute, "the new rule", func() error { return a.some("own_rule == 1") })
	rule("vector(")
	within(t, time.Minute, "the mistake in the log", func() error {
		if logs := s.containerLogs(t, "agent-ausguck"); !strings.Contains(logs, "own.rules.yml:1") {
			return fmt.Errorf("not told:\n%s", logs)
		}
		return nil
	})
	require.NoError(t, a.some("own_rule == 1"), "what ran before goes on")
	rule("vector(2)")
	within(t, time.Minute, "the corrected rule", func() error { return a.some("own_rule == 2") })

	before, err := docker.cli.ContainerInspect(t.Context(), "agent-ausguck", client.ContainerInspectOptions{})
	require.NoError(t, err)
	process, err := os.FindProcess(before.Container.State.Pid)
	require.NoError(t, err)
	require.NoError(t, process.Kill(), "the engine has not asked for it, and starts it again")
	within(t, time.Minute, "started again", func() error {
		now, err := docker.cli.ContainerInspect(t.Context(), "agent-ausguck", client.ContainerInspectOptions{})
		if err == nil && (now.Container.RestartCount != 1 || !now.Container.State.Running) {
			err = fmt.Errorf("restarted %d times, running: %t", now.Container.RestartCount, now.Container.State.Running)
		}
		return err
	})
	within(t, time.Minute, "ready again", ready)
	within(t, time.Minute, "the rule", func() error { return a.some("own_rule == 2") })
}

// seesTheHost compares what the container measures with what this process sees, which runs on the host.
func seesTheHost(t *testing.T, a *ausguck) {
	devices, err := os.ReadFile("/proc/net/dev")
	require.NoError(t, err)
	for line := range strings.Lines(string(devices)) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(name, "veth") { // those of containers come and go
			continue
		}
		within(t, time.Minute, name, func() error {
			return a.some(fmt.Sprintf("node_network_receive_bytes_total{device=%q}", name))
		})
	}
	var root syscall.Statfs_t
	require.NoError(t, syscall.Statfs("/", &root))
	size, err := a.query(`node_filesystem_size_bytes{mountpoint="/"}`)
	require.NoError(t, err)
	require.Len(t, size, 1)
	require.InDelta(t, float64(root.Blocks)*float64(root.Bsize), size[0].number(), 1)
	var system syscall.Sysinfo_t
	require.NoError(t, syscall.Sysinfo(&system))
	memory, err := a.query("node_memory_MemTotal_bytes")
	require.NoError(t, err)
	require.InDelta(t, float64(system.Totalram)*float64(system.Unit), memory[0].number(), 1<<20)
	within(t, time.Minute, "the container's own series", func() error {
		return a.some(`container_memory_working_set_bytes{name="agent-ausguck"}`)
	})
}

// some returns an error unless the expression has a value.
func (a *ausguck) some(expression string) error {
	r, err := a.query(expression)
	if err == nil && len(r) == 0 {
		err = fmt.Errorf("no data for %s", expression)
	}
	return err
}

// logLines returns the number of stored lines of a container.
func (a *ausguck) logLines(container string) (int, error) {
	found, err := a.logs(fmt.Sprintf(`sum(count_over_time({container=%q}[1h]))`, container))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return int(found[0].number()), nil
}

// containerLogs returns all lines that the engine has of a container.
func (s *site) containerLogs(t *testing.T, name string) string {
	t.Helper()
	r, err := docker.cli.ContainerLogs(t.Context(), name, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	require.NoError(t, err)
	defer r.Close()
	var text bytes.Buffer
	for { // frames with a header of eight bytes, the last four are the length
		var header [8]byte
		if _, err := io.ReadFull(r, header[:]); err == io.EOF {
			return text.String()
		} else if err != nil {
			require.NoError(t, err)
		}
		length := int64(header[4])<<24 | int64(header[5])<<16 | int64(header[6])<<8 | int64(header[7])
		_, err := io.CopyN(&text, r, length)
		require.NoError(t, err)
	}
}

// A container without the host's folders reports what is missing, and the line to add.
func TestImageWithoutMounts(t *testing.T) {
	load(t, "ausguck")
	s := newSite(t)
	start(t, docker, service{name: "ausguck-bare", image: "ausguck:latest", env: []string{"GF_SECURITY_ADMIN_PASSWORD=secret"}})
	within(t, time.Minute, "ready", func() error {
		if logs := s.containerLogs(t, "ausguck-bare"); !strings.Contains(logs, "msg=Ready") {
			return fmt.Errorf("not ready:\n%s", logs)
		}
		return nil
	})
	logs := s.containerLogs(t, "ausguck-bare")
	for _, volume := range []string{"/:/rootfs:ro,rslave", "/proc:/host/proc:ro", "/sys:/host/sys:ro", "/var/log:/var/log:ro"} {
		require.Contains(t, logs, "volume="+volume)
	}
	require.Contains(t, logs, "there is no Docker socket at /var/run/docker.sock")
}

// The compose files are valid, and what the official one mounts exists.
func TestComposeFiles(t *testing.T) {
	s := newSite(t)
	for _, file := range []string{"ausguck.yml", "official.yml", "codeagent.yml"} {
		resolved := s.compose(t, "-f", file, "config")
		for _, mount := range regexp.MustCompile(`(?m)^    - (`+regexp.QuoteMeta(s.dir)+`[^:]*):`).FindAllStringSubmatch(resolved, -1) {
			require.DirExists(t, mount[1], file)
		}
	}
	official := s.compose(t, "-f", "official.yml", "config")
	require.Equal(t, 6, strings.Count(official, s.dir+"/monitoring"), "folders of the configuration that are mounted")
}

// originalPanels returns the queries of the original dashboard, by title.
func originalPanels(t *testing.T) map[string]string {
	t.Helper()
	var original struct{ Dashboard struct{ Panels []panel } }
	content, err := os.ReadFile(originalFile)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &original))
	panels := map[string]string{}
	for _, p := range original.Dashboard.Panels {
		panels[p.Title] = p.Targets[0].Expr
	}
	require.Len(t, panels, 5)
	return panels
}
