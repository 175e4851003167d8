package dsquery

import (
	"encoding/json"
	"math"
	"slices"
	"time"
)

// Frame is a data frame; it is encoded as Grafana's JSON {"schema": …, "data": …}.
type Frame struct {
	Name   string
	RefID  string
	Meta   map[string]any
	Fields []*Field
}

// Field is a column of a frame. Exactly one of Times, Numbers, Points, Texts and Values is used.
type Field struct {
	Name   string
	Labels map[string]string
	Config map[string]any

	Times   []time.Time
	Numbers []float64
	Points  []*float64 // nullable numbers
	Texts   []string
	Values  []any // other JSON, type "other"
}

// Nullable returns the numbers of the field as nullable numbers.
func (f *Field) Nullable() []*float64 {
	if f.Points != nil {
		return f.Points
	}
	points := make([]*float64, len(f.Numbers))
	for i := range f.Numbers {
		points[i] = &f.Numbers[i]
	}
	return points
}

func (f *Field) kind() (kind, goType string) {
	switch {
	case f.Times != nil:
		return "time", "time.Time"
	case f.Numbers != nil, f.Points != nil:
		return "number", "float64"
	case f.Texts != nil:
		return "string", "string"
	}
	return "other", "json.RawMessage"
}

type schemaField struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	TypeInfo map[string]any    `json:"typeInfo"`
	Labels   map[string]string `json:"labels,omitempty"`
	Config   map[string]any    `json:"config,omitempty"`
}

// entities are the positions of numbers that JSON cannot represent.
type entities struct {
	NaN    []int `json:"NaN,omitempty"`
	Inf    []int `json:"Inf,omitempty"`
	NegInf []int `json:"NegInf,omitempty"`
}

// MarshalJSON encodes the frame as Grafana's API does.
func (f *Frame) MarshalJSON() ([]byte, error) {
	type schema struct {
		Name   string         `json:"name,omitempty"`
		RefID  string         `json:"refId,omitempty"`
		Meta   map[string]any `json:"meta,omitempty"`
		Fields []schemaField  `json:"fields"`
	}
	type data struct {
		Values   []any       `json:"values"`
		Nanos    [][]int64   `json:"nanos,omitempty"`
		Entities []*entities `json:"entities,omitempty"`
	}
	s := schema{Name: f.Name, RefID: f.RefID, Meta: f.Meta, Fields: []schemaField{}}
	d := data{Values: []any{}}
	nanos, special := make([][]int64, len(f.Fields)), make([]*entities, len(f.Fields))
	hasNanos, hasSpecial := false, false
	for i, field := range f.Fields {
		kind, goType := field.kind()
		info := map[string]any{"frame": goType}
		if field.Points != nil {
			info["nullable"] = true
		}
		s.Fields = append(s.Fields, schemaField{field.Name, kind, info, field.Labels, field.Config})
		var values any
		switch {
		case field.Times != nil:
			values, nanos[i] = splitTimes(field.Times)
			hasNanos = hasNanos || nanos[i] != nil
		case field.Numbers != nil, field.Points != nil:
			values, special[i] = splitNumbers(field.Nullable())
			hasSpecial = hasSpecial || special[i] != nil
		case field.Texts != nil:
			values = field.Texts
		default:
			values = field.Values
			if field.Values == nil {
				values = []any{}
			}
		}
		d.Values = append(d.Values, values)
	}
	if hasNanos {
		d.Nanos = nanos
	}
	if hasSpecial {
		d.Entities = special
	}
	return json.Marshal(struct {
		Schema schema `json:"schema"`
		Data   data   `json:"data"`
	}{s, d})
}

// splitTimes returns milliseconds, plus the remaining nanoseconds if there are any.
func splitTimes(times []time.Time) (ms, nanos []int64) {
	ms = make([]int64, len(times))
	for i, t := range times {
		ms[i] = t.UnixMilli()
		if rest := int64(t.Nanosecond() % int(time.Millisecond)); rest != 0 {
			if nanos == nil {
				nanos = make([]int64, len(times))
			}
			nanos[i] = rest
		}
	}
	return ms, nanos
}

// splitNumbers returns the numbers that JSON can represent and the positions of those it cannot.
func splitNumbers(numbers []*float64) ([]*float64, *entities) {
	values := slices.Clone(numbers)
	var e entities
	special := false
	for i, v := range numbers {
		switch {
		case v == nil:
			continue
		case math.IsNaN(*v):
			e.NaN = append(e.NaN, i)
		case math.IsInf(*v, 1):
			e.Inf = append(e.Inf, i)
		case math.IsInf(*v, -1):
			e.NegInf = append(e.NegInf, i)
		default:
			continue
		}
		values[i], special = nil, true
	}
	if !special {
		return values, nil
	}
	return values, &e
}
