// Command bench compares Ausguck with the stock Prometheus, Alertmanager, node_exporter, cAdvisor, Loki and Promtail in one run.
//
// Both sides do the same work at the same time: they scrape the same load, the host and the containers and collect the same logs,
// each with its default settings. The result is printed as tables with ratios and written to bench/out as JSON.
// docs/benchmarks.md explains the figures.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

type options struct {
	ausguck  string
	stockDir string
	out      string
	load     load
	warmUp   time.Duration
	duration time.Duration
	busy     time.Duration
	starts   int
	logRate  int
	logBurst int

	refreshes     int
	refreshesOnly bool
	logDir        string // log files of the load, read by both sides
}

func main() {
	var o options
	var serveLoad bool
	flag.StringVar(&o.ausguck, "ausguck", "bin/ausguck", "the program to measure")
	flag.StringVar(&o.stockDir, "stock", "bin/stock", "folder of the stock programs")
	flag.StringVar(&o.out, "out", "bench/out", "folder for the results as JSON")
	flag.IntVar(&o.load.Series, "series", 50_000, "series of the load")
	flag.IntVar(&o.load.Targets, "targets", 25, "targets that the load is spread over")
	flag.DurationVar(&o.load.Interval, "interval", 10*time.Second, "scrape interval")
	flag.DurationVar(&o.warmUp, "warm-up", time.Minute, "time before the measurement, in which the series are created")
	flag.DurationVar(&o.duration, "duration", 2*time.Minute, "time of the measurement without queries")
	flag.DurationVar(&o.busy, "busy", time.Minute, "time of the measurement with a dashboard")
	flag.IntVar(&o.starts, "starts", 5, "starts to take the median of")
	flag.IntVar(&o.logRate, "log-rate", 1_000_000, "bytes of logs a second")
	flag.IntVar(&o.logBurst, "log-burst", 60_000_000, "bytes of logs that are stored at once and asked for")
	flag.IntVar(&o.refreshes, "refreshes", 60, "refreshes of a dashboard")
	flag.BoolVar(&o.refreshesOnly, "refreshes-only", false, "measure nothing else")
	flag.BoolVar(&serveLoad, "serve-load", false, "serve the load and print its addresses; used by the benchmark itself")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if serveLoad {
		err = o.load.serve(ctx, os.Stdout)
	} else {
		err = run(ctx, slog.New(slog.NewTextHandler(os.Stderr, nil)), o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, prints the tables and writes the result.
func run(ctx context.Context, logger *slog.Logger, o options) error {
	if err := o.check(); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "ausguck-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	o.logDir = filepath.Join(work, "logs")
	if err := os.Mkdir(o.logDir, 0o755); err != nil {
		return err
	}

	result := result{Time: time.Now().UTC().Truncate(time.Second), Machine: describeMachine(), Load: o.load, LogRate: o.logRate, QuietSeconds: o.duration.Seconds(), BusySeconds: o.busy.Seconds()}
	if result.Refreshes, err = measureRefreshes(ctx, logger, o, work); err != nil {
		return fmt.Errorf("measure refreshes: %w", err)
	}
	if o.refreshesOnly {
		printRows(os.Stdout, result.refreshRows())
		return nil
	}
	if result.Starts, err = measureStarts(ctx, logger, o, work); err != nil {
		return fmt.Errorf("measure the starts: %w", err)
	}
	if err := measureWork(ctx, logger, o, work, &result); err != nil {
		return fmt.Errorf("measure the work: %w", err)
	}
	result.print(os.Stdout)
	return result.save(o.out)
}

// check returns an error for a missing program, with the command that builds it.
func (o options) check() error {
	for path, command := range map[string]string{
		o.ausguck:                                  "CGO_ENABLED=0 go build -o bin/ausguck ./cmd/ausguck",
		filepath.Join(o.stockDir, "prometheus"):    "tools/stock/build.sh bin/stock",
		filepath.Join(o.stockDir, "node_exporter"): "tools/stock/build.sh bin/stock",
		filepath.Join(o.stockDir, "cadvisor"):      "tools/stock/build.sh bin/stock",
		filepath.Join(o.stockDir, "alertmanager"):  "tools/stock/build.sh bin/stock",
		filepath.Join(o.stockDir, "loki"):          "tools/stock/build.sh bin/stock",
		filepath.Join(o.stockDir, "promtail"):      "tools/stock/build.sh bin/stock",
	} {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is missing; build it: %s", path, command)
		}
	}
	if o.load.Targets < 1 || o.load.Series < o.load.Targets {
		return fmt.Errorf("%d series cannot be spread over %d targets", o.load.Series, o.load.Targets)
	}
	return nil
}

// save writes the result as JSON, to a file named after its time and to latest.json.
func (r result) save(dir string) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{r.Time.Format("20060102-150405") + ".json", "latest.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), append(content, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
