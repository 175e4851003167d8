package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// side is one of the compared alternatives: the stock programs, or Ausguck.
type side struct {
	name     string
	programs []*program
	// api is the URL of the Prometheus API, without a trailing slash.
	api string
	// logs is the URL of Loki's API.
	logs string
}

// Texts in the exporters' pages that show that they work.
const (
	nodeSign      = "node_cpu_seconds_total"
	containerSign = "container_cpu_usage_seconds_total"
)

// startSeparate starts the stock programs. targets are those of the load, in addition to the host and the containers.
func startSeparate(ctx context.Context, o options, dir string, targets []string) (*side, error) {
	addresses := make([]string, 5)
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress(); err != nil {
			return nil, err
		}
	}
	server, node, containers, logs, alerts := addresses[0], addresses[1], addresses[2], addresses[3], addresses[4]
	config, err := writeConfig(dir, o.load.Interval, targets, server, node, containers, alerts)
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(containers, ":")
	_, logPort, _ := strings.Cut(logs, ":")
	for name, content := range map[string]string{"loki.yml": lokiFile(filepath.Join(dir, "loki"), logPort), "promtail.yml": promtailFile(dir, o.logDir, logs)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	s := &side{name: "separate", api: "http://" + server, logs: "http://" + logs}
	for _, command := range []struct {
		name  string
		ready sign
		args  []string
	}{
		{"prometheus", sign{"http://" + server + "/-/ready", ""}, []string{
			"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "tsdb"), "--web.listen-address=" + server,
		}},
		{"node_exporter", sign{"http://" + node + "/metrics", nodeSign}, []string{"--web.listen-address=" + node}},
		{"cadvisor", sign{"http://" + containers + "/metrics", containerSign}, []string{"-listen_ip=" + host, "-port=" + port}},
		{"alertmanager", sign{"http://" + alerts + "/-/ready", ""}, []string{
			"--config.file=" + filepath.Join(filepath.Dir(config), "alertmanager.yml"), "--storage.path=" + filepath.Join(dir, "alerts"),
			"--web.listen-address=" + alerts, "--cluster.listen-address=",
		}},
		{"loki", sign{"http://" + logs + "/ready", ""}, []string{"-config.file=" + filepath.Join(dir, "loki.yml")}},
		{"promtail", sign{"http://" + logs + "/ready", ""}, []string{"-config.file=" + filepath.Join(dir, "promtail.yml")}},
	} {
		p, err := start(ctx, dir, command.name, []sign{command.ready}, filepath.Join(o.stockDir, command.name), command.args...)
		if err != nil {
			return nil, err
		}
		s.programs = append(s.programs, p)
	}
	return s, nil
}

// startAusguck starts Ausguck. Its own exporters are scraped under their default names.
func startAusguck(ctx context.Context, o options, dir string, targets []string) (*side, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config, err := writeConfig(dir, o.load.Interval, targets, "prometheus:9090", "node-exporter:9100", "cadvisor:8080", "alertmanager:9093")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(config), "promtail.yml"), []byte(promtailFile(dir, o.logDir, "loki:3100")), 0o644); err != nil {
		return nil, err
	}
	api := "http://admin:" + adminPassword + "@" + address
	ready := []sign{{api + "/-/ready", ""}, {api + "/metrics/node", nodeSign}, {api + "/metrics/cadvisor", containerSign}}
	p, err := start(ctx, dir, "ausguck", ready, o.ausguck,
		"--config.dir="+filepath.Dir(config), "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--no-web.well-known-ports")
	if err != nil {
		return nil, err
	}
	return &side{name: "ausguck", programs: []*program{p}, api: api, logs: api}, nil
}

// writeConfig writes the prometheus.yml, which only differs in the addresses between the sides, and an alertmanager.yml.
func writeConfig(dir string, interval time.Duration, targets []string, server, node, containers, alerts string) (string, error) {
	text := fmt.Sprintf("global: {scrape_interval: %s}\nalerting: {alertmanagers: [{static_configs: [{targets: ['%s']}]}]}\nscrape_configs:\n", interval, alerts)
	for job, addresses := range map[string][]string{
		"load": targets, "prometheus": {server}, "node-exporter": {node}, "cadvisor": {containers}, "alertmanager": {alerts},
	} {
		if len(addresses) > 0 {
			text += fmt.Sprintf("  - job_name: %s\n    static_configs: [{targets: ['%s']}]\n", job, strings.Join(addresses, "', '"))
		}
	}
	path := filepath.Join(dir, "config", "prometheus.yml")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	const nobody = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
	return path, errors.Join(os.WriteFile(path, []byte(text), 0o644),
		os.WriteFile(filepath.Join(filepath.Dir(path), "alertmanager.yml"), []byte(nobody), 0o644))
}

// waitReady waits for all programs of the side and returns the times until its server and until everything was ready.
func (s *side) waitReady(ctx context.Context) (server, all time.Duration, err error) {
	for i, p := range s.programs {
		first, last, err := p.waitReady(ctx)
		if err != nil {
			return 0, 0, err
		}
		if i == 0 {
			server = first
		}
		all = max(all, last)
	}
	return server, all, nil
}

// stop stops all programs of the side and returns the time that the slowest one took.
func (s *side) stop() (time.Duration, error) {
	var slowest time.Duration
	for _, p := range slices.Backward(s.programs) {
		took, err := p.stop()
		if err != nil {
			return 0, err
		}
		slowest = max(slowest, took)
	}
	return slowest, nil
}

// query evaluates an expression that returns one series, at the current time.
func (s *side) query(ctx context.Context, expression string) (float64, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := s.get(ctx, "/api/v1/query", url.Values{"query": {expression}}, &answer); err != nil {
		return 0, err
	}
	if len(answer.Data.Result) != 1 {
		return 0, fmt.Errorf("%s has %d series on the side %s", expression, len(answer.Data.Result), s.name)
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}

// samplesAppended returns the number of samples that the side has stored since its start.
func (s *side) samplesAppended(ctx context.Context) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.api+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	sum, found := 0.0, false
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		if !strings.HasPrefix(name, "prometheus_tsdb_head_samples_appended_total") {
			continue
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, fmt.Errorf("%s does not say how many samples it has stored", s.name)
	}
	return sum, nil
}

// get queries the Prometheus API and decodes the response.
func (s *side) get(ctx context.Context, path string, params url.Values, into any) error {
	return s.ask(ctx, s.api, path, params, nil, into)
}

// ask queries an API and decodes the response.
func (s *side) ask(ctx context.Context, api, path string, params url.Values, header http.Header, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, api+path+"?"+params.Encode(), nil)
	if err != nil {
		return err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return fmt.Errorf("%s of %s answers %s: %s", path, s.name, response.Status, body)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
