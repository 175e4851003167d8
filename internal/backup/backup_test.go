package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/backup"
)

// source returns a folder with files of several sizes and permissions, and its archive.
func source(t *testing.T) (dir string, archive []byte) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a/empty"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a/large"), bytes.Repeat([]byte("0123456789abcdef"), 1<<16), 0o640))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a/none"), nil, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key"), []byte("secret"), 0o600))
	old := time.Unix(1_700_000_000, 0)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "key"), old, old))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "link")))
	m, err := backup.Measure(dir, "test")
	require.NoError(t, err)
	require.Equal(t, 3, m.Files)
	require.EqualValues(t, 16<<16+6, m.Bytes)
	var b bytes.Buffer
	require.NoError(t, backup.Write(t.Context(), &b, dir, m))
	return dir, b.Bytes()
}

func TestRestoreIsTheSame(t *testing.T) {
	from, archive := source(t)
	to := filepath.Join(t.TempDir(), "new")
	m, err := backup.Restore(bytes.NewReader(archive), to)
	require.NoError(t, err)
	require.Equal(t, "test", m.Program)
	for _, name := range []string{"a/large", "a/none", "key"} {
		want, err := os.ReadFile(filepath.Join(from, name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(to, name))
		require.NoError(t, err)
		require.Equal(t, want, got)
		a, err := os.Stat(filepath.Join(from, name))
		require.NoError(t, err)
		b, err := os.Stat(filepath.Join(to, name))
		require.NoError(t, err)
		require.Equal(t, a.Mode(), b.Mode())
		require.WithinDuration(t, a.ModTime(), b.ModTime(), time.Second)
	}
	require.DirExists(t, filepath.Join(to, "a/empty"))
	require.NoFileExists(t, filepath.Join(to, "link"))
	entries, err := os.ReadDir(to)
	require.NoError(t, err)
	require.Len(t, entries, 2, "nothing else is left")
}

// Whatever is wrong with an archive, the folder remains empty.
func TestBadArchives(t *testing.T) {
	_, archive := source(t)
	damaged := bytes.Clone(repack(t, archive, func(h *tar.Header, content []byte) []byte {
		if h.Name == "key" {
			return []byte("Secret")
		}
		return content
	}))
	for _, c := range []struct {
		name    string
		archive []byte
		want    string
	}{
		{"empty", nil, "this is not a backup"},
		{"text", []byte("hello"), "this is not a backup"},
		{"half", archive[:len(archive)/2], "archive is truncated"},
		{"without its end", archive[:len(archive)-20], "archive is truncated"},
		{"damaged", damaged, "key does not match its checksum"},
		{"another tar", repack(t, archive, func(h *tar.Header, content []byte) []byte {
			if h.Name == "MANIFEST.json" {
				h.Name = "other"
			}
			return content
		}), "it begins with other"},
		{"a later format", repack(t, archive, func(h *tar.Header, content []byte) []byte {
			return bytes.Replace(content, []byte(`"format": 1`), []byte(`"format": 9`), 1)
		}), "restore it with the version that created it, test"},
		{"leads out", repack(t, archive, func(h *tar.Header, content []byte) []byte {
			if h.Name == "key" {
				h.Name = "../../key"
			}
			return content
		}), "path escapes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "below", "new")
			_, err := backup.Restore(bytes.NewReader(c.archive), dir)
			require.ErrorContains(t, err, c.want)
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, entries)
		})
	}
}

// repack changes the files of an archive.
func repack(t *testing.T, archive []byte, change func(*tar.Header, []byte) []byte) []byte {
	t.Helper()
	in, err := gzip.NewReader(bytes.NewReader(archive))
	require.NoError(t, err)
	r := tar.NewReader(in)
	var b bytes.Buffer
	out := gzip.NewWriter(&b)
	w := tar.NewWriter(out)
	for {
		h, err := r.Next()
		if err != nil {
			break
		}
		var content bytes.Buffer
		_, err = content.ReadFrom(r)
		require.NoError(t, err)
		changed := change(h, content.Bytes())
		h.Size = int64(len(changed))
		require.NoError(t, w.WriteHeader(h))
		_, err = w.Write(changed)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, out.Close())
	return b.Bytes()
}

func TestRestoreNeedsAnEmptyFolder(t *testing.T) {
	_, archive := source(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "mine"), []byte("x"), 0o600))
	_, err := backup.Restore(bytes.NewReader(archive), dir)
	require.ErrorContains(t, err, "is not empty (it contains mine)")
	require.NoFileExists(t, filepath.Join(dir, "key"))

	// Files left by a killed restore do not count as data, and neither do those that ext4 creates.
	dir = t.TempDir()
	_, err = backup.Stage(dir)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "lost+found"), 0o700))
	_, err = backup.Restore(bytes.NewReader(archive), dir)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "key"))
}

// A file that disappears while its folder is copied makes the copy start over, so that it is consistent.
func TestCopyWhileFilesGo(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	for _, name := range []string{"1", "2", "3"} {
		require.NoError(t, os.WriteFile(filepath.Join(from, name), []byte(name), 0o600))
	}
	gone := false
	err := backup.Copy(from, to, func(name string, _ os.DirEntry) bool {
		if name == "2" && !gone { // listed, but removed before it is opened
			gone = true
			require.NoError(t, os.Remove(filepath.Join(from, "2")))
			require.NoError(t, os.WriteFile(filepath.Join(from, "4"), []byte("4"), 0o600))
		}
		return false
	})
	require.NoError(t, err)
	var names []string
	entries, err := os.ReadDir(to)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	require.Equal(t, "1 3 4", strings.Join(names, " "))
	require.NoError(t, backup.Copy(filepath.Join(from, "none"), to, nil), "what is not there is not copied")
}

func TestWriteStops(t *testing.T) {
	dir, _ := source(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, backup.Write(ctx, &bytes.Buffer{}, dir, backup.Manifest{}), context.Canceled)
}

func TestLinkSharesTheFile(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	require.NoError(t, os.Mkdir(from, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(from, "chunk"), []byte("x"), 0o600))
	require.NoError(t, backup.Link(from, to, nil))
	a, err := os.Stat(filepath.Join(from, "chunk"))
	require.NoError(t, err)
	b, err := os.Stat(filepath.Join(to, "chunk"))
	require.NoError(t, err)
	require.True(t, os.SameFile(a, b))
}
