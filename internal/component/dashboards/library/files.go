package library

import (
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

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/grafana"
)

const (
	maxFiles     = 10_000 // per provider
	maxPathDepth = 20     // a symlink may lead to a parent of itself
)

// providerFiles are the files of one provider as of the last scan.
type providerFiles struct {
	provider provider
	files    map[string]*dashboardFile // by path below the provider's folder
	err      error                     // the directory cannot be read
}

// dashboardFile is one file. good remains set when the file becomes unreadable.
type dashboardFile struct {
	stamp stamp
	good  *dashboard
	dir   string // path of the directory that becomes its folder, with foldersFromFilesStructure
	err   error
}

// stamp shows whether a file may have changed.
type stamp struct {
	size     int64
	modified time.Time
}

// Resolver returns the value of an input of an exported dashboard; false leaves it unresolved.
type Resolver func(dashjson.Input) (string, bool)

func (p provider) files(builtIn fs.FS) (fs.FS, error) {
	if p.builtIn {
		return fs.Sub(builtIn, p.path)
	}
	if info, err := os.Stat(p.path); err == nil && !info.IsDir() {
		return os.DirFS(filepath.Dir(p.path)), nil
	}
	return os.DirFS(p.path), nil
}

// walk calls found with every dashboard file of the provider, whose path may also be a single file.
func (p provider) walk(fsys fs.FS, found func(name string, info fs.FileInfo) error) error {
	if info, err := os.Stat(p.path); !p.builtIn && err == nil && !info.IsDir() {
		return found(filepath.Base(p.path), info)
	}
	return walkJSON(fsys, ".", 0, found)
}

func isJSON(name string) bool { return strings.EqualFold(path.Ext(name), ".json") }

// scan reads the files that have changed since before, which may be nil, and returns the new state. If all is set, it
// rereads every file.
func (p provider) scan(builtIn fs.FS, before *providerFiles, resolve Resolver, all bool) (now *providerFiles, gone []*dashboard) {
	now = &providerFiles{provider: p, files: map[string]*dashboardFile{}}
	if before == nil {
		before = &providerFiles{}
	}
	fsys, err := p.files(builtIn)
	if err == nil {
		err = p.walk(fsys, func(name string, info fs.FileInfo) error {
			if len(now.files) == maxFiles {
				return fmt.Errorf("more than %d files", maxFiles)
			}
			was := before.files[name]
			seen := stamp{info.Size(), info.ModTime()}
			if was != nil && was.stamp == seen && !all {
				now.files[name] = was
				return nil
			}
			now.files[name] = p.read(fsys, name, seen, was, resolve)
			return nil
		})
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		now.err, now.files = fmt.Errorf("read dashboards of provider %s in %s: %w", p.name, p.path, err), before.files
		return now, nil
	}
	for _, name := range slices.Sorted(maps.Keys(before.files)) {
		if _, still := now.files[name]; !still && before.files[name].good != nil {
			gone = append(gone, before.files[name].good)
		}
	}
	return now, gone
}

// keepGood keeps the last good state from before for broken files.
func (pf *providerFiles) keepGood(before *providerFiles) {
	if before == nil {
		return
	}
	for name, f := range pf.files {
		if was := before.files[name]; f.good == nil && was != nil {
			kept := *f
			kept.good = was.good
			pf.files[name] = &kept
		}
	}
}

// walkJSON calls found with every *.json below dir. It follows symlinks and skips hidden files and directories, in
// which a ConfigMap keeps its revisions.
func walkJSON(fsys fs.FS, dir string, depth int, found func(name string, info fs.FileInfo) error) error {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil || depth > maxPathDepth {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		name := path.Join(dir, e.Name())
		info, err := fs.Stat(fsys, name)
		if err != nil {
			continue // deleted in the meantime, or a dangling symlink
		}
		switch {
		case info.IsDir():
			err = walkJSON(fsys, name, depth+1, found)
			if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		case isJSON(name):
			err = found(name, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads one file. A broken file keeps its previous good state.
func (p provider) read(fsys fs.FS, name string, seen stamp, was *dashboardFile, resolve Resolver) *dashboardFile {
	f := &dashboardFile{stamp: seen}
	if dir := path.Dir(name); p.folders && dir != "." {
		f.dir = dir
	}
	if was != nil {
		f.good = was.good
	}
	shown := p.shown(name)
	d, err := readDashboard(fsys, name, seen.size, resolve)
	if err != nil {
		f.err = fmt.Errorf("%s: %w", shown, err)
		return f
	}
	id := identity{uid: d.Body.Text("uid"), version: 1, created: seen.modified, updated: seen.modified, createdBy: "provisioning", updatedBy: "provisioning"}
	if p.builtIn {
		id.createdBy, id.updatedBy = "Ausguck", "Ausguck"
	}
	if v, ok := d.Body.Int("version"); ok && v > 0 {
		id.version = v
	}
	if id.uid == "" {
		id.uid = grafana.StableUID("dashboard", p.name+"/"+name)
	} else if !grafana.LegalUID(id.uid) {
		id.uid = grafana.NearestUID(id.uid)
		d.Notices = append(d.Notices, fmt.Sprintf("uid %q may contain letters, digits, - and _, at most %d characters; %s is used instead", d.Body.Text("uid"), grafana.MaxUIDLength, id.uid))
	}
	made, err := newDashboard(d.Body, id)
	if err != nil {
		f.err = fmt.Errorf("%s: %w", shown, err)
		return f
	}
	made.notices = d.Notices
	made.provisioned = &provenance{provider: p.name, path: shown, external: name, allowUIUpdates: p.allowUIUpdates, builtIn: p.builtIn}
	f.good = made
	return f
}

// shown returns the path of a file for messages.
func (p provider) shown(name string) string {
	if p.builtIn {
		return "built-in " + name
	}
	if isJSON(p.path) && filepath.Base(p.path) == name {
		return p.path
	}
	return filepath.Join(p.path, filepath.FromSlash(name))
}

// readDashboard reads one file of any shape and resolves its inputs.
func readDashboard(fsys fs.FS, name string, size int64, resolve Resolver) (*dashjson.Dashboard, error) {
	if size > grafana.MaxBody {
		return nil, fmt.Errorf("%d MiB exceeds the limit of %d", size>>20, grafana.MaxBody>>20)
	}
	content, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	d, err := dashjson.Parse(content)
	if err != nil {
		return nil, err
	}
	d.Resolve(resolve)
	return d, nil
}
