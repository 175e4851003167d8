package runbook_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/runbook"
)

func get(t *testing.T, files fs.FS, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	runbook.New(files).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer
}

func TestPages(t *testing.T) {
	files := fstest.MapFS{
		"host.md":    {Data: []byte("# Hosts\n\n## HostDiskFull\n\nSee [Down](targets.md#down), `a < b`.\n\n### Not listed\n")},
		"targets.md": {Data: []byte("# Targets\n\n## Down\n\n| a | b |\n|---|---|\n| c | d |\n")},
		"embed.go":   {Data: []byte("package x")},
	}
	index := get(t, files, "/runbooks/").Body.String()
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
		require.Contains(t, page.Body.String(), `<a href="targets.md#down">Down</a>`)
		require.Contains(t, page.Body.String(), "<code>a &lt; b</code>")
		require.NotContains(t, page.Body.String(), `href="targets#down"`, "other pages' sections are not listed")
	}
	require.Contains(t, get(t, files, "/runbooks/targets").Body.String(), "<td>d</td>")
	require.Equal(t, "text/css; charset=utf-8", get(t, files, "/runbooks/page.css").Header().Get("Content-Type"))
	for _, path := range []string{"/runbooks/none", "/runbooks/embed.go", "/runbooks/host/x", "/runbooks/../host"} {
		require.Equal(t, http.StatusNotFound, get(t, files, path).Code, path)
	}
}

func TestHTMLOfTheSourceIsLeftOut(t *testing.T) {
	page := get(t, fstest.MapFS{"a.md": {Data: []byte(
		"# A <script>alert(1)</script>\n\n## B <img src=x onerror=alert(1)>\n\n<script>alert(2)</script>\n\n[x](javascript:alert(3))\n")}}, "/runbooks/a").Body.String()
	require.Contains(t, page, "<main>")
	for _, bad := range []string{"<script", "<img", "javascript:"} {
		require.NotContains(t, page, bad)
	}
}

// broken is a folder whose files cannot be read.
type broken struct{ fstest.MapFS }

func (b broken) ReadFile(string) ([]byte, error) { return nil, fs.ErrPermission }

func TestFileThatCannotBeRead(t *testing.T) {
	page := get(t, broken{fstest.MapFS{"a.md": {}}}, "/runbooks/a")
	require.Equal(t, http.StatusInternalServerError, page.Code)
	require.Contains(t, page.Body.String(), "read runbook a.md: permission denied")
}
