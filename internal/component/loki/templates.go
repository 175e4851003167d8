package loki

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template/parse"
)

// maxGrowth bounds the ratio of the length of a result of all templates in a query to the length of its line. Go's
// templates have loops, and Loki's functions can repeat texts: `{{ repeat 99999999999 "x" }}` would use all memory for
// a single line.
const maxGrowth = 1_000_000

// growth multiplies the growth caused by the templates of one query, which run one after the other.
type growth struct {
	factor float64
	// whole is set if a variable holds a number, over which a range would iterate.
	whole bool
}

func newGrowth() *growth { return &growth{factor: 1} }

// template examines a text that may be a template. If it is not one, or invalid, that is left to Loki.
func (g *growth) template(text string) error {
	if !strings.Contains(text, "{{") {
		return nil
	}
	tree := parse.New("query")
	tree.Mode = parse.SkipFuncCheck
	trees := map[string]*parse.Tree{}
	if _, err := tree.Parse(text, "", "", trees); err != nil {
		return nil //nolint:nilerr // as above
	}
	if len(trees) > 1 {
		return errors.New("templates in a query cannot define other templates")
	}
	grown, err := g.list(tree.Root)
	if err != nil {
		return err
	}
	if g.factor *= max(grown, 1); g.factor > maxGrowth {
		return fmt.Errorf("the templates in the query make a line more than %d times as long", maxGrowth)
	}
	return nil
}

// list returns how many times the output of a list may contain a line.
func (g *growth) list(l *parse.ListNode) (sum float64, err error) {
	if l == nil {
		return 0, nil
	}
	for _, n := range l.Nodes {
		grown, err := g.node(n)
		if err != nil {
			return 0, err
		}
		sum += grown
	}
	return sum, nil
}

func (g *growth) node(n parse.Node) (float64, error) {
	switch n := n.(type) {
	case *parse.ActionNode:
		grown, err := g.pipe(n.Pipe)
		if len(n.Pipe.Decl) > 0 { // the variable may be used in the next template, and so on
			g.factor *= max(grown, 1)
			g.whole = g.whole || isWhole(n.Pipe)
			grown = 0
		}
		return grown, err
	case *parse.IfNode:
		return g.branch(&n.BranchNode)
	case *parse.WithNode:
		return g.branch(&n.BranchNode)
	case *parse.RangeNode:
		times, err := g.times(n.Pipe)
		if err != nil {
			return 0, err
		}
		grown, err := g.branch(&n.BranchNode)
		return times * max(grown, 1), err
	case *parse.TemplateNode:
		return 0, errors.New("templates in a query cannot call other templates")
	}
	return 0, nil
}

func (g *growth) branch(b *parse.BranchNode) (float64, error) {
	if _, err := g.pipe(b.Pipe); err != nil {
		return 0, err
	}
	first, err := g.list(b.List)
	if err != nil {
		return 0, err
	}
	other, err := g.list(b.ElseList)
	return max(first, other), err
}

// times returns how often a range runs. Over data of a line it runs at most as often as the line is long.
func (g *growth) times(p *parse.PipeNode) (float64, error) {
	g.whole = g.whole || isWhole(p)
	last := p.Cmds[len(p.Cmds)-1]
	if n, ok := last.Args[0].(*parse.NumberNode); ok {
		return n.Float64, nil
	}
	if v, ok := last.Args[0].(*parse.VariableNode); isWhole(p) || ok && len(v.Ident) == 1 && g.whole {
		return 0, errors.New("range in a query template can only iterate over a literal number or over data of the line")
	}
	return 1, nil
}

// numbers are functions that return numbers.
var numbers = map[string]bool{
	"int": true, "add": true, "sub": true, "mul": true, "div": true, "mod": true, "max": true, "min": true, "len": true,
	"count": true, "unixEpoch": true, "toEpoch": true, "float64": true, "floor": true, "ceil": true, "round": true,
}

func isWhole(p *parse.PipeNode) bool {
	switch n := p.Cmds[len(p.Cmds)-1].Args[0].(type) {
	case *parse.NumberNode:
		return true
	case *parse.IdentifierNode:
		return numbers[n.Ident]
	case *parse.PipeNode:
		return isWhole(n)
	}
	return false
}

// pipe returns how many times the output of a pipeline may contain a line: once for each value in it, multiplied by
// repetitions.
func (g *growth) pipe(p *parse.PipeNode) (float64, error) {
	if p == nil {
		return 0, nil
	}
	product := 1.0
	for _, c := range p.Cmds {
		grown, err := g.command(c)
		if err != nil {
			return 0, err
		}
		product *= max(grown, 1)
	}
	return product, nil
}

// width matches the width of a value in a printf format.
var width = regexp.MustCompile(`%[-+# 0]*(\d+|\*)`)

func (g *growth) command(c *parse.CommandNode) (float64, error) {
	name := ""
	if id, ok := c.Args[0].(*parse.IdentifierNode); ok {
		name = id.Ident
	}
	values, product := 0.0, 1.0
	for _, arg := range c.Args {
		switch arg := arg.(type) {
		case *parse.FieldNode, *parse.VariableNode, *parse.ChainNode, *parse.DotNode:
			values++
		case *parse.IdentifierNode:
			if arg.Ident == "__line__" {
				values++
			}
		case *parse.PipeNode:
			grown, err := g.pipe(arg)
			if err != nil {
				return 0, err
			}
			values += grown
		case *parse.StringNode:
			product *= widths(name, arg.Text)
		}
	}
	switch name {
	case "repeat", "indent", "nindent", "alignLeft", "alignRight":
		if len(c.Args) < 2 {
			return values, nil
		}
		n, ok := c.Args[1].(*parse.NumberNode)
		if !ok {
			return 0, fmt.Errorf("%s in a query template requires a literal number", name)
		}
		product *= max(n.Float64, 1)
	case "replace", "Replace", "regexReplaceAll", "regexReplaceAllLiteral":
		product *= replaced(c)
	}
	return max(values, 1) * product, nil
}

func widths(name, format string) float64 {
	if name != "printf" {
		return 1
	}
	sum := 1.0
	for _, m := range width.FindAllStringSubmatch(format, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			n = maxGrowth // from an argument
		}
		sum += n
	}
	if sum <= 1000 { // a table column
		return 1
	}
	return sum
}

// replaced returns how much longer a text gets if each of its characters is replaced.
func replaced(c *parse.CommandNode) float64 {
	longest := 0
	for _, arg := range c.Args {
		if s, ok := arg.(*parse.StringNode); ok {
			longest = max(longest, len(s.Text))
		}
	}
	const usual = 200 // the pattern is one of the texts
	return max(float64(longest)/usual, 1)
}
