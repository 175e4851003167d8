package dsquery

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const defaultLines = 1000

// loki queries log lines or a metric, over a range or at an instant.
func loki(ctx context.Context, src Source, q Query, from, to time.Time) ([]*Frame, error) {
	if q.Interval == "" {
		q.Interval = q.Step
	}
	if src.TimeInterval == "" {
		src.TimeInterval = "1s" // lines have no scrape interval
	}
	q.Factor = q.Resolution
	st, err := sourceSteps(src, q, from, to)
	if err != nil {
		return nil, err
	}
	st.rate = st.interval
	expr := st.interpolate(q.Expr)
	limit := src.MaxLines
	if limit <= 0 {
		limit = defaultLines
	}
	if n, err := q.MaxLines.Int64(); err == nil && n > 0 {
		limit = int(min(n, 100_000))
	}
	direction := "backward"
	if q.Direction == "forward" {
		direction = "forward"
	}
	form := url.Values{"query": {expr}, "limit": {strconv.Itoa(limit)}, "direction": {direction}}
	path, frameType := "loki/api/v1/query_range", "timeseries-multi"
	if q.QueryType == "instant" || q.QueryType == "" && q.Instant && q.Range == nil {
		path, frameType = "loki/api/v1/query", "numeric-multi"
		form.Set("time", strconv.FormatInt(to.UnixNano(), 10))
	} else {
		form.Set("start", strconv.FormatInt(from.UnixNano(), 10))
		form.Set("end", strconv.FormatInt(to.UnixNano(), 10))
		form.Set("step", strconv.FormatFloat(st.interval.Seconds(), 'f', -1, 64))
	}
	a, err := ask(ctx, src, path, form)
	if err != nil {
		return nil, err
	}
	var result promResult
	if err := json.Unmarshal(a.Data, &result); err != nil {
		return nil, fmt.Errorf("read the response: %w", err)
	}
	if result.ResultType == "streams" {
		f, err := logFrame(result.Result, expr, direction == "backward")
		if err != nil {
			return nil, err
		}
		if n := a.notices(); len(n) > 0 {
			f.Meta["notices"] = n
		}
		return []*Frame{f}, nil
	}
	return answerFrames(a, q, expr, st, frameType)
}

// entry is one log line.
type entry struct {
	labels map[string]string
	at     time.Time
	nanos  string
	line   string
}

// logFrame returns a frame with one row per line: labels, time, line, time in nanoseconds, and an id.
func logFrame(raw json.RawMessage, expr string, backward bool) (*Frame, error) {
	var streams []struct {
		Stream map[string]string   `json:"stream"`
		Values [][]json.RawMessage `json:"values"`
	}
	if err := json.Unmarshal(raw, &streams); err != nil {
		return nil, fmt.Errorf("read the log lines: %w", err)
	}
	var all []entry
	for _, s := range streams {
		for _, v := range s.Values {
			if len(v) < 2 {
				return nil, fmt.Errorf("read the log lines: a timestamp and a string are expected")
			}
			e := entry{labels: s.Stream}
			if err := json.Unmarshal(v[0], &e.nanos); err != nil {
				return nil, fmt.Errorf("read the log lines: %w", err)
			}
			if err := json.Unmarshal(v[1], &e.line); err != nil {
				return nil, fmt.Errorf("read the log lines: %w", err)
			}
			n, err := strconv.ParseInt(e.nanos, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read the log lines: time %q: %w", e.nanos, err)
			}
			e.at = time.Unix(0, n)
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		if backward {
			return b.at.Compare(a.at)
		}
		return a.at.Compare(b.at)
	})
	labels := &Field{Name: "labels", Values: []any{}}
	at := &Field{Name: "Time", Times: []time.Time{}}
	line, nanos, id := &Field{Name: "Line", Texts: []string{}}, &Field{Name: "tsNs", Texts: []string{}}, &Field{Name: "id", Texts: []string{}}
	seen := map[string]int{}
	for _, e := range all {
		labels.Values = append(labels.Values, e.labels)
		at.Times = append(at.Times, e.at)
		line.Texts, nanos.Texts = append(line.Texts, e.line), append(nanos.Texts, e.nanos)
		key := entryID(e)
		if seen[key]++; seen[key] > 1 {
			key += "_" + strconv.Itoa(seen[key]-1)
		}
		id.Texts = append(id.Texts, key)
	}
	return &Frame{
		Meta: map[string]any{
			"typeVersion": []int{0, 0}, "custom": map[string]any{"frameType": "LabeledTimeValues"}, "preferredVisualisationType": "logs",
			"executedQueryString": "Expr: " + expr,
		},
		Fields: []*Field{labels, at, line, nanos, id},
	}, nil
}

// entryID returns an id that distinguishes lines and is the same in every query.
func entryID(e entry) string {
	h := fnv.New64a()
	names := make([]string, 0, len(e.labels))
	for name := range e.labels {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		_, _ = h.Write([]byte(name + "\x00" + e.labels[name] + "\x00"))
	}
	_, _ = h.Write([]byte(e.line))
	return e.nanos + "_" + strconv.FormatUint(h.Sum64(), 16)
}
