package prober

import (
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/blackbox_exporter/config"
	upstream "github.com/prometheus/blackbox_exporter/prober"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"github.com/stretchr/testify/require"
)

// Each request gets the status and the metrics, and its debug output the log, that upstream's handler gives it.
func TestRespondsAsUpstream(t *testing.T) {
	address, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "down.example" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte("Host: " + r.Host))
	})
	host := address[len("http://"):]
	p, _ := newProber(t, "")
	s := *p.state.Load()
	s.modules = maps.Clone(s.modules)
	s.modules["with_host"] = config.Module{Prober: "http", Timeout: time.Second, HTTP: config.HTTPProbe{
		IPProtocol: "ip4", HTTPClientConfig: s.modules["http_2xx"].HTTP.HTTPClientConfig, Headers: map[string]string{"host": "set.example"},
	}}
	s.modules["none"] = config.Module{Prober: "telepathy"}
	p.state.Store(&s)
	level := promslog.NewLevel()
	require.NoError(t, level.Set("info"))
	for name, r := range map[string]struct {
		timeout string
		params  url.Values
	}{
		"success":               {"5", url.Values{"module": {"http_2xx"}, "target": {address}}},
		"default module":        {"", url.Values{"target": {address}}},
		"failure":               {"5", url.Values{"target": {address}, "hostname": {"down.example"}}},
		"nobody listens":        {"5", url.Values{"module": {"tcp_connect"}, "target": {"127.0.0.1:1"}}},
		"host name for TCP":     {"5", url.Values{"module": {"tcp_connect"}, "target": {host}, "hostname": {"a.example"}}},
		"the same host twice":   {"5", url.Values{"module": {"with_host"}, "target": {address}, "hostname": {"set.example"}}},
		"two hosts":             {"5", url.Values{"module": {"with_host"}, "target": {address}, "hostname": {"other.example"}}},
		"no target":             {"5", url.Values{"module": {"http_2xx"}}},
		"unknown module":        {"5", url.Values{"module": {"nope"}, "target": {address}}},
		"unknown prober":        {"5", url.Values{"module": {"none"}, "target": {address}}},
		"no time":               {"0.1", url.Values{"module": {"with_host"}, "target": {address}}},
		"a timeout of no kind":  {"soon", url.Values{"module": {"http_2xx"}, "target": {address}}},
		"timeout and no target": {"soon", url.Values{"module": {"http_2xx"}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, debug := range []string{"false", "true"} {
				r.params.Set("debug", debug)
				request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?"+r.params.Encode(), nil)
				if r.timeout != "" {
					request.Header.Set(scrapeTimeout, r.timeout)
				}
				theirs, ours := httptest.NewRecorder(), httptest.NewRecorder()
				upstream.Handler(theirs, request.Clone(t.Context()), &config.Config{Modules: s.modules}, slog.New(slog.DiscardHandler),
					&upstream.ResultHistory{MaxResults: 1}, 0.5, nil, prometheus.NewCounter(prometheus.CounterOpts{}), &promslog.Config{Level: level})
				p.ServeHTTP(ours, request)
				require.Equal(t, theirs.Code, ours.Code)
				require.Equal(t, comparable(theirs.Body.String()), comparable(ours.Body.String()))
			}
		})
	}
}

var (
	durations = regexp.MustCompile(`(?m)((?:duration_seconds|time_seconds)[^ \n]*[ =])\S+`)
	moments   = regexp.MustCompile(`(time|source)=\S+|local_address=\S+|127\.0\.0\.1:\d+->`)
	module    = regexp.MustCompile(`(?s)Module configuration:.*`)
)

// comparable returns a response without what differs from probe to probe, and without the module, which is redacted.
func comparable(text string) string {
	text = module.ReplaceAllString(text, "")
	return moments.ReplaceAllString(durations.ReplaceAllString(text, "${1}N"), "")
}

// A probe has as much time as its scrape and its module leave it, without the time that the lookup before it takes.
func TestTimeouts(t *testing.T) {
	p, _ := newProber(t, "", func(o *Options) { o.Refuse = nil })
	for _, c := range []struct {
		header string
		module time.Duration
		want   time.Duration
	}{
		{"", 0, 119500 * time.Millisecond},
		{"3", 0, 2500 * time.Millisecond},
		{"3", time.Second, time.Second},
		{"3", 5 * time.Second, 2500 * time.Millisecond},
		{"0.2", time.Second, time.Second},
	} {
		got, err := p.timeout(http.Header{scrapeTimeout: {c.header}}, config.Module{Timeout: c.module})
		require.NoError(t, err)
		require.Equal(t, c.want, got, c)
	}
	q := request{module: config.Module{Prober: "tcp"}, target: "localhost:1", timeout: time.Second}
	require.NoError(t, p.prepare(t.Context(), &q))
	require.Less(t, q.timeout, time.Second)
	q = request{module: config.Module{Prober: "tcp"}, target: netip.MustParseAddr("127.0.0.1").String() + ":1", timeout: time.Second}
	require.NoError(t, p.prepare(t.Context(), &q))
	require.Equal(t, time.Second, q.timeout, "no lookup")
}
