package expr

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

var t0 = time.Unix(1_700_000_000, 0).UTC()

// labelled reads {host=a, job=b}.
func labelled(text string) map[string]string {
	labels := map[string]string{}
	for pair := range strings.SplitSeq(strings.Trim(text, "{}"), ",") {
		if name, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			labels[name] = value
		}
	}
	return labels
}

func pointsOf(text string) (points []*float64) {
	for word := range strings.FieldsSeq(text) {
		var v float64
		switch word {
		case "null":
			points = append(points, nil)
			continue
		case "NaN":
			v = math.NaN()
		case "Inf":
			v = math.Inf(1)
		default:
			_, _ = fmt.Sscan(word, &v)
		}
		points = append(points, &v)
	}
	return points
}

// results reads lines of values: `{host=a} 1` is a number, `{host=a} 1 2 null` after @ a series of one value a second.
func results(lines ...string) (out Results) {
	for _, line := range lines {
		text, isSeries := strings.CutPrefix(line, "@")
		labels, points := "", text
		if strings.HasPrefix(text, "{") {
			labels, points, _ = strings.Cut(text, "}")
		}
		v := Value{kind: number, labels: labelled(labels), points: pointsOf(points)}
		if line == "no data" {
			v = Value{kind: noData}
		}
		if isSeries {
			v.kind = series
			for i := range v.points {
				v.times = append(v.times, t0.Add(time.Duration(i)*time.Second))
			}
		}
		out = append(out, v)
	}
	return out
}

// written is the reverse of results.
func written(in Results) (lines []string) {
	for _, v := range in {
		if v.kind == noData {
			lines = append(lines, "no data")
			continue
		}
		var words []string
		if len(v.labels) > 0 {
			words = append(words, "{"+strings.ReplaceAll(labelText(v.labels), ", ", ",")+"}")
		}
		for _, p := range v.points {
			if p == nil {
				words = append(words, "null")
			} else {
				words = append(words, strings.TrimPrefix(fmt.Sprint(*p), "+"))
			}
		}
		text := strings.Join(words, " ")
		if v.kind == series {
			text = "@" + text
		}
		lines = append(lines, text)
	}
	return lines
}

func TestMath(t *testing.T) {
	vars := Vars{
		"A":   results("{host=a} 1", "{host=b} 2"),
		"B":   results("{host=a} 10", "{host=c} 30"),
		"F":   results("{host=a,disk=x} 5", "{host=a,disk=y} 6", "{host=b,disk=x} 7"),
		"N":   results("{host=a} null", "{host=b} NaN", "{host=c} 0"),
		"One": results("{zone=z} 4"),
		"S":   results("@{host=a} 1 2 3", "@{host=b} 4 null 6"),
		"T":   {{kind: series, labels: labelled("host=a"), times: []time.Time{t0.Add(time.Second), t0.Add(9 * time.Second)}, points: pointsOf("20 90")}},
		"E":   results("no data"),
		"x y": results("{host=a} 3"),
	}
	for formula, want := range map[string][]string{
		// Numbers and operators.
		"1 + 2 * 3":              {"7"},
		"(1 + 2) * 3":            {"9"},
		"2 ** 3 ** 2":            {"64"}, // to the left, as in Grafana
		"-2 ** 2":                {"4"},  // a sign binds first
		"7 % 4":                  {"3"},
		"-7 % 4":                 {"-3"},
		"1 / 0":                  {"Inf"},
		"0 / 0":                  {"NaN"},
		"0x10 + 1e2":             {"116"},
		"!0 + !5":                {"1"},
		"2*-3":                   {"-6"},
		"1 < 2 && 2 <= 2":        {"1"},
		"1 > 2 || 3 == 3":        {"1"},
		"1 != 1":                 {"0"},
		"1 || nan()":             {"1"},
		"0 && nan()":             {"0"},
		"1 && nan()":             {"NaN"},
		"nan() == nan()":         {"NaN"},
		"!nan()":                 {"NaN"},
		"null() + 1":             {"null"},
		"inf() > 1":              {"1"},
		"abs(-3) + log(1)":       {"3"},
		"round(2.5)":             {"3"},
		"ceil(2.1) - floor(2.9)": {"1"},
		// Functions and null.
		"is_nan($N)":     {"{host=a} NaN", "{host=b} 1", "{host=c} 0"},
		"is_null($N)":    {"{host=a} 1", "{host=b} 0", "{host=c} 0"},
		"is_number($N)":  {"{host=a} 0", "{host=b} 0", "{host=c} 1"},
		"is_inf(1 / $N)": {"{host=a} NaN", "{host=b} 0", "{host=c} 1"},
		"abs($N)":        {"{host=a} NaN", "{host=b} NaN", "{host=c} 0"},
		"$N + 1":         {"{host=a} null", "{host=b} NaN", "{host=c} 1"},
		// Joins: the same labels, part of the other's, none at all, one and one.
		"$A * 2":        {"{host=a} 2", "{host=b} 4"},
		"$A + $B":       {"{host=a} 11"},
		"$F * $A":       {"{disk=x,host=a} 5", "{disk=y,host=a} 6", "{disk=x,host=b} 14"},
		"$A + $One":     {},
		"${x y} + $One": {"7"},
		"$A > 1":        {"{host=a} 0", "{host=b} 1"},
		"-$A":           {"{host=a} -1", "{host=b} -2"},
		// Series: times that both have; null stays null.
		"$S + 1":  {"@{host=a} 2 3 4", "@{host=b} 5 null 7"},
		"10 - $S": {"@{host=a} 9 8 7", "@{host=b} 6 null 4"},
		"$S * $A": {"@{host=a} 1 2 3", "@{host=b} 8 null 12"},
		"$S + $T": {"@{host=a} 22"},
		"$S - $S": {"@{host=a} 0 0 0", "@{host=b} 0 null 0"},
		// No data makes no data.
		"$E + 1":  {"no data"},
		"$E + $A": {"no data"},
		"abs($E)": {"no data"},
	} {
		t.Run(formula, func(t *testing.T) {
			m, err := newMath(formula)
			require.NoError(t, err)
			got, err := m.run(context.Background(), vars)
			require.NoError(t, err)
			require.ElementsMatch(t, want, written(got))
		})
	}
	m, err := newMath("$A + $B")
	require.NoError(t, err)
	got, err := m.run(context.Background(), vars)
	require.NoError(t, err)
	require.Equal(t, []string{`2 items dropped from union(s): ["$A + $B": ($A: {host=b}) ($B: {host=c})]`}, got[0].notices)
}

func TestFormulasThatAreNone(t *testing.T) {
	for formula, want := range map[string]string{
		"":          "unexpected EOF in input: F()",
		"1 +":       "unexpected EOF in input: F()",
		"1 2":       `unexpected "2" in root input`,
		"(1":        "unexpected EOF in input: F()",
		"$":         "incomplete variable",
		"${":        "incomplete variable",
		"sqrt(4)":   "non existent function sqrt",
		"abs()":     "not enough arguments for abs",
		"abs(1, 2)": "too many arguments for abs",
		"nan(1)":    "too many arguments for nan",
		"1 = 1":     `unexpected "="`,
		"#":         "invalid character: #",
		"1.2.3":     `unexpected ".3"`,
		strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300): "brackets and signs in each other",
		strings.Repeat("1+", 5000) + "1":                          "longer than",
	} {
		_, err := newMath(formula)
		require.ErrorContains(t, err, want, formula)
	}
}

func FuzzMath(f *testing.F) {
	for _, seed := range []string{"1 + $A ** -2", "abs(${x y}) || !is_null($B)", "0x1F % 3.e-2 >= (1)", "((((", "٣", "!!--1", "nan() , 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := newMath(text)
		if err != nil {
			return
		}
		_, err = m.run(context.Background(), Vars{"A": results("{a=b} 1", "@1 2")})
		require.NoError(t, err)
	})
}

func TestReduce(t *testing.T) {
	in := Vars{"A": results("@{host=a} 1 5 3", "@{host=b} 1 NaN null Inf", "@{host=c}")}
	for spec, want := range map[string][]string{
		"sum":               {"{host=a} 9", "{host=b} NaN", "{host=c} 0"},
		"mean":              {"{host=a} 3", "{host=b} NaN", "{host=c} NaN"},
		"min":               {"{host=a} 1", "{host=b} NaN", "{host=c} NaN"},
		"max":               {"{host=a} 5", "{host=b} NaN", "{host=c} NaN"},
		"median":            {"{host=a} 3", "{host=b} NaN", "{host=c} NaN"},
		"count":             {"{host=a} 3", "{host=b} 4", "{host=c} 0"},
		"last":              {"{host=a} 3", "{host=b} Inf", "{host=c} NaN"},
		"sum dropNN":        {"{host=a} 9", "{host=b} 1", "{host=c} 0"},
		"mean dropNN":       {"{host=a} 3", "{host=b} 1", "{host=c} null"},
		"last dropNN":       {"{host=a} 3", "{host=b} 1", "{host=c} null"},
		"count dropNN":      {"{host=a} 3", "{host=b} 1", "{host=c} 0"},
		"sum replaceNN 10":  {"{host=a} 9", "{host=b} 31", "{host=c} 0"},
		"max replaceNN 10":  {"{host=a} 5", "{host=b} 10", "{host=c} 10"},
		"last replaceNN -1": {"{host=a} 3", "{host=b} -1", "{host=c} -1"},
	} {
		t.Run(spec, func(t *testing.T) {
			words := strings.Fields(spec + "  ")
			q := map[string]any{"type": "reduce", "expression": "$A", "reducer": words[0]}
			if len(words) > 1 {
				settings := map[string]any{"mode": words[1]}
				if len(words) > 2 {
					settings["replaceWithValue"] = json.Number(words[2])
				}
				q["settings"] = settings
			}
			require.Equal(t, want, written(run(t, in, q)))
		})
	}
	t.Run("what is reduced already", func(t *testing.T) {
		out := run(t, Vars{"A": results("{host=a} 4", "{host=b} NaN")}, map[string]any{"type": "reduce", "expression": "A", "reducer": "sum"})
		require.Equal(t, []string{"{host=a} 4", "{host=b} NaN"}, written(out))
		require.Equal(t, []string{"Reduce operation is not needed. Input query or expression A is already reduced data."}, out[0].notices)
	})
}

func run(t *testing.T, vars Vars, q map[string]any) Results {
	t.Helper()
	raw, err := json.Marshal(q)
	require.NoError(t, err)
	c, err := parse(Query{RefID: "Z", Raw: raw, From: t0, To: t0.Add(6 * time.Second)}, nil)
	require.NoError(t, err)
	out, err := c.run(context.Background(), vars)
	require.NoError(t, err)
	return out
}

func TestResample(t *testing.T) {
	sparse := Vars{"A": {{kind: series, times: []time.Time{t0.Add(time.Second), t0.Add(3 * time.Second), t0.Add(4 * time.Second)}, points: pointsOf("10 30 50")}}}
	for spec, want := range map[string]string{
		"1s mean pad":         "@null 10 10 30 50 50 50",
		"1s mean backfilling": "@10 10 30 30 50 null null",
		"1s mean fillna":      "@null 10 null 30 50 null null",
		"2s sum fillna":       "@null 10 80 null",
		"2s mean fillna":      "@null 10 40 null",
		"2s min fillna":       "@null 10 30 null",
		"2s max fillna":       "@null 10 50 null",
		"2s last fillna":      "@null 10 50 null",
		"3s sum pad":          "@null 40 50",
	} {
		words := strings.Fields(spec)
		out := run(t, sparse, map[string]any{"type": "resample", "expression": "A", "window": words[0], "downsampler": words[1], "upsampler": words[2]})
		require.Equal(t, []string{want}, written(out), spec)
	}
}

func TestThreshold(t *testing.T) {
	in := Vars{"A": results("{v=1} 1", "{v=2} 2", "{v=3} 3", "{v=4} null", "@{v=5} 1 2 3 null")}
	for spec, want := range map[string]string{
		"gt 2": "0 0 1", "lt 2": "1 0 0", "eq 2": "0 1 0", "ne 2": "1 0 1", "gte 2": "0 1 1", "lte 2": "1 1 0",
		"within_range 1 3": "0 1 0", "outside_range 1 2": "0 0 1", "within_range_included 1 2": "1 1 0", "outside_range_included 2 3": "1 1 1",
	} {
		words := strings.Fields(spec)
		var params []json.Number
		for _, w := range words[1:] {
			params = append(params, json.Number(w))
		}
		out := run(t, in, map[string]any{"type": "threshold", "expression": "A", "conditions": []any{map[string]any{
			"evaluator": map[string]any{"type": words[0], "params": params}, "unloadEvaluator": map[string]any{"type": "lt", "params": []int{1}},
		}}})
		w := strings.Fields(want)
		require.Equal(t, []string{"{v=1} " + w[0], "{v=2} " + w[1], "{v=3} " + w[2], "{v=4} null", "@{v=5} " + want + " null"}, written(out), spec)
	}
}

func TestClassicConditions(t *testing.T) {
	in := Vars{"A": results("@{host=a} 1 2 null 9", "@{host=b} NaN 4"), "N": results("@null NaN"), "E": results("no data"), "B": results("{host=a} 3")}
	for spec, want := range map[string]string{
		"A avg gt 3.9": "1", "A avg gt 4": "0", "A sum gt 11": "1", "A min lt 2": "1", "A max gt 9": "0", "A last gt 8": "1", "A median eq 4": "1",
		"A count gt 3": "1", "A count_non_null gt 3": "0", "A diff eq 8": "1", "A diff_abs gt 8": "0", "A percent_diff eq 800": "1",
		"A percent_diff_abs gt 800": "0", "A avg within_range 3 5": "1", "A avg outside_range 3 5": "0", "A avg no_value": "0", "N avg no_value": "1", "B avg gt 2": "1",
		"N avg gt 0": "null", "E avg gt 0": "null",
		"A avg gt 3; and A avg gt 100": "0", "A avg gt 100; or A avg gt 3": "1", "A avg gt 3; or N avg gt 0": "1", "N avg gt 0; and A avg gt 100": "0",
	} {
		var conditions []any
		for part := range strings.SplitSeq(spec, "; ") {
			words := strings.Fields(part)
			operator := "and"
			if words[0] == "and" || words[0] == "or" {
				operator, words = words[0], words[1:]
			}
			params := []json.Number{}
			for _, w := range words[3:] {
				params = append(params, json.Number(w))
			}
			conditions = append(conditions, map[string]any{
				"query": map[string]any{"params": []string{words[0]}}, "reducer": map[string]any{"type": words[1]}, "operator": map[string]any{"type": operator},
				"evaluator": map[string]any{"type": words[2], "params": params},
			})
		}
		require.Equal(t, []string{want}, written(run(t, in, map[string]any{"type": "classic_conditions", "conditions": conditions})), spec)
	}
}

// instant is a frame as a datasource answers an instant query with.
func instant(labels map[string]string, v float64) *dsquery.Frame {
	return &dsquery.Frame{Meta: map[string]any{"type": "numeric-multi"}, Fields: []*dsquery.Field{
		{Name: "Time", Times: []time.Time{t0}}, {Name: "load", Numbers: []float64{v}, Labels: labels, Config: map[string]any{"displayNameFromDS": labels["host"]}},
	}}
}

func ranged(labels map[string]string, v ...float64) *dsquery.Frame {
	f := &dsquery.Frame{Meta: map[string]any{"type": "timeseries-multi"}, Fields: []*dsquery.Field{{Name: "Time"}, {Name: "load", Numbers: v, Labels: labels}}}
	for i := range v {
		f.Fields[0].Times = append(f.Fields[0].Times, t0.Add(time.Duration(i)*time.Second))
	}
	return f
}

// request answers queries of which A and B are of a datasource.
func request(t *testing.T, queries ...string) map[string]dsquery.Response {
	t.Helper()
	var all []Query
	for _, text := range queries {
		var q struct {
			RefID string
			Type  string
			Hide  bool
		}
		require.NoError(t, json.Unmarshal([]byte(text), &q))
		all = append(all, Query{RefID: q.RefID, Expression: q.Type != "", Hide: q.Hide, Raw: []byte(text), From: t0, To: t0.Add(10 * time.Second)})
	}
	return Run(context.Background(), all, func(_ context.Context, refIDs []string) map[string]dsquery.Response {
		out := map[string]dsquery.Response{}
		for _, refID := range refIDs {
			switch refID {
			case "A":
				out[refID] = dsquery.Response{Status: 200, Frames: []*dsquery.Frame{instant(labelled("host=a"), 1), instant(labelled("host=b"), 2)}}
			case "B":
				out[refID] = dsquery.Response{Status: 200, Frames: []*dsquery.Frame{ranged(labelled("host=a"), 1, 2, 3), ranged(labelled("host=b"), 4, 5, 6)}}
			case "L":
				out[refID] = dsquery.Response{Status: 200, Frames: []*dsquery.Frame{{
					Meta: map[string]any{"preferredVisualisationType": "logs"}, Fields: []*dsquery.Field{{Name: "labels", Values: []any{1}}},
				}}}
			default:
				out[refID] = dsquery.Fail(400, fmt.Errorf("bad_data: no %s", refID))
			}
		}
		return out
	})
}

func TestRequests(t *testing.T) {
	t.Run("in the order in which they need each other", func(t *testing.T) {
		got := request(t,
			`{"refId":"Z","type":"math","expression":"$R / 2"}`, `{"refId":"R","type":"reduce","expression":"B","reducer":"max","hide":true}`,
			`{"refId":"B","hide":true}`, `{"refId":"X","hide":true}`)
		require.Len(t, got, 1, "what is hidden is not answered, and not asked when nothing needs it")
		raw, err := json.Marshal(got["Z"])
		require.NoError(t, err)
		frame := func(host string, v string) string {
			return `{"schema":{"refId":"Z","meta":{"type":"numeric-multi","typeVersion":[0,1]},"fields":[{"name":"Z","type":"number",
				"typeInfo":{"frame":"float64","nullable":true},"labels":{"host":"` + host + `"}}]},"data":{"values":[[` + v + `]]}}`
		}
		require.JSONEq(t, `{"status":200,"frames":[`+frame("a", "1.5")+`,`+frame("b", "3")+`]}`, string(raw))
	})
	t.Run("queries that are shown stay as they are", func(t *testing.T) {
		got := request(t, `{"refId":"A"}`, `{"refId":"C","type":"math","expression":"$A + 1"}`)
		require.Equal(t, []string{"Time", "load"}, names(got["A"].Frames[0]))
		require.Equal(t, "C", got["C"].Frames[0].Fields[0].Name)
		require.InDelta(t, 3, *got["C"].Frames[1].Fields[0].Points[0], 0)
	})
	for name, tc := range map[string]struct {
		queries []string
		want    map[string]string // errors by refId
	}{
		"a refId that is none": {[]string{`{"refId":"C","type":"math","expression":"$Q"}`}, map[string]string{
			"C": "[sse.parseError] failed to parse expression [C]: unable to find dependent node 'Q'",
		}},
		"itself": {[]string{`{"refId":"C","type":"math","expression":"$C"}`}, map[string]string{"C": "[sse.parseError] failed to parse expression [C]: expression 'C' cannot reference itself. Must be query or another expression"}},
		"a circle": {
			[]string{`{"refId":"C","type":"math","expression":"$D"}`, `{"refId":"D","type":"math","expression":"$C"}`, `{"refId":"E","type":"math","expression":"1"}`}, map[string]string{
				"C": "[sse.cyclicReference] cyclic reference in expression [C]", "D": "[sse.cyclicReference] cyclic reference in expression [D]", "E": "",
			},
		},
		"a query that fails": {[]string{`{"refId":"Q"}`, `{"refId":"C","type":"math","expression":"$Q"}`, `{"refId":"D","type":"math","expression":"$C"}`}, map[string]string{
			"Q": "[sse.dataQueryError] failed to execute query [Q]: bad_data: no Q",
			"C": "[sse.dependencyError] did not execute expression [C] due to a failure of the dependent expression or query [Q]",
			"D": "[sse.dependencyError] did not execute expression [D] due to a failure of the dependent expression or query [C]",
		}},
		"a hidden query that fails": {[]string{`{"refId":"Q","hide":true}`, `{"refId":"C","type":"math","expression":"$Q"}`}, map[string]string{
			"C": "[sse.dependencyError] did not execute expression [C] due to a failure of the dependent expression or query [Q]: [sse.dataQueryError] failed to execute query [Q]: bad_data: no Q",
		}},
		"log lines": {[]string{`{"refId":"L"}`, `{"refId":"C","type":"math","expression":"$L"}`}, map[string]string{
			"L": "", "C": "[sse.readDataError] [L] got error: input data must be a wide series but got type not (input refid)",
		}},
		"a type that is none": {[]string{`{"refId":"C","type":"guess","expression":"1"}`}, map[string]string{"C": "[sse.parseError] failed to parse expression [C]: 'guess' is not a recognized expression type"}},
		"to resample numbers": {[]string{`{"refId":"A"}`, `{"refId":"C","type":"resample","expression":"A","window":"1s","downsampler":"mean","upsampler":"pad"}`}, map[string]string{
			"A": "", "C": "failed to execute expression [C]: can only resample type series, got type number",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[string]string{}
			for refID, res := range request(t, tc.queries...) {
				got[refID] = res.Error
			}
			require.Equal(t, tc.want, got)
		})
	}
}

func names(f *dsquery.Frame) (names []string) {
	for _, field := range f.Fields {
		names = append(names, field.Name)
	}
	return names
}

func TestSQL(t *testing.T) {
	sql := func(text string) dsquery.Response {
		raw, err := json.Marshal(map[string]string{"refId": "C", "type": "sql", "expression": text})
		require.NoError(t, err)
		return request(t, `{"refId":"A","hide":true}`, `{"refId":"B","hide":true}`, string(raw), `{"refId":"D","type":"math","expression":"$C * 2","hide":true}`)["C"]
	}
	for text, want := range map[string]string{
		"SELECT host, __value__ FROM A ORDER BY host DESC":                                                                             "host:b,a __value__:2,1",
		"select __metric_name__ m, __display_name__ d, __value__ v from `A` where host = 'a'":                                          "m:load d:a v:1",
		"SELECT host, max(__value__) AS top FROM B GROUP BY host ORDER BY host":                                                        "host:a,b top:3,6",
		"SELECT A.host, A.__value__ + B.__value__ s FROM A JOIN B ON A.host = B.host WHERE B.time > '2023-11-14 22:13:21' ORDER BY s;": "host:a,b s:4,8",
		"SELECT time FROM B WHERE host = 'a' LIMIT 1":                                                                                  "time:2023-11-14T22:13:20Z",
		"WITH x AS (SELECT 1 AS n UNION ALL SELECT 2) SELECT sum(n) n FROM x":                                                          "n:3",
		"SELECT ';' AS semicolon -- one; statement":                                                                                    "semicolon:;",
	} {
		res := sql(text)
		require.Empty(t, res.Error, text)
		var got []string
		for _, f := range res.Frames[0].Fields {
			var cells []string
			for i := range max(len(f.Texts), len(f.Points), len(f.Times)) {
				switch {
				case f.Times != nil:
					cells = append(cells, f.Times[i].Format(time.RFC3339))
				case f.Points != nil:
					cells = append(cells, fmt.Sprint(*f.Points[i]))
				default:
					cells = append(cells, f.Texts[i])
				}
			}
			got = append(got, f.Name+":"+strings.Join(cells, ","))
		}
		require.Equal(t, want, strings.Join(got, " "), text)
		require.Equal(t, dialect, res.Frames[0].Meta["notices"].([]any)[0].(map[string]any)["text"])
	}

	dir := t.TempDir()
	for _, text := range []string{
		"DELETE FROM A", "ATTACH '" + dir + "/x' AS x", "SELECT 1; ATTACH '" + dir + "/x' AS x", "SELECT 1; PRAGMA hard_heap_limit = 1", "PRAGMA query_only = 0",
		"SELECT 1; VACUUM INTO '" + dir + "/x'", "WITH a AS (SELECT 1) DELETE FROM A", "SELECT load_extension('x')", "SELECT readfile('/etc/hosts')",
		"SELECT nothing FROM A", "SELECT * FROM none", "EXPLAIN SELECT 1",
		"SELECT randomblob(1000000)", `SELECT "zeroblob"(1000000)`, "SELECT printf('%1000000d', 1)", "SELECT hex(hex(hex(hex(hex(hex(hex(hex(hex(hex('" + strings.Repeat("x", 5000) + "'))))))))))",
		"WITH n(i, t) AS (SELECT 1, '" + strings.Repeat("x", 100_000) + "' UNION ALL SELECT i + 1, t FROM n) SELECT t FROM n",
	} {
		require.NotEmpty(t, sql(text).Error, text)
	}
	require.Contains(t, sql("SELECT nothing FROM A").Error, "SQL is SQLite's here")
	require.NoFileExists(t, dir+"/x")

	big := sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
	require.Empty(t, big.Error)
	require.Len(t, big.Frames[0].Fields[0].Points, maxCells)
	require.Len(t, big.Frames[0].Meta["notices"], 2)
	require.True(t, slices.ContainsFunc(big.Frames[0].Meta["notices"].([]any), func(n any) bool { return n.(map[string]any)["severity"] == "warning" }))
}
