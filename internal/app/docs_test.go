package app_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/docs"
	"github.com/ausguck/ausguck/internal/app"
)

// Each guarantee in docs/secure.md names its test, and that test exists.
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

var (
	pageLink   = regexp.MustCompile(`href="([^"]*)"`)
	pageAnchor = regexp.MustCompile(`id="([^"]*)"`)
	fileLink   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// Every link between the pages in the program leads to an existing page and anchor, and every page can be reached from the index.
func TestLinksOfDocumentsLead(t *testing.T) {
	pages := app.Documents()
	seen := map[string]string{} // bodies by path
	var visit func(from, path string) string
	visit = func(from, at string) string {
		if body, ok := seen[at]; ok {
			return body
		}
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, at, nil))
		require.Equal(t, http.StatusOK, answer.Code, "%s links to %s", from, at)
		body := answer.Body.String()
		seen[at] = body
		links := 0
		for _, match := range pageLink.FindAllStringSubmatch(body, -1) {
			link, err := url.Parse(match[1])
			require.NoError(t, err, at)
			to := (&url.URL{Path: at}).ResolveReference(link)
			if to.Host != "" || to.Path == "/" || strings.HasPrefix(to.Path, "/static/") {
				continue
			}
			links++
			target := visit(at, to.Path)
			if to.Fragment != "" {
				require.True(t, hasAnchor(target, to.Fragment), "%s links to %s, which has no such anchor", at, to)
			}
		}
		if !strings.HasSuffix(at, ".css") {
			require.Greater(t, links, 5, "%s: links were not found", at)
		}
		return body
	}
	index := visit("", "/docs/")
	main := index[strings.Index(index, "<main>"):]
	for _, file := range markdownFiles(t) {
		at := "/docs/" + strings.TrimSuffix(file, ".md")
		if dir, name := path.Split(file); dir != "" {
			at = "/" + dir + strings.TrimSuffix(name, ".md")
		} else if file != "README.md" {
			require.Contains(t, main, `href="`+strings.TrimSuffix(file, ".md")+`"`, "docs/README.md does not list %s", file)
		}
		if file != "README.md" {
			require.Contains(t, seen, at)
			require.NotContains(t, seen[at], "<!-- raw HTML omitted -->", "%s has HTML, which the program leaves out", file)
		}
	}
}

func hasAnchor(body, anchor string) bool {
	for _, match := range pageAnchor.FindAllStringSubmatch(body, -1) {
		if match[1] == anchor {
			return true
		}
	}
	return false
}

// markdownFiles returns the Markdown files in the program.
func markdownFiles(t *testing.T) (files []string) {
	t.Helper()
	for _, pattern := range []string{"*.md", "runbooks/*.md"} {
		found, err := fs.Glob(docs.Files, pattern)
		require.NoError(t, err)
		files = append(files, found...)
	}
	require.Greater(t, len(files), 20)
	return files
}

// Links from the documents to other files of the repository, which the program shows as text, are valid too.
func TestLinksOfDocumentsLeadToFiles(t *testing.T) {
	for _, file := range append(markdownFiles(t), "../README.md", "../AGENTS.md", "../CHANGELOG.md") {
		content, err := os.ReadFile(filepath.Join("../../docs", file))
		require.NoError(t, err)
		for _, match := range fileLink.FindAllStringSubmatch(string(content), -1) {
			link, err := url.Parse(match[1])
			if err != nil || link.Scheme != "" || link.Path == "" {
				continue
			}
			exists(t, filepath.Join("../../docs", filepath.Dir(file), link.Path), "%s links to %s", file, match[1])
		}
	}
}

// Every docs/NAME.md that messages and the UI name is a page, and has the anchor if one is named: the UI turns them into links.
func TestDocumentsThatMessagesNameAreThere(t *testing.T) {
	named := regexp.MustCompile(`docs/([a-z]+)\.md(?:#([\w-]+))?`)
	count := 0
	for _, root := range []string{"../../internal", "../../cmd", "../../web/src", "../../monitoring", "../../deploy"} {
		require.NoError(t, filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !regexp.MustCompile(`\.(go|tsx?|ya?ml|json)$`).MatchString(file) || strings.Contains(file, "_test.go") || strings.Contains(file, ".test.ts") {
				return err
			}
			content, err := os.ReadFile(file)
			for _, match := range named.FindAllStringSubmatch(string(content), -1) {
				count++
				answer := httptest.NewRecorder()
				app.Documents().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/docs/"+match[1], nil))
				require.Equal(t, http.StatusOK, answer.Code, "%s names %s", file, match[0])
				require.True(t, match[2] == "" || hasAnchor(answer.Body.String(), match[2]), "%s names %s", file, match[0])
			}
			return err
		}))
	}
	require.Greater(t, count, 3)
}

func exists(t *testing.T, file, format string, args ...any) {
	t.Helper()
	_, err := os.Stat(file) // also matches folders
	require.NoError(t, err, append([]any{format}, args...)...)
}
