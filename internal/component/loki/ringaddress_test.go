package loki

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRingAddressThatOthersCannotReach(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "0.0.0.0", "localhost", "'::1'"} {
		file := strings.Replace(inARing, "instance_addr: 10.0.0.1", "instance_addr: "+address, 1)
		cfg, problems := LoadConfig(Options{Logger: slog.New(slog.DiscardHandler), Dir: t.TempDir()}, Source{Name: "loki.yml", Content: []byte(file)})
		require.Empty(t, problems)
		require.Len(t, cfg.Warnings, 1, address)
		require.Contains(t, cfg.Warnings[0], "loki.yml: common.instance_addr: the other members of the ring cannot reach this one at "+strings.Trim(address, "'"))
	}
	cfg, problems := LoadConfig(Options{Logger: slog.New(slog.DiscardHandler), Dir: t.TempDir()}, Source{Name: "loki.yml", Content: []byte(inARing)})
	require.Empty(t, problems)
	require.Empty(t, cfg.Warnings)
}

// Upstream takes the address of the first interface that has a private one.
func TestSeveralAddresses(t *testing.T) {
	addresses := map[string]string{"docker0": "172.17.0.1", "eth0": "10.0.0.1"}
	addressOf := func(name string) (string, error) {
		if address, ok := addresses[name]; ok {
			return address, nil
		}
		return "", errors.New("no such interface")
	}
	c := &Config{Source: "loki.yml"}
	c.warnAboutAddresses([]string{"eth0", "lo"}, addressOf)
	require.Empty(t, c.Warnings)
	c.warnAboutAddresses([]string{"docker0", "eth0", "lo"}, addressOf)
	require.Equal(t, []string{"loki.yml: common.instance_interface_names is not set: the other members of the ring get the address 172.17.0.1 of docker0, not 10.0.0.1 of eth0; name the interface that they reach"}, c.Warnings)
}
