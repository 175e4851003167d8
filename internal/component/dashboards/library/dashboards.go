package library

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/grafana"
)

// dashboardAPI serves the dashboard endpoints.
type dashboardAPI struct{ writer }

// meta returns the metadata that Grafana's API adds to a dashboard.
func (s dashboardAPI) meta(v *view, d *dashboard, c grafana.Caller, starred bool) map[string]any {
	locked := d.provisioned != nil && !d.provisioned.allowUIUpdates
	edit := c.Role.Includes(grafana.Editor)
	meta := map[string]any{
		"type": "db", "canSave": edit && !locked, "canEdit": edit, "canAdmin": c.Role.Includes(grafana.Admin), "canStar": true, "canDelete": edit && d.provisioned == nil,
		"slug": d.slug, "url": d.url(s.o.SubURL), "expires": "0001-01-01T00:00:00Z", "created": grafana.Stamped(d.created), "updated": grafana.Stamped(d.updated),
		"updatedBy": d.updatedBy, "createdBy": d.createdBy, "version": d.version, "hasAcl": false, "isFolder": false, "apiVersion": "v1",
		"folderId": 0, "folderUid": d.folderUID, "folderTitle": v.folderTitle(d.folderUID), "folderUrl": "",
		"provisioned": d.provisioned != nil, "provisionedExternalId": "", "isStarred": starred, "publicDashboardEnabled": false,
		"annotationsPermissions": map[string]any{
			"dashboard":    map[string]bool{"canAdd": edit, "canEdit": edit, "canDelete": edit},
			"organization": map[string]bool{"canAdd": edit, "canEdit": edit, "canDelete": edit},
		},
	}
	if f := v.folders[d.folderUID]; f != nil {
		meta["folderId"], meta["folderUrl"] = f.id(), f.url(s.o.SubURL)
	}
	if d.provisioned != nil {
		meta["provisionedExternalId"] = d.provisioned.external
	}
	if len(d.notices) > 0 {
		meta["notices"] = d.notices
	}
	return meta
}

func (s dashboardAPI) get(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	answer, err := s.around(r.Context(), c, r.PathValue("uid"))
	if err != nil {
		return err
	}
	return grafana.OK(w, answer)
}

// Answer is a dashboard with the metadata that Grafana's API adds to it.
type Answer struct {
	Meta      map[string]any  `json:"meta"`
	Dashboard json.RawMessage `json:"dashboard"`
}

// Answer returns the response of GET /api/dashboards/uid/{uid} for the caller.
func (l *Library) Answer(ctx context.Context, c grafana.Caller, uid string) (*Answer, error) {
	return dashboardAPI{writer{l}}.around(ctx, c, uid)
}

func (s dashboardAPI) around(ctx context.Context, c grafana.Caller, uid string) (*Answer, error) {
	v := s.view()
	d := v.dashboards[uid]
	if d == nil {
		return nil, ErrNoDashboard
	}
	body, err := d.json()
	if err != nil {
		return nil, err
	}
	starred, err := s.stars.of(ctx, c)
	if err != nil {
		return nil, err
	}
	return &Answer{s.meta(v, d, c, starred[d.uid]), body}, nil
}

func (s dashboardAPI) remove(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	d, err := s.delete(r.PathValue("uid"))
	if err != nil {
		return err
	}
	return grafana.OK(w, map[string]any{"title": d.title, "message": "Dashboard " + d.title + " deleted", "uid": d.uid, "id": d.id()})
}

// saveBody is the envelope that POST /api/dashboards/db and /import send around the dashboard.
type saveBody struct {
	object    *dashjson.Object
	folderUID string
	hasFolder bool
	inputs    map[string]string
}

// read reads the request and finds the dashboard in it, whatever its shape.
func (s dashboardAPI) read(w http.ResponseWriter, r *http.Request) (saveBody, *dashjson.Dashboard, error) {
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
	parsed, err := s.parse(value, b.inputs)
	if err != nil {
		return b, nil, asAnswer(err)
	}
	if err := b.readFolder(s.view(), parsed); err != nil {
		return b, nil, err
	}
	return b, parsed, nil
}

// readFolder finds the target folder by uid, by the numeric id that old clients send, or from the dashboard itself.
func (b *saveBody) readFolder(v *view, parsed *dashjson.Dashboard) error {
	b.folderUID, b.hasFolder = folderFor(parsed.FolderUID), parsed.HasFolder
	if parsed.Shape == dashjson.Kubernetes || parsed.Shape == dashjson.V2 { // a folder of another Grafana may not exist here
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

func (s dashboardAPI) post(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	b, parsed, err := s.read(w, r)
	if err != nil {
		return err
	}
	d, err := s.save(saveCommand{
		parsed: parsed, folderUID: b.folderUID, hasFolder: b.hasFolder, overwrite: b.object.Bool("overwrite"), message: b.object.Text("message"), author: c.Login,
	})
	if err != nil {
		return err
	}
	return grafana.OK(w, s.answer(d))
}

func (s dashboardAPI) importOne(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	b, parsed, err := s.read(w, r)
	if err != nil {
		return err
	}
	for _, key := range []string{"id", "version"} { // from another Grafana: only overwrite replaces an existing dashboard
		parsed.Body.Delete(key)
	}
	d, err := s.save(saveCommand{
		parsed: parsed, folderUID: b.folderUID, hasFolder: b.hasFolder, overwrite: b.object.Bool("overwrite"), message: b.object.Text("message"), author: c.Login,
	})
	if err != nil {
		return err
	}
	folderID := int64(0)
	if f := s.view().folders[d.folderUID]; f != nil {
		folderID = f.id()
	}
	out := map[string]any{
		"uid": d.uid, "pluginId": b.object.Text("pluginId"), "title": d.title, "imported": true, "importedUri": "db/" + d.slug, "importedUrl": d.url(s.o.SubURL),
		"slug": d.slug, "dashboardId": d.id(), "folderId": folderID, "folderUid": d.folderUID, "importedRevision": d.version, "revision": d.version,
		"description": parsed.Body.Text("description"), "path": b.object.Text("path"), "removed": false,
	}
	if len(d.notices) > 0 {
		out["notices"] = d.notices
	}
	return grafana.OK(w, out)
}

// previewImport, which Grafana does not have, returns what an import would save and the inputs it requires, without
// saving anything.
func (s dashboardAPI) previewImport(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
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
		if value, ok := s.held.resolve(in); ok && in.Value == "" {
			inputs[i].Value = value
		}
	}
	notices := parsed.Notices
	if notices == nil {
		notices = []string{}
	}
	var existing any
	v := s.view()
	if d := v.dashboards[parsed.Body.Text("uid")]; d != nil {
		existing = map[string]any{"uid": d.uid, "title": d.title, "folderUid": d.folderUID, "folderTitle": v.folderTitle(d.folderUID),
			"url": d.url(s.o.SubURL), "version": d.version, "provisioned": d.provisioned != nil}
	}
	return grafana.OK(w, map[string]any{
		"shape": parsed.Shape, "dashboard": parsed.Body, "inputs": inputs, "notices": notices, "folderUid": parsed.FolderUID, "existing": existing,
	})
}

func (s dashboardAPI) tags(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	v := s.view()
	out := []any{}
	for _, tag := range sortedKeys(v.tags) {
		out = append(out, map[string]any{"term": tag, "count": v.tags[tag]})
	}
	return grafana.OK(w, out)
}

// parse reads a submitted dashboard with the values chosen for its inputs.
func (s dashboardAPI) parse(v any, inputs map[string]string) (*dashjson.Dashboard, error) {
	d, err := dashjson.FromValue(v)
	if err != nil {
		return nil, err
	}
	d.Resolve(func(in dashjson.Input) (string, bool) {
		if value, ok := inputs[in.Name]; ok {
			return value, true
		}
		return s.held.resolve(in)
	})
	return d, nil
}
