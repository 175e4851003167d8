package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A Node service with the package in instrument/js fills the original dashboard, and its errors count as the panics that the
// built-in alert ServicePanics is about.
func TestInstrumentJS(t *testing.T) {
	t.Parallel()
	require.FileExists(t, "../../instrument/js/dist/fastify.js", "run `make test`, or `npm install` and `npm run build` in instrument/js")
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	cmd := exec.Command("node", "test/gateway.js", address[len("127.0.0.1:"):])
	cmd.Dir = "../../instrument/js"
	gateway := startProcess(t, cmd)
	ask := func(method, path string, want int) error {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, nil)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		require.NoError(t, answer.Body.Close())
		return errUnless(answer.StatusCode == want, "%s %s: %d", method, path, answer.StatusCode)
	}
	eventually(t, 30*time.Second, func() error { return ask(http.MethodGet, "/wp-login.php", http.StatusNotFound) })

	s := startAusguck(t, configDir(t, map[string]string{
		"prometheus.yml": "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: gateway, static_configs: [{targets: [" + address + "]}]}]\n",
	}), t.TempDir(), metricsOnly...)
	eventually(t, time.Minute, func() error { // a rate needs two samples
		for i := range 10 {
			require.NoError(t, ask(http.MethodPost, fmt.Sprintf("/webhook/%d", i), http.StatusAccepted))
		}
		require.NoError(t, ask(http.MethodGet, "/mistake", http.StatusInternalServerError))
		for _, panel := range originalPanels(t)[:4] { // the fifth is about containers
			if len(s.query(t, panel)) == 0 {
				return fmt.Errorf("no data for %s", panel)
			}
		}
		if s.value(t, "sum by (job) (increase(http_panics_total[10m]))") == 0 {
			return fmt.Errorf("no panics")
		}
		return nil
	})
	require.NotZero(t, s.value(t, `http_requests_total{job="gateway",method="POST",route="/webhook/:project",status="202"}`))
	require.EqualValues(t, 1, s.value(t, `count(http_requests_total{route=~"/webhook.*"})`))
	require.EqualValues(t, 1, s.value(t, `service_info{job="gateway",service="gateway"}`))
	gateway.stop(t)
	s.stop(t)
}
