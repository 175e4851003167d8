package promserver

import (
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// stepwise reports whether each step of a range query is computed only from samples up to its time, so that the result
// for a time range is the same whether it is queried at once or in parts. If in doubt, it returns false.
func stepwise(expr parser.Expr) bool {
	ok, anyName, subquery := true, false, false
	names := map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			// Samples read after the step, at a time that depends on the query range, or at a time that does not move
			// with the step.
			ok = ok && n.OriginalOffset >= 0 && n.OriginalOffsetExpr == nil && n.Timestamp == nil && n.StartOrEnd == 0 && !n.Smoothed
			name := exactName(n)
			anyName = anyName || name == ""
			names[name] = true
		case *parser.MatrixSelector:
			ok = ok && n.RangeExpr == nil
		case *parser.SubqueryExpr:
			ok = ok && n.OriginalOffset >= 0 && n.OriginalOffsetExpr == nil && n.Timestamp == nil && n.StartOrEnd == 0 && n.RangeExpr == nil && n.StepExpr == nil
			subquery = true
		case *parser.Call:
			switch n.Func.Name {
			case "label_replace", "label_join": // two series that become one are an error, wherever they are in the range
				ok = false
			case "info", "range", "start", "end", "step":
				ok = false
			}
		case *parser.AggregateExpr:
			switch n.Op {
			case parser.TOPK, parser.BOTTOMK, parser.LIMITK, parser.LIMIT_RATIO: // of equals, those first in the range
				ok = false
			}
		}
		return nil
	})
	_, bare := expr.(*parser.VectorSelector)
	switch {
	case !ok:
		return false
	case anyName: // functions drop the name: two series that become one are an error, as above
		return bare
	case subquery:
		return len(names) == 1
	}
	return true
}

// exactName returns the only metric name that a selector matches, empty if there may be several.
func exactName(s *parser.VectorSelector) string {
	for _, m := range s.LabelMatchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}
