package promserver_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/units"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/promserver"
)

// A limit of 0 means the same as in a stock Prometheus; what the file does not set has our defaults; a body is at most
// 15 MiB.
func TestLimits(t *testing.T) {
	dir := t.TempDir()
	l := testLoader(t)
	load := func(content string) *promserver.Config {
		cfg, problems := l.Load(promserver.Source{Name: "prometheus.yml", Dir: dir, Content: []byte(content)})
		require.Empty(t, problems)
		return cfg
	}
	cfg := load("scrape_configs: [{job_name: a}, {job_name: b, label_value_length_limit: 0, sample_limit: 0, body_size_limit: 0}, {job_name: c, body_size_limit: 100MB, label_limit: 7}]")
	a, b, c := cfg.ScrapeConfigs[0], cfg.ScrapeConfigs[1], cfg.ScrapeConfigs[2]
	require.EqualValues(t, 1<<20, a.LabelValueLengthLimit)
	require.EqualValues(t, 100_000, a.SampleLimit)
	require.Zero(t, b.LabelValueLengthLimit)
	require.Zero(t, b.SampleLimit)
	require.EqualValues(t, 7, c.LabelLimit)
	for _, job := range cfg.ScrapeConfigs {
		require.Equal(t, units.Base2Bytes(15<<20), job.BodySizeLimit)
	}
	require.Len(t, cfg.Warnings, 2)
	require.Contains(t, cfg.Warnings[0], `prometheus.yml: job "b": body_size_limit is reduced to 15MiB, because`)

	cfg = load("global: {label_limit: 0, label_value_length_limit: 30}\nscrape_configs: [{job_name: a}, {job_name: b, label_value_length_limit: 40}]")
	require.Zero(t, cfg.ScrapeConfigs[0].LabelLimit)
	require.EqualValues(t, 30, cfg.ScrapeConfigs[0].LabelValueLengthLimit)
	require.EqualValues(t, 40, cfg.ScrapeConfigs[1].LabelValueLengthLimit)
}

// Nothing that a target sends can end the process, nothing that a stock Prometheus scrapes is rejected, and what is
// rejected is logged with its series and label.
func TestLongLabels(t *testing.T) {
	page := func(length int) string {
		target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, "long_total{query=%q} 1\n", strings.Repeat("v", length))
		}))
		t.Cleanup(target.Close)
		return target.Listener.Addr().String()
	}
	dir := t.TempDir()
	files := filepath.Join(dir, "more.yml")
	require.NoError(t, os.WriteFile(files, []byte(fmt.Sprintf("scrape_configs: [{job_name: in a file, body_size_limit: 1GB, static_configs: [{targets: ['%s']}]}]\n", page(16<<20))), 0o600))
	log := &syncedLog{}
	r := startWith(t, fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_config_files: ['%s']
scrape_configs:
  - {job_name: real, static_configs: [{targets: ['%s']}]}
  - {job_name: large, label_value_length_limit: 0, static_configs: [{targets: ['%s']}]}
  - {job_name: limited, label_value_length_limit: 5000, static_configs: [{targets: ['%s']}]}
  - {job_name: deadly, body_size_limit: 0, static_configs: [{targets: ['%s']}]}
`, files, page(10_000), page(2<<20), page(10_000), page(16<<20)), func(o *promserver.Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	for job, want := range map[string]int{"real": 1, "large": 1, "limited": 0, "deadly": 0, "in a file": 0} {
		require.Eventually(t, func() bool { return r.query(t, fmt.Sprintf("up{job=%q} == %d", job, want)) == 1 }, 20*time.Second, 50*time.Millisecond, job)
		require.Equal(t, want, r.query(t, fmt.Sprintf("long_total{job=%q}", job)), job)
	}
	require.Eventually(t, func() bool {
		return strings.Contains(log.String(), `msg="Scrape rejected: none of its samples is stored"`) &&
			strings.Contains(log.String(), "label_value_length_limit exceeded (metric: long_total, label name: query")
	}, 20*time.Second, 50*time.Millisecond)
}

type syncedLog struct {
	mtx sync.Mutex
	buf bytes.Buffer
}

func (l *syncedLog) Write(p []byte) (int, error) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return l.buf.Write(p)
}

func (l *syncedLog) String() string {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	return l.buf.String()
}
