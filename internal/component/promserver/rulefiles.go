package promserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// glob returns the rule files that match pattern, on disk and in Beside, sorted.
func (s Source) glob(pattern string) ([]string, error) {
	find := filepath.Glob
	if s.Copies != nil {
		find = s.matching
	}
	files, err := find(pattern)
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

// read reads a file found by glob.
func (s Source) read(file string) ([]byte, error) {
	content, err := os.ReadFile(s.place(file))
	if s.Beside == nil || !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	inside, err := filepath.Rel(s.Dir, file)
	if err != nil {
		return nil, fmt.Errorf("find %s in %s: %w", file, s.Dir, err)
	}
	return fs.ReadFile(s.Beside, filepath.ToSlash(inside))
}

// place returns the path from which to read a file; it is empty if there are copies but
// none of this file.
func (s Source) place(file string) string {
	if s.Copies == nil {
		return file
	}
	return s.Copies[file]
}

// matching returns the paths of the files with copies that match pattern, sorted.
func (s Source) matching(pattern string) (files []string, err error) {
	for path := range s.Copies {
		match, err := filepath.Match(pattern, path)
		if err != nil {
			return nil, err
		}
		if match {
			files = append(files, path)
		}
	}
	slices.Sort(files)
	return files, nil
}

// copiesOf returns the places from which to read the files that match one of the patterns.
func (s Source) copiesOf(patterns []string) (copies []string) {
	for _, pattern := range patterns {
		files, _ := s.matching(pattern) // config.Load has rejected bad patterns
		for _, file := range files {
			copies = append(copies, s.Copies[file])
		}
	}
	return copies
}
