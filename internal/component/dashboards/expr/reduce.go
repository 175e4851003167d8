package expr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

// reducers reduce the values of a series to one number. If any value is null or NaN, all except count and last return NaN.
var reducers = map[string]func([]*float64) *float64{
	"sum": func(p []*float64) *float64 { return strict(p, 0, sum) },
	"mean": func(p []*float64) *float64 {
		return strict(p, math.NaN(), func(v []float64) float64 { return sum(v) / float64(len(v)) })
	},
	"min":    func(p []*float64) *float64 { return strict(p, math.NaN(), slices.Min[[]float64]) },
	"max":    func(p []*float64) *float64 { return strict(p, math.NaN(), slices.Max[[]float64]) },
	"median": func(p []*float64) *float64 { return strict(p, math.NaN(), median) },
	"count":  func(p []*float64) *float64 { return float(float64(len(p))) },
	"last": func(p []*float64) *float64 {
		if len(p) == 0 {
			return float(math.NaN())
		}
		return p[len(p)-1]
	},
}

// strict applies f if all values are numbers; if there are no values, it returns empty.
func strict(points []*float64, empty float64, f func([]float64) float64) *float64 {
	if len(points) == 0 {
		return float(empty)
	}
	values := make([]float64, len(points))
	for i, p := range points {
		if p == nil || math.IsNaN(*p) {
			return float(math.NaN())
		}
		values[i] = *p
	}
	return float(f(values))
}

func sum(values []float64) (s float64) {
	for _, v := range values {
		s += v
	}
	return s
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

// reduce reduces each series to a number.
type reduce struct {
	input   string
	reducer func([]*float64) *float64
	// in is applied to values before reducing and out to the result; in returns nil and false to drop a value. Both are
	// nil in strict mode.
	in  func(*float64) (*float64, bool)
	out func(*float64) *float64
}

func newReduce(input string, f common) (*reduce, error) {
	r := &reduce{input: input, reducer: reducers[strings.ToLower(f.Reducer)]}
	switch {
	case f.Reducer == "":
		return nil, errors.New("no reducer specified")
	case r.reducer == nil:
		return nil, fmt.Errorf("unknown reducer %q", f.Reducer)
	case f.Settings == nil:
		return r, nil
	}
	switch f.Settings.Mode {
	case "", "strict":
	case "dropNN":
		r.in = func(p *float64) (*float64, bool) { return p, isNumber(p) }
		r.out = func(p *float64) *float64 {
			if p != nil && math.IsNaN(*p) {
				return nil
			}
			return p
		}
	case "replaceNN":
		with := f.Settings.Replace
		if with == nil {
			return nil, errors.New("setting replaceWithValue must be specified when mode is 'replaceNN'")
		}
		r.in = func(p *float64) (*float64, bool) {
			if isNumber(p) {
				return p, true
			}
			return with, true
		}
		r.out = func(p *float64) *float64 {
			if p == nil || math.IsNaN(*p) {
				return with
			}
			return p
		}
	default:
		return nil, fmt.Errorf("reducer mode '%s' is not supported. Supported only: [dropNN,replaceNN]", f.Settings.Mode)
	}
	return r, nil
}

func isNumber(p *float64) bool { return p != nil && !math.IsNaN(*p) && !math.IsInf(*p, 0) }

func (r *reduce) needs() []string { return []string{r.input} }

func (r *reduce) run(_ context.Context, vars Vars) (Results, error) {
	var out Results
	for i, v := range vars[r.input] {
		points := v.points
		if r.in != nil {
			points = nil
			for _, p := range v.points {
				if changed, keep := r.in(p); keep {
					points = append(points, changed)
				}
			}
		}
		switch v.kind {
		case noData:
			out = append(out, Value{kind: noData})
		case series:
			reduced := r.reducer(points)
			if r.out != nil {
				reduced = r.out(reduced)
			}
			out = append(out, one(number, v.labels, reduced))
		case number:
			if len(points) == 0 {
				continue
			}
			n := one(number, v.labels, points[0])
			if r.in == nil && i == 0 {
				n.notices = []string{fmt.Sprintf("Reduce operation is not needed. Input query or expression %s is already reduced data.", r.input)}
			}
			out = append(out, n)
		default:
			return nil, fmt.Errorf("can only reduce type series, got type %s", v.kind)
		}
	}
	return out, nil
}

// resample resamples each series from the start of the range to its end at intervals of window.
type resample struct {
	input     string
	window    time.Duration
	down      func([]*float64) *float64
	upsampler string
	from, to  time.Time
}

func newResample(input string, f common, from, to time.Time) (*resample, error) {
	window, err := dsquery.ParseDuration(f.Window)
	if err != nil {
		return nil, fmt.Errorf(`failed to parse resample "window" duration field %q: %w`, f.Window, err)
	}
	r := &resample{input: input, window: window, down: reducers[f.Downsampler], upsampler: f.Upsampler, from: from, to: to}
	switch {
	case r.down == nil || f.Downsampler == "count" || f.Downsampler == "median":
		return nil, fmt.Errorf("unknown downsampler %q", f.Downsampler)
	case !slices.Contains([]string{"pad", "backfilling", "fillna"}, f.Upsampler):
		return nil, fmt.Errorf("unknown upsampler %q", f.Upsampler)
	}
	return r, nil
}

func (r *resample) needs() []string { return []string{r.input} }

func (r *resample) run(_ context.Context, vars Vars) (Results, error) {
	var out Results
	for _, v := range vars[r.input] {
		switch v.kind {
		case noData:
			return append(out, Value{kind: noData}), nil
		case series:
			steps := int64(r.to.Sub(r.from) / r.window)
			if steps <= 0 {
				return nil, errors.New("the series cannot be sampled further; the time range is shorter than the interval")
			}
			if steps*int64(len(vars[r.input])) > maxPoints {
				return nil, fmt.Errorf("resampling to %s creates more than %d values; use a larger window", dsquery.FormatDuration(r.window), maxPoints)
			}
			out = append(out, r.series(v))
		default:
			return nil, fmt.Errorf("can only resample type series, got type %s", v.kind)
		}
	}
	return out, nil
}

func (r *resample) series(v Value) Value {
	out := Value{kind: series, labels: v.labels}
	next := 0 // the first point not yet consumed
	var last *float64
	for t := r.from; !t.After(r.to); t = t.Add(r.window) {
		first := next
		for next < len(v.times) && !v.times[next].After(t) {
			last = v.points[next]
			next++
		}
		var p *float64
		switch {
		case next > first:
			p = r.down(v.points[first:next])
		case r.upsampler == "pad":
			p = last
		case r.upsampler == "backfilling" && next < len(v.points):
			p = v.points[next]
		}
		out.times, out.points = append(out.times, t), append(out.points, p)
	}
	return out
}
