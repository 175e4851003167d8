package rdap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBootstrap limits the bootstrap file; that of IANA has about 100 KiB.
const maxBootstrap = 4 << 20

// File is a bootstrap file, with what the next request for it needs.
type File struct {
	Content            []byte
	ETag, LastModified string
	// MaxAge is how long the server allows to keep it; 0 if it does not say.
	MaxAge time.Duration
}

// Bootstrap fetches a bootstrap file. It returns old, which may be empty, if that is still current.
func (c *Client) Bootstrap(ctx context.Context, address string, old File) (File, error) {
	header := http.Header{"Accept": {"application/json"}}
	if old.ETag != "" {
		header.Set("If-None-Match", old.ETag)
	}
	if old.LastModified != "" {
		header.Set("If-Modified-Since", old.LastModified)
	}
	resp, body, err := c.get(ctx, address, maxBootstrap, header)
	if err != nil {
		return File{}, err
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && len(old.Content) > 0:
		old.MaxAge = maxAge(resp.Header)
		return old, nil
	case resp.StatusCode != http.StatusOK:
		return File{}, fmt.Errorf("the response is %s", resp.Status)
	}
	return File{body, resp.Header.Get("ETag"), resp.Header.Get("Last-Modified"), maxAge(resp.Header)}, nil
}

func maxAge(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); ok {
			if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
				return time.Duration(seconds) * time.Second
			}
		}
	}
	return 0
}

// Servers are the base URLs of RDAP servers, by the domain that they are for.
type Servers map[string]string

// ParseBootstrap parses the content of a bootstrap file for domain names.
func ParseBootstrap(content []byte) (Servers, error) {
	var file struct {
		// Services are pairs of domains and base URLs.
		Services [][][]string `json:"services"`
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("not a bootstrap file: %w", err)
	}
	servers := Servers{}
	for _, service := range file.Services {
		if len(service) != 2 {
			return nil, errors.New("not a bootstrap file for domain names: a service is not a pair of domains and URLs")
		}
		base := preferred(service[1])
		for _, domain := range service[0] {
			if base != "" {
				servers[strings.ToLower(domain)] = base
			}
		}
	}
	if len(servers) == 0 {
		return nil, errors.New("not a bootstrap file: it lists no server")
	}
	return servers, nil
}

// preferred returns the first URL of HTTPS, or of HTTP if there is none.
func preferred(urls []string) (base string) {
	for _, u := range urls {
		switch scheme, _, _ := strings.Cut(u, "://"); strings.ToLower(scheme) {
		case "https":
			return u
		case "http":
			if base == "" {
				base = u
			}
		}
	}
	return base
}

// NoServer is returned for a top-level domain whose registry has no RDAP server in the bootstrap file, as that of .de.
type NoServer struct{ TLD string }

func (e NoServer) Error() string {
	return fmt.Sprintf("the registry of .%s has no RDAP server", e.TLD)
}

// For returns the base URL for a domain: that of the longest matching entry.
func (s Servers) For(domain string) (base string, err error) {
	for rest := domain; ; {
		if base, ok := s[rest]; ok {
			return base, nil
		}
		_, after, ok := strings.Cut(rest, ".")
		if !ok {
			return "", NoServer{rest}
		}
		rest = after
	}
}
