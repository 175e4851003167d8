package expr

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	// maxNesting limits the nesting of parentheses, signs and calls.
	maxNesting = 200
	maxFormula = 8192 // bytes
)

// token is a token of a formula; kind is n(umber), v(ariable), f(unction), o(perator), e(nd) or ! for an invalid token.
type token struct {
	kind byte
	text string
}

func (t token) String() string {
	switch {
	case t.kind == 'e':
		return "EOF"
	case t.kind == '!':
		return t.text
	case len(t.text) > 10:
		return fmt.Sprintf("%.10q...", t.text)
	}
	return strconv.Quote(t.text)
}

const symbols = "!<>=&|+-*/%"

var operators = [][]string{{"||"}, {"&&"}, {"==", "!=", ">", ">=", "<", "<="}, {"+", "-"}, {"*", "/", "%"}, {"**"}}

func lex(text string) (tokens []token) {
	in := []rune(text)
	for i := 0; i < len(in); {
		start := i
		run := func(ok func(rune) bool) string {
			for i < len(in) && ok(in[i]) {
				i++
			}
			return string(in[start:i])
		}
		switch r := in[i]; {
		case unicode.IsSpace(r):
			i++
		case r == '$' && i+1 < len(in) && in[i+1] == '{':
			i += 2
			start = i
			name := run(func(r rune) bool { return r != '}' })
			if i++; i > len(in) || name == "" {
				return append(tokens, token{'!', "incomplete variable"})
			}
			tokens = append(tokens, token{'v', name})
		case r == '$':
			i++
			start = i
			name := run(isWord)
			if name == "" {
				return append(tokens, token{'!', "incomplete variable"})
			}
			tokens = append(tokens, token{'v', name})
		case strings.ContainsRune(symbols, r):
			tokens = append(tokens, symbol(run(func(r rune) bool { return strings.ContainsRune(symbols, r) }))...)
		case r >= '0' && r <= '9' || r == '.':
			tokens = append(tokens, token{'n', numeral(in, &i)})
		case unicode.IsLetter(r):
			tokens = append(tokens, token{'f', run(isWord)})
		case strings.ContainsRune("(),", r):
			i++
			tokens = append(tokens, token{'o', string(r)})
		default:
			return append(tokens, token{'!', "invalid character: " + string(r)})
		}
	}
	return append(tokens, token{kind: 'e'})
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// symbol splits a run of symbols: an operator may be followed by the sign of a number, as in 2*-3.
func symbol(text string) (tokens []token) {
	for text != "" {
		length := min(2, len(text))
		for ; length > 1 && text[:length] != "!" && !isOperator(text[:length]); length-- {
		}
		tokens, text = append(tokens, token{'o', text[:length]}), text[length:]
	}
	return tokens
}

func isOperator(text string) bool {
	return slices.ContainsFunc(operators, func(level []string) bool { return slices.Contains(level, text) })
}

func numeral(in []rune, i *int) string {
	start, digits := *i, "0123456789"
	if in[*i] == '0' && *i+1 < len(in) && (in[*i+1] == 'x' || in[*i+1] == 'X') {
		*i, digits = *i+2, "0123456789abcdefABCDEF"
	}
	accept := func(set string) {
		for *i < len(in) && strings.ContainsRune(set, in[*i]) {
			*i++
		}
	}
	accept(digits)
	if *i < len(in) && in[*i] == '.' {
		*i++
		accept(digits)
	}
	if *i < len(in) && len(digits) == 10 && (in[*i] == 'e' || in[*i] == 'E') {
		*i++
		if *i < len(in) && (in[*i] == '+' || in[*i] == '-') {
			*i++
		}
		accept(digits)
	}
	return string(in[start:*i])
}

// parser parses a formula with Grafana's operator precedence; ** is left-associative too.
type parser struct {
	tokens []token
	vars   []string
	depth  int
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) next() token {
	t := p.tokens[0]
	if len(p.tokens) > 1 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) unexpected(t token, where string) error {
	return fmt.Errorf("expr: unexpected %s in %s", t, where)
}

func (p *parser) formula() (node, error) {
	n, err := p.level(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != 'e' {
		return nil, p.unexpected(t, "root input")
	}
	return n, nil
}

func (p *parser) level(l int) (node, error) {
	if l == len(operators) {
		return p.factor()
	}
	n, err := p.level(l + 1)
	for err == nil && p.peek().kind == 'o' && slices.Contains(operators[l], p.peek().text) {
		op := p.next().text
		var right node
		if right, err = p.level(l + 1); err == nil {
			n = binary{op, n, right}
		}
	}
	return n, err
}

func (p *parser) factor() (node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, fmt.Errorf("expr: nested more than %d levels deep", maxNesting)
	}
	defer func() { p.depth-- }()
	switch t := p.next(); {
	case t.kind == 'n':
		f, err := strconv.ParseFloat(t.text, 64)
		if n, notInt := strconv.ParseInt(t.text, 0, 64); notInt == nil {
			f, err = float64(n), nil
		}
		if err != nil {
			return nil, fmt.Errorf("expr: illegal number syntax: %q", t.text)
		}
		return literal(f), nil
	case t.kind == 'v':
		p.vars = append(p.vars, t.text)
		return variable(t.text), nil
	case t.kind == 'f':
		return p.call(t.text)
	case t.kind == 'o' && (t.text == "!" || t.text == "-"):
		arg, err := p.factor()
		return unary{t.text, arg}, err
	case t.kind == 'o' && t.text == "(":
		n, err := p.level(0)
		if err != nil {
			return nil, err
		}
		return n, p.closing()
	default:
		return nil, p.unexpected(t, "input: F()")
	}
}

func (p *parser) closing() error {
	if t := p.next(); t.text != ")" {
		return p.unexpected(t, "input: F()")
	}
	return nil
}

func (p *parser) call(name string) (node, error) {
	_, isConstant := constants[name]
	if functions[name] == nil && nullFunctions[name] == nil && !isConstant {
		return nil, fmt.Errorf("expr: non existent function %s", name)
	}
	if t := p.next(); t.text != "(" {
		return nil, p.unexpected(t, "func")
	}
	if isConstant {
		if p.peek().text != ")" {
			return nil, fmt.Errorf("expr: too many arguments for %s", name)
		}
		return call{name: name}, p.closing()
	}
	if p.peek().text == ")" {
		return nil, fmt.Errorf("expr: not enough arguments for %s", name)
	}
	arg, err := p.level(0)
	if err != nil {
		return nil, err
	}
	if p.peek().text == "," {
		return nil, errors.New("expr: too many arguments for " + name)
	}
	return call{name, arg}, p.closing()
}
