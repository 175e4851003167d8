package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"
)

// sampleInterval is the time between two looks at the memory. Each costs the kernel a walk over the process's pages.
const sampleInterval = 5 * time.Second

// sides are the two ways to do the work.
var sides = []struct {
	name  string
	start func(ctx context.Context, o options, dir string, targets []string) (*side, error)
}{
	{"separate", startSeparate},
	{"ausguck", startAusguck},
}

// begin starts a side in a folder of its own.
func begin(ctx context.Context, o options, work string, which int, targets []string) (*side, error) {
	dir, err := os.MkdirTemp(work, sides[which].name+"-*")
	if err != nil {
		return nil, err
	}
	return sides[which].start(ctx, o, dir, targets)
}

// measureStarts starts each side several times on an empty folder, in turns, and returns the median times.
func measureStarts(ctx context.Context, logger *slog.Logger, o options, work string) (map[string]startTimes, error) {
	server, all, stop := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
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
		starts[name] = startTimes{Server: median(server[name]), All: median(all[name]), Stop: median(stop[name])}
	}
	return starts, nil
}

// measureWork has both sides do the work at the same time and fills the rest of the result.
func measureWork(ctx context.Context, logger *slog.Logger, o options, work string, result *result) error {
	generator, targets, err := startLoad(ctx, o.load)
	if err != nil {
		return err
	}
	defer func() {
		_ = generator.Process.Kill()
		_ = generator.Wait()
	}()
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
		if err := s.requireWork(ctx, o.load); err != nil {
			return err
		}
	}
	logger.Info("Measuring", "seconds", o.duration.Seconds())
	if result.Sides, err = watch(ctx, running, o.duration); err != nil {
		return err
	}
	if result.Queries, err = measureQueries(ctx, running); err != nil {
		return err
	}
	for _, s := range running {
		if _, err := s.stop(); err != nil {
			return err
		}
	}
	return nil
}

// requireWork makes sure that the side scrapes all that it should, or its figures would be worth nothing.
func (s *side) requireWork(ctx context.Context, l load) error {
	for expression, want := range map[string]float64{
		`count({__name__=~"load_.*"})`:                    float64(l.Series),
		`count(up{job="load"} == 1)`:                      float64(l.Targets),
		`count(up{job!="load"} == 1)`:                     3,
		`count(count(node_cpu_seconds_total))`:            1,
		`count(count(container_cpu_usage_seconds_total))`: 1,
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

// watch looks at the processes of both sides for a time.
func watch(ctx context.Context, running []*side, duration time.Duration) (map[string]*usage, error) {
	usages := map[string]*usage{}
	for _, s := range running {
		u := &usage{Programs: map[string]*programUsage{}}
		for _, p := range s.programs {
			begin, err := p.cpuSeconds()
			if err != nil {
				return nil, err
			}
			u.Programs[p.name] = &programUsage{CPUSeconds: -begin}
		}
		appended, err := s.samplesAppended(ctx)
		if err != nil {
			return nil, err
		}
		u.Samples = -appended
		usages[s.name] = u
	}
	for end := time.Now().Add(duration); time.Now().Before(end); {
		for _, s := range running {
			for _, p := range s.programs {
				m, err := p.memory()
				if err != nil {
					return nil, err
				}
				usages[s.name].Programs[p.name].add(m)
			}
		}
		if err := sleep(ctx, min(sampleInterval, time.Until(end))); err != nil {
			return nil, err
		}
	}
	for _, s := range running {
		u := usages[s.name]
		for _, p := range s.programs {
			end, err := p.cpuSeconds()
			if err != nil {
				return nil, err
			}
			u.Programs[p.name].CPUSeconds += end
		}
		appended, err := s.samplesAppended(ctx)
		if err != nil {
			return nil, err
		}
		u.Samples += appended
		u.sum()
	}
	return usages, nil
}

// rangeQueries are typical for dashboards over the load.
var rangeQueries = []string{
	`sum(rate(load_requests_total[1m]))`,
	`sum by (service, code) (rate(load_requests_total[1m]))`,
	`topk(10, avg_over_time(load_queue_length[1m]))`,
	`sum by (mode) (rate(node_cpu_seconds_total[1m]))`,
}

// measureQueries asks both sides the same range queries in turns and returns the median latencies in seconds.
func measureQueries(ctx context.Context, running []*side) (map[string]map[string]float64, error) {
	const rounds, window, step = 9, 3 * time.Minute, 5
	end := time.Now()
	latencies := map[string]map[string]float64{}
	for _, query := range rangeQueries {
		times := map[string][]float64{}
		params := url.Values{
			"query": {query}, "step": {strconv.Itoa(step)},
			"start": {strconv.FormatInt(end.Add(-window).Unix(), 10)}, "end": {strconv.FormatInt(end.Unix(), 10)},
		}
		for range rounds {
			for _, s := range running {
				var answer any
				begin := time.Now()
				if err := s.get(ctx, "/api/v1/query_range", params, &answer); err != nil {
					return nil, err
				}
				times[s.name] = append(times[s.name], time.Since(begin).Seconds())
			}
		}
		latencies[query] = map[string]float64{}
		for name, values := range times {
			latencies[query][name] = median(values)
		}
	}
	return latencies, nil
}

// median returns the middle of the values.
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
