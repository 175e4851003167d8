package dockerhost

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// self describes where this process runs.
type self struct {
	inContainer bool
	// id is the id of our own container, empty if unknown.
	id string
	// gateway is the next hop of the default route: the host, seen from a bridge network.
	gateway netip.Addr
}

// Docker bind-mounts /etc/hostname from /var/lib/docker/containers/<id>/hostname.
var ownIDPattern = regexp.MustCompile(`/containers/([0-9a-f]{64})/`)

// detectSelf reads files below root, which is / except in tests.
func detectSelf(root string) self {
	var s self
	if _, err := os.Stat(filepath.Join(root, ".dockerenv")); err == nil {
		s.inContainer = true
	} else if _, err := os.Stat(filepath.Join(root, "run/.containerenv")); err == nil {
		s.inContainer = true
	}
	if !s.inContainer {
		return s
	}
	if b, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo")); err == nil {
		if m := ownIDPattern.FindSubmatch(b); m != nil {
			s.id = string(m[1])
		}
	}
	if b, err := os.ReadFile(filepath.Join(root, "proc/net/route")); err == nil {
		s.gateway = defaultGateway(b)
	}
	return s
}

// defaultGateway parses the kernel's IPv4 routing table, in which addresses are little-endian hex.
func defaultGateway(table []byte) netip.Addr {
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		b, err := hex.DecodeString(f[2])
		if err != nil || len(b) != 4 || binary.LittleEndian.Uint32(b) == 0 {
			continue
		}
		return netip.AddrFrom4([4]byte{b[3], b[2], b[1], b[0]})
	}
	return netip.Addr{}
}
