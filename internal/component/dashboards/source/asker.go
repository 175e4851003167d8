package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// asker sends requests to data sources.
type asker struct {
	o       Options
	metrics *metrics
	clients clientCache
}

// client returns the client of a data source with its current settings and those of the caller's cookies that it keeps.
func (a *asker) client(d *Datasource, caller *http.Request) (*sourceClient, error) {
	client, err := a.clients.get(a.o, d)
	if err != nil || len(client.keepCookies) == 0 {
		return client, err
	}
	own := *client
	for _, cookie := range caller.Cookies() {
		if slices.Contains(client.keepCookies, cookie.Name) {
			own.cookies = append(own.cookies, cookie)
		}
	}
	return &own, nil
}

// caller returns a function that sends API calls to a data source.
func (a *asker) caller(client *sourceClient) func(ctx context.Context, path string, form url.Values) (*http.Response, error) {
	method := http.MethodPost
	if client.source.Type == typeLoki {
		method = http.MethodGet
	}
	return func(ctx context.Context, path string, form url.Values) (*http.Response, error) {
		return a.call(ctx, client, method, path, form)
	}
}

func (a *asker) call(ctx context.Context, client *sourceClient, method, path string, form url.Values) (*http.Response, error) {
	d := client.source
	target, err := url.Parse(d.URL)
	if err != nil || target.Host == "" {
		return nil, fmt.Errorf("datasource %q has no URL that can be queried", d.Name)
	}
	target = join(target, path, path)
	var body io.Reader
	if method == http.MethodGet {
		target.RawQuery = form.Encode()
	} else {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("ask datasource %q: %w", d.Name, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	started := time.Now()
	res, err := client.RoundTrip(req)
	if err != nil {
		a.metrics.asked(d, 0, time.Since(started))
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, err
		}
		return nil, errors.New(unreachable(d, err))
	}
	a.metrics.asked(d, res.StatusCode, time.Since(started))
	return res, nil
}

// unreachable describes why a data source does not respond, without revealing secrets.
func unreachable(d *Datasource, err error) string {
	reason := err.Error()
	var dial *url.Error
	if errors.As(err, &dial) {
		reason = dial.Err.Error()
	}
	return "Datasource " + d.Name + " at " + redactURL(d.URL) + " does not answer: " + reason
}
