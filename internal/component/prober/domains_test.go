package prober

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/database"
)

// registries is a server on loopback that is the registry of several top-level domains, and has their bootstrap file.
type registries struct {
	url string

	mtx     sync.Mutex
	asked   []string                    // paths, in order
	answers map[string]http.HandlerFunc // by domain
}

func expires(date string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"objectClassName": "domain", "events": [{"eventAction": "expiration", "eventDate": %q}]}`, date)
	}
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func newRegistries(t *testing.T) *registries {
	r := &registries{answers: map[string]http.HandlerFunc{}}
	r.url, _ = server(t, func(w http.ResponseWriter, q *http.Request) {
		r.mtx.Lock()
		r.asked = append(r.asked, q.URL.Path)
		answer := r.answers[q.URL.Path[strings.LastIndexByte(q.URL.Path, '/')+1:]]
		r.mtx.Unlock()
		switch {
		case answer != nil:
			answer(w, q)
		case q.URL.Path == "/dns.json":
			w.Header().Set("ETag", `"1"`)
			if q.Header.Get("If-None-Match") == `"1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			fmt.Fprintf(w, `{"services": [[["com", "org"], ["%[1]s/a/"]], [["cz"], ["%[1]s/b"]], [["bad"], ["http://127.0.0.99:1/"]]]}`, r.url)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	return r
}

// answer sets what the registry of a domain responds.
func (r *registries) answer(domain string, h http.HandlerFunc) {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	r.answers[domain] = h
}

// requests returns the paths that were asked since the last call.
func (r *registries) requests() []string {
	r.mtx.Lock()
	defer r.mtx.Unlock()
	asked := r.asked
	r.asked = nil
	return asked
}

func (r *registries) option(o *Options) { o.RDAPBootstrap = r.url + "/dns.json" }

// newDomainsAt returns domains that ask the registries, in a new database; step has to be called.
func newDomainsAt(t *testing.T, r *registries) *domains {
	t.Helper()
	db, err := database.Open(filepath.Join(t.TempDir(), "ausguck.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, added{db}.prepare(t.Context()))
	o := Options{DB: db, Logger: slog.New(slog.DiscardHandler)}
	r.option(&o)
	d := newDomains(o, func(_ context.Context, to netip.AddrPort) error {
		if to.Addr().String() == "127.0.0.99" {
			return refusal{refuseLinkLocal(netip.MustParseAddr("169.254.169.254"), nil)}
		}
		return nil
	})
	require.NoError(t, d.load(t.Context(), time.Now()))
	return d
}

// until makes all steps that are due at a time.
func (d *domains) until(t *testing.T, now time.Time, wanted ...string) {
	t.Helper()
	for range 20 {
		if d.step(t.Context(), now, wanted) != askSpacing {
			return
		}
	}
	t.Fatal("it does not stop to ask")
}

func day(text string) time.Time {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return at
}

// A registry is asked twice a day at most, and the bootstrap file is requested once a day at most.
func TestRegistriesAreAskedRarely(t *testing.T) {
	r := newRegistries(t)
	r.answer("example.com", expires("2027-01-01"))
	d := newDomainsAt(t, r)
	begun := day("2026-11-29")
	d.until(t, begun, "example.com")
	require.Equal(t, []string{"/dns.json", "/a/domain/example.com"}, r.requests())
	require.Equal(t, day("2027-01-01"), d.state("example.com").Expires)
	bootstrap, asked := 0, 0
	for minutes := 0; minutes < 7*24*60; minutes += 5 {
		now := begun.Add(time.Duration(minutes) * time.Minute)
		d.until(t, now, "example.com")
		for _, path := range r.requests() {
			if path == "/dns.json" {
				bootstrap++
			} else {
				asked++
			}
		}
	}
	require.LessOrEqual(t, bootstrap, 6)
	require.GreaterOrEqual(t, bootstrap, 5)
	require.LessOrEqual(t, asked, 13)
	require.GreaterOrEqual(t, asked, 11)
	require.Equal(t, askEvery, d.step(t.Context(), begun, nil), "nothing is asked without a probe")
	require.Empty(t, r.requests())
	d.until(t, day("2020-01-01"), "example.com")
	require.NotEmpty(t, r.requests(), "the clock was years ahead, and is right again")
}

// What a registry does not tell is unknown, and no failure. The last known date stays while it is not known that it changed.
func TestUnknownExpiry(t *testing.T) {
	r := newRegistries(t)
	d := newDomainsAt(t, r)
	now := day("2026-11-29")
	next := func() time.Time {
		now = now.Add(15 * time.Hour)
		return now
	}
	r.answer("example.com", expires("2027-01-01"))
	d.until(t, now, "example.com", "example.de", "example.cz")
	require.Equal(t, "the registry of .de has no RDAP server", d.state("example.de").Problem)
	require.Equal(t, "the registry does not know the domain", d.state("example.cz").Problem)
	require.Equal(t, []string{"/dns.json", "/a/domain/example.com", "/b/domain/example.cz"}, r.requests(), "nobody is asked about .de")
	for _, c := range []struct {
		answer  http.HandlerFunc
		expires time.Time
		problem string
	}{
		{status(http.StatusNotFound), day("2027-01-01"), "the registry does not know the domain"},
		{status(http.StatusBadGateway), day("2027-01-01"), "the response is 502 Bad Gateway"},
		{func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, day("2027-01-01"), "the response is not RDAP: invalid character '<' looking for beginning of value"},
		{expires("2028-01-01"), day("2028-01-01"), ""},
		{func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"objectClassName": "domain"}`) }, time.Time{}, "the registry does not publish when the domain expires"},
	} {
		r.answer("example.com", c.answer)
		d.until(t, next(), "example.com")
		state := d.state("example.com")
		require.Equal(t, c.problem, state.Problem)
		require.Equal(t, c.expires, state.Expires)
	}
	d.until(t, next(), "example.bad")
	require.Contains(t, d.state("example.bad").Problem, "169.254.169.254 is a link-local address")
	require.InDelta(t, 3, testutil.ToFloat64(d.lookups.WithLabelValues("failed")), 0)
	require.InDelta(t, 2, testutil.ToFloat64(d.lookups.WithLabelValues("known")), 0)
	require.InDelta(t, 4, testutil.ToFloat64(d.lookups.WithLabelValues("unknown")), 0)
}

// A failure is followed by fewer and fewer requests.
func TestFailingRegistry(t *testing.T) {
	r := newRegistries(t)
	r.answer("example.com", status(http.StatusInternalServerError))
	d := newDomainsAt(t, r)
	now := day("2026-11-29")
	var waits []time.Duration
	for range 9 {
		d.until(t, now, "example.com")
		waits = append(waits, d.state("example.com").Next.Sub(now))
		now = d.state("example.com").Next
	}
	for i, wait := range waits {
		least := min(15*time.Minute<<i, 12*time.Hour)
		require.GreaterOrEqual(t, wait, least)
		require.LessOrEqual(t, wait, least*6/5)
	}
	r.answer("example.com", expires("2027-01-01"))
	d.until(t, now, "example.com")
	require.GreaterOrEqual(t, d.state("example.com").Next.Sub(now), askEvery)
	require.Zero(t, d.state("example.com").failures)
}

// A server that limits the rate of requests is not asked before the time that it names, about any domain.
func TestBusyRegistry(t *testing.T) {
	r := newRegistries(t)
	r.answer("a.com", status(http.StatusTooManyRequests, "Retry-After", "7200"))
	r.answer("b.org", expires("2027-01-01"))
	d := newDomainsAt(t, r)
	now := day("2026-11-29")
	d.until(t, now, "a.com", "b.org", "c.de")
	require.Equal(t, []string{"/dns.json", "/a/domain/a.com"}, r.requests())
	require.Equal(t, "the server limits the rate of requests", d.state("a.com").Problem)
	r.answer("a.com", expires("2027-01-01"))
	d.until(t, now.Add(2*time.Hour-time.Second), "a.com", "b.org")
	require.Empty(t, r.requests())
	d.until(t, now.Add(3*time.Hour), "a.com", "b.org")
	require.ElementsMatch(t, []string{"/a/domain/a.com", "/a/domain/b.org"}, r.requests())
	r.answer("a.com", status(http.StatusTooManyRequests, "Retry-After", "99999999"))
	now = now.Add(20 * time.Hour)
	d.until(t, now, "a.com")
	require.Less(t, d.state("a.com").Next.Sub(now), 25*time.Hour, "nor for longer than a day")
}

// The bootstrap file is missing or broken: the earlier one is used, or the problem is named.
func TestBrokenBootstrap(t *testing.T) {
	r := newRegistries(t)
	r.answer("example.com", expires("2027-01-01"))
	r.answer("dns.json", status(http.StatusForbidden))
	d := newDomainsAt(t, r)
	now := day("2026-11-29")
	d.until(t, now, "example.com")
	require.Equal(t, "fetch the list of registries: the response is 403 Forbidden", d.state("example.com").Problem)
	d.until(t, now.Add(20*time.Minute), "example.com")
	require.Equal(t, []string{"/dns.json"}, r.requests(), "it is not requested for each try")
	r.answer("dns.json", nil)
	d.until(t, now.Add(3*time.Hour), "example.com")
	require.Empty(t, d.state("example.com").Problem)
	r.answer("dns.json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") })
	d.until(t, now.Add(48*time.Hour), "example.com")
	require.Empty(t, d.state("example.com").Problem)
	require.Equal(t, []string{"/dns.json", "/a/domain/example.com", "/dns.json", "/a/domain/example.com"}, r.requests())

	d.bootstrap = ""
	d.until(t, now.Add(96*time.Hour), "example.com")
	require.Equal(t, "no registry is asked: --prober.rdap-bootstrap is empty", d.state("example.com").Problem)
	require.Empty(t, r.requests())
}

const withDomains = `
probes:
  - {name: Shop, url: "https://www.example.com/", expect: {domain_days: 30}}
  - {name: API, url: "https://api.example.com/", expect: {domain_days: 1.5}}
  - {name: Names, url: "dns://192.0.2.1/bücher.example.cz", expect: {domain_days: 30}}
  - {name: German, url: "tcp://example.de:25", expect: {domain_days: 30}}
  - {name: Other, url: "https://example.org/"}
`

// The dates are metrics and in the API, and survive a restart without another request. Probes without domain_days ask nobody.
func TestDomainExpiry(t *testing.T) {
	r := newRegistries(t)
	r.answer("example.com", expires("2027-01-01T00:00:00Z"))
	r.answer("example.cz", expires("2028-01-01T00:00:00Z"))
	db, err := database.Open(filepath.Join(t.TempDir(), "ausguck.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	sameDB := func(o *Options) { o.DB = db }
	metrics := func(registry *prometheus.Registry) error {
		return testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP ausguck_probe_domain_expiry_timestamp_seconds When the registration of the domain of a probe expires, in seconds since 1970; absent if it is not known.
# TYPE ausguck_probe_domain_expiry_timestamp_seconds gauge
ausguck_probe_domain_expiry_timestamp_seconds{domain="example.com",probe="API"} 1.7987616e+09
ausguck_probe_domain_expiry_timestamp_seconds{domain="example.com",probe="Shop"} 1.7987616e+09
ausguck_probe_domain_expiry_timestamp_seconds{domain="example.cz",probe="Names"} 1.8302976e+09
# HELP ausguck_probe_domain_min_seconds How long the registration of a domain has to last still; absent if it is not set.
# TYPE ausguck_probe_domain_min_seconds gauge
ausguck_probe_domain_min_seconds{probe="API"} 129600
ausguck_probe_domain_min_seconds{probe="German"} 2.592e+06
ausguck_probe_domain_min_seconds{probe="Names"} 2.592e+06
ausguck_probe_domain_min_seconds{probe="Shop"} 2.592e+06
`), "ausguck_probe_domain_expiry_timestamp_seconds", "ausguck_probe_domain_min_seconds")
	}
	t.Run("asked", func(t *testing.T) {
		p, registry := newProber(t, withDomains, sameDB, r.option)
		require.Eventually(t, func() bool {
			return metrics(registry) == nil && p.domains.state("example.de").Problem != ""
		}, 20*time.Second, 20*time.Millisecond)
		require.Equal(t, []string{"/dns.json", "/a/domain/example.com", "/b/domain/example.cz"}, r.requests())
		_, body := p.call(t, http.MethodGet, "/api/ausguck/probes", "")
		var v view
		require.NoError(t, json.Unmarshal([]byte(body), &v))
		require.Equal(t, []*domainView{
			{Name: "example.com", Expires: day("2027-01-01")}, {Name: "example.com", Expires: day("2027-01-01")}, {Name: "example.cz", Expires: day("2028-01-01")},
			{Name: "example.de", Problem: "the registry of .de has no RDAP server"}, nil,
		}, []*domainView{v.Probes[0].Domain, v.Probes[1].Domain, v.Probes[2].Domain, v.Probes[3].Domain, v.Probes[4].Domain})
	})
	t.Run("after a restart", func(t *testing.T) {
		p, registry := newProber(t, withDomains, sameDB, r.option)
		require.NoError(t, metrics(registry))
		// A probe that is added on the page is asked about at once; by then, all others would have been.
		code, body := p.call(t, http.MethodPost, "/api/ausguck/probes", `{"name": "New", "url": "https://www.example.org", "expect": {"domain_days": 30}}`)
		require.Equal(t, http.StatusOK, code, body)
		require.Eventually(t, func() bool { return p.domains.state("example.org").Problem != "" }, 20*time.Second, 20*time.Millisecond)
		require.Equal(t, []string{"/a/domain/example.org"}, r.requests(), "nor is the bootstrap file")
		code, body = p.call(t, http.MethodPost, "/api/ausguck/probes", `{"name": "Address", "url": "http://127.0.0.1/", "expect": {"domain_days": 30}}`)
		require.Equal(t, http.StatusBadRequest, code)
		require.Contains(t, body, "expect: domain_days: 127.0.0.1 is an address, not a domain")
	})
	t.Run("long after", func(t *testing.T) {
		d := newDomains(Options{DB: db, Logger: slog.New(slog.DiscardHandler)}, nil)
		require.NoError(t, d.load(t.Context(), time.Now().Add(60*24*time.Hour)))
		require.Empty(t, d.known)
		require.Nil(t, d.servers, "it is of another URL")
	})
}

func TestProblemsOfDomains(t *testing.T) {
	m, problems := LoadModules("blackbox.yml", ".", []byte(modules), []byte("modules: {}"))
	require.Empty(t, problems)
	for text, want := range map[string]string{
		`{name: a, url: "https://127.0.0.1/", expect: {domain_days: 30}}`:              "127.0.0.1 is an address, not a domain",
		`{name: a, url: "icmp://router", expect: {domain_days: 30}}`:                   `"router" is not a domain that can be registered`,
		`{name: a, url: "http://co.uk/", module: http_2xx, expect: {domain_days: 30}}`: `"co.uk" is not a domain that can be registered`,
		`{name: a, url: "https://example.com/", expect: {domain_days: -1}}`:            "domain_days: it is negative",
		`{name: a, url: "dns://192.0.2.1/com?type=NS", expect: {domain_days: 30}}`:     `"com" is not a domain that can be registered`,
	} {
		_, problems := LoadProbes(m, "probes.yml", []byte("probes:\n  - "+text+"\n"))
		require.Len(t, problems, 1, text)
		require.ErrorContains(t, problems[0], "probes.yml:2: ")
		require.ErrorContains(t, problems[0], want)
	}
	for module, want := range map[string]string{"dns": "example.org", "http_2xx": "example.com", "tcp_connect": "example.com"} {
		c, problems := LoadProbes(m, "probes.yml", []byte(`probes: [{name: a, url: "www.example.com:25", module: `+module+`, expect: {domain_days: 30}}]`))
		require.Empty(t, problems)
		domain, err := c.Probes[0].domain(m.all[module])
		require.NoError(t, err)
		require.Equal(t, want, domain)
	}
}
