package monitoring_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// A container with the label prometheus.io/probe is probed, whether it has metrics or not.
func TestContainersAreProbed(t *testing.T) {
	bridge := map[string]string{"bridge": "172.17.0.2"}
	for label, want := range map[string][3]string{ // module, target, instance
		"http://:3001/healthz":        {"http_2xx", "http://172.17.0.2:3001/healthz", "http://api:3001/healthz"},
		"https://:8443":               {"http_2xx", "https://172.17.0.2:8443", "https://api:8443"},
		"http:///":                    {"http_2xx", "http://172.17.0.2/", "http://api/"},
		"https://shop.example/x?y=:1": {"http_2xx", "https://shop.example/x?y=:1", "https://shop.example/x?y=:1"},
		"tcp://:5432":                 {"tcp_connect", "172.17.0.2:5432", "tcp://api:5432"},
		"tls://:6380":                 {"tcp_tls", "172.17.0.2:6380", "tls://api:6380"},
		"tcp://db.example:5432":       {"tcp_connect", "db.example:5432", "tcp://db.example:5432"},
		"grpc://:50051":               {"grpc_plain", "172.17.0.2:50051", "grpc://api:50051"},
		"grpcs://:50051":              {"grpc", "172.17.0.2:50051", "grpcs://api:50051"},
		"icmp://":                     {"icmp", "172.17.0.2", "icmp://api"},
	} {
		t.Run(label, func(t *testing.T) {
			engine := fakeEngine(t, []container{
				{name: "api", mode: "bridge", labels: map[string]string{"prometheus.io/probe": label, "com.docker.compose.service": "api", "com.docker.compose.project": "shop"}, networks: bridge, ports: []jsonMap{tcp(80), tcp(3001)}},
				{name: "other", mode: "bridge", labels: scrapeLabels(), networks: map[string]string{"bridge": "172.17.0.3"}},
				{name: "wrong", mode: "bridge", labels: map[string]string{"prometheus.io/probe": "3001"}, networks: map[string]string{"bridge": "172.17.0.4"}},
			})
			u := "http://blackbox:9115/probe?" + url.Values{"module": {want[0]}, "target": {want[1]}}.Encode()
			require.Equal(t, []target{{u, map[string]string{
				"job": "probes", "group": "Containers", "probe": "api", "instance": want[2], "compose_service": "api", "compose_project": "shop",
			}}}, discover(t, "container-probes", engine))
		})
	}
	for mode, want := range map[string]string{"host": "http://host.docker.internal:3001/", "six": "http://api:3001/"} {
		engine := fakeEngine(t, []container{{name: "api", mode: mode, labels: map[string]string{"prometheus.io/probe": "http://:3001/"}, networks: map[string]string{mode: ""}}})
		found := discover(t, "container-probes", engine)
		require.Len(t, found, 1, mode)
		require.Contains(t, found[0].url, url.QueryEscape(want), mode)
	}
}
