package e2e

import (
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// memberlistGarbage are messages to the port of a cluster that no member sends.
func memberlistGarbage(t *testing.T) []string {
	t.Helper()
	random := make([]byte, 64<<10)
	_, err := rand.Read(random)
	require.NoError(t, err)
	messages := []string{"", "\x00", string(random), strings.Repeat("\xff", 1<<20), "GET / HTTP/1.1\r\n\r\n"}
	for kind := range 256 { // each kind of memberlist message, with wrong lengths
		messages = append(messages, string(rune(kind))+"\xdf\xff\xff\xff\xff", string([]byte{byte(kind), 0xdd, 0xff, 0xff, 0xff, 0xff}), string([]byte{byte(kind)})+string(random[:1000]))
	}
	return append(messages, "\x06"+strings.Repeat("\x91", 1_000_000)) // arrays in arrays, in MessagePack
}

// say sends a message on a new connection, if there is one.
func say(protocol, address, message string) {
	if c, err := net.DialTimeout(protocol, address, time.Second); err == nil {
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(c, message)
		_ = c.Close()
	}
}

// The port of an Alertmanager cluster accepts anything sent on its network; none of it ends the process.
func TestClusterPortSurvivesGarbage(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	s := startAusguck(t, t.TempDir(), t.TempDir(), append([]string{"--cluster.listen-address=" + address}, "--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-log-collector")...)
	before := s.memory(t, "RssAnon")
	for _, message := range memberlistGarbage(t) {
		say("tcp", address, message)
		say("udp", address, message[:min(len(message), 60_000)])
	}
	require.Equal(t, http.StatusOK, s.status(t, "/api/v2/status"))
	require.Less(t, s.memory(t, "RssAnon"), before+(256<<20))
	s.stop(t)
}

// The ports of a ring of Lokis accept anything sent on their network; none of it ends the process.
func TestRingPortsSurviveGarbage(t *testing.T) {
	t.Parallel()
	gossip, calls := fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))
	_, gossipPort, _ := strings.Cut(gossip, ":")
	_, callPort, _ := strings.Cut(calls, ":")
	config := configDir(t, map[string]string{"loki.yml": `
server: {grpc_listen_address: 127.0.0.1, grpc_listen_port: ` + callPort + `}
common: {instance_addr: 127.0.0.1, replication_factor: 1, ring: {kvstore: {store: memberlist}}}
memberlist: {bind_addr: [127.0.0.1], bind_port: ` + gossipPort + `, join_members: ["` + gossip + `"]}
`})
	s := startAusguck(t, config, t.TempDir(), "--no-cadvisor", "--no-node-exporter", "--no-docker", "--no-log-collector")
	before := s.memory(t, "RssAnon")
	for _, message := range memberlistGarbage(t) {
		say("tcp", gossip, message)
		say("tcp", gossip, "\x02"+message)                            // a stream of memberlist
		say("tcp", gossip, "\x01\x0e127.0.0.1:7946"+message)          // a packet, with the address of its sender
		say("tcp", calls, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+message) // gRPC
	}
	require.Positive(t, metric(s.get(t, "/metrics"), "loki_memberlist_tcp_transport_unknown_connections_total"))
	require.Contains(t, s.get(t, "/api/ausguck/status"), `"address":"`+calls+`"`)
	code, answer := s.pushJob(t, "garbage", time.Now(), "a line")
	require.Equal(t, http.StatusNoContent, code, answer)
	require.Less(t, s.memory(t, "RssAnon"), before+(256<<20))
	s.stop(t)
}
