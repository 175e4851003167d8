package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// caught returns when the process handles a signal, or has ended.
func (p *process) caught(t *testing.T, sig syscall.Signal) {
	t.Helper()
	mask := regexp.MustCompile(`SigCgt:\s+([0-9a-f]+)`)
	for deadline := time.Now().Add(readyTimeout); time.Now().Before(deadline); {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		require.NoError(t, err)
		// The Go runtime handles every signal once it has started.
		if m := mask.FindSubmatch(status); m != nil {
			bits, err := strconv.ParseUint(string(m[1]), 16, 64)
			require.NoError(t, err)
			if bits&(1<<(uint(sig)-1)) != 0 {
				return
			}
		}
	}
	t.Fatal("the signal is never handled")
}

// A SIGTERM at any moment during startup or shutdown ends the program correctly, with 0.
func TestSIGTERMAtAnyMoment(t *testing.T) {
	config, storage := configDir(t, map[string]string{"prometheus.yml": "scrape_configs: []\n"}), t.TempDir()
	begin := time.Now()
	startAusguck(t, config, storage, metricsOnly...).stop(t)
	whole := time.Since(begin)
	const moments = 16
	for i := range moments {
		s := launchAusguck(t, config, storage, metricsOnly...)
		s.caught(t, syscall.SIGTERM)
		<-time.After(100*time.Millisecond + whole*time.Duration(i)/moments) // after what happens before the first line of Go
		s.signal(t, syscall.SIGTERM)
		for range 3 { // repeated signals do not break the shutdown
			select {
			case <-s.exited:
			case <-time.After(30 * time.Millisecond):
				_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
			}
		}
		require.Zero(t, s.exitCode(t, stopTimeout), "%d/%d of the start: %s", i, moments, s.output)
	}
}

// A SIGHUP while the program starts triggers a reload once it has started.
func TestSIGHUPWhileStarting(t *testing.T) {
	config := configDir(t, map[string]string{"prometheus.yml": "scrape_configs: []\n"})
	for _, wait := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond} {
		s := launchAusguck(t, config, t.TempDir(), metricsOnly...)
		s.caught(t, syscall.SIGHUP)
		<-time.After(wait)
		s.signal(t, syscall.SIGHUP)
		s.waitReady(t, readyTimeout)
		s.waitOutput(t, "Configuration reloaded")
		require.Equal(t, 1, strings.Count(s.output.String(), "Configuration reloaded"))
		s.stop(t)
	}
}

// A command that waits ends on a signal like any other program.
func TestSIGINTEndsACommand(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	p := startProcess(t, exec.Command(ausguckBinary(t), "healthcheck", "--web.listen-address="+silent.Addr().String()))
	c, err := silent.Accept() // it sends a request, and gets no response
	require.NoError(t, err)
	defer c.Close()
	p.signal(t, syscall.SIGINT)
	<-p.exited
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.Equal(t, syscall.SIGINT, status.Signal())
}
