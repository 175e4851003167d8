package monitoring_test

import (
	"encoding/xml"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/docs"
	"github.com/ausguck/ausguck/internal/docpages"
	"github.com/ausguck/ausguck/monitoring"
)

// alertRule is a built-in rule with its location.
type alertRule struct {
	rulefmt.Rule
	file, severity string
}

func (r alertRule) String() string { return fmt.Sprintf("%s: %s (%s)", r.file, r.Alert, r.severity) }

// alertRules reads the built-in rules.
func alertRules(t *testing.T) []alertRule {
	t.Helper()
	files, err := fs.Glob(monitoring.Files, "rules/*")
	require.NoError(t, err)
	var found []alertRule
	for _, file := range files {
		require.True(t, strings.HasSuffix(file, ".rules.yml"), "%s is in the binary", file)
		content, err := fs.ReadFile(monitoring.Files, file)
		require.NoError(t, err)
		groups, errs := rulefmt.Parse(content, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
		require.Empty(t, errs, file)
		for _, g := range groups.Groups {
			for _, r := range g.Rules {
				require.NotEmpty(t, r.Alert, "%s has a rule without an alert", file)
				found = append(found, alertRule{r, strings.TrimSuffix(path.Base(file), ".rules.yml"), r.Labels["severity"]})
			}
		}
	}
	require.Greater(t, len(found), 50)
	return found
}

// logRules reads the built-in LogQL rules. internal/component/loki checks their expressions.
func logRules(t *testing.T) []alertRule {
	t.Helper()
	files, err := fs.Glob(monitoring.Files, "loki-rules/fake/*.rules.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var found []alertRule
	for _, file := range files {
		content, err := fs.ReadFile(monitoring.Files, file)
		require.NoError(t, err)
		var groups rulefmt.RuleGroups
		require.NoError(t, yaml.Unmarshal(content, &groups))
		for _, g := range groups.Groups {
			for _, r := range g.Rules {
				// Loki only supports the function.
				for name, text := range r.Annotations {
					require.NotContains(t, text, "$externalURL", file)
					r.Annotations[name] = strings.ReplaceAll(text, "{{ externalURL }}", here)
				}
				found = append(found, alertRule{r, strings.TrimSuffix(path.Base(file), ".rules.yml"), r.Labels["severity"]})
			}
		}
	}
	require.NotEmpty(t, found)
	return found
}

// here is the prefix of links to this server.
const here = "{{ $externalURL }}"

func TestRulesHaveWhatMessagesNeed(t *testing.T) {
	pages := docpages.New(docs.Files, docpages.Book{Name: "runbooks", Dir: "runbooks"})
	page := func(name string) string {
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, name, nil))
		require.Equal(t, http.StatusOK, answer.Code, name)
		return answer.Body.String()
	}
	byUID := make(map[string]dashboard)
	for _, d := range dashboards(t) {
		byUID[d.UID] = d
	}
	seen := make(map[string]bool)
	for _, r := range append(alertRules(t), logRules(t)...) {
		require.False(t, seen[r.Alert+r.severity], "%s is there twice", r)
		seen[r.Alert+r.severity] = true
		if r.Alert == "Watchdog" {
			require.Equal(t, "none", r.severity, "nobody is to be woken by %s", r)
		} else {
			require.Contains(t, []string{"critical", "warning", "info"}, r.severity, "%s", r)
		}
		for _, name := range []string{"summary", "description"} {
			require.NotEmpty(t, r.Annotations[name], "%s: %s", r, name)
			require.NotContains(t, r.Annotations[name], "\n", "%s: %s is folded, so that messages are", r, name)
		}
		require.LessOrEqual(t, len(r.Annotations["summary"]), 160, "%s: it stands in one line of a message", r)

		where, ok := strings.CutPrefix(r.Annotations["dashboard"], here+"/d/")
		require.True(t, ok, "%s: dashboard %q", r, r.Annotations["dashboard"])
		uid, query, _ := strings.Cut(where, "?")
		require.Contains(t, byUID, uid, "%s", r)
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		for name := range values {
			require.True(t, slices.ContainsFunc(byUID[uid].Templating.List, func(v variable) bool { return "var-"+v.Name == name }),
				"%s: dashboard %s has no variable for %s", r, uid, name)
		}

		book, anchor, _ := strings.Cut(strings.TrimPrefix(r.Annotations["runbook_url"], here), "#")
		require.Equal(t, "/runbooks/"+r.file, book, "%s", r)
		require.Equal(t, strings.ToLower(r.Alert), anchor, "%s", r)
		require.Contains(t, page(book), `<h2 id="`+anchor+`">`, "%s has no section", r)
	}
}

// Every section of a runbook belongs to an alert: sections of deleted alerts must be removed.
func TestRunbooksAreAboutAlertsThatThereAre(t *testing.T) {
	names := make(map[string]bool)
	for _, r := range append(alertRules(t), logRules(t)...) {
		names[r.Alert] = true
	}
	files, err := fs.Glob(docs.Files, "runbooks/*.md")
	require.NoError(t, err)
	for _, file := range files {
		content, err := fs.ReadFile(docs.Files, file)
		require.NoError(t, err)
		headings := regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(content), -1)
		require.NotEmpty(t, headings, file)
		for _, h := range headings {
			require.Contains(t, names, h[1], file)
		}
		for _, part := range regexp.MustCompile(`(?s)\n## .*?(\n## |$)`).FindAllString(string(content), -1) {
			require.Contains(t, part, "**Means:**", file)
			require.Contains(t, part, "**Do:**", file)
		}
	}
}

// ruleTests is the part of a `promtool test rules` file that is checked here.
type ruleTests struct {
	Tests []ruleTest `yaml:"tests"`
}

type ruleTest struct {
	Name   string `yaml:"name"`
	Series []struct {
		Series string `yaml:"series"`
	} `yaml:"input_series"`
	Alerts []struct {
		Alert    string `yaml:"alertname"`
		Expected []struct {
			Labels      map[string]string `yaml:"exp_labels"`
			Annotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

func ruleTestFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("rules/tests/*.test.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// gives reports whether the test contains a series that the rule selects.
func (rt ruleTest) gives(t *testing.T, r alertRule) bool {
	t.Helper()
	wanted := metricsOf(t, r.String(), r.Expr)
	for _, s := range rt.Series {
		name, _, _ := strings.Cut(s.Series, "{")
		if slices.Contains(wanted, name) {
			return true
		}
	}
	return false
}

// A passing promtool run is only meaningful if it covers every rule: a test in which it fires, with all annotations,
// and a test in which it does not fire although the series it selects exist.
func TestEveryRuleIsSeenToFireAndNotTo(t *testing.T) {
	rules := alertRules(t)
	fires, quiet := make(map[string]bool), make(map[string]bool)
	for _, file := range ruleTestFiles(t) {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		var tests ruleTests
		require.NoError(t, yaml.Unmarshal(content, &tests), file)
		for _, rt := range tests.Tests {
			for _, a := range rt.Alerts {
				severities := make(map[string]bool)
				for _, e := range a.Expected {
					severities[e.Labels["severity"]] = true
					for _, name := range []string{"summary", "description", "dashboard", "runbook_url"} {
						require.NotEmpty(t, e.Annotations[name], "%s: %s", file, rt.Name)
						require.NotContains(t, e.Annotations[name], "<", "%s: %s: a template failed, or knows no value", file, rt.Name)
					}
				}
				i := slices.IndexFunc(rules, func(r alertRule) bool { return r.Alert == a.Alert })
				require.NotEqual(t, -1, i, "%s: %s: there is no alert %s", file, rt.Name, a.Alert)
				for _, r := range rules {
					if r.Alert != a.Alert {
						continue
					}
					if severities[r.severity] {
						fires[r.String()] = true
					} else if rt.gives(t, r) {
						quiet[r.String()] = true
					}
				}
			}
		}
	}
	for _, r := range rules {
		require.Contains(t, fires, r.String(), "no test makes it fire")
		if r.Alert != "Watchdog" {
			require.Contains(t, quiet, r.String(), "no test has it not fire")
		}
	}
}

// junit is promtool's report.
type junit struct {
	Suites []struct {
		Cases []struct {
			Name     string   `xml:"name,attr"`
			Failures []string `xml:"failure"`
			Error    string   `xml:"error"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func TestRulesWithTheStockPromtool(t *testing.T) {
	dir := os.Getenv("AUSGUCK_STOCK_DIR")
	if dir == "" {
		dir = "../bin/stock"
	}
	promtool := filepath.Join(dir, "promtool")
	require.FileExists(t, promtool, "build it first, in the root of the repository: make stock (or set AUSGUCK_STOCK_DIR)")
	for _, file := range ruleTestFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test.yml"), func(t *testing.T) {
			report := filepath.Join(t.TempDir(), "report.xml")
			output, failed := exec.CommandContext(t.Context(), promtool, "test", "--junit="+report, "rules", file).CombinedOutput()
			content, err := os.ReadFile(report)
			require.NoError(t, err, "%s", output)
			var results junit
			require.NoError(t, xml.Unmarshal(content, &results))
			count := 0
			for _, suite := range results.Suites {
				for _, c := range suite.Cases {
					count++
					t.Run(c.Name, func(t *testing.T) {
						require.Empty(t, c.Failures)
						require.Empty(t, c.Error)
					})
				}
			}
			require.NotZero(t, count, "%s", output)
			require.NoError(t, failed, "%s", output)
		})
	}
}

func TestRulesAskForMetricsThatThereAre(t *testing.T) {
	known := knownMetrics(t)
	for _, name := range ruleMetrics(t) {
		require.Contains(t, known, name, "add the metric to testdata/metrics.txt")
	}
}

// ruleMetrics returns the metrics that rules query.
func ruleMetrics(t *testing.T) []string {
	t.Helper()
	names := make(map[string]bool)
	for _, r := range alertRules(t) {
		for _, name := range metricsOf(t, r.String(), r.Expr) {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
