package monitoring_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/monitoring"
)

type dashboard struct {
	UID           string   `json:"uid"`
	Title         string   `json:"title"`
	Description   string   `json:"description"`
	Tags          []string `json:"tags"`
	SchemaVersion int      `json:"schemaVersion"`
	Refresh       string   `json:"refresh"`
	Links         []struct {
		Type        string   `json:"type"`
		Tags        []string `json:"tags"`
		KeepTime    bool     `json:"keepTime"`
		IncludeVars bool     `json:"includeVars"`
	} `json:"links"`
	Annotations struct {
		List []struct {
			Name       string     `json:"name"`
			Datasource datasource `json:"datasource"`
			Expr       string     `json:"expr"`
		} `json:"list"`
	} `json:"annotations"`
	Templating struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type variable struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Query      json.RawMessage `json:"query"` // string or object, depending on the type
	Definition string          `json:"definition"`
	Datasource datasource      `json:"datasource"`
}

type panel struct {
	ID          int        `json:"id"`
	Type        string     `json:"type"`
	Title       string     `json:"title"`
	Collapsed   bool       `json:"collapsed"`
	GridPos     grid       `json:"gridPos"`
	Datasource  datasource `json:"datasource"`
	Panels      []panel    `json:"panels"`
	FieldConfig struct {
		Defaults struct {
			Unit     string   `json:"unit"`
			Decimals *float64 `json:"decimals"`
		} `json:"defaults"`
		Overrides []struct {
			Properties []struct {
				ID    string `json:"id"`
				Value any    `json:"value"`
			} `json:"properties"`
		} `json:"overrides"`
	} `json:"fieldConfig"`
	Targets []struct {
		RefID      string     `json:"refId"`
		Datasource datasource `json:"datasource"`
		Expr       string     `json:"expr"`
	} `json:"targets"`
}

type grid struct{ X, Y, W, H int }

func (g grid) overlaps(o grid) bool {
	return g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H
}

// all returns all panels, including those in collapsed rows.
func all(panels []panel) []panel {
	var list []panel
	for _, p := range panels {
		list = append(append(list, p), p.Panels...)
	}
	return list
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	files, err := fs.Glob(monitoring.Files, "grafana/dashboards/Ausguck/*.json")
	require.NoError(t, err)
	set := make(map[string]dashboard)
	for _, file := range files {
		content, err := fs.ReadFile(monitoring.Files, file)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(content, &d), file)
		set[path.Base(file)] = d
	}
	return set
}

func TestDashboardsAreTheBuiltInOnes(t *testing.T) {
	uids := make(map[string]string)
	for file, d := range dashboards(t) {
		uids[file] = d.UID + " " + d.Title
	}
	require.Equal(t, map[string]string{
		"overview.json":   "ausguck-overview Overview",
		"host.json":       "ausguck-host Host",
		"containers.json": "ausguck-containers Containers",
		"services.json":   "ausguck-services Services",
		"code-agent.json": "ausguck-code-agent Code agent",
		"traefik.json":    "ausguck-traefik Traefik",
		"logs.json":       "ausguck-logs Logs",
		"ausguck.json":    "ausguck-self Ausguck",
		"probes.json":     "ausguck-probes Probes",
	}, uids)
}

func TestDashboardsAreWellFormed(t *testing.T) {
	for file, d := range dashboards(t) {
		t.Run(file, func(t *testing.T) {
			require.Equal(t, 42, d.SchemaVersion)
			require.NotEmpty(t, d.Description)
			require.NotEmpty(t, d.Refresh)
			require.Contains(t, d.Tags, "ausguck")
			require.Len(t, d.Links, 1)
			require.Equal(t, []string{"ausguck"}, d.Links[0].Tags)
			require.True(t, d.Links[0].KeepTime && d.Links[0].IncludeVars)

			ids := make(map[int]string)
			for _, p := range all(d.Panels) {
				require.Positive(t, p.ID, p.Title)
				require.NotContains(t, ids, p.ID, p.Title)
				ids[p.ID] = p.Title
				require.NotEmpty(t, p.Title)
				require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
				require.Positive(t, p.GridPos.W*p.GridPos.H, p.Title)
				refs := make(map[string]bool)
				for _, target := range p.Targets {
					require.NotEmpty(t, target.RefID, p.Title)
					require.False(t, refs[target.RefID], "%s: %s is there twice", p.Title, target.RefID)
					refs[target.RefID] = true
				}
			}
			requireApart(t, d.Panels)
			for _, p := range d.Panels {
				requireApart(t, p.Panels)
				require.Equal(t, len(p.Panels) > 0, p.Collapsed, "%s: only a collapsed row holds its panels", p.Title)
			}
		})
	}
}

func requireApart(t *testing.T, panels []panel) {
	t.Helper()
	for i, p := range panels {
		for _, o := range panels[:i] {
			require.False(t, p.GridPos.overlaps(o.GridPos), "%s lies on %s", p.Title, o.Title)
		}
	}
}

// No dashboard names a data source, so that each works wherever it is imported.
func TestDashboardsTakeDatasourcesFromVariables(t *testing.T) {
	for file, d := range dashboards(t) {
		t.Run(file, func(t *testing.T) {
			known := map[datasource]bool{{"grafana", "-- Grafana --"}: true}
			for _, v := range d.Templating.List {
				switch v.Type {
				case "datasource":
					var kind string
					require.NoError(t, json.Unmarshal(v.Query, &kind))
					require.Equal(t, map[string]string{"datasource": "prometheus", "loki": "loki"}[v.Name], kind)
					known[datasource{kind, "${" + v.Name + "}"}] = true
				case "query":
					require.True(t, known[v.Datasource], "variable %s: %v", v.Name, v.Datasource)
				}
			}
			for _, a := range d.Annotations.List {
				require.True(t, known[a.Datasource], "annotation %s: %v", a.Name, a.Datasource)
			}
			for _, p := range all(d.Panels) {
				if p.Type == "row" {
					continue
				}
				require.True(t, known[p.Datasource], "%s: %v", p.Title, p.Datasource)
				for _, target := range p.Targets {
					require.Equal(t, p.Datasource, target.Datasource, p.Title)
				}
			}
		})
	}
}

var (
	builtIn  = regexp.MustCompile(`\$__(rate_interval|interval|range)\b`)
	used     = regexp.MustCompile(`\$(\w+)`)
	selector = regexp.MustCompile(`label_values\((.+), \w+\)`)
)

// queries returns the PromQL queries of a dashboard by location, with a value for every variable.
func queries(t *testing.T, d dashboard, value string) map[string]string {
	t.Helper()
	names := make(map[string]bool)
	found := make(map[string]string)
	for _, v := range d.Templating.List {
		names[v.Name] = true
		if m := selector.FindStringSubmatch(v.Definition); m != nil && v.Datasource.Type == "prometheus" {
			found["variable "+v.Name] = m[1]
		}
	}
	for _, a := range d.Annotations.List {
		if a.Datasource.Type == "prometheus" {
			found["annotation "+a.Name] = a.Expr
		}
	}
	for _, p := range all(d.Panels) {
		for _, target := range p.Targets {
			if target.Datasource.Type == "prometheus" {
				found[fmt.Sprintf("panel %d %s %s", p.ID, p.Title, target.RefID)] = target.Expr
			}
		}
	}
	for where, expr := range found {
		expr = builtIn.ReplaceAllString(expr, "5m")
		for _, m := range used.FindAllStringSubmatch(expr, -1) {
			require.True(t, names[m[1]] || m[1] == "1", "%s: no variable %s", where, m[1])
		}
		found[where] = used.ReplaceAllString(expr, value)
	}
	return found
}

// knownMetrics reads testdata/metrics.txt: each name with the section that contains it.
func knownMetrics(t *testing.T) map[string]string {
	t.Helper()
	known, section := make(map[string]string), ""
	for line := range strings.Lines(readTestdata(t, "metrics.txt")) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "# section "); ok {
			section = name
		} else if line != "" && !strings.HasPrefix(line, "#") {
			require.NotContains(t, known, line, "metrics.txt names it twice")
			known[line] = section
		}
	}
	return known
}

func TestDashboardsAskForMetricsThatThereAre(t *testing.T) {
	known, asked := knownMetrics(t), make(map[string]bool)
	for file, d := range dashboards(t) {
		for where, expr := range queries(t, d, "x") {
			for _, name := range metricsOf(t, file+": "+where, expr) {
				asked[name] = true
				require.Contains(t, known, name, "%s: %s: add the metric to testdata/metrics.txt", file, where)
			}
		}
	}
	for _, name := range ruleMetrics(t) {
		asked[name] = true
	}
	for name := range known {
		require.Contains(t, asked, name, "no dashboard or rule asks for it: take it out of testdata/metrics.txt")
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(known)), slices.Collect(maps.Keys(asked)))
}

// Two exporters for the same host, or a renamed host, break no panel and no rule, and the host dashboard shows
// everything only once.
func TestSecondExporter(t *testing.T) {
	var load strings.Builder
	load.WriteString("load 30s\n")
	for name := range knownMetrics(t) {
		for _, exporter := range []string{"a", "b"} {
			fmt.Fprintf(&load, "  %s{instance=\"x\", job=\"x\", name=\"x\", device=\"x\", mountpoint=\"/\", mode=\"idle\", state=\"failed\", nodename=%[2]q, exporter=%[2]q} 1+1x120\n", name, exporter)
		}
	}
	storage := promqltest.LoadedStorage(t, load.String())
	t.Cleanup(func() { require.NoError(t, storage.Close()) })
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true})
	all := make(map[string]map[string]string)
	for file, d := range dashboards(t) {
		all[file] = queries(t, d, "x")
	}
	all["rules"] = make(map[string]string)
	for i, r := range alertRules(t) {
		all["rules"][fmt.Sprint(i, " ", r)] = r.Expr
	}
	for file, exprs := range all {
		for where, expr := range exprs {
			query, err := engine.NewInstantQuery(t.Context(), storage, nil, expr, time.Unix(3600, 0))
			require.NoError(t, err, "%s: %s", file, where)
			result := query.Exec(t.Context())
			require.NoError(t, result.Err, "%s: %s: %s", file, where, expr)
			if series, ok := result.Value.(promql.Vector); ok && file == "host.json" && strings.HasPrefix(where, "panel") {
				require.LessOrEqual(t, len(series), 1, "%s: %s: %s", file, where, expr)
			}
		}
	}
}

// Titles are not truncated on a small screen, displayed values are rounded, and axes are not limited to integers
// because they would show "4 K" twice.
func TestDashboardsAreLegible(t *testing.T) {
	for file, d := range dashboards(t) {
		for _, p := range all(d.Panels) {
			where := fmt.Sprintf("%s: panel %d %s", file, p.ID, p.Title)
			if p.Type != "row" {
				// In a window of 1024 pixels, a column is 33 pixels wide and a character at most 8; frame, menu and
				// description take 90.
				require.LessOrEqual(t, 8*len(p.Title), 33*p.GridPos.W-90, "%s: the title is cut", where)
			}
			decimals := p.FieldConfig.Defaults.Decimals
			switch p.Type {
			case "stat", "gauge", "bargauge":
				require.True(t, decimals != nil || p.FieldConfig.Defaults.Unit == "", "%s: no decimals", where)
			case "timeseries", "barchart":
				require.False(t, decimals != nil && *decimals == 0, "%s: decimals 0", where)
			}
			for _, o := range p.FieldConfig.Overrides {
				set := make(map[string]any)
				for _, property := range o.Properties {
					set[property.ID] = property.Value
				}
				// A bar without its own scale uses the largest number in the whole table as its maximum.
				if cell, ok := set["custom.cellOptions"].(map[string]any); ok && cell["type"] == "gauge" {
					require.True(t, set["max"] != nil || set["fieldMinMax"] == true, "%s: a bar without a scale", where)
				}
			}
		}
	}
}

// metricsOf parses PromQL and returns the names of the selected metrics.
func metricsOf(t *testing.T, where, expr string) []string {
	t.Helper()
	tree, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	require.NoError(t, err, "%s: %s", where, expr)
	var names []string
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			for _, m := range v.LabelMatchers {
				if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
					names = append(names, m.Value)
				}
			}
		}
		return nil
	})
	return names
}

func readTestdata(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(content)
}
