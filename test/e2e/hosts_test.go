package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// lan is a switch that connects hosts. It needs root and iproute2.
type lan struct{ *network }

func newLAN(t *testing.T) lan {
	t.Helper()
	l := lan{newNetwork(t)}
	l.run(t, "ip", "link", "add", "switch", "type", "bridge")
	l.run(t, "ip", "link", "set", "switch", "up")
	return l
}

// host is a machine: a network namespace with the address 10.0.0.N of docs/grow.md, and with a name of its own, hostN.
type host struct {
	*network
	ip   string
	lan  lan
	port string // the device of the switch that leads to the host
}

// host connects a new host, with the number as last part of its address.
func (l lan) host(t *testing.T, number int) *host {
	t.Helper()
	h := &host{network: newNetwork(t), ip: fmt.Sprintf("10.0.0.%d", number), lan: l, port: fmt.Sprintf("port%d", number)}
	var namespace string
	var err error
	h.do(func() {
		namespace = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid())
		if err = unix.Unshare(unix.CLONE_NEWUTS); err == nil {
			err = unix.Sethostname(fmt.Appendf(nil, "host%d", number))
		}
	})
	require.NoError(t, err, "name the host")
	l.run(t, "ip", "link", "add", h.port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
	l.run(t, "ip", "link", "set", h.port, "master", "switch", "up")
	h.run(t, "ip", "address", "add", h.ip+"/24", "dev", "eth0")
	h.run(t, "ip", "link", "set", "eth0", "up")
	return h
}

// run runs a command in the namespace to its end.
func (n *network) run(t *testing.T, name string, args ...string) {
	t.Helper()
	var output []byte
	var err error
	n.do(func() { output, err = exec.Command(name, args...).CombinedOutput() })
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), output)
}

// cut separates the host from the others, as an unplugged cable does: no connection is closed.
func (h *host) cut(t *testing.T) {
	t.Helper()
	h.lan.run(t, "ip", "link", "set", h.port, "nomaster")
}

// join connects the host again.
func (h *host) join(t *testing.T) {
	t.Helper()
	h.lan.run(t, "ip", "link", "set", h.port, "master", "switch")
}

// slow limits what is sent to the host and by it to a rate, such as "1mbit". What waits for longer than half a second is dropped.
func (h *host) slow(t *testing.T, rate string) {
	t.Helper()
	for n, device := range h.ends() {
		n.run(t, "tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate, "burst", "16k", "latency", "500ms")
	}
}

// fast ends slow.
func (h *host) fast(t *testing.T) {
	t.Helper()
	for n, device := range h.ends() {
		n.run(t, "tc", "qdisc", "delete", "dev", device, "root")
	}
}

// ends are the two ends of the cable between the host and the switch.
func (h *host) ends() map[*network]string {
	return map[*network]string{h.lan.network: h.port, h.network: "eth0"}
}

// client returns a client of a program on the host. It connects on the host itself, so also while the host is cut off.
func (h *host) client() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConnsPerHost: 4,
		DialContext: func(ctx context.Context, protocol, address string) (net.Conn, error) {
			return h.dial(ctx, protocol, address)
		},
	}}
}

// program starts a program on the host that serves HTTP at a port.
func (h *host) program(t *testing.T, port int, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{address: fmt.Sprintf("%s:%d", h.ip, port), client: h.client()}
	s.url = "http://" + s.address
	h.do(func() { s.process = startProcess(t, cmd) })
	return s
}

// ausguck starts Ausguck on the host, with its well-known ports, and does not wait. Requests to its URL have the admin's password.
func (h *host) ausguck(t *testing.T, config, storage string, flags ...string) *server {
	t.Helper()
	cmd := exec.Command(ausguckBinary(t), append([]string{"--config.dir=" + config, "--storage.path=" + storage}, flags...)...)
	cmd.Env = append(os.Environ(), passwordEnv)
	s := h.program(t, 2025, cmd)
	s.url = urlOf("admin", adminPassword, s.address)
	return s
}

// serve runs a server of the test on the host, such as a receiver of notifications.
func (h *host) serve(t *testing.T, port int, handler http.Handler) (url string) {
	t.Helper()
	address := fmt.Sprintf("%s:%d", h.ip, port)
	listener := h.listen(t, address)
	s := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(listener) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return "http://" + address
}

func TestHosts(t *testing.T) {
	network := newLAN(t)
	hosts := []*host{network.host(t, 1), network.host(t, 2)}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 500_000)) })
	url := hosts[1].serve(t, 80, page)
	ask := func(from *host) error {
		client := from.client()
		client.Timeout = time.Second
		defer client.CloseIdleConnections()
		response, err := client.Get(url)
		if err != nil {
			return err
		}
		_, err = readAll(response.Body)
		return err
	}
	require.NoError(t, ask(hosts[0]))
	hosts[1].cut(t)
	require.Error(t, ask(hosts[0]))
	require.NoError(t, ask(hosts[1]), "a host reaches itself")
	hosts[1].join(t)
	require.NoError(t, ask(hosts[0]))
	hosts[1].slow(t, "1mbit")
	require.Error(t, ask(hosts[0]), "the page takes four seconds")
	hosts[1].fast(t)
	require.NoError(t, ask(hosts[0]))
	name := exec.Command("hostname")
	var output []byte
	var err error
	hosts[1].do(func() { output, err = name.Output() })
	require.NoError(t, err)
	require.Equal(t, "host2\n", string(output))
}
