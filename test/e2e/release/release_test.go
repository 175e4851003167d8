// Package release_test builds the files of a release and installs them as a new user would: reproducible files, an
// archive, a deb in a separate Debian, an rpm. It needs root, and Debian's debootstrap and rpm.
package release_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	version = "0.1.0"
	later   = "0.2.0"
)

// root is the root of the repository.
const root = "../../.."

// run executes a command and returns its output; it must succeed.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	out, err := try(env, name, args...)
	require.NoError(t, err, "%s %s:\n%s", name, strings.Join(args, " "), out)
	return out
}

func try(env []string, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// release builds everything for this machine's architecture.
func release(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	out := run(t, []string{"VERSION=" + version, "REVISION=test", "LDFLAGS=-s -w", "SOURCE_DATE_EPOCH=1700000000", "CGO_ENABLED=0"},
		root+"/tools/release/release.sh", dir, runtime.GOARCH)
	t.Log(out)
	return dir
}

func TestRelease(t *testing.T) {
	first := release(t, version)
	sums, err := os.ReadFile(filepath.Join(first, "SHA256SUMS"))
	require.NoError(t, err)
	second, err := os.ReadFile(filepath.Join(release(t, version), "SHA256SUMS"))
	require.NoError(t, err)
	require.Equal(t, string(sums), string(second), "the same source gives the same bytes")

	name := fmt.Sprintf("ausguck_%s_linux_%s", version, runtime.GOARCH)
	t.Run("archive", func(t *testing.T) {
		dir := t.TempDir()
		run(t, nil, "tar", "-xzf", filepath.Join(first, name+".tar.gz"), "-C", dir)
		require.Contains(t, run(t, nil, filepath.Join(dir, name, "ausguck"), "version"), "Prometheus")
		for _, file := range []string{"LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "systemd/ausguck.service", "systemd/sysusers.conf"} {
			require.FileExists(t, filepath.Join(dir, name, file))
		}
	})
	t.Run("list of what is inside", func(t *testing.T) {
		content, err := os.ReadFile(filepath.Join(first, name+".sbom.json"))
		require.NoError(t, err)
		var list struct {
			BOMFormat  string
			Components []struct{ Name, PURL string }
		}
		require.NoError(t, json.Unmarshal(content, &list))
		require.Equal(t, "CycloneDX", list.BOMFormat)
		purls := map[string]bool{}
		for _, c := range list.Components {
			purl, _, _ := strings.Cut(c.PURL, "?")
			purls[purl] = true
		}
		require.True(t, purls["pkg:golang/github.com/prometheus/prometheus@v0.313.5"], "Go modules")
		require.True(t, purls["pkg:npm/%40grafana/ui@13.2.2"], "npm packages")
	})
	t.Run("unit", func(t *testing.T) {
		grade := run(t, nil, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", root+"/deploy/systemd/ausguck.service")
		t.Log(regexp.MustCompile(`Overall.*`).FindString(grade))
	})
	t.Run("rpm", func(t *testing.T) { checkRPM(t, filepath.Join(first)) })
	t.Run("deb", func(t *testing.T) { installDeb(t, first) })
}

func checkRPM(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.rpm"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	listed := run(t, nil, "rpm", "-qpl", files[0])
	for _, file := range []string{"/usr/bin/ausguck", "/usr/lib/systemd/system/ausguck.service", "/usr/lib/sysusers.d/ausguck.conf", "/etc/ausguck"} {
		require.Contains(t, strings.Split(listed, "\n"), file)
	}
	require.Contains(t, run(t, nil, "rpm", "-qp", "--scripts", files[0]), "systemctl try-restart ausguck.service")
	require.Contains(t, run(t, nil, "rpm", "-Kv", "--nosignature", files[0]), "OK")
}

// system is a Debian installation in a folder.
type system struct {
	dir string
}

// newSystem creates a minimal Debian from the mirror that this machine uses.
func newSystem(t *testing.T) *system {
	t.Helper()
	s := &system{dir: filepath.Join(t.TempDir(), "debian")}
	release, mirror := source(t)
	run(t, nil, "debootstrap", "--variant=minbase", release, s.dir, mirror)
	require.NoError(t, syscall.Mount("proc", filepath.Join(s.dir, "proc"), "proc", 0, ""))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(filepath.Join(s.dir, "proc"), syscall.MNT_DETACH)) })
	return s
}

// source reads the name of this Debian and its mirror.
func source(t *testing.T) (release, mirror string) {
	t.Helper()
	about, err := os.ReadFile("/etc/os-release")
	require.NoError(t, err)
	name := regexp.MustCompile(`(?m)^VERSION_CODENAME=(\S+)`).FindSubmatch(about)
	require.NotNil(t, name, "this test needs Debian")
	files, err := filepath.Glob("/etc/apt/sources.list*")
	require.NoError(t, err)
	more, err := filepath.Glob("/etc/apt/sources.list.d/*")
	require.NoError(t, err)
	for _, file := range append(files, more...) {
		content, err := os.ReadFile(file)
		if err != nil { // the folder itself
			continue
		}
		if m := regexp.MustCompile(`(?m)^(?:deb(?: \[.*?\])?|URIs:) (\S+/debian)/?(?:\s|$)`).FindSubmatch(content); m != nil {
			return string(name[1]), string(m[1])
		}
	}
	require.FailNow(t, "no mirror in /etc/apt")
	return "", ""
}

// in runs a command in the system.
func (s *system) in(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, []string{"DEBIAN_FRONTEND=noninteractive"}, "chroot", append([]string{s.dir}, args...)...)
}

// serve runs the program as the package's user until stop is called, which terminates it.
func (s *system) serve(t *testing.T) (url string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	cmd := exec.Command("chroot", "--userspec=ausguck:ausguck", s.dir, "/usr/bin/ausguck", "--config.dir=/etc/ausguck",
		"--storage.path=/var/lib/ausguck", "--web.listen-address="+address, "--no-web.well-known-ports")
	cmd.Env = append(os.Environ(), "GF_SECURITY_ADMIN_PASSWORD=secret")
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		select {
		case err := <-ended:
			require.NoError(t, err, log.String())
		case <-time.After(20 * time.Second):
			require.NoError(t, cmd.Process.Kill())
			require.Error(t, <-ended)
			require.FailNow(t, "it does not stop", log.String())
		}
	}
	t.Cleanup(stop)
	url = "http://admin:secret@" + address
	require.Eventually(t, func() bool {
		_, err := get(url + "/-/ready")
		return err == nil
	}, time.Minute, 100*time.Millisecond)
	return url, stop
}

func get(url string) (string, error) {
	answer, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(answer.Status)
	}
	return string(body), err
}

// installDeb installs, starts, upgrades and removes the package.
func installDeb(t *testing.T, dir string) {
	s := newSystem(t)
	copyIn := func(dir, version string) string {
		name := fmt.Sprintf("ausguck_%s_%s.deb", version, runtime.GOARCH)
		content, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "tmp", name), content, 0o644))
		return "/tmp/" + name
	}
	before := s.files(t)
	out := s.in(t, "dpkg", "-i", copyIn(dir, version))
	require.Contains(t, out, "open http://127.0.0.1:3000/ and log in as admin; the password is in /var/lib/ausguck/initial-admin-password")
	require.Contains(t, s.in(t, "stat", "-c", "%U:%G %a", "/var/lib/ausguck"), "ausguck:ausguck 750")

	url, stop := s.serve(t)
	require.Eventually(t, func() bool {
		body, err := get(url + "/api/v1/query?query=node_memory_MemTotal_bytes")
		return err == nil && strings.Contains(body, "node-exporter")
	}, time.Minute, 100*time.Millisecond, "the host is measured")
	answer, err := http.Post(url+"/api/dashboards/db", "application/json", strings.NewReader(`{"dashboard":{"uid":"kept","title":"Kept"}}`))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	stop()
	s.in(t, "/usr/bin/ausguck", "init", "/etc/ausguck")

	// The next version: the same program in a package with a higher version.
	env := []string{"ARCH=" + runtime.GOARCH, "VERSION=" + later, "SOURCE_DATE_EPOCH=1700000000", "BUILD=" + filepath.Join(dir, ".build", runtime.GOARCH)}
	upgrade := exec.Command(filepath.Join(dir, ".tools", "nfpm"), "package", "--config=deploy/package/nfpm.yaml", "--packager=deb", "--target="+dir+"/")
	upgrade.Dir, upgrade.Env = root, append(os.Environ(), env...)
	made, err := upgrade.CombinedOutput()
	require.NoError(t, err, string(made))
	out = s.in(t, "dpkg", "-i", copyIn(dir, later))
	require.NotContains(t, out, "log in as admin", "only the first time")
	require.Contains(t, s.in(t, "dpkg-query", "-W", "ausguck"), later)
	url, stop = s.serve(t)
	_, err = get(url + "/api/dashboards/uid/kept")
	require.NoError(t, err, "the data are there after the upgrade")
	stop()

	s.in(t, "dpkg", "-r", "ausguck")
	require.NoFileExists(t, filepath.Join(s.dir, "usr/bin/ausguck"))
	require.FileExists(t, filepath.Join(s.dir, "var/lib/ausguck/ausguck.db"), "removing keeps the data")
	require.FileExists(t, filepath.Join(s.dir, "etc/ausguck/prometheus.yml"), "and the configuration")
	require.NoError(t, os.RemoveAll(filepath.Join(s.dir, "etc/ausguck")))
	s.in(t, "dpkg", "-P", "ausguck")
	require.Equal(t, before, s.files(t), "nothing is left after a purge")
}

// files lists files that could be left behind, except those kept by dpkg and the account database.
func (s *system) files(t *testing.T) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		name := strings.TrimPrefix(path, s.dir)
		switch {
		case err != nil:
			return err
		case name == "/proc" || name == "/tmp" || name == "/var/lib/dpkg" || name == "/var/log" || name == "/var/cache":
			return filepath.SkipDir
		case strings.HasPrefix(name, "/etc/") && strings.HasSuffix(name, "-"): // copies of the account database
			return nil
		}
		names = append(names, name)
		return nil
	}))
	return names
}
