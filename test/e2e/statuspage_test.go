package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// An outage is on the public page within a minute, a maintenance silences its alerts, and nobody without a login sees more.
func TestStatusPage(t *testing.T) {
	t.Parallel()
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

// Visitors of a status page are served from memory: each gets the whole page with its style, on a connection of its own as browsers
// open one, and while they come, nothing is asked of the engines. The figure is by the CPU time of the process, for which the
// visitors' own work does not count.
func TestVisitorsOfAStatusPage(t *testing.T) {
	const visitors, atOnce = 5000, 20
	components := "{name: Metrics, job: prometheus}, "
	for n := range 29 {
		components += fmt.Sprintf("{name: Service %d, expr: vector(1)}, ", n)
	}
	s := startAusguck(t, configDir(t, map[string]string{
		"status-pages.yml": "pages: [{name: example, public: true, groups: [{components: [" + components + "]}]}]\n",
	}), t.TempDir(), metricsOnly...)
	visit := func(path string) (string, error) {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Get("http://" + s.address + path)
		if err != nil {
			return "", err
		}
		body, err := readAll(response.Body)
		return body, errors.Join(err, errUnless(response.StatusCode == http.StatusOK, "%s: %s", path, response.Status))
	}
	eventually(t, time.Minute, func() error {
		page, err := visit("/status-page/example")
		return errors.Join(err, errUnless(strings.Contains(page, "All systems are operational"), "not all are known"))
	})
	cpu := func() float64 { return metric(s.get(t, "/metrics"), "process_cpu_seconds_total") }
	asked := func() float64 { return metric(s.get(t, "/metrics"), "prometheus_engine_query_duration_seconds_count") }
	begun, before, queries := time.Now(), cpu(), asked()
	var group errgroup.Group
	group.SetLimit(atOnce)
	for range visitors {
		group.Go(func() error {
			page, err := visit("/status-page/example")
			return errors.Join(err, errUnless(strings.Contains(page, "Service 28"), "the page is not complete"))
		})
	}
	require.NoError(t, group.Wait())
	seconds, took := cpu()-before, time.Since(begun).Seconds()
	figure(t, "a status page of 30 components: %.0f visitors a second of CPU time, each with a new connection; %.0f a second arrived", visitors/seconds, visitors/took)
	require.Less(t, asked()-queries, visitors/10., "visitors cause no queries")
}
