package library

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// provisionedSet holds the dashboards and folders of all providers.
type provisionedSet struct {
	dashboards map[string]*dashboard
	folders    map[string]*folder
}

// mergeProvisioned merges the files of all providers: the first of several dashboards with the same uid wins.
// Provisioned folders take the uid of a saved folder with the same title.
func mergeProvisioned(all []*providerFiles, saved map[string]*folder) (provisionedSet, []error) {
	set := provisionedSet{map[string]*dashboard{}, map[string]*folder{}}
	var problems []error
	for _, pf := range all {
		if pf.err != nil {
			problems = append(problems, pf.err)
		}
		for _, name := range slices.Sorted(maps.Keys(pf.files)) {
			f := pf.files[name]
			if f.err != nil {
				problems = append(problems, f.err)
			}
			if f.good == nil {
				continue
			}
			d := *f.good
			if first, ok := set.dashboards[d.uid]; ok {
				if !pf.provider.builtIn { // built-in dashboards are customized by replacing them
					problems = append(problems, fmt.Errorf("%s: uid %q is in %s already", d.provisioned.path, d.uid, first.provisioned.path))
				}
				continue
			}
			if f.dir != "" {
				d.folderUID = set.nested(f.dir, pf.provider, saved, d)
			} else {
				d.folderUID = set.folder(pf.provider.folder, pf.provider, saved, d)
			}
			set.dashboards[d.uid] = &d
		}
	}
	return set, problems
}

// folder returns the uid of the folder with the title and creates it if it does not exist.
func (s provisionedSet) folder(title string, p provider, saved map[string]*folder, d dashboard) string {
	if title == "" && p.folderUID == "" || strings.EqualFold(title, generalTitle) {
		return ""
	}
	uid := p.folderUID
	switch {
	case uid == "" && title == builtInFolder:
		uid = builtInFolderUID
	case uid == "":
		uid = folderUIDOf(title, "", saved)
	}
	if title == "" {
		title = uid
	}
	s.make(uid, title, "", p, d)
	return uid
}

// nested returns the uid of the folder for a path and creates it together with its parents if needed. Anything below
// the maximum depth goes into the deepest folder allowed.
func (s provisionedSet) nested(dir string, p provider, saved map[string]*folder, d dashboard) string {
	names := strings.Split(dir, "/")
	uid := s.folder(names[0], p, saved, d)
	for depth := 1; depth < min(len(names), maxFolderDepth); depth++ {
		parent := uid
		uid = folderUIDOf(names[depth], parent, saved)
		s.make(uid, names[depth], parent, p, d)
	}
	return uid
}

func (s provisionedSet) make(uid, title, parent string, p provider, d dashboard) {
	if _, ok := s.folders[uid]; !ok {
		s.folders[uid] = &folder{UID: uid, Title: title, ParentUID: parent, Version: 1, Created: d.created, Updated: d.updated, provider: p.name}
	}
}

// folderUIDOf returns the uid of the saved folder with the title. If there is none, it returns a uid that is stable
// across restarts and that nobody would choose: folders created through the API may have any uid.
func folderUIDOf(title, parent string, saved map[string]*folder) string {
	for _, f := range saved {
		if f.ParentUID == parent && f.Title == title {
			return f.UID
		}
	}
	return grafana.StableUID("folder", parent+"/"+title)
}
