package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dockerHost is a host on which Ausguck runs in a container, with the compose files that a user has.
type dockerHost struct {
	*host
	env []string
	dir string // with the compose files
}

// docker starts a Docker engine on the host and loads Ausguck's image.
func (h *host) docker(t *testing.T) *dockerHost {
	t.Helper()
	dir, err := os.MkdirTemp("", "ausguck-grow")
	require.NoError(t, err)
	socket := filepath.Join(dir, "docker.sock")
	d := &dockerHost{host: h, dir: t.TempDir(), env: append(os.Environ(), passwordEnv, "DOCKER_HOST=unix://"+socket, "DOCKER_SOCK="+socket, "DOCKER_GID=0", "COMPOSE_PROJECT_NAME=grow")}
	cmd := exec.Command("dockerd", "--storage-driver=vfs", "--host=unix://"+socket, "--pidfile="+filepath.Join(dir, "pid"),
		"--data-root="+filepath.Join(dir, "data"), "--exec-root="+filepath.Join(dir, "exec"))
	var engine *process
	h.do(func() { engine = startProcess(t, cmd) })
	t.Cleanup(func() { // it stops the containers, which have mounts in the folder
		require.NoError(t, engine.cmd.Process.Signal(syscall.SIGTERM))
		require.Zero(t, engine.exitCode(t, time.Minute), engine.output.String())
		require.NoError(t, os.RemoveAll(dir))
	})
	eventually(t, time.Minute, func() error {
		_, err := d.try("docker", "version")
		return err
	})
	d.call(t, "docker", "load", "--input="+requireBinary(t, "AUSGUCK_IMAGE_TAR", "../../bin/ausguck.image.tar", "", "make image"))
	return d
}

func (d *dockerHost) try(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	output, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, output)
	}
	return string(output), nil
}

func (d *dockerHost) call(t *testing.T, name string, args ...string) string {
	t.Helper()
	output, err := d.try(name, args...)
	require.NoError(t, err)
	return output
}

// On three hosts with Docker engines, Ausguck runs in containers with the compose files of the program and of the page: they are one ring of
// Lokis and one cluster of Alertmanagers.
func TestGrowInContainers(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	startObjectStore(t, network, "logs")
	page := readGrowPage(t)
	containers := page.section(t, "In containers")
	loki := page.section(t, "Logs on three hosts").file(t, "loki.yml")
	for from, to := range map[string]string{
		"  instance_interface_names: [eth0] # the interface at which the other hosts reach this one\n": "  instance_addr: ${HOST_ADDRESS}\n",
		"memberlist:\n": "memberlist:\n  advertise_addr: ${HOST_ADDRESS}\n",
	} {
		require.Contains(t, loki, from)
		require.Contains(t, containers.file(t, "loki.yml"), to[strings.Index(to, "  "):])
		loki = strings.Replace(loki, from, to, 1)
	}
	alerts := page.section(t, "Alerts in a cluster")
	var hosts []*dockerHost
	var servers []*server
	for n := 1; n <= 3; n++ {
		d := network.host(t, n).docker(t)
		binary := ausguckBinary(t)
		d.call(t, binary, "init", "monitoring")
		d.call(t, binary, "compose")
		for name, content := range map[string]string{
			"grow.yml": containers.file(t, "grow.yml"), ".env": strings.ReplaceAll(everywhere(containers.file(t, ".env"), n), "10.0.0.1", d.ip),
			"monitoring/loki.yml": loki, "monitoring/prometheus.yml": alerts.file(t, "prometheus.yml"), "monitoring/web.yml": alerts.file(t, "web.yml"),
			"monitoring/secrets/peer_password": "change-me-please",
		} {
			writeFile(t, filepath.Join(d.dir, name), content)
		}
		up := containers.command(t, "docker", "compose")
		d.call(t, "docker-compose", up...)
		s := &server{address: d.ip + ":3000", client: d.client()}
		s.url = urlOf("admin", adminPassword, s.address)
		hosts, servers = append(hosts, d), append(servers, s)
	}
	for _, s := range servers {
		eventually(t, 2*time.Minute, func() error { return s.answers("/-/ready") })
		eventually(t, time.Minute, func() error {
			status := s.get(t, "/api/ausguck/status")
			return errUnless(strings.Count(status, `"state":"ACTIVE"`) == 3, "the ring has not three members: %s", tail(status, 1000))
		})
		eventually(t, 2*time.Minute, func() error {
			names := strings.Join(s.peers(t), " ")
			return errUnless(containsAll(names, []string{"server-1", "server-2", "server-3"}), "Alertmanagers: %s", names)
		})
	}
	begin := time.Now()
	for n, s := range servers {
		code, answer := s.pushJob(t, "grow", time.Now(), fmt.Sprintf("id=to-server-%d", n+1))
		require.Equal(t, http.StatusNoContent, code, answer)
	}
	want := map[string]int{"to-server-1": 1, "to-server-2": 1, "to-server-3": 1}
	for _, s := range servers {
		require.Equal(t, want, s.entries(t, `{job="grow"}`, begin, time.Now()))
	}
	id := servers[0].silence(t, "alertname", "SomethingElse")
	eventually(t, time.Minute, func() error {
		return errUnless(strings.Contains(servers[2].get(t, "/api/v2/silences"), id), "the silence is not known to server-3")
	})

	hosts[1].call(t, "docker", "kill", "agent-ausguck")
	code, answer := servers[0].pushJob(t, "grow", time.Now(), "id=while-one-is-down")
	require.Equal(t, http.StatusNoContent, code, answer)
	want["while-one-is-down"] = 1
	require.Equal(t, want, servers[2].entries(t, `{job="grow"}`, begin, time.Now()))
}
