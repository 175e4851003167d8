package loki

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTemplateBombs(t *testing.T) {
	double := " | line_format `{{__line__}}{{__line__}}`"
	for name, template := range map[string]string{
		"repeat":              `{{repeat 99999999999 "x"}}`,
		"repeat in a pipe":    `{{"x" | repeat 99999999999}}`,
		"repeats":             `{{repeat 10000 (repeat 10000 "x")}}`,
		"repeats in a pipe":   `{{"x" | repeat 10000 | repeat 10000}}`,
		"repeat by a label":   `{{repeat (int .n) "x"}}`,
		"indent":              `{{indent 999999999 .x}}`,
		"align":               `{{alignLeft 9999999999 .x}}`,
		"range":               `{{range 9999999999}}x{{end}}`,
		"ranges":              `{{range 10000}}{{range 10000}}x{{end}}{{end}}`,
		"range by a variable": `{{$n := mul 100000 100000}}{{range $n}}x{{end}}`,
		"range by a function": `{{range mul 100000 100000}}x{{end}}`,
		"printf":              `{{printf "` + strings.Repeat("%999999d", 1000) + `" 1}}`,
		"variables":           `{{$a := .x}}` + strings.Repeat(`{{$a = printf "%s%s" $a $a}}`, 40) + `{{$a}}`,
		"recursion":           `{{define "a"}}{{template "a"}}{{template "a"}}{{end}}{{template "a"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, query := range []string{"{a=`b`} | line_format `" + template + "`", "{a=`b`} | label_format c=`" + template + "`"} {
				_, err := parseLogQL(query)
				require.Error(t, err)
				require.Regexp(t, "template", err)
			}
			rule := "name: g\nrules:\n- alert: a\n  expr: 'sum(count_over_time({a=\"b\"}[1m])) > 0'\n  annotations: {x: '" + template + "'}\n"
			w := httptest.NewRecorder()
			bounded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("Loki was asked") })).
				ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/loki/api/v1/rules/ns", strings.NewReader(rule)))
			require.Equal(t, http.StatusBadRequest, w.Code, w.Body.String())
		})
	}
	_, err := parseLogQL("{a=`b`}" + strings.Repeat(double, 40))
	require.ErrorContains(t, err, "times as long")
}

func TestRealTemplates(t *testing.T) {
	for _, query := range []string{
		"{a=`b`} | json | line_format `{{.level}} {{alignLeft 20 .logger}} {{.msg | trunc 200}} {{if .err}}err={{.err}}{{end}}`",
		"{a=`b`} | line_format `{{range $i, $e := fromJson .events}}{{$e.name}} {{range $e.tags}}{{.}}{{end}}{{end}}`",
		"{a=`b`} | label_format x=`{{ Replace .y \"a\" \"b\" -1 }}`, z=`{{ printf \"%-40s %5d\" .x (int .n) }}` | line_format `{{ regexReplaceAll \"([a-z]+)-([0-9]+)\" .x \"${1}\" }}`",
		"{a=`b`} | line_format `{{ repeat 3 \"-\" }} {{ __line__ }} {{ div (mul 2 3) 4 }}`" + strings.Repeat(" | line_format `{{.a}} {{.b}} {{.c}}`", 5),
	} {
		_, err := parseLogQL(query)
		require.NoError(t, err, query)
	}
}
