package expr

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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

func TestWhatIsNotKnownIsNamed(t *testing.T) {
	for want, query := range map[string]string{
		`unknown reducer "p99"`:        `{"type":"reduce","expression":"$A","reducer":"p99"}`,
		`unknown downsampler "median"`: `{"type":"resample","expression":"A","window":"2s","downsampler":"median","upsampler":"pad"}`,
		`unknown upsampler "guess"`:    `{"type":"resample","expression":"A","window":"2s","downsampler":"mean","upsampler":"guess"}`,
	} {
		c, err := parse(Query{RefID: "Z", Raw: json.RawMessage(query), From: t0, To: t0.Add(6 * time.Second)}, nil)
		if err == nil {
			_, err = c.run(t.Context(), Vars{"A": results("@1 2 3")})
		}
		require.ErrorContains(t, err, want)
	}
}
