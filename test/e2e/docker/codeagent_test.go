package docker_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The code agent as containers with the names of the original, found by labels alone: the original dashboard has data
// in all five panels.
func TestCodeAgent(t *testing.T) {
	const agent = "ausguck-codeagent"
	program, err := filepath.Abs("../../../bin/codeagent")
	require.NoError(t, err)
	require.FileExists(t, program, "build it first, in the root of the repository: make codeagent")
	require.NoError(t, docker.buildImage(t.Context(), agent, program))
	network := newNetwork(t, docker, "code-agent")
	a := startAusguck(t, docker, "")
	for _, s := range []struct {
		name, port string
		env        []string
	}{
		{"stand-ins", "7070", []string{"ADO_PASSWORD=demo", "DEMO_RATE=10"}},
		{"adapter", "7072", []string{"ADO_URL=http://agent-stand-ins:7070/azure-devops-stand-in"}},
		{"llm-patch", "7073", []string{"LLM_URL=http://agent-stand-ins:7070/model-stand-in/v1"}},
		{"orchestrator", "7071", []string{"QUEUE_DIR=/data"}},
		{"gateway", "3001", []string{"QUEUE_DIR=/data", "ADO_PASSWORD=demo"}},
	} {
		start(t, docker, service{
			image: agent, cmd: []string{s.name}, name: "agent-" + s.name, env: s.env, networkMode: network,
			labels: map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": s.port, "prometheus.io/job": s.name},
		})
	}
	for _, job := range []string{"gateway", "orchestrator", "adapter", "llm-patch"} {
		within(t, time.Minute, job+" is scraped", func() error { return oneTargetUp(a, job) })
	}

	var original struct {
		Dashboard struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
	}
	content, err := os.ReadFile("../../../deploy/demo/containers/grafana/dashboards/original.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &original))
	require.Len(t, original.Dashboard.Panels, 5)
	for _, panel := range original.Dashboard.Panels {
		within(t, 2*time.Minute, panel.Title, func() error {
			r, err := a.query(panel.Targets[0].Expr)
			if err == nil && len(r) == 0 {
				err = fmt.Errorf("no data for %s", panel.Targets[0].Expr)
			}
			return err
		})
	}
	names, err := a.query(`count by (name) (container_cpu_usage_seconds_total{name=~"agent-.*"})`)
	require.NoError(t, err)
	require.Len(t, names, 5)
}
