package dashboards

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// maxFolderDepth is Grafana's limit of folders in folders.
const maxFolderDepth = 4

// folderJSON is a folder in Grafana's words.
func (s *Server) folderJSON(v *view, f *folder, c grafana.Caller) map[string]any {
	edit := c.Role.Includes(grafana.Editor)
	out := map[string]any{
		"id": f.id(), "uid": f.UID, "orgId": 1, "title": f.Title, "description": f.Description, "url": f.url(s.o.subURL()), "hasAcl": false,
		"canSave": edit, "canEdit": edit, "canAdmin": c.Role.Includes(grafana.Admin), "canDelete": edit && f.provider == "",
		"createdBy": f.CreatedBy, "created": grafana.Stamped(f.Created), "updatedBy": f.UpdatedBy, "updated": grafana.Stamped(f.Updated), "version": f.Version,
	}
	if f.ParentUID != "" {
		out["parentUid"] = f.ParentUID
		parents := []any{}
		for _, p := range v.parents(f) {
			parents = append(parents, map[string]any{"id": p.id(), "uid": p.UID, "title": p.Title, "url": p.url(s.o.subURL()), "parentUid": p.ParentUID})
		}
		out["parents"] = parents
	}
	return out
}

// parents are the folders that f is in, the outermost first.
func (v *view) parents(f *folder) []*folder {
	var all []*folder
	for p := v.folders[f.ParentUID]; p != nil && len(all) <= maxFolderDepth; p = v.folders[p.ParentUID] {
		all = append([]*folder{p}, all...)
	}
	return all
}

func (s *Server) listFolders(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	limit, err := grafana.QueryInt(r, "limit", defaultSearchLimit)
	if err != nil {
		return err
	}
	page, err := grafana.QueryInt(r, "page", 1)
	if err != nil {
		return err
	}
	v := s.lib.view.Load()
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

// pathFolder is the folder that the path names by uid or id.
func (s *Server) pathFolder(r *http.Request) (*folder, error) {
	v := s.lib.view.Load()
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

func (s *Server) getFolder(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	if r.PathValue("uid") == generalUID || r.PathValue("id") == "0" {
		return grafana.OK(w, map[string]any{
			"id": 0, "uid": generalUID, "orgId": 1, "title": generalTitle, "url": "", "hasAcl": false, "canSave": c.Role.Includes(grafana.Editor), "canEdit": c.Role.Includes(grafana.Editor),
			"canAdmin": c.Role.Includes(grafana.Admin), "canDelete": false, "version": 0,
		})
	}
	f, err := s.pathFolder(r)
	if err != nil {
		return err
	}
	return grafana.OK(w, s.folderJSON(s.lib.view.Load(), f, c))
}

type folderBody struct {
	UID         string  `json:"uid"`
	Title       string  `json:"title"`
	Description *string `json:"description"`
	ParentUID   string  `json:"parentUid"`
	Version     int64   `json:"version"`
	Overwrite   bool    `json:"overwrite"`
}

// checkTitle reports what Grafana refuses as the title of a folder.
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

// checkParent reports what cannot be the parent of a folder that has so many levels below it.
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

func (s *Server) postFolder(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	var body folderBody
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	body.Title = strings.TrimSpace(body.Title)
	body.ParentUID = folderFor(body.ParentUID)
	s.mtx.Lock()
	defer s.mtx.Unlock()
	v := s.lib.view.Load()
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
	assign(&f.Description, body.Description)
	if err := s.lib.keepFolder(f.ParentUID); err != nil {
		return err
	}
	return s.replyFolder(w, f, c)
}

// replyFolder stores f and answers with it.
func (s *Server) replyFolder(w http.ResponseWriter, f *folder, c grafana.Caller) error {
	before := s.lib.folders[f.UID]
	s.lib.folders[f.UID] = f
	if err := s.lib.store.writeFolders(s.lib.folders); err != nil {
		if s.lib.folders[f.UID] = before; before == nil {
			delete(s.lib.folders, f.UID)
		}
		return err
	}
	s.publish()
	v := s.lib.view.Load()
	return grafana.OK(w, s.folderJSON(v, v.folders[f.UID], c))
}

func (s *Server) putFolder(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	var body folderBody
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	f, err := s.pathFolder(r)
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
	assign(&changed.Description, body.Description)
	if err := s.lib.view.Load().checkTitle(changed.Title, f.ParentUID, f.UID); err != nil {
		return err
	}
	changed.Version, changed.Updated, changed.UpdatedBy = f.Version+1, s.o.Now(), c.Login
	return s.replyFolder(w, &changed, c)
}

func (s *Server) moveFolder(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	var body folderBody
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	parent := folderFor(body.ParentUID)
	s.mtx.Lock()
	defer s.mtx.Unlock()
	f, err := s.pathFolder(r)
	if err != nil {
		return err
	}
	if f.provider != "" {
		return grafana.Fail(http.StatusBadRequest, "Cannot move a provisioned folder")
	}
	v := s.lib.view.Load()
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
	if err := s.lib.keepFolder(parent); err != nil {
		return err
	}
	return s.replyFolder(w, &moved, c)
}

func (s *Server) deleteFolder(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	f, err := s.pathFolder(r)
	if err != nil {
		return err
	}
	v := s.lib.view.Load()
	doomed := v.below(f.UID)
	for _, folder := range doomed {
		if folder.provider != "" {
			return grafana.Fail(http.StatusBadRequest, "Folder %q is provisioned and cannot be deleted", folder.Title)
		}
		for _, d := range v.byFolder[folder.UID] {
			if d.provisioned != nil {
				return grafana.Fail(http.StatusBadRequest, "Folder %q holds provisioned dashboards and cannot be deleted", folder.Title)
			}
		}
	}
	for _, folder := range doomed {
		for _, d := range v.byFolder[folder.UID] {
			if saved := s.lib.saved[d.uid]; saved != nil {
				if err := s.lib.drop(saved); err != nil {
					return err
				}
			}
		}
		delete(s.lib.folders, folder.UID)
	}
	if err := s.lib.store.writeFolders(s.lib.folders); err != nil {
		return err
	}
	s.publish()
	return grafana.OK(w, map[string]any{"id": f.id(), "title": f.Title, "message": fmt.Sprintf("Folder %s deleted", f.Title)})
}

func (s *Server) folderCounts(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	f, err := s.pathFolder(r)
	if err != nil {
		return err
	}
	v := s.lib.view.Load()
	below := v.below(f.UID)
	dashboards := 0
	for _, folder := range below {
		dashboards += len(v.byFolder[folder.UID])
	}
	return grafana.OK(w, map[string]any{"folder": len(below) - 1, "dashboard": dashboards, "librarypanel": 0, "alertrule": 0})
}
