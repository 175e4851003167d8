package app_test

import (
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// notifySocket is systemd's end of the notification protocol.
func notifySocket(t *testing.T) (path string, messages func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	var mtx sync.Mutex
	var seen []string
	go func() {
		buf := make([]byte, 1024)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			mtx.Lock()
			seen = append(seen, string(buf[:n]))
			mtx.Unlock()
		}
	}()
	return path, func() string {
		mtx.Lock()
		defer mtx.Unlock()
		return strings.Join(seen, " ")
	}
}

func TestSystemdIsNotified(t *testing.T) {
	path, messages := notifySocket(t)
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "200000")
	r := start(t, testOptions(t))
	require.Eventually(t, func() bool { return strings.Contains(messages(), "READY=1") }, 10*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { return strings.Count(messages(), "WATCHDOG=1") > 2 }, 10*time.Second, 10*time.Millisecond)
	require.NotContains(t, messages(), "STOPPING=1")
	require.NoError(t, r.stop())
	require.Eventually(t, func() bool { return strings.Contains(messages(), "STOPPING=1") }, 10*time.Second, 10*time.Millisecond)
}
