package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// nobody is a user who does not own the data folder.
const nobody = 65534

// The command that the program prints is run as printed, and the program then starts.
func TestForeignDataFolder(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, storage string){
		"new": func(*testing.T, string) {},
		// As after an accidental start as root: the folder can be entered, but its content cannot be written to.
		"used by root": func(t *testing.T, storage string) {
			s := startAusguck(t, configDir(t, map[string]string{"prometheus.yml": quietConfig}), storage, metricsOnly...)
			s.stop(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Not t.TempDir, which other users may not enter.
			home, err := os.MkdirTemp("", "ausguck-foreign-*")
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, os.RemoveAll(home)) })
			require.NoError(t, os.Chmod(home, 0o755))
			storage := filepath.Join(home, "data")
			require.NoError(t, os.Mkdir(storage, 0o755))
			prepare(t, storage)
			binary := copyForEverybody(t, home)
			config := filepath.Join(home, "monitoring")
			writeFile(t, filepath.Join(config, "prometheus.yml"), quietConfig)

			s := launchAsNobody(t, binary, config, storage)
			require.NotZero(t, s.exitCode(t, readyTimeout))
			printed := regexp.MustCompile(`chown -R 65534:65534 '?(/[^\s"']+)`).FindStringSubmatch(s.output.String())
			require.NotNil(t, printed, "no chown command in %s", s.output)
			output, err := exec.Command("sh", "-c", printed[0]).CombinedOutput()
			require.NoError(t, err, "%s", output)

			s = launchAsNobody(t, binary, config, storage)
			s.waitReady(t, readyTimeout)
			s.stop(t)
		})
	}
}

// copyForEverybody copies the program to where any user may run it.
func copyForEverybody(t *testing.T, dir string) string {
	t.Helper()
	content, err := os.ReadFile(ausguckBinary(t))
	require.NoError(t, err)
	path := filepath.Join(dir, "ausguck")
	require.NoError(t, os.WriteFile(path, content, 0o755))
	return path
}

func launchAsNobody(t *testing.T, binary, config, storage string) *server {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd := exec.Command(binary, append([]string{"--config.dir=" + config, "--storage.path=" + storage,
		"--web.listen-address=" + address, "--no-web.well-known-ports"}, metricsOnly...)...)
	cmd.Dir = filepath.Dir(binary)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return launch(t, address, cmd)
}

func TestMainPortTaken(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	address := listener.Addr().String()
	code, report := runToEnd(t, ausguckBinary(t), append([]string{"--config.dir=" + t.TempDir(), "--storage.path=" + t.TempDir(),
		"--web.listen-address=" + address, "--no-web.well-known-ports"}, metricsOnly...)...)
	require.Equal(t, 1, code, report)
	require.Contains(t, report, address)
	require.Regexp(t, `(?i)in use|taken`, report)
}

// In a separate network namespace the well-known ports are free, whatever else runs on this machine.
func TestWellKnownPorts(t *testing.T) {
	t.Parallel()
	network := newNetwork(t)
	taken := network.listen(t, "127.0.0.1:9100")
	defer taken.Close()

	const address = "127.0.0.1:3000"
	flags := []string{"--config.dir=" + t.TempDir(), "--storage.path=" + t.TempDir(), "--web.listen-address=" + address, "--no-docker"}
	var s *server
	network.do(func() { s = launchAt(t, address, flags...) })
	s.client.Transport = &http.Transport{DialContext: network.dial}
	s.waitReady(t, readyTimeout)

	require.Regexp(t, `(?m)level=WARN.*9100`, s.output.String(), "the taken port is a warning")
	page := func(port, path string) string {
		base := "http://127.0.0.1:" + port
		if port == "3000" {
			base = s.url
		}
		response, err := s.client.Get(base + path)
		require.NoError(t, err)
		body, err := readAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode, port+path)
		return body
	}
	require.Positive(t, metric(page("9090", "/metrics"), "prometheus_build_info"))
	require.Contains(t, page("9090", "/api/v1/query?query=1"), "success")
	require.Positive(t, metric(page("3000", "/metrics/node"), "node_cpu_seconds_total"))
	eventually(t, 30*time.Second, func() error {
		return errUnless(metric(page("8080", "/metrics"), "container_cpu_usage_seconds_total") > 0, "no containers on 8080")
	})
	s.stop(t)
}

// A full disk is reported, queries continue, and with free space again writes continue, too. What was accepted before
// and after is kept.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	storage := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", storage, "tmpfs", 0, "size=64m"), "needs root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(storage, unix.MNT_DETACH)) })
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig})
	// Full chunks are written to disk at each check for new blocks, even while it is full.
	s := startAusguck(t, config, storage, append([]string{"--web.enable-remote-write-receiver",
		"--storage.tsdb.block-reload-interval=10s"}, metricsOnly...)...)
	begin := time.Now().Add(-10 * time.Minute)
	s.writeFullChunks(t, begin)

	filler := filepath.Join(storage, "somebody-elses-file")
	fillDisk(t, filler)
	s.waitRefused(t)
	s.waitOutput(t, `(?i)no space left|disk.*full`)
	eventually(t, 15*time.Second, func() error {
		return errUnless(metric(s.get(t, "/metrics"), "ausguck_storage_low") == 1, "the metrics do not say that the disk is full")
	})
	require.Equal(t, http.StatusOK, s.status(t, "/-/healthy"))
	full := time.NewTimer(12 * time.Second)
	for lasting := true; lasting; {
		s.waitRefused(t)
		require.Len(t, s.queryAt(t, "count(full_chunks)", begin), 1, "queries go on")
		select {
		case <-full.C:
			lasting = false
		case <-time.After(100 * time.Millisecond):
		}
	}

	require.NoError(t, os.Remove(filler))
	accepted := time.Now()
	eventually(t, 30*time.Second, func() error {
		accepted = time.Now()
		status, body, err := s.tryWrite(oneSample("after_value", accepted, 1))
		require.NoError(t, err)
		return errUnless(status == http.StatusNoContent, "%d %s", status, body)
	})
	eventually(t, 30*time.Second, func() error {
		return errUnless(metric(s.get(t, "/metrics"), "ausguck_storage_low") == 0, "still low")
	})
	s.stop(t)

	s = startAusguck(t, config, storage, metricsOnly...)
	points := s.queryAt(t, "sum(count_over_time(full_chunks[10m]))", begin.Add(fullChunkSamples*time.Second))
	require.Len(t, points, 1)
	require.EqualValues(t, fullChunkSeries*fullChunkSamples, points[0].value(t), "what was there before")
	require.Len(t, s.queryAt(t, "after_value", accepted), 1, "what came after")
	s.stop(t)
}

// fillDisk writes a file until the disk is full.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	_, err = io.Copy(file, io.LimitReader(zeros{}, 1<<30))
	require.ErrorIs(t, err, unix.ENOSPC)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// waitRefused writes until a write is rejected because of the disk. The process must stay alive.
func (s *server) waitRefused(t *testing.T) {
	t.Helper()
	eventually(t, 15*time.Second, func() error {
		status, body, err := s.tryWrite(manySamples("refused_value", 500, time.Now(), 1)...)
		require.NoError(t, err, "the process is gone: %s", tail(s.output.String(), 3000))
		if status == http.StatusNoContent {
			return errors.New("still accepted with a full disk")
		}
		require.GreaterOrEqual(t, status, http.StatusInternalServerError, "a sender must try again later: %s", body)
		require.Regexp(t, `(?i)no space|full`, body)
		return nil
	})
}

// The amount that writeFullChunks writes: more than two chunks of 120 samples for each of many series.
const (
	fullChunkSeries  = 5000
	fullChunkSamples = 250
)

// writeFullChunks writes series with one sample per second whose values do not compress.
func (s *server) writeFullChunks(t *testing.T, begin time.Time) {
	t.Helper()
	const perRequest = 10
	for step := 0; step < fullChunkSamples; step += perRequest {
		s.write(t, manySamples("full_chunks", fullChunkSeries, begin.Add(time.Duration(step)*time.Second), perRequest)...)
	}
}
