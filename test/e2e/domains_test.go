package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A domain that expires in five days is a metric, on the page and an alert; after kill -9, without asking its registry again. One whose
// registry has no RDAP server is unknown and no alert.
func TestDomainsExpire(t *testing.T) {
	t.Parallel()
	expires := time.Now().Add(5 * 24 * time.Hour).UTC().Truncate(time.Second)
	requests := &atomic.Int64{}
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		switch r.URL.Path {
		case "/dns.json":
			fmt.Fprintf(w, `{"version": "1.0", "services": [[["invalid"], ["http://%s/rdap/"]]]}`, r.Host)
		case "/rdap/domain/shop.invalid":
			fmt.Fprintf(w, `{"objectClassName": "domain", "ldhName": "SHOP.INVALID", "events": [
				{"eventAction": "registration", "eventDate": "1999-01-01T00:00:00Z"}, {"eventAction": "expiration", "eventDate": %q}]}`, expires.Format(time.RFC3339))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(registry.Close)
	config, storage := configDir(t, map[string]string{"probes.yml": `
probes:
  - {name: Shop, url: "https://www.shop.invalid/", group: Public, interval: 5s, expect: {domain_days: 30}}
  - {name: Mail, url: "tcp://mail.example.de:25", interval: 5s, expect: {domain_days: 30}}
  - {name: Other, url: "https://other.invalid/", interval: 5s}
`}), t.TempDir()
	flags := append([]string{"--prober.rdap-bootstrap=" + registry.URL + "/dns.json"}, metricsOnly...)
	known := fmt.Sprintf(`ausguck_probe_domain_expiry_timestamp_seconds{probe="Shop", domain="shop.invalid"} == %d`, expires.Unix())
	s := startAusguck(t, config, storage, flags...)
	s.waitValue(t, time.Minute, known, float64(expires.Unix()))
	// ALERTS has no samples before the third evaluation of a group, which is after up to three minutes for this one.
	eventually(t, 2*time.Minute, func() error {
		firing := s.labelsOf(t, "ProbeDomainExpires")
		return errUnless(len(firing) == 2, "%v", firing)
	})
	for i, severity := range []string{"critical", "warning"} {
		require.Equal(t, map[string]string{
			"alertname": "ProbeDomainExpires", "severity": severity, "domain": "shop.invalid",
			"job": "probes", "probe": "Shop", "group": "Public", "instance": "https://www.shop.invalid/",
		}, s.labelsOf(t, "ProbeDomainExpires")[i])
	}
	eventually(t, time.Minute, func() error {
		page := s.get(t, "/api/ausguck/probes")
		return errUnless(strings.Contains(page, `"domain":{"name":"shop.invalid","expires":"`+expires.Format(time.RFC3339)+`"}`) &&
			strings.Contains(page, `"domain":{"name":"example.de","problem":"the registry of .de has no RDAP server"}`), "%s", page)
	})
	require.EqualValues(t, 2, requests.Load(), "the list of servers, and one domain")

	s.kill()
	s = startAusguck(t, config, storage, flags...)
	require.Contains(t, s.get(t, "/metrics"), "ausguck_probe_domain_expiry_timestamp_seconds{domain=\"shop.invalid\",probe=\"Shop\"} ")
	s.waitValue(t, time.Minute, `count(up{job="prometheus"} == 1)`, 1)
	require.EqualValues(t, 2, requests.Load())
}

// labelsOf returns the labels of the alerts with a name that fire, sorted by severity.
func (s *server) labelsOf(t *testing.T, name string) (labels []map[string]string) {
	t.Helper()
	var active struct {
		Alerts []struct {
			Labels map[string]string
			State  string
		}
	}
	s.data(t, "/api/v1/alerts", nil, &active)
	for _, a := range active.Alerts {
		if a.State == "firing" && a.Labels["alertname"] == name {
			labels = append(labels, a.Labels)
		}
	}
	slices.SortFunc(labels, func(a, b map[string]string) int { return strings.Compare(a["severity"], b["severity"]) })
	return labels
}
