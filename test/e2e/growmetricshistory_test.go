package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The commands of the page copy the blocks of the past into VictoriaMetrics, and the history back to one machine.
func TestVictoriaMetricsHistory(t *testing.T) {
	t.Parallel()
	network := newLAN(t)
	home, stores := network.host(t, 1), newStore(t, network, 2)
	load, jobs := serveLoad(t, home)
	victoria := stores.victoriaMetrics(t)
	storage := t.TempDir()
	tsdb := filepath.Join(storage, "prometheus")
	day := time.Now().UTC().Truncate(24 * time.Hour)
	past := history{day.AddDate(0, 0, -3), day.AddDate(0, 0, -2)}
	past.blocks(t, tsdb)
	config := configDir(t, map[string]string{"prometheus.yml": prometheusYML(t, "global: {external_labels: {host: server-1}}", jobs)})
	short := []string{"--storage.tsdb.min-block-duration=2s", "--storage.tsdb.max-block-duration=2s", "--storage.tsdb.block-reload-interval=1s"}
	ausguck := home.local(t, config, storage, short...)
	begin := time.Now()
	load.wait(t, 3)
	end := time.Now()
	eventually(t, time.Minute, func() error {
		head := metric(ausguck.get(t, "/metrics"), "prometheus_tsdb_head_min_time_seconds")
		return errUnless(head > float64(end.Unix()+1), "the head begins at %v", head)
	})

	differs := []string{"/var/lib/ausguck", storage, "=history", "=" + storage + "/history", " history\n", " " + storage + "/history\n"}
	for range 2 { // the second time, VictoriaMetrics has all
		stores.script(t, "Existing history into VictoriaMetrics", home, differs...)
	}
	recent := ausguck.samples(t, begin, end)
	require.GreaterOrEqual(t, recent.count(), 2*loadSeries)
	require.Zero(t, recent.missing(t, victoria.exported(t, begin, end)).count())
	require.Equal(t, recent.count(), victoria.exported(t, begin, end).count())
	old := victoria.exported(t, past.begin, past.end.Add(-time.Second))
	require.Equal(t, past.samples(), old)
	require.NotEmpty(t, victoria.queryAt(t, `load_total{host="server-1"}`, end))
	require.Empty(t, victoria.queryAt(t, `{__name__=~"load_seconds.*"}`, end), "docs/grow.md says that native histograms stay")
	figure(t, "vmctl has copied %d samples of blocks; victoria-metrics: %d MiB", recent.count()+old.count(), victoria.memory(t, "VmRSS")>>20)
	ausguck.stop(t)

	stores.script(t, "History out of VictoriaMetrics", home, differs...)
	ausguck = home.local(t, config, filepath.Join(storage+"-new"), "--storage.tsdb.retention.time=5y")
	past.require(t, ausguck)
	require.Zero(t, recent.missing(t, ausguck.samples(t, begin, end)).count())
	require.Empty(t, ausguck.queryAt(t, `load_total{host!=""}`, end), "the label of the host is only in the store")
	figure(t, "%d samples are on one machine again", recent.count()+old.count())
}
