package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pushLines stores lines of a job.
func (s *server) pushLines(t *testing.T, job, line string, count int) {
	t.Helper()
	var values [][2]string
	for i := range count {
		values = append(values, [2]string{fmt.Sprint(time.Now().UnixNano()), fmt.Sprintf("%s %d", line, i)})
	}
	body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{
		"stream": map[string]string{"job": job, "instance": job + ":80", "container": "shop-" + job + "-1"}, "values": values,
	}}})
	require.NoError(t, err)
	code, answer := s.do(t, http.MethodPost, "/loki/api/v1/push", map[string]string{"Content-Type": "application/json"}, string(body))
	require.Equal(t, http.StatusNoContent, code, answer)
}

// firing returns the alerts in Alertmanager: their annotations by name and job.
func (s *server) firing(t *testing.T) map[string]map[string]string {
	t.Helper()
	var alerts []struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	}
	require.NoError(t, json.Unmarshal([]byte(s.get(t, "/api/v2/alerts")), &alerts))
	found := map[string]map[string]string{}
	for _, a := range alerts {
		found[a.Labels["alertname"]+" "+a.Labels["job"]] = a.Annotations
	}
	return found
}

// The built-in LogQL rules reach Alertmanager with a configuration folder as written by `ausguck init`, and without
// one.
func TestLogRules(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../monitoring/loki-rules/fake/logs.rules.yml")
	require.NoError(t, err)
	rules := string(content)
	for from, to := range map[string]string{"interval: 1m": "interval: 1s", "for: 3m": "for: 2s", "[1m]": "[30s]"} {
		require.Contains(t, rules, from)
		rules = strings.ReplaceAll(rules, from, to)
	}
	config := configDir(t, map[string]string{"prometheus.yml": "global: {}\n", "loki-rules/fake/logs.rules.yml": rules})
	flags := []string{"--no-cadvisor", "--no-node-exporter", "--no-docker", "--web.external-url=https://ausguck.example"}
	s := startAusguck(t, config, t.TempDir(), flags...)
	s.pushLines(t, "quiet", "level=error msg=one", 15)
	s.pushLines(t, "busy", "level=info msg=fine", 200)
	s.pushLines(t, "broken", "level=error msg=down", 40)
	eventually(t, time.Minute, func() error {
		return errUnless(s.firing(t)["LogErrorSurge broken"] != nil, "no alert yet")
	})
	require.Equal(t, map[string]string{
		"summary":     "broken logs 40 errors per minute",
		"description": "The log of broken:80 has had more than 20 errors per minute for three minutes. The service, or something it depends on, is probably broken.",
		"dashboard":   "https://ausguck.example/d/ausguck-logs?var-container=shop-broken-1&var-level=error&var-level=critical&var-level=fatal",
		"runbook_url": "https://ausguck.example/runbooks/logs#logerrorsurge",
	}, s.firing(t)["LogErrorSurge broken"])
	require.Nil(t, s.firing(t)["LogErrorSurge quiet"])
	require.Nil(t, s.firing(t)["LogErrorSurge busy"])
	s.stop(t)

	s = startAusguck(t, configDir(t, map[string]string{"prometheus.yml": "global: {}\n"}), t.TempDir(), flags...)
	require.Contains(t, s.get(t, "/loki/api/v1/rules"), "alert: LogErrorSurge")
	s.stop(t)
}
