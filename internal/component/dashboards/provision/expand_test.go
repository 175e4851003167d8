package provision_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashtest"
)

func TestVariablesAreExpandedAsGrafanaDoes(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(secret, []byte("from a file\n"), 0o600))
	t.Setenv("T_HOST", "prom.example.com")
	t.Setenv("T_FLAG", "true")
	t.Setenv("T_DOLLAR", "a$T_HOST")
	r := dashtest.Start(t, map[string]string{dashtest.SourcesFile: `
apiVersion: 1
datasources:
  - name: "Main $T_HOST"
    type: prometheus
    uid: main
    url: http://${T_HOST}:9090
    basicAuth: $T_FLAG
    basicAuthUser: $__env{T_DOLLAR}
    editable: true
    jsonData:
      timeInterval: 5s
      flag: $T_FLAG
      url: https://$${__value.raw}
    secureJsonData:
      basicAuthPassword: $__file{` + secret + `}
`})
	got := r.OK("GET", "/api/datasources/uid/main", "")
	require.Equal(t, "Main prom.example.com", dashtest.At(t, got, "name"))
	require.Equal(t, "http://prom.example.com:9090", dashtest.At(t, got, "url"))
	require.Equal(t, true, dashtest.At(t, got, "basicAuth"))
	require.Equal(t, "a$T_HOST", dashtest.At(t, got, "basicAuthUser"), "what a variable holds is not expanded again")
	require.Equal(t, map[string]any{"timeInterval": "5s", "flag": "true", "url": "https://${__value.raw}"}, dashtest.At(t, got, "jsonData"))
	require.Equal(t, map[string]any{"basicAuthPassword": true}, dashtest.At(t, got, "secureJsonFields"))
	require.Equal(t, true, dashtest.At(t, got, "readOnly"))
	require.NotContains(t, r.Admin("GET", "/api/datasources/uid/main", "").Body, "from a file")
}
