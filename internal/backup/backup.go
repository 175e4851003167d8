// Package backup writes folders that are in use to one archive, and restores folders from it.
//
// An archive is a gzipped tar: MANIFEST.json, the files, and SHA256SUMS with the sum of each. The sums are last, so that a
// truncated archive is detected. The package imports only internal/datadir of our packages and knows nothing about the content;
// internal/app decides in which order parts are copied.
package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	manifestName = "MANIFEST.json"
	sumsName     = "SHA256SUMS"
	format       = 1
)

// Manifest describes an archive.
type Manifest struct {
	Format  int       `json:"format"`
	Program string    `json:"program"`
	Made    time.Time `json:"made"`
	// Bytes is the size of all files.
	Bytes int64 `json:"bytes"`
	Files int   `json:"files"`
}

// Measure returns the manifest of dir.
func Measure(dir, program string) (Manifest, error) {
	m := Manifest{Format: format, Program: program, Made: time.Now().UTC().Truncate(time.Second)}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		m.Files++
		m.Bytes += info.Size()
		return nil
	})
	return m, err
}

// Write archives dir, which must not change meanwhile, until ctx ends.
func Write(ctx context.Context, w io.Writer, dir string, m Manifest) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestSpeed) // most of the data is compressed already
	if err != nil {
		return err
	}
	a := &archive{tar: tar.NewWriter(compressed), made: m.Made}
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := a.put(manifestName, manifest); err != nil {
		return err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return a.add(path, filepath.ToSlash(name), d)
	})
	if err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	if err := a.put(sumsName, []byte(a.sums.String())); err != nil {
		return err
	}
	return errors.Join(a.tar.Close(), compressed.Close())
}

// archive is an archive that is being written.
type archive struct {
	tar  *tar.Writer
	sums strings.Builder
	made time.Time
}

// put adds one of the archive's own files.
func (a *archive) put(name string, content []byte) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: a.made}
	if err := a.tar.WriteHeader(header); err != nil {
		return err
	}
	_, err := a.tar.Write(content)
	return err
}

// add adds a folder or a file; anything else is not backed up.
func (a *archive) add(path, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	switch {
	case d.IsDir():
		return a.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: int64(info.Mode().Perm()), ModTime: info.ModTime()})
	case !d.Type().IsRegular():
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: info.ModTime()}
	if err := a.tar.WriteHeader(header); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(a.tar, io.TeeReader(f, sum)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(&a.sums, "%s  %s\n", hex.EncodeToString(sum.Sum(nil)), name)
	return nil
}
