package prober

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/blackbox_exporter/config"
)

// prepare checks the addresses of the target, and replaces a host that only Docker knows. The time that it takes is subtracted
// from the time that the probe has.
func (p *Prober) prepare(ctx context.Context, q *request) error {
	begun, m := time.Now(), q.module
	host, port := hostOf(m.Prober, q.target)
	if host == "" {
		return nil
	}
	number, _ := strconv.ParseUint(port, 10, 16) // upstream reports an invalid one
	ip, err := netip.ParseAddr(host)
	literal := err == nil
	if literal {
		if err := p.refuse(ctx, netip.AddrPortFrom(ip, uint16(number))); err != nil {
			return err
		}
	}
	if p.o.Resolve != nil {
		if better, ok := p.o.Resolve(ctx, host); ok {
			q.target = withHost(m.Prober, q.target, better.String())
			if !literal && q.hostname == "" && !namesHost(m) {
				if err := q.setHost(hostHeader(m.Prober, host, port, q.target)); err != nil {
					return err
				}
			}
			ip, literal = better, true
			if err := p.refuse(ctx, netip.AddrPortFrom(ip, uint16(number))); err != nil {
				return err
			}
		}
	}
	if literal || m.Prober == "http" && !m.HTTP.UseHTTP3 { // TCP connections are checked one by one
		return nil
	}
	lookup, cancel := context.WithTimeout(ctx, q.timeout/2)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(lookup, "ip", host)
	if err != nil {
		return nil //nolint:nilerr // upstream reports it with its metrics
	}
	for _, ip := range ips {
		if err := p.refuse(ctx, netip.AddrPortFrom(ip, uint16(number))); err != nil {
			return err
		}
	}
	q.timeout -= time.Since(begun)
	return nil
}

// namesHost reports whether the module sets the Host header or the server name itself.
func namesHost(m config.Module) bool {
	for name := range m.HTTP.Headers {
		if strings.EqualFold(name, "Host") {
			return true
		}
	}
	return m.TCP.TLSConfig.ServerName != ""
}

// hostHeader returns the value of upstream's parameter "hostname". For TLS it is the server name, which has no port.
func hostHeader(prober, host, port, target string) string {
	if prober == "http" && port != "80" && !strings.HasPrefix(target, "https://") {
		return net.JoinHostPort(host, port)
	}
	return host
}
