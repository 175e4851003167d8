package e2e

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// counts returns how many entries of each job are stored.
func (s *server) counts(t *testing.T, since time.Time) map[string]int64 {
	t.Helper()
	expression := fmt.Sprintf(`sum by (job) (count_over_time({job=~".+"}[%ds]))`, int(time.Since(since).Seconds())+60)
	var answer struct {
		Result []struct {
			Metric map[string]string `json:"metric"`
			Value  [2]any            `json:"value"`
		} `json:"result"`
	}
	s.data(t, "/loki/api/v1/query", url.Values{"query": {expression}, "time": {strconv.FormatInt(time.Now().UnixNano(), 10)}}, &answer)
	counts := map[string]int64{}
	for _, r := range answer.Result {
		n, err := strconv.ParseInt(fmt.Sprint(r.Value[1]), 10, 64)
		require.NoError(t, err)
		counts[r.Metric["job"]] = n
	}
	return counts
}

// written returns how many entries there must be.
func written(writers map[string]*logWriter) map[string]int64 {
	counts := map[string]int64{}
	for job, w := range writers {
		counts[job] = w.lines.Load()
		if job == "blocks" {
			counts[job] = w.entries.Load()
		}
	}
	return counts
}

// waitStored waits until exactly what was written is stored, and requires that this remains so over a restart.
func (s *server) waitStored(t *testing.T, begin time.Time, want map[string]int64) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		have := s.counts(t, begin)
		for job, n := range have {
			if n > want[job] {
				require.FailNow(t, "lines are stored twice", "job %s: %v of %v\n%s", job, have, want, s.doubles(t, job, begin))
			}
		}
		return errUnless(maps.Equal(want, have), "stored %v of %v", have, want)
	})
}

// stamps returns the timestamps of each line of a job.
func (s *server) stamps(t *testing.T, job string, begin time.Time) map[string][]int64 {
	t.Helper()
	const most = 5000
	at := map[string][]int64{}
	for from := begin.Add(-time.Minute).UnixNano(); ; {
		var answer struct {
			Result []struct {
				Values [][2]string `json:"values"`
			} `json:"result"`
		}
		s.data(t, "/loki/api/v1/query_range", url.Values{"query": {fmt.Sprintf("{job=%q}", job)}, "limit": {strconv.Itoa(most)}, "direction": {"forward"},
			"start": {strconv.FormatInt(from, 10)}, "end": {strconv.FormatInt(time.Now().UnixNano(), 10)}}, &answer)
		n := 0
		for _, stream := range answer.Result {
			for _, v := range stream.Values {
				stamp, err := strconv.ParseInt(v[0], 10, 64)
				require.NoError(t, err)
				if !slices.Contains(at[v[1]], stamp) { // it may have been on the previous page
					at[v[1]] = append(at[v[1]], stamp)
				}
				from = max(from, stamp) // the other lines of that time are on the next page
				n++
			}
		}
		if n < most {
			break
		}
	}
	return at
}

// doubles returns which lines of a job are stored more than once, how far apart, and whether the collector sent any
// again.
func (s *server) doubles(t *testing.T, job string, begin time.Time) string {
	t.Helper()
	const shown = 12
	page := s.get(t, "/metrics")
	var report strings.Builder
	fmt.Fprintf(&report, "sent again: %v, found stored before: %v\n",
		metric(page, "ausguck_logcollector_retries_total"), metric(page, "ausguck_logcollector_found_lines_total"))
	at := s.stamps(t, job, begin)
	var twice []string
	stored := 0
	for line, times := range at {
		stored += len(times)
		if len(times) > 1 {
			slices.Sort(times)
			twice = append(twice, fmt.Sprintf("%d %v ns later: %s", times[0], times[len(times)-1]-times[0], tail(line, 200)))
		}
	}
	slices.Sort(twice)
	fmt.Fprintf(&report, "%d lines answered, %d of them different, %d more than once\n%s\n", stored, len(at), len(twice), strings.Join(twice[:min(shown, len(twice))], "\n"))
	fmt.Fprintf(&report, "counted again: %v", s.counts(t, begin))
	return report.String()
}

const logConfig = "global: {scrape_interval: 15s}\n"

// 50 MB of every kind of log, with a rotation every second for a minute: the count equals what was written.
func TestEveryLineOnceThroughRotation(t *testing.T) {
	t.Parallel()
	const most, seconds = 50 << 20, 55
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dir := t.TempDir()
	config, storage := configDir(t, map[string]string{"prometheus.yml": logConfig, "promtail.yml": promtailFor(dir)}), t.TempDir()
	s := startAusguck(t, config, storage, "--no-cadvisor", "--no-node-exporter", "--no-docker")
	begin := time.Now()
	writers := everyKind(dir, 10, most/seconds)
	stop := make(chan struct{})
	wait := writeAll(t, writers, seed, 1<<40, stop)
	eventually(t, 2*time.Minute, func() error {
		var total int64
		for _, w := range writers {
			total += w.bytes.Load()
		}
		return errUnless(total >= most, "%d bytes", total)
	})
	close(stop)
	wait()
	want := written(writers)
	s.waitStored(t, begin, want)
	t.Logf("%v entries in %s", want, time.Since(begin).Round(time.Second))

	var sum struct {
		Result []struct {
			Value [2]any `json:"value"`
		} `json:"result"`
	}
	for _, parser := range []string{"json", "logfmt"} {
		s.data(t, "/loki/api/v1/query", url.Values{"query": {fmt.Sprintf(`sum(sum_over_time({job=%q} | %s | unwrap seq | __error__="" [10m]))`, parser, parser)}}, &sum)
		n := want[parser]
		require.Len(t, sum.Result, 1)
		have, err := strconv.ParseFloat(fmt.Sprint(sum.Result[0].Value[1]), 64)
		require.NoError(t, err)
		require.InDelta(t, float64(n*(n-1)/2), have, 0.5, "each number of job %s once", parser)
	}
	s.stop(t)

	s = startAusguck(t, config, storage, "--no-cadvisor", "--no-node-exporter", "--no-docker")
	require.Equal(t, want, s.counts(t, begin), "after a restart")
	s.stop(t)
}

// kills is how often TestEveryLineOnceThroughKills ends the process.
const kills = 20

// The same while the process is ended by kill -9 again and again, at any moment.
func TestEveryLineOnceThroughKills(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	config, storage := configDir(t, map[string]string{"prometheus.yml": logConfig, "promtail.yml": promtailFor(dir)}), t.TempDir()
	writers := everyKind(dir, 1000, 400<<10) // no file may be deleted before it is read
	flags := []string{"--no-cadvisor", "--no-node-exporter", "--no-docker"}
	s := startAusguck(t, config, storage, flags...) // what was rotated before the first start is not collected
	begin := time.Now()
	stop := make(chan struct{})
	wait := writeAll(t, writers, seed, 1<<40, stop)
	eventually(t, readyTimeout, func() error {
		have := s.counts(t, begin)
		return errUnless(len(have) == len(writers), "stored %v", have)
	})
	for n := range kills {
		if n > 0 {
			s = launchAusguck(t, config, storage, flags...)
		}
		if n%4 < 3 { // otherwise it may die before it is ready
			s.waitReady(t, readyTimeout)
		}
		alive := time.NewTimer(time.Duration(random.IntN(2500)) * time.Millisecond)
		select {
		case <-alive.C:
		case <-s.exited:
			require.FailNow(t, "process ended by itself", tail(s.output.String(), 4000))
		}
		s.kill()
	}
	close(stop)
	wait()
	want := written(writers)
	s = startAusguck(t, config, storage, flags...)
	s.waitStored(t, begin, want)
	t.Logf("%v entries in %s", want, time.Since(begin).Round(time.Second))
	s.stop(t)
}

// A full disk makes pushes fail with the reason and collecting wait. With free space again, everything continues, and
// nothing is missing.
func TestLogsOnAFullDisk(t *testing.T) {
	t.Parallel()
	storage, dir := t.TempDir(), t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", storage, "tmpfs", 0, "size=64m"), "needs root")
	t.Cleanup(func() { require.NoError(t, unix.Unmount(storage, unix.MNT_DETACH)) })
	config := configDir(t, map[string]string{"prometheus.yml": logConfig, "promtail.yml": promtailFor(dir)})
	flags := []string{"--no-cadvisor", "--no-node-exporter", "--no-docker"}
	s := startAusguck(t, config, storage, flags...)
	begin := time.Now()
	want := map[string]int64{}
	add := func(job, file string, lines int) {
		f, err := os.OpenFile(filepath.Join(dir, file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		require.NoError(t, err)
		for n := range lines {
			_, err := fmt.Fprintf(f, "line %d of %s\n", n, job)
			require.NoError(t, err)
		}
		require.NoError(t, f.Close())
		want[job] += int64(lines)
	}
	add("json", "app.log", 1000)
	s.waitStored(t, begin, want)

	filler := filepath.Join(storage, "somebody-elses-file")
	fillDisk(t, filler)
	eventually(t, 15*time.Second, func() error {
		code, body := s.pushJob(t, "pushed", time.Now(), "a line")
		if code == http.StatusNoContent {
			want["pushed"]++
			return errors.New("still accepted with a full disk")
		}
		require.Equal(t, http.StatusInsufficientStorage, code, body)
		require.Regexp(t, `(?i)no space|full`, body)
		return nil
	})
	add("json", "app.log", 1000)
	add("syslog", "syslog", 1000)
	s.waitOutput(t, `Logs are rejected`)
	require.Equal(t, http.StatusOK, s.status(t, "/-/healthy"))
	require.EqualValues(t, 1000, s.counts(t, begin)["json"], "queries go on, and nothing more is stored")

	require.NoError(t, os.Remove(filler))
	s.waitStored(t, begin, want)
	s.stop(t)
	s = startAusguck(t, config, storage, flags...)
	require.Equal(t, want, s.counts(t, begin), "after a restart")
	s.stop(t)
}
