package expandenv

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExpandEnv(t *testing.T) {
	env := func(name string) (string, bool) {
		value, ok := map[string]string{"HOST": "kiel-7", "EMPTY": "", "TRICK": "${HOST}"}[name]
		return value, ok
	}
	for text, want := range map[string]string{
		"url: http://${HOST}/x":          "url: http://kiel-7/x",
		"${STAGE:-test} ${STAGE-test}":   "test test",
		"${STAGE:=test} ${STAGE=test}":   "test test",
		"${HOST:-other}${HOST-other}":    "kiel-7kiel-7",
		"${EMPTY:-default}|${EMPTY-x}|":  "default||",
		"${EMPTY}|":                      "|",
		"${NONE:-}|":                     "|",
		"${URL:-http://a:1/b?c=d}":       "http://a:1/b?c=d",
		"${TRICK}":                       "${HOST}",
		"replacement: ${1}-$1-$${1}-$$1": "replacement: ${1}-$1-${1}-$$1",
		"$${HOST} $HOST {HOST} ${}":      "${HOST} $HOST {HOST} ${}",
		"${not a name} ${HOST":           "${not a name} ${HOST",
		"${HOST^^}":                      "${HOST^^}",
	} {
		got, warnings := Expand("promtail.yml", []byte(text), env)
		require.Equal(t, want, string(got), text)
		require.Empty(t, warnings, text)
	}
	got, warnings := Expand("promtail.yml", []byte("a: ${NONE}\nb: ${NONE}\nc: ${OTHER}"), env)
	require.Equal(t, "a: ${NONE}\nb: ${NONE}\nc: ${OTHER}", string(got))
	require.Equal(t, []string{
		"promtail.yml: ${NONE} is not expanded: the environment variable NONE is not set",
		"promtail.yml: ${OTHER} is not expanded: the environment variable OTHER is not set",
	}, warnings)
}
