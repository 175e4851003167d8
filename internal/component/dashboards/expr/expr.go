// Package expr evaluates Grafana's server-side expressions: math, reduce, resample, threshold, classic_conditions and sql.
//
// Its results match Grafana's, including edge cases: label matching, NaN and null handling, and error messages. It does
// not query data sources itself but receives their results. Only the dashboards part imports it.
package expr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

// UID is both the uid and the type of the data source of expressions.
const UID = "__expr__"

// Query is one query of a request: an expression or a data source query.
type Query struct {
	RefID      string
	Expression bool
	// Hide excludes the query from the response: it runs only if an expression needs it.
	Hide bool
	// Raw is the JSON of an expression.
	Raw      json.RawMessage
	From, To time.Time
}

// Results are the results of a query or an expression.
type Results []Value

// Vars are the results of preceding queries and expressions, by refId.
type Vars map[string]Results

// command is one expression.
type command interface {
	// needs returns the refIds that the command depends on.
	needs() []string
	run(ctx context.Context, vars Vars) (Results, error)
}

// framer is a command whose result is more than values.
type framer interface {
	frames(ctx context.Context, vars map[string][]*dsquery.Frame) ([]*dsquery.Frame, error)
}

// Ask runs the data source queries with these refIds.
type Ask func(ctx context.Context, refIDs []string) map[string]dsquery.Response

// Run executes the queries of a request in dependency order. The result contains a response for each query that is not
// hidden.
func Run(ctx context.Context, queries []Query, ask Ask) map[string]dsquery.Response {
	g := newGraph(queries)
	order := g.order()
	answers := maps.Clone(g.failed)
	vars, frames := Vars{}, map[string][]*dsquery.Frame{}
	for refID, res := range ask(ctx, g.asked()) {
		if res.Error == "" {
			var err error
			frames[refID] = res.Frames
			if vars[refID], err = read(res.Frames); err != nil && g.needed[refID] {
				g.unreadable[refID] = err
			}
		} else if g.needed[refID] {
			res.Error = fmt.Sprintf("[sse.dataQueryError] failed to execute query [%s]: %s", refID, res.Error)
		}
		answers[refID] = res
	}
	for _, refID := range order {
		if _, failed := answers[refID]; failed {
			continue
		}
		res := g.execute(ctx, refID, answers, vars, frames)
		answers[refID] = res
	}
	for _, q := range queries {
		if q.Hide {
			delete(answers, q.RefID)
		}
	}
	return answers
}

// graph holds the dependencies between expressions.
type graph struct {
	queries  map[string]Query
	commands map[string]command
	// failed are expressions that cannot be run.
	failed     map[string]dsquery.Response
	needed     map[string]bool
	unreadable map[string]error
}

func newGraph(queries []Query) *graph {
	g := &graph{map[string]Query{}, map[string]command{}, map[string]dsquery.Response{}, map[string]bool{}, map[string]error{}}
	var refIDs []string
	for _, q := range queries {
		g.queries[q.RefID] = q
		refIDs = append(refIDs, q.RefID)
	}
	for _, q := range queries {
		if !q.Expression {
			continue
		}
		c, err := parse(q, refIDs)
		if err == nil {
			err = g.check(q, c)
		}
		if err != nil {
			g.fail(q.RefID, fmt.Errorf("[sse.parseError] failed to parse expression [%s]: %w", q.RefID, err))
			continue
		}
		g.commands[q.RefID] = c
		for _, needed := range c.needs() {
			g.needed[needed] = true
		}
	}
	return g
}

func (g *graph) fail(refID string, err error) {
	g.failed[refID] = dsquery.Fail(http.StatusBadRequest, err)
}

func (g *graph) check(q Query, c command) error {
	for _, needed := range c.needs() {
		other, ok := g.queries[needed]
		_, classic := c.(*classicConditions)
		switch {
		case !ok:
			return fmt.Errorf("unable to find dependent node '%s'", needed)
		case needed == q.RefID:
			return fmt.Errorf("expression '%s' cannot reference itself. Must be query or another expression", q.RefID)
		case classic && other.Expression:
			return fmt.Errorf("only data source queries may be inputs to a classic condition, %s is a Expression", needed)
		case other.Expression && kindOf(other.Raw) == "classic_conditions":
			return fmt.Errorf("classic conditions may not be the input for other expressions, but %s is the input for %s", needed, q.RefID)
		}
	}
	return nil
}

// asked returns the refIds of the data source queries that must run.
func (g *graph) asked() (refIDs []string) {
	for _, refID := range slices.Sorted(maps.Keys(g.queries)) {
		if q := g.queries[refID]; !q.Expression && (!q.Hide || g.needed[refID]) {
			refIDs = append(refIDs, refID)
		}
	}
	return refIDs
}

// order returns the expressions in dependency order. Expressions in a cycle fail.
func (g *graph) order() (refIDs []string) {
	const (
		entered = 1 + iota
		done
	)
	state := map[string]int{}
	var visit func(refID string) bool
	visit = func(refID string) bool {
		c, ok := g.commands[refID]
		if !ok || state[refID] == done {
			return true
		}
		if state[refID] == entered {
			return false
		}
		state[refID] = entered
		for _, needed := range c.needs() {
			if !visit(needed) {
				delete(g.commands, refID)
				g.fail(refID, fmt.Errorf("[sse.cyclicReference] cyclic reference in expression [%s]", refID))
				return false
			}
		}
		state[refID] = done
		refIDs = append(refIDs, refID)
		return true
	}
	for _, refID := range slices.Sorted(maps.Keys(g.queries)) {
		visit(refID)
	}
	return refIDs
}

func (g *graph) execute(ctx context.Context, refID string, answers map[string]dsquery.Response, vars Vars, frames map[string][]*dsquery.Frame) dsquery.Response {
	c := g.commands[refID]
	tables, isFramer := c.(framer)
	for _, needed := range c.needs() {
		if answer := answers[needed]; answer.Error != "" {
			err := fmt.Errorf("[sse.dependencyError] did not execute expression [%s] due to a failure of the dependent expression or query [%s]", refID, needed)
			if g.queries[needed].Hide {
				err = fmt.Errorf("%w: %s", err, answer.Error)
			}
			return dsquery.Fail(http.StatusBadRequest, err)
		}
		if err := g.unreadable[needed]; err != nil && !isFramer {
			return dsquery.Fail(http.StatusBadRequest, fmt.Errorf("[sse.readDataError] [%s] got error: %w", needed, err))
		}
	}
	var made []*dsquery.Frame
	var err error
	if isFramer {
		if made, err = tables.frames(ctx, frames); err == nil {
			if vars[refID], err = read(made); err != nil {
				g.unreadable[refID], err = err, nil
			}
		}
	} else if vars[refID], err = c.run(ctx, vars); err == nil {
		made = write(refID, vars[refID])
	}
	if err != nil {
		return dsquery.Fail(http.StatusBadRequest, fmt.Errorf("failed to execute expression [%s]: %w", refID, err))
	}
	for _, f := range made {
		f.RefID = refID
	}
	frames[refID] = made
	return dsquery.Response{Status: http.StatusOK, Frames: made}
}

// kindOf returns the type of an expression.
func kindOf(raw json.RawMessage) string {
	var q struct{ Type string }
	_ = json.Unmarshal(raw, &q)
	return q.Type
}

// common holds the fields shared by most expressions.
type common struct {
	Expression  string `json:"expression"`
	Reducer     string `json:"reducer"`
	Window      string `json:"window"`
	Downsampler string `json:"downsampler"`
	Upsampler   string `json:"upsampler"`
	Format      string `json:"format"`
	Settings    *struct {
		Mode    string   `json:"mode"`
		Replace *float64 `json:"replaceWithValue"`
	} `json:"settings"`
	Conditions []condition `json:"conditions"`
}

func parse(q Query, refIDs []string) (command, error) {
	var f common
	if err := json.Unmarshal(q.Raw, &f); err != nil {
		return nil, err
	}
	kind := kindOf(q.Raw)
	input := strings.TrimPrefix(strings.TrimSpace(f.Expression), "$")
	if f.Expression == "" && kind != "classic_conditions" && kind != "" {
		return nil, errors.New("the field expression is missing: a formula, or the refId of a query or expression")
	}
	switch kind {
	case "math":
		return newMath(f.Expression)
	case "reduce":
		return newReduce(input, f)
	case "resample":
		return newResample(input, f, q.From, q.To)
	case "threshold":
		return newThreshold(input, f.Conditions)
	case "classic_conditions":
		return newClassic(f.Conditions)
	case "sql":
		return newSQL(f.Expression, slices.DeleteFunc(slices.Clone(refIDs), func(r string) bool { return r == q.RefID })), nil
	case "":
		return nil, fmt.Errorf("no expression command type in query for refId %s", q.RefID)
	}
	return nil, fmt.Errorf("'%s' is not a recognized expression type", kind)
}
