package grafanaclient

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/go-openapi/strfmt"
	grafana "github.com/grafana/grafana-openapi-client-go/client"
	"github.com/stretchr/testify/require"
)

const password = "correct horse battery staple"

// start runs a separate Ausguck and returns its address.
func start(t *testing.T) string {
	t.Helper()
	binary := os.Getenv("AUSGUCK_BIN")
	if binary == "" {
		binary = filepath.Join("..", "..", "bin", "ausguck")
	}
	require.FileExists(t, binary, "run make build first")
	address := freeAddress(t)
	cmd := exec.Command(binary, "--config.dir="+t.TempDir(), "--storage.path="+t.TempDir(), "--web.listen-address="+address, "--no-web.well-known-ports", "--no-docker")
	cmd.Env = append(os.Environ(), "GF_SECURITY_ADMIN_PASSWORD="+password)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("the program ended with %v and said:\n%s", err, &output)
		}
	})
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + address + "/-/ready")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond, "the program is ready")
	return address
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// as returns a client for a user; asToken returns one for a token.
func as(address, user, pass string) *grafana.GrafanaHTTPAPI {
	return client(address, func(cfg *grafana.TransportConfig) { cfg.BasicAuth = url.UserPassword(user, pass); cfg.OrgID = 1 })
}

func asToken(address, token string) *grafana.GrafanaHTTPAPI {
	return client(address, func(cfg *grafana.TransportConfig) { cfg.APIKey = token })
}

func client(address string, credentials func(*grafana.TransportConfig)) *grafana.GrafanaHTTPAPI {
	cfg := grafana.DefaultTransportConfig().WithHost(address).WithSchemes([]string{"http"})
	credentials(cfg)
	return grafana.NewHTTPClientWithConfig(strfmt.Default, cfg)
}
