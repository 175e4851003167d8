// Package prober probes targets from outside by HTTP, TCP, TLS, ICMP, DNS and gRPC, as blackbox_exporter does.
//
// It wraps github.com/prometheus/blackbox_exporter, whose modules it reads from blackbox.yml. What it adds is probes.yml, a short
// list of targets with what is expected of each: it turns every entry into a module and a target of Prometheus's HTTP service
// discovery. If an entry says so, it has internal/rdap ask the registry when the domain expires. Addresses that must not be probed
// are rejected, also behind redirects.
//
// Only internal/app imports it.
package prober
