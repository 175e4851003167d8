package main

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// logLoad is a log file that both sides read.
type logLoad struct {
	path      string
	perSecond int // bytes
}

// logLine returns a line of JSON of about 220 bytes, as services typically write.
func logLine(random *rand.Rand, n int) string {
	levels, routes := []string{"debug", "info", "info", "info", "warn", "error"}, []string{"/", "/login", "/api/v1/orders", "/api/v1/things"}
	return fmt.Sprintf(`{"ts":%q,"level":%q,"msg":"request served","seq":%d,"user":"user-%d","path":%q,"status":%d,"took_ms":%d,"trace":"%016x%016x"}`+"\n",
		time.Now().Format(time.RFC3339Nano), levels[random.IntN(len(levels))], n, random.IntN(5000), routes[random.IntN(len(routes))],
		200+100*random.IntN(4), random.IntN(2000), random.Uint64(), random.Uint64())
}

// run appends lines at the rate until ctx ends.
func (l logLoad) run(ctx context.Context) error {
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	random, out := rand.New(rand.NewPCG(1, 0)), bufio.NewWriter(file)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for begun, written, n := time.Now(), 0, 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for due := int(time.Since(begun).Seconds() * float64(l.perSecond)); written < due; n++ {
			count, err := out.WriteString(logLine(random, n))
			if err != nil {
				return err
			}
			written += count
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// burst writes a complete file of lines. It uses a temporary name first, so that both sides find the file complete.
func burst(dir string, size int) (lines int, err error) {
	file, err := os.Create(filepath.Join(dir, "burst.part"))
	if err != nil {
		return 0, err
	}
	random, out := rand.New(rand.NewPCG(2, 0)), bufio.NewWriter(file)
	for written := 0; written < size; lines++ {
		count, err := out.WriteString(logLine(random, lines))
		if err != nil {
			return 0, err
		}
		written += count
	}
	if err := out.Flush(); err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil {
		return 0, err
	}
	return lines, os.Rename(file.Name(), filepath.Join(dir, "burst.log"))
}

// logResult is what a side used to store a file of logs and to answer queries about it.
type logResult struct {
	Megabytes       float64 `json:"megabytes"`
	Lines           int     `json:"lines"`
	StoreSeconds    float64 `json:"store_seconds"`
	StoreCPUSeconds float64 `json:"store_cpu_seconds"`
	// QueryMegabytes is how many megabytes of lines a query processes per second, as a median by kind of query.
	QueryMegabytes map[string]float64 `json:"query_megabytes_per_second"`
}

// logQueries read the whole burst; %s is replaced by its selector.
var logQueries = map[string]string{
	"filter":          `{job="bench", filename=~".*burst.log"} |= "no such words"`,
	"json filter":     `{job="bench", filename=~".*burst.log"} | json | took_ms > 5000`,
	"count_over_time": `sum(count_over_time({job="bench", filename=~".*burst.log"} |= "e" [1h]))`,
}

// measureLogs lets both sides store the same file at the same time, and then queries them in turn.
func measureLogs(ctx context.Context, running []*side, dir string, size int) (map[string]*logResult, error) {
	results := map[string]*logResult{}
	before := map[string]float64{}
	for _, s := range running {
		cpu, err := s.cpuSeconds()
		if err != nil {
			return nil, err
		}
		before[s.name] = cpu
	}
	lines, err := burst(dir, size)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for len(results) < len(running) {
		for _, s := range running {
			if results[s.name] != nil {
				continue
			}
			got, err := s.logCount(ctx, `sum(count_over_time({job="bench", filename=~".*burst.log"}[1h]))`)
			if err != nil {
				return nil, err
			}
			if got < float64(lines) {
				continue
			}
			cpu, err := s.cpuSeconds()
			if err != nil {
				return nil, err
			}
			results[s.name] = &logResult{
				Megabytes: float64(size) / megabyte, Lines: lines, StoreSeconds: time.Since(begin).Seconds(),
				StoreCPUSeconds: cpu - before[s.name], QueryMegabytes: map[string]float64{},
			}
		}
		if time.Since(begin) > 3*time.Minute {
			return nil, fmt.Errorf("after 3 minutes not all of %d lines are stored: %v are done", lines, slices.Collect(maps.Keys(results)))
		}
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return results, measureLogQueries(ctx, running, results)
}

// measureLogQueries runs each query several times; the sides take turns in being first.
func measureLogQueries(ctx context.Context, running []*side, results map[string]*logResult) error {
	const rounds = 7
	running = slices.Clone(running)
	for name, query := range logQueries {
		took := map[string][]float64{}
		for range rounds {
			slices.Reverse(running)
			for _, s := range running {
				begin := time.Now()
				if err := s.logQuery(ctx, query, new(any)); err != nil {
					return err
				}
				took[s.name] = append(took[s.name], time.Since(begin).Seconds())
			}
		}
		for side, seconds := range took {
			results[side].QueryMegabytes[name] = results[side].Megabytes / median(seconds)
		}
	}
	return nil
}

// logQuery queries Loki's API without its results cache.
func (s *side) logQuery(ctx context.Context, query string, into any) error {
	now := time.Now()
	params := url.Values{"query": {query}, "limit": {"100"}, "time": {strconv.FormatInt(now.UnixNano(), 10)}}
	path := "/loki/api/v1/query"
	if query[0] == '{' {
		path = "/loki/api/v1/query_range"
		params.Set("start", strconv.FormatInt(now.Add(-time.Hour).UnixNano(), 10))
		params.Set("end", strconv.FormatInt(now.UnixNano(), 10))
	}
	return s.ask(ctx, s.logs, path, params, http.Header{"Cache-Control": {"no-store"}}, into)
}

// logCount evaluates a LogQL query that returns one number; an empty result is 0.
func (s *side) logCount(ctx context.Context, query string) (float64, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := s.logQuery(ctx, query, &answer); err != nil || len(answer.Data.Result) == 0 {
		return 0, err
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}

// cpuSeconds returns what all processes of the side have used so far.
func (s *side) cpuSeconds() (float64, error) {
	sum := 0.0
	for _, p := range s.programs {
		used, err := p.cpuSeconds()
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// lokiFile is upstream's own example for a single process, with Ausguck's limits, because the example's would only cause waiting.
func lokiFile(dir, port string) string {
	return fmt.Sprintf(`auth_enabled: false
analytics: {reporting_enabled: false}
server: {http_listen_address: 127.0.0.1, http_listen_port: %s, grpc_listen_address: 127.0.0.1, grpc_listen_port: 0, log_level: warn}
common:
  instance_addr: 127.0.0.1
  path_prefix: %[2]s
  storage: {filesystem: {chunks_directory: %[2]s/chunks, rules_directory: %[2]s/rules}}
  replication_factor: 1
  ring: {kvstore: {store: inmemory}}
query_range: {results_cache: {cache: {embedded_cache: {enabled: true, max_size_mb: 100}}}}
pattern_ingester: {enabled: true}
compactor: {retention_enabled: true, delete_request_store: filesystem}
schema_config: {configs: [{from: 2020-10-24, store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}]}
limits_config: {retention_period: 15d, ingestion_rate_mb: 64, ingestion_burst_size_mb: 128, per_stream_rate_limit: 32MB, per_stream_rate_limit_burst: 64MB, volume_enabled: true}
`, port, dir)
}

// promtailFile collects the log load.
func promtailFile(dir, logs, loki string) string {
	return fmt.Sprintf(`server: {http_listen_address: 127.0.0.1, http_listen_port: 0, grpc_listen_address: 127.0.0.1, grpc_listen_port: 0, log_level: warn}
positions: {filename: %s/positions.yaml}
clients: [{url: 'http://%s/loki/api/v1/push'}]
scrape_configs: [{job_name: bench, static_configs: [{targets: [localhost], labels: {job: bench, __path__: '%s/*.log'}}]}]
`, dir, loki, logs)
}
