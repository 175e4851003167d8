package backup

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// attempts is how often copying a folder is restarted because files disappeared meanwhile.
const attempts = 10

// Copy copies the folder from, if it exists, while its owner writes to it: growing files are copied in their current state, and
// files that disappear make it start over. skip selects what to omit, by its path below from; it may be nil.
func Copy(from, to string, skip func(name string, d fs.DirEntry) bool) error {
	return repeat(from, to, skip, copyFile)
}

// Link is Copy for files that never change: it creates hard links if the file system supports them.
func Link(from, to string, skip func(name string, d fs.DirEntry) bool) error {
	return repeat(from, to, skip, func(from, to string) error {
		if os.Link(from, to) == nil {
			return nil
		}
		return copyFile(from, to)
	})
}

func repeat(from, to string, skip func(string, fs.DirEntry) bool, one func(from, to string) error) (err error) {
	for range attempts {
		if err = once(from, to, skip, one); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

func once(from, to string, skip func(string, fs.DirEntry) bool, one func(from, to string) error) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case name != "." && (strings.HasPrefix(d.Name(), stagingPrefix) || skip != nil && skip(filepath.ToSlash(name), d)):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(target, 0o750)
		case d.Type().IsRegular():
			return one(path, target)
		}
		return nil // sockets and links are not data
	})
}

// copyFile copies the size that the file has at one moment; its owner may continue to append to it.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, info.Size()))
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// Stage creates a folder in dir for the copies from which an archive is written. Remove it afterwards.
func Stage(dir string) (string, error) {
	staging, err := os.MkdirTemp(dir, stagingPrefix)
	if err != nil {
		return "", fmt.Errorf("create a folder for the backup: %w", err)
	}
	return staging, nil
}

// Clean removes the folders that a killed process has left in dir.
func Clean(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, stagingPrefix+"*"))
	for _, name := range left {
		err = errors.Join(err, os.RemoveAll(name))
	}
	return err
}
