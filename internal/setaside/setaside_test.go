package setaside_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/setaside"
)

func TestMove(t *testing.T) {
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	shelf := setaside.New(slog.New(slog.NewTextHandler(&log, nil)), reg)
	path := filepath.Join(t.TempDir(), "silences")
	cause := errors.New("unexpected EOF")
	for range 2 { // also within a second
		require.NoError(t, os.WriteFile(path, []byte("damaged"), 0o600))
		require.NoError(t, shelf.Move(setaside.Loss{Part: "alertmanager", Path: path, Cause: cause, Lost: "all silences", Remedy: "make them again"}))
		require.NoFileExists(t, path)
	}
	notices := shelf.Notices()
	require.Len(t, notices, 2)
	require.NotEqual(t, notices[0].Aside, notices[1].Aside)
	for _, n := range notices {
		require.True(t, strings.HasPrefix(n.Aside, path+".corrupt-"), n.Aside)
		content, err := os.ReadFile(n.Aside)
		require.NoError(t, err)
		require.Equal(t, "damaged", string(content))
		require.Contains(t, log.String(), n.Aside)
	}
	require.Contains(t, log.String(), `lost="all silences" remedy="make them again" err="unexpected EOF"`)
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP ausguck_data_set_aside_total Files in the data folder that a part runs without, because they are damaged or missing.
# TYPE ausguck_data_set_aside_total counter
ausguck_data_set_aside_total{part="alertmanager"} 2
`)))

	err := shelf.Move(setaside.Loss{Part: "alertmanager", Path: path, Cause: cause})
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Len(t, shelf.Notices(), 2)
}

func TestTry(t *testing.T) {
	require.NoError(t, setaside.Try(func() error { return nil }))
	require.ErrorIs(t, setaside.Try(func() error { return os.ErrClosed }), os.ErrClosed)
	var none *slog.Logger
	require.ErrorContains(t, setaside.Try(func() error { none.Info("panics"); return nil }), "damaged: runtime error")

	// Reading missing pages of a memory-mapped file would otherwise terminate the process.
	path := filepath.Join(t.TempDir(), "mapped")
	require.NoError(t, os.WriteFile(path, make([]byte, 8192), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	mapped, err := syscall.Mmap(int(f.Fd()), 0, 8192, syscall.PROT_READ, syscall.MAP_SHARED)
	require.NoError(t, err)
	require.NoError(t, errors.Join(f.Close(), os.Truncate(path, 0)))
	sum := byte(0)
	require.ErrorContains(t, setaside.Try(func() error { sum += mapped[4096]; return nil }), "damaged: ")
	require.NoError(t, syscall.Munmap(mapped))
}

func TestReadable(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, setaside.Readable(filepath.Join(dir, "missing")))
	require.ErrorContains(t, setaside.Readable(dir), "is a directory")
	path := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, setaside.Readable(path))
	require.ErrorIs(t, setaside.Readable(filepath.Join(path, "below a file")), syscall.ENOTDIR)
}

func TestMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "silences")
	for _, holds := range []bool{false, true, true, false, false} {
		require.NoError(t, setaside.Mark(path, holds))
		require.Equal(t, holds, setaside.Marked(path))
	}
}

func TestNameWhereNothingCanBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NotEmpty(t, setaside.Name(filepath.Join(file, "below"), time.Now()), "it returns")
}
