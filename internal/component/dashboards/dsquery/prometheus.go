package dsquery

import (
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

// prometheus asks for what the query wants: a range, an instant, or both, and exemplars.
func prometheus(ctx context.Context, src Source, q Query, from, to time.Time) ([]*Frame, error) {
	st, err := sourceSteps(src, q, from, to)
	if err != nil {
		return nil, err
	}
	expr := st.interpolate(q.Expr)
	wantRange := q.Range != nil && *q.Range || q.Range == nil && !q.Instant && !q.Exemplar
	var frames []*Frame
	if wantRange {
		start, end := align(from, st.interval), align(to, st.interval)
		a, err := ask(ctx, src, "api/v1/query_range", url.Values{
			"query": {expr}, "start": {seconds(start)}, "end": {seconds(end)}, "step": {strconv.FormatFloat(st.interval.Seconds(), 'f', -1, 64)},
		})
		if err != nil {
			return nil, err
		}
		found, err := promFrames(a, q, expr, st, "timeseries-multi")
		if err != nil {
			return nil, err
		}
		frames = append(frames, found...)
	}
	if q.Instant {
		a, err := ask(ctx, src, "api/v1/query", url.Values{"query": {expr}, "time": {seconds(to)}})
		if err != nil {
			return nil, err
		}
		found, err := promFrames(a, q, expr, st, "numeric-multi")
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
				return frames, nil // a server without exemplar storage
			}
			return nil, err
		}
		f, err := exemplarFrame(a)
		if err != nil {
			return nil, err
		}
		frames = append(frames, f)
	}
	return frames, nil
}

func sourceSteps(src Source, q Query, from, to time.Time) (steps, error) {
	scrape := defaultScrape
	if src.TimeInterval != "" {
		d, err := ParseDuration(strings.TrimPrefix(src.TimeInterval, ">"))
		if err != nil {
			return steps{}, &refusal{400, fmt.Sprintf("timeInterval of the datasource: %v", err)}
		}
		scrape = d
	}
	return intervals(q, scrape, to.Sub(from))
}

// align moves t back to a multiple of step, so that the same query asks for the same times.
func align(t time.Time, step time.Duration) time.Time {
	return time.UnixMilli(t.UnixMilli() / step.Milliseconds() * step.Milliseconds())
}

func seconds(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// sample is a time and a value as the API writes them: [1700000000.123, "1"].
type sample struct {
	at    time.Time
	value float64
}

// UnmarshalJSON reads the pair.
func (s *sample) UnmarshalJSON(data []byte) error {
	var at float64
	var text string
	if err := json.Unmarshal(data, &[]any{&at, &text}); err != nil {
		return err
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("sample value %q: %w", text, err)
	}
	s.at, s.value = time.UnixMilli(int64(math.Round(at*1000))), value
	return nil
}

type promSeries struct {
	Metric     map[string]string `json:"metric"`
	Values     []sample          `json:"values"`
	Value      *sample           `json:"value"`
	Histograms []json.RawMessage `json:"histograms"`
	Histogram  *json.RawMessage  `json:"histogram"`
}

type promResult struct {
	ResultType string          `json:"resultType"`
	Result     json.RawMessage `json:"result"`
}

// promFrames turns the answer to a PromQL query into frames: one per series, or one table.
func promFrames(a *apiAnswer, q Query, expr string, st steps, frameType string) ([]*Frame, error) {
	var result promResult
	if err := json.Unmarshal(a.Data, &result); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	var series []promSeries
	switch result.ResultType {
	case "matrix", "vector":
		if err := json.Unmarshal(result.Result, &series); err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
	case "scalar":
		var s sample
		if err := json.Unmarshal(result.Result, &s); err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
		series = []promSeries{{Value: &s}}
	case "string":
		var pair []any
		if err := json.Unmarshal(result.Result, &pair); err != nil || len(pair) != 2 {
			return nil, errors.New("read the answer: a text with its time is needed")
		}
		return []*Frame{{Fields: []*Field{{Name: "Value", Texts: []string{fmt.Sprint(pair[1])}}}}}, nil
	default:
		return nil, fmt.Errorf("the result type %q is not known", result.ResultType)
	}
	meta := func() map[string]any {
		m := map[string]any{
			"type": frameType, "typeVersion": []int{0, 1}, "custom": map[string]any{"resultType": result.ResultType},
			"executedQueryString": fmt.Sprintf("Expr: %s\nStep: %s", expr, FormatDuration(st.interval)),
		}
		if n := a.notices(); len(n) > 0 {
			m["notices"] = n
		}
		return m
	}
	if len(series) == 0 {
		return []*Frame{{Meta: meta(), Fields: []*Field{}}}, nil
	}
	if q.Format == "table" && frameType == "numeric-multi" {
		return []*Frame{tableFrame(series, meta())}, nil
	}
	frames := make([]*Frame, 0, len(series))
	for _, s := range series {
		for _, f := range seriesFrames(s, q, expr, st, frameType) {
			f.Meta = meta()
			if f.Name == "heatmap" {
				f.Meta["type"] = "heatmap-cells"
			}
			frames = append(frames, f)
		}
	}
	return frames, nil
}

func (s promSeries) samples() []sample {
	if s.Value != nil {
		return []sample{*s.Value}
	}
	return s.Values
}

// seriesFrames returns a frame of a series' samples and one of its native histograms, as far as it has them.
func seriesFrames(s promSeries, q Query, expr string, st steps, frameType string) []*Frame {
	var frames []*Frame
	if samples := s.samples(); len(samples) > 0 {
		times, numbers := make([]time.Time, len(samples)), make([]float64, len(samples))
		for i, sample := range samples {
			times[i], numbers[i] = sample.at, sample.value
		}
		config := map[string]any{}
		name := seriesName(q.LegendFormat, s.Metric, expr)
		if name != "" {
			config["displayNameFromDS"] = name
		}
		timeConfig := map[string]any{}
		if frameType == "timeseries-multi" {
			timeConfig["interval"] = st.interval.Milliseconds()
		}
		value := &Field{Name: "Value", Numbers: numbers, Labels: s.Metric, Config: config}
		if metric, ok := s.Metric["__name__"]; ok {
			value.Name, value.Labels = metric, maps.Clone(s.Metric)
			delete(value.Labels, "__name__")
		}
		frames = append(frames, &Frame{Name: name, Fields: []*Field{{Name: "Time", Times: times, Config: timeConfig}, value}})
	}
	if cells := histogramFrame(s); cells != nil {
		frames = append(frames, cells)
	}
	return frames
}

var placeholder = regexp.MustCompile(`\{\{\s*(.+?)\s*\}\}`)

// seriesName is the name of a series by its legend: empty leaves it to the page.
func seriesName(legend string, labels map[string]string, expr string) string {
	switch {
	case legend == "__auto" && len(labels) > 0:
		return ""
	case legend == "__auto":
		return expr
	case legend != "":
		return placeholder.ReplaceAllStringFunc(legend, func(found string) string {
			return labels[placeholder.FindStringSubmatch(found)[1]]
		})
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

// tableFrame is one row per series: time, labels, value.
func tableFrame(series []promSeries, meta map[string]any) *Frame {
	names := map[string]bool{}
	for _, s := range series {
		for name := range s.Metric {
			names[name] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(names))
	at, value := &Field{Name: "Time", Times: []time.Time{}}, &Field{Name: "Value", Numbers: []float64{}}
	columns := make([]*Field, len(sorted))
	for i, name := range sorted {
		columns[i] = &Field{Name: name, Texts: []string{}, Config: map[string]any{"filterable": true}}
	}
	for _, s := range series {
		for _, sample := range s.samples() {
			at.Times, value.Numbers = append(at.Times, sample.at), append(value.Numbers, sample.value)
			for i, name := range sorted {
				columns[i].Texts = append(columns[i].Texts, s.Metric[name])
			}
		}
	}
	meta["type"] = "table"
	return &Frame{Meta: meta, Fields: append(append([]*Field{at}, columns...), value)}
}

// nativeHistogram is a native histogram as the API writes it; buckets are [boundary rule, lower, upper, count].
type nativeHistogram struct {
	Count   string               `json:"count"`
	Sum     string               `json:"sum"`
	Buckets [][4]json.RawMessage `json:"buckets"`
}

// histogramFrame is the cells of a series' native histograms, nil when it has none.
func histogramFrame(s promSeries) *Frame {
	all := s.Histograms
	if s.Histogram != nil {
		all = append(all, *s.Histogram)
	}
	if len(all) == 0 {
		return nil
	}
	at := &Field{Name: "xMax", Times: []time.Time{}}
	lower, upper := &Field{Name: "yMin", Numbers: []float64{}}, &Field{Name: "yMax", Numbers: []float64{}}
	count := &Field{Name: "count", Numbers: []float64{}, Labels: s.Metric}
	for _, raw := range all {
		var when float64
		var h nativeHistogram
		if json.Unmarshal(raw, &[]any{&when, &h}) != nil {
			continue
		}
		for _, b := range h.Buckets {
			at.Times = append(at.Times, time.UnixMilli(int64(math.Round(when*1000))))
			lower.Numbers, upper.Numbers = append(lower.Numbers, quotedFloat(b[1])), append(upper.Numbers, quotedFloat(b[2]))
			count.Numbers = append(count.Numbers, quotedFloat(b[3]))
		}
	}
	return &Frame{Name: "heatmap", Fields: []*Field{at, lower, upper, count}}
}

func quotedFloat(raw json.RawMessage) float64 {
	n, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil {
		return math.NaN()
	}
	return n
}

// exemplarFrame is one row per exemplar: time, value, the labels of series and exemplar.
func exemplarFrame(a *apiAnswer) (*Frame, error) {
	var all []struct {
		SeriesLabels map[string]string `json:"seriesLabels"`
		Exemplars    []struct {
			Labels    map[string]string `json:"labels"`
			Value     json.RawMessage   `json:"value"`
			Timestamp float64           `json:"timestamp"`
		} `json:"exemplars"`
	}
	if err := json.Unmarshal(a.Data, &all); err != nil {
		return nil, fmt.Errorf("read the exemplars: %w", err)
	}
	names := map[string]bool{}
	for _, s := range all {
		for _, e := range s.Exemplars {
			for _, labels := range []map[string]string{s.SeriesLabels, e.Labels} {
				for name := range labels {
					names[name] = true
				}
			}
		}
	}
	sorted := slices.Sorted(maps.Keys(names))
	at, value := &Field{Name: "Time", Times: []time.Time{}}, &Field{Name: "Value", Numbers: []float64{}}
	columns := make([]*Field, len(sorted))
	for i, name := range sorted {
		columns[i] = &Field{Name: name, Texts: []string{}}
	}
	for _, s := range all {
		for _, e := range s.Exemplars {
			at.Times = append(at.Times, time.UnixMilli(int64(math.Round(e.Timestamp*1000))))
			value.Numbers = append(value.Numbers, quotedFloat(e.Value))
			for i, name := range sorted {
				text, ok := e.Labels[name]
				if !ok {
					text = s.SeriesLabels[name]
				}
				columns[i].Texts = append(columns[i].Texts, text)
			}
		}
	}
	return &Frame{
		Name: "exemplar", Meta: map[string]any{"custom": map[string]any{"resultType": "exemplar"}, "dataTopic": "annotations"},
		Fields: append([]*Field{at, value}, columns...),
	}, nil
}
