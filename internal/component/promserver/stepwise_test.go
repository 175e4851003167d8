package promserver

import (
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

func TestStepwise(t *testing.T) {
	p := newParser(parser.Options{EnableExperimentalFunctions: true, ExperimentalDurationExpr: true, EnableExtendedRangeSelectors: true})
	for query, want := range map[string]bool{
		`up`:        true,
		`{job="a"}`: true,
		`rate(http_requests_total{code=~"5.."}[5m])`:                                             true,
		`sum by (job) (rate(a_total[5m])) / on (job) sum by (job) (rate(b_total[5m] offset 1h))`: true,
		`histogram_quantile(0.9, sum by (le) (rate(a_bucket[5m])))`:                              true,
		`max_over_time(rate(a_total[1m])[1h:])`:                                                  true,
		`a or b`:                                                                                 true,
		`vector(time())`:                                                                         true,
		`up offset -5m`:                                                                          false, // after the step
		`max_over_time(up[5m:1m] offset -1s)`:                                                    false,
		`up @ 1700000000`:                                                                        false, // at one time for all steps
		`up @ end()`:                                                                             false, // at the range's end
		`max_over_time(up[5m:1m] @ start())`:                                                     false,
		`rate(a_total[range()])`:                                                                 false, // as long as the range
		`rate(a_total[5m] offset step())`:                                                        false,
		`rate(a_total[5m] smoothed)`:                                                             false, // uses the next sample, too
		`label_replace(a, "x", "$1", "y", "(.*)")`:                                               false, // the whole range fails when two series become one
		`rate({__name__=~"a|b"}[5m])`:                                                            false,
		`max_over_time((a or b)[5m:1m])`:                                                         false,
		`topk(5, a)`:                                                                             false, // of equals, those first in the range
		`limitk(5, a)`:                                                                           false,
		`sum(info(a))`:                                                                           false,
	} {
		expr, err := p.ParseExpr(query)
		require.NoError(t, err, query)
		require.Equal(t, want, stepwise(expr), query)
	}
}
