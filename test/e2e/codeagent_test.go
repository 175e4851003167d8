package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// codeAgent is the sample system, with each service in its own process.
type codeAgent struct {
	logs     map[string]*process
	standIns string            // address
	ports    map[string]string // the demo's address → the one here
}

func startCodeAgent(t *testing.T) *codeAgent {
	t.Helper()
	binary, err := filepath.Abs("../../bin/codeagent")
	require.NoError(t, err)
	require.FileExists(t, binary, "build it first, in the root of the repository: make codeagent")
	address := map[string]string{}
	for _, name := range []string{"gateway", "orchestrator", "adapter", "llm-patch", "stand-ins"} {
		address[name] = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	}
	a := &codeAgent{logs: map[string]*process{}, standIns: "http://" + address["stand-ins"], ports: map[string]string{
		"127.0.0.1:3001": address["gateway"], "127.0.0.1:7071": address["orchestrator"],
		"127.0.0.1:7072": address["adapter"], "127.0.0.1:7073": address["llm-patch"],
	}}
	dir := t.TempDir()
	for name, env := range map[string][]string{
		"stand-ins":    {"GATEWAY_URL=http://" + address["gateway"], "ADO_PASSWORD=demo", "DEMO_RATE=20"},
		"adapter":      {"ADO_URL=" + a.standIns + "/azure-devops-stand-in", "ADO_PAUSE=100ms"},
		"llm-patch":    {"LLM_URL=" + a.standIns + "/model-stand-in/v1"},
		"orchestrator": {"ADAPTER_URL=http://" + address["adapter"], "LLM_PATCH_URL=http://" + address["llm-patch"], "QUEUE_DIR=" + filepath.Join(dir, "orchestrator")},
		"gateway":      {"ORCHESTRATOR_URL=http://" + address["orchestrator"], "ADO_PASSWORD=demo", "QUEUE_DIR=" + filepath.Join(dir, "gateway")},
	} {
		cmd := exec.Command(binary, name)
		cmd.Env = append(append(os.Environ(), "ADDRESS="+address[name]), env...)
		a.logs[name] = startProcess(t, cmd)
	}
	for name, at := range address {
		eventually(t, 30*time.Second, func() error {
			code, out := runToEnd(t, binary, "healthcheck", "http://"+at)
			return errUnless(code == 0, "%s: %s", name, out)
		})
	}
	return a
}

// The demo's configuration and the original dashboard with the real code agent: everything that does not need
// containers has data, a failure of the model makes an alert fire and shows in the logs, and its end resolves the
// alert.
func TestCodeAgent(t *testing.T) {
	t.Parallel()
	agent := startCodeAgent(t)
	config, err := os.ReadFile("../../deploy/demo/process/prometheus.yml")
	require.NoError(t, err)
	text := strings.ReplaceAll(string(config), "_interval: 5s", "_interval: 1s")
	for from, to := range agent.ports {
		require.Contains(t, text, from)
		text = strings.ReplaceAll(text, from, to)
	}
	require.Contains(t, text, "../../../monitoring/rules/")
	text = strings.ReplaceAll(text, "../../../monitoring/rules/", "")
	rules, err := os.ReadFile("../../monitoring/rules/codeagent.rules.yml")
	require.NoError(t, err)
	s := startAusguck(t, configDir(t, map[string]string{
		"prometheus.yml": text, "codeagent.rules.yml": quicker(t, string(rules)),
	}), t.TempDir(), "--no-docker")

	s.waitValue(t, time.Minute, `count(up{job=~"gateway|orchestrator|adapter|llm-patch"} == 1)`, 4)
	for _, panel := range originalPanels(t)[:4] { // the fifth is about containers: test/e2e/docker
		eventually(t, time.Minute, func() error {
			return errUnless(len(s.query(t, panel)) > 0, "no data for %s", panel)
		})
	}
	eventually(t, time.Minute, func() error {
		return errUnless(s.value(t, `sum(orchestrator_job_duration_seconds_count{result="done"})`) > 0, "no job is done")
	})

	const firing = `count(ALERTS{alertname="LanguageModelFails",alertstate="firing"}) or vector(0)`
	require.Zero(t, s.value(t, firing))
	agent.post(t, "/failure?for=10m")
	s.waitValue(t, 2*time.Minute, firing, 1)
	found := false
	for line := range strings.Lines(agent.logs["llm-patch"].output.String()) {
		var entry struct{ Level, Msg, Kind, Service string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "No patch" && entry.Kind == "server" {
			found = true
			require.Equal(t, "ERROR", entry.Level)
			require.Equal(t, "llm-patch", entry.Service)
			require.Contains(t, line, `"trace_id":"`)
		}
	}
	require.True(t, found, "the failure is in the logs")
	agent.post(t, "/failure?for=0s")
	s.waitValue(t, 3*time.Minute, firing, 0)
	for _, name := range []string{"stand-ins", "gateway", "orchestrator", "llm-patch", "adapter"} {
		agent.logs[name].stop(t)
	}
	s.stop(t)
}

// quicker turns the minutes in a rule file into seconds.
func quicker(t *testing.T, rules string) string {
	t.Helper()
	for from, to := range map[string]string{
		"interval: 30s": "interval: 1s", "for: 1m\n": "for: 5s\n", "keep_firing_for: 3m": "keep_firing_for: 5s", "[3m]": "[20s]",
	} {
		require.Contains(t, rules, from)
		rules = strings.ReplaceAll(rules, from, to)
	}
	return rules
}

func (a *codeAgent) post(t *testing.T, path string) {
	t.Helper()
	answer, err := http.Post(a.standIns+path, "", nil)
	require.NoError(t, err)
	body, err := readAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, body)
}

// originalPanels returns the queries of the original dashboard.
func originalPanels(t *testing.T) (queries []string) {
	t.Helper()
	var original struct {
		Dashboard struct {
			Panels []struct{ Targets []struct{ Expr string } }
		}
	}
	content, err := os.ReadFile("../../deploy/demo/process/grafana/dashboards/original.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &original))
	for _, panel := range original.Dashboard.Panels {
		queries = append(queries, panel.Targets[0].Expr)
	}
	require.Len(t, queries, 5)
	return queries
}
