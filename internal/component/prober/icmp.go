package prober

import (
	"fmt"

	"golang.org/x/net/icmp"
)

// warnOfPings warns if a probe of probes.yml uses ICMP and this process cannot send it.
func (p *Prober) warnOfPings() {
	s := p.state.Load()
	for _, e := range s.probes {
		if s.modules[e.moduleName()].Prober != "icmp" {
			continue
		}
		if err := pingable(); err != nil {
			p.o.Logger.Warn("ICMP probes fail", "err", err, "remedy", pingRemedy)
		}
		return
	}
}

const pingRemedy = `allow it with the sysctl net.ipv4.ping_group_range="0 2147483647": in a compose file, sysctls: {net.ipv4.ping_group_range: "0 2147483647"}`

// pingable returns an error if this process may open neither of the sockets that upstream tries.
func pingable() error {
	c, unprivileged := icmp.ListenPacket("udp4", "0.0.0.0")
	if unprivileged == nil {
		return c.Close()
	}
	c, privileged := icmp.ListenPacket("ip4:icmp", "0.0.0.0")
	if privileged == nil {
		return c.Close()
	}
	return fmt.Errorf("%w; %w", unprivileged, privileged)
}
