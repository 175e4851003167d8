package expr

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThreshold(t *testing.T) {
	in := Vars{"A": results("{v=1} 1", "{v=2} 2", "{v=3} 3", "{v=4} null", "@{v=5} 1 2 3 null")}
	for spec, want := range map[string]string{
		"gt 2": "0 0 1", "lt 2": "1 0 0", "eq 2": "0 1 0", "ne 2": "1 0 1", "gte 2": "0 1 1", "lte 2": "1 1 0",
		"within_range 1 3": "0 1 0", "outside_range 1 2": "0 0 1", "within_range_included 1 2": "1 1 0", "outside_range_included 2 3": "1 1 1",
	} {
		words := strings.Fields(spec)
		var params []json.Number
		for _, w := range words[1:] {
			params = append(params, json.Number(w))
		}
		out := run(t, in, map[string]any{"type": "threshold", "expression": "A", "conditions": []any{map[string]any{
			"evaluator": map[string]any{"type": words[0], "params": params}, "unloadEvaluator": map[string]any{"type": "lt", "params": []int{1}},
		}}})
		w := strings.Fields(want)
		require.Equal(t, []string{"{v=1} " + w[0], "{v=2} " + w[1], "{v=3} " + w[2], "{v=4} null", "@{v=5} " + want + " null"}, written(out), spec)
	}
}

func TestClassicConditions(t *testing.T) {
	in := Vars{"A": results("@{host=a} 1 2 null 9", "@{host=b} NaN 4"), "N": results("@null NaN"), "E": results("no data"), "B": results("{host=a} 3")}
	for spec, want := range map[string]string{
		"A avg gt 3.9": "1", "A avg gt 4": "0", "A sum gt 11": "1", "A min lt 2": "1", "A max gt 9": "0", "A last gt 8": "1", "A median eq 4": "1",
		"A count gt 3": "1", "A count_non_null gt 3": "0", "A diff eq 8": "1", "A diff_abs gt 8": "0", "A percent_diff eq 800": "1",
		"A percent_diff_abs gt 800": "0", "A avg within_range 3 5": "1", "A avg outside_range 3 5": "0", "A avg no_value": "0", "N avg no_value": "1", "B avg gt 2": "1",
		"N avg gt 0": "null", "E avg gt 0": "null",
		"A avg gt 3; and A avg gt 100": "0", "A avg gt 100; or A avg gt 3": "1", "A avg gt 3; or N avg gt 0": "1", "N avg gt 0; and A avg gt 100": "0",
	} {
		var conditions []any
		for part := range strings.SplitSeq(spec, "; ") {
			words := strings.Fields(part)
			operator := "and"
			if words[0] == "and" || words[0] == "or" {
				operator, words = words[0], words[1:]
			}
			params := []json.Number{}
			for _, w := range words[3:] {
				params = append(params, json.Number(w))
			}
			conditions = append(conditions, map[string]any{
				"query": map[string]any{"params": []string{words[0]}}, "reducer": map[string]any{"type": words[1]}, "operator": map[string]any{"type": operator},
				"evaluator": map[string]any{"type": words[2], "params": params},
			})
		}
		require.Equal(t, []string{want}, written(run(t, in, map[string]any{"type": "classic_conditions", "conditions": conditions})), spec)
	}
}
