package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/backup"
)

// packed returns an archive of a manifest, the output of entries, and the sums of files.
func packed(t testing.TB, m backup.Manifest, entries func(*tar.Writer), files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	out, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	require.NoError(t, err)
	w := tar.NewWriter(out)
	m.Format = 1
	manifest, err := json.Marshal(m)
	require.NoError(t, err)
	put(t, w, tar.Header{Name: "MANIFEST.json"}, manifest)
	entries(w)
	var sums strings.Builder
	for _, name := range files {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256([]byte("x")), name)
	}
	put(t, w, tar.Header{Name: "SHA256SUMS"}, []byte(sums.String()))
	require.NoError(t, w.Close())
	require.NoError(t, out.Close())
	return b.Bytes()
}

func put(t testing.TB, w *tar.Writer, h tar.Header, content []byte) {
	t.Helper()
	if h.Mode == 0 {
		h.Mode = 0o600
	}
	h.Size = int64(len(content))
	require.NoError(t, w.WriteHeader(&h))
	_, err := w.Write(content)
	require.NoError(t, err)
}

var one = backup.Manifest{Files: 1, Bytes: 1, Program: "test"}

func TestMaliciousArchives(t *testing.T) {
	entry := func(h tar.Header) func(*tar.Writer) {
		return func(w *tar.Writer) {
			content := []byte("x")
			if h.Typeflag != 0 && h.Typeflag != tar.TypeReg {
				content = nil
			}
			put(t, w, h, content)
		}
	}
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"traversal":        {packed(t, one, entry(tar.Header{Name: "../x"}), "../x"), "path escapes"},
		"traversal inside": {packed(t, one, entry(tar.Header{Name: "a/../../x"}), "../x"), "path escapes"},
		"absolute":         {packed(t, one, entry(tar.Header{Name: "/tmp/x"}), "/tmp/x"), "path escapes"},
		"absolute folder":  {packed(t, one, entry(tar.Header{Name: "/tmp/x/", Typeflag: tar.TypeDir})), "path escapes"},
		"symbolic link":    {packed(t, one, entry(tar.Header{Name: "x", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}), "x"), "neither a file nor a folder"},
		"hard link":        {packed(t, one, entry(tar.Header{Name: "x", Linkname: "/etc/passwd", Typeflag: tar.TypeLink}), "x"), "neither a file nor a folder"},
		"device":           {packed(t, one, entry(tar.Header{Name: "x", Typeflag: tar.TypeBlock, Devmajor: 8}), "x"), "neither a file nor a folder"},
		"character device": {packed(t, one, entry(tar.Header{Name: "x", Typeflag: tar.TypeChar, Devmajor: 1}), "x"), "neither a file nor a folder"},
		"pipe":             {packed(t, one, entry(tar.Header{Name: "x", Typeflag: tar.TypeFifo}), "x"), "neither a file nor a folder"},
		"global header": {packed(t, one, func(w *tar.Writer) {
			require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"path": "../x"}}))
		}), "neither a file nor a folder"},
		"a link and through it": {packed(t, one, func(w *tar.Writer) {
			entry(tar.Header{Name: "d", Linkname: "/tmp", Typeflag: tar.TypeSymlink})(w)
			entry(tar.Header{Name: "d/x"})(w)
		}, "d/x"), "neither a file nor a folder"},
		"the same twice":     {packed(t, backup.Manifest{Files: 2, Bytes: 2}, func(w *tar.Writer) { entry(tar.Header{Name: "x"})(w); entry(tar.Header{Name: "./x"})(w) }, "x", "x"), "file exists"},
		"a file as a folder": {packed(t, backup.Manifest{Files: 2, Bytes: 2}, func(w *tar.Writer) { entry(tar.Header{Name: "x"})(w); entry(tar.Header{Name: "x/y"})(w) }, "x", "x/y"), "not a directory"},
		"another manifest":   {packed(t, one, entry(tar.Header{Name: "MANIFEST.json"}), "MANIFEST.json"), "the name is not valid in a backup"},
		"staging":            {packed(t, one, entry(tar.Header{Name: ".incomplete-1/x"}), ".incomplete-1/x"), "the name is not valid in a backup"},
		"lost+found":         {packed(t, one, entry(tar.Header{Name: "lost+found/x"}), "lost+found/x"), "the name is not valid in a backup"},
		"a long name":        {packed(t, one, entry(tar.Header{Name: strings.Repeat("a/", 100_000) + "x"})), "longer than 4096 bytes"},
		"more files":         {packed(t, backup.Manifest{Files: 1, Bytes: 100}, func(w *tar.Writer) { entry(tar.Header{Name: "x"})(w); entry(tar.Header{Name: "y"})(w) }, "x", "y"), "more files than"},
		"more bytes":         {packed(t, one, func(w *tar.Writer) { put(t, w, tar.Header{Name: "x"}, make([]byte, 64<<20)) }, "x"), "more bytes than"},
		"more than the disk": {packed(t, backup.Manifest{Files: 1, Bytes: 1 << 62}, entry(tar.Header{Name: "x"}), "x"), "of disk space are available"},
		"less than nothing":  {packed(t, backup.Manifest{Files: 1, Bytes: -1}, entry(tar.Header{Name: "x"}), "x"), "names 1 files with -1 bytes"},
		"millions promised":  {packed(t, backup.Manifest{Files: 1 << 40, Bytes: 1}, entry(tar.Header{Name: "x"}), "x"), "this is not a backup"},
		"millions of folders": {packed(t, one, func(w *tar.Writer) {
			for i := range 20_000 {
				put(t, w, tar.Header{Name: fmt.Sprintf("d%d/", i), Typeflag: tar.TypeDir}, nil)
			}
		}), "far more folders than files"},
		"one file unsaid": {packed(t, backup.Manifest{Files: 2, Bytes: 2}, func(w *tar.Writer) { entry(tar.Header{Name: "x"})(w); entry(tar.Header{Name: "y"})(w) }, "x", "x"), "does not match its checksum"},
		"a sparse file":   {sparse(t), "neither a file nor a folder"},
		"a huge manifest": {hugeManifest(t), "its MANIFEST.json has"},
		"huge sums": {packed(t, one, func(w *tar.Writer) {
			put(t, w, tar.Header{Name: "x"}, []byte("x"))
			require.NoError(t, w.WriteHeader(&tar.Header{Name: "SHA256SUMS", Mode: 0o600, Size: 512 << 20}))
			_, err := io.CopyN(w, zeros{}, 512<<20)
			require.NoError(t, err)
		}), "token too long"},
	} {
		t.Run(name, func(t *testing.T) {
			above := t.TempDir()
			dir := filepath.Join(above, "below")
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "lost+found"), 0o700))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := backup.Restore(bytes.NewReader(c.archive), dir)
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, err, c.want)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), "bytes allocated")
			require.Equal(t, []string{".", "below", "below/lost+found"}, everything(t, above), "something is left")
		})
	}
}

func everything(t *testing.T, dir string) (names []string) {
	t.Helper()
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	}))
	return names
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// sparse returns an archive with a file of 8 GiB in GNU's old sparse format, without data.
func sparse(t *testing.T) []byte {
	t.Helper()
	plain := unzip(t, packed(t, one, func(w *tar.Writer) { put(t, w, tar.Header{Name: "x", Format: tar.FormatGNU}, nil) }, "x"))
	at := bytes.Index(plain, append([]byte("x"), make([]byte, 99)...))
	require.Positive(t, at)
	header := plain[at : at+512]
	header[156] = 'S'
	copy(header[386:], "00000000000\x0000000000000\x00") // one empty segment
	copy(header[483:], "77777777777\x00")                // the real size
	copy(header[148:156], "        ")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return zip(t, plain)
}

// hugeManifest returns an archive with a manifest of 4 GiB of spaces, which compresses to 4 MiB.
func hugeManifest(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	out := gzip.NewWriter(&b)
	w := tar.NewWriter(out)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "MANIFEST.json", Mode: 0o600, Size: 4 << 30}))
	require.NoError(t, out.Close()) // never read this far
	return b.Bytes()
}

func unzip(t testing.TB, b []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(b))
	require.NoError(t, err)
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	return plain
}

func zip(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

// A restored file does not run as another user and is not writable by others.
func TestRestoreDropsDangerousBits(t *testing.T) {
	dir := t.TempDir()
	archive := packed(t, one, func(w *tar.Writer) {
		put(t, w, tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o7777}, nil)
		put(t, w, tar.Header{Name: "x", Mode: 0o7777, Uid: 12345}, []byte("x"))
	}, "x")
	_, err := backup.Restore(bytes.NewReader(archive), dir)
	require.NoError(t, err)
	for _, name := range []string{"x", "d"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Zero(t, info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky|0o022), "%s %s", name, info.Mode())
	}
}

// An archive that is truncated at any position leaves nothing.
func TestTruncatedEverywhere(t *testing.T) {
	_, archive := source(t)
	for n := 0; n < len(archive); n += 1 + len(archive)/200 {
		dir := filepath.Join(t.TempDir(), "new")
		_, err := backup.Restore(bytes.NewReader(archive[:n]), dir)
		require.Error(t, err)
		require.Equal(t, []string{"."}, everything(t, dir))
	}
}

// Whatever the archive, nothing is written outside the folder, and nothing remains if it is rejected.
func FuzzRestore(f *testing.F) {
	f.Add(packed(f, one, func(w *tar.Writer) { put(f, w, tar.Header{Name: "x"}, []byte("x")) }, "x"))
	f.Add(unzip(f, packed(f, one, func(w *tar.Writer) { put(f, w, tar.Header{Name: "../x"}, []byte("x")) }, "../x")))
	f.Fuzz(func(t *testing.T, archive []byte) {
		if len(archive) > 0 && archive[0] != 0x1f {
			archive = zip(t, archive) // mutating the tar finds more than mutating the gzip
		}
		above := t.TempDir()
		_, err := backup.Restore(bytes.NewReader(archive), filepath.Join(above, "new"))
		names := everything(t, above)
		for _, name := range names {
			require.True(t, name == "." || name == "new" || strings.HasPrefix(name, "new/"), name)
		}
		if err != nil {
			require.LessOrEqual(t, len(names), 2, names)
		}
	})
}
