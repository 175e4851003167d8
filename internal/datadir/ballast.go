package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// ballast is a file that takes up room, so that there is some to give back when the disk is full: the
// TSDB has to write the last full chunks then, and panics when it cannot.
type ballast struct {
	path string
	size uint64
	// files are empty ones, in a folder of their own: where no file can be made, no segment can be cut.
	files uint64
}

const ballastName = "ballast"

// ballastSize returns 64 MiB, and a quarter of a disk that is smaller than 256 MiB.
func ballastSize(disk uint64) uint64 { return min(64*mib, disk/4) }

// ballastFiles returns 100, and a hundredth of a disk that can hold fewer than 10,000 files.
func ballastFiles(of uint64) uint64 { return min(100, of/100) }

func (b ballast) folder() string { return b.path + ".files" }

// held says whether the file is there.
func (b ballast) held() bool {
	_, err := os.Stat(b.path)
	return err == nil
}

// hold makes the file. It is written rather than allocated, which not every file system can do.
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

// release gives the room back.
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
