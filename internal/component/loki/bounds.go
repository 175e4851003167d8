package loki

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"text/scanner"

	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/bounds"
)

// Bodies of pushes are bounded in internal/bounds, in front of this part.

// maxRules bounds a group of rules that is sent: Loki reads bodies of any size, and a node per bracket.
const maxRules = 1 << 20

// bounded refuses queries and rules whose parsing would take the process down. It stands in front of all of Loki's
// handlers, whose parsers cannot be exchanged: every value of a form may be a query, whatever route and name it has.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		switch {
		case isPush(r):
		case strings.Contains(r.URL.Path, "/rules") && r.Method == http.MethodPost:
			err = boundRules(w, r)
		default:
			err = boundForm(r)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func boundForm(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	err = r.ParseForm()
	r.Body = io.NopCloser(bytes.NewReader(body)) // Loki's frontend reads it again
	if err != nil {
		return err
	}
	for _, values := range r.Form {
		var q bounds.Query // of several selectors together
		for _, v := range values {
			if err := scanLogQL(&q, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// boundRules reads a group of rules. What it finds wrong besides its limits is for Loki to say.
func boundRules(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRules))
	if err != nil {
		return fmt.Errorf("rules are read up to %d bytes: %w", maxRules, err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var group rulefmt.RuleGroup
	if err := yaml.Unmarshal(body, &group); err != nil {
		return nil //nolint:nilerr // Loki refuses it in its own words
	}
	for _, rule := range group.Rules {
		if err := checkLogQL(rule.Expr); err != nil {
			return fmt.Errorf("group %q, rule %q: expr: %w", group.Name, rule.Record+rule.Alert, err)
		}
		for _, texts := range []map[string]string{rule.Labels, rule.Annotations} {
			for name, text := range texts {
				if err := newGrowth().template(text); err != nil {
					return fmt.Errorf("group %q, rule %q: %s: %w", group.Name, rule.Record+rule.Alert, name, err)
				}
			}
		}
	}
	return nil
}

// parseLogQL is syntax.ParseExpr for all that does not come by bounded.
func parseLogQL(query string) (syntax.Expr, error) {
	if err := checkLogQL(query); err != nil {
		return nil, err
	}
	return syntax.ParseExpr(query)
}

func checkLogQL(query string) error {
	var q bounds.Query
	return scanLogQL(&q, query)
}

// scanLogQL counts by the tokens of the scanner that Loki's lexer is made of, so that what is in strings and comments
// does not count.
func scanLogQL(q *bounds.Query, query string) error {
	if err := q.Text(len(query)); err != nil {
		return err
	}
	defer q.Close()
	templates := newGrowth()
	var s scanner.Scanner
	s.Init(strings.NewReader(query))
	s.Error = func(*scanner.Scanner, string) {} // the parser says it
	var before rune
	for {
		var err error
		token := s.Scan()
		switch token {
		case scanner.EOF:
			return nil
		case '#':
			skipTo(&s, '\n')
		case '[':
			skipTo(&s, ']')
			err = q.Link()
		case '(', '{':
			err = q.Open()
		case ')', '}':
			q.Shut()
		case scanner.String, scanner.RawString:
			text := unquoted(s.TokenText())
			if err = q.Regexp(text); err == nil {
				err = templates.template(text)
			}
		case '+', '-', '*', '/', '%', '^', '<', '>', '!':
			err = q.Link()
		case '=':
			if before == '=' {
				err = q.Link()
			}
		case scanner.Ident:
			switch strings.ToLower(s.TokenText()) {
			case "and", "or", "unless", "offset":
				err = q.Link()
			}
		}
		if err != nil {
			return err
		}
		before = token
	}
}

// skipTo reads up to the end, as Loki's lexer does in comments and ranges.
func skipTo(s *scanner.Scanner, end rune) {
	for next := s.Next(); next != end && next != scanner.EOF; {
		next = s.Next()
	}
}

func unquoted(s string) string {
	if len(s) < 2 {
		return s
	}
	if s[0] == '`' {
		return s[1 : len(s)-1]
	}
	if text, err := strconv.Unquote(s); err == nil {
		return text
	}
	return s[1 : len(s)-1]
}
