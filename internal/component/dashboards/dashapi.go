package dashboards

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/grafana"
)

// dashboardMeta is what Grafana's API says around a dashboard.
func (s *Server) dashboardMeta(v *view, d *dashboard, c grafana.Caller, starred bool) map[string]any {
	locked := d.provisioned != nil && !d.provisioned.allowUIUpdates
	edit := c.Role.Includes(grafana.Editor)
	meta := map[string]any{
		"type": "db", "canSave": edit && !locked, "canEdit": edit, "canAdmin": c.Role.Includes(grafana.Admin), "canStar": true, "canDelete": edit && d.provisioned == nil,
		"slug": d.slug, "url": d.url(s.o.subURL()), "expires": "0001-01-01T00:00:00Z", "created": grafana.Stamped(d.created), "updated": grafana.Stamped(d.updated),
		"updatedBy": d.updatedBy, "createdBy": d.createdBy, "version": d.version, "hasAcl": false, "isFolder": false, "apiVersion": "v1",
		"folderId": 0, "folderUid": d.folderUID, "folderTitle": v.folderTitle(d.folderUID), "folderUrl": "",
		"provisioned": d.provisioned != nil, "provisionedExternalId": "", "isStarred": starred, "publicDashboardEnabled": false,
		"annotationsPermissions": map[string]any{
			"dashboard":    map[string]bool{"canAdd": edit, "canEdit": edit, "canDelete": edit},
			"organization": map[string]bool{"canAdd": edit, "canEdit": edit, "canDelete": edit},
		},
	}
	if f := v.folders[d.folderUID]; f != nil {
		meta["folderId"], meta["folderUrl"] = f.id(), f.url(s.o.subURL())
	}
	if d.provisioned != nil {
		meta["provisionedExternalId"] = d.provisioned.external
	}
	if len(d.notices) > 0 {
		meta["notices"] = d.notices
	}
	return meta
}

func (s *Server) getDashboard(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	v := s.lib.view.Load()
	d := v.dashboards[r.PathValue("uid")]
	if d == nil {
		return errNoDash
	}
	body, err := d.json()
	if err != nil {
		return err
	}
	starred, err := s.stars(r.Context(), c)
	if err != nil {
		return err
	}
	return grafana.OK(w, struct {
		Meta      map[string]any  `json:"meta"`
		Dashboard json.RawMessage `json:"dashboard"`
	}{s.dashboardMeta(v, d, c, starred[d.uid]), body})
}

func (s *Server) delDashboard(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	d, err := s.deleteDashboard(r.PathValue("uid"))
	if err != nil {
		return err
	}
	return grafana.OK(w, map[string]any{"title": d.title, "message": "Dashboard " + d.title + " deleted", "uid": d.uid, "id": d.id()})
}

// saveBody is what POST /api/dashboards/db and /import send around the dashboard.
type saveBody struct {
	object    *dashjson.Object
	folderUID string
	hasFolder bool
	inputs    map[string]string
}

// readSave reads the request and finds the dashboard in it, whatever its shape.
func (s *Server) readSave(w http.ResponseWriter, r *http.Request) (saveBody, *dashjson.Dashboard, error) {
	raw, err := grafana.ReadBody(w, r)
	if err != nil {
		return saveBody{}, nil, err
	}
	value, err := dashjson.Decode(raw)
	if err != nil {
		return saveBody{}, nil, grafana.Fail(http.StatusBadRequest, "bad request data: %v", err)
	}
	b := saveBody{inputs: map[string]string{}}
	b.object, _ = value.(*dashjson.Object)
	for _, in := range b.object.Objects("inputs") {
		b.inputs[in.Text("name")] = in.Text("value")
	}
	parsed, err := s.lib.parse(value, b.inputs)
	if err != nil {
		return b, nil, asAnswer(err)
	}
	if err := b.readFolder(s.lib.view.Load(), parsed); err != nil {
		return b, nil, err
	}
	return b, parsed, nil
}

// readFolder finds the folder that is meant: by uid, by the numeric id of old clients, or by the dashboard itself.
func (b *saveBody) readFolder(v *view, parsed *dashjson.Dashboard) error {
	b.folderUID, b.hasFolder = folderFor(parsed.FolderUID), parsed.HasFolder
	if parsed.Shape == dashjson.Kubernetes || parsed.Shape == dashjson.V2 { // one of another Grafana may not be here
		if v.folders[b.folderUID] == nil {
			b.folderUID, b.hasFolder = "", false
		}
	}
	if uid, ok := b.object.Get("folderUid").(string); ok {
		b.folderUID, b.hasFolder = folderFor(uid), true
		return nil
	}
	id, ok := b.object.Int("folderId")
	if !ok || id == 0 {
		return nil
	}
	for _, f := range v.folders {
		if f.id() == id {
			b.folderUID, b.hasFolder = f.UID, true
			return nil
		}
	}
	return grafana.Fail(http.StatusBadRequest, "folder not found").With("status", "not-found")
}

func (s *Server) postDashboard(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	b, parsed, err := s.readSave(w, r)
	if err != nil {
		return err
	}
	d, err := s.save(saveCommand{
		parsed: parsed, folderUID: b.folderUID, hasFolder: b.hasFolder, overwrite: b.object.Bool("overwrite"), message: b.object.Text("message"), author: c.Login,
	})
	if err != nil {
		return err
	}
	return grafana.OK(w, s.saved(d))
}

// saved is the answer to a save.
func (s *Server) saved(d *dashboard) map[string]any {
	out := map[string]any{
		"id": d.id(), "uid": d.uid, "url": d.url(s.o.subURL()), "status": "success", "version": d.version, "slug": d.slug, "folderUid": d.folderUID,
	}
	if len(d.notices) > 0 {
		out["notices"] = d.notices
	}
	return out
}

func (s *Server) importDashboard(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	b, parsed, err := s.readSave(w, r)
	if err != nil {
		return err
	}
	parsed.Body.Delete("id") // of another Grafana
	d, err := s.save(saveCommand{
		parsed: parsed, folderUID: b.folderUID, hasFolder: b.hasFolder, overwrite: b.object.Bool("overwrite"), message: b.object.Text("message"), author: c.Login,
	})
	if err != nil {
		return err
	}
	folderID := int64(0)
	if f := s.lib.view.Load().folders[d.folderUID]; f != nil {
		folderID = f.id()
	}
	out := map[string]any{
		"uid": d.uid, "pluginId": b.object.Text("pluginId"), "title": d.title, "imported": true, "importedUri": "db/" + d.slug, "importedUrl": d.url(s.o.subURL()),
		"slug": d.slug, "dashboardId": d.id(), "folderId": folderID, "folderUid": d.folderUID, "importedRevision": d.version, "revision": d.version,
		"description": parsed.Body.Text("description"), "path": b.object.Text("path"), "removed": false,
	}
	if len(d.notices) > 0 {
		out["notices"] = d.notices
	}
	return grafana.OK(w, out)
}

// previewImport is an addition of ours: what an import would save, with the inputs that it asks for, and saves nothing.
func (s *Server) previewImport(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	raw, err := grafana.ReadBody(w, r)
	if err != nil {
		return err
	}
	parsed, err := dashjson.Parse(raw)
	if err != nil {
		return asAnswer(err)
	}
	inputs := parsed.Inputs
	if inputs == nil {
		inputs = []dashjson.Input{}
	}
	for i, in := range inputs {
		if value, ok := s.lib.resolve(in); ok && in.Value == "" {
			inputs[i].Value = value
		}
	}
	notices := parsed.Notices
	if notices == nil {
		notices = []string{}
	}
	var existing any
	v := s.lib.view.Load()
	if d := v.dashboards[parsed.Body.Text("uid")]; d != nil {
		existing = map[string]any{"uid": d.uid, "title": d.title, "folderUid": d.folderUID, "folderTitle": v.folderTitle(d.folderUID),
			"url": d.url(s.o.subURL()), "version": d.version, "provisioned": d.provisioned != nil}
	}
	return grafana.OK(w, map[string]any{
		"shape": parsed.Shape, "dashboard": parsed.Body, "inputs": inputs, "notices": notices, "folderUid": parsed.FolderUID, "existing": existing,
	})
}

// overviewUID is the built-in dashboard that is shown when nobody has chosen one.
const overviewUID = "ausguck-overview"

func (s *Server) homeDashboard(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	p, err := s.UserPreferences(r.Context(), c)
	if err != nil {
		return err
	}
	v := s.lib.view.Load()
	d := v.dashboards[p.HomeDashboardUID]
	if d == nil {
		d = v.dashboards[overviewUID]
	}
	if d == nil {
		for _, other := range v.sorted {
			if other.provisioned != nil && other.provisioned.builtIn && strings.Contains(other.lower, "overview") {
				d = other
				break
			}
		}
	}
	if d == nil {
		return errNoDash
	}
	return grafana.OK(w, map[string]any{"redirectUri": d.url(s.o.subURL())})
}

func (s *Server) dashboardTags(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	v := s.lib.view.Load()
	out := []any{}
	for _, tag := range sortedKeys(v.tags) {
		out = append(out, map[string]any{"term": tag, "count": v.tags[tag]})
	}
	return grafana.OK(w, out)
}

// permissions lists who may what on a dashboard or folder: the roles, which cannot be changed for one.
func (s *Server) permissions(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	v := s.lib.view.Load()
	uid, title, kind := "", "", "folder"
	if d := v.dashboards[r.PathValue("uid")]; d != nil && strings.HasPrefix(r.URL.Path, "/api/dashboards/") {
		uid, title, kind = d.uid, d.title, "dashboard"
	} else if f := v.folders[r.PathValue("uid")]; f != nil && strings.HasPrefix(r.URL.Path, "/api/folders/") {
		uid, title = f.UID, f.Title
	}
	if uid == "" {
		if strings.HasPrefix(r.URL.Path, "/api/folders/") {
			return errNoFolder
		}
		return errNoDash
	}
	out := []any{}
	for _, p := range []struct {
		role       grafana.Role
		permission int
		name       string
	}{{grafana.Viewer, 1, "View"}, {grafana.Editor, 2, "Edit"}, {grafana.Admin, 4, "Admin"}} {
		out = append(out, map[string]any{
			"uid": uid, "title": title, "isFolder": kind == "folder", "inherited": true, "role": p.role, "permission": p.permission, "permissionName": p.name,
			"userId": 0, "userLogin": "", "teamId": 0, "team": "",
		})
	}
	return grafana.OK(w, out)
}
