package bounds

import (
	"regexp/syntax"
	"strings"
)

// Limits of one query in PromQL or LogQL. Dashboards and rules in practice stay far below: the deepest known ones have about
// twenty nested brackets and a few hundred terms.
const (
	MaxQueryBytes   = 128 << 10 // Loki's own limit
	MaxQueryNesting = 250
	// MaxQueryTerms limits operators, subqueries and offsets in total. A chain of them is a tree as deep as it is long.
	MaxQueryTerms = 3000
	// MaxRegexpSize limits the instructions of all regular expressions in a query in total; `x{1000}` has 1000.
	MaxRegexpSize = 500_000
)

// Query counts the elements of one query; the caller knows the tokens of the language and reports them. The zero value is ready
// to use.
type Query struct {
	// MaxTerms is the maximum number of operators; 0 means MaxQueryTerms.
	MaxTerms int

	bytes, depth, terms, regexps int
}

// Text counts n more bytes.
func (q *Query) Text(n int) error {
	if q.bytes += n; q.bytes > MaxQueryBytes {
		return limit("the query is longer than %d bytes", MaxQueryBytes)
	}
	return nil
}

// Open counts an opening bracket.
func (q *Query) Open() error {
	if q.depth++; q.depth > MaxQueryNesting {
		return limit("the query nests deeper than %d brackets", MaxQueryNesting)
	}
	return nil
}

// Shut counts a closing bracket.
func (q *Query) Shut() { q.depth = max(q.depth-1, 0) }

// Link counts an operator, or anything else that makes the tree one level deeper without a bracket.
func (q *Query) Link() error {
	most := q.MaxTerms
	if most == 0 {
		most = MaxQueryTerms
	}
	if q.terms++; q.terms > most {
		return limit("the query has more than %d operators", most)
	}
	return nil
}

// Regexp counts a string that may be a regular expression.
func (q *Query) Regexp(s string) error {
	// Without a counted repetition, a program is about as long as the text.
	if !strings.Contains(s, "{") {
		q.regexps += len(s)
	} else {
		re, err := syntax.Parse(s, syntax.Perl)
		if err != nil {
			q.regexps += len(s) // the engine rejects it, or it is not a regular expression
		} else {
			q.regexps += regexpSize(re, MaxRegexpSize)
		}
	}
	if q.regexps > MaxRegexpSize {
		return limit("the regular expressions of the request repeat more than %d characters", MaxRegexpSize)
	}
	return nil
}

// Close resets unclosed brackets, before the next text of the same request.
func (q *Query) Close() { q.depth = 0 }

// regexpSize returns approximately how many instructions re compiles to, at most slightly more than most. The parser has already
// limited its depth.
func regexpSize(re *syntax.Regexp, most int) int {
	size := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		if size > most {
			return size
		}
		size += regexpSize(sub, most-size)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return size
}
