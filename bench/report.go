package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// result is everything that a run has measured. The keys of the maps are the names of the sides: separate and ausguck.
type result struct {
	Time    time.Time             `json:"time"`
	Machine string                `json:"machine"`
	Load    load                  `json:"load"`
	Starts  map[string]startTimes `json:"starts"`
	// Quiet is the period without queries, Busy the one with a dashboard that is refreshed every five seconds.
	QuietSeconds float64           `json:"quiet_seconds"`
	Quiet        map[string]*usage `json:"quiet"`
	BusySeconds  float64           `json:"busy_seconds"`
	Busy         map[string]*usage `json:"busy"`
	// Queries holds the median latencies in seconds, by query and side.
	Queries map[string]map[string]float64 `json:"queries"`
	// Refreshes is what a refresh of a dashboard costs, by window.
	Refreshes []map[string]*refreshResult `json:"refreshes"`
	LogRate   int                         `json:"log_bytes_per_second"`
	Logs      map[string]*logResult       `json:"logs"`
}

// startTimes are medians in seconds since the start of the program on an empty folder.
type startTimes struct {
	// Server is the time until /-/ready responds with 200.
	Server float64 `json:"server_ready_seconds"`
	// All is the time until the metrics of the host and the containers are available too.
	All  float64 `json:"all_ready_seconds"`
	Stop float64 `json:"stop_seconds"`
	// Idle is the resident memory in bytes of an idle side.
	Idle float64 `json:"idle_rss_bytes"`
}

// usage is what a side used during the measurement.
type usage struct {
	Programs map[string]*programUsage `json:"programs"`
	Samples  float64                  `json:"samples_appended"`
	programUsage
	SamplesPerCPUSecond float64 `json:"samples_per_cpu_second"`
}

// programUsage is what a process, or a whole side, used. Memory is the median over the measurement, in bytes.
type programUsage struct {
	CPUSeconds float64 `json:"cpu_seconds"`
	RSS        float64 `json:"rss_bytes"`
	Anonymous  float64 `json:"anonymous_bytes"`
	PeakRSS    float64 `json:"peak_rss_bytes"`

	rss, anonymous []float64
}

func (u *programUsage) add(m memory) {
	u.rss = append(u.rss, float64(m.RSS))
	u.anonymous = append(u.anonymous, float64(m.Anonymous))
}

// sum computes the medians and adds up the processes, measurement by measurement.
func (u *usage) sum() {
	for _, program := range u.Programs {
		program.settle()
		u.CPUSeconds += program.CPUSeconds
		if u.rss == nil {
			u.rss, u.anonymous = make([]float64, len(program.rss)), make([]float64, len(program.rss))
		}
		for i := range program.rss {
			u.rss[i] += program.rss[i]
			u.anonymous[i] += program.anonymous[i]
		}
	}
	u.settle()
	u.SamplesPerCPUSecond = u.Samples / u.CPUSeconds
}

func (u *programUsage) settle() {
	u.RSS, u.Anonymous, u.PeakRSS = median(u.rss), median(u.anonymous), slices.Max(u.rss)
}

// row is a row of the main table, or a heading in it if it has no format.
type row struct {
	name              string
	separate, ausguck float64
	format            string
	aim               string
}

const megabyte = 1e6

// print writes the result as Markdown tables.
func (r result) print(out io.Writer) {
	fmt.Fprintf(out, "%s, %s.\n%d series on %d targets, scraped every %s, with the host and the containers, and %.1f MB of logs a second.\n\n",
		r.Time.Format("2006-01-02 15:04 MST"), r.Machine, r.Load.Series, r.Load.Targets, r.Load.Interval, float64(r.LogRate)/megabyte)
	var rows []row
	for _, part := range []struct {
		name  string
		sides map[string]*usage
	}{
		{fmt.Sprintf("%.0f s without queries", r.QuietSeconds), r.Quiet},
		{fmt.Sprintf("%.0f s with a dashboard", r.BusySeconds), r.Busy},
	} {
		separate, ausguck := part.sides["separate"], part.sides["ausguck"]
		rows = append(rows,
			row{name: "**" + part.name + "**"},
			row{"resident memory, MB (median)", separate.RSS / megabyte, ausguck.RSS / megabyte, "%.0f", "≤ 0.5"},
			row{"resident memory, MB (peak)", separate.PeakRSS / megabyte, ausguck.PeakRSS / megabyte, "%.0f", ""},
			row{"anonymous memory, MB (median)", separate.Anonymous / megabyte, ausguck.Anonymous / megabyte, "%.0f", "≤ 0.6"},
			row{"CPU, seconds", separate.CPUSeconds, ausguck.CPUSeconds, "%.1f", "≤ 0.8"},
			row{"samples per CPU second", separate.SamplesPerCPUSecond, ausguck.SamplesPerCPUSecond, "%.0f", ""},
		)
	}
	rows = append(rows, row{name: "**median latency of the dashboard's queries, ms**"})
	for _, query := range rangeQueries {
		latency := r.Queries[query]
		rows = append(rows, row{"`" + query + "`", latency["separate"] * 1000, latency["ausguck"] * 1000, "%.1f", ""})
	}
	rows = append(rows, r.refreshRows()...)
	rows = append(rows, r.logRows()...)
	if separate, ausguck := r.Starts["separate"], r.Starts["ausguck"]; separate.Server > 0 { // -starts=0 omits them
		rows = append(rows,
			row{name: "**start and stop with an empty folder, seconds (median)**"},
			row{"server ready", separate.Server, ausguck.Server, "%.2f", ""},
			row{"host and container metrics there too", separate.All, ausguck.All, "%.2f", ""},
			row{"stopped", separate.Stop, ausguck.Stop, "%.2f", ""},
			row{"resident memory idle, MB", separate.Idle / megabyte, ausguck.Idle / megabyte, "%.0f", ""},
		)
	}
	printRows(out, rows)
	r.printPrograms(out)
}

// refreshRows returns the figures of the dashboard refreshes.
func (r result) refreshRows() (rows []row) {
	for i, sides := range r.Refreshes {
		separate, ausguck := sides["separate"], sides["ausguck"]
		rows = append(rows,
			row{name: fmt.Sprintf("**a refresh of %d panels, %v in steps of %v**", len(panels), windows[i].span, windows[i].step)},
			row{"CPU, ms", separate.CPUSeconds * 1000, ausguck.CPUSeconds * 1000, "%.1f", "≤ 0.2"},
			row{"a panel, ms (median)", separate.P50 * 1000, ausguck.P50 * 1000, "%.1f", "≤ 1"},
			row{"a panel, ms (95th percentile)", separate.P95 * 1000, ausguck.P95 * 1000, "%.1f", "≤ 1"},
		)
	}
	return rows
}

// logRows returns the figures of the burst of logs and of the queries about it.
func (r result) logRows() []row {
	separate, ausguck := r.Logs["separate"], r.Logs["ausguck"]
	rows := []row{
		{name: fmt.Sprintf("**%.0f MB of logs at once, %d lines**", separate.Megabytes, separate.Lines)},
		{"stored, MB per second", separate.Megabytes / separate.StoreSeconds, ausguck.Megabytes / ausguck.StoreSeconds, "%.1f", ""},
		{"stored, MB per CPU second", separate.Megabytes / separate.StoreCPUSeconds, ausguck.Megabytes / ausguck.StoreCPUSeconds, "%.1f", "≥ 1.2"},
		{"stored, lines per CPU second", float64(separate.Lines) / separate.StoreCPUSeconds, float64(ausguck.Lines) / ausguck.StoreCPUSeconds, "%.0f", "≥ 1.2"},
	}
	for _, name := range slices.Sorted(maps.Keys(logQueries)) {
		rows = append(rows, row{name + ", MB per second", separate.QueryMegabytes[name], ausguck.QueryMegabytes[name], "%.0f", ""})
	}
	return rows
}

// printPrograms prints the share of each separate program.
func (r result) printPrograms(out io.Writer) {
	fmt.Fprintf(out, "\nThe separate programs without queries:\n\n| program | resident MB | anonymous MB | CPU seconds |\n|---|---:|---:|---:|\n")
	programs := r.Quiet["separate"].Programs
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		p := programs[name]
		fmt.Fprintf(out, "| %s | %.0f | %.0f | %.1f |\n", name, p.RSS/megabyte, p.Anonymous/megabyte, p.CPUSeconds)
	}
}

func printRows(out io.Writer, rows []row) {
	fmt.Fprintln(out, "| | separate programs | Ausguck | ratio | aim |\n|---|---:|---:|---:|---|")
	for _, r := range rows {
		if r.format == "" {
			fmt.Fprintf(out, "| %s | | | | |\n", r.name)
			continue
		}
		fmt.Fprintf(out, "| %s | "+r.format+" | "+r.format+" | %.2f | %s |\n", r.name, r.separate, r.ausguck, r.ausguck/r.separate, r.aim)
	}
}

// describeMachine returns the name of the processor and its number of cores.
func describeMachine() string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range bytes.Lines(info) {
			if name, value, found := strings.Cut(string(line), ":"); found && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", model, runtime.NumCPU(), runtime.Version())
}
