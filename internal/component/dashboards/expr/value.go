package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

// kind is the kind of a value.
type kind int

const (
	noData kind = iota
	scalar
	number
	series
)

func (k kind) String() string { return []string{"noData", "scalar", "number", "series"}[k] }

// Value is one series or number. A nil point is null, which is different from NaN.
type Value struct {
	kind   kind
	labels map[string]string
	times  []time.Time // of a series
	points []*float64  // one per timestamp of a series; otherwise exactly one
	// notices are shown on the panel.
	notices []string
}

func one(k kind, labels map[string]string, v *float64) Value {
	return Value{kind: k, labels: labels, points: []*float64{v}}
}

func float(v float64) *float64 { return &v }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// each returns the value with f applied to each point.
func (v Value) each(f func(*float64) *float64) Value {
	if v.kind == noData {
		return v
	}
	v.points = slices.Clone(v.points)
	for i, p := range v.points {
		v.points[i] = f(p)
	}
	v.notices = nil
	return v
}

// read converts a data source's frames into values.
func read(frames []*dsquery.Frame) (Results, error) {
	var all Results
	for _, f := range frames {
		if f.Meta["dataTopic"] == "annotations" || len(f.Fields) == 0 {
			continue
		}
		values, err := readFrame(f)
		if err != nil {
			return nil, err
		}
		all = append(all, values...)
	}
	if len(all) == 0 {
		return Results{{kind: noData}}, nil
	}
	return all, nil
}

func readFrame(f *dsquery.Frame) (Results, error) {
	var at *dsquery.Field
	var numbers, texts []*dsquery.Field
	for _, field := range f.Fields {
		switch {
		case field.Times != nil && at == nil:
			at = field
		case field.Points != nil || field.Numbers != nil:
			numbers = append(numbers, field)
		case field.Texts != nil:
			texts = append(texts, field)
		default:
			return nil, errors.New("input data must be a wide series but got type not (input refid)")
		}
	}
	if f.Meta["preferredVisualisationType"] == "logs" || f.Meta["type"] == "heatmap-cells" {
		return nil, errors.New("input data must be a wide series but got type long (input refid)")
	}
	if len(texts) > 0 {
		if len(numbers) != 1 {
			return nil, errors.New("input data must be a wide series but got type long (input refid)")
		}
		return readTable(f, at, texts, numbers[0]), nil
	}
	var all Results
	for _, field := range numbers {
		points := field.Nullable()
		switch {
		case at == nil || f.Meta["type"] == "numeric-multi":
			for _, p := range points {
				all = append(all, one(number, field.Labels, p))
			}
		default:
			all = append(all, Value{kind: series, labels: field.Labels, times: at.Times, points: points})
		}
	}
	return all, nil
}

// readTable uses the strings of each row as labels and combines rows with the same labels into a series if they have times.
func readTable(f *dsquery.Frame, at *dsquery.Field, texts []*dsquery.Field, values *dsquery.Field) Results {
	var all Results
	byLabels := map[string]int{}
	custom, _ := f.Meta["custom"].(map[string]any)
	isSeries := at != nil && custom["resultType"] == "matrix"
	for row, p := range values.Nullable() {
		labels := map[string]string{}
		for _, t := range texts {
			labels[t.Name] = t.Texts[row]
		}
		if !isSeries {
			all = append(all, one(number, labels, p))
			continue
		}
		key := labelText(labels)
		i, ok := byLabels[key]
		if !ok {
			i = len(all)
			byLabels[key] = i
			all = append(all, Value{kind: series, labels: labels})
		}
		all[i].times, all[i].points = append(all[i].times, at.Times[row]), append(all[i].points, p)
	}
	return all
}

// write creates the frames of an expression.
func write(refID string, results Results) []*dsquery.Frame {
	var frames []*dsquery.Frame
	for _, v := range results {
		value := &dsquery.Field{Name: refID, Labels: v.labels, Points: v.points}
		f := &dsquery.Frame{Meta: map[string]any{"type": "numeric-multi", "typeVersion": []int{0, 1}}, Fields: []*dsquery.Field{value}}
		switch v.kind {
		case noData:
			f = &dsquery.Frame{Meta: map[string]any{}, Fields: []*dsquery.Field{}}
		case series:
			times := v.times
			if times == nil {
				times, value.Points = []time.Time{}, []*float64{}
			}
			f.Meta["type"] = "timeseries-multi"
			f.Fields = []*dsquery.Field{{Name: "Time", Times: times}, value}
		}
		if len(v.notices) > 0 {
			var notices []any
			for _, text := range v.notices {
				notices = append(notices, map[string]any{"severity": "warning", "text": text})
			}
			f.Meta["notices"] = notices
		}
		frames = append(frames, f)
	}
	return frames
}

// labelText formats labels as Grafana does: a=b, c=d.
func labelText(labels map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, fmt.Sprintf("%s=%s", name, labels[name]))
	}
	return strings.Join(pairs, ", ")
}
