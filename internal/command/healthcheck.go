package command

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/httpserver"
)

// Healthcheck checks whether the Ausguck that runs with the same options is ready, and returns its response; any status other
// than 200 is an error.
func Healthcheck(ctx context.Context, o app.Options) (string, error) {
	if err := o.Complete(); err != nil {
		return "", err
	}
	url, err := ownURL(o)
	if err != nil {
		return "", err
	}
	url += "/-/ready"

	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	res, err := ownClient().Do(req)
	if err != nil {
		return "", fmt.Errorf("request %s: %w", url, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil {
		return "", fmt.Errorf("read the response of %s: %w", url, err)
	}
	answer := strings.TrimSpace(string(body))
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s: %s", url, res.Status, answer)
	}
	return answer, nil
}

// ownURL returns the local URL of the Ausguck that runs with the same options.
func ownURL(o app.Options) (string, error) {
	host, port, err := net.SplitHostPort(o.Web.ListenAddress)
	if err != nil {
		return "", fmt.Errorf("--web.listen-address %q: %w", o.Web.ListenAddress, err)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	scheme, err := httpserver.Scheme(o.WebConfigFile())
	if err != nil {
		return "", err
	}
	return scheme + "://" + net.JoinHostPort(host, port), nil
}

// ownClient returns a client for that process. It does not verify the certificate, which is for the external host name.
func ownClient() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
}
