package library

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/atomicfile"
	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/setaside"
)

// Saved dashboards are `<dir>/<folder uid or general>/<uid>.json`. Users may also write files there.

// savedFile is one saved dashboard as of the last read of its file.
type savedFile struct {
	stamp     stamp
	path      string // relative to the folder, with /
	uid       string
	folderUID string
	body      *dashjson.Object // only set right after reading; nil if unchanged
	notices   []string
	err       error
}

// scanSaved reads the files that have changed since before and returns all files by path, plus the problems.
func scanSaved(fsys fs.FS, dir string, before map[string]*savedFile, resolve Resolver) (map[string]*savedFile, []error) {
	now := map[string]*savedFile{}
	err := walkJSON(fsys, ".", 0, func(name string, info fs.FileInfo) error {
		if name == foldersFile {
			return nil
		}
		if len(now) == maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		seen := stamp{info.Size(), info.ModTime()}
		if was := before[name]; was != nil && was.stamp == seen {
			unchanged := *was
			unchanged.body = nil
			now[name] = &unchanged
			return nil
		}
		now[name] = readSaved(fsys, name, seen, resolve)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return before, []error{fmt.Errorf("read saved dashboards in %s: %w", dir, err)}
	}
	return now, savedProblems(now, dir)
}

func savedProblems(files map[string]*savedFile, dir string) []error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := files[name].err; err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", filepath.Join(dir, filepath.FromSlash(name)), err))
		}
	}
	return problems
}

func readSaved(fsys fs.FS, name string, seen stamp, resolve Resolver) *savedFile {
	f := &savedFile{stamp: seen, path: name}
	if dir := path.Dir(name); dir != "." {
		f.folderUID = folderFor(path.Base(dir))
	}
	if f.folderUID != "" && !grafana.LegalUID(f.folderUID) {
		f.folderUID = grafana.NearestUID(f.folderUID)
	}
	base := strings.TrimSuffix(path.Base(name), path.Ext(name))
	f.uid = base // for a file that never was valid
	d, err := readDashboard(fsys, name, seen.size, resolve)
	if err != nil {
		f.err = err
		return f
	}
	f.body, f.notices = d.Body, d.Notices
	switch uid := d.Body.Text("uid"); {
	case grafana.LegalUID(uid):
		f.uid = uid
	case uid != "":
		f.uid = grafana.NearestUID(uid)
	case !grafana.LegalUID(base):
		f.uid = grafana.NearestUID(base)
	}
	return f
}

// store writes saved dashboards and their versions below dir.
type store struct {
	dir      string
	setAside *setaside.Shelf
}

func (s store) file(folderUID, uid string) string {
	if folderUID == "" {
		folderUID = generalUID
	}
	return path.Join(folderUID, uid+".json")
}

func (s store) abs(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// write writes a dashboard to its file and returns the resulting state of the file. The numeric id is not written
// because it is internal.
func (s store) write(d *dashboard) (*savedFile, error) {
	body, err := d.body()
	if err != nil {
		return nil, err
	}
	body.Delete("id")
	content, err := dashjson.EncodeIndent(body)
	if err != nil {
		return nil, err
	}
	name := s.file(d.folderUID, d.uid)
	if err := writeFile(s.abs(name), content); err != nil {
		return nil, fmt.Errorf("save dashboard %q: %w", d.title, err)
	}
	info, err := os.Stat(s.abs(name))
	if err != nil {
		return nil, fmt.Errorf("save dashboard %q: %w", d.title, err)
	}
	return &savedFile{stamp: stamp{info.Size(), info.ModTime()}, path: name, uid: d.uid, folderUID: d.folderUID}, nil
}

// remove deletes the file of a dashboard; a missing file is not an error.
func (s store) remove(name string) error {
	if err := os.Remove(s.abs(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete dashboard: %w", err)
	}
	_ = os.Remove(filepath.Dir(s.abs(name))) // the folder, if it is now empty
	return atomicfile.SyncDir(filepath.Dir(filepath.Dir(s.abs(name))))
}

// writeFile replaces a file and creates its parent directory.
func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	return atomicfile.Write(name, content, 0o640)
}

// cleanTemporary removes partially written files left by a crash.
func (s store) cleanTemporary() {
	for _, pattern := range []string{".tmp-*", "*/.tmp-*", ".versions/*/.tmp-*"} {
		left, _ := filepath.Glob(filepath.Join(s.dir, pattern))
		for _, f := range left {
			_ = os.Remove(f)
		}
	}
}

const foldersFile = "folders.json"

// folderList is the content of folders.json.
type folderList struct {
	Folders []*folder `json:"folders"`
}

// soundFolders is like readFolders, but sets aside an unreadable folders.json and reports a missing one.
func (s store) soundFolders() (map[string]*folder, error) {
	path := filepath.Join(s.dir, foldersFile)
	loss := setaside.Loss{
		Part: "dashboards", Path: path, Lost: "titles and order of the folders of saved dashboards; the dashboards are kept, in folders named by their uid",
		Remedy: "rename the folders on the page, or stop Ausguck and restore the file from a backup",
	}
	folders, err := s.readFolders()
	if err != nil {
		loss.Cause = err
		if err := s.setAside.Move(loss); err != nil {
			return nil, err
		}
		return map[string]*folder{}, setaside.Mark(path, false)
	}
	if _, err := os.Stat(path); err != nil && setaside.Marked(path) {
		loss.Cause = errors.New("the file is missing")
		s.setAside.Say(loss)
		return folders, setaside.Mark(path, false)
	}
	return folders, nil
}

// readFolders reads folders.json; a missing file means no folders.
func (s store) readFolders() (map[string]*folder, error) {
	folders := map[string]*folder{}
	content, err := os.ReadFile(filepath.Join(s.dir, foldersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return folders, nil
	}
	var list folderList
	if err == nil {
		err = json.Unmarshal(content, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("read folders from %s: %w", filepath.Join(s.dir, foldersFile), err)
	}
	for _, f := range list.Folders {
		if f == nil || !grafana.LegalUID(f.UID) || f.UID == generalUID {
			return nil, fmt.Errorf("%s: each folder requires a uid of letters, digits, - and _", filepath.Join(s.dir, foldersFile))
		}
		folders[f.UID] = f
	}
	return folders, nil
}

func (s store) writeFolders(folders map[string]*folder) error {
	list := folderList{Folders: []*folder{}}
	for _, uid := range slices.Sorted(maps.Keys(folders)) {
		list.Folders = append(list.Folders, folders[uid])
	}
	content, err := json.MarshalIndent(list, "", "  ")
	if err == nil {
		err = writeFile(filepath.Join(s.dir, foldersFile), append(content, '\n'))
	}
	if err == nil {
		err = setaside.Mark(filepath.Join(s.dir, foldersFile), len(folders) > 0)
	}
	if err != nil {
		return fmt.Errorf("save folders: %w", err)
	}
	return nil
}

// impliedFolder returns a folder that exists on disk but not in folders.json.
func impliedFolder(uid string, seen time.Time) *folder {
	return &folder{UID: uid, Title: uid, Version: 1, Created: seen, Updated: seen}
}
