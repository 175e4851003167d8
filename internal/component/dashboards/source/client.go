package source

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ausguck/ausguck/internal/inproc"
)

var errSourceTimeout = errors.New("it took longer than the timeout of the data source")

// sourceClient sends requests to one data source with its credentials and the settings that apply to every request.
type sourceClient struct {
	source    *Datasource
	transport http.RoundTripper
	// inside calls a part of this process; nil means an external server.
	inside   func(host string) http.Handler
	header   http.Header
	user     string
	password string
	basic    bool
	timeout  time.Duration // per request
	params   url.Values    // customQueryParameters
	// queryTimeout is the timeout parameter sent with PromQL queries.
	queryTimeout string
	getOnly      bool // httpMethod: GET
	// seriesLimit limits how many series, labels and values the server lists, 0 for no limit.
	seriesLimit int64
	keepCookies []string       // names of the caller's cookies that are forwarded
	cookies     []*http.Cookie // the caller's cookies
}

var _ http.RoundTripper = (*sourceClient)(nil)

// RoundTrip sends r according to the settings of the data source. Forms are sent by GET if this is configured or if the
// server does not support POST.
func (c *sourceClient) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	c.authorize(r)
	params := r.URL.Query()
	own := maps.Clone(c.params)
	if c.queryTimeout != "" && evaluates.MatchString(r.URL.Path) {
		own.Set("timeout", c.queryTimeout)
	}
	isForm := r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if c.bounds(r) {
		own.Set("limit", c.limit(cmp.Or(own.Get("limit"), params.Get("limit"))))
	}
	if len(own) > 0 {
		maps.Copy(params, own)
		r.URL.RawQuery = params.Encode()
	}
	if !isForm {
		return c.send(r)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read the query: %w", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("read the query: %w", err)
	}
	if form.Has("limit") && c.bounds(r) { // it would take precedence over the one in the URL
		form.Set("limit", c.limit(form.Get("limit")))
		params.Set("limit", form.Get("limit"))
		body = []byte(form.Encode())
	}
	if !c.getOnly {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		res, err := c.send(r)
		if err != nil || res.StatusCode != http.StatusMethodNotAllowed {
			return res, err
		}
		_ = res.Body.Close()
	}
	maps.Copy(form, params)
	get := r.Clone(r.Context())
	get.Method, get.Body, get.ContentLength = http.MethodGet, nil, 0
	get.Header.Del("Content-Type")
	get.Header.Del("Content-Length")
	get.URL.RawQuery = form.Encode()
	return c.send(get)
}

// send calls the part of this process that the request is for, or uses the network. A WebSocket needs a connection.
func (c *sourceClient) send(r *http.Request) (*http.Response, error) {
	if c.inside != nil && r.URL.Scheme == "http" && r.Header.Get("Upgrade") == "" {
		if h := c.inside(r.URL.Host); h != nil {
			return inproc.Call(h, r)
		}
	}
	return c.transport.RoundTrip(r)
}

// evaluates matches the paths for which Prometheus accepts a timeout.
var evaluates = regexp.MustCompile(`/api/v1/query(_range)?$`)

// lists matches the paths for which Prometheus accepts a limit.
var lists = regexp.MustCompile(`/api/v1/(series|labels|label/.+/values)$`)

func (c *sourceClient) bounds(r *http.Request) bool {
	return c.seriesLimit > 0 && lists.MatchString(r.URL.Path)
}

// limit returns the requested limit, capped at the configured one.
func (c *sourceClient) limit(asked string) string {
	if n, err := strconv.ParseInt(asked, 10, 64); err == nil && n > 0 && n < c.seriesLimit {
		return asked
	}
	return strconv.FormatInt(c.seriesLimit, 10)
}

// clientCache caches the clients of data sources, including their idle connections.
type clientCache struct {
	mtx     sync.Mutex
	clients map[string]*sourceClient
}

func (c *clientCache) get(o Options, d *Datasource) (*sourceClient, error) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	if client := c.clients[d.UID]; client != nil {
		return client, nil
	}
	client, err := newSourceClient(o, d)
	if err != nil {
		return nil, err
	}
	if c.clients == nil {
		c.clients = map[string]*sourceClient{}
	}
	c.clients[d.UID] = client
	return client, nil
}

// forget makes the next request use the current settings.
func (c *clientCache) forget() {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	for _, client := range c.clients {
		if t, ok := client.transport.(*http.Transport); ok {
			t.CloseIdleConnections()
		}
	}
	c.clients = nil
}

func newSourceClient(o Options, d *Datasource) (*sourceClient, error) {
	c := &sourceClient{source: d, timeout: o.QueryTimeout, transport: o.Transport, inside: o.Inside, header: http.Header{}, getOnly: strings.EqualFold(d.text("httpMethod"), http.MethodGet)}
	var err error
	if c.params, err = url.ParseQuery(strings.TrimPrefix(d.text("customQueryParameters"), "?")); err != nil {
		return nil, fmt.Errorf("jsonData.customQueryParameters: %w", err)
	}
	if d.Type == typePrometheus {
		c.queryTimeout = d.text("queryTimeout")
		c.seriesLimit, _ = strconv.ParseInt(d.text("seriesLimit"), 10, 64)
	}
	names, _ := d.JSONData["keepCookies"].([]any)
	for _, name := range names {
		if name, ok := name.(string); ok && !slices.Contains(o.OwnCookies, name) {
			c.keepCookies = append(c.keepCookies, name)
		}
	}
	if d.BasicAuth {
		c.basic, c.user, c.password = true, d.BasicAuthUser, d.SecureJSONData["basicAuthPassword"]
	}
	for key, value := range d.JSONData {
		number, ok := strings.CutPrefix(key, "httpHeaderName")
		name, isText := value.(string)
		if !ok || !isText || name == "" {
			continue
		}
		if secret := d.SecureJSONData["httpHeaderValue"+number]; secret != "" {
			c.header.Set(name, secret)
		}
	}
	if seconds, err := strconv.ParseFloat(fmt.Sprint(d.JSONData["timeout"]), 64); err == nil && seconds > 0 && seconds < 3600 {
		c.timeout = time.Duration(seconds * float64(time.Second))
	}
	config, err := tlsConfig(d)
	if err != nil {
		return nil, err
	}
	if config != nil {
		t := o.Transport.Clone()
		t.TLSClientConfig = config
		c.transport = t
	}
	return c, nil
}

// authorize adds the credentials of the data source to a request of this client.
func (c *sourceClient) authorize(r *http.Request) {
	if c.basic {
		r.SetBasicAuth(c.user, c.password)
	}
	for _, cookie := range c.cookies {
		r.AddCookie(cookie)
	}
	for name, values := range c.header {
		if strings.EqualFold(name, "Host") {
			r.Host = values[0]
			continue
		}
		r.Header[name] = values
	}
}

// tlsConfig returns the TLS settings of a data source, or nil if it has none of its own.
func tlsConfig(d *Datasource) (*tls.Config, error) {
	on := func(key string) bool { v, _ := d.JSONData[key].(bool); return v }
	if !on("tlsSkipVerify") && !on("tlsAuth") && !on("tlsAuthWithCACert") {
		return nil, nil
	}
	name, _ := d.JSONData["serverName"].(string)
	config := &tls.Config{ServerName: name, InsecureSkipVerify: on("tlsSkipVerify"), MinVersion: tls.VersionTLS12}
	if on("tlsAuthWithCACert") {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(d.SecureJSONData["tlsCACert"])) {
			return nil, errors.New("secureJsonData.tlsCACert contains no PEM certificate")
		}
	}
	if on("tlsAuth") {
		cert, err := tls.X509KeyPair([]byte(d.SecureJSONData["tlsClientCert"]), []byte(d.SecureJSONData["tlsClientKey"]))
		if err != nil {
			return nil, fmt.Errorf("secureJsonData.tlsClientCert and tlsClientKey: %w", err)
		}
		config.Certificates = []tls.Certificate{cert}
	}
	return config, nil
}

// text returns a setting of the data source that is a string or a number.
func (d *Datasource) text(key string) string {
	switch v := d.JSONData[key].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case int: // from a file
		return strconv.Itoa(v)
	case float64: // from the database
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
