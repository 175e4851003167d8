package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

// receiving starts Ausguck with every receiver enabled.
func receiving(t *testing.T, config string) *server {
	t.Helper()
	return startAusguck(t, configDir(t, map[string]string{"prometheus.yml": config}), t.TempDir(),
		append([]string{"--web.enable-remote-write-receiver", "--web.enable-otlp-receiver", "--enable-feature=exemplar-storage"}, metricsOnly...)...)
}

func TestRemoteWrite2In(t *testing.T) {
	t.Parallel()
	s := receiving(t, quietConfig)
	now := time.Now()
	symbols := writev2.NewSymbolTable()
	refs := symbols.SymbolizeLabels(labels.FromStrings("__name__", "second_version", "who", "sender"), nil)
	content, err := (&writev2.Request{
		Timeseries: []writev2.TimeSeries{{LabelsRefs: refs, Samples: []writev2.Sample{{Timestamp: now.UnixMilli(), Value: 2}}}},
		Symbols:    symbols.Symbols(),
	}).Marshal()
	require.NoError(t, err)
	status, body, err := s.post("/api/v1/write", map[string]string{
		"Content-Type":                      "application/x-protobuf;proto=io.prometheus.write.v2.Request",
		"Content-Encoding":                  "snappy",
		"X-Prometheus-Remote-Write-Version": "2.0.0",
	}, snappy.Encode(nil, content))
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, status, body)
	points := s.queryAt(t, "second_version", now)
	require.Len(t, points, 1)
	require.EqualValues(t, 2, points[0].value(t))
	require.Equal(t, "sender", points[0].Metric["who"])
}

func TestRemoteRead(t *testing.T) {
	t.Parallel()
	s := receiving(t, quietConfig)
	now := time.Now()
	s.write(t, manySamples("read_value", 3, now.Add(-time.Minute), 60)...)
	location, err := url.Parse(s.url + "/api/v1/read")
	require.NoError(t, err)
	for _, kind := range []prompb.ReadRequest_ResponseType{prompb.ReadRequest_SAMPLES, prompb.ReadRequest_STREAMED_XOR_CHUNKS} {
		t.Run(kind.String(), func(t *testing.T) {
			client, err := remote.NewReadClient("test", &remote.ClientConfig{
				URL: &config.URL{URL: location}, Timeout: model.Duration(10 * time.Second), ChunkedReadLimit: 1 << 20,
				AcceptedResponseTypes: []prompb.ReadRequest_ResponseType{kind},
			})
			require.NoError(t, err)
			require.Equal(t, 3*60, countRead(t, client, now))
		})
	}
}

// countRead returns the number of samples of read_value in the last two minutes.
func countRead(t *testing.T, client remote.ReadClient, now time.Time) int {
	t.Helper()
	set, err := client.Read(context.Background(), &prompb.Query{
		StartTimestampMs: now.Add(-2 * time.Minute).UnixMilli(), EndTimestampMs: now.UnixMilli(),
		Matchers: []*prompb.LabelMatcher{{Type: prompb.LabelMatcher_EQ, Name: "__name__", Value: "read_value"}},
	}, false)
	require.NoError(t, err)
	count := 0
	for set.Next() {
		samples := set.At().Iterator(nil)
		for samples.Next() != 0 {
			count++
		}
		require.NoError(t, samples.Err())
	}
	require.NoError(t, set.Err())
	return count
}

func TestOTLPIn(t *testing.T) {
	t.Parallel()
	s := receiving(t, quietConfig)
	metrics := pmetric.NewMetrics()
	resource := metrics.ResourceMetrics().AppendEmpty()
	resource.Resource().Attributes().PutStr("service.name", "gateway")
	sum := resource.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	sum.SetName("requests.handled")
	sum.SetEmptySum().SetIsMonotonic(true)
	sum.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	value := sum.Sum().DataPoints().AppendEmpty()
	value.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
	value.SetIntValue(17)
	request := pmetricotlp.NewExportRequestFromMetrics(metrics)

	binary, err := request.MarshalProto()
	require.NoError(t, err)
	status, body, err := s.post("/api/v1/otlp/v1/metrics", map[string]string{"Content-Type": "application/x-protobuf"}, binary)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, body)
	points := s.query(t, "requests_handled_total")
	require.Len(t, points, 1)
	require.EqualValues(t, 17, points[0].value(t))
	require.Equal(t, "gateway", points[0].Metric["job"])
}

// A service with client_golang: native histogram over protobuf, with classic buckets, exemplars.
func TestNativeHistogramsAndExemplars(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	latency := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "native_seconds", Help: "Latency.", Buckets: []float64{.1, 1}, NativeHistogramBucketFactor: 1.1,
	})
	registry.MustRegister(latency)
	address := serveTarget(t, func(w http.ResponseWriter, r *http.Request) {
		observer, ok := latency.(prometheus.ExemplarObserver)
		if !ok {
			http.Error(w, "no exemplars", http.StatusInternalServerError)
			return
		}
		observer.ObserveWithExemplar(0.25, prometheus.Labels{"trace_id": "0af7651916cd43dd"})
		latency.Observe(0.5)
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
	})
	s := receiving(t, fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: native
    scrape_native_histograms: true
    always_scrape_classic_histograms: true
    static_configs: [{targets: ['%s']}]
`, address))
	begin := time.Now()
	eventually(t, 30*time.Second, func() error {
		count := s.value(t, "histogram_count(native_seconds)")
		return errUnless(count >= 4, "%v observations in the native histogram", count)
	})
	quantile := s.value(t, "histogram_quantile(0.9, native_seconds)")
	require.Greater(t, quantile, 0.4, "only the native buckets are that exact")
	require.Less(t, quantile, 0.6)
	require.Positive(t, s.value(t, `native_seconds_bucket{le="1.0"}`), "the classic buckets")
	exemplars := s.get(t, "/api/v1/query_exemplars?"+url.Values{
		"query": {"native_seconds"}, "start": {unixTime(begin.Add(-time.Minute))}, "end": {unixTime(time.Now())},
	}.Encode())
	require.Contains(t, exemplars, "0af7651916cd43dd")
}

func TestOutOfOrderWindow(t *testing.T) {
	t.Parallel()
	for window, status := range map[string]int{"30m": http.StatusNoContent, "0s": http.StatusBadRequest} {
		t.Run(window, func(t *testing.T) {
			t.Parallel()
			s := receiving(t, "storage: {tsdb: {out_of_order_time_window: "+window+"}}\n")
			now := time.Now()
			s.write(t, oneSample("late_value", now, 2))
			got, body, err := s.tryWrite(oneSample("late_value", now.Add(-20*time.Minute), 1))
			require.NoError(t, err)
			require.Equal(t, status, got, body)
			late := s.queryAt(t, "late_value", now.Add(-20*time.Minute))
			require.Equal(t, status == http.StatusNoContent, len(late) == 1)
			got, body, err = s.tryWrite(oneSample("late_value", now.Add(-time.Hour), 1))
			require.NoError(t, err)
			require.Equal(t, http.StatusBadRequest, got, "beyond the window: %s", body)
		})
	}
}

// Scraped samples are forwarded by remote write, to another Ausguck, with each version of the protocol.
func TestRemoteWriteOut(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"1.0": "prometheus.WriteRequest",
		"2.0": "io.prometheus.write.v2.Request",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receiver := receiving(t, quietConfig)
			address, _ := counterTarget(t)
			files := everySecond(address)
			files["prometheus.yml"] += fmt.Sprintf(`
remote_write:
  - url: %s/api/v1/write
    protobuf_message: %s
    write_relabel_configs: [{target_label: forwarded, replacement: 'yes'}]
`, receiver.url, message)
			sender := startAusguck(t, configDir(t, files), t.TempDir(), metricsOnly...)
			receiver.waitScrapes(t, 3)
			require.Positive(t, receiver.value(t, `count(scraped_total{forwarded="yes"})`))
			sender.stop(t)
		})
	}
}

// A stock Prometheus federates from Ausguck, and reads from it by remote read.
func TestFederationAndRemoteReadFromAbove(t *testing.T) {
	t.Parallel()
	below := receiving(t, quietConfig)
	below.write(t, oneSample("below_value", time.Now(), 5, "job", "below"))
	page := below.get(t, "/federate?"+url.Values{"match[]": {`{job="below"}`}}.Encode())
	require.Contains(t, page, `below_value{job="below",instance=""} 5`)

	config := configDir(t, map[string]string{"prometheus.yml": fmt.Sprintf(`
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: federated
    honor_labels: true
    metrics_path: /federate
    params: {'match[]': ['below_value']}
    static_configs: [{targets: ['%s']}]
    basic_auth: {username: admin, password: %s}
remote_read:
  - url: %s/api/v1/read
    read_recent: true
    filter_external_labels: false
`, below.address, adminPassword, below.url)})
	above := startStock(t, filepath.Join(config, "prometheus.yml"), filepath.Join(t.TempDir(), "tsdb"))
	above.waitValue(t, 30*time.Second, `max(below_value{job="below"})`, 5)
	below.write(t, oneSample("only_below_value", time.Now(), 6))
	above.waitValue(t, 30*time.Second, "only_below_value", 6)
}

// Alerts reach an Alertmanager with their labels and annotations.
func TestAlertsReachAlertmanager(t *testing.T) {
	t.Parallel()
	received := make(chan string, 16)
	alertmanager := serveTarget(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		received <- r.URL.Path + " " + string(body)
	})
	s := startAusguck(t, configDir(t, map[string]string{
		"prometheus.yml": fmt.Sprintf(`
global: {evaluation_interval: 1s, external_labels: {site: north}}
rule_files: ['*.rules.yml']
alerting: {alertmanagers: [{static_configs: [{targets: ['%s']}]}]}
`, alertmanager),
		"one.rules.yml": `groups: [{name: one, rules: [{alert: Always, expr: vector(7), annotations: {summary: 'it is {{ $value }}'}}]}]`,
	}), t.TempDir(), metricsOnly...)
	select {
	case request := <-received:
		for _, want := range []string{"/api/v2/alerts", `"alertname":"Always"`, `"site":"north"`, "it is 7"} {
			require.Contains(t, request, want)
		}
	case <-time.After(30 * time.Second):
		require.FailNow(t, "no alert within 30s")
	}
	require.Contains(t, s.get(t, "/api/v1/alertmanagers"), alertmanager)
	s.stop(t)
}
