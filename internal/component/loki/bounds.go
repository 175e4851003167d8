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

// Push bodies are bounded in internal/bounds, in front of this part.

// maxRules bounds the size of a rule group in a request: Loki reads bodies of any size, and creates a node per
// bracket.
const maxRules = 1 << 20

// bounded rejects queries and rules that would take down the process while they are parsed. It runs in front of all
// of Loki's handlers, whose parsers cannot be replaced: every form value may be a query, whatever its route and name.
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
		var q bounds.Query // shared by several selectors
		for _, v := range values {
			if err := scanLogQL(&q, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// boundRules reads a rule group. Errors other than exceeded limits are left to Loki.
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

// parseLogQL is syntax.ParseExpr for queries that do not pass through bounded.
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

// scanLogQL counts the tokens of the scanner on which Loki's lexer is based, so that the contents of strings and
// comments do not count.
func scanLogQL(q *bounds.Query, query string) error {
	if err := q.Text(len(query)); err != nil {
		return err
	}
	defer q.Close()
	templates := newGrowth()
	var s scanner.Scanner
	s.Init(strings.NewReader(query))
	s.Error = func(*scanner.Scanner, string) {} // the parser reports it
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

// skipTo reads up to end, as Loki's lexer does in comments and ranges.
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
