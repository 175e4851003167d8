package e2e

import (
	"fmt"
	"net/url"
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
	flags := []string{"--web.listen-address=10.0.0.3:2025", "--no-loki", "--web.enable-remote-write-receiver"}
	other := network.host(t, 3).ausguck(t, t.TempDir(), t.TempDir(), append(flags, metricsOnly...)...)
	other.waitReady(t, readyTimeout)
	config := strings.Builder{}
	config.WriteString("remote_write:\n")
	for _, address := range []string{
		"10.0.0.2:9090/api/v1/write", "10.0.0.2:8428/api/v1/write", "10.0.0.2:19291/api/v1/receive", "10.0.0.3:2025/api/v1/write",
	} {
		fmt.Fprintf(&config, "  - {url: 'http://%s', protobuf_message: io.prometheus.write.v2.Request", address)
		config.WriteString(", send_native_histograms: true, send_exemplars: true")
		if strings.Contains(address, "10.0.0.3") {
			fmt.Fprintf(&config, ", basic_auth: {username: admin, password: %s}", adminPassword)
		}
		config.WriteString("}\n")
	}
	folder, storage := configDir(t, map[string]string{"prometheus.yml": prometheusYML(t, config.String(), jobs)}), t.TempDir()
	ausguck := home.local(t, folder, storage, "--enable-feature=metadata-wal-records")
	begin := time.Now()
	load.wait(t, 5)
	end := time.Now()

	own := ausguck.samples(t, begin, end)
	require.GreaterOrEqual(t, own.count(), 4*loadSeries)
	histogram := ausguck.queryAt(t, "histogram_count(load_seconds)", end)
	require.Len(t, histogram, 1)
	for name, s := range map[string]*server{"a stock Prometheus": above, "another Ausguck": other} {
		eventually(t, time.Minute, func() error {
			missing := own.missing(t, s.samples(t, begin, end)).count()
			return errUnless(missing == 0, "%s lacks %d samples", name, missing)
		})
		stored := s.queryAt(t, "histogram_count(load_seconds)", end)
		require.Len(t, stored, 1)
		require.Equal(t, histogram[0].value(t), stored[0].value(t))
		var exemplars []any
		s.data(t, "/api/v1/query_exemplars", url.Values{"query": {"load_seconds"}, "start": {unixTime(begin)}, "end": {unixTime(end)}}, &exemplars)
		require.Empty(t, exemplars, "docs/grow.md says that version 2.0 stores none")
		figure(t, "remote write 2.0: %s has all %d samples with equal values", name, own.count())
	}

	for _, port := range []string{"8428", "19291"} {
		eventually(t, time.Minute, func() error {
			failed := ausguck.metricOf(t, `prometheus_remote_storage_samples_failed_total\{[^}]*:`+port)
			return errUnless(failed > 0, "no failed samples of port %s", port)
		})
		require.Zero(t, ausguck.metricOf(t, `prometheus_remote_storage_samples_failed_total\{[^}]*:9090`))
	}

	// A stop sends everything that is stored.
	load.wait(t, 2)
	ausguck.stop(t)
	ausguck = home.local(t, folder, storage, "--enable-feature=metadata-wal-records")
	load.wait(t, 2)
	end = time.Now()
	own = ausguck.samples(t, begin, end)
	eventually(t, time.Minute, func() error {
		missing := own.missing(t, above.samples(t, begin, end))
		_, last := missing.times()
		return errUnless(missing.count() == 0, "%d samples are missing, the last of %s", missing.count(), last)
	})
	figure(t, "all %d samples are stored after a stop of Ausguck in the middle of the load", own.count())

	// Ausguck is killed while the store is away, and goes on with new samples.
	away := time.Now()
	stores.cut(t)
	load.wait(t, 2)
	killed := time.Now()
	ausguck.kill()
	stores.join(t)
	ausguck = home.local(t, folder, storage, "--enable-feature=metadata-wal-records")
	load.wait(t, 2)
	end = time.Now()
	own = ausguck.samples(t, begin, end)
	var missing samples
	eventually(t, time.Minute, func() error {
		missing = own.missing(t, above.samples(t, begin, end))
		_, last := missing.times()
		return errUnless(last.Before(killed.Add(time.Second)), "%d samples are missing, the last of %s", missing.count(), last)
	})
	first, _ := missing.times()
	require.WithinDuration(t, away, first, 15*time.Second, "only what was not sent yet, for five seconds (batch_send_deadline) and what a busy machine adds")
	figure(t, "%d of %d samples are missing after Ausguck was killed while the store was away", missing.count(), own.count())
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
