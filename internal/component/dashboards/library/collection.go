package library

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ausguck/ausguck/internal/setaside"
)

// collection holds all dashboards and folders: those from providers' files and the saved ones. Its methods must be
// called with Library.mtx held; view can be read at any time.
type collection struct {
	store    store
	versions versions
	now      func() time.Time
	resolve  Resolver // safe for concurrent use
	builtIn  fs.FS

	providers []*providerFiles
	files     map[string]*savedFile // by path
	saved     map[string]*savedDashboard
	folders   map[string]*folder // of folders.json
	problems  []error            // files that are not shown in their current state

	view atomic.Pointer[view]
}

// savedDashboard is the last good state of a saved dashboard.
type savedDashboard struct {
	*dashboard
	path    string
	basedOn string // version.Provisioned
}

// open reads everything for the first time; see reload for all.
func (l *collection) open(cfg *Config, all bool) error {
	if err := os.MkdirAll(l.store.dir, 0o750); err != nil {
		return fmt.Errorf("create the folder of saved dashboards: %w", err)
	}
	l.store.cleanTemporary()
	folders, err := l.store.soundFolders()
	if err != nil {
		return err
	}
	l.folders, l.saved = folders, map[string]*savedDashboard{}
	if err := l.reload(cfg, all); err != nil {
		return err
	}
	l.missFiles()
	return nil
}

// missFiles reports dashboards that have versions but no file.
func (l *collection) missFiles() {
	there := map[string]bool{}
	for _, f := range l.files {
		there[f.uid] = true
	}
	for _, uid := range l.versions.uids() {
		if there[uid] {
			continue
		}
		title := uid
		latest := l.versions.latest(uid)
		if latest == nil {
			continue // deleted, only the folder remains
		}
		if d, err := latest.dashboard(uid, ""); err == nil {
			title = d.title
		}
		path := l.store.abs(l.store.file("", uid))
		l.store.setAside.Say(setaside.Loss{
			Part: "dashboards", Path: path, Cause: errors.New("the file of a saved dashboard is missing, but its versions exist"),
			Lost: fmt.Sprintf("the dashboard %q", title),
			Remedy: fmt.Sprintf("to restore it, run: jq .data %s > %s; if it was deleted on purpose, remove the folder %s",
				l.versions.file(uid, latest.Version), path, l.versions.of(uid)),
		})
	}
}

// reload loads the files of cfg's providers. Files unchanged since cfg was checked are not read again unless all is set
// because the values of their inputs may have changed.
func (l *collection) reload(cfg *Config, all bool) error {
	l.builtIn = cfg.builtIn
	providers := make([]*providerFiles, len(cfg.providers))
	for i, p := range cfg.providers {
		now, _ := p.scan(l.builtIn, cfg.scanned[i], l.resolve, all)
		now.keepGood(l.before(p))
		providers[i] = now
	}
	l.providers = providers
	return l.rescanSaved()
}

func (l *collection) before(p provider) *providerFiles {
	for _, pf := range l.providers {
		if pf.provider.name == p.name && pf.provider.path == p.path && pf.provider.builtIn == p.builtIn {
			return pf
		}
	}
	return nil
}

// rescan reads the files that have changed.
func (l *collection) rescan() error {
	for i, pf := range l.providers {
		now, gone := pf.provider.scan(l.builtIn, pf, l.resolve, false)
		l.providers[i] = now
		if !pf.provider.disableDeletion {
			continue
		}
		for _, d := range gone { // keep them instead of deleting them
			if err := l.adopt(d); err != nil {
				return err
			}
		}
	}
	return l.rescanSaved()
}

// adopt saves a dashboard whose file was deleted.
func (l *collection) adopt(d *dashboard) error {
	if _, ok := l.saved[d.uid]; ok {
		return nil
	}
	current := l.view.Load().dashboards[d.uid]
	if current == nil {
		current = d
	}
	if err := l.keepFolder(current.folderUID); err != nil {
		return err
	}
	kept := *current
	kept.provisioned = nil
	return l.put(&kept, version{Message: "kept: its provisioned file is gone", Author: "provisioning"})
}

// rescanSaved reads saved files that have changed and publishes the new view.
func (l *collection) rescanSaved() error {
	files, problems := scanSaved(os.DirFS(l.store.dir), l.store.dir, l.files, l.resolve)
	byUID := map[string]*savedFile{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		if other := byUID[f.uid]; other != nil {
			older := f
			if f.stamp.modified.After(other.stamp.modified) {
				older, byUID[f.uid] = other, f
			}
			problems = append(problems, fmt.Errorf("%s: uid %q is in %s too, which is newer", l.store.abs(older.path), f.uid, l.store.abs(byUID[f.uid].path)))
			continue
		}
		byUID[f.uid] = f
	}
	saved := map[string]*savedDashboard{}
	for uid, f := range byUID {
		d, err := l.fromFile(f)
		switch {
		case err != nil:
			problems = append(problems, err)
		case d != nil:
			saved[uid] = d
		}
	}
	for _, f := range files {
		f.body = nil
	}
	l.files, l.saved = files, saved
	l.publish(problems)
	return nil
}

// fromFile returns the dashboard of a saved file. A file changed by hand becomes a new version; a broken file keeps the
// last good state, even across restarts.
func (l *collection) fromFile(f *savedFile) (*savedDashboard, error) {
	if was := l.saved[f.uid]; was != nil && f.body == nil && was.folderUID == f.folderUID {
		return was, nil
	}
	latest := l.versions.latest(f.uid)
	if f.body == nil {
		if latest == nil {
			return nil, nil // never was valid, and is reported as broken
		}
		d, err := latest.dashboard(f.uid, f.folderUID)
		return &savedDashboard{d, f.path, latest.Provisioned}, err
	}
	stated, _ := f.body.Int("version")
	d, err := newDashboard(f.body, identity{uid: f.uid, folderUID: f.folderUID, version: max(stated, 1), created: f.stamp.modified, updated: f.stamp.modified})
	if err != nil {
		return nil, err
	}
	d.notices = f.notices
	v := version{Message: "found as a file", Created: f.stamp.modified, Version: d.version}
	if latest != nil {
		old, err := latest.dashboard(f.uid, f.folderUID)
		if err == nil && old.content == d.content {
			old.notices = f.notices
			return &savedDashboard{old, f.path, latest.Provisioned}, nil
		}
		v = version{Message: "changed in the file", Created: f.stamp.modified, Version: latest.Version + 1,
			DashboardCreated: latest.DashboardCreated, DashboardAuthor: latest.DashboardAuthor, Provisioned: latest.Provisioned}
	}
	if d, err = l.record(d, &v); err != nil {
		return nil, err
	}
	return &savedDashboard{d, f.path, v.Provisioned}, nil
}

// record writes a version of d and returns d with that version's number and timestamps.
func (l *collection) record(d *dashboard, v *version) (*dashboard, error) {
	if v.Created.IsZero() {
		v.Created = l.now()
	}
	if v.DashboardCreated.IsZero() {
		v.DashboardCreated, v.DashboardAuthor = v.Created, v.Author
	}
	body, err := d.body()
	if err != nil {
		return nil, err
	}
	made, err := newDashboard(body, v.identity(d.uid, d.folderUID))
	if err != nil {
		return nil, err
	}
	made.notices = d.notices
	if v.Data, err = made.json(); err != nil {
		return nil, err
	}
	return made, l.versions.add(d.uid, v)
}

// put saves d as the next version. The file is written first because it is authoritative after a crash.
func (l *collection) put(d *dashboard, v version) error {
	was := l.saved[d.uid]
	v.Version, v.Created = max(d.version, 1), l.now()
	if latest := l.versions.latest(d.uid); latest != nil {
		v.Version = max(v.Version, latest.Version+1)
		v.DashboardCreated, v.DashboardAuthor = latest.DashboardCreated, latest.DashboardAuthor
	} else {
		v.DashboardCreated, v.DashboardAuthor = v.Created, v.Author
	}
	body, err := d.body()
	if err != nil {
		return err
	}
	made, err := newDashboard(body, v.identity(d.uid, d.folderUID))
	if err != nil {
		return err
	}
	made.notices = d.notices
	file, err := l.store.write(made)
	if err != nil {
		return err
	}
	if was != nil && was.path != file.path {
		if err := l.store.remove(was.path); err != nil {
			return err
		}
		delete(l.files, was.path)
	}
	if made, err = l.record(made, &v); err != nil {
		return err
	}
	if l.files == nil {
		l.files = map[string]*savedFile{}
	}
	l.files[file.path] = file
	l.saved[d.uid] = &savedDashboard{made, file.path, v.Provisioned}
	return nil
}

// drop deletes a saved dashboard with its versions.
func (l *collection) drop(d *savedDashboard) error {
	if err := l.store.remove(d.path); err != nil {
		return err
	}
	delete(l.files, d.path)
	delete(l.saved, d.uid)
	return l.versions.remove(d.uid)
}

// keepFolder adds a folder that only exists in provisioning or on disk to folders.json.
func (l *collection) keepFolder(uid string) error {
	if uid == "" || l.folders[uid] != nil {
		return nil
	}
	f := l.view.Load().folders[uid]
	if f == nil {
		return nil
	}
	kept := *f
	kept.provider = ""
	l.folders[uid] = &kept
	return l.store.writeFolders(l.folders)
}

// publish makes the current state visible.
func (l *collection) publish(problems []error) {
	set, more := mergeProvisioned(l.providers, l.folders)
	problems = append(more, problems...)
	folders := set.folders
	for _, f := range l.folders {
		own := *f
		if p := set.folders[f.UID]; p != nil {
			own.provider = p.provider
		}
		folders[f.UID] = &own
	}
	for _, uid := range slices.Sorted(maps.Keys(l.saved)) {
		d := l.saved[uid]
		if p := set.dashboards[uid]; p != nil && !overrides(d, p) {
			if d.basedOn == "" {
				problems = append(problems, fmt.Errorf("%s: uid %q belongs to %s, which is shown", l.store.abs(d.path), uid, p.provisioned.path))
			}
			continue
		} else if p != nil {
			shown := *d.dashboard
			shown.provisioned = p.provisioned
			d = &savedDashboard{dashboard: &shown}
		}
		set.dashboards[uid] = d.dashboard
		if d.folderUID != "" && folders[d.folderUID] == nil {
			folders[d.folderUID] = impliedFolder(d.folderUID, d.created)
		}
	}
	for _, f := range folders { // children of a missing parent move to the top level
		if f.ParentUID != "" && folders[f.ParentUID] == nil {
			f.ParentUID = ""
		}
	}
	l.view.Store(newView(set.dashboards, folders))
	l.problems = problems
}

// overrides reports whether a saved dashboard takes precedence over the provisioned one with the same uid. It does if
// the provider allows it and the file has not changed since it was overridden.
func overrides(saved *savedDashboard, file *dashboard) bool {
	return file.provisioned.allowUIUpdates && saved.basedOn == contentHash(file)
}

func contentHash(d *dashboard) string { return hex.EncodeToString(d.content[:]) }

// provisionedFile returns the dashboard as in its file, or nil if no provider has it.
func (l *collection) provisionedFile(uid string) *dashboard {
	set, _ := mergeProvisioned(l.providers, l.folders)
	return set.dashboards[uid]
}
