package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// The history that both sides have stored before the dashboard is opened: blocks, as after some time of operation. Nothing is
// scraped meanwhile, so that only the cost of the refreshes is measured.
const (
	historyBefore = 7 * time.Hour
	historyAfter  = 10 * time.Minute // for the steps of later refreshes
	historyStep   = 15 * time.Second
)

// windows are the time ranges of the dashboard; six hours is Grafana's default.
var windows = []struct{ span, step time.Duration }{{time.Hour, 15 * time.Second}, {6 * time.Hour, 30 * time.Second}}

// panels are the queries of the dashboard.
var panels = []string{
	`sum(rate(http_requests_total[5m]))`,
	`sum by (service) (rate(http_requests_total[5m]))`,
	`sum by (code) (rate(http_requests_total[5m]))`,
	`sum(rate(http_requests_total{code="500"}[5m])) / sum(rate(http_requests_total[5m]))`,
	`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))`,
	`histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket[5m])))`,
	`avg by (service) (process_resident_memory_bytes)`,
	`max_over_time(queue_length{service="service-1"}[5m])`,
	`rate(process_cpu_seconds_total[5m])`,
	`sum by (instance) (increase(http_requests_total{service="service-2"}[10m]))`,
	`count(up == 1)`,
	`up`,
}

// writeHistory creates the blocks: 20 services with 3 instances each.
func writeHistory(ctx context.Context, dir string, now time.Time) error {
	var all []labels.Labels
	var slope []float64 // of a bucket, greater than that of the previous one
	for i := range 60 {
		own := []string{"job", "services", "service", fmt.Sprint("service-", i%20), "instance", fmt.Sprint("host-", i)}
		add := func(name string, more ...string) {
			all = append(all, labels.FromStrings(append(append([]string{"__name__", name}, own...), more...)...))
			slope = append(slope, float64(len(all)%7))
		}
		for _, gauge := range []string{"up", "process_resident_memory_bytes", "queue_length", "process_cpu_seconds_total"} {
			add(gauge)
		}
		for route := range 10 {
			for _, code := range []string{"200", "404", "500"} {
				add("http_requests_total", "route", fmt.Sprint("/", route), "code", code)
			}
		}
		for n, le := range []string{"0.01", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"} {
			add("http_request_duration_seconds_bucket", "le", le)
			slope[len(slope)-1] = float64(n)
		}
	}
	end := now.Add(historyAfter)
	for from := now.Add(-historyBefore).Truncate(2 * time.Hour); from.Before(end); from = from.Add(2 * time.Hour) {
		w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, (2 * time.Hour).Milliseconds())
		if err != nil {
			return err
		}
		for at := from; at.Before(from.Add(2*time.Hour)) && at.Before(end); at = at.Add(historyStep) {
			app := w.Appender(ctx)
			for i, ls := range all {
				v := math.Floor(float64(at.Unix()%1e6) * (1 + slope[i]) / 3)
				if ls.Get("__name__") == "up" {
					v = 1
				}
				if _, err := app.Append(storage.SeriesRef(0), ls, at.UnixMilli(), v); err != nil {
					return err
				}
			}
			if err := app.Commit(); err != nil {
				return err
			}
		}
		if _, err := w.Flush(ctx); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

// refreshResult is the cost of a side for refreshing an open dashboard, without its cost when it is not queried.
type refreshResult struct {
	CPUSeconds float64 `json:"cpu_seconds_per_refresh"`
	P50        float64 `json:"p50_seconds"` // of a panel
	P95        float64 `json:"p95_seconds"`
}

// asker sends the query of a panel.
type asker func(ctx context.Context, query string, from, to time.Time, step time.Duration) error

// measureRefreshes opens the dashboard on both sides, refreshes it many times, and returns the cost by window and side.
func measureRefreshes(ctx context.Context, logger *slog.Logger, o options, work string) ([]map[string]*refreshResult, error) {
	var running []*side
	var asks []asker
	for _, name := range []string{"separate", "ausguck"} {
		dir, err := os.MkdirTemp(work, "refresh-"+name+"-*")
		if err != nil {
			return nil, err
		}
		data := map[string]string{"separate": "tsdb", "ausguck": "data/prometheus"}[name]
		if err := writeHistory(ctx, filepath.Join(dir, data), time.Now()); err != nil {
			return nil, err
		}
		s, err := startQuiet(ctx, o, dir, name, filepath.Join(dir, data))
		if err != nil {
			return nil, err
		}
		if _, _, err := s.waitReady(ctx); err != nil {
			return nil, err
		}
		ask := asker(s.askRange)
		if name == "ausguck" {
			if ask, err = s.asPage(ctx); err != nil {
				return nil, err
			}
		}
		running, asks = append(running, s), append(asks, ask)
	}
	if err := sleep(ctx, idleTime); err != nil {
		return nil, err
	}
	var all []map[string]*refreshResult
	for _, w := range windows {
		logger.Info("Measuring the refreshes of a dashboard", "refreshes", o.refreshes, "window", w.span)
		results, err := refreshes(ctx, o.refreshes, running, asks, w.span, w.step)
		if err != nil {
			return nil, err
		}
		all = append(all, results)
	}
	for _, s := range running {
		if _, err := s.stop(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// refreshes measures the refreshes of one window.
func refreshes(ctx context.Context, n int, running []*side, asks []asker, span, step time.Duration) (map[string]*refreshResult, error) {
	results := map[string]*refreshResult{}
	for _, s := range running {
		results[s.name] = &refreshResult{}
	}
	took := map[string][]float64{}
	used := func(sign float64) error {
		for _, s := range running {
			seconds, err := s.programs[0].cpuSeconds()
			if err != nil {
				return err
			}
			results[s.name].CPUSeconds += sign * seconds
		}
		return nil
	}
	refresh := func() error {
		now := time.Now()
		for _, query := range panels {
			for i, s := range running {
				begin := time.Now()
				if err := asks[i](ctx, query, now.Add(-span), now, step); err != nil {
					return fmt.Errorf("%s on the side %s: %w", query, s.name, err)
				}
				took[s.name] = append(took[s.name], time.Since(begin).Seconds())
			}
		}
		return sleep(ctx, time.Second)
	}
	if err := refresh(); err != nil { // opens the dashboard
		return nil, err
	}
	clear(took)
	if err := used(-1); err != nil {
		return nil, err
	}
	began := time.Now()
	for range n {
		if err := refresh(); err != nil {
			return nil, err
		}
	}
	if err := used(1); err != nil {
		return nil, err
	}
	if err := used(1); err != nil { // the cost in the same time without queries
		return nil, err
	}
	if err := sleep(ctx, time.Since(began)); err != nil {
		return nil, err
	}
	if err := used(-1); err != nil {
		return nil, err
	}
	for _, s := range running {
		r, sorted := results[s.name], slices.Sorted(slices.Values(took[s.name]))
		r.CPUSeconds /= float64(n)
		r.P50, r.P95 = median(sorted), sorted[len(sorted)*95/100]
	}
	return results, nil
}

// startQuiet starts the side's program that serves the dashboard, without targets.
func startQuiet(ctx context.Context, o options, dir, name, data string) (*side, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config")
	if err := os.MkdirAll(config, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(config, "prometheus.yml"), []byte("scrape_configs: []\n"), 0o644); err != nil {
		return nil, err
	}
	s := &side{name: name, api: "http://" + address}
	path, args := filepath.Join(o.stockDir, "prometheus"), []string{
		"--config.file=" + filepath.Join(config, "prometheus.yml"), "--storage.tsdb.path=" + data, "--web.listen-address=" + address,
	}
	if name == "ausguck" {
		path, args = o.ausguck, []string{
			"--config.dir=" + config, "--storage.path=" + filepath.Dir(data), "--web.listen-address=" + address, "--no-web.well-known-ports",
		}
	}
	p, err := start(ctx, dir, name, []sign{{s.api + "/-/ready", ""}}, path, args...)
	if err != nil {
		return nil, err
	}
	s.programs = []*program{p}
	return s, nil
}

// askRange queries Prometheus as Grafana's server does for a panel.
func (s *side) askRange(ctx context.Context, query string, from, to time.Time, step time.Duration) error {
	var answer any
	at := func(t time.Time) string { return strconv.FormatInt(t.Truncate(step).Unix(), 10) }
	return s.get(ctx, "/api/v1/query_range", url.Values{
		"query": {query}, "start": {at(from)}, "end": {at(to)}, "step": {strconv.Itoa(int(step.Seconds()))},
	}, &answer)
}

// asPage logs in and returns an asker that sends queries as the UI does.
func (s *side) asPage(ctx context.Context) (asker, error) {
	post := func(path, cookie string, body any) (*http.Response, error) {
		content, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.api+path, bytes.NewReader(content))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Cookie", cookie)
		res, err := http.DefaultClient.Do(r)
		if err == nil && res.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(io.LimitReader(res.Body, 500))
			_ = res.Body.Close()
			err = fmt.Errorf("POST %s: %s: %s", path, res.Status, text)
		}
		return res, err
	}
	res, err := post("/login", "", map[string]string{"user": "admin", "password": adminPassword})
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	cookie := ""
	for _, c := range res.Cookies() {
		cookie += c.Name + "=" + c.Value + "; "
	}
	return func(_ context.Context, query string, from, to time.Time, step time.Duration) error {
		res, err := post("/api/ds/query", cookie, map[string]any{
			"from": strconv.FormatInt(from.UnixMilli(), 10), "to": strconv.FormatInt(to.UnixMilli(), 10),
			"queries": []any{map[string]any{
				"refId": "A", "expr": query, "datasource": map[string]string{"type": "prometheus"}, "interval": step.String(), "maxDataPoints": 2000, "intervalMs": step.Milliseconds(),
			}},
		})
		if err != nil {
			return err
		}
		defer res.Body.Close()
		var answer any
		return json.NewDecoder(res.Body).Decode(&answer)
	}, nil
}
