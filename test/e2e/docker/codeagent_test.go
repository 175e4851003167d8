package docker_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// `make demo` next to an engine: the code agent in containers with the names of the original, the original
// prometheus.yml and dashboard unchanged with data in all five panels; a failure makes an alert fire and shows in the
// logs.
func TestDemo(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	for _, program := range []string{"ausguck", "codeagent"} {
		require.FileExists(t, filepath.Join(root, "bin", program), "build it first, in the root of the repository: make build codeagent")
	}
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	a := &ausguck{url: "http://admin:secret@" + address, exit: make(chan error, 1)}
	cmd := exec.Command("deploy/demo/run.sh")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+docker.endpoint, "DEMO_ADDRESS="+address, "DEMO_DATA="+t.TempDir(),
		"GF_SECURITY_ADMIN_PASSWORD=secret")
	cmd.Stdout, cmd.Stderr = a, a
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	require.NoError(t, cmd.Start())
	go func() { a.exit <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-a.exit:
			if err != nil {
				t.Errorf("the demo ended: %v", err)
			}
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			t.Error("the demo did not stop within a minute")
		}
		if t.Failed() {
			t.Logf("output of the demo:\n%s", a.output())
		}
	})
	within(t, 2*time.Minute, "ready", func() error {
		_, err := a.get("/-/ready")
		return err
	})
	within(t, time.Minute, "the original's jobs are scraped", func() error {
		return a.some(`count(up{job=~"gateway|orchestrator|node-exporter|cadvisor"} == 1) == 4`)
	})
	for _, p := range dashboardOnThePage(t, a) {
		within(t, 2*time.Minute, p.Title, func() error { return a.some(p.Targets[0].Expr) })
	}

	standIns := regexp.MustCompile(`curl -X POST '(http://\S+)/failure`).FindStringSubmatch(a.output())
	require.NotNil(t, standIns, a.output())
	fail := func(d string) {
		r, err := http.Post(standIns[1]+"/failure?for="+d, "", nil)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, http.StatusOK, r.StatusCode)
	}
	const firing = `ALERTS{alertname="DemoJobsFail",alertstate="firing"}`
	require.Error(t, a.some(firing), "nothing fails yet")
	fail("10m")
	within(t, 4*time.Minute, "the alert fires", func() error { return a.some(firing) })
	within(t, time.Minute, "Alertmanager has it", func() error {
		body, err := a.get("/api/v2/alerts?filter=" + url.QueryEscape(`alertname="DemoJobsFail"`))
		if err == nil && !strings.Contains(body, `"state":"active"`) {
			err = fmt.Errorf("no active alert in %s", body)
		}
		return err
	})
	within(t, time.Minute, "the failure in the logs", func() error {
		body, err := a.get("/loki/api/v1/query_range?" + url.Values{
			"query": {`{container="agent-llm-patch"} | json | msg="No patch" | kind="server" | level="ERROR"`},
		}.Encode())
		if err == nil && !strings.Contains(body, "trace_id") {
			err = fmt.Errorf("no lines in %s", body)
		}
		return err
	})
	fail("0s")
	within(t, 4*time.Minute, "the alert is resolved", func() error {
		r, err := a.query(firing)
		if err == nil && len(r) > 0 {
			err = fmt.Errorf("still firing")
		}
		return err
	})
}

// panel is a panel of a dashboard.
type panel struct {
	Title   string
	Targets []struct{ Expr string }
}

// dashboardOnThePage returns the panels of the original dashboard as served by Grafana's API.
func dashboardOnThePage(t *testing.T, a *ausguck) []panel {
	t.Helper()
	body, err := a.get("/api/search?type=dash-db&query=" + url.QueryEscape(originalTitle(t)))
	require.NoError(t, err)
	var found []struct{ UID, Title string }
	require.NoError(t, json.Unmarshal([]byte(body), &found))
	require.NotEmpty(t, found, "the original dashboard is on the page")
	body, err = a.get("/api/dashboards/uid/" + found[0].UID)
	require.NoError(t, err)
	var shown struct{ Dashboard struct{ Panels []panel } }
	require.NoError(t, json.Unmarshal([]byte(body), &shown))
	require.Len(t, shown.Dashboard.Panels, 5)
	return shown.Dashboard.Panels
}

const originalFile = "../../../deploy/demo/containers/grafana/dashboards/original.json"

func originalTitle(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(originalFile)
	require.NoError(t, err)
	var original struct{ Dashboard struct{ Title string } }
	require.NoError(t, json.Unmarshal(content, &original))
	return original.Dashboard.Title
}
