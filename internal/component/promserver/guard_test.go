package promserver

import (
	"bytes"
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

func TestDiskGuardRefusesWhileTheDiskIsFull(t *testing.T) {
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, tsdb.DefaultOptions(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })

	var log bytes.Buffer
	g := newDiskGuard(db, "/data", slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry())
	const size = 10 << 30
	free := uint64(size)
	g.free = func(string) (uint64, uint64, error) { return free, size, nil }
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
	free = reserve(size) - 1
	require.ErrorIs(t, store(2), errDiskFull)
	require.ErrorIs(t, storeV2(2), errDiskFull)
	require.ErrorContains(t, store(2), "until there is room (/data)")
	require.InDelta(t, 3, testutil.ToFloat64(g.refused), 0)
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("Disk full")), "said once")

	free = reserve(size)
	require.NoError(t, storeV2(3))
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("Storing samples again")))

	g.free = func(string) (uint64, uint64, error) { return 0, 0, errors.New("unknown") }
	require.NoError(t, store(4), "what cannot be asked is not full")
}

func TestReserve(t *testing.T) {
	require.Equal(t, uint64(1<<20), reserve(10<<20))
	require.Equal(t, uint64(2<<20), reserve(100<<20))
	require.Equal(t, uint64(64<<20), reserve(1<<40))
}
