package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// load is the metrics that both sides scrape: Series time series, distributed over Targets targets.
type load struct {
	Series   int           `json:"series"`
	Targets  int           `json:"targets"`
	Interval time.Duration `json:"interval_ns"`
}

// family is a metric of the load. One in five series is a gauge, two are counters and two are buckets, as in typical services.
type family struct {
	name, kind string
	value      func(i int, at float64) float64
}

// The values change with every scrape, each in its own way, so that they compress like real ones.
var families = []family{
	{"load_requests_total", "counter", func(i int, at float64) float64 { return math.Floor(at * float64(1+i%50)) }},
	{"load_bytes_total", "counter", func(i int, at float64) float64 { return math.Floor(at * 1337.7 * float64(1+i%97)) }},
	{"load_queue_length", "gauge", func(i int, at float64) float64 { return math.Floor(50 + 50*math.Sin(at/60+float64(i))) }},
	{"load_seconds_bucket", "counter", func(i int, at float64) float64 { return math.Floor(at * float64(1+i%20)) }},
	{"load_memory_bytes_bucket", "counter", func(i int, at float64) float64 { return math.Floor(at / 3 * float64(1+i%10)) }},
}

// serve listens on a separate port for each target, writes the addresses as one line of JSON to out and serves until ctx is
// canceled.
func (l load) serve(ctx context.Context, out io.Writer) error {
	var addresses []string
	failed := make(chan error, l.Targets)
	begin := time.Now()
	for target := range l.Targets {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addresses = append(addresses, listener.Addr().String())
		go func() { failed <- http.Serve(listener, l.handler(target, begin)) }()
	}
	if err := json.NewEncoder(out).Encode(addresses); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// handler serves the page of a target, compressed if the scraper accepts that, as real services do.
func (l load) handler(target int, begin time.Time) http.Handler {
	names := l.seriesOf(target)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := renderPage(names, time.Since(begin).Seconds())
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			// It fails only if the scraper has disconnected.
			_, _ = w.Write(page)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		packer, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = packer.Write(page)
		_ = packer.Close()
	})
}

// seriesOf returns the names and labels of a target's series, by family.
func (l load) seriesOf(target int) [][]string {
	count := l.Series / l.Targets
	if target < l.Series%l.Targets {
		count++
	}
	names := make([][]string, len(families))
	for i := range count {
		of := i % len(families)
		names[of] = append(names[of], fmt.Sprintf(`%s{service="service-%d",route="/api/v1/things/%d",method="%s",code="%d"}`,
			families[of].name, target, i/20, []string{"GET", "POST"}[i/5%2], 200+i/10%2*300))
	}
	return names
}

// renderPage renders the page for a number of seconds after the start.
func renderPage(names [][]string, at float64) []byte {
	var page []byte
	for of, family := range families {
		page = append(page, "# HELP "+family.name+" A metric of the load.\n# TYPE "+family.name+" "+family.kind+"\n"...)
		for i, name := range names[of] {
			page = append(page, name...)
			page = append(page, ' ')
			page = strconv.AppendFloat(page, family.value(i, at), 'f', -1, 64)
			page = append(page, '\n')
		}
	}
	return page
}
