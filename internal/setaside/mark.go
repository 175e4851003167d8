package setaside

import (
	"errors"
	"io/fs"
	"os"
)

// Mark creates a marker beside the file at path while the file has content, so that an empty or missing file can be distinguished
// from one that never had content. Mark a file after writing it, and unmark it before emptying or removing it: a crash in between
// then leaves no false marker.
func Mark(path string, holds bool) error {
	if !holds {
		if err := os.Remove(mark(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if Marked(path) {
		return nil
	}
	return os.WriteFile(mark(path), nil, 0o600)
}

// Marked reports whether the file at path had content when it was last written.
func Marked(path string) bool {
	_, err := os.Stat(mark(path))
	return err == nil
}

func mark(path string) string { return path + ".kept" }
