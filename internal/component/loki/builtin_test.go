package loki_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/loki"
	"github.com/ausguck/ausguck/internal/problem"
	"github.com/ausguck/ausguck/monitoring"
)

func TestBuiltInRulesAreSound(t *testing.T) {
	files, err := fs.Glob(monitoring.Files, "loki-rules/fake/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		content, err := fs.ReadFile(monitoring.Files, name)
		require.NoError(t, err)
		require.Empty(t, loki.CheckRules(problem.File{Name: name, Content: content}))
	}
}

func TestBuiltInRulesApplyWithoutAFolderOfRules(t *testing.T) {
	o := options(t)
	o.BuiltInRules = fstest.MapFS{"fake/ours.yml": {Data: []byte("groups: [{name: ours, rules: [{alert: Ours, expr: 'count_over_time({job=\"a\"}[1m]) > 0'}]}]\n")}}
	folder := filepath.Join(o.Dir, "rules", "fake")
	require.NoError(t, os.MkdirAll(folder, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "ours.yml"), []byte("groups: [] # of an older version\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "theirs.yml"), []byte("groups: [{name: theirs, rules: [{alert: Theirs, expr: 'count_over_time({job=\"a\"}[1m]) > 1'}]}]\n"), 0o600))
	s, _ := start(t, o, "")
	code, body := get(s, "/loki/api/v1/rules", nil)
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, "alert: Ours")
	require.Contains(t, body, "alert: Theirs", "what people put there stays")
}

func TestBuiltInRulesGiveWayToAFolderOfRules(t *testing.T) {
	o := options(t)
	o.BuiltInRules = fstest.MapFS{"fake/ours.yml": {Data: []byte("groups: []\n")}}
	theirs := t.TempDir()
	s, _ := start(t, o, "ruler: {storage: {type: local, local: {directory: "+theirs+"}}}\n")
	_, err := os.Stat(filepath.Join(o.Dir, "rules", "fake", "ours.yml"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, body := get(s, "/loki/api/v1/rules", nil)
	require.NotContains(t, body, "ours")
}
