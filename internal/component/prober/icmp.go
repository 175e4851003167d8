package prober

import (
	"strings"

	"github.com/prometheus/blackbox_exporter/config"
)

// noSocket is what upstream logs if this process may open none of the sockets for echo requests.
const noSocket = `msg="Error listening to socket"`

// pingsForbidden returns what to do if a probe failed because this process may not send echo requests.
func pingsForbidden(m config.Module, debug string) (remedy string, forbidden bool) {
	switch {
	case m.Prober != "icmp" || !strings.Contains(debug, noSocket):
		return "", false
	case m.ICMP.DontFragment: // upstream needs a raw socket for it
		return "dont_fragment needs the capability NET_RAW: in a compose file, cap_add: [NET_RAW] and user: root; or remove dont_fragment from the module", true
	}
	return `allow it with the sysctl net.ipv4.ping_group_range="0 2147483647": in a compose file, sysctls: {net.ipv4.ping_group_range: "0 2147483647"}`, true
}
