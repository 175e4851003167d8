package e2e

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Version 2.0 of remote write transports samples and native histograms to a store that supports it. The stores of docs/grow.md do not:
// they store nothing, and Ausguck counts the samples as failed, which fires RemoteWriteRefused.
func TestRemoteWrite2(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	startObjectStore(t, network, "metrics")
	home, stores := network.host(t, 1), newStore(t, network, 2)
	load, jobs := serveLoad(t, home)
	stores.victoriaMetrics(t)
	stores.thanosReceive(t)
	configFile := filepath.Join(configDir(t, map[string]string{"prometheus.yml": "global: {}\n"}), "prometheus.yml")
	above := stores.program(t, 9090, exec.Command(stockBinary(t, "prometheus"), "--config.file="+configFile, "--storage.tsdb.path="+t.TempDir(),
		"--web.listen-address=10.0.0.2:9090", "--web.enable-remote-write-receiver", "--enable-feature=metadata-wal-records"))
	above.waitReady(t, readyTimeout)
	config := strings.Builder{}
	config.WriteString("remote_write:\n")
	for _, address := range []string{"10.0.0.2:9090/api/v1/write", "10.0.0.2:8428/api/v1/write", "10.0.0.2:19291/api/v1/receive"} {
		fmt.Fprintf(&config, "  - {url: 'http://%s', protobuf_message: io.prometheus.write.v2.Request, send_native_histograms: true}\n", address)
	}
	folder, storage := configDir(t, map[string]string{"prometheus.yml": prometheusYML(t, config.String(), jobs)}), t.TempDir()
	ausguck := home.local(t, folder, storage, "--enable-feature=metadata-wal-records")
	begin := time.Now()
	load.wait(t, 5)
	end := time.Now()

	own := ausguck.samples(t, begin, end)
	require.GreaterOrEqual(t, own.count(), 4*loadSeries)
	eventually(t, time.Minute, func() error {
		missing := own.missing(t, above.samples(t, begin, end)).count()
		return errUnless(missing == 0, "%d samples are missing", missing)
	})
	figure(t, "remote write 2.0: a stock Prometheus has all %d samples with equal values", own.count())
	histogram := ausguck.queryAt(t, "histogram_count(load_seconds)", end)
	require.Len(t, histogram, 1)
	stored := above.queryAt(t, "histogram_count(load_seconds)", end)
	require.Len(t, stored, 1)
	require.Equal(t, histogram[0].value(t), stored[0].value(t))

	for _, port := range []string{"8428", "19291"} {
		eventually(t, time.Minute, func() error {
			failed := ausguck.metricOf(t, `prometheus_remote_storage_samples_failed_total\{[^}]*:`+port)
			return errUnless(failed > 0, "no failed samples of port %s", port)
		})
		require.Zero(t, ausguck.metricOf(t, `prometheus_remote_storage_samples_failed_total\{[^}]*:9090`))
	}

	// What is queued when Ausguck is stopped is sent before it ends. Upstream does not wait for a scrape that was stored at that moment.
	load.wait(t, 2)
	stopped := time.Now()
	ausguck.stop(t)
	ausguck = home.local(t, folder, storage, "--enable-feature=metadata-wal-records")
	load.wait(t, 3)
	end = time.Now()
	own = ausguck.samples(t, begin, end)
	var missing samples
	eventually(t, time.Minute, func() error {
		missing = own.missing(t, above.samples(t, begin, end))
		_, last := missing.times()
		return errUnless(last.Before(stopped.Add(time.Second)), "%d samples are missing, the last of %s", missing.count(), last)
	})
	for series := range maps.Values(missing) {
		require.LessOrEqual(t, len(series), 1)
		for at := range maps.Keys(series) {
			require.WithinDuration(t, stopped, time.UnixMilli(at), 2*time.Second)
		}
	}
	figure(t, "%d of %d samples are missing after a stop of Ausguck and a start", missing.count(), own.count())
}

// metricOf returns the sum of the series in /metrics whose line begins with the pattern.
func (s *server) metricOf(t *testing.T, pattern string) (sum float64) {
	t.Helper()
	for line := range strings.Lines(s.get(t, "/metrics")) {
		if regexp.MustCompile("^" + pattern).MatchString(line) {
			_, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
			sum += metric("x "+value, "x")
		}
	}
	return sum
}
