package logcollector

import (
	"maps"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/logentry/stages"
	"github.com/grafana/loki/v3/clients/pkg/promtail/scrapeconfig"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

// blocks finds where the blocks of lines end that multiline stages join. It runs the stages up to the last multiline
// stage, in a separate pipeline, over lines that it may have seen before. Stages that count lines are therefore left
// out: limits, metrics and samples see a line when it passes through the job's pipeline.
type blocks struct {
	mtx      sync.Mutex
	pipeline *stages.Pipeline
}

// newBlocks returns nil if no stage of a job joins lines. wait is set to the time that the stage waits for a line.
func newBlocks(cfg *scrapeconfig.Config, wait *time.Duration) (*blocks, error) {
	var shape stages.PipelineStages
	last := 0
	for _, s := range cfg.PipelineStages {
		repeatable, joins := repeatable(s, wait)
		if repeatable != nil {
			shape = append(shape, repeatable)
		}
		if joins {
			last = len(shape)
		}
	}
	if last == 0 {
		return nil, nil
	}
	p, err := stages.NewPipeline(log.NewNopLogger(), shape[:last], &cfg.JobName, prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	return &blocks{pipeline: p}, nil
}

// repeatable returns a stage without the parts that must see each line only once, nil if nothing is left, and whether
// it or a nested stage joins lines.
func repeatable(stage any, wait *time.Duration) (kept stages.PipelineStage, joins bool) {
	m, ok := stage.(stages.PipelineStage)
	if !ok {
		return nil, false
	}
	for name, config := range m {
		settings, _ := config.(map[any]any)
		switch name {
		case stages.StageTypeLimit, stages.StageTypeMetric, stages.StageTypeSampling:
			return nil, false
		case stages.StageTypeMultiline:
			if text, ok := settings["max_wait_time"].(string); ok {
				if d, err := time.ParseDuration(text); err == nil {
					*wait = d
				}
			}
			return m, true
		}
		inner, ok := settings["stages"].([]any)
		if !ok {
			return m, false
		}
		var left []any
		for _, s := range inner {
			k, j := repeatable(s, wait)
			if joins = joins || j; k != nil {
				left = append(left, k)
			}
		}
		if len(left) == 0 {
			return nil, false
		}
		settings = maps.Clone(settings)
		settings["stages"] = left
		return stages.PipelineStage{name: settings}, joins
	}
	return nil, false
}

// closed returns how many of the first lines belong to blocks that are complete: the last block of each stream is still
// open.
func (b *blocks) closed(labels model.LabelSet, lines []raw) int {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	last := map[model.Fingerprint]int{}
	for _, e := range through(b.pipeline, stageEntries(labels, lines)) {
		last[e.Labels.FastFingerprint()] = number(e)
	}
	open := len(lines)
	for _, n := range last {
		open = min(open, n)
	}
	return open
}
