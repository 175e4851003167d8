// Package rdap asks the registry of a domain when its registration expires, by RDAP (RFC 9082, 9083 and 9224).
//
// A request contains the domain and nothing about the installation. internal/component/prober asks, and decides how often.
package rdap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// timeout limits a request with its redirects and its response.
	timeout = 20 * time.Second
	// maxAnswer limits the answer about a domain; real ones have about 10 KiB.
	maxAnswer    = 1 << 20
	maxRedirects = 5
)

// Client sends requests to registries.
type Client struct{ http *http.Client }

// New returns a Client. Before each connection, refuse may return an error for an address that must not be asked, also behind
// redirects. If the environment names a proxy, only the address of the proxy can be checked.
func New(refuse func(ctx context.Context, to netip.AddrPort) error) *Client {
	dialer := &net.Dialer{Timeout: timeout, ControlContext: func(ctx context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return refuse(ctx, to)
	}}
	return &Client{&http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Scheme != "https" && r.URL.Scheme != via[0].URL.Scheme {
				return fmt.Errorf("redirected from %s to %s, which is not followed", via[0].URL.Scheme, r.URL.Scheme)
			}
			if len(via) > maxRedirects {
				return fmt.Errorf("redirected more than %d times", maxRedirects)
			}
			r.Header.Del("Referer")
			return nil
		},
	}}
}

var (
	// ErrNotRegistered is returned for a domain that its registry does not know.
	ErrNotRegistered = errors.New("the registry does not know the domain")
	// ErrNoExpiration is returned if the registry knows the domain and does not tell when it expires, as that of .fi.
	ErrNoExpiration = errors.New("the registry does not publish when the domain expires")
)

// RateLimited is returned if a server refuses to answer now.
type RateLimited struct {
	// RetryAfter is how long it asks to wait; 0 if it does not say.
	RetryAfter time.Duration
}

func (e RateLimited) Error() string { return "the server limits the rate of requests" }

// answer is the part of a domain object that is needed (RFC 9083, sections 4.5 and 5.3).
type answer struct {
	Class  string `json:"objectClassName"`
	Events []struct {
		Action string `json:"eventAction"`
		Date   string `json:"eventDate"`
	} `json:"events"`
}

// Expiration asks the server at a base URL when the registration of a domain, in A-labels, expires.
func (c *Client) Expiration(ctx context.Context, base, domain string) (time.Time, error) {
	resp, body, err := c.get(ctx, strings.TrimSuffix(base, "/")+"/domain/"+url.PathEscape(domain), maxAnswer, http.Header{"Accept": {"application/rdap+json"}})
	if err != nil {
		return time.Time{}, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return time.Time{}, ErrNotRegistered
	default:
		return time.Time{}, fmt.Errorf("the response is %s", resp.Status)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return time.Time{}, fmt.Errorf("the response is not RDAP: %w", err)
	}
	if a.Class != "domain" {
		return time.Time{}, fmt.Errorf("the response is not RDAP: its objectClassName is %.40q, not \"domain\"", a.Class)
	}
	for _, event := range a.Events {
		if event.Action == "expiration" {
			return parseDate(event.Date)
		}
	}
	return time.Time{}, ErrNoExpiration
}

// parseDate parses an eventDate. It should be of RFC 3339; some registries omit the offset or the time of day, and some write the
// year 1 for a date that they do not have.
func parseDate(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			if at.Year() < 1985 { // the year of the first domain
				return time.Time{}, ErrNoExpiration
			}
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("the response has a date of expiration that is none: %.40q", text)
}

// get returns a response with its body, of at most limit bytes.
func (c *Client) get(ctx context.Context, address string, limit int64, header http.Header) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header = header
	req.Header.Set("User-Agent", "Ausguck")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTooManyRequests {
		return nil, nil, RateLimited{retryAfter(resp.Header.Get("Retry-After"))}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read the response: %w", err)
	}
	if int64(len(body)) > limit {
		return nil, nil, fmt.Errorf("the response is larger than %d bytes", limit)
	}
	return resp, body, nil
}

// retryAfter parses a Retry-After header, which is a number of seconds or a date.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}
