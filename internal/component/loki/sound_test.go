package loki

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/grafana/loki/v3/pkg/storage/stores/shipper/indexshipper/tsdb"
	"github.com/grafana/loki/v3/pkg/storage/stores/shipper/indexshipper/tsdb/index"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/ausguck/ausguck/internal/setaside"
)

// indexFile writes an index of one stream and returns its path.
func indexFile(t *testing.T, dir string) string {
	t.Helper()
	builder := tsdb.NewBuilder(index.FormatV3)
	stream := labels.FromStrings("job", "a", "host", "b")
	builder.AddSeries(stream, model.Fingerprint(labels.StableHash(stream)), []index.ChunkMeta{{Checksum: 1, MinTime: 1000, MaxTime: 2000, KB: 1, Entries: 1}})
	id, err := builder.Build(context.Background(), dir, func(from, through model.Time, checksum uint32) tsdb.Identifier {
		return tsdb.NewPrefixedIdentifier(tsdb.SingleTenantTSDBIdentifier{TS: time.Unix(1, 0), From: from, Through: through, Checksum: checksum}, dir, "")
	})
	require.NoError(t, err)
	return id.Path()
}

// boltFile writes a file with many pages.
func boltFile(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("bucket"))
		for n := range 2000 {
			if err == nil {
				err = b.Put([]byte{byte(n >> 8), byte(n)}, make([]byte, 50))
			}
		}
		return err
	}))
	require.NoError(t, db.Close())
}

// What Loki panics on is an error here, wherever a file is damaged.
func TestDamagedIndexAndBolt(t *testing.T) {
	indexPath := indexFile(t, t.TempDir())
	require.NoError(t, readIndex(indexPath))
	boltPath := filepath.Join(t.TempDir(), "bolt")
	boltFile(t, boltPath)
	require.NoError(t, readBolt(boltPath))
	for name, c := range map[string]struct {
		path string
		read func(string) error
		cuts []float64
	}{
		"index": {indexPath, readIndex, []float64{0, 0.3, 0.6, 0.9, 0.99}},
		"bolt":  {boltPath, readBolt, []float64{0.01, 0.3}}, // a tail not used by any page does not matter
	} {
		content, err := os.ReadFile(c.path)
		require.NoError(t, err)
		for _, share := range c.cuts {
			path := filepath.Join(t.TempDir(), "damaged")
			require.NoError(t, os.WriteFile(path, content[:int(float64(len(content))*share)], 0o600))
			require.Error(t, setaside.Try(func() error { return c.read(path) }), "%s cut at %v", name, share)
		}
		require.NoFileExists(t, c.path+".trial")
	}
	content, err := os.ReadFile(indexPath)
	require.NoError(t, err)
	damaged := append([]byte{}, content...)
	damaged[len(damaged)-20] ^= 0xff // in its table of contents
	path := filepath.Join(t.TempDir(), "damaged")
	require.NoError(t, os.WriteFile(path, damaged, 0o600))
	require.Error(t, setaside.Try(func() error { return readIndex(path) }))
	content, err = os.ReadFile(boltPath)
	require.NoError(t, err)
	for page := 0; page < len(content); page += 4096 {
		damaged := append([]byte{}, content...)
		for i := range 64 {
			damaged[page+i] ^= 0xff
		}
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		_ = setaside.Try(func() error { return readBolt(path) }) // a free page may have any content
	}
}

func TestMakeSound(t *testing.T) {
	shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	o := &Options{Dir: filepath.Join(t.TempDir(), "loki"), Logger: slog.New(slog.DiscardHandler), SetAside: shelf}
	cfg, problems := LoadConfig(*o, Source{Name: "loki.yml"})
	require.Empty(t, problems)
	put := func(name, content string) string {
		path := filepath.Join(o.Dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	folder := func(name string) string {
		path := filepath.Join(o.Dir, name)
		require.NoError(t, os.MkdirAll(path, 0o750))
		return path
	}
	want := []string{
		put("tsdb-shipper-active/multitenant/index_20000/1700000000-x-1700000000000000000.tsdb", "no index"),
		put("compactor/deletion/delete_requests/delete_requests", "no bolt file"),
		put("compactor/deletion/series_progress.boltdb", "nor this"),
		folder("wal/00000003"), folder("wal/checkpoint.000002/00000000"), folder("tsdb-shipper-active/wal/filesystem_2024-04-01/1700000000/00000000"),
		folder("tsdb-shipper-active/uploader/name"), folder("size-cap.json"),
	}
	put("wal/00000004", "what upstream reads and repairs")
	require.NoError(t, o.makeSound(cfg))
	var moved []string
	for _, n := range shelf.Notices() {
		moved = append(moved, n.Path)
		require.NotEmpty(t, n.Lost)
	}
	require.ElementsMatch(t, want, moved)
	info, err := os.Stat(filepath.Join(o.Dir, "wal/00000003"))
	require.NoError(t, err)
	require.Zero(t, info.Size(), "an empty segment takes its place")
	require.NoError(t, o.makeSound(cfg))
	require.Len(t, shelf.Notices(), len(want), "once")
}

// A damaged shipped index file is detected while Loki runs.
func TestCheckShipped(t *testing.T) {
	shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	o := Options{Dir: filepath.Join(t.TempDir(), "loki"), Logger: slog.New(slog.DiscardHandler), SetAside: shelf, Registerer: prometheus.NewRegistry()}
	cfg, problems := LoadConfig(o, Source{Name: "loki.yml"})
	require.Empty(t, problems)
	path := filepath.Join(chunkFolder(cfg), "index", "index_20000", "fake", "1-compactor-1-2-a.tsdb.gz")
	require.NoError(t, os.MkdirAll(path, 0o750))
	cut := filepath.Join(filepath.Dir(filepath.Dir(path)), "cut.tsdb.gz")
	require.NoError(t, os.WriteFile(cut, []byte{0x1f, 0x8b, 8, 0}, 0o600))
	s := New(o, cfg)
	s.checkShipped(t.Context(), cfg)
	require.Len(t, shelf.Notices(), 2)
	require.NoFileExists(t, cut)
	require.NoDirExists(t, path)
}
