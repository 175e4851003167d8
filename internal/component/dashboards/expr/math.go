package expr

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// mathCommand evaluates a formula such as `$A / $B * 100`.
type mathCommand struct {
	root node
	vars []string
}

func newMath(text string) (*mathCommand, error) {
	if len(text) > maxFormula {
		return nil, fmt.Errorf("expr: the formula is longer than %d bytes", maxFormula)
	}
	p := &parser{tokens: lex(text)}
	root, err := p.formula()
	if err != nil {
		return nil, err
	}
	return &mathCommand{root: root, vars: p.vars}, nil
}

func (m *mathCommand) needs() []string { return m.vars }

func (m *mathCommand) run(ctx context.Context, vars Vars) (Results, error) {
	e := &evaluation{ctx: ctx, vars: vars}
	out, err := m.root.eval(e)
	if err == nil && len(e.dropped) > 0 && len(out) > 0 {
		out = slices.Clone(out)
		out[0].notices = append(slices.Clone(out[0].notices), fmt.Sprintf("%d items dropped from union(s): %s", e.drops, strings.Join(e.dropped, " ")))
	}
	return out, err
}

// evaluation is one evaluation of a formula.
type evaluation struct {
	ctx  context.Context
	vars Vars
	// dropped lists values without a match, by operator.
	dropped []string
	drops   int
	points  int
}

// node is a node of a formula's syntax tree.
type node interface {
	eval(e *evaluation) (Results, error)
	String() string
}

type (
	literal  float64
	variable string
	unary    struct {
		op  string
		arg node
	}
	binary struct {
		op   string
		a, b node
	}
	call struct {
		name string
		arg  node // nil for nan(), inf() and null()
	}
)

func (l literal) String() string  { return fmt.Sprint(float64(l)) }
func (v variable) String() string { return "$" + string(v) }
func (u unary) String() string    { return u.op + u.arg.String() }
func (b binary) String() string   { return b.a.String() + " " + b.op + " " + b.b.String() }

func (c call) String() string {
	if c.arg == nil {
		return c.name + "()"
	}
	return c.name + "(" + c.arg.String() + ")"
}

func (l literal) eval(*evaluation) (Results, error) {
	return Results{one(scalar, nil, float(float64(l)))}, nil
}

func (v variable) eval(e *evaluation) (Results, error) { return e.vars[string(v)], nil }

func (u unary) eval(e *evaluation) (Results, error) {
	in, err := u.arg.eval(e)
	return mapped(in, func(p *float64) *float64 {
		switch {
		case p == nil:
			return nil
		case math.IsNaN(*p):
			return p
		case u.op == "-":
			return float(-*p)
		}
		return float(truth(*p == 0))
	}), err
}

func mapped(in Results, f func(*float64) *float64) Results {
	out := make(Results, len(in))
	for i, v := range in {
		out[i] = v.each(f)
	}
	return out
}

// functions accept any number; null is passed as NaN, except to nullFunctions.
var functions = map[string]func(float64) float64{
	"abs": math.Abs, "log": math.Log, "round": math.Round, "ceil": math.Ceil, "floor": math.Floor,
	"is_nan": func(f float64) float64 { return truth(math.IsNaN(f)) },
	"is_inf": func(f float64) float64 { return truth(math.IsInf(f, 0)) },
}

var nullFunctions = map[string]func(*float64) float64{
	"is_null":   func(p *float64) float64 { return truth(p == nil) },
	"is_number": func(p *float64) float64 { return truth(p != nil && !math.IsNaN(*p) && !math.IsInf(*p, 0)) },
}

// constants are functions without arguments.
var constants = map[string]*float64{"nan": float(math.NaN()), "inf": float(math.Inf(1)), "infn": float(math.Inf(-1)), "null": nil}

func (c call) eval(e *evaluation) (Results, error) {
	if c.arg == nil {
		return Results{one(scalar, nil, constants[c.name])}, nil
	}
	in, err := c.arg.eval(e)
	if err != nil {
		return nil, err
	}
	if f, ok := nullFunctions[c.name]; ok {
		return mapped(in, func(p *float64) *float64 { return float(f(p)) }), nil
	}
	f := functions[c.name]
	return mapped(in, func(p *float64) *float64 {
		if p == nil {
			return float(math.NaN())
		}
		return float(f(*p))
	}), nil
}

// maxPoints limits the work of one formula: a join multiplies the number of points.
const maxPoints = 20_000_000

func (b binary) eval(e *evaluation) (Results, error) {
	left, err := b.a.eval(e)
	if err != nil {
		return nil, err
	}
	right, err := b.b.eval(e)
	if err != nil {
		return nil, err
	}
	unions, err := b.join(e, left, right)
	if err != nil {
		return nil, err
	}
	out := Results{}
	for _, u := range unions {
		v := u.apply(b.op)
		if e.points += len(v.points); e.points > maxPoints {
			return nil, fmt.Errorf("%s has more than %d values; reduce the time range or the number of series", b, maxPoints)
		}
		out = append(out, v)
	}
	return out, nil
}

// union is a pair of operands.
type union struct {
	labels map[string]string
	a, b   Value
}

// join pairs the values of both sides: values with equal labels, values whose labels are a subset of the other's, and
// values without labels with all others. A single value on each side always forms a pair.
func (b binary) join(e *evaluation, left, right Results) ([]union, error) {
	if len(left) == 0 || len(right) == 0 {
		return nil, nil
	}
	if (len(left) == 1 || len(right) == 1) && (left[0].kind == noData || right[0].kind == noData) {
		return []union{{nil, left[0], right[0]}}, nil
	}
	var unions []union
	leftUsed, rightUsed := make([]bool, len(left)), make([]bool, len(right))
	for i, l := range left {
		if err := e.ctx.Err(); err != nil {
			return nil, err
		}
		for j, r := range right {
			labels, ok := joined(l.labels, r.labels)
			if !ok {
				continue
			}
			unions = append(unions, union{labels, l, r})
			leftUsed[i], rightUsed[j] = true, true
		}
	}
	if len(unions) == 0 && len(left) == 1 && len(right) == 1 {
		return []union{{nil, left[0], right[0]}}, nil
	}
	e.note(b, left, leftUsed, right, rightUsed)
	return unions, nil
}

// joined returns the labels of a pair, or false if the values do not match.
func joined(a, b map[string]string) (map[string]string, bool) {
	switch {
	case len(a) == 0:
		return b, true
	case len(b) == 0:
		return a, true
	case len(a) == len(b):
		return a, maps.Equal(a, b)
	case len(a) > len(b):
		return a, contains(a, b)
	}
	return b, contains(b, a)
}

func contains(all, part map[string]string) bool {
	for name, value := range part {
		if other, ok := all[name]; !ok || other != value {
			return false
		}
	}
	return true
}

// note records the values that an operator dropped.
func (e *evaluation) note(b binary, left Results, leftUsed []bool, right Results, rightUsed []bool) {
	const shown = 5
	var sides []string
	side := func(text string, all Results, used []bool) {
		var lost []string
		more := 0
		for i, v := range all {
			if used[i] || v.kind == noData {
				continue
			}
			e.drops++
			if len(lost) == shown {
				more++
				continue
			}
			lost = append(lost, "{"+labelText(v.labels)+"}")
		}
		if more > 0 {
			lost = append(lost, fmt.Sprintf("...%d more...", more))
		}
		if len(lost) > 0 {
			sides = append(sides, "("+text+": "+strings.Join(lost, " ")+")")
		}
	}
	side(b.a.String(), left, leftUsed)
	side(b.b.String(), right, rightUsed)
	if len(sides) > 0 {
		e.dropped = append(e.dropped, fmt.Sprintf(`["%s": %s]`, b, strings.Join(sides, " ")))
	}
}

func (u union) apply(op string) Value {
	a, b := u.a, u.b
	switch {
	case a.kind == noData || b.kind == noData:
		return Value{kind: noData}
	case a.kind == series && b.kind == series:
		return u.bothSeries(op)
	case a.kind == series:
		v := a.each(func(p *float64) *float64 { return operate(op, p, b.points[0]) })
		v.labels = u.labels
		return v
	default:
		v := b.each(func(p *float64) *float64 { return operate(op, a.points[0], p) })
		v.labels, v.kind = u.labels, max(a.kind, b.kind)
		return v
	}
}

// bothSeries computes with the values at the timestamps that both series have.
func (u union) bothSeries(op string) Value {
	byTime := make(map[int64]*float64, len(u.b.times))
	for i, t := range u.b.times {
		byTime[t.UnixNano()] = u.b.points[i]
	}
	v := Value{kind: series, labels: u.labels}
	for i, t := range u.a.times {
		if p, ok := byTime[t.UnixNano()]; ok {
			v.times, v.points = append(v.times, t), append(v.points, operate(op, u.a.points[i], p))
		}
	}
	return v
}

// operate computes one value: null with anything is null, and NaN is NaN unless the other operand decides a && or ||.
func operate(op string, a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	x, y := *a, *b
	switch {
	case op == "||" && x != 0:
		return float(1)
	case op == "&&" && x == 0:
		return float(0)
	case math.IsNaN(x) || math.IsNaN(y):
		return float(math.NaN())
	}
	switch op {
	case "+":
		return float(x + y)
	case "-":
		return float(x - y)
	case "*":
		return float(x * y)
	case "/":
		return float(x / y)
	case "%":
		return float(math.Mod(x, y))
	case "**":
		return float(math.Pow(x, y))
	}
	return float(truth(map[string]bool{
		"==": x == y, "!=": x != y, ">": x > y, "<": x < y, ">=": x >= y, "<=": x <= y, "||": x != 0 || y != 0, "&&": x != 0 && y != 0,
	}[op]))
}
