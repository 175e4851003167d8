package e2e

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Members find each other by names that lead elsewhere while they run, with mutual TLS, and one with only a public address says what it needs.
func TestGrowAlertPeers(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	text := readGrowPage(t).section(t, "Alerts in a cluster").text
	tls := clusterTLS(t)
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig})
	start := func(h *host, hosts string, flags ...string) *server {
		t.Helper()
		const withHosts = `mount --bind "$1" /etc/hosts; shift; exec "$@"` // Go reads the file again when it changes
		args := append([]string{"--mount", "sh", "-ec", withHosts, "sh", hosts, ausguckBinary(t), "--config.dir=" + config, "--storage.path=" + t.TempDir(),
			"--web.listen-address=" + h.ip + ":3000", "--no-web.well-known-ports", "--no-loki"}, metricsOnly...)
		cmd := exec.Command("unshare", append(args, flags...)...)
		cmd.Env = append(os.Environ(), passwordEnv)
		s := h.program(t, 3000, cmd)
		s.url = urlOf("admin", adminPassword, s.address)
		return s
	}
	names := filepath.Join(t.TempDir(), "hosts")
	writeFile(t, names, "127.0.0.1 localhost\n")
	hosts := map[int]*host{}
	member := func(n int, flags ...string) *server {
		t.Helper()
		hosts[n] = network.host(t, n)
		hosts[n].run(t, "iptables", "-A", "INPUT", "-p", "udp", "--dport", "9094", "-j", "DROP") // TLS needs TCP only
		s := start(hosts[n], names, append(flags, fmt.Sprintf("--cluster.peer-name=server-%d", n), "--cluster.tls-config="+tls,
			fmt.Sprintf("--cluster.listen-address=10.0.0.%d:9094", n), "--cluster.gossip-interval=100ms")...)
		s.waitReady(t, time.Minute)
		return s
	}
	first, second := member(1), member(2)
	third := member(3, "--cluster.peer=others.example:9094")
	together := func(s *server, want int) {
		t.Helper()
		eventually(t, time.Minute, func() error {
			return errUnless(len(s.peers(t)) == want, "%s sees %v", s.address, s.peers(t))
		})
	}
	together(third, 1)
	require.Contains(t, third.get(t, "/api/ausguck/status"), `"state":"ready"`)
	writeFile(t, names, "127.0.0.1 localhost\n10.0.0.1 others.example\n")
	appeared := time.Now()
	together(third, 2)
	together(first, 2)
	figure(t, "a peer is found %.0f s after its name appeared", time.Since(appeared).Seconds())
	writeFile(t, names, "127.0.0.1 localhost\n10.0.0.1 others.example\n10.0.0.2 others.example\n")
	together(second, 3)
	for _, peer := range []string{"server-1", "server-3"} {
		eventually(t, time.Minute, func() error {
			answered := strings.Contains(second.get(t, "/metrics"), `alertmanager_cluster_pings_seconds_count{peer="`+peer+`"}`)
			return errUnless(answered, "%s does not answer pings, for which AlertmanagerPeerWithoutUDP looks", peer)
		})
	}

	// Without TLS, a host stays out, and both say so.
	outside := start(network.host(t, 5), names, "--cluster.listen-address=10.0.0.5:9094", "--cluster.peer=10.0.0.1:9094", "--cluster.tcp-timeout=1s")
	outside.waitReady(t, time.Minute)
	outside.waitOutput(t, "Cannot join the cluster; retrying")
	require.Contains(t, outside.get(t, "/api/ausguck/status"), `{"name":"","address":"10.0.0.1:9094","self":false,"reached":false}`)
	require.Equal(t, 1.0, metric(outside.get(t, "/metrics"), "alertmanager_cluster_failed_peers"))
	require.Len(t, second.peers(t), 3)
	outside.stop(t)

	alone := network.host(t, 4)
	alone.run(t, "ip", "address", "flush", "dev", "eth0")
	alone.run(t, "ip", "address", "add", "1.2.3.4/24", "dev", "eth0")
	alone.run(t, "ip", "route", "add", "default", "dev", "eth0")
	alone.ip = "1.2.3.4"
	inside := regexp.MustCompile("`(--cluster.listen-address=0.0.0.0:9094) (--cluster.advertise-address=)10.0.0.1(.*?)`").FindStringSubmatch(text)
	require.NotNil(t, inside)
	public := start(alone, names, inside[1], "--cluster.gossip-interval=100ms")
	public.waitReady(t, time.Minute)
	require.Contains(t, public.get(t, "/api/ausguck/status"), "this host has no private IP address that can be advertised to the cluster: set --cluster.advertise-address")
	alone.run(t, "ip", "address", "add", "10.0.0.4/24", "dev", "eth0")
	eventually(t, time.Minute, func() error {
		return errUnless(strings.Contains(public.get(t, "/api/ausguck/status"), `"address":"10.0.0.4:9094"`), "it does not start with the address that it got")
	})
	public.stop(t)
	alone.run(t, "ip", "address", "delete", "10.0.0.4/24", "dev", "eth0")
	public = start(alone, names, inside[1], inside[2]+alone.ip+inside[3], "--cluster.gossip-interval=100ms")
	public.waitReady(t, time.Minute)
	together(public, 1)
}

// What is wrong between members that reach each other is in the log and on Status: a port that is closed for UDP, and a name that two have.
func TestGrowAlertPeersProblems(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	config := configDir(t, map[string]string{"prometheus.yml": quietConfig})
	members := map[int]*server{}
	heap := func(s *server) float64 { // after garbage collection, in MB; what the process uses is within 20 MB of chance
		s.get(t, "/debug/pprof/heap?gc=1")
		return metric(s.get(t, "/metrics"), "go_memstats_heap_alloc_bytes") / 1e6
	}
	for n, name := range []string{"", "server-1", "server-2", "server-1", ""} {
		if n == 0 {
			continue
		}
		h := network.host(t, n)
		if n == 2 {
			h.run(t, "iptables", "-A", "INPUT", "-p", "udp", "--dport", "9094", "-j", "DROP")
		}
		flags := []string{
			"--config.dir=" + config, "--storage.path=" + t.TempDir(), "--web.listen-address=" + h.ip + ":3000", "--no-web.well-known-ports",
			"--no-loki", "--no-cadvisor", "--no-node-exporter", "--no-log-collector", "--no-docker",
		}
		if name != "" {
			flags = append(flags, "--cluster.peer-name="+name, "--cluster.listen-address="+h.ip+":9094")
		}
		cmd := exec.Command(ausguckBinary(t), append(flags, "--cluster.peer=10.0.0.1:9094", "--cluster.peer=10.0.0.2:9094")...)
		cmd.Env = append(os.Environ(), passwordEnv)
		members[n] = h.program(t, 3000, cmd)
		members[n].url = urlOf("admin", adminPassword, members[n].address)
		members[n].waitReady(t, time.Minute) // one after the other, so that the third finds its name taken
	}
	says := func(n int, problem string) {
		t.Helper()
		eventually(t, 2*time.Minute, func() error {
			return errUnless(strings.Contains(members[n].get(t, "/api/ausguck/status"), problem), "server %d does not say %q", n, problem)
		})
		require.Regexp(t, `level=WARN .*msg="Problem in the cluster".* problem=.*`+regexp.QuoteMeta(problem), members[n].output.String())
	}
	says(1, "server-2 is reached over TCP and not over UDP, so notifications may be sent twice: open the cluster port for UDP too")
	says(1, "10.0.0.1:9094 and 10.0.0.3:9094 both have the name server-1, so one of them is left out: set --cluster.peer-name")
	require.Positive(t, metric(members[1].get(t, "/metrics"), "alertmanager_cluster_peer_name_conflicts_total"))
	require.NotContains(t, members[1].get(t, "/metrics"), `alertmanager_cluster_pings_seconds_count{peer="server-2"}`)
	members[4].waitOutput(t, "--cluster.peer has no effect")
	used, with, without := members[2].memory(t, "VmRSS")/1e6, heap(members[2]), heap(members[4])
	figure(t, "an Ausguck that only sends notifications uses %d MB; its heap is %.1f MB in a cluster, and %.1f MB without one", used, with, without)
	require.Less(t, used, 180, "docs/grow.md promises 130 MB")
	require.Less(t, with-without, 3.0, "docs/grow.md promises it")
}

// clusterTLS returns the path of a file for --cluster.tls-config.
func clusterTLS(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	certificate := loopbackCertificate(t, filepath.Join(dir, "ca.pem"))
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	writeFile(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	path := filepath.Join(dir, "tls.yml")
	writeFile(t, path, strings.ReplaceAll(`
tls_server_config: {cert_file: DIR/ca.pem, key_file: DIR/key.pem, client_ca_file: DIR/ca.pem, client_auth_type: RequireAndVerifyClientCert}
tls_client_config: {cert_file: DIR/ca.pem, key_file: DIR/key.pem, ca_file: DIR/ca.pem, server_name: 127.0.0.1}
`, "DIR", dir))
	return path
}
