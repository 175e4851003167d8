package loki

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/grafana/loki/v3/pkg/logproto"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/ausguck/ausguck/internal/setaside"
)

// Lines are refused while the object store does not answer and those in memory come near the memory limit, and not for one of these alone.
func TestLinesAreRefusedBeforeMemoryIsFull(t *testing.T) {
	var said strings.Builder
	s := &Server{log: slog.New(slog.NewTextHandler(&said, nil))}
	before := debug.SetMemoryLimit(1 << 20)
	defer debug.SetMemoryLimit(before)
	s.weigh()
	require.NoError(t, s.room(), "the store answers")
	s.tellObjectStore(t.Context(), errors.New("object store s3 does not answer: 403"))
	require.Contains(t, s.Says(), "403")
	s.weigh()
	require.ErrorIs(t, s.room(), errCrowded)
	require.Contains(t, said.String(), "Logs are rejected until the object store takes those that are in memory")
	debug.SetMemoryLimit(1 << 50)
	s.weigh()
	require.NoError(t, s.room(), "there is memory")
	s.tellObjectStore(t.Context(), nil)
	require.Empty(t, s.Says())
	require.Contains(t, said.String(), "answers again")
}

type fullDisk struct{ err error }

func (d *fullDisk) Full() error { return d.err }

// An ingester with a full disk does not count for the quorum of the other members' pushes.
func TestPushOfAnotherMemberIsRefusedWithoutRoom(t *testing.T) {
	disk := &fullDisk{}
	s := &Server{options: Options{Disk: disk}, log: slog.New(slog.DiscardHandler)}
	stored := 0
	push := func(method string, fills bool) error {
		_, err := s.refusePushesWithoutRoom(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: method}, func(context.Context, any) (any, error) {
			stored++
			if fills {
				disk.err = errors.New("full")
			}
			return &logproto.PushResponse{}, nil
		})
		return err
	}
	const pusher = "/logproto.Pusher/Push"
	require.NoError(t, push(pusher, false))
	require.ErrorContains(t, push(pusher, true), "full", "it may not be in the write-ahead log")
	require.ErrorContains(t, push(pusher, false), "full")
	require.Equal(t, 2, stored)
	require.NoError(t, push("/logproto.Querier/Label", false), "queries are answered")
}

const onS3 = `
common: {storage: {s3: {endpoint: 127.0.0.1:1, insecure: true, bucketnames: logs, access_key_id: a, secret_access_key: b}}}
schema_config: {configs: [{from: 2024-04-01, store: tsdb, object_store: s3, schema: v13, index: {prefix: index_, period: 24h}}]}
`

func loadOnS3(t *testing.T, o Options) *Config {
	t.Helper()
	cfg, problems := LoadConfig(o, Source{Name: "loki.yml", Content: []byte(onS3)})
	require.Empty(t, problems)
	return cfg
}

// On an object store, the size cap has no folder, deletes nothing and hides nothing, whatever it has deleted from files before.
func TestSizeCapIsOffOnAnObjectStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "loki")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "wal"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "wal", "00000000"), make([]byte, 1<<20), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "size-cap.json"), []byte(`{"deleted_before":"2026-11-01T00:00:00Z"}`), 0o600))
	o := Options{Logger: slog.New(slog.DiscardHandler), Dir: dir, Registerer: prometheus.NewRegistry(), RetentionSize: 1 << 16}
	c := newSizeCap(o)
	cfg := loadOnS3(t, o)
	c.adopt(cfg)
	require.Zero(t, c.inForce())
	require.False(t, c.full())
	_, deleted := c.deletedBefore()
	require.False(t, deleted, "the retention of the bucket is not shortened")
	require.Contains(t, strings.Join(cfg.Warnings, "\n"), "--storage.loki.retention.size has no effect, because all periods are in s3")
	require.Contains(t, strings.Join(cfg.Warnings, "\n"), "LogQL rules are read from s3")

	files, problems := LoadConfig(o, Source{Name: "loki.yml"})
	require.Empty(t, problems)
	c.adopt(files)
	require.True(t, c.full())
	_, deleted = c.deletedBefore()
	require.True(t, deleted)
}

// Chunks that are objects have no index files on the disk: nothing in the working directory is taken for them.
func TestIndexOfOthersIsNotSetAside(t *testing.T) {
	t.Chdir(t.TempDir())
	theirs := filepath.Join("index", "2026", "a.gz")
	require.NoError(t, os.MkdirAll(filepath.Dir(theirs), 0o750))
	require.NoError(t, os.WriteFile(theirs, []byte("not a gzip file"), 0o600))
	o := Options{Logger: slog.New(slog.DiscardHandler), Dir: filepath.Join(t.TempDir(), "loki"), SetAside: setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())}
	cfg := loadOnS3(t, o)
	require.NoError(t, o.makeSound(cfg))
	(&Server{options: o, log: o.Logger}).checkShipped(t.Context(), cfg)
	require.FileExists(t, theirs)
}
