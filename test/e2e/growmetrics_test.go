package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// writing is Ausguck on one host, which writes to the stores on another one.
type writing struct {
	home   *host
	stores *store
	bucket *objectStore
	load   *load

	config, storage                   string
	ausguck                           *server
	victoria, receive, query, gateway *server

	begin, end     time.Time
	killed, sender time.Time // when the stores and Ausguck were killed
	own            samples   // of Ausguck, from begin to end
}

const sourcesFile = "grafana/provisioning/datasources/stores.yml"

func newWriting(t *testing.T) *writing {
	t.Helper()
	network := newLAN(t)
	w := &writing{bucket: startObjectStore(t, network, "metrics"), home: network.host(t, 1), stores: newStore(t, network, 2), storage: t.TempDir()}
	var jobs string
	w.load, jobs = serveLoad(t, w.home)
	page := w.stores.page
	file := prometheusYML(t, page.section(t, "VictoriaMetrics").file(t, "prometheus.yml"), page.section(t, "Thanos Receive").file(t, "prometheus.yml"), jobs,
		"rule_files: [load.yml]\nalerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}")
	w.config = configDir(t, map[string]string{
		// Metadata is sent every minute.
		"prometheus.yml": strings.ReplaceAll(file, "send_native_histograms: true", "send_native_histograms: true\n      metadata_config: {send_interval: 5s}"),
		"load.yml":       `groups: [{name: load, interval: 1s, rules: [{record: "load:count", expr: count(load_total)}, {alert: Load, expr: "load:count > 0"}]}]`,
		sourcesFile:      page.section(t, "Dashboards and Explore on the store").file(t, sourcesFile),
	})
	w.victoria, w.receive = w.stores.victoriaMetrics(t), w.stores.thanosReceive(t)
	w.query = w.stores.start(t, "Thanos Receive", 10932, nil, "thanos", "query")
	w.startAusguck(t)
	return w
}

func (w *writing) startAusguck(t *testing.T) {
	t.Helper()
	w.ausguck = w.home.ausguck(t, w.config, w.storage, append([]string{"--web.listen-address=10.0.0.1:2025", "--no-loki"}, metricsOnly...)...)
	w.ausguck.waitReady(t, readyTimeout)
}

// Both stores have every sample of Ausguck, although they are killed, cut off and slow, and so is Ausguck; what upstream does not
// promise is filled in with the commands of the page.
func TestRemoteWriteToStores(t *testing.T) {
	t.Parallel()
	w := newWriting(t)
	w.disturb(t)
	w.requireLosses(t)
	w.fill(t)
	requireKinds(t, w.ausguck, w.query, w.victoria)
	requireSources(t, w)
	for row, p := range map[string]*server{
		"VictoriaMetrics": w.victoria, "Thanos Receive": w.receive, "Thanos Query": w.query, "Thanos Store": w.gateway,
		"Ausguck with two stores under `remote_write`": w.ausguck,
	} {
		w.stores.page.requireMemory(t, row, p.process)
	}
	w.requireUploads(t)
}

// disturb does everything to the stores and to Ausguck, under load.
func (w *writing) disturb(t *testing.T) {
	t.Helper()
	w.load.wait(t, 3)
	w.begin = time.Now()
	w.load.wait(t, 3)
	w.killed = time.Now()
	w.victoria.kill()
	w.receive.kill()
	w.load.wait(t, 2)
	w.victoria, w.receive = w.stores.victoriaMetrics(t), w.stores.thanosReceive(t)
	w.load.wait(t, 3)
	w.stores.cut(t)
	cut := time.Now()
	w.load.wait(t, 4)
	requireRules(t, w.ausguck, cut.Add(time.Second))
	w.stores.join(t)
	w.load.wait(t, 2)
	w.stores.slow(t, "1mbit")
	w.load.wait(t, 4)
	w.stores.fast(t)
	// Ausguck is killed while both stores keep up.
	for _, port := range []string{"8428", "19291"} {
		eventually(t, time.Minute, func() error {
			behind := float64(time.Now().Unix()) - w.ausguck.metricOf(t, `prometheus_remote_storage_queue_highest_sent_timestamp_seconds\{[^}]*:`+port)
			return errUnless(behind < 7, "port %s is %v seconds behind", port, behind)
		})
	}
	w.load.wait(t, 2)
	w.sender = time.Now()
	w.ausguck.kill()
	w.startAusguck(t)
	w.load.wait(t, 3)
	w.end = time.Now()
	w.own = w.ausguck.samples(t, w.begin, w.end)
}

func (w *writing) inVictoria(t *testing.T) samples {
	t.Helper()
	return w.victoria.exported(t, w.begin, w.end)
}

func (w *writing) inThanos(t *testing.T) samples {
	t.Helper()
	return w.query.samples(t, w.begin, w.end)
}

// requireLosses requires that the stores lack only what docs/grow.md says.
func (w *writing) requireLosses(t *testing.T) {
	t.Helper()
	for name, read := range map[string]func(*testing.T) samples{"Thanos Receive": w.inThanos, "VictoriaMetrics": w.inVictoria} {
		// Samples are sent in order, so if the last ones are there, nothing follows.
		var missing samples
		eventually(t, time.Minute, func() error {
			missing = w.own.missing(t, read(t))
			_, last := missing.times()
			return errUnless(last.Before(w.sender.Add(time.Second)), "%s is behind: %d samples are missing, the last of %s", name, missing.count(), last)
		})
		unsent, unwritten := 0, 0
		for series := range maps.Values(missing) {
			for at := range maps.Keys(series) {
				if at := time.UnixMilli(at); name == "VictoriaMetrics" && at.Before(w.killed.Add(time.Second)) {
					require.WithinDuration(t, w.killed, at, 15*time.Second, "only what was accepted and not yet written")
					unwritten++
				} else {
					require.WithinDuration(t, w.sender, at, 10*time.Second, "only what was not sent yet, for five seconds (batch_send_deadline) and what a busy machine adds")
					unsent++
				}
			}
		}
		figure(t, "%s lacks %d of %d samples: %d that Ausguck had not sent when it was killed, %d that the store had not written when it was",
			name, missing.count(), w.own.count(), unsent, unwritten)
	}
}

// fill runs the commands of the page that copy what is missing, after which nothing is.
func (w *writing) fill(t *testing.T) {
	t.Helper()
	w.stores.script(t, "If samples are missing in the store", w.home, "/var/lib/ausguck", w.storage,
		"2026-11-30T01:00Z", w.begin.UTC().Format(time.RFC3339), "2026-11-30T02:00Z", w.end.Add(time.Second).UTC().Format(time.RFC3339))
	w.gateway = w.stores.thanosStore(t)
	for name, read := range map[string]func(*testing.T) samples{"Thanos": w.inThanos, "VictoriaMetrics": w.inVictoria} {
		eventually(t, time.Minute, func() error {
			missing := w.own.missing(t, read(t)).count()
			return errUnless(missing == 0, "%s still lacks %d samples", name, missing)
		})
	}
	require.InDelta(t, loadSeries, w.query.queryAt(t, `count(load_total{host="server-1"})`, w.sender)[0].value(t), 0, "Query merges the replicas")
	figure(t, "after the commands of docs/grow.md, both stores have all %d samples with equal values", w.own.count())
}

// requireUploads requires that Receive accepts samples and writes its block while the bucket fails in every way, uploads it when the bucket
// is back, and gets what Ausguck could not send meanwhile. Then the bucket has everything.
func (w *writing) requireUploads(t *testing.T) {
	t.Helper()
	for name, block := range w.bucket.blocks(t) { // two of them if the gap spans an even hour
		require.Equal(t, "gap", block.Thanos.Labels["replica"], name)
	}
	for _, mode := range []int32{gateRefuses, gateHangs, gateForbids} {
		before := w.bucket.metas(t)
		w.bucket.fail(mode)
		failed := time.Now()
		w.load.wait(t, 2)
		accepted := w.ausguck.samples(t, failed, time.Now())
		eventually(t, time.Minute, func() error {
			missing := accepted.missing(t, w.query.samples(t, failed, time.Now())).count()
			return errUnless(missing == 0, "Receive lacks %d of %d samples without its bucket", missing, accepted.count())
		})
		w.receive.signal(t, syscall.SIGTERM)
		w.receive.waitOutput(t, "storage is flushed successfully")
		if mode == gateHangs { // it waits for the bucket until it is killed
			w.receive.kill()
		}
		w.receive.exitCode(t, 2*time.Minute)
		require.Equal(t, before, w.bucket.metas(t))
		w.bucket.open()
		w.receive = w.stores.thanosReceive(t)
		eventually(t, time.Minute, func() error {
			return errUnless(len(w.bucket.metas(t)) > len(before), "the block is not in the bucket")
		})
	}
	w.end = time.Now()
	w.own = w.ausguck.samples(t, w.begin, w.end)
	eventually(t, time.Minute, func() error {
		missing := w.own.missing(t, w.inThanos(t)).count()
		return errUnless(missing == 0, "Thanos lacks %d of %d samples", missing, w.own.count())
	})
	w.receive.signal(t, syscall.SIGTERM)
	w.receive.exitCode(t, time.Minute)
	w.gateway.kill()
	w.gateway = w.stores.thanosStore(t)
	eventually(t, time.Minute, func() error {
		missing := w.own.missing(t, w.inThanos(t)).count()
		return errUnless(missing == 0, "the bucket lacks %d samples", missing)
	})
	compact := w.stores.start(t, "Thanos Receive", 10922, []string{"--consistency-delay=0s"}, "thanos", "compact")
	eventually(t, time.Minute, func() error {
		page := compact.get(t, "/metrics")
		require.Zero(t, metric(page, "thanos_compact_halted"))
		return errUnless(metric(page, "thanos_compact_iterations_total") > 0, "no iteration of Compact")
	})
	figure(t, "the bucket alone has all %d samples after it had refused uploads, hung and forbidden", w.own.count())
	w.stores.page.requireMemory(t, "Thanos Compact", compact.process)
	for name, block := range w.bucket.blocks(t) {
		require.Equal(t, "default-tenant", block.Thanos.Labels["tenant_id"], name)
	}
}

// requireSources requires that panels get the same values from the stores as from the built-in data source, and that one line selects
// the default.
func requireSources(t *testing.T, w *writing) {
	t.Helper()
	ausguck, at := w.ausguck, w.end
	ask := func(uid string) string {
		query := map[string]any{"refId": "A", "expr": "sum(load_total)", "instant": true, "datasource": map[string]string{"uid": uid, "type": "prometheus"}}
		body, err := json.Marshal(map[string]any{"queries": []any{query}, "from": fmt.Sprint(at.Add(-time.Minute).UnixMilli()), "to": fmt.Sprint(at.UnixMilli())})
		require.NoError(t, err)
		status, answer := ausguck.do(t, http.MethodPost, "/api/ds/query", map[string]string{"Content-Type": "application/json"}, string(body))
		require.Equal(t, http.StatusOK, status, answer)
		var result struct {
			Results map[string]struct {
				Frames []struct {
					Data struct {
						Values [][]float64 `json:"values"`
					} `json:"data"`
				} `json:"frames"`
			} `json:"results"`
		}
		require.NoError(t, json.Unmarshal([]byte(answer), &result))
		require.Len(t, result.Results["A"].Frames, 1, answer)
		return fmt.Sprintf("%.0f", result.Results["A"].Frames[0].Data.Values[1][0])
	}
	byDefault := func() (name string) {
		var all []struct {
			UID       string
			IsDefault bool
		}
		require.NoError(t, json.Unmarshal([]byte(ausguck.get(t, "/api/datasources")), &all))
		for _, d := range all {
			if d.IsDefault {
				require.Empty(t, name, "one default")
				name = d.UID
			}
		}
		return name
	}
	own := ask("prometheus")
	for _, uid := range []string{"thanos", "victoriametrics"} {
		require.Equal(t, own, ask(uid), uid)
		require.Contains(t, ausguck.get(t, "/api/datasources/uid/"+uid+"/health"), `"OK"`)
		require.Contains(t, ausguck.get(t, "/api/datasources/proxy/uid/"+uid+"/api/v1/label/series/values?start="+unixTime(at.Add(-time.Minute))), `"4999"`)
	}
	require.Equal(t, "thanos", byDefault())
	file := w.stores.page.section(t, "Dashboards and Explore on the store").file(t, sourcesFile)
	writeFile(t, filepath.Join(w.config, sourcesFile), strings.Replace(file, "    isDefault: true\n", "", 1))
	ausguck.signal(t, syscall.SIGHUP)
	eventually(t, readyTimeout, func() error {
		name := byDefault()
		return errUnless(name == "prometheus", "the default is %s", name)
	})
}
