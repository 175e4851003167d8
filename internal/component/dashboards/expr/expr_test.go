package expr

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dsquery"
)

var t0 = time.Unix(1_700_000_000, 0).UTC()

// labelled parses {host=a, job=b}.
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

// results parses lines of values: `{host=a} 1` is a number; with a leading @, `@{host=a} 1 2 null` is a series with one
// value per second.
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

// written is the inverse of results.
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

// instant is a frame as returned by a data source for an instant query.
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

// request runs queries of which A and B are data source queries.
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
