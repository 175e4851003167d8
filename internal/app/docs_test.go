package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each guarantee in docs/secure.md names the test behind it, and that test is there.
func TestGuaranteesHaveTheirTests(t *testing.T) {
	doc, err := os.ReadFile("../../docs/secure.md")
	require.NoError(t, err)
	defined := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		content, err := os.ReadFile(path)
		for _, match := range function.FindAllSubmatch(content, -1) {
			defined[string(match[1])] = true
		}
		return err
	}))
	named := regexp.MustCompile("`(Test[A-Z]\\w+)`").FindAllSubmatch(doc, -1)
	require.Greater(t, len(named), 40)
	for _, match := range named {
		require.True(t, defined[string(match[1])], "docs/secure.md names %s", match[1])
	}
	inTable := false
	for line := range strings.Lines(string(doc)) {
		if strings.HasPrefix(line, "|") && strings.Contains(line, "| test |") {
			inTable = true
			continue
		}
		if !strings.HasPrefix(line, "|") {
			inTable = false
		}
		if inTable && !strings.HasPrefix(line, "|---") {
			require.Contains(t, line, "`Test", "a guarantee without a test: %s", line)
		}
	}
}
