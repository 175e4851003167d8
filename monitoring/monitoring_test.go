package monitoring_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	_ "github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/discovery/moby"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/monitoring"
)

// write writes the embedded files to a folder, as `ausguck init` does.
func write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, fs.WalkDir(monitoring.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(monitoring.Files, path)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o600)
	}))
	return dir
}

func load(t *testing.T) *config.Config {
	t.Helper()
	cfg, err := config.LoadFile(filepath.Join(write(t), "prometheus.yml"), false, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return cfg
}

func TestFilesAreValidForTheStockPrograms(t *testing.T) {
	cfg := load(t)
	var jobs []string
	for _, sc := range cfg.ScrapeConfigs {
		jobs = append(jobs, sc.JobName)
		require.Equal(t, "15s", sc.ScrapeInterval.String())
		require.NotZero(t, sc.SampleLimit)
		require.NotZero(t, sc.BodySizeLimit)
		require.NotZero(t, sc.LabelLimit)
	}
	require.Equal(t, []string{"prometheus", "node-exporter", "cadvisor", "containers", "probes", "container-probes"}, jobs)
	require.NoError(t, web.Validate(filepath.Join(write(t), "web.yml")))
}

func TestRuleFilesAreFoundByName(t *testing.T) {
	dir := write(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine.rules.yml"), []byte("groups: []\n"), 0o600))
	cfg, err := config.LoadFile(filepath.Join(dir, "prometheus.yml"), false, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.Len(t, cfg.RuleFiles, 2, "people's files, and the built-in ones")
	found, err := filepath.Glob(cfg.RuleFiles[0])
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "mine.rules.yml")}, found)
}

// jsonMap is part of a Docker API response.
type jsonMap = map[string]any

// container is a container of the fake engine.
type container struct {
	name     string
	mode     string // network mode; default: the first network
	labels   map[string]string
	networks map[string]string // name → IPv4 address
	ports    []jsonMap
}

func scrapeLabels(more ...string) map[string]string {
	l := map[string]string{"prometheus.io/scrape": "true"}
	for i := 0; i < len(more); i += 2 {
		l[more[i]] = more[i+1]
	}
	return l
}

func tcp(private int) jsonMap { return jsonMap{"PrivatePort": private, "Type": "tcp"} }

func published(ip string, private, public int) jsonMap {
	return jsonMap{"PrivatePort": private, "PublicPort": public, "IP": ip, "Type": "tcp"}
}

// fakeEngine serves the requests of docker_sd.
func fakeEngine(t *testing.T, containers []container) string {
	t.Helper()
	var list []jsonMap
	for _, c := range containers {
		networks := jsonMap{}
		for name, ip := range c.networks {
			networks[name] = jsonMap{"NetworkID": "id-" + name, "IPAddress": ip}
		}
		list = append(list, jsonMap{
			"Id": "id-" + c.name, "Names": []string{"/" + c.name}, "Labels": c.labels, "Ports": c.ports,
			"HostConfig":      jsonMap{"NetworkMode": c.mode},
			"NetworkSettings": jsonMap{"Networks": networks},
		})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.51")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			_ = json.NewEncoder(w).Encode(list)
		case strings.HasSuffix(r.URL.Path, "/networks"):
			_ = json.NewEncoder(w).Encode([]jsonMap{{"Id": "id-bridge", "Name": "bridge"}})
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// target is the user-visible part of a target: the scrape URL and the labels of its series.
type target struct {
	url    string
	labels map[string]string
}

// discover runs docker_sd of a job of the built-in file against an engine and merges targets as the scrape pool does.
func discover(t *testing.T, job, engine string) []target {
	t.Helper()
	cfg := load(t)
	i := slices.IndexFunc(cfg.ScrapeConfigs, func(sc *config.ScrapeConfig) bool { return sc.JobName == job })
	sc := cfg.ScrapeConfigs[i]
	sd := *sc.ServiceDiscoveryConfigs[0].(*moby.DockerSDConfig)
	require.Equal(t, "unix:///var/run/docker.sock", sd.Host)
	require.Equal(t, "5s", sd.RefreshInterval.String())
	sd.Host = engine

	reg := prometheus.NewRegistry()
	refresh := discovery.NewRefreshMetrics(reg)
	metrics := sd.NewDiscovererMetrics(reg, refresh)
	require.NoError(t, refresh.Register())
	d, err := sd.NewDiscoverer(discovery.DiscovererOptions{Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Metrics: metrics})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	groups := make(chan []*targetgroup.Group)
	go d.Run(ctx, groups)

	select {
	case tgs := <-groups:
		return merged(t, sc, tgs)
	case <-ctx.Done():
		require.Fail(t, "docker_sd found no targets in time")
	}
	return nil
}

// merged returns the deduplicated targets of groups.
func merged(t *testing.T, sc *config.ScrapeConfig, groups []*targetgroup.Group) []target {
	t.Helper()
	unique := make(map[string]target)
	for _, tg := range groups {
		found, failures := scrape.TargetsFromGroup(tg, sc, nil, labels.NewBuilder(labels.EmptyLabels()))
		require.Empty(t, failures)
		for _, f := range found {
			lb := labels.NewBuilder(labels.EmptyLabels())
			lset := f.Labels(lb)
			if !lset.IsEmpty() { // empty if dropped by relabeling
				unique[f.URL().String()+lset.String()] = target{f.URL().String(), lset.Map()}
			}
		}
	}
	targets := []target{}
	for _, u := range unique {
		targets = append(targets, u)
	}
	slices.SortFunc(targets, func(a, b target) int { return strings.Compare(a.url, b.url) })
	return targets
}

func TestContainersBecomeTargets(t *testing.T) {
	plain := func(name, port string) map[string]string {
		return map[string]string{"job": name, "container": name, "instance": name + ":" + port}
	}
	tests := map[string]struct {
		containers []container
		want       []target
	}{
		"bridge": {
			[]container{{name: "api", mode: "bridge", labels: scrapeLabels(), networks: map[string]string{"bridge": "172.17.0.2"}, ports: []jsonMap{tcp(3001)}}},
			[]target{{"http://172.17.0.2:3001/metrics", plain("api", "3001")}},
		},
		"two networks": {
			[]container{{name: "api", mode: "front", labels: scrapeLabels("prometheus.io/port", "3001"), networks: map[string]string{"front": "172.18.0.2", "back": "172.19.0.2"}, ports: []jsonMap{tcp(3001)}}},
			[]target{{"http://172.19.0.2:3001/metrics", plain("api", "3001")}},
		},
		"two networks without port label": {
			[]container{{name: "api", mode: "front", labels: scrapeLabels(), networks: map[string]string{"front": "172.18.0.2", "back": "172.19.0.2"}, ports: []jsonMap{tcp(3001)}}},
			[]target{{"http://172.19.0.2:3001/metrics", plain("api", "3001")}},
		},
		"several ports with port label": {
			[]container{{name: "api", mode: "front", labels: scrapeLabels("prometheus.io/port", "9464"), networks: map[string]string{"front": "172.18.0.2", "back": "172.19.0.2"}, ports: []jsonMap{tcp(80), tcp(443), tcp(9464), {"PrivatePort": 53, "Type": "udp"}}}},
			[]target{{"http://172.19.0.2:9464/metrics", plain("api", "9464")}},
		},
		"several ports without port label": { // with another Prometheus; Ausguck adds a label with the lowest port, see below
			[]container{{name: "api", mode: "bridge", labels: scrapeLabels(), networks: map[string]string{"bridge": "172.17.0.2"}, ports: []jsonMap{tcp(80), tcp(9464)}}},
			[]target{
				{"http://172.17.0.2:80/metrics", plain("api", "80")},
				{"http://172.17.0.2:9464/metrics", plain("api", "9464")},
			},
		},
		"published on IPv4 and IPv6": {
			[]container{{name: "api", mode: "bridge", labels: scrapeLabels(), networks: map[string]string{"bridge": "172.17.0.2"}, ports: []jsonMap{published("0.0.0.0", 3001, 8001), published("::", 3001, 8001)}}},
			[]target{{"http://172.17.0.2:3001/metrics", plain("api", "3001")}},
		},
		"port label for a port that is not exposed": {
			[]container{{name: "api", mode: "bridge", labels: scrapeLabels("prometheus.io/port", "3001"), networks: map[string]string{"bridge": "172.17.0.2"}}},
			[]target{{"http://172.17.0.2:3001/metrics", plain("api", "3001")}},
		},
		"no port at all": {
			[]container{{name: "api", mode: "bridge", labels: scrapeLabels(), networks: map[string]string{"bridge": "172.17.0.2"}}},
			[]target{{"http://172.17.0.2:80/metrics", plain("api", "80")}},
		},
		"host mode": {
			[]container{{name: "proxy", mode: "host", labels: scrapeLabels("prometheus.io/port", "8082"), networks: map[string]string{"host": ""}}},
			[]target{{"http://host.docker.internal:8082/metrics", plain("proxy", "8082")}},
		},
		"host mode without port label": {
			[]container{{name: "proxy", mode: "host", labels: scrapeLabels(), networks: map[string]string{"host": ""}}},
			[]target{{"http://host.docker.internal:80/metrics", plain("proxy", "80")}},
		},
		"host mode with an exposed port": {
			[]container{{name: "proxy", mode: "host", labels: scrapeLabels(), networks: map[string]string{"host": ""}, ports: []jsonMap{tcp(8082)}}},
			[]target{{"http://host.docker.internal:8082/metrics", plain("proxy", "8082")}},
		},
		"network of another container": {
			[]container{
				{name: "vpn", mode: "bridge", networks: map[string]string{"bridge": "172.17.0.9"}},
				{name: "api", mode: "container:id-vpn", labels: scrapeLabels("prometheus.io/port", "3001")},
			},
			[]target{{"http://172.17.0.9:3001/metrics", plain("api", "3001")}},
		},
		"network of another container in host mode": {
			[]container{
				{name: "vpn", mode: "host", networks: map[string]string{"host": ""}},
				{name: "api", mode: "container:id-vpn", labels: scrapeLabels("prometheus.io/port", "3001")},
			},
			[]target{{"http://host.docker.internal:3001/metrics", plain("api", "3001")}},
		},
		"two in one network": {
			[]container{
				{name: "vpn", mode: "bridge", labels: scrapeLabels("prometheus.io/port", "9000"), networks: map[string]string{"bridge": "172.17.0.9"}},
				{name: "api", mode: "container:id-vpn", labels: scrapeLabels("prometheus.io/port", "3001")},
			},
			[]target{
				{"http://172.17.0.9:3001/metrics", plain("api", "3001")},
				{"http://172.17.0.9:9000/metrics", plain("vpn", "9000")},
			},
		},
		"no network": {
			[]container{{name: "batch", mode: "none", labels: scrapeLabels(), networks: map[string]string{"none": ""}}},
			[]target{},
		},
		"no scrape label": {
			[]container{{name: "api", mode: "bridge", labels: map[string]string{"prometheus.io/port": "3001"}, networks: map[string]string{"bridge": "172.17.0.2"}, ports: []jsonMap{tcp(3001)}}},
			[]target{},
		},
		"scrape=false": {
			[]container{{name: "api", mode: "bridge", labels: map[string]string{"prometheus.io/scrape": "false"}, networks: map[string]string{"bridge": "172.17.0.2"}, ports: []jsonMap{tcp(3001)}}},
			[]target{},
		},
		"IPv6 address": {
			[]container{{name: "api", mode: "six", labels: scrapeLabels("prometheus.io/port", "3001"), networks: map[string]string{"six": "fd00:1::2"}, ports: []jsonMap{tcp(80)}}},
			[]target{{"http://[fd00:1::2]:3001/metrics", plain("api", "3001")}},
		},
		"IPv6-only network": {
			[]container{{name: "api", mode: "six", labels: scrapeLabels(), networks: map[string]string{"six": ""}, ports: []jsonMap{tcp(3001)}}},
			[]target{{"http://api:3001/metrics", plain("api", "3001")}},
		},
		"path, scheme and job labels": {
			[]container{{name: "shop-api-1", mode: "bridge", networks: map[string]string{"bridge": "172.17.0.2"}, ports: []jsonMap{tcp(8443)}, labels: scrapeLabels(
				"prometheus.io/path", "/internal/metrics", "prometheus.io/scheme", "https", "prometheus.io/job", "gateway",
				"com.docker.compose.service", "api", "com.docker.compose.project", "shop",
			)}},
			[]target{{"https://172.17.0.2:8443/internal/metrics", map[string]string{
				"job": "gateway", "container": "shop-api-1", "instance": "shop-api-1:8443", "compose_service": "api", "compose_project": "shop",
			}}},
		},
		"scheme that does not exist": {
			[]container{{name: "api", mode: "bridge", labels: scrapeLabels("prometheus.io/scheme", "gopher"), networks: map[string]string{"bridge": "172.17.0.2"}, ports: []jsonMap{tcp(3001)}}},
			[]target{{"http://172.17.0.2:3001/metrics", plain("api", "3001")}},
		},
		"compose service in two copies": {
			[]container{
				{name: "shop-api-1", mode: "shop", labels: scrapeLabels("com.docker.compose.service", "api", "com.docker.compose.project", "shop"), networks: map[string]string{"shop": "172.18.0.2"}, ports: []jsonMap{tcp(3001)}},
				{name: "shop-api-2", mode: "shop", labels: scrapeLabels("com.docker.compose.service", "api", "com.docker.compose.project", "shop"), networks: map[string]string{"shop": "172.18.0.3"}, ports: []jsonMap{tcp(3001)}},
			},
			[]target{
				{"http://172.18.0.2:3001/metrics", map[string]string{"job": "api", "container": "shop-api-1", "instance": "shop-api-1:3001", "compose_service": "api", "compose_project": "shop"}},
				{"http://172.18.0.3:3001/metrics", map[string]string{"job": "api", "container": "shop-api-2", "instance": "shop-api-2:3001", "compose_service": "api", "compose_project": "shop"}},
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tt.want, discover(t, "containers", fakeEngine(t, tt.containers)))
		})
	}
}

// If several ports are exposed, Ausguck's discovery provides the lowest, so that there is only one target.
func TestLowestPortIsScraped(t *testing.T) {
	cfg := load(t)
	sc := cfg.ScrapeConfigs[slices.IndexFunc(cfg.ScrapeConfigs, func(sc *config.ScrapeConfig) bool { return sc.JobName == "containers" })]
	group := &targetgroup.Group{}
	for _, port := range []string{"9464", "80", "443"} {
		group.Targets = append(group.Targets, model.LabelSet{
			"__address__": model.LabelValue("172.17.0.2:" + port), "__meta_docker_container_id": "id", "__meta_docker_container_name": "/api",
			"__meta_docker_container_network_mode": "bridge", "__meta_docker_container_label_prometheus_io_scrape": "true",
			"__meta_docker_port_private": model.LabelValue(port), "__meta_docker_port_lowest": "80",
		})
	}
	api := map[string]string{"job": "api", "container": "api", "instance": "api:80"}
	require.Equal(t, []target{{"http://172.17.0.2:80/metrics", api}}, merged(t, sc, []*targetgroup.Group{group}))
	for _, target := range group.Targets {
		target["__meta_docker_container_label_prometheus_io_port"] = "9464"
	}
	api["instance"] = "api:9464"
	require.Equal(t, []target{{"http://172.17.0.2:9464/metrics", api}}, merged(t, sc, []*targetgroup.Group{group}))
}

// Compose 1.29 converts YAML's true to True.
func TestLabelsOfOldCompose(t *testing.T) {
	for value, scraped := range map[string]bool{"true": true, "True": true, "TRUE": true, "false": false, "truely": false, "": false} {
		api := container{name: "api", mode: "bridge", labels: map[string]string{"prometheus.io/scrape": value}, networks: map[string]string{"bridge": "172.17.0.2"}, ports: []jsonMap{tcp(3001)}}
		require.Equal(t, scraped, len(discover(t, "containers", fakeEngine(t, []container{api}))) == 1, "prometheus.io/scrape=%q", value)
	}
}

func TestLabelsSurviveANewAddress(t *testing.T) {
	api := container{name: "api", mode: "bridge", labels: scrapeLabels(), networks: map[string]string{"bridge": "172.17.0.2"}, ports: []jsonMap{tcp(3001)}}
	before := discover(t, "containers", fakeEngine(t, []container{api}))
	api.networks = map[string]string{"bridge": "172.17.0.7"}
	after := discover(t, "containers", fakeEngine(t, []container{api}))
	require.NotEqual(t, before[0].url, after[0].url)
	require.Equal(t, before[0].labels, after[0].labels)
}
