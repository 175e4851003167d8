package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Compact merges and downsamples the blocks of a bucket, and deletes old ones. Blocks that overlap need the flag of the page.
func TestThanosCompact(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	bucket, home, stores := startObjectStore(t, network, "metrics"), network.host(t, 1), newStore(t, network, 2)
	const merged = 48 * time.Hour // the longest blocks are two weeks
	begin := time.Now().UTC().Truncate(merged).Add(-2 * merged)
	recent, again := history{begin, begin.Add(merged + 4*time.Hour)}, history{begin, begin.Add(2 * time.Hour)}
	old := history{begin.AddDate(-2, 0, 0), begin.AddDate(-2, 0, 0).Add(2 * time.Hour)}
	storage := t.TempDir()
	for _, h := range []history{recent, again, old} {
		h.blocks(t, storage+"/prometheus")
	}
	stores.script(t, "Existing history into the bucket", home, "/var/lib/ausguck", storage)
	uploaded := len(bucket.metas(t))

	compact := stores.start(t, "Thanos Receive", 10922, []string{"--consistency-delay=0s"}, "thanos", "compact")
	eventually(t, time.Minute, func() error {
		return errUnless(metric(compact.get(t, "/metrics"), "thanos_compact_halted") == 1, "Compact accepts blocks that overlap")
	})
	compact.kill()
	flags := append([]string{"--consistency-delay=0s"}, stores.page.section(t, "Thanos Sidecar").flag(t, "--compact.enable-vertical-compaction"))
	compact = stores.start(t, "Thanos Receive", 10922, flags, "thanos", "compact")
	eventually(t, 2*time.Minute, func() error {
		require.Zero(t, metric(compact.get(t, "/metrics"), "thanos_compact_halted"))
		var tooOld, raw, downsampled int
		for _, block := range bucket.blocks(t) {
			switch {
			case block.marked:
			case block.MinTime < recent.begin.UnixMilli():
				tooOld++
			case block.Thanos.Downsample.Resolution == 5*time.Minute.Milliseconds():
				downsampled++
			default:
				raw++
			}
		}
		return errUnless(tooOld == 0 && raw == 3 && downsampled == 1,
			"%d blocks older than a year, %d blocks, %d downsampled", tooOld, raw, downsampled)
	})
	figure(t, "thanos compact has merged %d blocks into one of two days, which it has downsampled, and two of two hours; %d MiB",
		uploaded, compact.memory(t, "VmHWM")>>20)
	stores.thanosStore(t)
	query := stores.start(t, "Thanos Receive", 10932, nil, "thanos", "query")
	recent.require(t, query)
}
