package library

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// provisionedSet is what all providers together show.
type provisionedSet struct {
	dashboards map[string]*dashboard
	folders    map[string]*folder
}

// mergeProvisioned puts the files of all providers together: of a uid that is there twice the first counts.
// saved folders lend their uid to provisioned ones of the same title.
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
				if !pf.provider.builtIn { // replacing a built-in one is how people change it
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

// folder returns the uid of the folder with the title, which it makes when it is not there.
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

// nested returns the uid of the folder of a path, which it makes with those that it is in. What is deeper than folders may be
// is in the deepest that there is.
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

// folderUIDOf returns the uid of the saved folder of the title, or else one that is the same at every start and that nobody
// chooses: a folder that is made by API may have any name as its uid.
func folderUIDOf(title, parent string, saved map[string]*folder) string {
	for _, f := range saved {
		if f.ParentUID == parent && f.Title == title {
			return f.UID
		}
	}
	return grafana.StableUID("folder", parent+"/"+title)
}
