package dsquery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// prometheus runs a range query, an instant query or both, and queries exemplars if requested.
func prometheus(ctx context.Context, src Source, q Query, from, to time.Time) ([]*Frame, error) {
	st, err := sourceSteps(src, q, from, to)
	if err != nil {
		return nil, err
	}
	expr := st.interpolate(q.Expr)
	wantRange := q.Range != nil && *q.Range || q.Range == nil && !q.Instant && !q.Exemplar
	var frames []*Frame
	if wantRange {
		start, end := align(from, st.interval, q.UTCOffset), align(to, st.interval, q.UTCOffset)
		series, a, err := askRange(ctx, src, expr, start, end, st.interval)
		if err != nil {
			return nil, err
		}
		frames = append(frames, promFrames(series, "matrix", a, q, expr, st, "timeseries-multi")...)
	}
	if q.Instant {
		a, err := ask(ctx, src, "api/v1/query", url.Values{"query": {expr}, "time": {seconds(to)}})
		if err != nil {
			return nil, err
		}
		found, err := answerFrames(a, q, expr, st, "numeric-multi")
		if err != nil {
			return nil, err
		}
		frames = append(frames, found...)
	}
	if q.Exemplar {
		a, err := ask(ctx, src, "api/v1/query_exemplars", url.Values{"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}})
		if err != nil {
			var refused *refusal
			if errors.As(err, &refused) && len(frames) > 0 {
				return frames, nil // the server has no exemplar storage
			}
			return nil, err
		}
		f, err := exemplarFrame(a, st.interval)
		if err != nil {
			return nil, err
		}
		if f != nil {
			frames = append(frames, f)
		}
	}
	return frames, nil
}

func sourceSteps(src Source, q Query, from, to time.Time) (steps, error) {
	scrape := defaultScrape
	if src.TimeInterval != "" {
		d, err := ParseDuration(strings.TrimPrefix(src.TimeInterval, ">"))
		if err != nil {
			return steps{}, &refusal{400, fmt.Sprintf("timeInterval of the data source: %v", err)}
		}
		scrape = d
	}
	return intervals(q, scrape, to.Sub(from))
}

// align rounds t down to a multiple of step, so that repeated queries use the same timestamps. Steps of whole days
// start at midnight in the user's time zone, which is offset seconds ahead of UTC.
func align(t time.Time, step time.Duration, offset int64) time.Time {
	offset *= 1000
	return time.UnixMilli((t.UnixMilli()+offset)/step.Milliseconds()*step.Milliseconds() - offset)
}

func seconds(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// sample is a time and a value in the API's format: [1700000000.123, "1"].
type sample struct {
	at    int64 // Unix milliseconds
	value float64
}

func (s sample) time() time.Time { return time.UnixMilli(s.at) }

// UnmarshalJSON decodes the pair.
func (s *sample) UnmarshalJSON(data []byte) error {
	_, err := s.read(data)
	return err
}

// read decodes a pair at the start of data and returns the rest.
func (s *sample) read(data []byte) (rest []byte, err error) {
	pair, rest, ok := bytes.Cut(data, []byte{']'})
	at, value, isPair := bytes.Cut(bytes.TrimLeft(pair, "[ \t\r\n"), []byte{','})
	if !ok || !isPair {
		return nil, errors.New("a sample must be a timestamp and a value")
	}
	seconds, err := strconv.ParseFloat(string(bytes.TrimSpace(at)), 64)
	if err != nil {
		return nil, fmt.Errorf("sample time %q: %w", at, err)
	}
	s.value, err = strconv.ParseFloat(string(bytes.Trim(value, "\" \t\r\n")), 64)
	if err != nil && !math.IsInf(s.value, 0) {
		return nil, fmt.Errorf("sample value %q: %w", value, err)
	}
	s.at = int64(math.Round(seconds * 1000))
	return rest, nil
}

// samples is a list of pairs. They make up most of a response, and decoding them one by one would dominate the time.
type samples []sample

// UnmarshalJSON decodes the list.
func (all *samples) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if string(data) == "null" {
		return nil
	}
	if len(data) < 2 || data[0] != '[' {
		return errors.New("a list of samples is expected")
	}
	data = data[1:]
	out := make(samples, 0, bytes.Count(data, []byte{']'})-1)
	for {
		data = bytes.TrimLeft(data, ", \t\r\n")
		if len(data) == 0 || data[0] == ']' {
			*all = out
			return nil
		}
		var s sample
		rest, err := s.read(data)
		if err != nil {
			return err
		}
		out, data = append(out, s), rest
	}
}

type promSeries struct {
	Metric     map[string]string `json:"metric"`
	Values     samples           `json:"values"`
	Value      *sample           `json:"value"`
	Histograms []json.RawMessage `json:"histograms"`
	Histogram  *json.RawMessage  `json:"histogram"`

	sortKey []string // of a cached series
}

type promResult struct {
	ResultType string          `json:"resultType"`
	Result     json.RawMessage `json:"result"`
}

// answerFrames converts a response into frames.
func answerFrames(a *apiAnswer, q Query, expr string, st steps, frameType string) ([]*Frame, error) {
	kind, series, err := readSeries(a)
	if err != nil {
		return nil, err
	}
	if kind != "string" {
		return promFrames(series, kind, a, q, expr, st, frameType), nil
	}
	var result promResult
	var pair []any
	if err := json.Unmarshal(a.Data, &result); err != nil {
		return nil, fmt.Errorf("read the response: %w", err)
	}
	if err := json.Unmarshal(result.Result, &pair); err != nil || len(pair) != 2 {
		return nil, errors.New("read the response: a string with its timestamp is expected")
	}
	return []*Frame{{Fields: []*Field{{Name: "Value", Texts: []string{fmt.Sprint(pair[1])}}}}}, nil
}

// readSeries reads the response to a PromQL query; only a string result has no series.
func readSeries(a *apiAnswer) (kind string, series []promSeries, err error) {
	var result promResult
	if err := json.Unmarshal(a.Data, &result); err != nil {
		return "", nil, fmt.Errorf("read the response: %w", err)
	}
	switch kind = result.ResultType; kind {
	case "matrix", "vector":
		err = json.Unmarshal(result.Result, &series)
	case "scalar":
		var s sample
		err = json.Unmarshal(result.Result, &s)
		series = []promSeries{{Value: &s}}
	case "string":
	default:
		return "", nil, fmt.Errorf("unknown result type %q", kind)
	}
	if err != nil {
		return "", nil, fmt.Errorf("read the response: %w", err)
	}
	return kind, series, nil
}

// promFrames converts the series of a response into frames: one per series, or one table.
func promFrames(series []promSeries, kind string, a *apiAnswer, q Query, expr string, st steps, frameType string) []*Frame {
	meta := func() map[string]any {
		return map[string]any{
			"type": frameType, "typeVersion": []int{0, 1}, "custom": map[string]any{"resultType": kind},
			"executedQueryString": fmt.Sprintf("Expr: %s\nStep: %s", expr, FormatDuration(st.interval)),
		}
	}
	frames := formatted(series, q, expr, st, frameType, meta)
	if n := a.notices(); len(n) > 0 {
		frames[0].Meta["notices"] = n
	}
	return frames
}

// formatted returns at least one frame in the format that the query specifies.
func formatted(series []promSeries, q Query, expr string, st steps, frameType string, meta func() map[string]any) []*Frame {
	switch {
	case len(series) == 0:
		return []*Frame{{Meta: meta(), Fields: []*Field{}}}
	case q.Format == "table":
		return []*Frame{tableFrame(series, q, meta())}
	case q.Format == "heatmap" && !slices.ContainsFunc(series, func(s promSeries) bool { return s.cells() != nil }):
		return []*Frame{bucketFrame(series, q, st, meta())}
	case q.Format == "heatmap":
		return []*Frame{cellFrame(series, st, meta())}
	}
	var frames []*Frame
	for _, s := range series {
		if s.cells() != nil {
			frames = append(frames, cellFrame([]promSeries{s}, st, meta()))
			continue
		}
		f := seriesFrame(s, q, expr, st, frameType)
		f.Meta = meta()
		frames = append(frames, f)
	}
	return frames
}

func (s promSeries) samples() []sample {
	if s.Value != nil {
		return []sample{*s.Value}
	}
	return s.Values
}

// cells returns the native histograms of a series, nil if it has none.
func (s promSeries) cells() []json.RawMessage {
	if s.Histogram != nil {
		return append(slices.Clone(s.Histograms), *s.Histogram)
	}
	return s.Histograms
}

// seriesFrame returns a frame with a series' samples. The metric name becomes the field name, not a label.
func seriesFrame(s promSeries, q Query, expr string, st steps, frameType string) *Frame {
	samples := s.samples()
	times, numbers := make([]time.Time, len(samples)), make([]float64, len(samples))
	for i, sample := range samples {
		times[i], numbers[i] = sample.time(), sample.value
	}
	value := &Field{Name: "Value", Numbers: numbers, Labels: s.Metric, Config: map[string]any{}}
	name := seriesName(q.LegendFormat, s.Metric, expr)
	if name != "" {
		value.Config["displayNameFromDS"] = name
	}
	if metric, ok := s.Metric["__name__"]; ok {
		value.Name, value.Labels = metric, maps.Clone(s.Metric)
		delete(value.Labels, "__name__")
	}
	at := &Field{Name: "Time", Times: times, Config: map[string]any{}}
	if frameType == "timeseries-multi" {
		at.Config["interval"] = st.interval.Milliseconds()
	}
	return &Frame{Name: name, Fields: []*Field{at, value}}
}

var placeholder = regexp.MustCompile(`\{\{\s*(.+?)\s*\}\}`)

// seriesName returns the name of a series according to its legend; empty leaves the name to the frontend.
func seriesName(legend string, labels map[string]string, expr string) string {
	switch {
	case legend == "__auto" && len(labels) > 0:
		return ""
	case legend == "__auto":
		return expr
	case legend != "":
		if name := placeholder.ReplaceAllStringFunc(legend, func(found string) string {
			return labels[placeholder.FindStringSubmatch(found)[1]]
		}); name != "" {
			return name
		}
	}
	if len(labels) == 0 {
		return expr
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if name != "__name__" {
			pairs = append(pairs, fmt.Sprintf("%s=%q", name, labels[name]))
		}
	}
	if len(pairs) == 0 {
		return labels["__name__"]
	}
	return labels["__name__"] + "{" + strings.Join(pairs, ", ") + "}"
}
