package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An outage is on the public page within a minute, a maintenance silences its alerts, and nobody without a login sees more.
func TestStatusPage(t *testing.T) {
	var down atomic.Bool
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(shop.Close)
	config := configDir(t, map[string]string{
		"probes.yml":       fmt.Sprintf("probes: [{name: shop-internal, url: %q, interval: 5s}]\n", shop.URL),
		"status-pages.yml": "pages: [{name: example, public: true, groups: [{components: [{name: Shop, probe: shop-internal}, {name: Prometheus, job: prometheus}]}]}]\n",
	})
	storage := t.TempDir()
	s := startAusguck(t, config, storage, metricsOnly...)
	page := func() string {
		response, err := http.Get("http://" + s.address + "/status-page/example") // without credentials
		require.NoError(t, err)
		body, err := readAll(response.Body)
		require.NoError(t, err)
		return string(body)
	}
	shows := func(text string) time.Duration {
		t.Helper()
		begun := time.Now()
		eventually(t, 90*time.Second, func() error { return errUnless(strings.Contains(page(), text), "the page lacks %q", text) })
		return time.Since(begun)
	}
	shows("All systems are operational")
	require.NotContains(t, page(), "internal")
	down.Store(true)
	figure(t, "an outage is on the status page after %.0f s", shows("Some systems are down").Seconds())

	begins, ends := time.Now().Add(-time.Minute).UTC(), time.Now().Add(time.Hour).UTC()
	api := "/api/ausguck/status-pages/example"
	status, body := s.do(t, http.MethodPost, api+"/maintenance", nil, fmt.Sprintf(`{"title": "New disks", "text": "It waits.", "components": ["Shop"], "starts": %q, "ends": %q}`,
		begins.Format(time.RFC3339), ends.Format(time.RFC3339)))
	require.Equal(t, http.StatusOK, status, body)
	shows("Maintenance is in progress")
	var silences []struct {
		Matchers []struct{ Name, Value string } `json:"matchers"`
		Comment  string                         `json:"comment"`
		By       string                         `json:"createdBy"`
	}
	require.NoError(t, json.Unmarshal([]byte(s.get(t, "/api/v2/silences?filter=probe%3Dshop-internal")), &silences))
	require.Len(t, silences, 1)
	require.Equal(t, "Maintenance: New disks", silences[0].Comment)
	require.Equal(t, "admin", silences[0].By)
	status, body = s.do(t, http.MethodPost, api+"/incidents", nil, `{"title": "Delays", "components": ["Prometheus"], "text": "We look."}`)
	require.Equal(t, http.StatusOK, status, body)
	shows("We look.")

	s.kill()
	s = startAusguck(t, config, storage, metricsOnly...)
	shows("We look.")
	shows("Maintenance is in progress")
	status, _ = s.do(t, http.MethodDelete, api+"/events/1", nil, "")
	require.Equal(t, http.StatusOK, status)
	shows("Some systems are down")
	require.NotContains(t, s.get(t, "/api/v2/silences?filter=probe%3Dshop-internal"), `"state":"active"`)
	down.Store(false)
	shows("All systems are operational")
}
