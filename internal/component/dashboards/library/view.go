package library

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// view is one consistent state of all dashboards and folders. It is immutable, so readers need no lock.
type view struct {
	dashboards map[string]*dashboard // by uid
	folders    map[string]*folder    // by uid
	sorted     []*dashboard          // by title, then uid
	sortedDirs []*folder
	byFolder   map[string][]*dashboard
	tags       map[string]int
}

func newView(all map[string]*dashboard, folders map[string]*folder) *view {
	v := &view{
		dashboards: all, folders: folders, byFolder: map[string][]*dashboard{}, tags: map[string]int{},
		sorted:     slices.Collect(maps.Values(all)),
		sortedDirs: slices.Collect(maps.Values(folders)),
	}
	slices.SortFunc(v.sorted, func(a, b *dashboard) int { return cmp.Or(cmp.Compare(a.lower, b.lower), cmp.Compare(a.uid, b.uid)) })
	slices.SortFunc(v.sortedDirs, func(a, b *folder) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)), cmp.Compare(a.UID, b.UID))
	})
	for _, d := range v.sorted {
		v.byFolder[d.folderUID] = append(v.byFolder[d.folderUID], d)
		for _, tag := range d.tags {
			v.tags[tag]++
		}
	}
	return v
}

// folderTitle returns the title of a folder, General for none.
func (v *view) folderTitle(uid string) string {
	if f, ok := v.folders[uid]; ok {
		return f.Title
	}
	return generalTitle
}

// children returns the direct children of parent, sorted.
func (v *view) children(parent string) []*folder {
	var found []*folder
	for _, f := range v.sortedDirs {
		if f.ParentUID == parent {
			found = append(found, f)
		}
	}
	return found
}

// below returns the folder and all its descendants.
func (v *view) below(uid string) []*folder {
	f, ok := v.folders[uid]
	if !ok {
		return nil
	}
	all := []*folder{f}
	for i := 0; i < len(all); i++ {
		all = append(all, v.children(all[i].UID)...)
	}
	return all
}

// byTitle returns the dashboard in the folder with the title.
func (v *view) byTitle(folderUID, title string) *dashboard {
	for _, d := range v.byFolder[folderUID] {
		if strings.EqualFold(d.title, title) {
			return d
		}
	}
	return nil
}

// byID returns the dashboard with the numeric id.
func (v *view) byID(id int64) *dashboard {
	for _, d := range v.sorted {
		if d.id() == id {
			return d
		}
	}
	return nil
}
