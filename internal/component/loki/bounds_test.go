package loki

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/grafana/loki/v3/pkg/logql/syntax"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/problem"
)

func logBombs() map[string]string {
	rep := strings.Repeat
	return map[string]string{
		"open calls":         rep("sum(", 1_000_000),
		"parentheses":        rep("(", 10_000) + "1" + rep(")", 10_000),
		"selectors":          rep("{", 20_000),
		"additions":          "1" + rep("+1", 60_000),
		"powers":             "1" + rep("^1", 60_000),
		"line filters":       `{a="b"} |= "x"` + rep(` or "x"`, 15_000),
		"label filters":      `{a="b"} | c="d"` + rep(` or c="d"`, 10_000),
		"nested filters":     `{a="b"} | ` + rep("(", 10_000) + `c="d"` + rep(")", 10_000),
		"regexp":             `{a=~"` + rep("x{1000}", 1000) + `"}`,
		"regexp of a line":   `{a="b"} |~ "` + rep("x{1000}", 1000) + `"`,
		"after a comment":    "# \"\n" + rep("(", 10_000),
		"after a Go comment": "/* \" */" + rep("(", 10_000),
		"after a range":      `a[")"]` + rep("(", 10_000),
		"after a string":     `{a="\""} |= "` + "`" + `"` + rep("(", 10_000),
	}
}

func TestLogQLBombs(t *testing.T) {
	for name, query := range logBombs() {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			require.Error(t, checkLogQL(query))
			require.Less(t, time.Since(started), 100*time.Millisecond)
			h := bounded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("Loki was asked") }))
			for _, r := range []*http.Request{
				httptest.NewRequest(http.MethodGet, "/loki/api/v1/labels?query="+url.QueryEscape(query), nil),
				form("/loki/api/v1/query_range", url.Values{"query": {query}}),
				form("/loki/api/v1/series", url.Values{"match[]": {query}}),
				form("/loki/api/v1/delete", url.Values{"query": {query}}),
				httptest.NewRequest(http.MethodPost, "/loki/api/v1/rules/ns", strings.NewReader("name: g\nrules:\n- record: a\n  expr: |\n    "+strings.ReplaceAll(query, "\n", "\n    "))),
			} {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				require.Equal(t, http.StatusBadRequest, w.Code, r.URL.Path)
				require.Regexp(t, "longer than 131072 bytes|deeper than 250 brackets|more than 3000 operators|repeat more than 500000|up to 1048576 bytes", w.Body.String())
			}
		})
	}
}

func form(path string, values url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestRealLogQL(t *testing.T) {
	for _, query := range []string{
		`{a="b"}` + strings.Repeat(` |= "x"`, 3500),
		`{a="` + strings.Repeat("(", 1000) + `"}`,
		`{a=~"` + strings.Repeat("host|", 5000) + `x"}`,
		`sum by (a) (rate({a="b"} | json | x > 5 [5m])) # ` + strings.Repeat("(", 1000),
		`{a="b"} | logfmt --strict | line_format "{{ .x }}"`,
	} {
		_, err := parseLogQL(query)
		require.NoError(t, err, "%.80s", query)
	}
}

// Loki's parser survives everything that the bounds accept.
func FuzzLogQL(f *testing.F) {
	for _, query := range logBombs() {
		f.Add(query[:min(len(query), 4000)])
	}
	for _, query := range []string{
		`sum by (a) (rate({a="b"} |= "c" != "d" | json | x > 5 | line_format "{{.y}}" [5m])) / 2`,
		`{a="b"} | logfmt --strict --keep-empty | label_format c=d | unwrap duration(e)`, "'('", "5n'(' 5m'('", `/* " */ {a="b"} // (`,
	} {
		f.Add(query)
	}
	before := debug.SetMaxStack(16 << 20)
	f.Cleanup(func() { debug.SetMaxStack(before) })
	f.Fuzz(func(t *testing.T, query string) {
		started := time.Now()
		expr, err := parseLogQL(query)
		if err == nil {
			_ = expr.String()
			_ = syntax.Prettify(expr)
		}
		if took := time.Since(started); took > 10*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}

// Rules in requests are YAML with templates, which have parsers of their own.
func TestRuleBombs(t *testing.T) {
	before := debug.SetMaxStack(64 << 20)
	t.Cleanup(func() { debug.SetMaxStack(before) })
	const n = 200_000
	alias := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		alias += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	for name, body := range map[string]string{
		"flow sequences":  "groups: " + strings.Repeat("[", n),
		"flow mappings":   "groups: " + strings.Repeat("{a: ", n),
		"block sequences": strings.Repeat("- ", n),
		"aliases":         alias,
		"template":        "groups:\n- name: g\n  rules:\n  - alert: a\n    expr: 'sum(count_over_time({a=\"b\"}[1m])) > 0'\n    annotations:\n      x: '{{" + strings.Repeat("(", n) + "'\n",
		"template blocks": "groups:\n- name: g\n  rules:\n  - alert: a\n    expr: 'sum(count_over_time({a=\"b\"}[1m])) > 0'\n    annotations:\n      x: '" + strings.Repeat("{{if 1}}", n/4) + "'\n",
	} {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			require.NotEmpty(t, CheckRules(problem.File{Name: "rules.yml", Content: []byte(body)}))
			h := bounded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/loki/api/v1/rules/ns", strings.NewReader(body)))
			require.Less(t, time.Since(started), 10*time.Second)
		})
	}
}
