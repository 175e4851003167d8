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

// raw is a line as it was read.
type raw struct {
	text  string
	at    time.Time
	end   int // where the next line starts in the bytes that were read
	extra model.LabelSet
}

// job is a scrape config with its pipeline. Stages are made for one endless stream of lines; here they work on
// batches, so that it is known which lines made which entries: a batch ends where no stage holds a line back.
type job struct {
	name   string
	cfg    *scrapeconfig.Config
	blocks *stages.Pipeline // up to the last stage that joins lines, nil without one
	rest   *stages.Pipeline // the stages after it, nil without any
	cri    bool
	wait   time.Duration // how long an unfinished block may wait for its next line

	mtx sync.Mutex // stages may keep state and are not made for several callers
}

// sequence is the key under which lines carry their number through the stages.
const sequence = "\x00sequence"

func newJob(cfg *scrapeconfig.Config, logger log.Logger, reg prometheus.Registerer) (*job, error) {
	j := &job{name: cfg.JobName, cfg: cfg, wait: 3 * time.Second}
	split := 0
	for i, s := range cfg.PipelineStages {
		if joinsLines(s, &j.wait) {
			split = i + 1
		}
		if m, ok := s.(stages.PipelineStage); ok {
			if _, cri := m[stages.StageTypeCRI]; cri {
				j.cri = true
			}
		}
	}
	var err error
	if split > 0 {
		if j.blocks, err = stages.NewPipeline(logger, cfg.PipelineStages[:split], &cfg.JobName, reg); err != nil {
			return nil, fmt.Errorf("pipeline_stages of job %s: %w", cfg.JobName, err)
		}
	}
	if split < len(cfg.PipelineStages) {
		if j.rest, err = stages.NewPipeline(logger, cfg.PipelineStages[split:], &cfg.JobName, reg); err != nil {
			return nil, fmt.Errorf("pipeline_stages of job %s: %w", cfg.JobName, err)
		}
	}
	return j, nil
}

// joinsLines reports whether a stage, or one inside it, makes one entry of several lines.
func joinsLines(stage any, wait *time.Duration) bool {
	m, ok := stage.(stages.PipelineStage)
	if !ok {
		return false
	}
	for name, config := range m {
		settings, _ := config.(map[any]any)
		if name == stages.StageTypeMultiline {
			if text, ok := settings["max_wait_time"].(string); ok {
				if d, err := time.ParseDuration(text); err == nil {
					*wait = d
				}
			}
			return true
		}
		if inner, ok := settings["stages"].([]any); ok {
			for _, s := range inner {
				if joinsLines(s, wait) {
					return true
				}
			}
		}
	}
	return false
}

// run makes entries of lines. used says of how many: the lines after them belong to what is not complete yet,
// unless final says that nothing more comes.
func (j *job) run(labels model.LabelSet, lines []raw, final bool) (entries []entry, used int) {
	used = len(lines)
	if j.cri && !final {
		used = completeCRI(lines)
		lines = lines[:used]
	}
	if len(lines) == 0 {
		return nil, used
	}
	if j.blocks == nil && j.rest == nil {
		entries = make([]entry, 0, len(lines))
		for _, l := range lines {
			entries = append(entries, entry{labels: merged(labels, l.extra), at: l.at, line: l.text})
		}
		return entries, used
	}
	j.mtx.Lock()
	defer j.mtx.Unlock()
	in := make([]stages.Entry, 0, len(lines))
	for i, l := range lines {
		in = append(in, stages.Entry{
			Extracted: map[string]any{sequence: i},
			Entry:     api.Entry{Labels: merged(labels, l.extra).Clone(), Entry: logproto.Entry{Timestamp: l.at, Line: l.text}},
		})
	}
	if j.blocks != nil {
		in = through(j.blocks, in)
		if !final {
			used = firstOpen(in, len(lines))
			in = slices.DeleteFunc(in, func(e stages.Entry) bool { return number(e) >= used })
		}
	}
	if j.rest != nil {
		in = through(j.rest, in)
	}
	for _, e := range in {
		entries = append(entries, entry{labels: e.Labels, at: e.Timestamp, line: e.Line, meta: e.StructuredMetadata})
	}
	return entries, used
}

func merged(labels, extra model.LabelSet) model.LabelSet {
	if len(extra) == 0 {
		return labels
	}
	return labels.Merge(extra)
}

// through runs a pipeline over entries and returns what comes out, in the order in which it went in.
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

// firstOpen returns the first line that may still get lines added: of each stream, its last block is open.
func firstOpen(blocks []stages.Entry, lines int) int {
	last := map[model.Fingerprint]int{}
	for _, b := range blocks {
		last[b.Labels.FastFingerprint()] = number(b)
	}
	open := lines
	for _, n := range last {
		open = min(open, n)
	}
	return open
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

// stamp makes times differ that lines brought themselves: Loki keeps one of two equal lines of one time. Those that
// the reader gave, n from base on, differ already. The result depends only on the lines and on what was before
// them, so that reading them again gives the same.
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
