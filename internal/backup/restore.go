package backup

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/ausguck/ausguck/internal/datadir"
)

// ErrTruncated is returned for an archive that ends too early.
var ErrTruncated = errors.New("the archive is truncated: the backup was interrupted, or the file was not copied completely")

// stagingPrefix is the prefix of incomplete folders, which are not data.
const stagingPrefix = ".incomplete-"

const (
	maxManifest = 1 << 20
	maxName     = 4096
	// maxFiles limits what is kept in memory about an archive, 200 bytes per file.
	maxFiles = 4_000_000
	// moreFolders is the number of folders allowed in addition to one per file.
	moreFolders = 10_000
	// writable are the mode bits that are kept: others cannot write, and no program runs as another user.
	writable fs.FileMode = 0o755
)

// Restore extracts an archive into dir, which must be empty or not exist. Either all files appear there, if all are valid, or
// none.
func Restore(r io.Reader, dir string) (m Manifest, err error) {
	if err := requireEmpty(dir); err != nil {
		return m, err
	}
	if err := errors.Join(os.MkdirAll(dir, 0o750), Clean(dir)); err != nil {
		return m, err
	}
	staging, err := os.MkdirTemp(dir, stagingPrefix)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
	root, err := os.OpenRoot(staging) // names in an archive may try to escape from it
	if err != nil {
		return m, err
	}
	m, err = extract(r, root, freeSpace(dir))
	if err = errors.Join(err, root.Close()); err != nil {
		return m, err
	}
	return m, publish(staging, dir)
}

// publish moves everything from staging to dir, or nothing.
func publish(staging, dir string) error {
	entries, err := os.ReadDir(staging)
	if err != nil {
		return err
	}
	for i, e := range entries {
		err := os.Rename(filepath.Join(staging, e.Name()), filepath.Join(dir, e.Name()))
		if err == nil {
			continue
		}
		for _, done := range entries[:i] {
			err = errors.Join(err, os.Rename(filepath.Join(dir, done.Name()), filepath.Join(staging, done.Name())))
		}
		return err
	}
	return nil
}

// requireEmpty ignores what a file system or a container engine creates in a new volume.
func requireEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != "lost+found" && !strings.HasPrefix(e.Name(), stagingPrefix) {
			return fmt.Errorf("%s is not empty (it contains %s), so nothing was restored: move it away, or choose another folder", dir, e.Name())
		}
	}
	return nil
}

// freeSpace returns the free bytes on the disk of dir, as far as the system reports them.
func freeSpace(dir string) int64 {
	free, err := datadir.Free(dir)
	if err != nil {
		return math.MaxInt64
	}
	return free
}

// extract writes and checks every file.
func extract(r io.Reader, root *os.Root, free int64) (m Manifest, err error) {
	compressed, err := gzip.NewReader(r)
	if err != nil {
		return m, fmt.Errorf("this is not a backup of Ausguck: %w", err)
	}
	archive := tar.NewReader(compressed)
	header, err := next(archive)
	if err != nil {
		return m, err
	}
	if m, err = readManifest(archive, header); err != nil {
		return m, err
	}
	if m.Bytes > free {
		return m, fmt.Errorf("the backup needs %d MiB, but only %d MiB of disk space are available: nothing was restored", m.Bytes>>20, free>>20)
	}
	x := &extraction{root: root, bytes: m.Bytes, files: m.Files, folders: m.Files + moreFolders, sums: map[string]string{}}
	for {
		header, err := next(archive)
		if err != nil {
			return m, err
		}
		name := path.Clean(header.Name)
		if name == sumsName {
			return m, check(archive, x.sums)
		}
		if err := x.one(header, name, archive); errors.Is(err, io.ErrUnexpectedEOF) {
			return m, ErrTruncated
		} else if err != nil {
			return m, fmt.Errorf("restore %.200q: %w", name, err)
		}
	}
}

func next(archive *tar.Reader) (*tar.Header, error) {
	header, err := archive.Next()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, ErrTruncated // the sums are last
	}
	if err != nil {
		return nil, fmt.Errorf("read the archive: %w", err)
	}
	return header, nil
}

func readManifest(r io.Reader, header *tar.Header) (m Manifest, err error) {
	if name := path.Clean(header.Name); name != manifestName {
		return m, fmt.Errorf("this is not a backup of Ausguck: it begins with %.200s", name)
	}
	if header.Size > maxManifest {
		return m, fmt.Errorf("this is not a backup of Ausguck: its %s has %d bytes", manifestName, header.Size)
	}
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return m, fmt.Errorf("read %s: %w", manifestName, err)
	}
	if m.Format != format {
		return m, fmt.Errorf("the backup has format %d, and this version reads format %d: restore it with the version that created it, %.200s", m.Format, format, m.Program)
	}
	if m.Bytes < 0 || m.Files < 0 || m.Files > maxFiles {
		return m, fmt.Errorf("this is not a backup of Ausguck: its %s names %d files with %d bytes", manifestName, m.Files, m.Bytes)
	}
	return m, nil
}

// extraction writes no more than the manifest announces: an archive can unpack to a thousand times its size.
type extraction struct {
	root *os.Root
	// bytes, files and folders are the remaining limits.
	bytes          int64
	files, folders int
	sums           map[string]string
}

// one extracts a file or folder. Backups contain no links or devices, and the target of a link is not ours to write to.
func (x *extraction) one(header *tar.Header, name string, r io.Reader) error {
	first, _, _ := strings.Cut(name, "/")
	switch {
	case len(name) > maxName:
		return fmt.Errorf("the name is longer than %d bytes", maxName)
	case name == manifestName, first == "lost+found", strings.HasPrefix(first, stagingPrefix):
		return errors.New("the name is not valid in a backup")
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return x.folder(name, fs.FileMode(header.Mode)&writable) //nolint:gosec // the bits that are kept fit
	case tar.TypeReg:
		return x.file(header, name, r)
	}
	return fmt.Errorf("it is neither a file nor a folder (type %q): the archive is not a backup of Ausguck", header.Typeflag)
}

func (x *extraction) folder(name string, mode fs.FileMode) error {
	made := 1
	if _, err := x.root.Stat(path.Dir(name)); err != nil {
		made += strings.Count(name, "/")
	}
	if x.folders -= made; x.folders < 0 {
		return errors.New("the archive contains far more folders than files: it is not a backup of Ausguck")
	}
	return x.root.MkdirAll(name, mode|0o700)
}

func (x *extraction) file(header *tar.Header, name string, r io.Reader) error {
	if x.files--; x.files < 0 {
		return fmt.Errorf("the archive contains more files than its %s lists", manifestName)
	}
	if x.bytes -= header.Size; x.bytes < 0 {
		return fmt.Errorf("the archive contains more bytes than its %s states", manifestName)
	}
	if dir := path.Dir(name); dir != "." {
		if _, err := x.root.Stat(dir); err != nil {
			if err := x.folder(dir, 0o750); err != nil {
				return err
			}
		}
	}
	f, err := x.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(header.Mode)&writable) //nolint:gosec // the bits that are kept fit
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), r)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	x.sums[name] = hex.EncodeToString(sum.Sum(nil))
	return x.root.Chtimes(name, header.ModTime, header.ModTime) // retention by file age needs it
}

// check compares the sums line by line: in a malicious archive, the list may have any length.
func check(r io.Reader, got map[string]string) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxName+sha256.Size*2+16)
	files, seen := len(got), 0
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || got[name] != sum {
			return fmt.Errorf("%.200s does not match its checksum: the archive is damaged", name)
		}
		delete(got, name)
		seen++
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("read %s: %w", sumsName, err)
	case err != nil:
		return ErrTruncated
	case seen != files:
		return fmt.Errorf("%d files instead of %d: the archive is damaged", files, seen)
	}
	return nil
}
