package logcollector

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

// jobOf returns a job with pipeline stages in YAML.
func jobOf(t *testing.T, reg prometheus.Registerer, stages string) *job {
	t.Helper()
	cfg, err := load("scrape_configs: [{job_name: test, static_configs: [{targets: [localhost]}], pipeline_stages: " + stages + "}]")
	require.NoError(t, err)
	j, err := newJob(&cfg.ScrapeConfig[0], log.NewNopLogger(), reg)
	require.NoError(t, err)
	return j
}

// countingStages are stages that see each line, or each block, only once. Forty entries of two lines pass through each
// of them.
var countingStages = map[string]string{
	"limit after multiline":    `[multiline: {firstline: '^\['}, limit: {rate: 0.001, burst: 40, drop: true}]`,
	"limit before multiline":   `[limit: {rate: 0.001, burst: 80, drop: true}, multiline: {firstline: '^\['}]`,
	"limit inside match":       `[match: {selector: '{s="x"}', stages: [limit: {rate: 0.001, burst: 80, drop: true}, multiline: {firstline: '^\['}]}]`,
	"limit by label":           `[limit: {rate: 0.001, burst: 80, drop: true, by_label_name: s}, multiline: {firstline: '^\['}]`,
	"counter before multiline": `[metrics: {seen_total: {type: Counter, description: lines, config: {match_all: true, action: inc}}}, multiline: {firstline: '^\['}]`,
}

// Stages that keep state ran again for lines that waited for the rest of their block: of 40 blocks in a container, 2
// were stored.
func TestStagesSeeEachContainerLineOnce(t *testing.T) {
	for name, stages := range countingStages {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg := prometheus.NewRegistry()
				l, err := openLedger(t.TempDir())
				require.NoError(t, err)
				store := &memory{}
				s := &sender{logger: slog.New(slog.DiscardHandler), store: store, ledger: l, metrics: newMetrics(reg), in: make(chan *batch)}
				ctx, cancel := context.WithCancel(t.Context())
				go s.run(ctx)
				r := &containerReader{logger: s.logger, sender: s, metrics: s.metrics, job: jobOf(t, reg, stages), key: "k", name: "shop",
					sets: map[string]model.LabelSet{"stdout": {"s": "x"}}}
				lines, done := make(chan dockerLine), make(chan error, 1)
				go func() { done <- r.collect(ctx, lines, intent{}, false) }()
				for i := range 40 {
					lines <- dockerLine{"stdout", time.Now(), fmt.Sprintf("[%d] order", i)}
					lines <- dockerLine{"stdout", time.Now().Add(1), "its rest"}
					time.Sleep(200 * time.Millisecond) // the clock of the bubble
				}
				close(lines)
				require.NoError(t, <-done)
				require.Len(t, store.stored(), 40)
				for i, line := range store.stored() {
					require.Equal(t, fmt.Sprintf("[%d] order\nits rest", i), line)
				}
				checkSeen(t, reg, name, 80)
				cancel()
				synctest.Wait()
			})
		})
	}
}

// A file's lines are read again until their block is complete.
func TestStagesSeeEachFileLineOnce(t *testing.T) {
	for name, stages := range countingStages {
		t.Run(name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			j := jobOf(t, reg, stages)
			var held []raw
			var stored []string
			read := func(final bool) {
				entries, used := j.run(model.LabelSet{"s": "x"}, held, final)
				held = held[used:]
				for _, e := range entries {
					stored = append(stored, e.line)
				}
			}
			for i := range 80 {
				text := "its rest"
				if i%2 == 0 {
					text = fmt.Sprintf("[%d] order", i/2)
				}
				held = append(held, raw{text: text, at: time.Unix(0, int64(i))})
				read(false)
			}
			read(true)
			require.Len(t, stored, 40)
			for i, line := range stored {
				require.Equal(t, fmt.Sprintf("[%d] order\nits rest", i), line)
			}
			checkSeen(t, reg, name, 80)
		})
	}
}

func checkSeen(t *testing.T, reg *prometheus.Registry, name string, want float64) {
	t.Helper()
	if !strings.HasPrefix(name, "counter") {
		return
	}
	families, err := reg.Gather()
	require.NoError(t, err)
	seen := 0.0
	for _, f := range families {
		if strings.HasSuffix(f.GetName(), "seen_total") {
			for _, m := range f.Metric {
				seen += m.GetCounter().GetValue()
			}
		}
	}
	require.Equal(t, want, seen)
}

// A line that the engine or a CRI runtime split into pieces stays whole if a block begins with it.
func TestBlockThatBeginsWithPieces(t *testing.T) {
	j := jobOf(t, prometheus.NewRegistry(), `[cri: {}, multiline: {firstline: '^\['}]`)
	var lines []raw
	for i, text := range []string{"F [1] whole", "F its rest", "P [2] a li", "F ne in pieces", "F its rest", "P [3] begun"} {
		lines = append(lines, raw{text: "2026-01-01T00:00:00Z stdout " + text, at: time.Unix(0, int64(i))})
	}
	entries, used := j.run(model.LabelSet{"s": "x"}, lines, false)
	require.Equal(t, 2, used, "the second block begins with its first piece")
	require.Len(t, entries, 1)
	require.Equal(t, "[1] whole\nits rest", entries[0].line)
	entries, used = j.run(model.LabelSet{"s": "x"}, append(lines[used:5:5], raw{text: "2026-01-01T00:00:00Z stdout F [3]", at: time.Unix(0, 9)}), false)
	require.Equal(t, 3, used)
	require.Equal(t, "[2] a line in pieces\nits rest", entries[0].line)
}
