package e2e

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// badTarget is a misbehaving scrape target, with the expected text of its last error.
type badTarget struct {
	job     string
	extra   string
	handler http.HandlerFunc
	reason  string
	counter string // the metric that counts it, if there is one
}

// gigabytes is the size to which an endless response is limited, in case it is read to the end.
const gigabytes = 2 << 30

func badTargets() []badTarget {
	return []badTarget{
		{job: "silent", handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, reason: `deadline exceeded|timeout`},
		{job: "huge", handler: func(w http.ResponseWriter, _ *http.Request) { writeMetrics(w, gigabytes) },
			reason: `body size limit exceeded`, counter: "prometheus_target_scrapes_exceeded_body_size_limit_total"},
		{job: "bomb", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			packer := gzip.NewWriter(w)
			writeMetrics(packer, gigabytes)
			_ = packer.Close() // the reader is gone by then
		}, reason: `body size limit exceeded`},
		{job: "garbage", handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("\xff\xfe\x01{{{ not a metric\n"))
		}, reason: `(?i)expected|invalid|parse`},
		{job: "html", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<!doctype html><title>Sign in</title>")
		}, reason: `text/html`},
		{job: "failing", handler: func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no", http.StatusInternalServerError)
		}, reason: `HTTP status 500`},
		{job: "many", extra: "sample_limit: 100", handler: func(w http.ResponseWriter, _ *http.Request) {
			for i := range 101 {
				fmt.Fprintf(w, "many{series=\"%d\"} 1\n", i)
			}
		}, reason: `sample limit exceeded`, counter: "prometheus_target_scrapes_exceeded_sample_limit_total"},
		{job: "flood", handler: func(w http.ResponseWriter, _ *http.Request) {
			for i := range 300_000 {
				fmt.Fprintf(w, "flood{series=\"%d\"} 1\n", i)
			}
		}, reason: `sample limit exceeded`},
		{job: "labels", extra: "label_limit: 5", handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `labels{a="1",b="2",c="3",d="4",e="5",f="6"} 1`+"\n")
		}, reason: `label_limit`},
	}
}

// writeMetrics writes metrics in the text format until the size is reached or the reader closes.
func writeMetrics(w io.Writer, size int) {
	line := []byte(strings.Repeat("huge_metric{some=\"label\"} 1\n", 4096))
	for written := 0; written < size; {
		n, err := w.Write(line)
		written += n
		if err != nil {
			return
		}
	}
}

// Whatever a target does, only that target is down, with its reason, and the process does not grow.
func TestBadTargetsHarmNobody(t *testing.T) {
	t.Parallel()
	const mostMemory = 600 << 20
	config := strings.Builder{}
	config.WriteString("global: {scrape_interval: 5s, scrape_timeout: 5s}\nscrape_configs:\n")
	job := func(name, extra, address string) {
		fmt.Fprintf(&config, "  - job_name: %s\n    %s\n    static_configs: [{targets: ['%s']}]\n", name, extra, address)
	}
	for _, bad := range badTargets() {
		job(bad.job, bad.extra, serveTarget(t, bad.handler))
	}
	job("absent", "", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	good, _ := counterTarget(t)
	job("good", "scrape_interval: 1s", good)
	s := startAusguck(t, configDir(t, map[string]string{"prometheus.yml": config.String()}), t.TempDir(), metricsOnly...)

	for _, bad := range append(badTargets(), badTarget{job: "absent", reason: "connection refused"}) {
		eventually(t, time.Minute, func() error {
			found := s.targets(t)[bad.job]
			return errUnless(found.Health == "down" && matches(bad.reason, found.LastError),
				"target %s is %s: %q", bad.job, found.Health, found.LastError)
		})
		eventually(t, 15*time.Second, func() error {
			up := s.value(t, `up{job="`+bad.job+`"}`)
			return errUnless(up == 0, "up of %s is %v", bad.job, up)
		})
		if bad.counter != "" {
			require.Positive(t, metric(s.get(t, "/metrics"), bad.counter), bad.job)
		}
	}
	s.waitScrapes(t, 3)
	require.EqualValues(t, 1, s.value(t, `min_over_time(up{job="good"}[10m])`), "the good target was never down")
	require.Zero(t, s.value(t, `count({job=~"huge|bomb|garbage|html|many|flood|labels", __name__!~"up|scrape_.*"}) or vector(0)`))
	peak := s.memory(t, "VmHWM")
	t.Logf("peak of resident memory with the bad targets: %d MiB, now %d MiB", peak>>20, s.memory(t, "VmRSS")>>20)
	require.Less(t, peak, mostMemory)
	s.stop(t)
}
