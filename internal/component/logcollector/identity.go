package logcollector

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
)

// fileID identifies a file regardless of its name.
type fileID struct{ dev, inode uint64 }

func (f fileID) String() string { return fmt.Sprintf("%d:%d", f.dev, f.inode) }

func idOf(info fs.FileInfo) fileID {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileID{uint64(s.Dev), s.Ino} //nolint:unconvert // its type differs by platform
	}
	return fileID{}
}

// sameFile reports whether a file is the one of a position: it has the bytes that were read last, and the same first
// bytes.
func sameFile(file io.ReaderAt, p position) bool {
	have := make([]byte, len(p.Tail))
	n, err := file.ReadAt(have, p.Offset-int64(len(have)))
	return n == len(have) && (err == nil || errors.Is(err, io.EOF)) && bytes.Equal(have, p.Tail) && p.Head.of(file, make([]byte, headBytes))
}

// head is a hash of the beginning of a file, as far as it was read. Size is 0 if it is unknown.
type head struct {
	Size int    `json:"size"` // bytes, at most headBytes
	Hash uint64 `json:"hash"` // FNV-1a, which can be continued
}

// followed returns the head of a file that was read up to offset, after its next bytes.
func (h head) followed(offset int64, next []byte) head {
	if int64(h.Size) != offset { // complete, or the file was not read from its beginning
		return h
	}
	if h.Size == 0 {
		h.Hash = 14695981039346656037
	}
	for _, b := range next[:min(len(next), headBytes-h.Size)] {
		h.Hash = (h.Hash ^ uint64(b)) * 1099511628211
		h.Size++
	}
	return h
}

// of reports whether a file has this beginning; buf can hold headBytes.
func (h head) of(file io.ReaderAt, buf []byte) bool {
	n, _ := file.ReadAt(buf[:h.Size], 0)
	return h.Size == 0 || n == h.Size && head{}.followed(0, buf[:n]) == h
}

// errRotating means that files were moved continuously while one of them was searched.
var errRotating = errors.New("the files are being rotated")

// mostLooks is how often a folder is listed until its files have stopped moving.
const mostLooks = 20

// openAs opens the file with an ID in the folder of path, whatever name rotation gave it. Rotation may continue
// meanwhile, so a file counts as gone (fs.ErrNotExist) only if two consecutive looks find the same files without it.
func openAs(path string, id fileID) (*os.File, error) {
	dir := filepath.Dir(path)
	var before map[fileID]string
	for range mostLooks {
		now, err := filesIn(dir)
		if err != nil {
			return nil, err
		}
		if name, ok := now[id]; ok {
			if file := openIf(name, id); file != nil {
				return file, nil
			}
		} else if before != nil && maps.Equal(now, before) {
			return nil, fmt.Errorf("none of the files in %s is the one that was read before: %w", dir, fs.ErrNotExist)
		}
		before = now
	}
	return nil, fmt.Errorf("%s: %w", dir, errRotating)
}

// openIf opens the file that currently has the name, unless it has a different ID.
func openIf(path string, id fileID) *os.File {
	file, info, err := openNamed(path)
	if err != nil {
		return nil
	}
	if idOf(info) != id {
		_ = file.Close()
		return nil
	}
	return file
}

// openNamed opens the file that currently has the name.
func openNamed(path string) (*os.File, os.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	return withInfo(file)
}

// withInfo returns an open file with what is known about it, or closes it.
func withInfo(file *os.File) (*os.File, os.FileInfo, error) {
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// filesIn returns the paths of a folder's files. A file that is moved meanwhile may be missing, or have the name of
// another one.
func filesIn(dir string) (map[fileID]string, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := make(map[fileID]string, len(list))
	for _, e := range list {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files[idOf(info)] = filepath.Join(dir, e.Name())
		}
	}
	return files, nil
}
