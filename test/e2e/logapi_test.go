package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// OTLP logs can be sent as JSON, patterns and volume are found, and lines of one person can be deleted.
func TestLogAPI(t *testing.T) {
	t.Parallel()
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig, "loki.yml": "compactor: {delete_request_cancel_period: 0s, compaction_interval: 1s}\n"})
	storage := t.TempDir()
	s := startAusguck(t, config, storage, metricsOnly...)
	var entries, lines []string
	for n := range 200 {
		entries = append(entries, fmt.Sprintf(`{"timeUnixNano":"%d","severityText":"WARN","body":{"stringValue":"order %d is late"}}`, time.Now().UnixNano(), n))
		lines = append(lines, fmt.Sprintf("GET /orders/%d 200 took=%dms", n, 10+n))
	}
	status, body := s.do(t, http.MethodPost, "/otlp/v1/logs", map[string]string{"Content-Type": "application/json"},
		`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[`+strings.Join(entries, ",")+`]}]}]}`)
	require.Equal(t, http.StatusNoContent, status, body)
	require.Len(t, s.lines(t, `{service_name="shop"} | severity_text="WARN" |= "is late"`), 200)

	code, answer := s.pushJob(t, "web", time.Now().Add(-time.Second), lines...)
	require.Equal(t, http.StatusNoContent, code, answer)
	eventually(t, readyTimeout, func() error {
		found := s.get(t, "/loki/api/v1/patterns?"+url.Values{"query": {`{job="web"}`}}.Encode())
		return errUnless(strings.Contains(found, `GET \u003c_\u003e 200 took=\u003c_\u003e`), "patterns: %s", found)
	})
	require.Contains(t, s.get(t, "/loki/api/v1/index/volume?"+url.Values{"query": {`{job=~".+"}`}}.Encode()), `"web"`)

	now := time.Now()
	status, body = s.do(t, http.MethodPost, "/loki/api/v1/delete?"+url.Values{
		"query": {`{job="web"} |= "/orders/7 "`}, "start": {fmt.Sprint(now.Add(-time.Hour).Unix())}, "end": {fmt.Sprint(now.Unix())},
	}.Encode(), nil, "")
	require.Equal(t, http.StatusNoContent, status, body)
	require.Contains(t, s.get(t, "/loki/api/v1/delete"), "/orders/7 ")
	s.stop(t) // the list of deletions is cached for five minutes
	s = startAusguck(t, config, storage, metricsOnly...)
	eventually(t, time.Minute, func() error {
		left := s.lines(t, `{job="web"}`)
		return errUnless(len(left) == 199 && !slices.Contains(left, lines[7]), "%d lines left", len(left))
	})
	s.stop(t)
}

// diskUse returns the disk space used by the files below a folder.
func diskUse(dir string) (bytes int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // gone in the meantime
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Sys().(*syscall.Stat_t).Blocks * 512
		}
		return nil
	})
	return bytes
}

// While three times the cap is written continuously, logs stay within a tenth of it on disk: the oldest are deleted,
// the newest are kept.
func TestLogSizeCap(t *testing.T) {
	t.Parallel()
	const limit, total, piece, perSecond = 60 << 20, 180 << 20, 1 << 20, 8
	storage := t.TempDir()
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig, "loki.yml": `
ingester: {chunk_target_size: 524288, flush_check_period: 500ms, concurrent_flushes: 4, wal: {checkpoint_duration: 1s}}
`})
	s := startAusguck(t, config, storage, append([]string{"--storage.loki.retention.size=60MiB"}, metricsOnly...)...)
	peak := int64(0)
	pace := time.NewTicker(time.Second / perSecond)
	defer pace.Stop()
	for n := range total / piece {
		<-pace.C
		noise := make([]byte, piece*3/4/16)
		var block []string
		for range 16 { // below the longest line
			_, err := rand.Read(noise)
			require.NoError(t, err)
			block = append(block, fmt.Sprintf("n=%d %s", n, base64.StdEncoding.EncodeToString(noise)))
		}
		code, answer := s.pushJob(t, "noise", time.Now(), block...)
		require.Equal(t, http.StatusNoContent, code, answer)
		peak = max(peak, diskUse(filepath.Join(storage, "loki")))
	}
	eventually(t, readyTimeout, func() error {
		size := diskUse(filepath.Join(storage, "loki"))
		peak = max(peak, size)
		return errUnless(size <= limit, "%d MB", size>>20)
	})
	page := s.get(t, "/metrics")
	t.Logf("wrote %d MB with a cap of %d MB: peak %d MB, in the end %d MB, deleted %.0f MB", total>>20, limit>>20, peak>>20,
		diskUse(filepath.Join(storage, "loki"))>>20, metric(page, "ausguck_loki_size_cap_deleted_bytes_total")/(1<<20))
	require.LessOrEqual(t, peak, int64(limit*11/10), "cap and a tenth")
	require.Greater(t, metric(page, "ausguck_loki_size_cap_deleted_bytes_total"), float64(total/3))
	require.Empty(t, s.lines(t, `{job="noise"} |= "n=0 "`), "the oldest")
	require.NotEmpty(t, s.lines(t, `{job="noise"} |= "n=179 "`), "the newest")
	s.stop(t)
}

// A stock Promtail pushes to port 3100, and its lines can be read there, once, with its labels.
func TestStockPromtail(t *testing.T) {
	t.Parallel()
	const host = "127.0.31.1" // has port 3100 to itself
	dir := t.TempDir()
	address := fmt.Sprintf("%s:%d", host, freePort(t))
	s := launchAt(t, address, append([]string{
		"--web.listen-address=" + address, "--config.dir=" + configDir(t, map[string]string{"prometheus.yml": quietConfig}), "--storage.path=" + t.TempDir(),
	}, metricsOnly...)...)
	s.waitReady(t, readyTimeout)
	writeFile(t, filepath.Join(dir, "app.log"), strings.Repeat("level=warn msg=tired\n", 5000)+"level=error msg=last\n")
	writeFile(t, filepath.Join(dir, "promtail.yml"), fmt.Sprintf(`
server: {disable: true}
positions: {filename: %[1]s/positions.yaml}
clients: [{url: "http://%[2]s:3100/loki/api/v1/push"}]
scrape_configs: [{job_name: a, static_configs: [{targets: [localhost], labels: {job: theirs, __path__: %[1]s/app.log}}]}]
`, dir, host))
	promtail := startProcess(t, exec.Command(stockBinary(t, "promtail"), "-config.file="+filepath.Join(dir, "promtail.yml")))
	stock := *s
	stock.url = "http://" + host + ":3100"
	eventually(t, time.Minute, func() error {
		select {
		case <-promtail.exited:
			require.FailNow(t, "promtail ended", promtail.output.String())
		default:
		}
		last := stock.lines(t, `{job="theirs", filename="`+dir+`/app.log"} | logfmt | level="error"`)
		return errUnless(slices.Equal(last, []string{"level=error msg=last"}), "%v", last)
	})
	var answer struct {
		Result []point `json:"result"`
	}
	stock.data(t, "/loki/api/v1/query", url.Values{"query": {`sum(count_over_time({job="theirs"}[1h]))`}}, &answer)
	require.Len(t, answer.Result, 1)
	require.Equal(t, json.RawMessage(`"5001"`), answer.Result[0].Value[1])
	promtail.kill()
	s.stop(t)
}
