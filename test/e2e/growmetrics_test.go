package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// loadSeries is the number of series of the load, each scraped once per second.
const loadSeries = 5000

// load is a target with loadSeries counters, and one with a native histogram with exemplars.
type load struct {
	scrapes atomic.Int64
}

func (l *load) counters(w http.ResponseWriter, _ *http.Request) {
	n := l.scrapes.Add(1)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	page := strings.Builder{}
	page.WriteString("# HELP load_total A counter of the load.\n# TYPE load_total counter\n")
	for i := range loadSeries {
		fmt.Fprintf(&page, "load_total{series=\"%d\"} %d\n", i, n*int64(i+1))
	}
	_, _ = w.Write([]byte(page.String())) // the scraper may be gone
}

// histogram observes one value per scrape.
func (l *load) histogram() http.Handler {
	registry := prometheus.NewRegistry()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "load_seconds", Help: "A native histogram.", NativeHistogramBucketFactor: 1.1})
	registry.MustRegister(h)
	serve := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.(prometheus.ExemplarObserver).ObserveWithExemplar(float64(l.scrapes.Load()), prometheus.Labels{"trace_id": fmt.Sprint(l.scrapes.Load())})
		serve.ServeHTTP(w, r)
	})
}

// serveLoad serves the load on the host, and returns its scrape jobs.
func serveLoad(t *testing.T, h *host) (*load, string) {
	t.Helper()
	l := &load{}
	h.serve(t, 8000, http.HandlerFunc(l.counters))
	h.serve(t, 8001, l.histogram())
	return l, fmt.Sprintf(`
scrape_configs:
  - job_name: load
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs: [{targets: ['%[1]s:8000']}]
  - job_name: histogram
    scrape_interval: 1s
    scrape_timeout: 1s
    scrape_native_histograms: true
    static_configs: [{targets: ['%[1]s:8001']}]
`, h.ip)
}

// wait waits for a number of scrapes.
func (l *load) wait(t *testing.T, scrapes int64) {
	t.Helper()
	until := l.scrapes.Load() + scrapes
	eventually(t, time.Minute, func() error {
		return errUnless(l.scrapes.Load() >= until, "%d of %d scrapes", l.scrapes.Load(), until)
	})
}

// samples are the values of each series of the load by time in milliseconds.
type samples map[string]map[int64]float64

func (s samples) count() (count int) {
	for _, series := range s {
		count += len(series)
	}
	return count
}

// missing returns the samples that other lacks, and fails for a sample that it has with another value.
func (s samples) missing(t *testing.T, other samples) samples {
	t.Helper()
	missing := samples{}
	for id, series := range s {
		for at, value := range series {
			got, ok := other[id][at]
			if !ok {
				if missing[id] == nil {
					missing[id] = map[int64]float64{}
				}
				missing[id][at] = value
			} else if got != value {
				require.Equal(t, value, got, "series %s at %d", id, at)
			}
		}
	}
	return missing
}

// times returns the times of the first and the last sample.
func (s samples) times() (first, last time.Time) {
	var all []int64
	for _, series := range s {
		all = slices.AppendSeq(all, maps.Keys(series))
	}
	if len(all) == 0 {
		return first, last
	}
	return time.UnixMilli(slices.Min(all)), time.UnixMilli(slices.Max(all))
}

// samples returns the samples of the load in an interval, from any server with Prometheus's API.
func (s *server) samples(t *testing.T, begin, end time.Time) samples {
	t.Helper()
	var matrix struct {
		Result []struct {
			Metric map[string]string    `json:"metric"`
			Values [][2]json.RawMessage `json:"values"`
		} `json:"result"`
	}
	query := fmt.Sprintf("load_total[%dms]", end.Sub(begin).Milliseconds())
	s.data(t, "/api/v1/query", url.Values{"query": {query}, "time": {unixTime(end)}, "dedup": {"false"}}, &matrix)
	found := samples{}
	for _, series := range matrix.Result {
		id := series.Metric["series"]
		if found[id] == nil {
			found[id] = map[int64]float64{}
		}
		for _, v := range series.Values {
			seconds, err := strconv.ParseFloat(string(v[0]), 64)
			require.NoError(t, err)
			text, err := strconv.Unquote(string(v[1]))
			require.NoError(t, err)
			value, err := strconv.ParseFloat(text, 64)
			require.NoError(t, err)
			found[id][int64(seconds*1000+0.5)] = value
		}
	}
	return found
}

// exported returns the samples of the load in an interval from VictoriaMetrics.
func (s *server) exported(t *testing.T, begin, end time.Time) samples {
	t.Helper()
	s.get(t, "/internal/force_flush")
	found := samples{}
	decoder := json.NewDecoder(strings.NewReader(s.get(t, "/api/v1/export?"+url.Values{
		"match[]": {"load_total"}, "start": {unixTime(begin)}, "end": {unixTime(end)},
	}.Encode())))
	for decoder.More() {
		var series struct {
			Metric     map[string]string `json:"metric"`
			Values     []float64         `json:"values"`
			Timestamps []int64           `json:"timestamps"`
		}
		require.NoError(t, decoder.Decode(&series))
		id := series.Metric["series"]
		if found[id] == nil {
			found[id] = map[int64]float64{}
		}
		for i, at := range series.Timestamps {
			found[id][at] = series.Values[i]
		}
	}
	return found
}

// store is the host of the stores of docs/grow.md, with the folders of the page in a folder of the test.
type store struct {
	*host
	page   growPage
	folder string
}

func newStore(t *testing.T, l lan, number int) *store {
	t.Helper()
	s := &store{host: l.host(t, number), page: readGrowPage(t), folder: t.TempDir()}
	writeFile(t, filepath.Join(s.folder, "etc/thanos/bucket.yml"), s.page.section(t, "Thanos Receive").file(t, "bucket.yml"))
	return s
}

// moved replaces the absolute paths of the page.
func (s *store) moved(args []string) (moved []string) {
	for _, arg := range args {
		for _, path := range []string{"/var/lib/", "/etc/thanos/"} {
			arg = strings.ReplaceAll(arg, path, s.folder+path)
		}
		moved = append(moved, arg)
	}
	return moved
}

// start starts the program with the flags of the page, and waits until it is ready. It is started again if it ends, as a service is:
// Thanos Receive ends if its bucket does not answer, and panics if it opens its folder in the minute in which it prunes.
func (s *store) start(t *testing.T, section string, port int, flags []string, name string, command ...string) (started *server) {
	t.Helper()
	args := append(command, s.moved(s.page.section(t, section).command(t, append([]string{name}, command...)...))...)
	require.NoError(t, os.MkdirAll(filepath.Join(s.folder, "var/lib"), 0o755))
	eventually(t, 2*time.Minute, func() error {
		if started == nil || started.ended() {
			started = s.program(t, port, exec.Command(stockBinary(t, name), append(args, flags...)...))
		}
		response, err := started.client.Get(started.url + "/-/ready")
		if err != nil {
			return err
		}
		body, err := readAll(response.Body)
		if err != nil {
			return err
		}
		return errUnless(response.StatusCode == http.StatusOK, "%s is not ready: %d %s", name, response.StatusCode, body)
	})
	return started
}

// ended reports whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func (s *store) victoriaMetrics(t *testing.T) *server {
	t.Helper()
	return s.start(t, "VictoriaMetrics", 8428, nil, "victoria-metrics")
}

func (s *store) thanosReceive(t *testing.T, flags ...string) *server {
	t.Helper()
	return s.start(t, "Thanos Receive", 10902, flags, "thanos", "receive")
}

// prometheusYML merges configurations: lists are appended, and maps united.
func prometheusYML(t *testing.T, parts ...string) string {
	t.Helper()
	merged := map[string]any{}
	for _, part := range parts {
		var file map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(part), &file))
		for name, value := range file {
			switch before := merged[name].(type) {
			case []any:
				merged[name] = append(before, value.([]any)...)
			case map[string]any:
				maps.Copy(before, value.(map[string]any))
			default:
				merged[name] = value
			}
		}
	}
	text, err := yaml.Marshal(merged)
	require.NoError(t, err)
	return string(text)
}

// Both stores have every sample of Ausguck, although they are killed, cut off and slow, and so is Ausguck; what upstream does not
// promise is filled in with the commands of the page.
func TestRemoteWriteToStores(t *testing.T) {
	network := newLAN(t)
	bucket := startObjectStore(t, network, "metrics")
	home, stores := network.host(t, 1), newStore(t, network, 2)
	load, jobs := serveLoad(t, home)
	config := configDir(t, map[string]string{"prometheus.yml": strings.ReplaceAll(prometheusYML(t,
		stores.page.section(t, "VictoriaMetrics").file(t, "prometheus.yml"),
		stores.page.section(t, "Thanos Receive").file(t, "prometheus.yml"), jobs),
		"send_native_histograms: true", "send_native_histograms: true\n      metadata_config: {send_interval: 5s}")})
	storage := t.TempDir()
	sources := stores.page.section(t, "Dashboards and Explore on the store").file(t, "grafana/provisioning/datasources/stores.yml")
	writeFile(t, filepath.Join(config, "grafana/provisioning/datasources/stores.yml"), sources)
	flags := append([]string{"--web.listen-address=10.0.0.1:2025", "--no-loki"}, metricsOnly...)

	victoria, receive := stores.victoriaMetrics(t), stores.thanosReceive(t)
	query := stores.start(t, "Thanos Receive", 10932, nil, "thanos", "query")
	ausguck := home.ausguck(t, config, storage, flags...)
	ausguck.waitReady(t, readyTimeout)
	load.wait(t, 5)
	begin := time.Now()

	load.wait(t, 5)
	killed := time.Now()
	victoria.kill()
	receive.kill()
	load.wait(t, 3)
	victoria, receive = stores.victoriaMetrics(t), stores.thanosReceive(t)
	load.wait(t, 4)
	stores.cut(t)
	load.wait(t, 6)
	stores.join(t)
	load.wait(t, 4)
	stores.slow(t, "1mbit")
	load.wait(t, 6)
	stores.fast(t)
	load.wait(t, 8)
	sender := time.Now()
	ausguck.kill()
	ausguck = home.ausguck(t, config, storage, flags...)
	ausguck.waitReady(t, readyTimeout)
	load.wait(t, 5)

	end := time.Now()
	own := ausguck.samples(t, begin, end)
	inVictoria := func() samples { return victoria.exported(t, begin, end) }
	inThanos := func() samples { return query.samples(t, begin, end) }
	// Samples are sent in order, so if the last ones are there, nothing follows.
	lost := func(name string, read func() samples) (missing samples) {
		eventually(t, time.Minute, func() error {
			missing = own.missing(t, read())
			_, last := missing.times()
			return errUnless(last.Before(sender.Add(time.Second)), "%s is behind: %d samples are missing, the last of %s", name, missing.count(), last)
		})
		first, last := missing.times()
		figure(t, "%s lacks %d of %d samples, of %s, after its kill, a cut, a slow link and the kill of Ausguck", name, missing.count(), own.count(), last.Sub(first))
		return missing
	}
	for at := range maps.Values(lost("Thanos Receive", inThanos)) {
		for at := range maps.Keys(at) {
			require.WithinDuration(t, sender, time.UnixMilli(at), 3*time.Second, "only what was not sent yet")
		}
	}
	for at := range maps.Values(lost("VictoriaMetrics", inVictoria)) {
		for at := range maps.Keys(at) {
			if time.UnixMilli(at).After(killed) {
				require.WithinDuration(t, sender, time.UnixMilli(at), 3*time.Second, "only what was not sent yet")
			} else {
				require.WithinDuration(t, killed, time.UnixMilli(at), 7*time.Second, "only what was not written yet")
			}
		}
	}

	stores.script(t, "If samples are missing in the store", home, "/var/lib/ausguck", storage,
		"2026-11-30T01:00Z", begin.UTC().Format(time.RFC3339), "2026-11-30T02:00Z", end.Add(time.Second).UTC().Format(time.RFC3339))
	gateway := stores.start(t, "Thanos Receive", 10912, nil, "thanos", "store")
	for name, read := range map[string]func() samples{"Thanos": inThanos, "VictoriaMetrics": inVictoria} {
		eventually(t, time.Minute, func() error {
			missing := own.missing(t, read()).count()
			return errUnless(missing == 0, "%s still lacks %d samples", name, missing)
		})
	}
	figure(t, "after the commands of docs/grow.md, both stores have all %d samples with equal values", own.count())
	requireKinds(t, ausguck, query, victoria)
	requireSources(t, ausguck, config, sources, end)
	for name, p := range map[string]*server{"victoria-metrics": victoria, "thanos receive": receive, "thanos query": query, "thanos store": gateway, "ausguck": ausguck} {
		figure(t, "%s with %d series: %d MiB resident, %d MiB at most", name, loadSeries, p.memory(t, "VmRSS")>>20, p.memory(t, "VmHWM")>>20)
	}

	// Receive writes its block while the bucket refuses it, and uploads it when the bucket is back. Then the bucket has everything.
	uploaded := func() int { return len(bucket.metas(t)) }
	require.Equal(t, 1, uploaded(), "only the block of the gap")
	bucket.fail(gateRefuses)
	receive.signal(t, syscall.SIGTERM)
	receive.exitCode(t, 2*time.Minute)
	require.Equal(t, 1, uploaded())
	bucket.open()
	receive = stores.thanosReceive(t)
	eventually(t, time.Minute, func() error { return errUnless(uploaded() == 2, "%d blocks are in the bucket", uploaded()) })
	receive.signal(t, syscall.SIGTERM)
	receive.exitCode(t, time.Minute)
	gateway.kill()
	stores.start(t, "Thanos Receive", 10912, nil, "thanos", "store")
	eventually(t, time.Minute, func() error {
		missing := own.missing(t, inThanos()).count()
		return errUnless(missing == 0, "the bucket lacks %d samples", missing)
	})
	compact := stores.start(t, "Thanos Receive", 10922, []string{"--consistency-delay=0s"}, "thanos", "compact")
	eventually(t, time.Minute, func() error {
		page := compact.get(t, "/metrics")
		require.Zero(t, metric(page, "thanos_compact_halted"))
		return errUnless(metric(page, "thanos_compact_iterations_total") > 0, "no iteration of Compact")
	})
	figure(t, "the bucket alone has all %d samples after it had refused the upload; thanos compact: %d MiB", own.count(), compact.memory(t, "VmRSS")>>20)
}

// metas returns the blocks of the bucket for metrics.
func (s *objectStore) metas(t *testing.T) (blocks []string) {
	t.Helper()
	for _, name := range s.objects(t, "metrics", "") {
		if block, found := strings.CutSuffix(name, "/meta.json"); found && !strings.Contains(block, "/") {
			blocks = append(blocks, block)
		}
	}
	return blocks
}

// requireKinds requires that native histograms, exemplars and metadata arrive where docs/grow.md says that they do.
func requireKinds(t *testing.T, ausguck, thanos, victoria *server) {
	t.Helper()
	const count = `histogram_count(load_seconds)`
	at := time.Now()
	own := ausguck.queryAt(t, count, at)
	require.Len(t, own, 1)
	for _, stored := range []struct {
		in    *server
		query string
	}{{thanos, count}, {victoria, `load_seconds_count`}} { // VictoriaMetrics stores a native histogram as series
		eventually(t, time.Minute, func() error {
			found := stored.in.queryAt(t, stored.query, at)
			return errUnless(len(found) == 1 && found[0].value(t) == own[0].value(t), "%s is %v, not %v", stored.query, found, own)
		})
	}
	require.NotEmpty(t, victoria.queryAt(t, `histogram_quantile(0.5, load_seconds_bucket)`, at))

	var exemplars []struct {
		Exemplars []struct {
			Labels map[string]string `json:"labels"`
			Value  string            `json:"value"`
		} `json:"exemplars"`
	}
	asked := url.Values{"query": {"load_seconds"}, "start": {unixTime(at.Add(-time.Minute))}, "end": {unixTime(at)}}
	thanos.data(t, "/api/v1/query_exemplars", asked, &exemplars)
	require.NotEmpty(t, exemplars)
	require.NotEmpty(t, exemplars[0].Exemplars[0].Labels["trace_id"])
	var metadata map[string][]struct{ Type, Help string }
	victoria.data(t, "/api/v1/metadata", url.Values{"metric": {"load_total"}}, &metadata)
	require.NotEmpty(t, metadata["load_total"])
	require.Equal(t, "A counter of the load.", metadata["load_total"][0].Help)
	metadata = nil
	thanos.data(t, "/api/v1/metadata", url.Values{"metric": {"load_total"}}, &metadata)
	require.Empty(t, metadata, "docs/grow.md says that Thanos Receive stores none")
}

// requireSources requires that panels get the same values from the stores as from the built-in data source, and that one line selects
// the default.
func requireSources(t *testing.T, ausguck *server, config, file string, at time.Time) {
	t.Helper()
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
	writeFile(t, filepath.Join(config, "grafana/provisioning/datasources/stores.yml"), strings.Replace(file, "    isDefault: true\n", "", 1))
	ausguck.signal(t, syscall.SIGHUP)
	eventually(t, readyTimeout, func() error {
		name := byDefault()
		return errUnless(name == "prometheus", "the default is %s", name)
	})
}

// script runs the commands of a section on a host. Pairs of strings are what differs here from the page.
func (s *store) script(t *testing.T, section string, on *host, differs ...string) {
	t.Helper()
	script := strings.NewReplacer(append(differs, "/var/lib/", s.folder+"/var/lib/", "/etc/thanos/", s.folder+"/etc/thanos/")...).
		Replace(s.page.section(t, section).script())
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(ausguckBinary(t))+":"+filepath.Dir(stockBinary(t, "thanos"))+":"+os.Getenv("PATH"))
	var p *process
	on.do(func() { p = startProcess(t, cmd) })
	require.Zero(t, p.exitCode(t, time.Minute), "%s\n%s", script, p.output)
}
