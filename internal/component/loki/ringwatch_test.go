package loki

import (
	"cmp"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const inARing = `
common: {replication_factor: 3, ring: {instance_id: host1, instance_addr: 10.0.0.1, kvstore: {store: memberlist}}}
memberlist: {join_members: ["10.0.0.1:7946", "10.0.0.2:7946"]}
`

func TestRingProblem(t *testing.T) {
	cfg, problems := LoadConfig(Options{Logger: slog.New(slog.DiscardHandler), Dir: t.TempDir()}, Source{Name: "loki.yml", Content: []byte(inARing)})
	require.Empty(t, problems)
	e := &engine{cfg: cfg, address: ringAddress(cfg)}
	require.Equal(t, "10.0.0.1:9095", e.address)
	member := func(id, address, state string) ringEntry { return ringEntry{ID: id, Address: address, State: state} }
	own := member("host1", "10.0.0.1:9095", "ACTIVE")
	for name, c := range map[string]struct {
		members []ringEntry
		says    string
	}{
		"complete":        {[]ringEntry{own, member("host2", "10.0.0.2:9095", "ACTIVE"), member("host3", "10.0.0.3:9095", "ACTIVE")}, ""},
		"one is missing":  {[]ringEntry{own, member("host2", "10.0.0.2:9095", "ACTIVE"), member("host3", "10.0.0.3:9095", "UNHEALTHY")}, ""},
		"alone":           {[]ringEntry{own}, "Loki's ring has 1 active members, but with replication_factor 3 lines are accepted and found only with 2: check memberlist.join_members (10.0.0.1:7946, 10.0.0.2:7946)"},
		"two are missing": {[]ringEntry{own, member("host2", "10.0.0.2:9095", "UNHEALTHY"), member("host3", "10.0.0.3:9095", "LEAVING")}, "has 1 active members"},
		"same name":       {[]ringEntry{member("host1", "10.0.0.2:9095", "ACTIVE"), member("host3", "10.0.0.3:9095", "ACTIVE")}, "another host has the same name in Loki's ring: host1 is 10.0.0.1:9095 here and 10.0.0.2:9095 there"},
		"same address":    {[]ringEntry{own, member("host2", "10.0.0.1:9095", "ACTIVE")}, "host1 and host2 have the same address in Loki's ring, 10.0.0.1:9095"},
		"earlier name":    {[]ringEntry{own, member("old", "10.0.0.1:9095", "UNHEALTHY")}, "host1 and old have the same address in Loki's ring, 10.0.0.1:9095"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.says == "" {
				require.Empty(t, cmp.Or(e.nameProblem(c.members), e.ringProblem(c.members)))
			} else {
				require.Contains(t, cmp.Or(e.nameProblem(c.members), e.ringProblem(c.members)), c.says)
			}
		})
	}
}

// Members that start at the same moment find each other later, unless the file says not to look again; a Loki alone looks for nobody.
func TestMembersAreLookedForAgain(t *testing.T) {
	for file, want := range map[string]time.Duration{
		inARing: 30 * time.Second, strings.Replace(inARing, "memberlist: {", "memberlist: {rejoin_interval: 0s, ", 1): 0, "": 0,
	} {
		cfg, problems := LoadConfig(Options{Logger: slog.New(slog.DiscardHandler), Dir: t.TempDir()}, Source{Name: "loki.yml", Content: []byte(file)})
		require.Empty(t, problems)
		require.Equal(t, want, cfg.MemberlistKV.RejoinInterval, file)
	}
}

// A member that sends heartbeats and to which no connection can be made is reported, unless it is leaving or this one.
func TestUnreachedMembers(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer open.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	e := &engine{cfg: &Config{}}
	e.cfg.Ingester.LifecyclerConfig.ID = "host1"
	away := closed.Addr().String()
	got := e.unreached(t.Context(), []ringEntry{
		{ID: "host1", Address: away, State: stateActive}, {ID: "host2", Address: open.Addr().String(), State: stateActive},
		{ID: "host3", Address: away, State: stateActive}, {ID: "host4", Address: away, State: "LEAVING"}, {ID: "host5", Address: away, State: stateUnhealthy},
	})
	require.Len(t, got, 1)
	require.Regexp(t, "host3 is in Loki's ring, but cannot be reached: dial tcp "+away+": .*refused; if it runs, set common.instance_addr", got["host3"])
}

// A problem is reported at the second look, and a host with the same name for a minute, because each look may show the other one.
func TestRingLooks(t *testing.T) {
	now, l := time.Now(), ringLooks{}
	look := func(double, problem string) string {
		now = now.Add(ringInterval)
		return l.add(now, double, problem)
	}
	require.Empty(t, look("", "alone"))
	require.Equal(t, "alone", look("", "alone"))
	require.Equal(t, "alone", look("", ""))
	require.Empty(t, look("", ""))

	require.Empty(t, look("double", ""), "an address may just have changed")
	require.Empty(t, look("", ""))
	require.Equal(t, "double", look("double", ""))
	for range int(nameMemory / ringInterval) {
		require.Equal(t, "double", look("", ""))
	}
	require.Empty(t, look("", ""))
}

// Upstream lets the owner of the lowest token compact, also while it is unhealthy.
func TestCompactorOf(t *testing.T) {
	entry := func(id, state string, tokens ...uint32) ringEntry {
		return ringEntry{ID: id, State: state, Tokens: tokens}
	}
	for name, c := range map[string]struct {
		ring []ringEntry
		want string
	}{
		"empty":              {nil, ""},
		"without a token":    {[]ringEntry{entry("a", "ACTIVE")}, ""},
		"lowest":             {[]ringEntry{entry("a", "ACTIVE", 7), entry("b", "ACTIVE", 3), entry("c", "ACTIVE", 9)}, "b"},
		"lowest of two":      {[]ringEntry{entry("a", "ACTIVE", 5, 2), entry("b", "ACTIVE", 3)}, "a"},
		"not yet or no more": {[]ringEntry{entry("a", "JOINING", 1), entry("b", "LEAVING", 2), entry("c", "ACTIVE", 3)}, "c"},
		"dead":               {[]ringEntry{entry("a", "ACTIVE", 7), entry("b", "UNHEALTHY", 3)}, "b"},
	} {
		chosen, ok := compactorOf(c.ring)
		require.Equal(t, c.want != "", ok, name)
		require.Equal(t, c.want, chosen.ID, name)
	}
}
