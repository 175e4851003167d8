package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An empty configuration: only the test writes data.
const quietConfig = "global: {scrape_interval: 15s}\n"

// writerFlags make a stock Prometheus and Ausguck accept data and snapshots.
var writerFlags = []string{"--web.enable-remote-write-receiver", "--web.enable-admin-api"}

// storer is a program that can be started on a TSDB folder.
type storer struct {
	name  string
	start func(t *testing.T, tsdb string) *server
}

func storers() []storer {
	return []storer{
		{"ausguck", func(t *testing.T, tsdb string) *server {
			config := configDir(t, map[string]string{"prometheus.yml": quietConfig})
			flags := append([]string{"--storage.tsdb.path=" + tsdb}, metricsOnly...)
			return startAusguck(t, config, t.TempDir(), append(flags, writerFlags...)...)
		}},
		{"prometheus", func(t *testing.T, tsdb string) *server {
			config := configDir(t, map[string]string{"prometheus.yml": quietConfig})
			return startStock(t, filepath.Join(config, "prometheus.yml"), tsdb, writerFlags...)
		}},
	}
}

// Each program writes blocks and a WAL; the other one and promtool can read them.
func TestDataFolderIsThatOfPrometheus(t *testing.T) {
	t.Parallel()
	all := storers()
	for i, writer := range all {
		reader := all[1-i]
		t.Run(writer.name+" writes, "+reader.name+" reads", func(t *testing.T) {
			t.Parallel()
			tsdb := filepath.Join(t.TempDir(), "prometheus")
			end := time.Now().Truncate(seededStep)
			begin := end.Add(-5 * time.Hour)

			source := writer.start(t, tsdb)
			source.seed(t, begin, end)
			waitBlocks(t, tsdb, 1)
			want := source.seededAnswers(t, begin, end)
			require.Contains(t, want[0], `"instance":"7"`, "the seeded data is there")
			source.stop(t)

			requirePromtoolReads(t, tsdb)
			sink := reader.start(t, tsdb)
			require.Equal(t, want, sink.seededAnswers(t, begin, end))
			sink.stop(t)
			requirePromtoolReads(t, tsdb)
		})
	}
}

// seededAnswers returns the results of fixed queries over seeded data exactly as the API wrote them, so that every
// digit counts.
func (s *server) seededAnswers(t *testing.T, begin, end time.Time) []string {
	t.Helper()
	var answers []string
	for _, expression := range []string{
		"seeded_total",
		"sum by (parity) (rate(seeded_total[5m]))",
		"topk(3, increase(seeded_total[30m]))",
		`quantile(0.9, seeded_total{instance=~"1.*"}) / ignoring(parity) count(seeded_total)`,
		"absent(seeded_total)",
	} {
		body := s.get(t, "/api/v1/query_range?"+url.Values{
			"query": {expression}, "start": {unixTime(begin)}, "end": {unixTime(end.Add(-seededStep))}, "step": {"60"},
		}.Encode())
		var answer struct {
			Data json.RawMessage `json:"data"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &answer))
		answers = append(answers, string(answer.Data))
	}
	return answers
}

// waitBlocks waits until the folder contains the number of blocks.
func waitBlocks(t *testing.T, tsdb string, count int) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		blocks := blocksIn(t, tsdb)
		return errUnless(len(blocks) >= count, "%d blocks in %s, want %d", len(blocks), tsdb, count)
	})
}

func blocksIn(t *testing.T, tsdb string) []string {
	t.Helper()
	metas, err := filepath.Glob(filepath.Join(tsdb, "*", "meta.json"))
	require.NoError(t, err)
	var blocks []string
	for _, meta := range metas {
		blocks = append(blocks, filepath.Base(filepath.Dir(meta)))
	}
	return blocks
}

// requirePromtoolReads requires that promtool lists every block in the folder and analyzes one.
func requirePromtoolReads(t *testing.T, tsdb string) {
	t.Helper()
	code, listed := runToEnd(t, stockBinary(t, "promtool"), "tsdb", "list", tsdb)
	require.Zero(t, code, listed)
	blocks := blocksIn(t, tsdb)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		require.Contains(t, listed, block)
	}
	code, analysis := runToEnd(t, stockBinary(t, "promtool"), "tsdb", "analyze", tsdb)
	require.Zero(t, code, analysis)
	require.Regexp(t, `Total Series: [1-9]`, analysis)
}

func TestReadsBlocksMadeByPromtool(t *testing.T) {
	t.Parallel()
	tsdb := filepath.Join(t.TempDir(), "prometheus")
	begin := time.Now().Add(-50 * time.Hour).Truncate(time.Hour)
	var text strings.Builder
	text.WriteString("# TYPE backfilled_total counter\n")
	for i := range 6 * 60 {
		fmt.Fprintf(&text, "backfilled_total{shelf=\"a\"} %d %d\n", i, begin.Add(time.Duration(i)*time.Minute).Unix())
	}
	text.WriteString("# EOF\n")
	input := filepath.Join(t.TempDir(), "input.om")
	writeFile(t, input, text.String())
	require.NoError(t, os.MkdirAll(tsdb, 0o755))
	code, output := runToEnd(t, stockBinary(t, "promtool"), "tsdb", "create-blocks-from", "openmetrics", input, tsdb)
	require.Zero(t, code, output)

	s := storers()[0].start(t, tsdb)
	points := s.queryAt(t, "count_over_time(backfilled_total[6h])", begin.Add(6*time.Hour-time.Second))
	require.Len(t, points, 1)
	require.EqualValues(t, 6*60, points[0].value(t))
	s.stop(t)
}

func TestSnapshotIsADataFolder(t *testing.T) {
	t.Parallel()
	tsdb := filepath.Join(t.TempDir(), "prometheus")
	s := storers()[0].start(t, tsdb)
	end := time.Now().Truncate(seededStep)
	s.seed(t, end.Add(-time.Hour), end)
	status, body := s.do(t, http.MethodPost, "/api/v1/admin/tsdb/snapshot", nil, "")
	require.Equal(t, http.StatusOK, status, body)
	var answer struct {
		Data struct {
			Name string `json:"name"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	snapshot := filepath.Join(tsdb, "snapshots", answer.Data.Name)
	requirePromtoolReads(t, snapshot)

	want := s.seededAnswers(t, end.Add(-time.Hour), end)
	copied := storers()[1].start(t, snapshot)
	require.Equal(t, want, copied.seededAnswers(t, end.Add(-time.Hour), end))
}

func TestPromtoolTalksToTheServer(t *testing.T) {
	t.Parallel()
	s := storers()[0].start(t, filepath.Join(t.TempDir(), "prometheus"))
	now := time.Now()
	s.write(t, oneSample("talk_value", now, 42, "who", "promtool"))
	promtool := stockBinary(t, "promtool")
	pushed := filepath.Join(t.TempDir(), "pushed.prom")
	writeFile(t, pushed, "# TYPE pushed_value gauge\npushed_value 7\n")
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"ready", []string{"check", "ready", "--url=" + s.url}, "SUCCESS"},
		{"healthy", []string{"check", "healthy", "--url=" + s.url}, "SUCCESS"},
		{"instant", []string{"query", "instant", s.url, "talk_value"}, `talk_value{who="promtool"} => 42`},
		{"range", []string{"query", "range", "--start=" + unixTime(now.Add(-time.Minute)), "--end=" + unixTime(now), s.url, "talk_value"}, `talk_value{who="promtool"}`},
		{"series", []string{"query", "series", "--match=talk_value", s.url}, `"promtool"`},
		{"labels", []string{"query", "labels", s.url, "who"}, "promtool"},
		{"push", []string{"push", "metrics", s.url, pushed}, "SUCCESS"},
		{"analyze", []string{"query", "instant", s.url, "pushed_value"}, "7"},
	} {
		code, output := runToEnd(t, promtool, tc.args...)
		require.Zero(t, code, "%s: %s", tc.name, output)
		require.Contains(t, output, tc.want, tc.name)
	}
}
