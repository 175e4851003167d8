package prober

import (
	"testing"

	"github.com/prometheus/blackbox_exporter/config"
	"github.com/stretchr/testify/require"
)

// TestPingsInAContainer, with a Docker engine, sees upstream write this log.
func TestPingsForbidden(t *testing.T) {
	const log = `time=2026-11-29T19:27:10.871Z level=ERROR source=icmp.go:140 msg="Error listening to socket" err="listen ip4:icmp 0.0.0.0: socket: operation not permitted"` + "\n"
	for _, c := range []struct {
		module config.Module
		debug  string
		want   string // part of the remedy; empty if echo requests are permitted
	}{
		{config.Module{Prober: "icmp"}, log, "net.ipv4.ping_group_range"},
		{config.Module{Prober: "icmp", ICMP: config.ICMPProbe{DontFragment: true}}, log, "cap_add: [NET_RAW]"},
		{config.Module{Prober: "icmp"}, `level=WARN msg="Timeout reading from socket"`, ""},
		{config.Module{Prober: "tcp"}, log, ""},
	} {
		remedy, forbidden := pingsForbidden(c.module, c.debug)
		require.Equal(t, c.want != "", forbidden)
		require.Contains(t, remedy, c.want)
	}
}
