package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// Rules on metrics are evaluated every second, those on logs every five, and this process is scraped every three
// seconds.
var besideBadInput = map[string]string{
	"prometheus.yml":        "global: {scrape_interval: 3s, evaluation_interval: 1s}\nrule_files: [a.rules.yml]\nscrape_configs: [{job_name: prometheus, static_configs: [{targets: ['prometheus:9090']}]}]\n",
	"a.rules.yml":           "groups: [{name: a, interval: 1s, rules: [{record: beat, expr: 'time()'}]}]\n",
	"loki-rules/fake/b.yml": "groups: [{name: b, interval: 5s, rules: [{alert: Good, expr: 'sum(count_over_time({job=\"good\"}[1h])) > 0'}]}]\n",
}

// badPush is what a malicious client or a broken program sends.
type badPush struct {
	path, contentType, encoding string
	body                        []byte
	status                      []int  // one of them
	says                        string // pattern
	reason                      string // of loki_discarded_samples_total, empty when no entry was understood
}

func jsonPush(labels map[string]string, at time.Time, line string) []byte {
	body, err := json.Marshal(map[string]any{"streams": []any{map[string]any{"stream": labels, "values": [][2]string{{fmt.Sprint(at.UnixNano()), line}}}}})
	if err != nil {
		panic(err)
	}
	return body
}

// protoPush is a compressed logproto.PushRequest with one entry; strings may be any bytes.
func protoPush(labels string, at time.Time, line string) []byte {
	var stamp, entry, stream, request []byte
	stamp = protowire.AppendVarint(protowire.AppendTag(stamp, 1, protowire.VarintType), uint64(at.Unix()))
	entry = protowire.AppendBytes(protowire.AppendTag(entry, 1, protowire.BytesType), stamp)
	entry = protowire.AppendString(protowire.AppendTag(entry, 2, protowire.BytesType), line)
	stream = protowire.AppendString(protowire.AppendTag(stream, 1, protowire.BytesType), labels)
	stream = protowire.AppendBytes(protowire.AppendTag(stream, 2, protowire.BytesType), entry)
	request = protowire.AppendBytes(protowire.AppendTag(request, 1, protowire.BytesType), stream)
	return snappy.Encode(nil, request)
}

// zipBomb compresses megabytes of one letter between head and tail.
func zipBomb(t *testing.T, head, tail string, megabytes int) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	require.NoError(t, err)
	_, err = io.WriteString(w, head)
	require.NoError(t, err)
	letters := bytes.Repeat([]byte("a"), 1<<20)
	for range megabytes {
		_, err = w.Write(letters)
		require.NoError(t, err)
	}
	_, err = io.WriteString(w, tail)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return packed.Bytes()
}

func badPushes(t *testing.T, now time.Time) map[string]badPush {
	t.Helper()
	const push, asJSON, asProto = "/loki/api/v1/push", "application/json", "application/x-protobuf"
	bad := []int{http.StatusBadRequest}
	tooLarge := []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}
	many := map[string]string{}
	for n := range 40 {
		many[fmt.Sprintf("label_%d", n)] = "x"
	}
	bomb := zipBomb(t, `{"streams":[{"stream":{"job":"bomb"},"values":[["1","`, `"]]}]}`, 1<<10)
	return map[string]badPush{
		"too old":         {push, asJSON, "", jsonPush(map[string]string{"job": "bad"}, now.AddDate(0, 0, -30), "old"), bad, "timestamp too old", "greater_than_max_sample_age"},
		"future":          {push, asJSON, "", jsonPush(map[string]string{"job": "bad"}, now.Add(time.Hour), "early"), bad, "timestamp too new", "too_far_in_future"},
		"too long":        {push, asJSON, "", jsonPush(map[string]string{"job": "bad"}, now, strings.Repeat("x", 300<<10)), bad, "max entry size", "line_too_long"},
		"many labels":     {push, asJSON, "", jsonPush(many, now, "x"), bad, "label names; limit 15", "max_label_names_per_series"},
		"long label name": {push, asJSON, "", jsonPush(map[string]string{strings.Repeat("n", 2000): "x"}, now, "x"), bad, "label name too long", "label_name_too_long"},
		"long value":      {push, asJSON, "", jsonPush(map[string]string{"job": strings.Repeat("v", 4000)}, now, "x"), bad, "label value too long", "label_value_too_long"},
		"label rubbish":   {push, asProto, "", protoPush(`{job=`, now, "x"), bad, "parse", ""},
		"UTF-8 in labels": {push, asProto, "", protoPush("{job=\"\xff\xfe\"}", now, "x"), bad, "(?i)utf|parse", ""},
		"torn snappy":     {push, asProto, "", protoPush(`{job="bad"}`, now, strings.Repeat("words ", 99))[:40], bad, "snappy|corrupt", ""},
		"no protobuf":     {push, asProto, "", snappy.Encode(nil, []byte("\x0a\xff\xff\xff\xff\x0fhello")), bad, "", ""},
		"torn JSON":       {push, asJSON, "", []byte(`{"streams":[{"stream":{"job":"bad"},"values":[["1`), bad, "", ""},
		"no gzip":         {push, asJSON, "gzip", []byte("not packed"), bad, "gzip", ""},
		"JSON as OTLP":    {"/otlp/v1/logs", asProto, "", []byte(`{"resourceLogs":`), bad, "", ""},
		"gzip bomb":       {push, asJSON, "gzip", bomb, tooLarge, "", ""},
		"gzip bomb, OTLP": {"/otlp/v1/logs", asJSON, "gzip", bomb, tooLarge, "", ""},
		"snappy bomb":     {push, asProto, "", append(binary.AppendUvarint(nil, 4<<30-1), make([]byte, 1000)...), tooLarge, "", ""},
	}
}

// send sends a bad push and returns the response.
func (s *server) send(p badPush) (int, string, error) {
	header := map[string]string{"Content-Type": p.contentType}
	if p.encoding != "" {
		header["Content-Encoding"] = p.encoding
	}
	return s.post(p.path, header, p.body)
}

// discarded returns Loki's metric for what it rejected.
func (s *server) discarded(t *testing.T, reason string) float64 {
	t.Helper()
	sum := 0.0
	for line := range strings.Lines(s.get(t, "/metrics")) {
		if strings.HasPrefix(line, "loki_discarded_samples_total{") && strings.Contains(line, fmt.Sprintf("reason=%q", reason)) {
			sum += max(0, metric(line, "loki_discarded_samples_total"))
		}
	}
	return sum
}

// Each kind of bad input gets its status and its metric. Lines of other clients, scrapes and rules continue, and memory
// stays bounded.
func TestBadLogInput(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, configDir(t, besideBadInput), t.TempDir(), metricsOnly...)
	begin := time.Now()
	s.mustPush(t, "good", "before")
	s.waitBeats(t)
	s.waitGood(t)
	for name, p := range badPushes(t, begin) {
		before := 0.0
		if p.reason != "" {
			before = s.discarded(t, p.reason)
		}
		peak := s.memory(t, "VmHWM")
		status, body, err := s.send(p)
		require.NoError(t, err, name)
		require.Contains(t, p.status, status, "%s: %s", name, tail(body, 300))
		require.NotEmpty(t, body, name)
		require.Regexp(t, p.says, body, name)
		if p.reason != "" {
			require.EqualValues(t, before+1, s.discarded(t, p.reason), "metric of %s", name)
		}
		t.Logf("%s: %d %s; peak memory %d MB more", name, status, tail(strings.TrimSpace(body), 150), (s.memory(t, "VmHWM")-peak)>>20)
	}
	s.bombardment(t)

	// A line that is not valid text is accepted, and is returned as JSON that every client can read.
	status, body, err := s.send(badPush{path: "/loki/api/v1/push", contentType: "application/x-protobuf", body: protoPush(`{job="rubbish"}`, time.Now(), "a \xff\xfe b")})
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, status, body)
	require.Contains(t, s.lines(t, `{job="rubbish"}`), "a \uFFFD\uFFFD b")

	s.mustPush(t, "good", "after")
	require.Equal(t, []string{"after", "before"}, s.lines(t, `{job="good"}`))
	s.requireUnhurt(t, begin)
	s.stop(t)
}

// bombardment sends eight gzip bombs at once.
func (s *server) bombardment(t *testing.T) {
	t.Helper()
	before := s.memory(t, "VmHWM")
	bomb := badPushes(t, time.Now())["gzip bomb"]
	failures := make(chan error, 8)
	var all sync.WaitGroup
	for range cap(failures) {
		all.Go(func() {
			status, body, err := s.send(bomb)
			failures <- errors.Join(err, errUnless(status/100 == 4, "%d %s", status, body))
		})
	}
	all.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	after := s.memory(t, "VmHWM")
	t.Logf("peak memory with eight gzip bombs of 1 GB at once: %d MB, before %d MB", after>>20, before>>20)
	require.Less(t, after-before, 3<<29, "of 8 GB")
}

// 100,000 streams are pushed, of which Loki accepts as many as its limit allows. Existing streams continue, and so does
// everything else.
func TestManyLogStreams(t *testing.T) {
	t.Parallel()
	s := startAusguck(t, configDir(t, besideBadInput), t.TempDir(), metricsOnly...)
	s.mustPush(t, "good", "before")
	s.waitBeats(t)
	s.waitGood(t)
	const total, each = 100_000, 5000
	before := s.memory(t, "VmRSS")
	begin, refused := time.Now(), 0
	for first := 0; first < total; first += each {
		var streams []any
		for n := range each {
			streams = append(streams, map[string]any{
				"stream": map[string]string{"job": "flood", "id": fmt.Sprint(first + n)},
				"values": [][2]string{{fmt.Sprint(begin.UnixNano()), "one of many"}},
			})
		}
		body, err := json.Marshal(map[string]any{"streams": streams})
		require.NoError(t, err)
		status, answer := s.do(t, http.MethodPost, "/loki/api/v1/push", map[string]string{"Content-Type": "application/json"}, string(body))
		if status == http.StatusTooManyRequests {
			require.Contains(t, answer, "maximum active stream limit exceeded")
			refused++
			continue
		}
		require.Equal(t, http.StatusNoContent, status, tail(answer, 300))
	}
	page := s.get(t, "/metrics")
	streams := metric(page, "loki_ingester_memory_streams")
	require.GreaterOrEqual(t, refused, 15)
	require.Greater(t, streams, 4000.0)
	require.LessOrEqual(t, streams, 5000.0, "the limit")
	require.Greater(t, s.discarded(t, "stream_limit"), 90_000.0)
	t.Logf("%d streams in %s: %.0f taken; memory %d MB, before %d MB", total, time.Since(begin).Round(time.Millisecond), streams, s.memory(t, "VmRSS")>>20, before>>20)
	require.Less(t, s.memory(t, "VmHWM")-before, 1<<30, "peak memory of the flood")
	s.mustPush(t, "good", "after")
	require.Equal(t, []string{"after", "before"}, s.lines(t, `{job="good"}`))
	s.requireUnhurt(t, begin)
	s.stop(t)
}

// mustPush stores a line.
func (s *server) mustPush(t *testing.T, job, line string) {
	t.Helper()
	code, body := s.pushJob(t, job, time.Now(), line)
	require.Equal(t, http.StatusNoContent, code, body)
}

// waitBeats waits for the first sample of a rule.
func (s *server) waitBeats(t *testing.T) {
	t.Helper()
	eventually(t, readyTimeout, func() error { return errUnless(s.value(t, "beat") > 0, "no rule was evaluated") })
}

// waitGood waits for the alert of a LogQL rule.
func (s *server) waitGood(t *testing.T) {
	t.Helper()
	eventually(t, readyTimeout, func() error { return errUnless(s.firing(t)["Good "] != nil, "no alert from LogQL") })
}

// requireUnhurt requires that scrapes and rules have continued since a time, and still do.
func (s *server) requireUnhurt(t *testing.T, since time.Time) {
	t.Helper()
	s.waitBeats(t)
	s.waitGood(t)
	page := s.get(t, "/metrics")
	require.Zero(t, metric(page, "prometheus_rule_group_iterations_missed_total"), "evaluations of rules on metrics")
	require.LessOrEqual(t, metric(page, "loki_prometheus_rule_group_iterations_missed_total"), 0.0, "evaluations of rules on logs")
	// Scrapes are 3 s apart: over a shorter time, their share depends on where it begins.
	const long = 15 * time.Second
	eventually(t, readyTimeout, func() error { return errUnless(time.Since(since) >= long, "too short to count scrapes") })
	seconds := int(time.Since(since).Seconds())
	for _, expression := range []string{"min_over_time(up[%ds])", "count_over_time(up[%ds]) / %[1]d > bool 0.25", "count_over_time(beat[%ds]) / %[1]d > bool 0.8"} {
		require.EqualValues(t, 1, s.value(t, fmt.Sprintf(expression, seconds)), expression)
	}
}

// lines returns the lines of the last hour, newest first.
func (s *server) lines(t *testing.T, logql string) []string {
	t.Helper()
	var answer struct {
		Result []struct {
			Values [][]string `json:"values"`
		} `json:"result"`
	}
	s.data(t, "/loki/api/v1/query_range", url.Values{"query": {logql}, "since": {"1h"}, "limit": {"1000"}}, &answer)
	var lines []string
	for _, r := range answer.Result {
		for _, v := range r.Values {
			lines = append(lines, v[1])
		}
	}
	return lines
}
