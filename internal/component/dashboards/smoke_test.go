package dashboards_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	r := start(t, nil)
	a := r.admin("GET", "/api/health", "")
	require.Equal(t, http.StatusOK, a.code)
	require.JSONEq(t, `{"database":"ok","version":"1.2.3","commit":"abc"}`, a.body)
	got := r.ok("POST", "/api/dashboards/db", `{"dashboard":{"title":"Hello"}}`)
	require.Equal(t, "success", at(t, got, "status"))
}
