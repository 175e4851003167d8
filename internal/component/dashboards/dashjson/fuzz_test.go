package dashjson_test

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
)

// Any imported input is read, resolved and written without a panic or deep recursion, and the output can be read again.
func FuzzDashboard(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, name := range files {
		content, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(content)
	}
	for _, text := range []string{
		strings.Repeat("[", 1000), strings.Repeat(`{"spec":`, 200), `{"dashboard":{"panels":[{"type":"row","panels":[{"panels":[{}]}]}]},"overwrite":true}`,
		`{"apiVersion":"dashboard.grafana.app/v2beta1","kind":"Dashboard","metadata":{"name":"a"},"spec":{"elements":{"panel-1":{"kind":"Panel","spec":{"id":1}}},"layout":{"kind":"RowsLayout","spec":{"rows":[{"kind":"RowsLayoutRow","spec":{"layout":{"kind":"GridLayout","spec":{"items":[]}}}}]}}}}`,
		`{"__inputs":[{"name":"DS","type":"datasource","pluginId":"prometheus"}],"__elements":{"x":{"model":{}}},"rows":[{"panels":[{"span":4}]}],"templating":{"list":[{"name":"a","current":{}}]}}`,
		`{"rows":1,"panels":{},"templating":[],"time":3,"schemaVersion":1e99}`,
	} {
		f.Add([]byte(text))
	}
	before := debug.SetMaxStack(4 << 20)
	f.Cleanup(func() { debug.SetMaxStack(before) })
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := dashjson.Parse(body)
		if err != nil {
			return
		}
		d.Resolve(func(in dashjson.Input) (string, bool) { return in.Name, true })
		dashjson.Panels(d.Body)
		out, err := dashjson.Encode(d.Body)
		require.NoError(t, err)
		_, err = dashjson.Decode(out)
		require.NoError(t, err, "%s", out)
	})
}
