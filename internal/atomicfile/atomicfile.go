// Package atomicfile replaces files whole.
//
// A reader, and whoever starts after a crash or a power cut, finds the content before or the new one and never a part. It
// imports the standard library only, so that every part may import it.
package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Write puts content in the place of the file at path. One file must not be written twice at a time.
func Write(path string, content []byte, mode fs.FileMode) error {
	return Replace(path, mode, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// Replace puts what fill writes in the place of the file at path. When it fails, the file is as it was.
func Replace(path string, mode fs.FileMode, fill func(io.Writer) error) error {
	unfinished := filepath.Join(filepath.Dir(path), ".tmp-"+filepath.Base(path)+".tmp") // a crash leaves it to the next try
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

// SyncDir makes the names in a folder last. File systems that cannot are left alone.
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
