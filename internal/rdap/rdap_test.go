package rdap_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/rdap"
)

func recorded(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return content
}

var errRefused = errors.New("the address is refused")

// refuseLinkLocal stands for the check of the prober.
func refuseLinkLocal(_ context.Context, to netip.AddrPort) error {
	if to.Addr().IsLinkLocalUnicast() {
		return errRefused
	}
	return nil
}

// registry is a server on loopback whose requests are recorded.
func registry(t *testing.T, h http.HandlerFunc) (base string, requests *[]*http.Request) {
	t.Helper()
	requests = &[]*http.Request{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*requests = append(*requests, r)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func TestExpiration(t *testing.T) {
	object := func(date string) string {
		return `{"objectClassName": "domain", "events": [{"eventAction": "expiration", "eventDate": "` + date + `"}]}`
	}
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return parsed.UTC()
	}
	for name, c := range map[string]struct {
		body string
		want time.Time
		err  string
	}{
		"Verisign":         {body: string(recorded(t, "verisign-com.json")), want: at("2027-08-13T04:00:00Z")},
		"CZ.NIC":           {body: string(recorded(t, "nic-cz.json")), want: at("2027-08-30T10:00:00Z")},
		"no expiration":    {body: string(recorded(t, "no-expiration.json")), err: rdap.ErrNoExpiration.Error()},
		"fraction":         {body: object("2027-01-02T03:04:05.123Z"), want: at("2027-01-02T03:04:05.123Z")},
		"no offset":        {body: object("2027-01-02T03:04:05"), want: at("2027-01-02T03:04:05Z")},
		"date only":        {body: object("2027-01-02"), want: at("2027-01-02T00:00:00Z")},
		"year 1":           {body: object("0001-01-01T00:00:00Z"), err: rdap.ErrNoExpiration.Error()},
		"no date":          {body: object("soon"), err: `a date of expiration that is none: "soon"`},
		"another object":   {body: `{"objectClassName": "nameserver"}`, err: `its objectClassName is "nameserver"`},
		"HTML":             {body: "<!doctype html><title>Sign in to the Wi-Fi</title>", err: "the response is not RDAP: invalid character '<'"},
		"nothing":          {body: "", err: "the response is not RDAP: unexpected end"},
		"events as object": {body: `{"objectClassName": "domain", "events": {}}`, err: "the response is not RDAP: json: cannot unmarshal object"},
		"huge":             {body: strings.Repeat(" ", 1<<20) + "{}", err: "larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			base, requests := registry(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/rdap+json")
				_, _ = w.Write([]byte(c.body))
			})
			got, err := rdap.New(refuseLinkLocal).Expiration(t.Context(), base+"/v1/", "example.com")
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, c.want, got)
			require.Len(t, *requests, 1)
			require.Equal(t, "/v1/domain/example.com", (*requests)[0].RequestURI)
		})
	}
}

func TestStatusOfAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header string // Retry-After
		want   error
		text   string
	}{
		"not registered": {status: http.StatusNotFound, want: rdap.ErrNotRegistered},
		"busy":           {status: http.StatusTooManyRequests, header: "120", want: rdap.RateLimited{RetryAfter: 2 * time.Minute}},
		"busy for long":  {status: http.StatusTooManyRequests, header: "99999999999999999999", want: rdap.RateLimited{}},
		"busy until":     {status: http.StatusTooManyRequests, header: "Thu, 01 Jan 1970 00:00:00 GMT", want: rdap.RateLimited{}},
		"broken":         {status: http.StatusBadGateway, text: "the response is 502 Bad Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			base, _ := registry(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", c.header)
				w.WriteHeader(c.status)
			})
			_, err := rdap.New(refuseLinkLocal).Expiration(t.Context(), base, "example.com")
			require.ErrorContains(t, err, c.text)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
		})
	}
}

// What a registry learns is the domain, also behind a redirect.
func TestRequestTellsTheDomainOnly(t *testing.T) {
	answer := recorded(t, "verisign-com.json")
	base, requests := registry(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/domain/example.com" {
			http.Redirect(w, r, "/moved/domain/example.com", http.StatusTemporaryRedirect)
			return
		}
		_, _ = w.Write(answer)
	})
	_, err := rdap.New(refuseLinkLocal).Expiration(t.Context(), base, "example.com")
	require.NoError(t, err)
	require.Len(t, *requests, 2)
	for _, r := range *requests {
		require.Equal(t, http.Header{
			"Accept": {"application/rdap+json"}, "Accept-Encoding": {"gzip"}, "Connection": {"close"}, "User-Agent": {"Ausguck"},
		}, r.Header)
	}
}

// A redirect does not lead to an address that must not be asked, nor in circles.
func TestRedirects(t *testing.T) {
	for to, want := range map[string]string{
		"http://169.254.169.254/latest/meta-data": errRefused.Error(),
		"http://[fe80::1]/":                       errRefused.Error(),
		"/domain/example.com":                     "redirected more than 5 times",
		"ftp://example.com/":                      "redirected from http to ftp",
	} {
		base, requests := registry(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })
		_, err := rdap.New(refuseLinkLocal).Expiration(t.Context(), base, "example.com")
		require.ErrorContains(t, err, want, to)
		require.LessOrEqual(t, len(*requests), 6)
	}
	base, requests := registry(t, func(http.ResponseWriter, *http.Request) {})
	_, err := rdap.New(func(context.Context, netip.AddrPort) error { return errRefused }).Expiration(t.Context(), base, "example.com")
	require.ErrorIs(t, err, errRefused)
	require.Empty(t, *requests)
}

func TestBootstrap(t *testing.T) {
	content := recorded(t, "bootstrap.json")
	address, requests := registry(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"a"`)
		w.Header().Set("Last-Modified", "Wed, 25 Nov 2026 20:00:01 GMT")
		w.Header().Set("Cache-Control", "public, max-age=90000")
		if r.Header.Get("If-None-Match") == `"a"` && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(content)
	})
	client := rdap.New(refuseLinkLocal)
	first, err := client.Bootstrap(t.Context(), address, rdap.File{})
	require.NoError(t, err)
	require.Equal(t, rdap.File{Content: content, ETag: `"a"`, LastModified: "Wed, 25 Nov 2026 20:00:01 GMT", MaxAge: 25 * time.Hour}, first)
	second, err := client.Bootstrap(t.Context(), address, first)
	require.NoError(t, err)
	require.Equal(t, first, second)
	require.Len(t, *requests, 2)

	broken, _ := registry(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	_, err = client.Bootstrap(t.Context(), broken, rdap.File{})
	require.ErrorContains(t, err, "304 Not Modified")
	huge, _ := registry(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 4<<20+1)) })
	_, err = client.Bootstrap(t.Context(), huge, rdap.File{})
	require.ErrorContains(t, err, "larger than 4194304 bytes")
}

func TestServers(t *testing.T) {
	servers, err := rdap.ParseBootstrap(recorded(t, "bootstrap.json"))
	require.NoError(t, err)
	for domain, want := range map[string]string{
		"example.com":           "https://rdap.verisign.example/com/v1/",
		"example.cz":            "https://rdap.nic.example/",
		"xn--e1afmkfd.xn--p1ai": "https://rdap.nic.example/",
		"example.uk":            "https://rdap.uk.example/uk/",
		"example.co.uk":         "http://rdap.uk.example/co",
		"example.de":            "the registry of .de has no RDAP server",
		"example.ftp":           "the registry of .ftp has no RDAP server",
	} {
		base, err := servers.For(domain)
		if err != nil {
			base = err.Error()
		}
		require.Equal(t, want, base, domain)
	}
	for content, want := range map[string]string{
		"<html>":                          "not a bootstrap file: invalid character",
		"{}":                              "it lists no server",
		`{"services": [[["com"]]]}`:       "is not a pair",
		`{"services": [[["com"], [1]]]}`:  "not a bootstrap file: json",
		`{"services": [[["com"], [""]]]}`: "it lists no server",
	} {
		_, err := rdap.ParseBootstrap([]byte(content))
		require.ErrorContains(t, err, want, content)
	}
}

func TestRegistrable(t *testing.T) {
	for host, want := range map[string]string{
		"example.com":          "example.com",
		"WWW.Example.COM.":     "example.com",
		"a.b.example.co.uk":    "example.co.uk",
		"example.com.tw":       "example.com.tw",
		"someone.github.io":    "github.io",
		"a.b.s3.amazonaws.com": "amazonaws.com",
		"bücher.example":       "xn--bcher-kva.example",
		"www.пример.рф":        "xn--e1afmkfd.xn--p1ai",
		"_dmarc.example.org":   "example.org",
		"shop.corp":            "shop.corp",
		"192.0.2.1":            "192.0.2.1 is an address, not a domain",
		"2001:db8::1":          "2001:db8::1 is an address, not a domain",
		"localhost":            `"localhost" is not a domain that can be registered`,
		"co.uk":                `"co.uk" is not a domain that can be registered`,
		"":                     `"" is not a domain that can be registered`,
		".com":                 `".com" is not a domain that can be registered`,
		"xn--a.com":            `"xn--a.com" is not a domain: idna`,
	} {
		domain, err := rdap.Registrable(host)
		if err != nil {
			require.ErrorContains(t, err, want, host)
			continue
		}
		require.Equal(t, want, domain, host)
	}
}
