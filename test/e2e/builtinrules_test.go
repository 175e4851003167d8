package e2e

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/monitoring"
)

// builtInRule returns the expression of a built-in alert.
func builtInRule(t *testing.T, alert string) string {
	t.Helper()
	files, err := fs.Glob(monitoring.Files, "rules/*.yml")
	require.NoError(t, err)
	for _, name := range files {
		content, err := fs.ReadFile(monitoring.Files, name)
		require.NoError(t, err)
		var file struct {
			Groups []struct {
				Rules []struct{ Alert, Expr string }
			}
		}
		require.NoError(t, yaml.Unmarshal(content, &file), name)
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				if rule.Alert == alert {
					return rule.Expr
				}
			}
		}
	}
	require.FailNow(t, "no rule", alert)
	return ""
}
