package statuspage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func checkExpr(expr string) error {
	if strings.Contains(expr, "(((") {
		return errors.New("unclosed left parenthesis")
	}
	return nil
}

func loadConfig(t *testing.T, dir, text string) *Config {
	t.Helper()
	cfg, problems := Load(Source{Name: "status-pages.yml", Dir: dir, Content: []byte(text)}, checkExpr)
	require.Empty(t, problems, text)
	return cfg
}

func TestProblems(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "big.svg"), make([]byte, maxLogo+1), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "logo.exe"), nil, 0o600))
	const groups = "groups: [{name: G, components: [{name: A, probe: a}]}]"
	for text, want := range map[string]string{
		"{name: A, " + groups + "}": "name: it is the last part of the URL",
		"{name: a}":                 "groups: there is no component",
		"{name: a, groups: [{components: [{probe: a}]}]}":                           "a component has no name",
		"{name: a, groups: [{components: [{name: A}]}]}":                            `component "A": set exactly one of`,
		"{name: a, groups: [{components: [{name: A, job: a, probe: b}]}]}":          "set exactly one of",
		"{name: a, groups: [{components: [{name: A, expr: '((('}]}]}":               "expr: unclosed left parenthesis",
		"{name: a, groups: [{components: [{name: A, job: a}, {name: A, job: b}]}]}": `the component "A" is there twice`,
		"{name: a, language: xx, " + groups + "}":                                   `language: "xx" is not one of de, en, es, fr`,
		"{name: a, url: 'javascript:x', " + groups + "}":                            "url:",
		"{name: a, logo: none.svg, " + groups + "}":                                 "logo: open",
		"{name: a, logo: ../x.svg, " + groups + "}":                                 "it is not in the folder of the file",
		"{name: a, logo: logo.exe, " + groups + "}":                                 "it is not an SVG",
		"{name: a, logo: big.svg, " + groups + "}":                                  "larger than 256 KiB",
		"{name: a, subscribers: {}, " + groups + "}":                                "subscribers: receiver: name a receiver",
		"{name: a, subscribers: {to: x}, " + groups + "}":                           "to",
		"{name: a, colour: red, " + groups + "}":                                    "colour",
		"{name: a, " + groups + "}\n  - {name: a, " + groups + "}":                  "is used twice",
	} {
		_, problems := Load(Source{Name: "status-pages.yml", Dir: dir, Content: []byte("pages:\n  - " + text + "\n")}, checkExpr)
		require.Len(t, problems, 1, "%s: %v", text, problems)
		require.ErrorContains(t, problems[0], want, text)
		require.Regexp(t, `^status-pages\.yml:[123]: `, problems[0].Error(), text)
	}
	for _, text := range []string{"", "pages:\n", "pages: []\n"} {
		require.Empty(t, loadConfig(t, dir, text).Pages)
	}
}

func TestQueries(t *testing.T) {
	for want, c := range map[string]Component{
		`avg(max_over_time(probe_success{probe="a\"b"}[40s]) or probe_success{probe="a\"b"})`:           {Probe: `a"b`},
		`avg(max_over_time(up{job="api"}[40s]) or up{job="api"})`:                                       {Job: "api"},
		`min(ausguck_heartbeat_up{heartbeat="x"}) * (1 - max(ausguck_heartbeat_failed{heartbeat="x"}))`: {Heartbeat: "x"},
		`min(fresh)`: {Expr: "min(fresh)"},
	} {
		require.Equal(t, want, c.query())
	}
	require.Equal(t, `avg_over_time((min(fresh))[3h5m0s:1m])`, (&Component{Expr: "min(fresh)"}).historyQuery("3h5m0s"))
}
