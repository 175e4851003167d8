package backup

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ErrTruncated is returned for an archive that ends too early.
var ErrTruncated = errors.New("the archive ends too early: the backup was interrupted, or the file was not copied whole")

// stagingPrefix starts the names of folders that are being made; they are no data.
const stagingPrefix = ".incomplete-"

// Restore makes the files of an archive below dir, which must be empty or not there. They appear in it when all are
// right, or not at all.
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
	root, err := os.OpenRoot(staging) // names in an archive may try to lead out of it
	if err != nil {
		return m, err
	}
	m, err = extract(r, root)
	if err = errors.Join(err, root.Close()); err != nil {
		return m, err
	}
	entries, err := os.ReadDir(staging)
	if err != nil {
		return m, err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(staging, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return m, err
		}
	}
	return m, nil
}

// requireEmpty allows what a file system or a container engine puts into a new volume.
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
			return fmt.Errorf("%s is not empty (it has %s): nothing was restored; move it away, or name another folder", dir, e.Name())
		}
	}
	return nil
}

// extract writes and checks every file.
func extract(r io.Reader, root *os.Root) (m Manifest, err error) {
	compressed, err := gzip.NewReader(r)
	if err != nil {
		return m, fmt.Errorf("this is no backup of Ausguck: %w", err)
	}
	archive, sums := tar.NewReader(compressed), map[string]string{}
	for first := true; ; first = false {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return m, ErrTruncated // the sums come last
		}
		if err != nil {
			return m, fmt.Errorf("read the archive: %w", err)
		}
		name := path.Clean(header.Name)
		switch {
		case first:
			if m, err = readManifest(archive, name); err != nil {
				return m, err
			}
		case name == sumsName:
			return m, check(archive, sums)
		default:
			if err := extractOne(root, header, name, archive, sums); errors.Is(err, io.ErrUnexpectedEOF) {
				return m, ErrTruncated
			} else if err != nil {
				return m, fmt.Errorf("restore %s: %w", name, err)
			}
		}
	}
}

func readManifest(r io.Reader, name string) (m Manifest, err error) {
	if name != manifestName {
		return m, fmt.Errorf("this is no backup of Ausguck: it begins with %s", name)
	}
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return m, fmt.Errorf("read %s: %w", manifestName, err)
	}
	if m.Format != format {
		return m, fmt.Errorf("the backup has format %d, this program reads %d: restore it with the version that made it, %s", m.Format, format, m.Program)
	}
	return m, nil
}

func extractOne(root *os.Root, header *tar.Header, name string, r io.Reader, sums map[string]string) error {
	mode := fs.FileMode(header.Mode) & fs.ModePerm //nolint:gosec // the bits that are kept fit
	if header.Typeflag == tar.TypeDir {
		return root.MkdirAll(name, mode|0o700)
	}
	if err := root.MkdirAll(path.Dir(name), 0o750); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), r)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	sums[name] = hex.EncodeToString(sum.Sum(nil))
	return root.Chtimes(name, header.ModTime, header.ModTime) // retention by age of file needs it
}

// check compares the sums of what was written with those of what was read for the backup.
func check(r io.Reader, got map[string]string) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return ErrTruncated
	}
	want := 0
	for line := range strings.Lines(string(content)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok || got[name] != sum {
			return fmt.Errorf("%s is not as it was in the backup: the archive is damaged", name)
		}
		want++
	}
	if want != len(got) {
		return fmt.Errorf("%d files instead of %d: the archive is damaged", len(got), want)
	}
	return nil
}
