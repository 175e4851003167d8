package bounds

import (
	"regexp/syntax"
	"strings"
)

// Limits of one query in PromQL or LogQL. Dashboards and rules of the field stay far below: the deepest known have some
// twenty brackets inside each other and a few hundred terms.
const (
	MaxQueryBytes   = 128 << 10 // Loki's own limit
	MaxQueryNesting = 250
	// MaxQueryTerms bounds operators, subqueries and offsets together. A chain of them is a tree as deep as it is long.
	MaxQueryTerms = 3000
	// MaxRegexpSize bounds the instructions of all regular expressions of a query together; `x{1000}` is 1000.
	MaxRegexpSize = 500_000
)

// Query counts the parts of one query, which a caller that knows the language's tokens tells it. The zero value is ready.
type Query struct {
	// MaxTerms is how many operators there may be; 0 means MaxQueryTerms.
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

// Open counts a bracket that opens.
func (q *Query) Open() error {
	if q.depth++; q.depth > MaxQueryNesting {
		return limit("the query nests deeper than %d brackets", MaxQueryNesting)
	}
	return nil
}

// Shut counts a bracket that closes.
func (q *Query) Shut() { q.depth = max(q.depth-1, 0) }

// Link counts an operator, or what else makes the tree one level deeper without a bracket.
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
	// Without a counted repetition a program is about as long as the text.
	if !strings.Contains(s, "{") {
		q.regexps += len(s)
	} else {
		re, err := syntax.Parse(s, syntax.Perl)
		if err != nil {
			q.regexps += len(s) // the engine refuses it, or it is none
		} else {
			q.regexps += regexpSize(re, MaxRegexpSize)
		}
	}
	if q.regexps > MaxRegexpSize {
		return limit("the regular expressions of the request repeat more than %d characters", MaxRegexpSize)
	}
	return nil
}

// Close forgets brackets that stayed open, before the next text of the same request.
func (q *Query) Close() { q.depth = 0 }

// regexpSize returns about how many instructions re compiles to, at most a bit more than most. The parser has bounded
// its depth.
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
