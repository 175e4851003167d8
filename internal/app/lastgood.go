package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// lastGood keeps the last configuration of each part that loaded, below the data folder: one folder per part with the file, the
// files that it names, and an index. A nil pointer holds nothing.
type lastGood struct{ dir string }

const indexFile = "index.json"

// index describes the copies in a folder.
type index struct {
	Saved time.Time `json:"saved"`
	File  string    `json:"file"`
	Dir   string    `json:"dir"`
	// Main is the copy of File; Beside are the copies of the files that it names, by path.
	Main   string            `json:"main"`
	Beside map[string]string `json:"beside"`
}

// save stores a copy of a document, replacing the previous one.
func (g *lastGood) save(part string, d document) error {
	if d.BuiltIn {
		return nil // it cannot be lost, and the saved copy of an earlier file is kept
	}
	final := filepath.Join(g.dir, part)
	fresh := final + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.MkdirAll(fresh, 0o700)); err != nil {
		return err
	}
	x := index{Saved: time.Now(), File: d.Name, Dir: d.Dir, Main: "main", Beside: map[string]string{}}
	if err := os.WriteFile(filepath.Join(fresh, x.Main), d.Content, 0o600); err != nil {
		return err
	}
	for i, path := range d.beside {
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // built in, or just removed
		}
		if err != nil {
			return err
		}
		x.Beside[path] = strconv.Itoa(i) + filepath.Ext(path)
		if err := os.WriteFile(filepath.Join(fresh, x.Beside[path]), content, 0o600); err != nil {
			return err
		}
	}
	content, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(fresh, indexFile), content, 0o600); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(final), os.Rename(fresh, final))
}

// read returns the document that was saved last and the time; false if there is none that can be read.
func (g *lastGood) read(part string) (d document, saved time.Time, ok bool) {
	x, ok := g.index(part)
	if !ok {
		return d, saved, false
	}
	dir := filepath.Join(g.dir, part)
	content, err := os.ReadFile(filepath.Join(dir, x.Main))
	if err != nil {
		return d, saved, false
	}
	d = document{Name: x.File, Dir: x.Dir, Content: content, copies: map[string]string{}}
	for path, name := range x.Beside {
		d.copies[path] = filepath.Join(dir, name)
	}
	return d, x.Saved, true
}

func (g *lastGood) index(part string) (x index, ok bool) {
	if g == nil {
		return x, false
	}
	content, err := os.ReadFile(filepath.Join(g.dir, part, indexFile))
	return x, err == nil && json.Unmarshal(content, &x) == nil
}

// gone returns an error if d is built in because the previously loaded file no longer exists: a file that is being replaced, or a
// folder that is not mounted, must not silence alerts.
func (g *lastGood) gone(part string, d document) error {
	x, ok := g.index(part)
	if !ok || !d.BuiltIn || filepath.Dir(x.File) != d.Dir {
		return nil
	}
	return fmt.Errorf("%s: the file was loaded before and no longer exists: restore it, or remove the folder %s to use the built-in configuration",
		x.File, filepath.Join(g.dir, part))
}

// has reports whether anything was loaded from a folder.
func (g *lastGood) has(dir string) bool {
	if g == nil {
		return false
	}
	parts, err := os.ReadDir(g.dir)
	if err != nil {
		return false
	}
	for _, p := range parts {
		if x, ok := g.index(p.Name()); ok && x.Dir == dir {
			return true
		}
	}
	return false
}
