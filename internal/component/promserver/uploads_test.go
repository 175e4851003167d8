package promserver

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
)

func TestBlocksThatAreNotUploadedArePending(t *testing.T) {
	uploaded, other := ulid.MustNew(1, nil), ulid.MustNew(2, nil)
	path := filepath.Join(t.TempDir(), "thanos.shipper.json")
	u := newUploads(path, slog.New(slog.DiscardHandler))
	block := func(id ulid.ULID, level int) *tsdb.BlockMeta {
		return &tsdb.BlockMeta{ULID: id, Compaction: tsdb.BlockMetaCompaction{Level: level}}
	}
	require.False(t, u.pending(block(other, 1)), "no list, nothing to wait for")
	require.NoError(t, os.WriteFile(path, []byte(`{"version": 1, "uploaded": ["`+uploaded.String()+`"]}`), 0o644))
	require.False(t, u.pending(block(uploaded, 1)))
	require.True(t, u.pending(block(other, 1)))
	require.False(t, u.pending(block(other, 2)))
}
