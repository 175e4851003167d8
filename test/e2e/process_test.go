package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stopTimeout is how long a program may take to end after SIGTERM.
const stopTimeout = 10 * time.Second

// process is a program started by a test. It is killed when the test ends, and its output is shown if the test failed.
type process struct {
	cmd     *exec.Cmd
	started time.Time
	output  *output
	exited  chan struct{}
}

// output collects what a program writes to its standard output and error.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// matches reports whether the pattern occurs in what the program has written so far.
func (o *output) matches(pattern string) bool {
	return matches(pattern, o.String())
}

// startProcess starts the command and collects its output.
func startProcess(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, output: &output{}, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// If the test binary is killed, it leaves nothing behind.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	p.started = time.Now()
	require.NoError(t, cmd.Start())
	go func() {
		defer close(p.exited)
		// The exit status is read from ProcessState; the error adds nothing.
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of %s:\n%s", filepath.Base(cmd.Path), tail(p.output.String(), 8000))
		}
	})
	return p
}

// kill kills the process, and returns when it is gone.
func (p *process) kill() {
	// The process may already have ended.
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// signal sends the signal to the process.
func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(sig))
}

// stop sends SIGTERM and requires that the process ends in time, with exit code 0.
func (p *process) stop(t *testing.T) {
	t.Helper()
	begin := time.Now()
	p.signal(t, syscall.SIGTERM)
	require.Zero(t, p.exitCode(t, stopTimeout), "exit code after SIGTERM")
	t.Logf("stopped in %s", time.Since(begin).Round(time.Millisecond))
}

// exitCode waits for the end of the process and returns its exit code.
func (p *process) exitCode(t *testing.T, timeout time.Duration) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(timeout):
		require.FailNowf(t, "process does not end", "%s still runs after %s", p.cmd, timeout)
		return -1
	}
}

// memory returns a field of /proc/PID/status in bytes, such as VmRSS or VmHWM (the maximum of VmRSS).
func (p *process) memory(t *testing.T, field string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	require.NoError(t, err)
	match := regexp.MustCompile(field + `:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, match, "%s in the status of the process", field)
	kilobytes, err := strconv.Atoi(string(match[1]))
	require.NoError(t, err)
	return kilobytes << 10
}

// waitOutput waits until the program has written something that matches the pattern.
func (p *process) waitOutput(t *testing.T, pattern string) {
	t.Helper()
	eventually(t, 15*time.Second, func() error {
		return errUnless(p.output.matches(pattern), "nothing that matches %s in the output", pattern)
	})
}

// matches reports whether the pattern occurs in the text.
func matches(pattern, text string) bool {
	return regexp.MustCompile(pattern).MatchString(text)
}

// runToEnd runs a program until it exits and returns its exit code and its whole output.
func runToEnd(t *testing.T, path string, args ...string) (int, string) {
	t.Helper()
	p := startProcess(t, exec.Command(path, args...))
	return p.exitCode(t, time.Minute), p.output.String()
}

// ausguckBinary returns the path of the program under test.
func ausguckBinary(t *testing.T) string {
	t.Helper()
	return requireBinary(t, "AUSGUCK_BINARY", "../../bin/ausguck", "",
		"CGO_ENABLED=0 go build -o bin/ausguck ./cmd/ausguck")
}

// stockBinary returns the path of one of the stock programs.
func stockBinary(t *testing.T, name string) string {
	t.Helper()
	return requireBinary(t, "AUSGUCK_STOCK_DIR", "../../bin/stock", name, "tools/stock/build.sh bin/stock")
}

func requireBinary(t *testing.T, variable, fallback, name, command string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = fallback
	}
	path, err := filepath.Abs(filepath.Join(path, name))
	require.NoError(t, err)
	require.FileExistsf(t, path, "build it first, in the root of the repository: %s (or set %s)", command, variable)
	return path
}

// lastPort is the port returned last. The range is below the ports that Linux uses for outgoing connections.
var lastPort atomic.Int32

// freePort returns a TCP port on loopback that is not in use and that no other test of this run has.
func freePort(t *testing.T) int {
	t.Helper()
	const first, last = 20000, 30000
	begin := os.Getpid() % 100 * 100 // other test runs on this machine also look for ports
	for range last - first {
		port := first + (begin+int(lastPort.Add(1)))%(last-first)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		require.NoError(t, listener.Close())
		return port
	}
	require.FailNow(t, "no free port")
	return 0
}

// eventually calls condition until it returns nil, and fails with its last error if that takes longer than timeout.
func eventually(t *testing.T, timeout time.Duration, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			require.NoErrorf(t, err, "still so after %s", timeout)
		}
		<-tick.C
	}
}

// errUnless returns an error with the text if the condition does not hold, for eventually.
func errUnless(condition bool, format string, args ...any) error {
	if condition {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// figure reports a measurement of a test, also in CI.
func figure(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Attr("figure", fmt.Sprintf(format, args...))
}

// readAll reads a body to its end and closes it.
func readAll(body io.ReadCloser) (string, error) {
	content, err := io.ReadAll(body)
	return string(content), errors.Join(err, body.Close())
}

// tail returns the last bytes of a text.
func tail(text string, length int) string {
	if len(text) > length {
		return "…" + text[len(text)-length:]
	}
	return text
}
