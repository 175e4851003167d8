package expr

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
		"2 ** 3 ** 2":            {"64"}, // left-associative, as in Grafana
		"-2 ** 2":                {"4"},  // a sign binds more tightly
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
		// Joins: equal labels, subset of labels, no labels, one value on each side.
		"$A * 2":        {"{host=a} 2", "{host=b} 4"},
		"$A + $B":       {"{host=a} 11"},
		"$F * $A":       {"{disk=x,host=a} 5", "{disk=y,host=a} 6", "{disk=x,host=b} 14"},
		"$A + $One":     {},
		"${x y} + $One": {"7"},
		"$A > 1":        {"{host=a} 0", "{host=b} 1"},
		"-$A":           {"{host=a} -1", "{host=b} -2"},
		// Series: only common timestamps; null stays null.
		"$S + 1":  {"@{host=a} 2 3 4", "@{host=b} 5 null 7"},
		"10 - $S": {"@{host=a} 9 8 7", "@{host=b} 6 null 4"},
		"$S * $A": {"@{host=a} 1 2 3", "@{host=b} 8 null 12"},
		"$S + $T": {"@{host=a} 22"},
		"$S - $S": {"@{host=a} 0 0 0", "@{host=b} 0 null 0"},
		// No data yields no data.
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
		strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300): "nested more than",
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
