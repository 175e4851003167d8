package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// ballast is a file that occupies disk space, so that some can be released when the disk is full: the TSDB then has to write its
// last full chunks, and panics if it cannot.
type ballast struct {
	path string
	size uint64
	// files is the number of empty files, in their own folder: if no file can be created, no segment can be cut.
	files uint64
}

const ballastName = "ballast"

// ballastSize returns 64 MiB, or a quarter of a disk that is smaller than 256 MiB.
func ballastSize(disk uint64) uint64 { return min(64*mib, disk/4) }

// ballastFiles returns 100, or a hundredth of the capacity of a disk that can hold fewer than 10,000 files.
func ballastFiles(of uint64) uint64 { return min(100, of/100) }

func (b ballast) folder() string { return b.path + ".files" }

// held reports whether the file exists.
func (b ballast) held() bool {
	_, err := os.Stat(b.path)
	return err == nil
}

// hold creates the file. It writes the content because not all file systems support allocation.
func (b ballast) hold() error {
	if b.size == 0 || b.held() {
		return nil
	}
	f, err := os.OpenFile(b.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("reserve disk space: %w", err)
	}
	if err := errors.Join(b.holdFiles(), fill(f, b.size), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("reserve disk space: %w", err), b.release())
	}
	return nil
}

func (b ballast) holdFiles() error {
	if b.files == 0 {
		return nil
	}
	if err := os.MkdirAll(b.folder(), 0o750); err != nil {
		return err
	}
	for n := range b.files {
		if err := os.WriteFile(filepath.Join(b.folder(), strconv.FormatUint(n, 10)), nil, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func fill(f *os.File, size uint64) error {
	zeros := make([]byte, mib)
	for size > 0 {
		n, err := f.Write(zeros[:min(size, mib)])
		if err != nil {
			return err
		}
		size -= uint64(n)
	}
	return nil
}

// release frees the space.
func (b ballast) release() error {
	err := os.Remove(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err = errors.Join(err, os.RemoveAll(b.folder())); err != nil {
		return fmt.Errorf("release reserved disk space: %w", err)
	}
	return nil
}
