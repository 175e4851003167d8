package dockerhost

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/require"
)

// useDNS configures a name server that answers every query with rcode, or not at all if silent.
func useDNS(t *testing.T, h *Host, rcode byte, silent bool) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = pc.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			if silent || n < 12 {
				continue
			}
			b[2], b[3] = b[2]|0x80, 0x80|rcode // a response, recursion available
			binary.BigEndian.PutUint16(b[10:], 0)
			_, _ = pc.WriteTo(b[:n], from)
		}
	}()
	h.dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

const nameUnknown = 3

// listen accepts connections on an address and returns the port.
func listen(t *testing.T, addr string) string {
	l, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// hostWith returns a Host that is connected to an engine with these containers.
func hostWith(t *testing.T, containers ...container.InspectResponse) *Host {
	e := newEngine(t)
	for _, c := range containers {
		e.set(c)
	}
	e.start(t)
	h, _ := newHost(t, e.endpoint())
	useDNS(t, h, nameUnknown, false)
	run(t, h)
	wait(t, h, "connected", connected(h))
	return h
}

func dial(t *testing.T, h *Host, addr string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	c, err := h.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	ip, _, err := net.SplitHostPort(c.RemoteAddr().String())
	require.NoError(t, err)
	return ip, nil
}

func TestDialByName(t *testing.T) {
	port := listen(t, "127.0.0.5:0")
	h := hostWith(t,
		runs(id("a"), "agent-gateway", on("x", "127.0.0.4"), on("y", "127.0.0.5", "alias"),
			labelled(composeServiceLabel, "gateway"), func(c *container.InspectResponse) { c.Config.Hostname = "inner" }),
		runs(id("b"), "alone", mode("none")),
	)
	for _, name := range []string{"agent-gateway", "Agent-Gateway", "gateway", "alias", "inner"} {
		t.Run(name, func(t *testing.T) {
			ip, err := dial(t, h, name+":"+port)
			require.NoError(t, err)
			require.Equal(t, "127.0.0.5", ip, "the address that answers, of two networks")
		})
	}
	t.Run("name before service", func(t *testing.T) {
		v := newView(map[string]Container{
			"1": {ID: "1", Name: "web", Labels: map[string]string{composeServiceLabel: "api"}},
			"2": {ID: "2", Name: "api"},
		})
		require.Equal(t, "2", v.named("api")[0].ID)
	})
	t.Run("no address", func(t *testing.T) {
		_, err := dial(t, h, "alone:1")
		require.EqualError(t, err, "dial alone:1: container alone has no address (network mode none)")
	})
	t.Run("nobody listens", func(t *testing.T) {
		_, err := dial(t, h, "gateway:1")
		require.ErrorContains(t, err, "dial container agent-gateway: dial tcp 127.0.0.4:1: connect: connection refused; dial tcp 127.0.0.5:1:")
	})
}

func TestDialUnknownName(t *testing.T) {
	h := hostWith(t)
	_, err := dial(t, h, "agent-gateway:3001")
	require.EqualError(t, err, "lookup agent-gateway: no such host, and no running Docker container has that name")
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)

	off, _ := newHost(t, "unix:///nowhere/docker.sock")
	useDNS(t, off, nameUnknown, false)
	run(t, off)
	wait(t, off, "missed", func() bool { return off.Status().Reason == "there is no Docker socket at /nowhere/docker.sock" })
	_, err = dial(t, off, "agent-gateway:3001")
	require.EqualError(t, err, "lookup agent-gateway: no such host, and Docker cannot be queried: there is no Docker socket at /nowhere/docker.sock")
}

func TestDialWithoutWorkingDNS(t *testing.T) {
	port := listen(t, "127.0.0.6:0")
	h := hostWith(t, runs(id("a"), "agent-gateway", on("x", "127.0.0.6")))
	h.timing.lookup = 50 * time.Millisecond
	t.Run("server failure", func(t *testing.T) {
		useDNS(t, h, 2, false)
		_, err := dial(t, h, "agent-gateway:"+port)
		require.NoError(t, err)
	})
	t.Run("silence", func(t *testing.T) {
		useDNS(t, h, 0, true)
		begun := time.Now()
		_, err := dial(t, h, "agent-gateway:"+port)
		require.NoError(t, err)
		require.Less(t, time.Since(begun), 3*time.Second, "the resolver may not eat the scrape timeout")
	})
}

func TestDialAddress(t *testing.T) {
	port := listen(t, "127.0.0.7:0")
	h := hostWith(t)
	ip, err := dial(t, h, "127.0.0.7:"+port)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.7", ip)

	t.Run("other network of the same container", func(t *testing.T) {
		// 192.0.2.1 is reserved for documentation: nothing responds there.
		h.publish(map[string]Container{"1": {ID: "1", Name: "a", Addresses: []netip.Addr{
			netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("127.0.0.7"),
		}}})
		ip, err := dial(t, h, "192.0.2.1:"+port)
		require.NoError(t, err)
		require.Equal(t, "127.0.0.7", ip)
	})
	_, err = dial(t, h, "no-port")
	require.ErrorContains(t, err, `dial "no-port"`)
}

func TestReachableFromOurContainer(t *testing.T) {
	loopback, gateway := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("172.17.0.1")
	target := runs(id("a"), "target", mode("host"))
	for name, tc := range map[string]struct {
		self self
		want []netip.Addr
	}{
		"on the host":                {self{}, []netip.Addr{loopback}},
		"in a container":             {self{inContainer: true, id: id("b"), gateway: gateway}, []netip.Addr{gateway}},
		"in a host network":          {self{inContainer: true, id: id("c"), gateway: gateway}, []netip.Addr{loopback}},
		"in a container, not known":  {self{inContainer: true, gateway: gateway}, []netip.Addr{loopback, gateway}},
		"in a container, no gateway": {self{inContainer: true, id: id("b")}, []netip.Addr{loopback}},
	} {
		t.Run(name, func(t *testing.T) {
			h := hostWith(t, target, runs(id("b"), "us", on("x", "172.17.0.3")), runs(id("c"), "us-host", mode("host")))
			h.self = tc.self
			c, ok := h.ByID(id("a"))
			require.True(t, ok)
			require.Equal(t, tc.want, h.reachable(c, h.view.Load()))
		})
	}
}

// host.docker.internal is the host wherever this process runs, and a resolver's answer takes precedence.
func TestDialHost(t *testing.T) {
	port := listen(t, "127.0.0.1:0")
	other := listen(t, "127.0.0.8:0")
	gateway := netip.MustParseAddr("127.0.0.8") // simulates the address of a bridge
	for name, tc := range map[string]struct {
		self self
		port string
		want string
	}{
		"on the host":       {self{}, port, "127.0.0.1"},
		"in a host network": {self{inContainer: true, id: id("c"), gateway: gateway}, port, "127.0.0.1"},
		"in a container":    {self{inContainer: true, id: id("b"), gateway: gateway}, other, "127.0.0.8"},
		"in a container that has an engine of its own": {self{inContainer: true, id: id("9"), gateway: gateway}, port, "127.0.0.1"},
		"in a container, not known":                    {self{inContainer: true, gateway: gateway}, other, "127.0.0.8"},
	} {
		t.Run(name, func(t *testing.T) {
			h := hostWith(t, runs(id("b"), "us", on("x", "172.17.0.3")), runs(id("c"), "us-host", mode("host")))
			h.self = tc.self
			for _, host := range []string{"host.docker.internal", "Host.Docker.Internal."} {
				ip, err := dial(t, h, host+":"+tc.port)
				require.NoError(t, err)
				require.Equal(t, tc.want, ip)
			}
		})
	}
	h := hostWith(t, runs(id("b"), "us", on("x", "172.17.0.3")))
	h.self = self{inContainer: true, id: id("b")}
	_, err := dial(t, h, "host.docker.internal:1")
	require.ErrorContains(t, err, `extra_hosts: ["host.docker.internal:host-gateway"]`)
}

// A container on a shared network is dialed there immediately, whatever address was requested; one without a shared network is
// tried, and the error names the networks that separate it.
func TestDialAcrossNetworks(t *testing.T) {
	port := listen(t, "127.0.0.9:0")
	h := hostWith(t,
		runs(id("a"), "both", on("a-first", "192.0.2.1"), on("ours", "127.0.0.9")), // nothing responds at 192.0.2.1
		runs(id("b"), "us", on("ours", "127.0.0.10")),
		runs(id("c"), "far", on("theirs", "127.0.0.11")),
		runs(id("d"), "with-far", mode("container:far")),
		runs(id("e"), "on-host", mode("host")),
	)
	h.self = self{inContainer: true, id: id("b")}
	for _, addr := range []string{"both", "192.0.2.1"} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begun := time.Now()
		c, err := h.DialContext(ctx, "tcp", net.JoinHostPort(addr, port))
		require.NoError(t, err)
		require.Equal(t, "127.0.0.9:"+port, c.RemoteAddr().String())
		require.NoError(t, c.Close())
		require.Less(t, time.Since(begun), 10*time.Second, "the other network had its share of the time first")
	}
	_, err := dial(t, h, "far:1")
	require.ErrorContains(t, err, "container far is only on theirs, and Ausguck is on ours: dial tcp 127.0.0.11:1")
	apart := func(name string) bool {
		return h.Apart(h.view.Load().named(name)[0])
	}
	require.True(t, apart("far"))
	require.True(t, apart("with-far"))
	for _, name := range []string{"both", "us", "on-host"} {
		require.False(t, apart(name), name)
	}
	h.self = self{}
	require.False(t, apart("far"), "the host reaches every bridge")
}

func TestDetectSelf(t *testing.T) {
	root := t.TempDir()
	require.Equal(t, self{}, detectSelf(root))
	write := func(path, content string) {
		path = filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
	write(".dockerenv", "")
	require.Equal(t, self{inContainer: true}, detectSelf(root))
	write("proc/self/mountinfo", "624 605 8:1 /var/lib/docker/containers/"+id("a")+"/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n")
	write("proc/net/route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"+
		"eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"+
		"eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
	require.Equal(t, self{inContainer: true, id: id("a"), gateway: netip.MustParseAddr("172.17.0.1")}, detectSelf(root))
}

// A host gets another address only where Docker knows better than DNS.
func TestResolve(t *testing.T) {
	e := newEngine(t)
	e.set(runs(id("a"), "no-such-name-in-dns", on("bridge", "192.0.2.7")))
	e.start(t)
	h, _ := newHost(t, e.endpoint())
	useDNS(t, h, nameUnknown, false)
	run(t, h)
	wait(t, h, "connected", connected(h))
	c, ok := h.ByID(id("a"))
	require.True(t, ok)
	require.NotEmpty(t, c.Addresses)
	ip, ok := h.Resolve(t.Context(), "no-such-name-in-dns")
	require.True(t, ok)
	require.Equal(t, c.Addresses[0], ip)
	ip, ok = h.Resolve(t.Context(), "host.docker.internal")
	require.True(t, ok)
	require.True(t, ip.IsLoopback(), "%s", ip)
	for _, host := range []string{"unknown.invalid", "192.0.2.1", c.Addresses[0].String()} {
		_, ok = h.Resolve(t.Context(), host)
		require.False(t, ok, host)
	}
}
