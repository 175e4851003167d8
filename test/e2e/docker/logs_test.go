package docker_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// logs evaluates a LogQL expression that returns a vector, now.
func (a *ausguck) logs(logql string) ([]series, error) {
	return a.vector("/loki/api/v1/query?" + url.Values{
		"query": {logql}, "time": {strconv.FormatInt(time.Now().UnixNano(), 10)},
	}.Encode())
}

// lineCounts returns how many lines of each container are stored.
func (a *ausguck) lineCounts() (map[string]int, error) {
	found, err := a.logs(`sum by (container) (count_over_time({container=~"ausguck-.+"}[30m]))`)
	counts := map[string]int{}
	for _, s := range found {
		counts[s.Metric["container"]] = int(s.number())
	}
	return counts, err
}

// waitLines waits until that many lines of a container are stored.
func (a *ausguck) waitLines(t *testing.T, container string, least int) {
	t.Helper()
	within(t, 90*time.Second, fmt.Sprintf("%d lines of %s", least, container), func() error {
		counts, err := a.lineCounts()
		if err == nil && counts[container] < least {
			err = fmt.Errorf("stored %v", counts)
		}
		return err
	})
}

// engineLines returns how many lines the engine has of a container, and how many its program reports to have written.
func engineLines(t *testing.T, e *engine, id string) (have, written int) {
	t.Helper()
	r, err := e.cli.ContainerLogs(t.Context(), id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	require.NoError(t, err)
	defer r.Close()
	var out, failures bytes.Buffer
	_, err = stdcopy.StdCopy(&out, &failures, r)
	require.NoError(t, err)
	for _, match := range regexp.MustCompile(`(?m)^total=(\d+)$`).FindAllStringSubmatch(out.String(), -1) {
		n, err := strconv.Atoi(match[1])
		require.NoError(t, err)
		written += n
	}
	return strings.Count(out.String(), "\n") + strings.Count(failures.String(), "\n"), written
}

// A container writes 5,000 lines a second, through kill -9 of Ausguck and a restart of the container: each line is
// stored once. So are the last lines of containers that exit immediately, even while Ausguck is down.
func TestEveryContainerLineOnce(t *testing.T) {
	const rate = 5000
	storage, net := t.TempDir(), newNetwork(t, docker, "ausguck-logs")
	launch := func() *ausguck { return startAusguckOn(t, docker, storage, "") }
	a := launch()
	id := start(t, docker, service{
		name: "ausguck-writer", networkMode: net, exposed: []string{"8080/tcp"}, env: []string{fmt.Sprintf("LOG_RATE=%d", rate)},
		labels: map[string]string{
			"com.docker.compose.service": "writer", "com.docker.compose.project": "shop",
			"prometheus.io/scrape": "true", "prometheus.io/port": "8080",
		},
	})
	begun := time.Now()
	start(t, docker, service{name: "ausguck-dies", networkMode: "none", env: []string{"LOG_LINES=7"}})
	a.waitLines(t, "ausguck-writer", 3*rate)
	a.waitLines(t, "ausguck-dies", 7)
	checkLabels(t, a)

	a.kill(t)
	start(t, docker, service{name: "ausguck-dies-unseen", networkMode: "none", env: []string{"LOG_LINES=9"}})
	a = launch()
	a.waitLines(t, "ausguck-writer", 9*rate)
	a.kill(t)
	a = launch()
	late := start(t, docker, service{name: "ausguck-late", networkMode: "none", env: []string{fmt.Sprintf("LOG_RATE=%d", rate/10)}})
	a.waitLines(t, "ausguck-writer", 14*rate)
	timeout := 20
	_, err := docker.cli.ContainerRestart(t.Context(), id, client.ContainerRestartOptions{Timeout: &timeout})
	require.NoError(t, err)
	a.waitLines(t, "ausguck-writer", 18*rate)
	a.kill(t)
	a = launch()
	a.waitLines(t, "ausguck-writer", 22*rate)
	for _, c := range []string{id, late} {
		_, err = docker.cli.ContainerStop(t.Context(), c, client.ContainerStopOptions{Timeout: &timeout})
		require.NoError(t, err)
	}
	took := time.Since(begun)

	want := map[string]int{"ausguck-dies": 7, "ausguck-dies-unseen": 9}
	for name, c := range map[string]string{"ausguck-writer": id, "ausguck-late": late} {
		have, written := engineLines(t, docker, c)
		require.Equal(t, written, have, "the engine has what %s wrote", name)
		want[name] = written
	}
	within(t, time.Minute, "all lines", func() error {
		counts, err := a.lineCounts()
		if err == nil && !maps.Equal(counts, want) {
			err = fmt.Errorf("stored %v, want %v", counts, want)
		}
		return err
	})
	t.Logf("%v lines in %s, each once", want, took.Round(time.Second))
	checkLongLines(t, a)

	// What was stored is kept, and nothing is stored again.
	a.kill(t)
	a = launch()
	start(t, docker, service{name: "ausguck-last", networkMode: "none", env: []string{"LOG_LINES=3"}})
	a.waitLines(t, "ausguck-last", 3)
	want["ausguck-last"] = 3
	counts, err := a.lineCounts()
	require.NoError(t, err)
	require.Equal(t, want, counts)
}

// checkLabels requires that logs have the labels of the metrics, so that one can be found from the other.
func checkLabels(t *testing.T, a *ausguck) {
	t.Helper()
	within(t, 30*time.Second, "scraped", func() error { return oneTargetUp(a, "writer") })
	streams, err := a.logs(`sum by (container, compose_service, job, instance) (count_over_time({container="ausguck-writer", stream=~"stdout|stderr"}[30m]))`)
	require.NoError(t, err)
	require.Len(t, streams, 1)
	labels := streams[0].Metric
	require.Equal(t, "writer", labels["compose_service"])
	up, err := a.query(`up{job="writer"}`)
	require.NoError(t, err)
	require.Len(t, up, 1)
	for _, name := range []string{"job", "instance", "container", "compose_service"} {
		require.Equal(t, labels[name], up[0].Metric[name], "label %s of %v and %v", name, labels, up[0].Metric)
	}
	within(t, 30*time.Second, "metrics of the container", func() error {
		usage, err := a.query(fmt.Sprintf(`container_memory_usage_bytes{name=%q, container_label_com_docker_compose_service=%q}`, labels["container"], labels["compose_service"]))
		if err == nil && len(usage) != 1 {
			err = fmt.Errorf("%d series with the labels %v", len(usage), labels)
		}
		return err
	})
	levels, err := a.logs(`sum by (detected_level, stream) (count_over_time({container="ausguck-writer"}[30m]))`)
	require.NoError(t, err)
	found := map[string]bool{}
	for _, s := range levels {
		found[s.Metric["stream"]+" "+s.Metric["detected_level"]] = true
	}
	require.Equal(t, map[string]bool{"stdout info": true, "stderr error": true}, found)
}

// checkLongLines requires that a line that Docker stores in pieces of 16 KB is a single line.
func checkLongLines(t *testing.T, a *ausguck) {
	t.Helper()
	found, err := a.logs("sum(count_over_time({container=\"ausguck-writer\"} |= `xxxx` | logfmt | label_format size=`{{ len .long }}` | size=`40960` [30m]))")
	require.NoError(t, err)
	require.Len(t, found, 1)
	pieces, err := a.logs(`sum(count_over_time({container="ausguck-writer"} |= "xxxx" [30m]))`)
	require.NoError(t, err)
	require.Equal(t, pieces[0].number(), found[0].number(), "whole")
	require.Greater(t, found[0].number(), 100.0)
}
