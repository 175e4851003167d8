package page

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/web"
)

func TestAcceptedEncodings(t *testing.T) {
	for header, want := range map[string][2]bool{ // br, gzip
		"":                          {false, false},
		"identity":                  {false, false},
		"gzip, deflate, br, zstd":   {true, true},
		"gzip":                      {false, true},
		"BR;q=1.0, gzip;q=0.5":      {true, true},
		"br;q=0, gzip;q=0.1":        {false, true},
		"br; q=0.000 , gzip; q = 0": {false, false},
		"brotli, xgzip":             {false, false},
	} {
		require.Equal(t, want, [2]bool{accepts(header, "br"), accepts(header, "gzip")}, header)
	}
}

// Every file of a build is served in each encoding, with the same content.
func TestBuiltFiles(t *testing.T) {
	if _, err := fs.Stat(web.Files, "dist/public"); err != nil {
		t.Log("built without the UI: nothing to serve")
		return
	}
	get := func(path, accept string, header ...string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Encoding", accept)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		Public(w, r)
		return w.Result()
	}
	files := 0
	require.NoError(t, fs.WalkDir(web.Files, "dist/public", func(name string, d fs.DirEntry, err error) error {
		name, isPacked := strings.CutSuffix(name, ".gz")
		if err != nil || !isPacked {
			return err
		}
		files++
		path := strings.TrimPrefix(name, "dist")
		plain, err := io.ReadAll(get(path, "").Body)
		require.NoError(t, err)
		packed := get(path, "gzip")
		require.Equal(t, "gzip", packed.Header.Get("Content-Encoding"), path)
		require.Equal(t, "Accept-Encoding", packed.Header.Get("Vary"))
		reader, err := gzip.NewReader(packed.Body)
		require.NoError(t, err, path)
		unpacked, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.True(t, bytes.Equal(plain, unpacked), path)
		small := get(path, "gzip, br")
		require.Equal(t, "br", small.Header.Get("Content-Encoding"), path)
		require.NotEmpty(t, small.Header.Get("Content-Length"))
		require.NotEqual(t, "application/octet-stream", small.Header.Get("Content-Type"), "%s has no content type", path)
		if strings.HasPrefix(path, "/public/build/") {
			require.Contains(t, small.Header.Get("Cache-Control"), "immutable", path)
			return nil
		}
		require.NotContains(t, small.Header.Get("Cache-Control"), "immutable", path)
		require.Equal(t, http.StatusNotModified, get(path, "br", "If-None-Match", small.Header.Get("ETag")).StatusCode)
		return nil
	}))
	require.Positive(t, files)
	for _, path := range []string{"/public/build", "/public/", "/public/../index.html", "/public/none.js", "/public/%2e%2e/index.html"} {
		require.Equal(t, http.StatusNotFound, get(path, "br").StatusCode, path)
	}
}

// Browsers see the frame of the UI at unknown URLs; programs and requests to an API get plain text.
func TestNotFound(t *testing.T) {
	p := &Page{Boot: func(*http.Request) Boot { return Boot{} }}
	for _, c := range []struct {
		method, path, accept string
		page                 bool
	}{
		{http.MethodGet, "/bogus/page", "text/html,application/xhtml+xml,*/*;q=0.8", true},
		{http.MethodHead, "/bogus", "text/html", true},
		{http.MethodGet, "/bogus", "*/*", false},
		{http.MethodPost, "/bogus", "text/html", false},
		{http.MethodGet, "/api/bogus", "text/html", false},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Accept", c.accept)
		w := httptest.NewRecorder()
		p.NotFound(w, r)
		require.Equal(t, c.page, strings.HasPrefix(w.Header().Get("Content-Type"), "text/html"), c)
		if _, err := fs.Stat(web.Files, "dist/index.html"); err == nil {
			require.Equal(t, http.StatusNotFound, w.Code, c)
		}
	}
}
