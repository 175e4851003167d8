package promserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// glob returns the rule files that match pattern, on the disk and beside it, sorted.
func (s Source) glob(pattern string) ([]string, error) {
	files, err := filepath.Glob(pattern)
	if err != nil || s.Beside == nil {
		return files, err
	}
	inside, err := filepath.Rel(s.Dir, pattern)
	if err != nil {
		return files, nil //nolint:nilerr // not below Dir, so not beside it either
	}
	beside, err := fs.Glob(s.Beside, filepath.ToSlash(inside))
	if err != nil {
		return nil, err
	}
	for _, name := range beside {
		files = append(files, filepath.Join(s.Dir, filepath.FromSlash(name)))
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// read returns a file that glob found.
func (s Source) read(file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	if s.Beside == nil || !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	inside, err := filepath.Rel(s.Dir, file)
	if err != nil {
		return nil, fmt.Errorf("find %s in %s: %w", file, s.Dir, err)
	}
	return fs.ReadFile(s.Beside, filepath.ToSlash(inside))
}
