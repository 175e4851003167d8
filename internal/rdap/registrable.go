package rdap

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Registrable returns the domain, in A-labels, that somebody registered to have a host name: example.co.uk for www.example.co.uk.
// Suffixes of providers, such as github.io, count as registered domains.
func Registrable(host string) (string, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return "", fmt.Errorf("%s is an address, not a domain", host)
	}
	name, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(strings.TrimSuffix(host, "."))
	if err != nil {
		return "", fmt.Errorf("%q is not a domain: %w", host, err)
	}
	suffix, icann := publicsuffix.PublicSuffix(name)
	for !icann && strings.Contains(suffix, ".") {
		_, rest, _ := strings.Cut(suffix, ".")
		suffix, icann = publicsuffix.PublicSuffix(rest)
	}
	label, ok := strings.CutSuffix(name, "."+suffix)
	if label = label[strings.LastIndexByte(label, '.')+1:]; !ok || label == "" {
		return "", fmt.Errorf("%q is not a domain that can be registered", host)
	}
	return label + "." + suffix, nil
}
