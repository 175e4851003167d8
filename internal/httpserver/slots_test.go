package httpserver_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/httpserver"
)

// crowded is a server with few slots: a main address, and a well-known port that requires no credentials.
type crowded struct {
	main, port httpserver.Address
	reg        *prometheus.Registry
	// entered receives a value when /hold is requested, which responds once release is closed.
	entered, release chan struct{}
}

func newCrowded(t *testing.T, connections int) *crowded {
	t.Helper()
	c := &crowded{reg: prometheus.NewRegistry(), entered: make(chan struct{}, 100), release: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "fine") })
	mux.HandleFunc("/hold", func(w http.ResponseWriter, _ *http.Request) {
		c.entered <- struct{}{}
		<-c.release
		io.WriteString(w, "held")
	})
	mux.HandleFunc("/much", func(w http.ResponseWriter, _ *http.Request) {
		c.entered <- struct{}{}
		_, _ = io.Copy(w, io.LimitReader(zeros{}, 1<<30))
	})
	mux.HandleFunc("/body", func(_ http.ResponseWriter, r *http.Request) {
		httpserver.Authenticated(r)
		c.entered <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body)
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "who are you?", http.StatusUnauthorized) })
	s, err := httpserver.New(httpserver.Options{Logger: slog.New(slog.DiscardHandler), MaxConnections: connections, Registerer: c.reg, DrainTimeout: 50 * time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, s.Listen(httpserver.Main, "127.0.0.1:0", mux))
	require.NoError(t, s.ListenWellKnown("prometheus", "127.0.0.1:0", mux, mux))
	serve(t, s)
	t.Cleanup(func() { c.let() })
	c.main, c.port = s.Addresses()[0], s.Addresses()[1]
	return c
}

func (c *crowded) let() {
	select {
	case <-c.release:
	default:
		close(c.release)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// dial opens n connections; each sends the text and then neither writes nor reads.
func dial(t *testing.T, n int, to httpserver.Address, text string) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, 0, n)
	for range n {
		c, err := net.Dial("tcp", to.Addr)
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		_, err = io.WriteString(c, text)
		require.NoError(t, err)
		conns = append(conns, c)
	}
	return conns
}

// ask sends one request on a new connection and returns the status and the time that the response took.
func ask(t *testing.T, url string) (int, time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	begin := time.Now()
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, time.Since(begin)
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	return res.StatusCode, time.Since(begin)
}

func (c *crowded) closed(t *testing.T, reason string) float64 {
	t.Helper()
	families, err := c.reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "ausguck_http_connections_closed_total" && m.GetLabel()[0].GetValue() == reason {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// A client that keeps the server waiting, at any point, does not delay others.
func TestSlowClientsGiveWay(t *testing.T) {
	for reason, text := range map[string]string{
		"slow_header": "GET / HTTP/1.1\r\nHost: x\r\nX-A",
		"slow_body":   "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nhalf",
		"slow_reader": "GET /much HTTP/1.1\r\nHost: x\r\n\r\n",
		"idle":        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		// The handler has responded, and net/http waits for the rest of the body.
		"slow_body after the answer": "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
	} {
		t.Run(reason, func(t *testing.T) {
			c := newCrowded(t, 8)
			dial(t, 16, c.main, text)
			kind, _, _ := strings.Cut(reason, " ")
			require.Eventually(t, func() bool {
				status, _ := ask(t, c.main.URL())
				return status == http.StatusOK && c.closed(t, kind) > 0
			}, 20*time.Second, 50*time.Millisecond)
			// Connections whose buffers are still filling up are not late yet.
			inRow := 0
			require.Eventually(t, func() bool {
				status, took := ask(t, c.port.URL())
				if inRow++; status != http.StatusOK || took > time.Second {
					inRow = 0
				}
				return inRow == 20
			}, 30*time.Second, 20*time.Millisecond)
		})
	}
}

// A request that is being served keeps its slot, whatever else arrives; health checks and this machine's own requests to the main
// address are still served.
func TestServedRequestsKeepTheirSlots(t *testing.T) {
	c := newCrowded(t, 8)
	held := make(chan int, 20)
	hold := func(n int, a httpserver.Address) {
		for range n {
			go func() {
				status, _ := ask(t, a.URL()+"/hold")
				held <- status
			}()
		}
		for range n {
			<-c.entered
		}
	}
	hold(6, c.port) // three quarters
	status, _ := ask(t, c.port.URL())
	require.Equal(t, http.StatusServiceUnavailable, status, "the well-known ports leave slots to the main address")
	status, _ = ask(t, c.port.URL()+"/-/healthy")
	require.Equal(t, http.StatusOK, status)
	hold(2, c.main)
	status, _ = ask(t, c.main.URL())
	require.Equal(t, http.StatusOK, status, "from this machine")
	hold(10, c.main)
	require.Eventually(t, func() bool { // connections of completed requests release their slots in the background
		status, _ = ask(t, c.port.URL()+"/-/ready")
		return status == http.StatusOK
	}, 5*time.Second, 20*time.Millisecond)
	c.let()
	for range 18 {
		require.Equal(t, http.StatusOK, <-held)
	}
	require.Zero(t, c.closed(t, "slow_reader"))
}

func TestNoMoreThanTheExtraSlots(t *testing.T) {
	c := newCrowded(t, 4)
	for range 4 + 16 {
		go func() { ask(t, c.main.URL()+"/hold") }()
		<-c.entered
	}
	status, took := ask(t, c.main.URL())
	require.Zero(t, status, "closed")
	require.Less(t, took, 10*time.Second, "and not left waiting")
	require.Equal(t, 1.0, c.closed(t, "refused"))
}

func TestSlotsAreGivenBack(t *testing.T) {
	c := newCrowded(t, 4)
	for range 200 {
		status, _ := ask(t, c.port.URL())
		require.Equal(t, http.StatusOK, status)
	}
	for _, conn := range dial(t, 4, c.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") {
		conn.Close()
	}
	require.Eventually(t, func() bool {
		return testutil.ToFloat64(connections(c.reg)) == 0
	}, 5*time.Second, 10*time.Millisecond)
	require.Zero(t, c.closed(t, "refused"))
}

// connections returns the number of open connections of all listeners.
func connections(g prometheus.Gatherer) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sum"}, func() float64 {
		sum := 0.0
		families, _ := g.Gather()
		for _, f := range families {
			if f.GetName() == "ausguck_http_connections" {
				for _, m := range f.GetMetric() {
					sum += m.GetGauge().GetValue()
				}
			}
		}
		return sum
	})
}

func TestTrustedProxies(t *testing.T) {
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "%s %q %q %v", host, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), httpserver.FromThisMachine(r))
	})
	for name, tt := range map[string]struct {
		trusted string
		header  []string
		want    string
	}{
		"nobody":                     {"", nil, `127.0.0.1 "" "" true`},
		"not named":                  {"", []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"}, `127.0.0.1 "" "" false`},
		"another one named":          {"10.0.0.0/8", []string{"X-Forwarded-For", "192.0.2.1"}, `127.0.0.1 "" "" false`},
		"named":                      {"127.0.0.1", []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"}, `192.0.2.1 "192.0.2.1" "https" false`},
		"named, client lies":         {"127.0.0.1", []string{"X-Forwarded-For", "10.0.0.1, 192.0.2.1"}, `192.0.2.1 "10.0.0.1, 192.0.2.1" "" false`},
		"two proxies":                {"127.0.0.0/8 10.0.0.0/8", []string{"X-Forwarded-For", "192.0.2.1, 10.0.0.1"}, `192.0.2.1 "192.0.2.1, 10.0.0.1" "" false`},
		"two lines":                  {"127.0.0.0/8,10.0.0.0/8", []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-For", "10.0.0.1"}, `192.0.2.1 "192.0.2.1" "" false`},
		"only proxies":               {"127.0.0.0/8,10.0.0.0/8", []string{"X-Forwarded-For", "10.0.0.2, 10.0.0.1"}, `10.0.0.2 "10.0.0.2, 10.0.0.1" "" false`},
		"no address":                 {"127.0.0.1", []string{"X-Forwarded-For", "unknown"}, `127.0.0.1 "unknown" "" false`},
		"IPv6":                       {"127.0.0.1", []string{"X-Forwarded-For", "2001:db8::1"}, `2001:db8::1 "2001:db8::1" "" false`},
		"IPv4 in IPv6":               {"127.0.0.1", []string{"X-Forwarded-For", "::ffff:192.0.2.1"}, `192.0.2.1 "::ffff:192.0.2.1" "" false`},
		"named, says only Forwarded": {"127.0.0.1", []string{"Forwarded", "for=192.0.2.1"}, `127.0.0.1 "" "" false`},
	} {
		t.Run(name, func(t *testing.T) {
			trusted, err := httpserver.ParseProxies(tt.trusted)
			require.NoError(t, err)
			url, _ := start(t, httpserver.Options{TrustedProxies: trusted}, who)
			req, err := http.NewRequest(http.MethodGet, url, nil)
			require.NoError(t, err)
			for i := 0; i < len(tt.header); i += 2 {
				req.Header.Add(tt.header[i], tt.header[i+1])
			}
			res, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(body))
		})
	}
	_, err := httpserver.ParseProxies("10.0.0.1, proxy.example")
	require.EqualError(t, err, `"proxy.example" is neither an IP address nor a network such as 10.0.0.0/8`)

	var log logBuffer
	url, _ := start(t, httpserver.Options{Logger: log.logger()}, who)
	for range 3 {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		require.NoError(t, err)
		req.Header.Set("X-Forwarded-For", "192.0.2.1")
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		res.Body.Close()
	}
	require.Equal(t, 1, strings.Count(log.String(), "add it to --web.trusted-proxies"))
}
