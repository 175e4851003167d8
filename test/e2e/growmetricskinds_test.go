package e2e

import (
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireKinds requires that native histograms, exemplars and metadata arrive where docs/grow.md says that they do.
func requireKinds(t *testing.T, ausguck, thanos, victoria *server) {
	t.Helper()
	const count = `histogram_count(load_seconds)`
	at := time.Now()
	own := ausguck.queryAt(t, count, at)
	require.Len(t, own, 1)
	for _, stored := range []struct {
		in    *server
		query string
	}{{thanos, count}, {victoria, `load_seconds_count`}} { // VictoriaMetrics stores a native histogram as series
		eventually(t, time.Minute, func() error {
			found := stored.in.queryAt(t, stored.query, at)
			return errUnless(len(found) == 1 && found[0].value(t) == own[0].value(t), "%s is %v, not %v", stored.query, found, own)
		})
	}
	require.NotEmpty(t, victoria.queryAt(t, `histogram_quantile(0.5, load_seconds_bucket{vmrange!=""})`, at))
	require.NotEmpty(t, victoria.queryAt(t, `load_seconds_sum`, at))
	for _, s := range []*server{thanos, victoria} {
		require.InDelta(t, loadSeries, s.queryAt(t, `count(load_total{host="server-1"})`, at)[0].value(t), 0)
	}
	// The counter increases by one per second.
	const increase = `increase(load_total{series="0"}[4500ms])`
	exact, extrapolated := victoria.queryAt(t, increase, at)[0].value(t), ausguck.queryAt(t, increase, at)[0].value(t)
	require.InDelta(t, math.Round(exact), exact, 0)
	require.InDelta(t, extrapolated, exact, 1)
	require.NotEqual(t, extrapolated, exact, "docs/grow.md says that VictoriaMetrics does not extrapolate")

	var exemplars []struct {
		Exemplars []struct {
			Labels map[string]string `json:"labels"`
			Value  string            `json:"value"`
		} `json:"exemplars"`
	}
	asked := url.Values{"query": {"load_seconds"}, "start": {unixTime(at.Add(-time.Minute))}, "end": {unixTime(at)}}
	thanos.data(t, "/api/v1/query_exemplars", asked, &exemplars)
	require.NotEmpty(t, exemplars)
	require.NotEmpty(t, exemplars[0].Exemplars[0].Labels["trace_id"])
	exemplars = nil
	victoria.data(t, "/api/v1/query_exemplars", asked, &exemplars)
	require.Empty(t, exemplars, "docs/grow.md says that VictoriaMetrics stores none")
	var metadata map[string][]struct{ Type, Help string }
	victoria.data(t, "/api/v1/metadata", url.Values{"metric": {"load_total"}}, &metadata)
	require.NotEmpty(t, metadata["load_total"])
	require.Equal(t, "A counter of the load.", metadata["load_total"][0].Help)
	metadata = nil
	thanos.data(t, "/api/v1/metadata", url.Values{"metric": {"load_total"}}, &metadata)
	require.Empty(t, metadata, "docs/grow.md says that Thanos Receive stores none")
}

// requireRules requires that rules have been evaluated after a time, and that an alert has the label of the host.
func requireRules(t *testing.T, ausguck *server, after time.Time) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		recorded := ausguck.queryAt(t, "timestamp(load:count == 5000)", time.Now())
		return errUnless(len(recorded) == 1 && recorded[0].value(t) > float64(after.Unix()), "recorded at %v", recorded)
	})
	eventually(t, time.Minute, func() error {
		alerts := ausguck.get(t, "/api/v2/alerts")
		return errUnless(strings.Contains(alerts, `"alertname":"Load"`) && strings.Contains(alerts, `"host":"server-1"`), "%s", alerts)
	})
}

// requireMemory requires that a program needs at most twice the memory that the page says.
func (p growPage) requireMemory(t *testing.T, row string, program *process) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(row) + ` \|.*$`).FindString(p.text)
	limit := 0
	for _, number := range regexp.MustCompile(`(\d+) MiB|at most (\d+)`).FindAllStringSubmatch(line, -1) {
		mib, err := strconv.Atoi(number[1] + number[2])
		require.NoError(t, err)
		limit = max(limit, mib)
	}
	require.NotZero(t, limit, "docs/grow.md has no row %q", row)
	resident := int(program.memory(t, "VmRSS") >> 20)
	figure(t, "%s with %d series: %d MiB resident, %d MiB at most", row, loadSeries, resident, program.memory(t, "VmHWM")>>20)
	require.Less(t, resident, 2*limit)
}
