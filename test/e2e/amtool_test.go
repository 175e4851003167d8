package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A stock amtool works with all its commands, on the main address and on Alertmanager's port.
func TestStockAmtool(t *testing.T) {
	t.Parallel()
	config := configDir(t, map[string]string{"prometheus.yml": "global: {}\n", "alertmanager.yml": `
route:
  receiver: team
  routes: [{matchers: [severity="critical"], receiver: pager}]
receivers: [{name: team}, {name: pager}]
`})
	// A separate address, so that the well-known ports are free there.
	pid := os.Getpid()
	address := fmt.Sprintf("127.1.%d.%d:3000", pid/250%250, pid%250+1)
	s := launchAt(t, address, append([]string{
		"--config.dir=" + config, "--storage.path=" + t.TempDir(), "--web.listen-address=" + address,
	}, metricsOnly...)...)
	s.waitReady(t, readyTimeout)
	base, err := url.Parse("http://" + address)
	require.NoError(t, err)

	for name, api := range map[string]string{"main": s.url, "9093": "http://" + base.Hostname() + ":9093"} {
		amtool := func(args ...string) string {
			code, out := runToEnd(t, stockBinary(t, "amtool"), append([]string{"--alertmanager.url=" + api}, args...)...)
			require.Zero(t, code, "amtool %v on %s: %s", args, name, out)
			require.NotContains(t, out, "Warning", "the versions are the same")
			return out
		}
		alert := "Amtool" + name
		amtool("alert", "add", alert, "severity=critical", "--annotation=summary=from amtool")
		require.Contains(t, amtool("alert", "query", "alertname="+alert), "from amtool")
		id := strings.TrimSpace(amtool("silence", "add", "--author=test", "--comment=quiet", "alertname="+alert))
		require.Contains(t, amtool("silence", "query", "alertname="+alert), id)
		require.NotContains(t, amtool("alert", "query", "alertname="+alert), "from amtool", "silenced")
		require.Contains(t, amtool("alert", "query", "--silenced", "alertname="+alert), "from amtool")
		amtool("silence", "expire", id)
		require.NotContains(t, amtool("silence", "query", "alertname="+alert), id)
		require.Contains(t, amtool("silence", "query", "--expired", "--within=1h", "alertname="+alert), id)
		require.Equal(t, "pager", strings.TrimSpace(amtool("config", "routes", "test", "severity=critical")))
		require.Equal(t, "team", strings.TrimSpace(amtool("config", "routes", "test", "severity=warning")))
		require.Contains(t, amtool("config", "routes", "show"), "pager")
		require.Contains(t, amtool("config", "show"), "receiver: team")
		require.Contains(t, amtool("cluster", "show"), "disabled")
	}
	code, out := runToEnd(t, stockBinary(t, "amtool"), "check-config", filepath.Join(config, "alertmanager.yml"))
	require.Zero(t, code, out)
	code, out = runToEnd(t, stockBinary(t, "amtool"), "check-config", "../../monitoring/alertmanager.yml")
	require.Zero(t, code, out)
	s.stop(t)
}
