package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// rename gives the host another name.
func (h *host) rename(t *testing.T, name string) {
	t.Helper()
	var err error
	h.do(func() { err = unix.Sethostname([]byte(name)) })
	require.NoError(t, err)
}

// waitSays waits until the Status page says a text, or, if it is empty, nothing of the ring.
func (s *server) waitSays(t *testing.T, text string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		status := s.get(t, "/api/ausguck/status")
		if text == "" {
			return errUnless(!strings.Contains(status, "Loki's ring"), "the Status page says: %s", status)
		}
		return errUnless(strings.Contains(status, text), "the Status page does not say %q: %s", text, status)
	})
}

// What users report as puzzling about rings: too few members, two hosts with one name, two hosts with one address, one that cannot be reached,
// and a member of another cluster. The Status page and the log say what is wrong, and no longer when it is mended.
func TestGrowLogsRingMistakes(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	startObjectStore(t, network, "logs")
	page := readGrowPage(t).section(t, "Logs on three hosts").file(t, "loki.yml")
	ring := newLogRing(t, network, map[string]string{"loki.yml": page})
	ring.flags = append(ring.flags, "--no-log-collector", "--no-alertmanager")
	start := func(n int) *server {
		ring.start(n)
		ring.servers[n].waitReady(t, time.Minute)
		return ring.servers[n]
	}
	change := func(n int, from, to string) {
		t.Helper()
		require.Contains(t, page, from)
		writeFile(t, ring.config[n]+"/loki.yml", strings.Replace(page, from, to, 1))
	}

	first := start(0)
	code, answer := first.pushJob(t, "grow", time.Now(), "id=alone")
	require.Equal(t, http.StatusInternalServerError, code, answer)
	const tooFew = "Loki's ring has 1 active members, but with replication_factor 3 lines are accepted and found only with 2"
	first.waitSays(t, tooFew)
	require.True(t, first.output.matches("Loki's ring has a problem"))

	if *growLong {
		change(1, "memberlist:", "memberlist:\n  cluster_label: another")
		second := start(1)
		second.waitSays(t, tooFew)
		first.waitSays(t, tooFew)
		second.stop(t)
	}

	change(1, "instance_interface_names: [eth0]", "instance_addr: 10.0.0.1")
	second := start(1)
	first.waitSays(t, "host1 and host2 have the same address in Loki's ring, 10.0.0.1:9095")
	second.waitSays(t, "host1 and host2 have the same address in Loki's ring, 10.0.0.1:9095")
	second.stop(t)

	change(1, "instance_interface_names: [eth0]", "instance_addr: 10.0.0.77") // as of a container, which other hosts cannot reach
	second = start(1)
	first.waitSays(t, "host2 is in Loki's ring, but cannot be reached")
	require.Contains(t, first.get(t, "/api/ausguck/status"), `"state":"UNREACHABLE"`)
	require.Equal(t, 1.0, metric(first.get(t, "/metrics"), "ausguck_loki_ring_unreachable_members"))
	second.stop(t)

	change(1, "auth_enabled", "auth_enabled") // as on the page
	second = start(1)
	first.waitSays(t, "")
	second.waitSays(t, "")
	require.True(t, first.output.matches("Loki's ring is complete again"))
	code, answer = first.pushJob(t, "grow", time.Now(), "id=together")
	require.Equal(t, http.StatusNoContent, code, answer)

	ring.hosts[2].rename(t, "host1")
	start(2)
	first.waitSays(t, "another host has the same name in Loki's ring: host1 is 10.0.0.1:9095 here and 10.0.0.3:9095 there")
	figure(t, "too few members, another cluster_label, one address twice, one that cannot be reached and one name twice are on the Status page and in the log")
	for _, s := range ring.servers {
		s.kill()
	}
}
