package e2e

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// reportedModules are modules in the forms that users have put into issues of blackbox_exporter, whose numbers are in their names.
const reportedModules = `
  i13_irc: {prober: tcp, tcp: {preferred_ip_protocol: ip4, query_response: [{send: "NICK prober"}, {send: "USER prober prober prober :prober"}, {expect: "PING :([^ ]+)", send: "PONG ${1}"}, {expect: "^:[^ ]+ 001"}]}}
  i1402_redis: {prober: tcp, timeout: 2s, tcp: {preferred_ip_protocol: ip4, query_response: [{send: "PING\r"}, {expect: "^\\+PONG"}]}}
  i1441_postgresql: {prober: tcp, tcp: {preferred_ip_protocol: ip4, tls_config: {ca_file: ca.pem}, query_response: [{send: !!binary AAAACATSFi8=}, {expect_bytes: S}, {starttls: true}]}}
  i1527_smtp_starttls:
    prober: tcp
    timeout: 2s
    tcp:
      preferred_ip_protocol: ip4
      tls_config: {insecure_skip_verify: true}
      query_response:
        - expect: "^220 "
        - send: "EHLO test.example.org\r"
        - expect: "^250-STARTTLS"
        - expect: "^250 "
        - send: "STARTTLS\r"
        - expect: "^220"
        - starttls: true
        - send: "EHLO test.example.org\r"
        - expect: "^250 "
        - send: "MAIL FROM:<test-addr@test.example.org>\r"
        - expect: "^250 "
        - send: "QUIT\r"
  i1074_rabbitmq_insecure: {prober: tcp, timeout: 30s, tcp: {preferred_ip_protocol: ip4, tls: true, tls_config: {insecure_skip_verify: true}, query_response: [{send: "HELO\r"}, {send: "\r"}, {send: "\r"}, {send: "\r"}, {expect: AMQP}]}}
  i803_version_bind: {prober: dns, dns: {preferred_ip_protocol: ip4, query_name: version.bind, query_type: TXT, query_class: CH, validate_answer_rrs: {fail_if_none_matches_regexp: [".*"]}}}
  i616_answers: {prober: dns, timeout: 5s, dns: {preferred_ip_protocol: ip4, ip_protocol_fallback: true, query_name: example.org, query_type: A, valid_rcodes: [NOERROR], validate_answer_rrs: {fail_if_not_matches_regexp: [".*broker.*"]}}}
  i950_missing_header: {prober: http, http: {preferred_ip_protocol: ip4, method: GET, valid_status_codes: [200, 302, 303], fail_if_header_matches: [{header: X_Language, regexp: '.*ru\-RU.*', allow_missing: true}], tls_config: {insecure_skip_verify: true}}}
  i427_json_text:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      valid_http_versions: ["HTTP/1.1", "HTTP/2"]
      valid_status_codes: [] # Defaults to 2xx
      method: GET
      headers: {Content-Type: application/json}
      body: '{}'
      fail_if_body_not_matches_regexp: ['\"foo|status\"\:\s?\"bar|SUCCESS|ok\"']
  i470_codes: {prober: http, http: {preferred_ip_protocol: ip4, valid_status_codes: [100, 200, 206, 301, 302, 400, 401, 403, 404, 500], no_follow_redirects: true}}
  i1158_proxy: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4, proxy_url: "http://PROXY", skip_resolve_phase_with_proxy: true, valid_status_codes: [200, 204], tls_config: {insecure_skip_verify: true}}}
`

// connected is what a dialogue replies to first.
const connected = "(connected)"

// dialogue is a server of a line-based protocol. reply returns the response to a line or to connected, and whether TLS begins after it.
func dialogue(t *testing.T, config *tls.Config, reply func(line string) (text string, upgrade bool)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	serve := func(c net.Conn) {
		defer func() { _ = c.Close() }()
		text, upgrade := reply(connected)
		for {
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			if upgrade {
				c = tls.Server(c, config)
			}
			line, err := bufio.NewReaderSize(oneByte{c}, 16).ReadString('\n')
			if err != nil {
				return
			}
			text, upgrade = reply(strings.TrimRight(line, "\r\n"))
		}
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return listener.Addr().String()
}

// oneByte reads byte by byte, so that nothing of a TLS handshake is read as text.
type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:1]) }

// reported returns the modules, and a module and a target for each case.
func (w probeWorld) reported(t *testing.T, cert tls.Certificate) (modules string, cases [][2]string) {
	t.Helper()
	secure := &tls.Config{Certificates: []tls.Certificate{cert}}
	irc := dialogue(t, nil, func(line string) (string, bool) {
		switch {
		case strings.HasPrefix(line, "USER "):
			return "PING :4711\r\n", false
		case line == "PONG 4711":
			return ":irc.example 001 prober :Welcome\r\n", false
		}
		return "", false
	})
	redis := dialogue(t, nil, func(line string) (string, bool) {
		return map[string]string{"PING": "+PONG\r\n"}[line], false
	})
	postgresql := dialogue(t, secure, func(line string) (string, bool) {
		if line == "\x00\x00\x00\x08\x04\xd2\x16\x2f" {
			return "S", true
		}
		return "", false
	})
	smtp := dialogue(t, secure, func(line string) (string, bool) {
		command, _, _ := strings.Cut(line, " ")
		return map[string]string{
			connected: "220 mail.example ESMTP\r\n", "EHLO": "250-mail.example\r\n250-STARTTLS\r\n250 SIZE\r\n", "STARTTLS": "220 go ahead\r\n", "MAIL": "250 fine\r\n",
		}[command], command == "STARTTLS"
	})
	rabbitmq := dialogue(t, secure, func(line string) (string, bool) {
		return map[string]string{"HELO": "AMQP\x00\x00\x09\x01\n"}[line], line == connected
	})
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.Header.Set("Via", "1.1 proxy") }})
	t.Cleanup(proxy.Close)
	for _, c := range [][]string{
		{"i13_irc", irc},
		{"i1402_redis", redis, smtp},
		{"i1441_postgresql", postgresql, smtp},
		{"i1527_smtp_starttls", smtp, w.closed},
		{"i1074_rabbitmq_insecure", rabbitmq},
		{"i803_version_bind", w.dns, w.closed},
		{"i616_answers", w.dns},
		{"i950_missing_header", w.http, w.https, w.http + "/missing"},
		{"i427_json_text", w.http + "/json", w.http},
		{"i470_codes", w.http + "/redirect", w.http + "/missing", w.http + "/error", w.closed},
		{"i1158_proxy", w.http, w.http + "/missing", "http://none.invalid/"},
	} {
		for _, target := range c[1:] {
			cases = append(cases, [2]string{c[0], target})
		}
	}
	return strings.ReplaceAll(reportedModules, "PROXY", strings.TrimPrefix(proxy.URL, "http://")), cases
}
