package dsquery

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// exemplar is one exemplar of a series, with its own labels and those of the series.
type exemplar struct {
	at     time.Time
	value  float64
	labels map[string]string
}

// exemplarFrame returns a frame with one row per exemplar: time, value, and the labels of the series and the exemplar.
// It returns nil if there are no exemplars.
func exemplarFrame(a *apiAnswer, step time.Duration) (*Frame, error) {
	var answer []struct {
		SeriesLabels map[string]string `json:"seriesLabels"`
		Exemplars    []struct {
			Labels    map[string]string `json:"labels"`
			Value     json.RawMessage   `json:"value"`
			Timestamp float64           `json:"timestamp"`
		} `json:"exemplars"`
	}
	if err := json.Unmarshal(a.Data, &answer); err != nil {
		return nil, fmt.Errorf("read the exemplars: %w", err)
	}
	var all []exemplar
	for _, s := range answer {
		for _, e := range s.Exemplars {
			labels := maps.Clone(s.SeriesLabels)
			if labels == nil {
				labels = map[string]string{}
			}
			maps.Copy(labels, e.Labels)
			all = append(all, exemplar{time.UnixMilli(int64(math.Round(e.Timestamp * 1000))), quotedFloat(e.Value), labels})
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	shown := chosen(all, step)
	names := map[string]bool{}
	for _, e := range shown {
		for name := range e.labels {
			names[name] = true
		}
	}
	fields := []*Field{{Name: "Time", Times: []time.Time{}}, {Name: "Value", Numbers: []float64{}}}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		fields = append(fields, &Field{Name: name, Texts: []string{}})
	}
	for _, e := range shown {
		fields[0].Times, fields[1].Numbers = append(fields[0].Times, e.at), append(fields[1].Numbers, e.value)
		for _, f := range fields[2:] {
			f.Texts = append(f.Texts, e.labels[f.Name])
		}
	}
	return &Frame{Name: "exemplar", Meta: map[string]any{"custom": map[string]any{"resultType": "exemplar"}, "dataTopic": "annotations"}, Fields: fields}, nil
}

// chosen returns as many exemplars as a graph can show, sampled as in Grafana: the highest one of each step, and of the
// others those that are two standard deviations below the previously selected one.
func chosen(all []exemplar, step time.Duration) (out []exemplar) {
	mean, variance := 0.0, 0.0
	for _, e := range all {
		mean += e.value / float64(len(all))
	}
	for _, e := range all {
		variance += (e.value - mean) * (e.value - mean) / float64(len(all))
	}
	far := 2 * math.Sqrt(variance)
	steps := map[int64][]exemplar{}
	for _, e := range all {
		at := e.at.UnixMilli() / max(step.Milliseconds(), 1)
		steps[at] = append(steps[at], e)
	}
	for _, at := range slices.Sorted(maps.Keys(steps)) {
		slices.SortStableFunc(steps[at], func(a, b exemplar) int {
			switch {
			case a.value > b.value:
				return -1
			case a.value < b.value:
				return 1
			}
			return 0
		})
		last := math.Inf(1)
		for _, e := range steps[at] {
			if math.IsInf(last, 1) || far > 0 && last-e.value >= far {
				out, last = append(out, e), e.value
			}
		}
	}
	slices.SortStableFunc(out, func(a, b exemplar) int { return a.at.Compare(b.at) })
	return out
}
