package promserver

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/ausguck/ausguck/internal/bounds"
)

// boundedParser rejects expressions that would take down the process while they are parsed. Upstream's parser and
// everything that walks its result recurse once per nested expression: a million of them overflow the stack, which no
// recover catches, and ten thousand take 20 s, to which query.timeout does not apply. Its errors have no position;
// neither would an error of upstream's about the length of a query.
//
// Every parser of this package comes from newParser; TestOneParser fails for any other.
type boundedParser struct {
	parser.Parser
	terms int
}

// maxPrintedTerms bounds the queries that the web API formats and explains: the time that upstream's printer takes
// grows with the cube of their depth, 0.3 s for 500 terms and 60 s for 3000.
const maxPrintedTerms = 800

var _ parser.Parser = boundedParser{}

func newParser(o parser.Options) boundedParser { return boundedParser{Parser: parser.NewParser(o)} }

// printing returns the parser for endpoints that print queries.
func (p boundedParser) printing() parser.Parser {
	p.terms = maxPrintedTerms
	return p
}

// ParseExpr implements parser.Parser.
func (p boundedParser) ParseExpr(input string) (parser.Expr, error) {
	if err := p.check(input); err != nil {
		return nil, err
	}
	return p.Parser.ParseExpr(input)
}

// ParseMetric implements parser.Parser.
func (p boundedParser) ParseMetric(input string) (labels.Labels, error) {
	if err := p.check(input); err != nil {
		return labels.EmptyLabels(), err
	}
	return p.Parser.ParseMetric(input)
}

// ParseMetricSelector implements parser.Parser.
func (p boundedParser) ParseMetricSelector(input string) ([]*labels.Matcher, error) {
	if err := p.check(input); err != nil {
		return nil, err
	}
	return p.Parser.ParseMetricSelector(input)
}

// ParseMetricSelectors implements parser.Parser. The selectors of one request share the bounds of one query: a form can
// hold a million of them.
func (p boundedParser) ParseMetricSelectors(matchers []string) ([][]*labels.Matcher, error) {
	q := bounds.Query{MaxTerms: p.terms}
	for _, m := range matchers {
		if err := scanPromQL(&q, m); err != nil {
			return nil, err
		}
	}
	return p.Parser.ParseMetricSelectors(matchers)
}

// ParseSeriesDesc implements parser.Parser.
func (p boundedParser) ParseSeriesDesc(input string) (labels.Labels, []parser.SequenceValue, error) {
	if err := p.check(input); err != nil {
		return labels.EmptyLabels(), nil, err
	}
	return p.Parser.ParseSeriesDesc(input)
}

func (p boundedParser) check(input string) error {
	q := bounds.Query{MaxTerms: p.terms}
	return scanPromQL(&q, input)
}

// scanPromQL counts upstream's own tokens, so that the contents of strings and comments do not count. The parser does
// not read beyond the first token that is an error.
func scanPromQL(q *bounds.Query, input string) error {
	if err := q.Text(len(input)); err != nil {
		return err
	}
	defer q.Close()
	braces := 0
	var item parser.Item
	for lexer := parser.Lex(input); ; {
		lexer.NextItem(&item)
		var err error
		switch t := item.Typ; {
		case t == parser.EOF || t == parser.ERROR:
			return nil
		case t == parser.LEFT_BRACE:
			braces++
			err = q.Open()
		case t == parser.RIGHT_BRACE:
			braces = max(braces-1, 0)
			q.Shut()
		case t == parser.LEFT_PAREN:
			err = q.Open()
		case t == parser.RIGHT_PAREN:
			q.Shut()
		case t == parser.STRING:
			err = q.Regexp(unquoted(item.Val))
		case t == parser.LEFT_BRACKET, t == parser.OFFSET, t == parser.AT,
			t.IsOperator() && braces == 0:
			err = q.Link()
		}
		if err != nil {
			return err
		}
	}
}

// unquoted returns the text between the quotes. Escapes are kept: they make a regular expression no smaller.
func unquoted(s string) string {
	if len(s) < 2 {
		return s
	}
	s = s[1 : len(s)-1]
	return strings.ReplaceAll(s, `\\`, `\`)
}
