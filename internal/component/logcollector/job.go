package logcollector

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/grafana/loki/v3/clients/pkg/logentry/stages"
	"github.com/grafana/loki/v3/clients/pkg/promtail/api"
	"github.com/grafana/loki/v3/clients/pkg/promtail/scrapeconfig"
	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
)

// raw is a line as read.
type raw struct {
	text  string
	at    time.Time
	end   int // where the next line starts in the bytes that were read
	extra model.LabelSet
}

// job is a scrape config with its pipeline. Stages are made for an endless stream of lines; here they process
// batches, so that it is known which lines produced which entries: a batch ends where no stage holds back a line.
type job struct {
	name     string
	cfg      *scrapeconfig.Config
	pipeline *stages.Pipeline // nil without stages; each line passes through it once
	blocks   *blocks          // nil if no stage joins lines
	cri      bool
	wait     time.Duration // how long an incomplete block may wait for its next line

	mtx sync.Mutex // stages may keep state and are not safe for concurrent use
}

// sequence is the key under which lines carry their index through the stages.
const sequence = "\x00sequence"

func newJob(cfg *scrapeconfig.Config, logger log.Logger, reg prometheus.Registerer) (*job, error) {
	j := &job{name: cfg.JobName, cfg: cfg, wait: 3 * time.Second}
	for _, s := range cfg.PipelineStages {
		if m, ok := s.(stages.PipelineStage); ok {
			if _, cri := m[stages.StageTypeCRI]; cri {
				j.cri = true
			}
		}
	}
	if len(cfg.PipelineStages) == 0 {
		return j, nil
	}
	var err error
	if j.pipeline, err = stages.NewPipeline(logger, cfg.PipelineStages, &cfg.JobName, reg); err != nil {
		return nil, fmt.Errorf("pipeline_stages of job %s: %w", cfg.JobName, err)
	}
	if j.blocks, err = newBlocks(cfg, &j.wait); err != nil {
		return nil, fmt.Errorf("pipeline_stages of job %s: %w", cfg.JobName, err)
	}
	return j, nil
}

// complete returns how many of the first lines belong to entries that are complete. It runs no stage that keeps
// state, so that it may be called again with the same lines.
func (j *job) complete(labels model.LabelSet, lines []raw) int {
	used := len(lines)
	if j.cri {
		used = completeCRI(lines)
	}
	if j.blocks != nil {
		used = j.blocks.closed(labels, lines[:used])
		if j.cri {
			used = completeCRI(lines[:used]) // a block may begin with the last piece of a line
		}
	}
	return used
}

// run turns lines into entries. used is the number of lines that were used: the lines after them belong to an
// incomplete entry, unless final is set because nothing more comes.
func (j *job) run(labels model.LabelSet, lines []raw, final bool) (entries []entry, used int) {
	used = len(lines)
	if !final {
		used = j.complete(labels, lines)
		lines = lines[:used]
	}
	if len(lines) == 0 {
		return nil, used
	}
	entries = make([]entry, 0, len(lines))
	if j.pipeline == nil {
		for _, l := range lines {
			entries = append(entries, entry{labels: merged(labels, l.extra), at: l.at, line: l.text})
		}
		return entries, used
	}
	j.mtx.Lock()
	defer j.mtx.Unlock()
	for _, e := range through(j.pipeline, stageEntries(labels, lines)) {
		entries = append(entries, entry{labels: e.Labels, at: e.Timestamp, line: e.Line, meta: e.StructuredMetadata})
	}
	return entries, used
}

// stageEntries converts lines to the stages' input.
func stageEntries(labels model.LabelSet, lines []raw) []stages.Entry {
	in := make([]stages.Entry, 0, len(lines))
	for i, l := range lines {
		in = append(in, stages.Entry{
			Extracted: map[string]any{sequence: i},
			Entry:     api.Entry{Labels: merged(labels, l.extra).Clone(), Entry: logproto.Entry{Timestamp: l.at, Line: l.text}},
		})
	}
	return in
}

func merged(labels, extra model.LabelSet) model.LabelSet {
	if len(extra) == 0 {
		return labels
	}
	return labels.Merge(extra)
}

// through runs a pipeline over entries and returns its output in the order of its input.
func through(p *stages.Pipeline, in []stages.Entry) []stages.Entry {
	feed := make(chan stages.Entry)
	out := p.Run(feed)
	go func() {
		for _, e := range in {
			feed <- e
		}
		close(feed)
	}()
	result := make([]stages.Entry, 0, len(in))
	for e := range out {
		result = append(result, e)
	}
	slices.SortStableFunc(result, func(a, b stages.Entry) int { return number(a) - number(b) })
	return result
}

func number(e stages.Entry) int {
	n, _ := e.Extracted[sequence].(int)
	return n
}

// completeCRI returns how many lines there are before the first piece of a line whose last piece is missing.
func completeCRI(lines []raw) int {
	open := map[string]int{}
	for i, l := range lines {
		f := strings.SplitN(l.text, " ", 4)
		if len(f) < 3 {
			continue
		}
		if _, ok := open[f[1]]; f[2] == "P" && !ok {
			open[f[1]] = i
		} else if f[2] != "P" {
			delete(open, f[1])
		}
	}
	used := len(lines)
	for _, i := range open {
		used = min(used, i)
	}
	return used
}

// stamp separates equal times that came with the lines: Loki keeps only one of two equal lines with the same time.
// Times assigned by the reader, n from base on, already differ. The result depends only on the lines and on what
// preceded them, so that reading them again gives the same.
func stamp(entries []entry, base int64, n int, p *position) {
	for i := range entries {
		at := entries[i].at.UnixNano()
		if at >= base && at < base+int64(n) {
			continue
		}
		if at != p.Time {
			p.Time, p.Same = at, 0
			continue
		}
		p.Same++
		entries[i].at = entries[i].at.Add(time.Duration(p.Same))
	}
}
