// Package updates finds out whether there is a newer version of Ausguck than this one. It sends a request only if a URL is
// configured, and the request contains the version of Ausguck and nothing else about the installation.
//
// internal/app runs a Checker as a part, and cmd/ausguck asks a Source for `ausguck version --check`.
package updates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/semver"
)

const (
	// timeout limits a request with its redirects and its response.
	timeout = 30 * time.Second
	// maxBody limits the response. A release with many files has about 100 KiB.
	maxBody = 1 << 20
	// maxVersion limits the length of a version in bytes.
	maxVersion   = 64
	maxRedirects = 5
)

// Release is a released version of Ausguck.
type Release struct {
	// Version has no leading v.
	Version string `json:"version"`
	// URL is a web page about the release; empty if the response names none.
	URL string `json:"url,omitempty"`
	// Published is zero if the response does not say.
	Published time.Time `json:"published,omitzero"`
}

// Source is a URL that responds with the newest release: as JSON in the form of the "latest release" of GitHub, Gitea, Forgejo or
// GitLab, or as a text that is a version.
type Source struct {
	url    string
	host   string
	own    string
	client *http.Client
}

// NewSource returns the source at an http or https URL. own is the version of this program.
func NewSource(address, own string) (*Source, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("not a valid URL") // the error would contain the URL, and with it a password
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("not an http or https URL with a host")
	}
	return &Source{url: address, host: u.Host, own: own, client: &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DisableKeepAlives:      true, // one request a day
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if r.URL.Scheme != u.Scheme {
				return fmt.Errorf("redirected from %s to %s, which is not followed", u.Scheme, r.URL.Scheme)
			}
			if len(via) > maxRedirects {
				return fmt.Errorf("redirected more than %d times", maxRedirects)
			}
			r.Header.Del("Referer")
			return nil
		},
	}}, nil
}

// Newest requests the newest release and reports whether it is newer than this program. Errors name the host, and not the URL,
// which may contain a password or a token.
func (s *Source) Newest(ctx context.Context) (newest Release, newer bool, err error) {
	own := canonical(s.own)
	if own == "" {
		return Release{}, false, fmt.Errorf("this build has no version to compare (%q)", s.own)
	}
	if newest, err = s.request(ctx); err != nil {
		return Release{}, false, fmt.Errorf("ask %s for the newest version: %w", s.host, err)
	}
	return newest, semver.Compare(canonical(newest.Version), own) > 0, nil
}

func (s *Source) request(ctx context.Context) (Release, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return Release{}, withoutURL(err)
	}
	req.Header.Set("User-Agent", "Ausguck/"+s.own)
	req.Header.Set("Accept", "application/json, text/plain;q=0.9")
	resp, err := s.client.Do(req)
	if err != nil {
		return Release{}, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Release{}, fmt.Errorf("the response is %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return Release{}, fmt.Errorf("read the response: %w", withoutURL(err))
	}
	if len(body) > maxBody {
		return Release{}, fmt.Errorf("the response is larger than %d bytes", maxBody)
	}
	return parse(string(body))
}

// withoutURL returns the cause of an error of net/http, whose message contains the URL.
func withoutURL(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// parse reads a response.
func parse(body string) (Release, error) {
	body = strings.TrimSpace(body)
	if !strings.HasPrefix(body, "{") {
		return release(body, "the response")
	}
	var answer struct {
		Tag       string `json:"tag_name"`
		Page      string `json:"html_url"`
		Published string `json:"published_at"`
		// GitLab's names.
		Links struct {
			Self string `json:"self"`
		} `json:"_links"`
		Released string `json:"released_at"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return Release{}, fmt.Errorf("the response is not valid JSON: %w", err)
	}
	r, err := release(answer.Tag, "tag_name")
	if err != nil {
		return Release{}, err
	}
	for _, page := range []string{answer.Page, answer.Links.Self} {
		if u, err := url.Parse(page); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && r.URL == "" {
			r.URL = u.String()
		}
	}
	for _, published := range []string{answer.Published, answer.Released} {
		if at, err := time.Parse(time.RFC3339, published); err == nil && r.Published.IsZero() {
			r.Published = at.UTC()
		}
	}
	return r, nil
}

func release(version, where string) (Release, error) {
	if canonical(version) == "" {
		return Release{}, fmt.Errorf("%s is not a version such as 1.2.3: %.*q", where, maxVersion, version)
	}
	return Release{Version: strings.TrimPrefix(version, "v")}, nil
}

// canonical returns a version in the form that semver compares, or "" if it is not a semantic version with three numbers.
func canonical(version string) string {
	v := "v" + strings.TrimPrefix(version, "v")
	if len(v) > maxVersion || !semver.IsValid(v) || strings.Count(strings.TrimSuffix(v, semver.Prerelease(v)+semver.Build(v)), ".") != 2 {
		return ""
	}
	return v
}
