package dashtest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Upstream is a data source that answers with what it was asked.
func Upstream(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	if h == nil {
		h = func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Set-Cookie", "evil=1")
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("X-Method", r.Method)
			fmt.Fprintf(w, "%s %s host=%s cookie=%q authorization=%q tenant=%q forwarded=%q body=%s", r.Method, r.URL.String(), r.Host,
				r.Header.Get("Cookie"), r.Header.Get("Authorization"), r.Header.Get("X-Scope-OrgID"), r.Header.Get("X-Forwarded-Host"), body)
		}
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// Provision returns a provisioning file with data sources.
func Provision(sources ...string) map[string]string {
	return map[string]string{SourcesFile: "apiVersion: 1\ndatasources:\n" + strings.Join(sources, "")}
}

// DS returns a data source entry for such a file.
func DS(name, kind, url string, more ...string) string {
	return fmt.Sprintf("  - {name: %s, uid: %s, type: %s, url: '%s'%s}\n", name, name, kind, url, strings.Join(append([]string{""}, more...), ", "))
}
