// Package permission says what helps when a file may not be read or written.
//
// It imports the standard library only, so that every part may import it.
package permission

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Explain adds to an error about path what mends it. An error that has nothing to do with permissions, or that says already
// what helps, is returned as it is.
func Explain(path string, err error) error {
	var explained *explainedError
	if err == nil || errors.As(err, &explained) {
		return err
	}
	advice := Advice(path, err)
	if advice == "" {
		return err
	}
	return &explainedError{fmt.Errorf("%w; %s", err, advice)}
}

type explainedError struct{ error }

func (e *explainedError) Unwrap() error { return e.error }

// Advice returns what mends err, as the rest of a sentence; empty when that is not known.
func Advice(path string, err error) string {
	switch {
	case errors.Is(err, syscall.EROFS): // no owner helps there
		return "the file system is read-only: mount it writable, or name another folder with --storage.path"
	case errors.Is(err, fs.ErrPermission):
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		return fmt.Sprintf("Ausguck runs as user %d; run: sudo chown -R %d:%d %s", os.Geteuid(), os.Geteuid(), os.Getegid(), Quoted(Existing(path)))
	}
	return ""
}

// Existing returns path, or its closest parent that exists.
func Existing(path string) string {
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path
		}
		parent := filepath.Dir(path)
		if parent == path {
			return path
		}
		path = parent
	}
}

// Quoted makes a path one word for a shell.
func Quoted(path string) string {
	if strings.ContainsAny(path, " '\"$&;()<>|*?[]`\\") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
