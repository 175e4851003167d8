package promserver

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
)

// disk is full while the field is set.
type disk struct{ full error }

func (d *disk) Full() error { return d.full }

func TestGuardRefusesWhileTheDiskIsFull(t *testing.T) {
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	d := &disk{}
	g := newGuard(db, d, prometheus.NewRegistry())
	ls := labels.FromStrings("__name__", "a")
	store := func(ts int64) error {
		app := g.Appender(t.Context())
		_, err := app.Append(0, ls, ts, 1)
		return errors.Join(err, app.Commit())
	}
	storeV2 := func(ts int64) error {
		app := g.AppenderV2(t.Context())
		_, err := app.Append(0, ls, 0, ts, 1, nil, nil, storage.AppendV2Options{})
		return errors.Join(err, app.Commit())
	}
	require.NoError(t, store(1))
	d.full = errors.New("no room")
	require.ErrorIs(t, store(2), d.full)
	require.ErrorIs(t, storeV2(2), d.full)
	require.InDelta(t, 2, testutil.ToFloat64(g.refused), 0)
	d.full = nil
	require.NoError(t, store(3))
	require.NoError(t, storeV2(4))
	g.close()
	require.ErrorContains(t, store(5), "Prometheus is stopping")
	require.ErrorContains(t, storeV2(5), "Prometheus is stopping")
}
