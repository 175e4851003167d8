// Package atomicfile replaces files atomically.
//
// A reader, or a program that starts after a crash or a power failure, finds either the old or the new content, never a part. It
// imports only the standard library, so that every part may import it.
package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Write replaces the content of the file at path. Concurrent writes of the same file are not allowed.
func Write(path string, content []byte, mode fs.FileMode) error {
	return Replace(path, mode, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// Replace replaces the file at path by what fill writes. If it fails, the file is unchanged.
func Replace(path string, mode fs.FileMode, fill func(io.Writer) error) error {
	unfinished := filepath.Join(filepath.Dir(path), ".tmp-"+filepath.Base(path)+".tmp") // after a crash, the next write reuses it
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(unfinished, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes changes of the names in a folder durable. It ignores file systems that do not support this.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil //nolint:nilerr // what may be written to need not be readable
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
