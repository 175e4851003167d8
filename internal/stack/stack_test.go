package stack_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/ausguck/ausguck/internal/stack"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// options returns the options of the tests: a few flags, and warnings about a few of Grafana's variables.
func options(file, dir string) stack.Options {
	return stack.Options{
		File: file, Dir: dir,
		Getenv: func(name string) (string, bool) { return "/home/eve", name == "HOME" },
		Knows: func(name string) bool {
			for _, known := range []string{"web.enable-lifecycle", "storage.tsdb.retention.time", "enable-feature", "web.config.file", "cluster.listen-address", "data.retention", "log.level"} {
				if name == known {
					return true
				}
			}
			return strings.HasPrefix(name, "collector.filesystem.mount") || name == "collector.textfile.directory"
		},
		Grafana: func(environ []string) (warnings []string) {
			for _, v := range environ {
				if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "GF_SMTP_") || name == "GF_LOG_LEVEL" {
					warnings = append(warnings, name+" has no effect")
				}
			}
			return warnings
		},
	}
}

// Each folder of testdata has a monitoring stack and its replacement.
func TestStacks(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*compose.y*ml")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 7)
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			out := dir
			if filepath.Base(dir) == "odd" {
				out = filepath.Join(dir, "elsewhere")
			}
			r, err := stack.Read(options(file, out), "ausguck.yml")
			require.NoError(t, err)
			got := string(r.Content) + "---\nreplaced: " + strings.Join(r.Replaced, " ") + "\nleft: " + strings.Join(r.Left, " ") + "\nnotes:\n"
			for _, note := range r.Notes {
				got += "- " + quote(t, note) + "\n"
			}
			golden := filepath.Join(dir, "golden.yml")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
			var parsed map[string]any
			require.NoError(t, yaml.Unmarshal(r.Content, &parsed))
		})
	}
}

func quote(t *testing.T, text string) string {
	out, err := yaml.Marshal(text)
	require.NoError(t, err)
	return strings.TrimSuffix(strings.ReplaceAll(string(out), "\n    ", " "), "\n")
}

func TestFilesThatAreNone(t *testing.T) {
	for name, tt := range map[string]struct{ content, want string }{
		"nothing":               {"", "is empty"},
		"no services":           {"scrape_configs: []", "has no services: at its top; is it a compose file?"},
		"nothing to replace":    {"services: {web: {image: nginx}}", "no service has an image of Prometheus, Alertmanager"},
		"no YAML":               {"services: [", "compose.yml: yaml: line 1"},
		"an anchor in itself":   {"x: &x {<<: *x, a: b}\nservices: {web: *x}", ""},
		"services that are odd": {"services: {a: , b: [1, 2], c: text, d: {image: [prom/prometheus], volumes: {a: b}, ports: 80, networks: 7}}", "no service has an image"},
		"images of others":      {"services: {a: {image: acme/prometheus}, b: {image: prom/pushgateway}, c: {image: grafana/alloy}, d: {build: .}}", "no service has an image"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "compose.yml")
			require.NoError(t, os.WriteFile(file, []byte(tt.content), 0o644))
			_, err := stack.Read(options(file, "."), "ausguck.yml")
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestImages(t *testing.T) {
	for image, recognized := range map[string]bool{
		"prom/prometheus": true, "docker.io/prom/prometheus:v3": true, "quay.io/prometheus/prometheus@sha256:00": true, "localhost:5000/prometheus:v2": true,
		"${P:-prom/prometheus}:${V:-v2}": true, "${P:-prom/prometheus:v2.53.0}": true, "$$x": false, "bitnami/prometheus:2": true, "mirror.example/quay.io/prometheus/node-exporter": true,
		"google/cadvisor": true, "ghcr.io/google/cadvisor:v0.60.6": true, "m.example/gcr.io/cadvisor/cadvisor": true, "bitnami/grafana-loki:3": true,
		"grafana/grafana-oss": true, "grafana/grafana-image-renderer": false, "grafana/tempo": false, "prometheus": false, "grafana/mimir": false,
	} {
		file := filepath.Join(t.TempDir(), "compose.yml")
		require.NoError(t, os.WriteFile(file, []byte("services: {x: {image: '"+image+"'}}"), 0o644))
		_, err := stack.Read(options(file, "."), "ausguck.yml")
		require.Equal(t, recognized, err == nil, "%s: %v", image, err)
	}
}

// A prefix that the new URL has is served as before, so nobody is told to change it.
func TestPrefixThatStays(t *testing.T) {
	for _, services := range []string{
		"prometheus: {image: prom/prometheus, command: ['--web.external-url=https://a.example/prom']}",
		"prometheus: {image: prom/prometheus, command: ['--web.external-url=https://a.example/prom', '--web.route-prefix=/prom']}",
		"prometheus: {image: prom/prometheus, command: ['--web.external-url=https://a.example/x', '--web.route-prefix=/']}",
		"prometheus: {image: prom/prometheus, command: ['--web.route-prefix=/mon']}\n  grafana: {image: grafana/grafana, environment: {GF_SERVER_ROOT_URL: '%(protocol)s://%(domain)s:%(http_port)s/mon/'}}",
	} {
		file := filepath.Join(t.TempDir(), "compose.yml")
		require.NoError(t, os.WriteFile(file, []byte("services:\n  "+services+"\n"), 0o644))
		r, err := stack.Read(options(file, filepath.Dir(file)), "ausguck.yml")
		require.NoError(t, err)
		require.NotContains(t, strings.Join(r.Notes, "\n"), "its API was below", services)
	}
}

// Settings of one line each, and their translation.
func TestDetails(t *testing.T) {
	const grafana = "\n  grafana: {image: grafana/grafana, ports: ['80:3000']}"
	for name, tt := range map[string]struct {
		services     string
		lines, notes []string
		not          string
	}{
		"a range of ports":       {"prometheus: {image: prom/prometheus, ports: ['9090-9091:9090-9091']}", []string{"- '9090:9090'"}, []string{"port 9091 is not published"}, "9091:"},
		"a port with an address": {"prometheus: {image: prom/prometheus, ports: ['[::1]:19090:9090', '${IP:-10.0.0.1}:9090:9090/tcp']}", []string{"'[::1]:19090:9090'", "- ${IP:-10.0.0.1}:9090:9090"}, nil, ""},
		"links of Prometheus":    {"prometheus: {image: prom/prometheus, ports: ['9090:9090'], command: ['--web.external-url=http://a.example:9090/']}" + grafana, []string{"- --web.external-url=http://a.example:80/"}, []string{"links now lead to http://a.example:80/"}, "AUSGUCK_EXTERNAL_URL"},
		"links by a proxy":       {"prometheus: {image: prom/prometheus, command: ['--web.external-url=https://a.example/prom', '--web.route-prefix=/']}" + grafana, []string{"- --web.external-url=https://a.example/prom"}, nil, "route-prefix"},
		"a prefix of the API":    {"prometheus: {image: prom/prometheus, command: ['--web.route-prefix=/prom/']}" + grafana, nil, []string{"prometheus: its API was below /prom and is now served without this prefix"}, "route-prefix"},
		"a path behind Grafana": {
			"am: {image: prom/alertmanager, command: ['--web.external-url=https://a.example/alerts']}\n  grafana: {image: grafana/grafana, environment: {GF_SERVER_ROOT_URL: 'https://%(domain)s:%(http_port)s/charts'}}",
			nil, []string{"am: its API was below /alerts"}, "",
		},
		"a part of Loki":              {"loki: {image: grafana/loki, command: [-target=write]}", nil, []string{"loki: --target=write has no effect"}, "target"},
		"a flag twice":                {"prometheus: {image: prom/prometheus, command: [--log.level=debug]}\n  am: {image: prom/alertmanager, command: [--log.level=warn]}", []string{"- --log.level=debug"}, nil, "warn"},
		"a blank in a value":          {"prometheus: {image: prom/prometheus, command: --storage.tsdb.retention.time '1 d'}", []string{"- '--storage.tsdb.retention.time=1 d'"}, nil, ""},
		"a database server":           {"grafana: {image: grafana/grafana, environment: {GF_DATABASE_TYPE: postgres}}", nil, []string{"its data is in a database server"}, "--from-grafana=/"},
		"the socket of another place": {"promtail: {image: grafana/promtail, volumes: ['/run/user/1000/docker.sock:/var/run/docker.sock']}", []string{"- /run/user/1000/docker.sock:/var/run/docker.sock", "${DOCKER_GID:-999}"}, nil, ""},
		"no exporter and no socket":   {"grafana: {image: grafana/grafana}", nil, nil, "docker.sock"},
		"two files at one place":      {"prometheus: {image: prom/prometheus, command: --config.file=/config/p.yml, volumes: ['./a:/config']}\n  loki: {image: grafana/loki, command: -config.file=/config/l.yml, volumes: ['./b:/config']}", []string{"- ./a:/config:ro"}, []string{"./b is not mounted, because ./a is already mounted on /config"}, "./b:"},
		"variables of two":            {"loki: {image: grafana/loki, environment: [KEY=a]}\n  promtail: {image: grafana/promtail, environment: {KEY: b}}", []string{"- KEY=a"}, []string{"promtail: the variable KEY is ignored"}, "KEY=b"},
		"ports of a cluster":          {"am: {image: prom/alertmanager, command: ['--cluster.listen-address=0.0.0.0:9094'], ports: ['9094:9094']}", []string{"- '9094:9094'"}, nil, ""},
		"network of another":          {"grafana: {image: grafana/grafana, network_mode: 'service:vpn'}", nil, []string{"network_mode: service:vpn is not carried over"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "my stack.yml")
			require.NoError(t, os.WriteFile(file, []byte("services:\n  "+tt.services+"\n"), 0o644))
			r, err := stack.Read(options(file, filepath.Dir(file)), "ausguck.yml")
			require.NoError(t, err)
			for _, line := range tt.lines {
				require.Contains(t, string(r.Content), line)
			}
			for _, note := range tt.notes {
				require.Contains(t, strings.Join(r.Notes, "\n"), note)
			}
			if tt.not != "" {
				require.NotContains(t, string(r.Content), tt.not)
			}
			require.Contains(t, string(r.Content), "docker compose -f 'my stack.yml' stop")
		})
	}
}
