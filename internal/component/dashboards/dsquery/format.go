package dsquery

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tableFrame returns a frame with one row per sample: time, labels, value.
func tableFrame(series []promSeries, q Query, meta map[string]any) *Frame {
	names := map[string]bool{}
	for _, s := range series {
		for name := range s.Metric {
			names[name] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(names))
	at, value := &Field{Name: "Time", Times: []time.Time{}}, &Field{Name: "Value", Numbers: []float64{}}
	if q.OneOfTables {
		value.Name = "Value #" + q.RefID
	}
	columns := make([]*Field, len(sorted))
	for i, name := range sorted {
		columns[i] = &Field{Name: name, Texts: []string{}, Config: map[string]any{"filterable": true}}
	}
	for _, s := range series {
		for _, sample := range s.samples() {
			at.Times, value.Numbers = append(at.Times, sample.time()), append(value.Numbers, sample.value)
			for i, name := range sorted {
				columns[i].Texts = append(columns[i].Texts, s.Metric[name])
			}
		}
	}
	meta["type"], meta["preferredVisualisationType"] = "table", "table"
	return &Frame{Meta: meta, Fields: append(append([]*Field{at}, columns...), value)}
}

// bucketFrame returns a heatmap of classic buckets. The input series have the label le and cumulative counts; the frame
// has one field per bucket, ordered by le, with the bucket's own count.
func bucketFrame(series []promSeries, q Query, st steps, meta map[string]any) *Frame {
	upper := func(s promSeries) float64 { return quotedFloat(json.RawMessage(s.Metric["le"])) }
	sorted := slices.Clone(series)
	slices.SortStableFunc(sorted, func(a, b promSeries) int { return cmp.Compare(upper(a), upper(b)) })
	rowOf := map[int64]int{}
	var times []int64
	for _, s := range sorted {
		for _, sample := range s.samples() {
			if _, ok := rowOf[sample.at]; !ok {
				rowOf[sample.at] = 0
				times = append(times, sample.at)
			}
		}
	}
	slices.Sort(times)
	at := make([]time.Time, len(times))
	for i, t := range times {
		rowOf[t], at[i] = i, time.UnixMilli(t)
	}
	fields := []*Field{{Name: "Time", Times: at, Config: map[string]any{"interval": st.interval.Milliseconds()}}}
	cumulative := true
	for i, s := range sorted {
		counts := make([]float64, len(times))
		for _, sample := range s.samples() {
			counts[rowOf[sample.at]] = sample.value
		}
		name, ok := s.Metric["le"]
		if cumulative = cumulative && ok; !ok {
			name = strconv.Itoa(i)
		}
		if q.LegendFormat != "" && q.LegendFormat != "__auto" {
			name = seriesName(q.LegendFormat, s.Metric, name)
		}
		fields = append(fields, &Field{Name: name, Numbers: counts, Labels: s.Metric})
	}
	if cumulative {
		for i := len(fields) - 1; i > 1; i-- {
			for row, below := range fields[i-1].Numbers {
				fields[i].Numbers[row] = max(0, fields[i].Numbers[row]-below)
			}
		}
	}
	meta["type"] = "heatmap-rows"
	return &Frame{Meta: meta, Fields: fields}
}

// nativeHistogram is a native histogram in the API's format; buckets are [boundary rule, lower, upper, count].
type nativeHistogram struct {
	Count   string               `json:"count"`
	Sum     string               `json:"sum"`
	Buckets [][4]json.RawMessage `json:"buckets"`
}

// cellFrame returns a heatmap of native histograms with one row per bucket and step.
func cellFrame(series []promSeries, st steps, meta map[string]any) *Frame {
	at := &Field{Name: "xMax", Times: []time.Time{}, Config: map[string]any{"interval": st.interval.Milliseconds()}}
	lower, upper := &Field{Name: "yMin", Numbers: []float64{}}, &Field{Name: "yMax", Numbers: []float64{}}
	count := &Field{Name: "count", Numbers: []float64{}}
	if len(series) == 1 {
		count.Labels = series[0].Metric
	}
	for _, s := range series {
		for _, raw := range s.cells() {
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
	}
	meta["type"] = "heatmap-cells"
	return &Frame{Name: "heatmap", Meta: meta, Fields: []*Field{at, lower, upper, count}}
}

func quotedFloat(raw json.RawMessage) float64 {
	n, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil {
		return math.NaN()
	}
	return n
}
