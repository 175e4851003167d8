package promserver

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func hidden(t *testing.T, path, answer string) (string, bool) {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(answer), &v))
	d := &discretion{}
	out, err := json.Marshal(discreetPaths[path](d, v))
	require.NoError(t, err)
	return string(out), d.hidden
}

func TestDiscreetTargets(t *testing.T) {
	got, changed := hidden(t, "/api/v1/targets", `{"status":"success","data":{"activeTargets":[{
		"discoveredLabels":{"__address__":"a:1","__param_token":"hush1","__param_module":"http_2xx"},
		"scrapeUrl":"http://a:1/probe?module=http_2xx&token=hush2","globalUrl":"http://u:hush3@a:1/x?y=hush4",
		"lastError":"Get \"http://a:1/probe?token=hush5&x=hush6\": EOF","health":"down"}],"droppedTargets":[{"discoveredLabels":{"__param_key":"hush7"}}]}}`)
	require.True(t, changed)
	require.NotContains(t, got, "hush")
	for _, stays := range []string{"a:1/probe?module=http_2xx", "EOF", `"__param_module":"http_2xx"`, "down"} {
		require.Contains(t, got, stays)
	}
	_, changed = hidden(t, "/api/v1/targets", `{"data":{"activeTargets":[{"discoveredLabels":{"__param_module":"x"},"scrapeUrl":"http://a:1/metrics","lastError":""}]}}`)
	require.False(t, changed, "it stays as it is, byte for byte")
}

func TestDiscreetConfig(t *testing.T) {
	text := `scrape_configs:
- job_name: a
  params:
    module: [http_2xx]
    token: [hush1, hush2]
  http_headers:
    X-Key:
      values: [hush3]
  static_configs: [{targets: ['a:1']}]
  http_sd_configs: [{url: 'http://sd/?key=hush4'}]
remote_write:
- url: http://u:hush5@b/write
  headers: {X-Scope: hush6}
remote_read:
- url: http://b/read?a=hush7
  headers: {X-Scope: hush8}
`
	answer, err := json.Marshal(map[string]any{"data": map[string]any{"yaml": text}})
	require.NoError(t, err)
	got, changed := hidden(t, "/api/v1/status/config", string(answer))
	require.True(t, changed)
	require.NotContains(t, got, "hush")
	for _, stays := range []string{"http_2xx", "job_name: a", "a:1", "X-Scope"} {
		require.Contains(t, got, stays)
	}
}
