package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// With auth_enabled, tenant_id and the tenant stage set the tenant of a line, and clients name the tenant in queries:
// with the header, through a data source that sends it, or through the built-in data source, which uses the tenant of
// promtail.yml.
func TestLogTenants(t *testing.T) {
	t.Parallel()
	logs := t.TempDir()
	config := configDir(t, map[string]string{
		"prometheus.yml": quietConfig, "loki.yml": "auth_enabled: true\n",
		"promtail.yml": fmt.Sprintf(`
clients: [{url: 'http://loki:3100/loki/api/v1/push', tenant_id: blue}]
scrape_configs:
  - job_name: app
    pipeline_stages: [match: {selector: '{job="app"} |= "green"', stages: [tenant: {value: green}]}]
    static_configs: [{targets: [localhost], labels: {job: app, __path__: '%s/*.log'}}]
`, logs),
		"grafana/provisioning/datasources/datasources.yml": `
datasources:
  - {name: Loki, uid: loki, type: loki, url: 'http://loki:3100'}
  - {name: Green, uid: green, type: loki, url: 'http://loki:3100', jsonData: {httpHeaderName1: X-Scope-OrgID}, secureJsonData: {httpHeaderValue1: green}}
`,
	})
	writeFile(t, filepath.Join(logs, "a.log"), "one\ntwo green\n")
	s := startAusguck(t, config, t.TempDir(), "--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-alertmanager")
	query := "/loki/api/v1/query_range?" + url.Values{"query": {`{job="app"}`}, "since": {"1h"}}.Encode()
	for name, c := range map[string]struct {
		path, tenant string
		want         []string
	}{
		"blue by header":       {query, "blue", []string{"one"}},
		"green by header":      {query, "green", []string{"two green"}},
		"built-in data source": {"/api/datasources/proxy/uid/loki" + query, "", []string{"one"}},
		"data source of green": {"/api/datasources/proxy/uid/green" + query, "", []string{"two green"}},
	} {
		header := map[string]string{}
		if c.tenant != "" {
			header["X-Scope-OrgID"] = c.tenant
		}
		eventually(t, readyTimeout, func() error {
			status, body := s.do(t, "GET", c.path, header, "")
			found := linesOf(body)
			return errUnless(status == 200 && slices.Equal(found, c.want), "%s: %d %v %s", name, status, found, body)
		})
	}
	status, body := s.do(t, "GET", query, nil, "")
	require.Equal(t, 401, status, "as a stock Loki answers: %s", body)
	s.stop(t)
}

// linesOf returns the lines in a response of Loki's.
func linesOf(body string) (lines []string) {
	var answer struct {
		Data struct {
			Result []struct {
				Values [][]string `json:"values"`
			} `json:"result"`
		} `json:"data"`
	}
	if json.Unmarshal([]byte(body), &answer) != nil {
		return nil // the text of an error
	}
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			lines = append(lines, v[1])
		}
	}
	return lines
}
