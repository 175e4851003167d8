package library_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

// manyDashboards returns n files of realistic size.
func manyDashboards(tb testing.TB, n int) map[string]string {
	tb.Helper()
	content, err := os.ReadFile("../../../../../shared/dashboards/docker_host.json")
	require.NoError(tb, err)
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("grafana/dashboards/team-%d/d%d.json", i%40, i)] = fmt.Sprintf(`{"dashboard":%s}`,
			string(content[:len(content)-len("}\n")])+fmt.Sprintf(`,"uid":"d%d","title":"Dashboard %d of team %d","tags":["t%d"]}`, i, i, i%40, i%7))
	}
	return files
}

// BenchmarkSearch searches 2,000 dashboards through the HTTP handler, including the response.
func BenchmarkSearch(b *testing.B) {
	r := dashtest.Start(b, manyDashboards(b, 2000))
	for _, query := range []string{"query=dashboard+199", "tag=t3&limit=50", "type=dash-db&starred=true", "limit=1000"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				req := httptest.NewRequest("GET", "/api/search?"+query, nil)
				req.Header.Set("X-Role", "Viewer")
				rec := httptest.NewRecorder()
				r.Server.Handler().ServeHTTP(rec, req)
				if rec.Code != 200 {
					b.Fatal(rec.Body.String())
				}
			}
		})
	}
}

// BenchmarkNodeExporterFull reads and serves the largest of the widely used dashboards.
func BenchmarkNodeExporterFull(b *testing.B) {
	content, err := os.ReadFile("../../../../../shared/dashboards/node-exporter-full.json")
	require.NoError(b, err)
	r := dashtest.Start(b, map[string]string{"grafana/dashboards/n.json": string(content)})
	b.Run("serve", func(b *testing.B) {
		for b.Loop() {
			req := httptest.NewRequest("GET", "/api/dashboards/uid/rYdddlPWk", nil)
			req.Header.Set("X-Role", "Viewer")
			rec := httptest.NewRecorder()
			r.Server.Handler().ServeHTTP(rec, req)
			if rec.Code != 200 {
				b.Fatal(rec.Body.String())
			}
		}
	})
}
