package e2e

import (
	"encoding/json"
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/monitoring"
)

// The stores answer every query of the built-in dashboards, and have an answer where Ausguck has one. The alerts about remote write
// compare the metrics that there are, of each store.
func TestBuiltInDashboardsOnStores(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	startObjectStore(t, network, "metrics")
	home, stores := network.host(t, 1), newStore(t, network, 2)
	stored := map[string]*server{"VictoriaMetrics": stores.victoriaMetrics(t)}
	stores.thanosReceive(t)
	stored["Thanos"] = stores.start(t, "Thanos Receive", 10932, nil, "thanos", "query")
	builtIn, err := fs.ReadFile(monitoring.Files, "prometheus.yml")
	require.NoError(t, err)
	config := prometheusYML(t, string(builtIn), stores.page.section(t, "VictoriaMetrics").file(t, "prometheus.yml"),
		stores.page.section(t, "Thanos Receive").file(t, "prometheus.yml"), "global: {scrape_interval: 1s, evaluation_interval: 1s}")
	ausguck := home.ausguck(t, configDir(t, map[string]string{"prometheus.yml": config}), t.TempDir(), "--no-docker", "--no-cadvisor")
	ausguck.address = "127.0.0.1:3000"
	ausguck.url = urlOf("admin", adminPassword, ausguck.address)
	ausguck.waitReady(t, readyTimeout)
	eventually(t, time.Minute, func() error {
		scrapes := ausguck.query(t, `min(count_over_time(up{job=~"prometheus|node-exporter"}[1m]))`)
		return errUnless(len(scrapes) == 1 && scrapes[0].value(t) >= 5, "%v scrapes", scrapes)
	})
	at := time.Now()
	for _, s := range stored {
		eventually(t, time.Minute, func() error {
			newest := s.queryAt(t, `min(timestamp(up{job=~"prometheus|node-exporter"}))`, at)
			return errUnless(len(newest) == 1 && newest[0].value(t) > float64(at.Unix())-3, "%s is behind: %v", s.address, newest)
		})
	}

	for name, limit := range map[string]string{"RemoteWriteBehind": "> 120", "RemoteWriteRefused": "> 0"} {
		expr, found := strings.CutSuffix(strings.TrimSpace(builtInRule(t, name)), limit)
		require.True(t, found, name)
		compared := ausguck.query(t, expr)
		require.Len(t, compared, len(stored), name)
		for _, p := range compared {
			require.Contains(t, p.Metric["url"], "10.0.0.2")
			require.Less(t, p.value(t), 60.0, name)
		}
	}
	queries := dashboardQueries(t)
	answered := 0
	for _, query := range queries {
		params := "?" + url.Values{"query": {query}, "time": {unixTime(at)}}.Encode()
		own := slices.ContainsFunc(ausguck.queryAt(t, query, at), func(p point) bool { return !math.IsNaN(p.value(t)) }) // NaN is no sample for VictoriaMetrics
		for name, s := range stored {
			status, body := s.do(t, http.MethodGet, "/api/v1/query"+params, nil, "")
			require.Equal(t, http.StatusOK, status, "%s: %s: %s", name, query, body)
			if own {
				eventually(t, 30*time.Second, func() error {
					return errUnless(len(s.queryAt(t, query, at)) > 0, "%s has no answer to %s", name, query)
				})
			}
		}
		if own {
			answered++
		}
	}
	figure(t, "both stores answer all %d queries of the built-in dashboards, %d of them with series as Ausguck", len(queries), answered)
}

// dashboardQueries returns the PromQL of the built-in dashboards, each once, with a value for every variable.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	interval, variable := regexp.MustCompile(`\$__(rate_interval|interval|range)\b`), regexp.MustCompile(`\$[a-zA-Z_]\w*`)
	found := map[string]bool{}
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, child := range node {
				walk(child)
			}
		case map[string]any:
			source, _ := node["datasource"].(map[string]any)
			if expr, ok := node["expr"].(string); ok && source["type"] == "prometheus" {
				if query := variable.ReplaceAllString(interval.ReplaceAllString(expr, "1m"), ".*"); !found[query] {
					found[query] = true
					queries = append(queries, query)
				}
			}
			for _, child := range node {
				walk(child)
			}
		}
	}
	require.NoError(t, fs.WalkDir(monitoring.Files, "grafana/dashboards", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".json") {
			return err
		}
		content, err := fs.ReadFile(monitoring.Files, path)
		if err != nil {
			return err
		}
		var dashboard any
		walkErr := json.Unmarshal(content, &dashboard)
		walk(dashboard)
		return walkErr
	}))
	return queries
}
