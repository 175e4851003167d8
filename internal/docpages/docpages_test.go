package docpages_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/docpages"
)

func get(t *testing.T, files fs.FS, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	docpages.New(files,
		docpages.Book{Name: "docs", Title: "Documentation", Dir: "."},
		docpages.Book{Name: "runbooks", Title: "Runbooks", About: "What to do.", Dir: "runbooks"},
	).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestPages(t *testing.T) {
	files := fstest.MapFS{
		"runbooks/host.md":    file("# Hosts\n\n## HostDiskFull\n\nSee [Down](targets.md#down), `a < b`.\n\n### Not listed\n"),
		"runbooks/targets.md": file("# Targets\n\n## Down\n\n| a | b |\n|---|---|\n| c | d |\n"),
		"runbooks/embed.go":   file("package x"),
	}
	index := get(t, files, "/runbooks/").Body.String()
	require.Contains(t, index, "<h1>Runbooks</h1>")
	require.Contains(t, index, "What to do.")
	require.Contains(t, index, `<a href="host#hostdiskfull">HostDiskFull</a>`)
	require.Contains(t, index, `<a href="targets#down">Down</a>`)
	require.NotContains(t, index, "Not listed")
	require.NotContains(t, index, "embed")

	for _, path := range []string{"/runbooks/host", "/runbooks/host.md"} {
		page := get(t, files, path)
		require.Equal(t, http.StatusOK, page.Code)
		require.Equal(t, "text/html; charset=utf-8", page.Header().Get("Content-Type"))
		require.Contains(t, page.Header().Get("Content-Security-Policy"), "default-src 'none'")
		require.Contains(t, page.Body.String(), `<h2 id="hostdiskfull">HostDiskFull</h2>`)
		require.Contains(t, page.Body.String(), `<a href="targets#down">Down</a>, <code>a &lt; b</code>`)
		require.NotContains(t, page.Body.String(), `<li><a href="targets#down"`, "other pages' sections are not listed")
	}
	require.Contains(t, get(t, files, "/runbooks/targets").Body.String(), "<td>d</td>")
	for _, path := range []string{"/runbooks/page.css", "/docs/page.css"} {
		require.Equal(t, "text/css; charset=utf-8", get(t, files, path).Header().Get("Content-Type"))
	}
	for _, path := range []string{"/runbooks/none", "/runbooks/embed.go", "/runbooks/host/x", "/runbooks/../host", "/docs/host", "/docs/runbooks/host", "/other/host"} {
		require.Equal(t, http.StatusNotFound, get(t, files, path).Code, path)
	}
}

// A README.md is the index of its folder, and determines the order of the pages.
func TestIndexByTask(t *testing.T) {
	files := fstest.MapFS{
		"README.md":     file("# All\n\n## Start\n\n[Z first](zebra.md), then [A](alpha.md#x).\n"),
		"alpha.md":      file("# Alpha\n\n## X\n"),
		"beta.md":       file("# Beta\n"),
		"zebra.md":      file("# Zebra\n"),
		"runbooks/a.md": file("# A\n"),
	}
	for _, path := range []string{"/docs/", "/docs/README.md"} {
		index := get(t, files, path)
		require.Equal(t, http.StatusOK, index.Code)
		require.Contains(t, index.Body.String(), `<h1 id="all">All</h1>`)
		require.Regexp(t, `(?s)<nav.*>Zebra<.*>Alpha<.*>Beta<.*</nav>`, index.Body.String())
		require.Contains(t, index.Body.String(), `<a href="../runbooks/">Runbooks</a>`)
	}
}

func TestLinks(t *testing.T) {
	files := fstest.MapFS{
		"run.md":        file("# Run\n\n## Ports\n"),
		"README.md":     file("# Index\n"),
		"runbooks/a.md": file("# A\n\n[up](../run.md#ports) [home](../README.md) [all](../) [here](.) [other](../adr/1.md)\n"),
	}
	for markdown, want := range map[string]string{
		"[a](run.md)":                         `<p><a href="run">a</a></p>`,
		"[a](./run.md#ports)":                 `<p><a href="run#ports">a</a></p>`,
		"[a](#here)":                          `<p><a href="#here">a</a></p>`,
		"[a](README.md)":                      `<p><a href="./">a</a></p>`,
		"[a](runbooks/a.md#x)":                `<p><a href="../runbooks/a#x">a</a></p>`,
		"[a](runbooks)":                       `<p><a href="../runbooks/">a</a></p>`,
		"[a](https://example.org/run.md)":     `<p><a href="https://example.org/run.md">a</a></p>`,
		"[a `b` *c*](../monitoring/x.yml) d":  `<p>a <code>b</code> <em>c</em> d</p>`,
		"[a](adr/0001-x.md)":                  `<p>a</p>`,
		"[a](none.md) [b](../../etc/passwd)":  `<p>a b</p>`,
		"![The picture](overview.png) below":  `<p>The picture below</p>`,
		"[![In a link](a.png)](run.md)":       `<p><a href="run">In a link</a></p>`,
		"[![Nothing left](a.png)](../no.yml)": `<p>Nothing left</p>`,
		"<!-- not for\nreaders -->\n\na": `</h1>
<p>a</p>`,
		"[a][1]\n\n[1]: run.md": `<p><a href="run">a</a></p>`,
	} {
		files["page.md"] = file("# P\n\n" + markdown + "\n")
		require.Contains(t, get(t, files, "/docs/page").Body.String(), want, markdown)
	}
	require.Contains(t, get(t, files, "/runbooks/a").Body.String(),
		`<a href="../docs/run#ports">up</a> <a href="../docs/">home</a> <a href="../docs/">all</a> <a href="./">here</a> other`)
}

func TestHTMLOfTheSourceIsLeftOut(t *testing.T) {
	page := get(t, fstest.MapFS{"a.md": file(
		"# A <script>alert(1)</script>\n\n## B <img src=x onerror=alert(1)>\n\n<script>alert(2)</script>\n\n[x](javascript:alert(3))\n")}, "/docs/a").Body.String()
	require.Contains(t, page, "<main>")
	for _, bad := range []string{"<script", "<img", "javascript:"} {
		require.NotContains(t, page, bad)
	}
}

// broken is a folder with unreadable files.
type broken struct{ fstest.MapFS }

func (b broken) ReadFile(string) ([]byte, error) { return nil, fs.ErrPermission }

func TestFileThatCannotBeRead(t *testing.T) {
	page := get(t, broken{fstest.MapFS{"a.md": {}}}, "/docs/a")
	require.Equal(t, http.StatusInternalServerError, page.Code)
	require.Contains(t, page.Body.String(), "read a.md: permission denied")
}
