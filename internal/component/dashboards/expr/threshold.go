package expr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// condition is a condition of threshold or classic_conditions.
type condition struct {
	Evaluator        evaluator       `json:"evaluator"`
	Unload           *evaluator      `json:"unloadEvaluator"`
	LoadedDimensions json.RawMessage `json:"loadedDimensions"`
	Operator         struct {
		Type string `json:"type"`
	} `json:"operator"`
	Query struct {
		Params []string `json:"params"`
	} `json:"query"`
	Reducer struct {
		Type string `json:"type"`
	} `json:"reducer"`
}

type evaluator struct {
	Type   string    `json:"type"`
	Params []float64 `json:"params"`
}

// tests are the evaluator functions by name, with their number of parameters.
var tests = map[string]struct {
	params int
	holds  func(v float64, p []float64) bool
}{
	"gt":                     {1, func(v float64, p []float64) bool { return v > p[0] }},
	"lt":                     {1, func(v float64, p []float64) bool { return v < p[0] }},
	"eq":                     {1, func(v float64, p []float64) bool { return v == p[0] }},
	"ne":                     {1, func(v float64, p []float64) bool { return v != p[0] }},
	"gte":                    {1, func(v float64, p []float64) bool { return v >= p[0] }},
	"lte":                    {1, func(v float64, p []float64) bool { return v <= p[0] }},
	"within_range":           {2, func(v float64, p []float64) bool { return v > p[0] && v < p[1] }},
	"outside_range":          {2, func(v float64, p []float64) bool { return v < p[0] || v > p[1] }},
	"within_range_included":  {2, func(v float64, p []float64) bool { return v >= p[0] && v <= p[1] }},
	"outside_range_included": {2, func(v float64, p []float64) bool { return v <= p[0] || v >= p[1] }},
}

func (e evaluator) check() error {
	t, ok := tests[e.Type]
	switch {
	case !ok:
		return fmt.Errorf("expected threshold function to be one of [gt, lt, eq, ne, gte, lte, within_range, outside_range, within_range_included, outside_range_included], got %s", e.Type)
	case len(e.Params) < t.params:
		return fmt.Errorf("incorrect number of arguments for threshold function '%s': got %d but need %d", e.Type, len(e.Params), t.params)
	}
	return nil
}

func (e evaluator) holds(v float64) bool { return tests[e.Type].holds(v, e.Params) }

// threshold maps each value to 1 or 0.
type threshold struct {
	input string
	test  evaluator
}

func newThreshold(input string, conditions []condition) (*threshold, error) {
	if len(conditions) != 1 {
		return nil, errors.New("threshold expression requires exactly one condition")
	}
	c := conditions[0]
	if err := c.Evaluator.check(); err != nil {
		return nil, fmt.Errorf("invalid condition: %w", err)
	}
	if c.Unload != nil { // only affects values that were above the threshold before, which only an alert rule knows
		if err := c.Unload.check(); err != nil {
			return nil, fmt.Errorf("invalid unloadCondition: %w", err)
		}
		if len(c.LoadedDimensions) > 0 && string(c.LoadedDimensions) != "null" {
			return nil, errors.New("loadedDimensions belong to Grafana-managed alert rules, which are not supported")
		}
	}
	return &threshold{input, c.Evaluator}, nil
}

func (t *threshold) needs() []string { return []string{t.input} }

func (t *threshold) run(_ context.Context, vars Vars) (Results, error) {
	return mapped(vars[t.input], func(p *float64) *float64 {
		if p == nil {
			return nil
		}
		return float(truth(t.test.holds(*p)))
	}), nil
}

// classicConditions combines several conditions into one boolean. A condition holds if it does for any series.
type classicConditions struct{ conditions []condition }

func newClassic(conditions []condition) (*classicConditions, error) {
	for i, c := range conditions {
		switch {
		case !slices.Contains([]string{"and", "or", "logic-or"}, c.Operator.Type):
			return nil, fmt.Errorf("condition %d operator must be `and`, `or` or `logic-or`", i+1)
		case len(c.Query.Params) == 0 || c.Query.Params[0] == "":
			return nil, fmt.Errorf("condition %d is missing the query RefID argument", i+1)
		case classicReducers[c.Reducer.Type] == nil:
			return nil, fmt.Errorf("invalid reducer '%s' in condition %d", c.Reducer.Type, i+1)
		case c.Evaluator.Type == "no_value":
			continue
		}
		if err := c.Evaluator.check(); err != nil {
			return nil, fmt.Errorf("condition %d: %w", i+1, err)
		}
	}
	if len(conditions) == 0 {
		return nil, errors.New("the field conditions is missing")
	}
	return &classicConditions{conditions}, nil
}

func (c *classicConditions) needs() (refIDs []string) {
	for _, one := range c.conditions {
		refIDs = append(refIDs, one.Query.Params[0])
	}
	return refIDs
}

func (c *classicConditions) run(_ context.Context, vars Vars) (Results, error) {
	var fires, nothing bool
	for i, one := range c.conditions {
		holds, empty, err := one.holds(vars[one.Query.Params[0]])
		if err != nil {
			return nil, err
		}
		switch {
		case i == 0:
			fires, nothing = holds, empty
		case one.Operator.Type == "and":
			fires, nothing = fires && holds, nothing && empty
		default:
			fires, nothing = fires || holds, nothing || empty
		}
	}
	if !fires && nothing {
		return Results{one(number, nil, nil)}, nil
	}
	return Results{one(number, nil, float(truth(fires)))}, nil
}

// holds reports whether any series meets the condition, and whether none of them has values.
func (c condition) holds(in Results) (holds, empty bool, err error) {
	empty = true
	for _, v := range in {
		var reduced *float64
		switch v.kind {
		case series:
			reduced = classicReducers[c.Reducer.Type](v.points)
		case number:
			reduced = v.points[0]
		case scalar:
			return false, false, fmt.Errorf("can only reduce type series, got type %s", v.kind)
		}
		if reduced != nil {
			empty = false
		}
		if c.Evaluator.Type == "no_value" {
			holds = holds || reduced == nil
		} else {
			holds = holds || reduced != nil && c.Evaluator.holds(*reduced)
		}
	}
	return holds, empty && !strings.EqualFold(c.Evaluator.Type, "no_value"), nil
}

// classicReducers ignore null and NaN; without values they return null.
var classicReducers = map[string]func([]*float64) *float64{
	"avg":            ofNumbers(func(v []float64) float64 { return sum(v) / float64(len(v)) }),
	"sum":            ofNumbers(sum),
	"min":            ofNumbers(slices.Min[[]float64]),
	"max":            ofNumbers(slices.Max[[]float64]),
	"median":         ofNumbers(median),
	"last":           ofNumbers(func(v []float64) float64 { return v[len(v)-1] }),
	"count_non_null": ofNumbers(func(v []float64) float64 { return float64(len(v)) }),
	"count": func(p []*float64) *float64 {
		if len(p) == 0 {
			return nil
		}
		return float(float64(len(p)))
	},
	"diff":             change(func(newest, oldest float64) float64 { return newest - oldest }),
	"diff_abs":         change(func(newest, oldest float64) float64 { return math.Abs(newest - oldest) }),
	"percent_diff":     change(func(newest, oldest float64) float64 { return (newest - oldest) / math.Abs(oldest) * 100 }),
	"percent_diff_abs": change(func(newest, oldest float64) float64 { return math.Abs((newest - oldest) / oldest * 100) }),
}

func ofNumbers(f func([]float64) float64) func([]*float64) *float64 {
	return func(points []*float64) *float64 {
		var values []float64
		for _, p := range points {
			if p != nil && !math.IsNaN(*p) {
				values = append(values, *p)
			}
		}
		if len(values) == 0 {
			return nil
		}
		return float(f(values))
	}
}

// change computes with the newest and the oldest number; the result for a single number is 0.
func change(f func(newest, oldest float64) float64) func([]*float64) *float64 {
	return ofNumbers(func(v []float64) float64 {
		if len(v) == 1 {
			return 0
		}
		return f(v[len(v)-1], v[0])
	})
}
