package docker_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

const (
	image     = "ausguck-testservice"
	ownsLabel = "ausguck.test" // on everything that the tests create, so that it can be removed
)

// engine is a Docker engine: an existing one, or our own dockerd.
type engine struct {
	endpoint string
	cli      *client.Client

	dir  string // of our own dockerd; empty for an existing one
	args []string
	cmd  *exec.Cmd
	exit chan struct{} // closed when cmd has ended; err has the result
	err  error
	log  *os.File
}

// givenEngine returns the engine at an address, which is left as it was found.
func givenEngine(endpoint string) (*engine, error) {
	e := &engine{endpoint: endpoint}
	return e, e.connect()
}

// ownEngine starts a dockerd that keeps everything in a separate folder.
func ownEngine(args ...string) (*engine, error) {
	path, err := exec.LookPath("dockerd")
	if err != nil {
		path = "/usr/sbin/dockerd"
	}
	if _, err := os.Stat(path); err != nil || os.Geteuid() != 0 {
		return nil, errors.New("no Docker engine: set DOCKER_HOST to one, or run as root on a machine with dockerd (Debian: apt-get install docker.io)")
	}
	dir, err := os.MkdirTemp("", "ausguck-docker")
	if err != nil {
		return nil, err
	}
	e := &engine{dir: dir, endpoint: "unix://" + filepath.Join(dir, "docker.sock")}
	e.args = append([]string{
		path, "--storage-driver=vfs", "--host=" + e.endpoint, "--pidfile=" + filepath.Join(dir, "docker.pid"),
		"--data-root=" + filepath.Join(dir, "data"), "--exec-root=" + filepath.Join(dir, "exec"),
	}, args...)
	if err := e.start(); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *engine) start() error {
	log, err := os.OpenFile(filepath.Join(e.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	e.log = log
	e.cmd = exec.Command(e.args[0], e.args[1:]...)
	e.cmd.Stdout, e.cmd.Stderr = log, log
	// In a separate process group: an interrupt at the terminal must not reach it before the containers are
	// removed.
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := e.cmd.Start(); err != nil {
		return err
	}
	cmd, exit := e.cmd, make(chan struct{})
	e.exit = exit
	go func() {
		defer close(exit)
		e.err = cmd.Wait()
	}()
	return e.connect()
}

// stop ends our dockerd by its process ID and waits for it.
func (e *engine) stop() error {
	if e.cmd == nil {
		return nil
	}
	defer e.log.Close()
	cmd := e.cmd
	e.cmd = nil
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-e.exit:
		return nil
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		<-e.exit
		return errors.New("dockerd did not stop within 30s")
	}
}

func (e *engine) connect() error {
	if e.cli != nil {
		_ = e.cli.Close()
	}
	cli, err := client.New(client.WithHost(e.endpoint))
	if err != nil {
		return err
	}
	e.cli = cli
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		_, err = cli.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
		if err == nil {
			return nil
		}
		select {
		case <-e.exit:
			e.cmd = nil
			return fmt.Errorf("dockerd ended: %w\n%s", errors.Join(e.err, err), e.logTail())
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s: %w\n%s", e.endpoint, err, e.logTail())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (e *engine) logTail() string {
	if e.dir == "" {
		return ""
	}
	b, _ := os.ReadFile(filepath.Join(e.dir, "log"))
	return string(b[max(0, len(b)-4000):])
}

// clean removes what earlier tests or killed runs have left behind.
func (e *engine) clean(ctx context.Context) error {
	owned := make(client.Filters).Add("label", ownsLabel)
	containers, err := e.cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: owned})
	if err != nil {
		return err
	}
	for _, c := range containers.Items {
		if _, err := e.cli.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
			return err
		}
	}
	networks, err := e.cli.NetworkList(ctx, client.NetworkListOptions{Filters: owned})
	if err != nil {
		return err
	}
	for _, n := range networks.Items {
		if _, err := e.cli.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// close leaves nothing behind.
func (e *engine) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	if e.cli != nil && (e.dir == "" || e.cmd != nil) {
		err = e.clean(ctx)
		_ = e.cli.Close()
	}
	if e.dir == "" {
		return err
	}
	return errors.Join(err, e.stop(), removeTree(e.dir))
}

// removeTree removes a folder in which dockerd has left mounts.
func removeTree(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := strings.Split(string(mounts), "\n")
	for _, line := range slices.Backward(lines) { // in reverse order of mounting
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], dir+"/") {
			if err := syscall.Unmount(f[4], syscall.MNT_DETACH); err != nil {
				return fmt.Errorf("unmount %s: %w", f[4], err)
			}
		}
	}
	return os.RemoveAll(dir)
}

// buildImage creates an image FROM scratch with the program.
func (e *engine) buildImage(ctx context.Context, image, program string) error {
	b, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for name, content := range map[string][]byte{
		"Dockerfile": []byte("FROM scratch\nCOPY program /program\nENTRYPOINT [\"/program\"]\n"),
		"program":    b,
	} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	r, err := e.cli.ImageBuild(ctx, &buf, client.ImageBuildOptions{
		Tags: []string{image}, Remove: true, Labels: map[string]string{ownsLabel: "image"},
	})
	if err != nil {
		return err
	}
	defer r.Body.Close()
	out, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if bytes.Contains(out, []byte(`"errorDetail"`)) {
		return fmt.Errorf("build image: %s", out)
	}
	return nil
}

// service describes a container, of the test image unless it names another one.
type service struct {
	image       string
	cmd         []string
	name        string
	env         []string
	labels      map[string]string
	exposed     []string // "8080/tcp"
	networkMode string
	networks    []string // joined before the start, in addition to networkMode
	removed     bool     // by the engine, as soon as it has ended
	restart     container.RestartPolicyMode
	log         container.LogConfig
}

// run creates and starts a container and returns its ID.
func (e *engine) run(ctx context.Context, s service) (string, error) {
	cfg := &container.Config{Env: s.env, Cmd: s.cmd, Labels: map[string]string{ownsLabel: "container"}}
	for k, v := range s.labels {
		cfg.Labels[k] = v
	}
	ports, err := portSet(s.exposed)
	if err != nil {
		return "", err
	}
	cfg.ExposedPorts = ports
	created, err := e.cli.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: cfg, HostConfig: &container.HostConfig{
			NetworkMode: container.NetworkMode(s.networkMode), AutoRemove: s.removed, LogConfig: s.log,
			RestartPolicy: container.RestartPolicy{Name: s.restart},
		},
		Name: s.name, Image: cmp.Or(s.image, image),
	})
	if err != nil {
		return "", fmt.Errorf("create %s: %w", s.name, err)
	}
	for _, n := range s.networks {
		if _, err := e.cli.NetworkConnect(ctx, n, client.NetworkConnectOptions{Container: created.ID}); err != nil {
			return "", fmt.Errorf("connect %s to %s: %w", s.name, n, err)
		}
	}
	if _, err := e.cli.ContainerStart(ctx, created.ID, client.ContainerStartOptions{}); err != nil {
		return "", fmt.Errorf("start %s: %w", s.name, err)
	}
	return created.ID, nil
}

// proxy forwards requests to the engine.
func (e *engine) proxy() *httputil.ReverseProxy {
	network, address, _ := strings.Cut(e.endpoint, "://")
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "docker" },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}},
		FlushInterval: -1,
	}
}
