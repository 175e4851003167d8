package library

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// maxFolderDepth is Grafana's limit for nested folders.
const maxFolderDepth = 4

// folderAPI serves the folder endpoints.
type folderAPI struct{ *Library }

// json returns a folder in the format of Grafana's API.
func (s folderAPI) json(v *view, f *folder, c grafana.Caller) map[string]any {
	edit := c.Role.Includes(grafana.Editor)
	out := map[string]any{
		"id": f.id(), "uid": f.UID, "orgId": 1, "title": f.Title, "description": f.Description, "url": f.url(s.o.SubURL), "hasAcl": false,
		"canSave": edit, "canEdit": edit, "canAdmin": c.Role.Includes(grafana.Admin), "canDelete": edit && f.provider == "",
		"createdBy": f.CreatedBy, "created": grafana.Stamped(f.Created), "updatedBy": f.UpdatedBy, "updated": grafana.Stamped(f.Updated), "version": f.Version,
	}
	if f.ParentUID != "" {
		out["parentUid"] = f.ParentUID
		parents := []any{}
		for _, p := range v.parents(f) {
			parents = append(parents, map[string]any{"id": p.id(), "uid": p.UID, "title": p.Title, "url": p.url(s.o.SubURL), "parentUid": p.ParentUID})
		}
		out["parents"] = parents
	}
	return out
}

// parents returns the ancestors of f, outermost first.
func (v *view) parents(f *folder) []*folder {
	var all []*folder
	for p := v.folders[f.ParentUID]; p != nil && len(all) <= maxFolderDepth; p = v.folders[p.ParentUID] {
		all = append([]*folder{p}, all...)
	}
	return all
}

func (s folderAPI) list(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	limit, err := grafana.QueryInt(r, "limit", defaultSearchLimit)
	if err != nil {
		return err
	}
	page, err := grafana.QueryInt(r, "page", 1)
	if err != nil {
		return err
	}
	v := s.view()
	parent := folderFor(r.URL.Query().Get("parentUid"))
	if parent != "" && v.folders[parent] == nil {
		return errNoFolder
	}
	all := v.children(parent)
	limit = min(max(limit, 1), maxSearchLimit)
	first := min((min(max(page, 1), maxFiles)-1)*limit, int64(len(all)))
	out := []any{}
	for _, f := range all[first:min(first+limit, int64(len(all)))] {
		item := map[string]any{"id": f.id(), "uid": f.UID, "title": f.Title}
		if f.ParentUID != "" {
			item["parentUid"] = f.ParentUID
		}
		out = append(out, item)
	}
	return grafana.OK(w, out)
}

// named returns the folder that the path names by uid or id.
func (s folderAPI) named(r *http.Request) (*folder, error) {
	v := s.view()
	if uid := r.PathValue("uid"); uid != "" {
		if f := v.folders[uid]; f != nil {
			return f, nil
		}
		return nil, errNoFolder
	}
	id, err := grafana.PathInt(r, "id")
	if err != nil {
		return nil, err
	}
	for _, f := range v.folders {
		if f.id() == id {
			return f, nil
		}
	}
	return nil, errNoFolder
}

func (s folderAPI) get(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	if r.PathValue("uid") == generalUID || r.PathValue("id") == "0" {
		return grafana.OK(w, map[string]any{
			"id": 0, "uid": generalUID, "orgId": 1, "title": generalTitle, "url": "", "hasAcl": false, "canSave": c.Role.Includes(grafana.Editor), "canEdit": c.Role.Includes(grafana.Editor),
			"canAdmin": c.Role.Includes(grafana.Admin), "canDelete": false, "version": 0,
		})
	}
	f, err := s.named(r)
	if err != nil {
		return err
	}
	return grafana.OK(w, s.json(s.view(), f, c))
}

type folderBody struct {
	UID         string  `json:"uid"`
	Title       string  `json:"title"`
	Description *string `json:"description"`
	ParentUID   string  `json:"parentUid"`
	Version     int64   `json:"version"`
	Overwrite   bool    `json:"overwrite"`
}

// checkTitle returns an error if Grafana would reject the title of a folder.
func (v *view) checkTitle(title, parent, self string) error {
	if title == "" {
		return grafana.Fail(http.StatusBadRequest, "folder title cannot be empty")
	}
	if parent == "" && strings.EqualFold(title, generalTitle) {
		return grafana.Fail(http.StatusConflict, "A folder already exists with that name").With("status", "name-exists")
	}
	for _, f := range v.children(parent) {
		if f.UID != self && f.Title == title {
			return grafana.Fail(http.StatusConflict, "A folder with the same name already exists in the current location").With("messageId", "folder.name-exists").With("status", "name-exists")
		}
	}
	return nil
}

// checkParent returns an error if parent cannot be the parent of a folder with this many levels below it.
func (v *view) checkParent(parent string, levels int) error {
	if parent == "" {
		return nil
	}
	p := v.folders[parent]
	if p == nil {
		return grafana.Fail(http.StatusNotFound, "parent folder not found").With("status", "not-found")
	}
	if len(v.parents(p))+1+levels > maxFolderDepth {
		return grafana.Fail(http.StatusBadRequest, "folder max depth exceeded, max depth is %d", maxFolderDepth).With("messageId", "folder.maximum-depth-reached")
	}
	return nil
}

func (s folderAPI) post(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	var body folderBody
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	body.Title = strings.TrimSpace(body.Title)
	body.ParentUID = folderFor(body.ParentUID)
	s.mtx.Lock()
	defer s.mtx.Unlock()
	v := s.view()
	switch {
	case body.UID == "":
		body.UID = grafana.NewUID()
	case len(body.UID) > grafana.MaxUIDLength:
		return grafana.Fail(http.StatusBadRequest, "uid too long, max 40 characters")
	case !grafana.LegalUID(body.UID) || body.UID == generalUID:
		return grafana.Fail(http.StatusBadRequest, "invalid uid for folder provided")
	case v.folders[body.UID] != nil:
		return grafana.Fail(http.StatusConflict, "a folder/dashboard with the same uid already exists").With("status", "uid-exists")
	}
	if err := v.checkParent(body.ParentUID, 1); err != nil {
		return err
	}
	if err := v.checkTitle(body.Title, body.ParentUID, ""); err != nil {
		return err
	}
	now := s.o.Now()
	f := &folder{UID: body.UID, Title: body.Title, ParentUID: body.ParentUID, Version: 1, Created: now, Updated: now, CreatedBy: c.Login, UpdatedBy: c.Login}
	if body.Description != nil {
		f.Description = *body.Description
	}
	if err := s.held.keepFolder(f.ParentUID); err != nil {
		return err
	}
	return s.reply(w, f, c)
}

// reply stores f and returns it to the client.
func (s folderAPI) reply(w http.ResponseWriter, f *folder, c grafana.Caller) error {
	before := s.held.folders[f.UID]
	s.held.folders[f.UID] = f
	if err := s.held.store.writeFolders(s.held.folders); err != nil {
		if s.held.folders[f.UID] = before; before == nil {
			delete(s.held.folders, f.UID)
		}
		return err
	}
	s.publish()
	v := s.view()
	return grafana.OK(w, s.json(v, v.folders[f.UID], c))
}

func (s folderAPI) put(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	var body folderBody
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	f, err := s.named(r)
	if err != nil {
		return err
	}
	if f.provider != "" {
		return grafana.Fail(http.StatusBadRequest, "Cannot change a provisioned folder; change it in the file of provider %q", f.provider)
	}
	if !body.Overwrite && body.Version != f.Version {
		return grafana.Fail(http.StatusPreconditionFailed, "The folder has been changed by someone else").With("status", "version-mismatch")
	}
	changed := *f
	if changed.Title = strings.TrimSpace(body.Title); changed.Title == "" {
		changed.Title = f.Title
	}
	if body.Description != nil {
		changed.Description = *body.Description
	}
	if err := s.view().checkTitle(changed.Title, f.ParentUID, f.UID); err != nil {
		return err
	}
	changed.Version, changed.Updated, changed.UpdatedBy = f.Version+1, s.o.Now(), c.Login
	return s.reply(w, &changed, c)
}

func (s folderAPI) move(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	var body folderBody
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	parent := folderFor(body.ParentUID)
	s.mtx.Lock()
	defer s.mtx.Unlock()
	f, err := s.named(r)
	if err != nil {
		return err
	}
	if f.provider != "" {
		return grafana.Fail(http.StatusBadRequest, "Cannot move a provisioned folder")
	}
	v := s.view()
	levels := 1
	for _, below := range v.below(f.UID) {
		if below.UID == parent {
			return grafana.Fail(http.StatusBadRequest, "failed to move folder: it cannot be moved into itself").With("messageId", "folder.circular-reference")
		}
		levels = max(levels, len(v.parents(below))-len(v.parents(f))+1)
	}
	if err := v.checkParent(parent, levels); err != nil {
		return err
	}
	if err := v.checkTitle(f.Title, parent, f.UID); err != nil {
		return err
	}
	moved := *f
	moved.ParentUID, moved.Version, moved.Updated, moved.UpdatedBy = parent, f.Version+1, s.o.Now(), c.Login
	if err := s.held.keepFolder(parent); err != nil {
		return err
	}
	return s.reply(w, &moved, c)
}

func (s folderAPI) remove(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	f, err := s.named(r)
	if err != nil {
		return err
	}
	v := s.view()
	doomed := v.below(f.UID)
	for _, folder := range doomed {
		if folder.provider != "" {
			return grafana.Fail(http.StatusBadRequest, "Folder %q is provisioned and cannot be deleted", folder.Title)
		}
		for _, d := range v.byFolder[folder.UID] {
			if d.provisioned != nil {
				return grafana.Fail(http.StatusBadRequest, "Folder %q contains provisioned dashboards and cannot be deleted", folder.Title)
			}
		}
	}
	for _, folder := range doomed {
		for _, d := range v.byFolder[folder.UID] {
			if saved := s.held.saved[d.uid]; saved != nil {
				if err := s.held.drop(saved); err != nil {
					return err
				}
			}
		}
		delete(s.held.folders, folder.UID)
	}
	if err := s.held.store.writeFolders(s.held.folders); err != nil {
		return err
	}
	s.publish()
	return grafana.OK(w, map[string]any{"id": f.id(), "title": f.Title, "message": fmt.Sprintf("Folder %s deleted", f.Title)})
}

func (s folderAPI) counts(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	f, err := s.named(r)
	if err != nil {
		return err
	}
	v := s.view()
	below := v.below(f.UID)
	dashboards := 0
	for _, folder := range below {
		dashboards += len(v.byFolder[folder.UID])
	}
	return grafana.OK(w, map[string]any{"folder": len(below) - 1, "dashboard": dashboards, "librarypanel": 0, "alertrule": 0})
}

// detail serves /folders/id/{id}, /folders/{uid}/counts and /folders/{uid}/permissions, which ServeMux patterns cannot
// tell apart.
func (s folderAPI) detail(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	what := r.PathValue("what")
	switch {
	case r.PathValue("uid") == "id":
		r.SetPathValue("uid", "")
		r.SetPathValue("id", what)
		return s.get(w, r, c)
	case what == "counts":
		return s.counts(w, r, c)
	case what == "permissions":
		return s.permissions(w, r, c)
	}
	return grafana.ErrNotFound
}
