// Package permission explains how to fix file permission errors.
//
// It imports only the standard library, so that every part may import it.
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

// Explain adds a remedy to an error about path. Errors that are not about permissions, or that already contain a remedy, are
// returned unchanged.
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

// Advice returns a remedy for err, as the rest of a sentence; empty if none is known.
func Advice(path string, err error) string {
	switch {
	case errors.Is(err, syscall.EROFS): // changing the owner does not help
		return "the file system is read-only: mount it writable, or name another folder with --storage.path"
	case errors.Is(err, fs.ErrPermission):
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		return fmt.Sprintf("Ausguck runs as user %d; run: sudo chown -R %d:%d %s", os.Geteuid(), os.Geteuid(), os.Getegid(), Quoted(Existing(path)))
	}
	return ""
}

// Existing returns path, or its closest existing parent.
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

// Quoted quotes a path as one shell word.
func Quoted(path string) string {
	if strings.ContainsAny(path, " '\"$&;()<>|*?[]`\\") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
