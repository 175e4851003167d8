package promserver

import (
	"context"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/stretchr/testify/require"
)

func repeat(n int, before, middle, after string) string {
	return strings.Repeat(before, n) + middle + strings.Repeat(after, n)
}

// queryBombs are queries that would crash the process or take minutes, by what is wrong with
// them.
func queryBombs() map[string]string {
	return map[string]string{
		"open calls":      repeat(1_000_000, "ln(", "", ""),
		"open calls, few": repeat(40_000, "ln(", "", ""),
		"parentheses":     repeat(10_000, "(", "1", ")"),
		"aggregations":    repeat(10_000, "sum(", "up", ")"),
		"unary minus":     repeat(100_000, "-", "1", ""),
		"unary in parens": repeat(10_000, "-(", "1", ")"),
		"additions":       "1" + strings.Repeat("+1", 60_000),
		"powers":          "1" + strings.Repeat("^1", 60_000),
		"or":              "a" + strings.Repeat(" or a", 20_000),
		"comparisons":     "a" + strings.Repeat("==a", 20_000),
		"subqueries":      repeat(10_000, "rate(", "up", "[1m:])"),
		"subqueries only": "up" + strings.Repeat("[1m:]", 20_000),
		"offsets":         "up" + strings.Repeat(" offset 1m", 10_000),
		"at":              "up" + strings.Repeat(" @ 1", 20_000),
		"long":            `{a="` + strings.Repeat("x", 200_000) + `"}`,
		"regexp":          `{a=~"` + strings.Repeat("x{1000}", 1000) + `"}`,
		"regexps":         `{a=~"x{1000}"` + strings.Repeat(`,a=~"x{1000}"`, 1000) + `}`,
		"label_replace":   `label_replace(up, "a", "b", "c", "` + strings.Repeat("((x{10}){10}){10}", 1000) + `")`,
		"after a comment": "# \"\n" + repeat(10_000, "(", "1", ")"),
		"after a string":  "\"#\" + " + repeat(10_000, "(", "1", ")"),
	}
}

func TestParserRefusesBombs(t *testing.T) {
	p := newParser(parser.Options{ExperimentalDurationExpr: true, EnableExperimentalFunctions: true})
	for name, query := range queryBombs() {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			_, err := p.ParseExpr(query)
			took := time.Since(started)
			require.ErrorContains(t, err, "the ")
			require.Regexp(t, "longer than 131072 bytes|deeper than 250 brackets|more than 3000 operators|repeat more than 500000", err)
			require.Less(t, took, 100*time.Millisecond)
			_, err = p.ParseMetricSelector(query)
			require.Error(t, err)
			_, err = p.ParseMetric(query)
			require.Error(t, err)
			_, _, err = p.ParseSeriesDesc(query)
			require.Error(t, err)
		})
	}
	_, err := p.ParseMetricSelectors(strings.Split(strings.Repeat("up,", 100_000), ","))
	require.ErrorContains(t, err, "longer than 131072 bytes")
}

// Real-world queries, and queries that only look deep.
func TestParserTakesRealQueries(t *testing.T) {
	p := newParser(parser.Options{})
	for name, query := range map[string]string{
		"hundreds of terms":    "a" + strings.Repeat(` or rate(http_requests_total{job=~"a|b"}[5m])`, 700),
		"an alternation":       `{instance=~"` + strings.Repeat("host-12345|", 10_000) + `x"}`,
		"brackets in strings":  `{a="` + strings.Repeat("((((", 5000) + `"}`,
		"brackets in comments": "up # " + strings.Repeat("((((", 5000) + "\n+ up",
		"many matchers":        `{a!=""` + strings.Repeat(`,a!=""`, 5000) + `}`,
		"deep":                 repeat(120, "sum(rate(", "up[1m]", "[1m:]))"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.ParseExpr(query)
			if err != nil {
				require.NotContains(t, err.Error(), "the query")
			}
		})
	}
}

// Accepted queries are cheap, from the text to the result and back to the text.
func TestParserBoundsTheCost(t *testing.T) {
	o := parser.Options{EnableExperimentalFunctions: true}
	p := newParser(o)
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: p})
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	empty := storage.QueryableFunc(func(int64, int64) (storage.Querier, error) { return storage.NoopQuerier(), nil })
	for name, query := range map[string]string{
		"parentheses":  repeat(249, "(", "1", ")"),
		"aggregations": repeat(249, "sum(", "up", ")"),
		"additions":    "1" + strings.Repeat("+1", 2990),
		"or":           "a" + strings.Repeat(" or a", 2990),
		"powers":       "1" + strings.Repeat("^1", 2990),
		"unary":        repeat(2990, "-", "1", ""),
		"mixed":        repeat(249, "-(1+", "1"+strings.Repeat("^1", 2000), ")"),
	} {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			q, err := engine.NewInstantQuery(context.Background(), empty, nil, query, time.Now())
			require.NoError(t, err)
			require.NoError(t, q.Exec(context.Background()).Err)
			q.Close()
			t.Attr("figure", name+" evaluated in "+time.Since(started).String())
			require.Less(t, time.Since(started), 5*time.Second)
			expr, err := p.printing().ParseExpr(query)
			if err != nil {
				require.ErrorContains(t, err, "more than 800 operators")
				return
			}
			started = time.Now()
			require.NotEmpty(t, parser.Prettify(expr))
			require.Less(t, time.Since(started), 5*time.Second)
		})
	}
}

// Every parser is created by newParser.
func TestOneParser(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	made := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := goparser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "NewParser" {
				require.Equal(t, "parser.go", file, "a parser without bounds: use newParser")
				made++
			}
			return true
		})
	}
	require.Equal(t, 1, made)
}

// The parser survives everything that the bounds accept, and prints it.
func FuzzParser(f *testing.F) {
	for _, query := range queryBombs() {
		f.Add(query[:min(len(query), 4000)])
	}
	for _, query := range []string{
		`sum by (job) (rate(http_requests_total{code=~"5..",a!~"x"}[5m] offset 1h @ end()))`,
		"a # ((((\n or on(b) group_left(c) d", `{"a.b", c="d"}`, "-1^-2", `"{{" + '\''`, "up[5m:30s]", "{a=~\"(a{1000}){1000}\"}", "a[1m",
	} {
		f.Add(query)
	}
	p := newParser(parser.Options{EnableExperimentalFunctions: true, ExperimentalDurationExpr: true, EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true})
	boundStack(f)
	f.Fuzz(func(t *testing.T, query string) {
		started := time.Now()
		_, _ = p.ParseMetricSelector(query)
		_, _ = p.ParseMetric(query)
		_, _, _ = p.ParseSeriesDesc(query)
		expr, err := p.printing().ParseExpr(query)
		if err == nil {
			_ = parser.Prettify(expr)
			parser.Inspect(expr, func(parser.Node, []parser.Node) error { return nil })
		}
		if took := time.Since(started); took > 10*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}
