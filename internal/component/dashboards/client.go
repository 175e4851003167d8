package dashboards

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

var errSourceTimeout = errors.New("it took longer than the timeout of the datasource")

// sourceClient asks one datasource with its credentials.
type sourceClient struct {
	transport http.RoundTripper
	header    http.Header
	user      string
	password  string
	basic     bool
	timeout   time.Duration // of a query, 0 for the default
}

// clientCache keeps the clients of datasources, and with them their idle connections.
type clientCache struct {
	mtx     sync.Mutex
	clients map[string]*sourceClient
}

func (c *clientCache) get(base *http.Transport, d *Datasource) (*sourceClient, error) {
	c.mtx.Lock()
	defer c.mtx.Unlock()
	if client := c.clients[d.UID]; client != nil {
		return client, nil
	}
	client, err := newSourceClient(base, d)
	if err != nil {
		return nil, err
	}
	if c.clients == nil {
		c.clients = map[string]*sourceClient{}
	}
	c.clients[d.UID] = client
	return client, nil
}

// forget makes the next request use the settings that then hold.
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

func newSourceClient(base *http.Transport, d *Datasource) (*sourceClient, error) {
	c := &sourceClient{transport: base, header: http.Header{}}
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
		t := base.Clone()
		t.TLSClientConfig = config
		c.transport = t
	}
	return c, nil
}

// authorize adds the datasource's credentials.
func (c *sourceClient) authorize(r *http.Request) {
	if c.basic {
		r.SetBasicAuth(c.user, c.password)
	}
	for name, values := range c.header {
		if strings.EqualFold(name, "Host") {
			r.Host = values[0]
			continue
		}
		r.Header[name] = values
	}
}

// tlsConfig returns the TLS settings of a datasource, nil when it has none of its own.
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
			return nil, errors.New("secureJsonData.tlsCACert holds no certificate in PEM")
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

// text is a setting of the datasource that is a text.
func (d *Datasource) text(key string) string {
	switch v := d.JSONData[key].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
