package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// counterTarget is a scrape target whose counter grows with each scrape.
func counterTarget(t *testing.T) (address string, scrapes *atomic.Int64) {
	t.Helper()
	scrapes = &atomic.Int64{}
	return serveTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE scraped_total counter\nscraped_total %d\n", scrapes.Add(1))
	}), scrapes
}

// serveTarget serves the handler as a scrape target in the text format and returns its address.
func serveTarget(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			handler(w, r)
		}),
		// The test's context ends before its cleanup, and with it a handler that never responds.
		BaseContext: func(net.Listener) context.Context { return t.Context() },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return listener.Addr().String()
}

// everySecond is a configuration that scrapes the target every second as job "counter".
func everySecond(address string) map[string]string {
	return map[string]string{"prometheus.yml": fmt.Sprintf(`
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: counter
    static_configs: [{targets: ['%s']}]
`, address)}
}

// writer sends one sample after another until the server is gone and records which were accepted.
type writer struct {
	accepted []time.Time
	done     chan struct{}
}

func (s *server) startWriter() *writer {
	w := &writer{done: make(chan struct{})}
	go func() {
		defer close(w.done)
		last := time.Time{}
		for {
			at := time.Now().Truncate(time.Millisecond)
			if !at.After(last) {
				at = last.Add(time.Millisecond)
			}
			last = at
			status, _, err := s.tryWrite(oneSample("accepted_value", at, float64(at.UnixMilli())))
			if err != nil || status != http.StatusNoContent {
				return
			}
			w.accepted = append(w.accepted, at)
		}
	}()
	return w
}

// missing returns the accepted samples that the server does not have.
func (w *writer) missing(t *testing.T, s *server) []time.Time {
	t.Helper()
	<-w.done
	require.NotEmpty(t, w.accepted)
	first, last := w.accepted[0], w.accepted[len(w.accepted)-1]
	var matrix struct {
		Result []struct {
			Values [][2]any `json:"values"`
		} `json:"result"`
	}
	window := last.Sub(first).Milliseconds() + 1
	s.data(t, "/api/v1/query", url.Values{
		"query": {fmt.Sprintf("accepted_value[%dms]", window)}, "time": {unixTime(last)},
	}, &matrix)
	present := map[int64]bool{}
	for _, series := range matrix.Result {
		for _, sample := range series.Values {
			seconds, ok := sample[0].(float64)
			require.True(t, ok)
			present[int64(seconds*1000+0.5)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(w.accepted), func(at time.Time) bool { return present[at.UnixMilli()] })
}

// Everything that was accepted before a kill -9, or before a normal stop, exists afterwards.
func TestNothingAcceptedIsLost(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, s *server){
		"killed":  func(_ *testing.T, s *server) { s.kill() },
		"stopped": func(t *testing.T, s *server) { s.stop(t) },
		"interrupted": func(t *testing.T, s *server) {
			s.signal(t, syscall.SIGINT)
			require.Zero(t, s.exitCode(t, stopTimeout))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, scrapes := counterTarget(t)
			config, storage := configDir(t, everySecond(address)), t.TempDir()
			flags := append([]string{"--web.enable-remote-write-receiver"}, metricsOnly...)

			s := startAusguck(t, config, storage, flags...)
			w := s.startWriter()
			s.waitScrapes(t, 3)
			scraped := s.value(t, "max_over_time(scraped_total[10m])")
			end(t, s)
			<-w.done
			t.Logf("%d samples were accepted", len(w.accepted))

			s = startAusguck(t, config, storage, flags...)
			require.Empty(t, w.missing(t, s), "accepted samples that are gone")
			require.GreaterOrEqual(t, s.value(t, "max_over_time(scraped_total[10m])"), scraped)
			require.GreaterOrEqual(t, float64(scrapes.Load()), scraped)
			s.waitScrapes(t, int(scraped)+1)
			s.stop(t)
		})
	}
}

// waitScrapes waits until the target's counter has the value.
func (s *server) waitScrapes(t *testing.T, count int) {
	t.Helper()
	eventually(t, 30*time.Second, func() error {
		got := s.value(t, "max_over_time(scraped_total[10m])")
		return errUnless(got >= float64(count), "scraped_total is %v, want %d", got, count)
	})
}

// A WAL that ends in the middle of a record, or with garbage, costs at most that record, and the loss is
// logged.
func TestTornWAL(t *testing.T) {
	t.Parallel()
	for name, tear := range map[string]func(t *testing.T, segment string){
		"cut": func(t *testing.T, segment string) {
			info, err := os.Stat(segment)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(segment, info.Size()-5))
		},
		"rubbish": func(t *testing.T, segment string) {
			file, err := os.OpenFile(segment, os.O_APPEND|os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = file.WriteString("this is not a record of a WAL, whatever the disk says")
			require.NoError(t, err)
			require.NoError(t, file.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := configDir(t, map[string]string{"prometheus.yml": quietConfig})
			storage := t.TempDir()
			flags := append([]string{"--web.enable-remote-write-receiver"}, metricsOnly...)
			s := startAusguck(t, config, storage, flags...)
			w := s.startWriter()
			eventually(t, 30*time.Second, func() error {
				return errUnless(s.value(t, "count_over_time(accepted_value[10m])") > 100, "too few samples accepted")
			})
			s.kill()
			<-w.done
			tear(t, lastSegment(t, filepath.Join(storage, "prometheus", "wal")))

			s = startAusguck(t, config, storage, flags...)
			s.waitOutput(t, `(?i)corrupt|repair|torn`)
			missing := w.missing(t, s)
			require.LessOrEqual(t, len(missing), 1, "only the torn record may be gone")
			if len(missing) == 1 {
				require.Equal(t, w.accepted[len(w.accepted)-1], missing[0])
			}
			require.Positive(t, metric(s.get(t, "/metrics"), "prometheus_tsdb_wal_corruptions_total"))
			s.write(t, oneSample("accepted_value", time.Now(), 1))
			s.stop(t)
		})
	}
}

// lastSegment returns the newest segment of a WAL that is not empty.
func lastSegment(t *testing.T, wal string) string {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(wal, "[0-9]*[0-9]"))
	require.NoError(t, err)
	slices.Sort(segments)
	for _, segment := range slices.Backward(segments) {
		info, err := os.Stat(segment)
		require.NoError(t, err)
		if !info.IsDir() && info.Size() > 0 {
			return segment
		}
	}
	require.FailNow(t, "no segment in "+wal)
	return ""
}

// A slow scrape, a live stream and a long query do not prevent the process from ending in time.
func TestStopsWhileBusy(t *testing.T) {
	t.Parallel()
	hanging := serveTarget(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	config := configDir(t, map[string]string{"prometheus.yml": fmt.Sprintf(`
global: {scrape_interval: 60s, scrape_timeout: 60s}
scrape_configs:
  - job_name: hanging
    static_configs: [{targets: ['%s']}]
remote_write:
  - url: http://%s/api/v1/write
`, hanging, hanging)})
	s := startAusguck(t, config, t.TempDir(), append([]string{"--web.enable-remote-write-receiver"}, metricsOnly...)...)
	s.write(t, oneSample("busy_value", time.Now(), 1))
	live, err := s.client.Get(s.url + "/api/v1/notifications/live")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, live.StatusCode)
	defer live.Body.Close()
	s.stop(t)
}
