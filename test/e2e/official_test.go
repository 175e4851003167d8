package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v2"
)

// officialCommand returns the arguments with which official.yml starts a program, with its folders replaced
// by those here.
func officialCommand(t *testing.T, service string, folders ...string) []string {
	t.Helper()
	content, err := os.ReadFile("../../deploy/compose/official.yml")
	require.NoError(t, err)
	var file struct {
		Services map[string]struct{ Command []string }
	}
	require.NoError(t, yaml.Unmarshal(content, &file))
	command := file.Services[service].Command
	require.NotEmpty(t, command, service)
	exchange := strings.NewReplacer(append(folders, "$$", "$")...)
	for i := range command {
		command[i] = exchange.Replace(command[i])
	}
	return command
}

// startProgram starts a stock program and waits until the path responds.
func startProgram(t *testing.T, name, address, path string, args ...string) *server {
	t.Helper()
	s := launch(t, address, exec.Command(stockBinary(t, name), args...))
	s.waitAnswer(t, time.Minute, path)
	return s
}

// startStockAlertmanager starts it as official.yml does, with the built-in configuration.
func startStockAlertmanager(t *testing.T, storage string) *server {
	t.Helper()
	monitoring, err := filepath.Abs("../../monitoring")
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	args := officialCommand(t, "alertmanager", "/etc/alertmanager", monitoring, "=/alertmanager", "="+storage)
	return startProgram(t, "alertmanager", address, "/-/ready", append(args, "--web.listen-address="+address)...)
}

// startStockLoki starts it as official.yml does, with the built-in configuration.
func startStockLoki(t *testing.T, storage string) *server {
	t.Helper()
	monitoring, err := filepath.Abs("../../monitoring")
	require.NoError(t, err)
	port := freePort(t)
	args := officialCommand(t, "loki", "/etc/loki", monitoring, "=/loki", "="+storage)
	return startProgram(t, "loki", fmt.Sprintf("127.0.0.1:%d", port), "/ready", append(args,
		"-server.http-listen-address=127.0.0.1", fmt.Sprintf("-server.http-listen-port=%d", port),
		"-server.grpc-listen-address=127.0.0.1", fmt.Sprintf("-server.grpc-listen-port=%d", freePort(t)),
		"-ingester.lifecycler.addr=127.0.0.1", "-memberlist.bind-addr=127.0.0.1", "-ingester.min-ready-duration=0s")...)
}

// The stock programs start with the built-in configuration and the flags of official.yml.
func TestOfficialStack(t *testing.T) {
	t.Parallel()
	code, out := runToEnd(t, stockBinary(t, "promtool"), "check", "config", "../../monitoring/prometheus.yml")
	require.Zero(t, code, out)
	alertmanager := startStockAlertmanager(t, t.TempDir())
	status, body := alertmanager.do(t, http.MethodPost, "/-/reload", nil, "") // by the loop that also handles signals, which begins after it is ready
	require.Equal(t, http.StatusOK, status, body)
	alertmanager.stop(t)
	startStockLoki(t, t.TempDir()).stop(t)

	monitoring, err := filepath.Abs("../../monitoring")
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	prometheus := officialCommand(t, "prometheus", "/etc/prometheus", monitoring, "=/prometheus", "="+t.TempDir())
	startProgram(t, "prometheus", address, "/-/ready", append(prometheus, "--web.listen-address="+address)...).stop(t)

	address = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	exporter := officialCommand(t, "node-exporter", "/host/proc", "/proc", "/host/sys", "/sys", "/rootfs", "/")
	s := startProgram(t, "node_exporter", address, "/metrics", append(exporter, "--web.listen-address="+address)...)
	metrics := s.get(t, "/metrics")
	require.Contains(t, metrics, `node_filesystem_size_bytes{`)
	require.NotContains(t, metrics, `mountpoint="/proc"`)
}
