package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/bounds/boundstest"
)

// hostileTime is how long the attack lasts.
const hostileTime = time.Minute

// attackConfig scrapes and evaluates every five seconds, so that anything missed shows.
const attackConfig = `
global: {scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 5s}
rule_files: [attack.rules.yml]
scrape_configs: [{job_name: prometheus, static_configs: [{targets: ["prometheus:9090"]}]}]
`

// 512 clients send half a request, do not read their responses, or send what would take down a decoder or parser: a
// well-behaved client notices nothing, nothing is missed, and memory stays below its limit.
func TestHostileConnections(t *testing.T) {
	const host, limit = "127.0.34.1", 512 << 20
	config := configDir(t, map[string]string{
		"prometheus.yml": attackConfig, "attack.rules.yml": "groups: [{name: attack, rules: [{record: attack:up, expr: sum(up)}]}]",
	})
	s := launchAtWith(t, []string{fmt.Sprintf("GOMEMLIMIT=%d", limit)}, host+":3000", append([]string{
		"--config.dir=" + config, "--storage.path=" + t.TempDir(), "--web.listen-address=" + host + ":3000",
		"--web.enable-remote-write-receiver", "--web.enable-otlp-receiver",
	}, metricsOnly...)...)
	s.waitReady(t, readyTimeout)
	s.writeManySeries(t, 20_000, time.Now()) // a response that fills the buffers of a socket
	quiet := s.behaved(t, host, 5*time.Second)

	ctx, cancel := context.WithTimeout(t.Context(), hostileTime)
	defer cancel()
	attack := newAttack(host)
	attacked := attack.run(ctx)
	begin := time.Now()
	var most atomic.Int64
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for ctx.Err() == nil {
			most.Store(max(most.Load(), int64(s.memory(t, "RssAnon"))))
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	busy := s.behaved(t, host, hostileTime-2*time.Second)
	end := time.Now()
	cancel()
	attacked.Wait()
	<-watched

	t.Attr("figure", fmt.Sprintf("%d hostile connections, %d requests of theirs: p95 of a well-behaved client %s (quiet %s), slowest %s; anonymous memory %d of %d MB",
		attack.opened.Load(), attack.sent.Load(), busy.p95, quiet.p95, busy.slowest, most.Load()>>20, limit>>20))
	require.Empty(t, busy.failed, "of %d requests", busy.asked)
	require.Greater(t, attack.opened.Load(), int64(512))
	require.Less(t, busy.p95, max(time.Second, 20*quiet.p95))
	require.Less(t, most.Load(), int64(limit))

	// Every scrape and evaluation during that time has stored its sample.
	window := end.Sub(begin).Truncate(time.Second)
	for _, series := range []string{`up{job="prometheus"}`, `attack:up`} {
		count := s.value(t, fmt.Sprintf("count_over_time(%s[%s] @ %d)", series, window, end.Unix()))
		require.GreaterOrEqual(t, count, window.Seconds()/5-1, series)
	}
	require.Zero(t, s.value(t, `sum(prometheus_rule_group_iterations_missed_total) or vector(0)`))
	require.Equal(t, 1.0, s.value(t, fmt.Sprintf("min(min_over_time(up[%s] @ %d))", window, end.Unix())))
	s.stop(t)
}

// behaviour is what a well-behaved client has observed.
type behaviour struct {
	asked        int
	failed       []string
	p95, slowest time.Duration
}

// behaved sends a request now and then, each over a new connection, as users, dashboards and health checks do.
func (s *server) behaved(t *testing.T, host string, lasting time.Duration) (b behaviour) {
	t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var took []time.Duration
	addresses := []string{s.url + "/api/v1/query?query=up", "http://" + host + ":3000/-/ready", "http://" + host + ":9090/-/healthy", s.url + "/api/search"}
	for end := time.Now().Add(lasting); time.Now().Before(end); {
		address := addresses[b.asked%len(addresses)]
		b.asked++
		begin := time.Now()
		response, err := client.Get(address)
		if err == nil {
			_, err = readAll(response.Body)
			if err == nil && response.StatusCode != http.StatusOK {
				err = fmt.Errorf("%d", response.StatusCode)
			}
		}
		took = append(took, time.Since(begin))
		if err != nil {
			b.failed = append(b.failed, fmt.Sprintf("%s after %s: %v", address, time.Since(begin), err))
		}
		time.Sleep(20 * time.Millisecond)
	}
	slices.Sort(took)
	b.p95, b.slowest = took[len(took)*95/100].Round(100*time.Microsecond), took[len(took)-1].Round(time.Millisecond)
	return b
}

// attack is what hostile clients do.
type attack struct {
	host         string
	opened, sent atomic.Int64
	bombs        [][]byte
}

func newAttack(host string) *attack {
	a := &attack{host: host}
	form := func(path, field, query string) []byte {
		body := url.Values{field: {query}}.Encode()
		return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
	}
	for _, query := range []string{strings.Repeat("ln(", 1_000_000), strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000), strings.Repeat("-", 100_000) + "1"} {
		a.bombs = append(a.bombs, form("/api/v1/query", "query", query), form("/api/v1/series", "match[]", query), form("/loki/api/v1/query", "query", query))
	}
	for path, otlp := range map[string][]byte{"/otlp/v1/logs": boundstest.NestedLogs(2_000_000), "/api/v1/otlp/v1/metrics": boundstest.NestedMetrics(2_000_000)} {
		a.bombs = append(a.bombs, append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n", path, len(otlp)), otlp...))
	}
	return a
}

// run keeps 512 connections open until ctx ends; closed ones are reopened, each at most ten times a second.
func (a *attack) run(ctx context.Context) *sync.WaitGroup {
	var clients sync.WaitGroup
	for i := range 512 {
		clients.Go(func() {
			for ctx.Err() == nil {
				a.connect(ctx, i)
				select {
				case <-ctx.Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
	return &clients
}

func (a *attack) connect(ctx context.Context, i int) {
	port := []string{"3000", "9090", "3100", "9093"}[i/4%4]
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", a.host+":"+port)
	if err != nil {
		return
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	a.opened.Add(1)
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	switch i % 4 {
	case 0:
		a.slowly(ctx, c, "GET /api/v1/query?query=up HTTP/1.1\r\nHost: localhost\r\nX-Padding: ")
	case 1:
		a.slowly(ctx, c, "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\nquery=")
	case 2:
		_, _ = io.WriteString(c, "GET "+[]string{"/api/v1/query?query=many_series", "/metrics"}[i/16%2]+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
		a.sent.Add(1)
		<-ctx.Done() // and does not read
	case 3:
		_, _ = io.Copy(c, bytes.NewReader(a.bombs[rand.IntN(len(a.bombs))])) //nolint:gosec // which of them does not matter
		a.sent.Add(1)
		_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<10))
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second): // they are millions of bytes each, and the attacker runs on this machine, too
		}
	}
}

// slowly sends the beginning of a request and then one byte now and then.
func (a *attack) slowly(ctx context.Context, c net.Conn, begin string) {
	_, err := io.WriteString(c, begin)
	a.sent.Add(1)
	for err == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
		_, err = c.Write([]byte("x"))
	}
}
