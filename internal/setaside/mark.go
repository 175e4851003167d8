package setaside

import (
	"errors"
	"io/fs"
	"os"
)

// Mark leaves a mark beside the file at path while it holds something, so that a file that is empty or gone can be told from
// one that never held anything. Mark a file after it was written, and unmark it before it is emptied or removed: a crash in
// between then leaves no mark too many.
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

// Marked reports whether the file at path held something when it was last written.
func Marked(path string) bool {
	_, err := os.Stat(mark(path))
	return err == nil
}

func mark(path string) string { return path + ".kept" }
