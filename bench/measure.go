package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// lookInterval is the interval between measurements of memory. Each one makes the kernel walk over the process's pages.
const lookInterval = 5 * time.Second

// idleTime is how long a side is idle before its idle memory is measured.
const idleTime = 5 * time.Second

// sides are the two alternatives that are compared.
var sides = []struct {
	name  string
	start func(ctx context.Context, o options, dir string, targets []string) (*side, error)
}{
	{"separate", startSeparate},
	{"ausguck", startAusguck},
}

// begin starts a side in its own folder.
func begin(ctx context.Context, o options, work string, which int, targets []string) (*side, error) {
	dir, err := os.MkdirTemp(work, sides[which].name+"-*")
	if err != nil {
		return nil, err
	}
	return sides[which].start(ctx, o, dir, targets)
}

// measureStarts starts each side several times on an empty folder, in turns, and returns the median times.
func measureStarts(ctx context.Context, logger *slog.Logger, o options, work string) (map[string]startTimes, error) {
	server, all, stop, idle := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	for range o.starts {
		for which := range sides {
			s, err := begin(ctx, o, work, which, nil)
			if err != nil {
				return nil, err
			}
			serverReady, allReady, err := s.waitReady(ctx)
			if err != nil {
				return nil, err
			}
			if err := sleep(ctx, idleTime); err != nil {
				return nil, err
			}
			var rested usage
			rested.Programs = map[string]*programUsage{}
			for _, p := range s.programs {
				rested.Programs[p.name] = &programUsage{}
			}
			if err := s.look(&rested); err != nil {
				return nil, err
			}
			rested.sum()
			idle[s.name] = append(idle[s.name], rested.RSS)
			stopped, err := s.stop()
			if err != nil {
				return nil, err
			}
			logger.Info("Started", "side", s.name, "server_ready", serverReady, "all_ready", allReady, "stopped", stopped)
			server[s.name] = append(server[s.name], serverReady.Seconds())
			all[s.name] = append(all[s.name], allReady.Seconds())
			stop[s.name] = append(stop[s.name], stopped.Seconds())
		}
	}
	starts := map[string]startTimes{}
	for name := range server {
		starts[name] = startTimes{Server: median(server[name]), All: median(all[name]), Stop: median(stop[name]), Idle: median(idle[name])}
	}
	return starts, nil
}

// measureWork lets both sides do the work at the same time and fills in the rest of the result.
func measureWork(ctx context.Context, logger *slog.Logger, o options, work string, result *result) error {
	generator, targets, err := startLoad(ctx, o.load)
	if err != nil {
		return err
	}
	defer func() {
		_ = generator.Process.Kill()
		_ = generator.Wait()
	}()
	logging, stopLogging := context.WithCancel(ctx)
	defer stopLogging()
	logsFailed := make(chan error, 1)
	go func() { logsFailed <- logLoad{filepath.Join(o.logDir, "app.log"), o.logRate}.run(logging) }()
	var running []*side
	for which := range sides {
		s, err := begin(ctx, o, work, which, targets)
		if err != nil {
			return err
		}
		running = append(running, s)
	}
	logger.Info("Warming up", "seconds", o.warmUp.Seconds())
	if err := sleep(ctx, o.warmUp); err != nil {
		return err
	}
	for _, s := range running {
		if stored, err := s.logCount(ctx, `sum(count_over_time({job="bench"}[1m]))`); err != nil || stored == 0 {
			return fmt.Errorf("side %s stores no logs: %w", s.name, err)
		}
		if err := s.requireWork(ctx, o.load); err != nil {
			return err
		}
	}
	logger.Info("Measuring without queries", "seconds", o.duration.Seconds())
	if result.Quiet, err = watch(ctx, running, o.duration, func() error { return nil }); err != nil {
		return err
	}
	logger.Info("Measuring with an open dashboard", "seconds", o.busy.Seconds())
	board := newDashboard(slices.Clone(running))
	if result.Busy, err = watch(ctx, running, o.busy, func() error { return board.refresh(ctx) }); err != nil {
		return err
	}
	result.Queries = board.medians()
	stopLogging()
	if err := <-logsFailed; err != nil {
		return fmt.Errorf("write logs: %w", err)
	}
	logger.Info("Measuring logs", "bytes", o.logBurst)
	if result.Logs, err = measureLogs(ctx, running, o.logDir, o.logBurst); err != nil {
		return err
	}
	for _, s := range running {
		if _, err := s.stop(); err != nil {
			return err
		}
	}
	return nil
}

// requireWork checks that the side scrapes everything that it should; otherwise its figures would be meaningless. It only queries
// a few series, because the memory of a large query would be measured too.
func (s *side) requireWork(ctx context.Context, l load) error {
	for expression, want := range map[string]float64{
		`sum(scrape_samples_scraped{job="load"})`:               float64(l.Series),
		`count(up{job="load"} == 1)`:                            float64(l.Targets),
		`count(up{job!="load"} == 1)`:                           4,
		`count(sum(node_cpu_seconds_total))`:                    1,
		`count(sum(container_cpu_usage_seconds_total{id="/"}))`: 1,
	} {
		got, err := s.query(ctx, expression)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("side %s does not do the work: %s is %v, want %v", s.name, expression, got, want)
		}
	}
	return nil
}

// watch measures the processes of both sides for a given time, and runs besides at each measurement.
func watch(ctx context.Context, running []*side, duration time.Duration, besides func() error) (map[string]*usage, error) {
	usages := map[string]*usage{}
	for _, s := range running {
		u, err := s.begin(ctx)
		if err != nil {
			return nil, err
		}
		usages[s.name] = u
	}
	for end := time.Now().Add(duration); time.Now().Before(end); {
		if err := besides(); err != nil {
			return nil, err
		}
		for _, s := range running {
			if err := s.look(usages[s.name]); err != nil {
				return nil, err
			}
		}
		if err := sleep(ctx, min(lookInterval, time.Until(end))); err != nil {
			return nil, err
		}
	}
	for _, s := range running {
		if err := s.end(ctx, usages[s.name]); err != nil {
			return nil, err
		}
	}
	return usages, nil
}

// begin records what the side's processes have used so far.
func (s *side) begin(ctx context.Context) (*usage, error) {
	u := &usage{Programs: map[string]*programUsage{}}
	for _, p := range s.programs {
		used, err := p.cpuSeconds()
		if err != nil {
			return nil, err
		}
		u.Programs[p.name] = &programUsage{CPUSeconds: -used}
	}
	appended, err := s.samplesAppended(ctx)
	u.Samples = -appended
	return u, err
}

// look records the memory of the side's processes.
func (s *side) look(u *usage) error {
	for _, p := range s.programs {
		m, err := p.memory()
		if err != nil {
			return err
		}
		u.Programs[p.name].add(m)
	}
	return nil
}

// end records what the processes have used since begin.
func (s *side) end(ctx context.Context, u *usage) error {
	for _, p := range s.programs {
		used, err := p.cpuSeconds()
		if err != nil {
			return err
		}
		u.Programs[p.name].CPUSeconds += used
	}
	appended, err := s.samplesAppended(ctx)
	if err != nil {
		return err
	}
	u.Samples += appended
	u.sum()
	return nil
}

// rangeQueries are typical for dashboards over the load.
var rangeQueries = []string{
	`sum(rate(load_requests_total[1m]))`,
	`sum by (service, code) (rate(load_requests_total[1m]))`,
	`topk(10, avg_over_time(load_queue_length[1m]))`,
	`sum by (mode) (rate(node_cpu_seconds_total[1m]))`,
}

// dashboard sends the same range queries to both sides, as an open dashboard does at each refresh, and records the latencies.
type dashboard struct {
	running   []*side
	latencies map[string]map[string][]float64
}

func newDashboard(running []*side) *dashboard {
	d := &dashboard{running: running, latencies: map[string]map[string][]float64{}}
	for _, query := range rangeQueries {
		d.latencies[query] = map[string][]float64{}
	}
	return d
}

// refresh runs all queries once. The sides take turns in being first.
func (d *dashboard) refresh(ctx context.Context) error {
	const window, step = 3 * time.Minute, 5
	slices.Reverse(d.running)
	now := time.Now()
	for _, query := range rangeQueries {
		params := url.Values{
			"query": {query}, "step": {strconv.Itoa(step)},
			"start": {strconv.FormatInt(now.Add(-window).Unix(), 10)}, "end": {strconv.FormatInt(now.Unix(), 10)},
		}
		for _, s := range d.running {
			var answer any
			begin := time.Now()
			if err := s.get(ctx, "/api/v1/query_range", params, &answer); err != nil {
				return err
			}
			d.latencies[query][s.name] = append(d.latencies[query][s.name], time.Since(begin).Seconds())
		}
	}
	return nil
}

// medians returns the median latency in seconds by query and side.
func (d *dashboard) medians() map[string]map[string]float64 {
	result := map[string]map[string]float64{}
	for query, byside := range d.latencies {
		result[query] = map[string]float64{}
		for name, values := range byside {
			result[query][name] = median(values)
		}
	}
	return result
}

// median returns the median of the values.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func sleep(ctx context.Context, duration time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(duration):
		return nil
	}
}
