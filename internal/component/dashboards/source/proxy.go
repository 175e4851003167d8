package source

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/inproc"
)

// proxyAPI forwards requests to data sources.
type proxyAPI struct{ *Sources }

// whole serves /api/datasources/proxy/….
func (s proxyAPI) whole(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	return s.proxy(w, r, c, func(below string) string { return below })
}

// resource serves /api/datasources/uid/…/resources/…. The resource calls of Grafana's Prometheus plugin are API paths,
// those of its Loki plugin are relative to /loki/api/v1.
func (s proxyAPI) resource(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	return s.proxy(w, r, c, func(below string) string {
		if d, err := s.named(r); err == nil && d.Type == typeLoki && !strings.HasPrefix(below, "loki/") {
			return "loki/api/v1/" + below
		}
		return below
	})
}

func (s proxyAPI) proxy(w http.ResponseWriter, r *http.Request, c grafana.Caller, place func(string) string) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	below := place(escapedTail(r))
	plain, err := url.PathUnescape(below)
	if err != nil || grafana.HasDotSegment(plain) || strings.ContainsAny(plain, "\r\n\x00") {
		return grafana.Fail(http.StatusBadRequest, "This path cannot be requested")
	}
	if !allowProxy(d.Type, c.Role, r.Method, below) {
		return grafana.Denied("datasources:write")
	}
	target, err := url.Parse(d.URL)
	if err != nil || target.Host == "" {
		return grafana.Fail(http.StatusBadRequest, "Datasource %q has no URL that can be queried", d.Name)
	}
	client, err := s.asker.client(d, r)
	if err != nil {
		return grafana.Fail(http.StatusBadGateway, "Datasource %q: %v", d.Name, err)
	}
	return s.forward(w, r, client, join(target, plain, below))
}

// escapedTail returns the {path...} of the pattern with the escaping of the request.
func escapedTail(r *http.Request) string {
	segments := strings.Count(r.Pattern[:strings.Index(r.Pattern, "{path...}")], "/")
	rest := r.URL.EscapedPath()
	for range segments {
		_, rest, _ = strings.Cut(rest, "/")
	}
	return rest
}

// join appends a path to the data source's URL and preserves its escaping.
func join(base *url.URL, plain, escaped string) *url.URL {
	u := *base
	u.Path, u.RawPath = strings.TrimRight(base.Path, "/")+"/"+plain, strings.TrimRight(base.EscapedPath(), "/")+"/"+escaped
	return &u
}

// droppedRequest are the caller's headers that must not reach a data source; droppedResponse are a data source's
// headers that would affect this origin.
var (
	droppedRequest = []string{
		"Cookie", "Authorization", "Proxy-Authorization", "Origin", "Referer", "X-Grafana-Org-Id", "X-Grafana-Device-Id", "X-Panel-Id", "X-Dashboard-Uid",
		"X-Datasource-Uid", "X-Plugin-Id", "X-Query-Group-Id", "X-Forwarded-User", "X-WEBAUTH-USER",
	}
	droppedResponse = []string{
		"Set-Cookie", "Set-Cookie2", "WWW-Authenticate", "Clear-Site-Data", "Strict-Transport-Security", "Service-Worker-Allowed", "Content-Security-Policy",
		"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods", "Access-Control-Expose-Headers",
		"Refresh", "Link", "Report-To", "Nel", "Alt-Svc",
	}
)

// forward sends the request to the data source and streams the response, including WebSockets (Loki's tail).
func (s proxyAPI) forward(w http.ResponseWriter, r *http.Request, client *sourceClient, target *url.URL) (failed error) {
	started := time.Now()
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	late := time.AfterFunc(client.timeout, func() { cancel(errSourceTimeout) })
	defer late.Stop()
	proxy := &httputil.ReverseProxy{
		Transport: client, FlushInterval: -1, ErrorLog: slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelDebug),
		Rewrite: func(p *httputil.ProxyRequest) {
			query := p.In.URL.RawQuery
			p.Out.URL = target
			p.Out.URL.RawQuery = query
			p.Out.Host = target.Host
			for _, h := range droppedRequest {
				p.Out.Header.Del(h)
			}
			p.SetXForwarded()
		},
		ModifyResponse: func(res *http.Response) error {
			late.Stop() // streams have no timeout
			s.asker.metrics.asked(client.source, res.StatusCode, time.Since(started))
			guardAnswer(res)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			code := http.StatusBadGateway
			if errors.Is(context.Cause(ctx), errSourceTimeout) {
				code, err = http.StatusGatewayTimeout, errSourceTimeout
			} else if ctx.Err() != nil {
				return // the client has disconnected
			}
			s.asker.metrics.asked(client.source, 0, time.Since(started))
			inproc.DiscardRest(r)
			failed = grafana.Fail(code, "%s", unreachable(client.source, err))
		},
	}
	// A data source may respond before it has read the whole query; see inproc/proxy.go.
	proxy.ServeHTTP(w, inproc.FullDuplex(w, r.WithContext(ctx)))
	return failed
}

// guardAnswer prevents a data source's response from acting as a page of this origin.
func guardAnswer(res *http.Response) {
	if res.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	for _, h := range droppedResponse {
		res.Header.Del(h)
	}
	res.Header.Set("Content-Security-Policy", "sandbox")
	res.Header.Set("X-Content-Type-Options", "nosniff")
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		res.Header.Del("Location") // it would direct the browser past the proxy
	}
	if res.StatusCode == http.StatusUnauthorized {
		// The frontend would interpret a 401 as the end of its own session.
		res.StatusCode, res.Status = http.StatusBadGateway, ""
		res.Header.Set("X-Datasource-Status", "401")
	}
}
