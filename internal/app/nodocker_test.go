package app_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Access to an engine without credentials is equivalent to root on its host.
func TestNoDataSourceAsksDocker(t *testing.T) {
	asked := make(chan string, 10)
	engine := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	t.Cleanup(engine.Close)
	_, port, err := net.SplitHostPort(engine.Listener.Addr().String())
	require.NoError(t, err)
	o := testOptions(t, "--no-cadvisor")
	o.Docker.Enabled, o.Docker.Host = true, "tcp://127.0.0.1:"+port
	r := start(t, o)
	for len(asked) > 0 { // from Ausguck itself
		<-asked
	}
	for _, url := range []string{"http://127.0.0.1:" + port, "http://localhost:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://0.0.0.0:" + port} {
		source, err := json.Marshal(map[string]any{"name": url, "type": "prometheus", "access": "proxy", "url": url})
		require.NoError(t, err)
		code, _, body := r.ask(t, admin, http.MethodPost, "/api/datasources", string(source))
		require.Equal(t, http.StatusOK, code, body)
		var made struct{ Datasource struct{ UID string } }
		require.NoError(t, json.Unmarshal([]byte(body), &made))
		code, _, body = r.ask(t, admin, http.MethodPost, "/api/datasources/proxy/uid/"+made.Datasource.UID+"/containers/create", "{}")
		require.Equal(t, http.StatusBadGateway, code, body)
		require.Contains(t, body, "cannot query a Docker engine")
	}
	for len(asked) > 0 {
		require.False(t, strings.Contains(<-asked, "containers/create"))
	}
}
