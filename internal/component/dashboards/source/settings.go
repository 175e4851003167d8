package source

import (
	"maps"
	"net/http"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// sourceJSON returns a data source in the format of Grafana's API, without secrets.
func sourceJSON(d *Datasource, list bool) map[string]any {
	out := map[string]any{
		"id": d.ID, "uid": d.UID, "orgId": 1, "name": d.Name, "type": d.Type, "typeLogoUrl": pluginLogo(d.Type),
		"access": d.Access, "url": d.URL, "user": d.User, "database": d.Database, "basicAuth": d.BasicAuth,
		"isDefault": d.IsDefault, "jsonData": d.JSONData, "readOnly": d.provisioned,
	}
	if list {
		out["typeName"] = pluginName(d.Type)
		return out
	}
	fields := map[string]bool{}
	for key, value := range d.SecureJSONData {
		if value != "" {
			fields[key] = true
		}
	}
	out["basicAuthUser"], out["withCredentials"] = d.BasicAuthUser, d.WithCredentials
	out["secureJsonFields"], out["version"], out["apiVersion"] = fields, d.Version, ""
	return out
}

// settingsAPI shows and changes data sources.
type settingsAPI struct{ *Sources }

func (s settingsAPI) list(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	out := []any{}
	all := s.Sources.list()
	for i := range all {
		if kind := r.URL.Query().Get("type"); kind == "" || kind == all[i].Type {
			out = append(out, sourceJSON(&all[i], true))
		}
	}
	return grafana.OK(w, out)
}

func (s settingsAPI) get(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	return grafana.OK(w, sourceJSON(d, false))
}

func (s settingsAPI) getID(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	return grafana.OK(w, map[string]any{"id": d.ID})
}

// sourceBody is the body of POST and PUT.
type sourceBody struct {
	UID             string            `json:"uid"`
	Name            string            `json:"name"`
	Type            string            `json:"type"`
	Access          string            `json:"access"`
	URL             string            `json:"url"`
	User            string            `json:"user"`
	Database        string            `json:"database"`
	BasicAuth       bool              `json:"basicAuth"`
	BasicAuthUser   string            `json:"basicAuthUser"`
	WithCredentials bool              `json:"withCredentials"`
	IsDefault       bool              `json:"isDefault"`
	JSONData        map[string]any    `json:"jsonData"`
	SecureJSONData  map[string]string `json:"secureJsonData"`
	Version         int64             `json:"version"`
}

func (b sourceBody) datasource() (Datasource, error) {
	d := Datasource{
		UID: b.UID, Name: strings.TrimSpace(b.Name), Type: b.Type, Access: b.Access, URL: b.URL, User: b.User, Database: b.Database,
		BasicAuth: b.BasicAuth, BasicAuthUser: b.BasicAuthUser, WithCredentials: b.WithCredentials, IsDefault: b.IsDefault,
		JSONData: b.JSONData, SecureJSONData: maps.Clone(b.SecureJSONData),
	}
	if d.SecureJSONData == nil {
		d.SecureJSONData = map[string]string{}
	}
	for key := range d.JSONData {
		if strings.HasPrefix(key, "httpHeaderValue") {
			return d, grafana.Fail(http.StatusBadRequest, "%s belongs in secureJsonData, where nobody can read it", key)
		}
	}
	if problems := d.complete(); len(problems) > 0 {
		return d, grafana.Fail(http.StatusBadRequest, "bad request data: %v", problems[0])
	}
	return d, nil
}

func (s settingsAPI) create(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	var body sourceBody
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	if body.UID == "" {
		body.UID = grafana.NewUID()
	}
	d, err := body.datasource()
	if err != nil {
		return err
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	switch {
	case s.Sources.list().byName(d.Name) != nil:
		return grafana.Fail(http.StatusConflict, "data source with the same name already exists")
	case s.Sources.list().byUID(d.UID) != nil:
		return grafana.Fail(http.StatusConflict, "data source with the same uid already exists")
	}
	if err := s.change(r, d); err != nil {
		return err
	}
	return s.reply(w, d.UID, "Datasource added")
}

func (s settingsAPI) update(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	var body sourceBody
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	old, err := s.named(r)
	switch {
	case err != nil:
		return err
	case old.provisioned:
		return grafana.Fail(http.StatusForbidden, "Cannot update read-only data source")
	case body.Version != 0 && body.Version != old.Version:
		return grafana.Fail(http.StatusConflict, "Datasource has already been updated by someone else. Please reload and try again")
	}
	body.UID = old.UID
	d, err := body.datasource()
	if err != nil {
		return err
	}
	if same := s.Sources.list().byName(d.Name); same != nil && same.UID != d.UID {
		return grafana.Fail(http.StatusConflict, "data source with the same name already exists")
	}
	for key, value := range old.SecureJSONData { // omitted secrets are kept
		if _, sent := d.SecureJSONData[key]; !sent {
			d.SecureJSONData[key] = value
		}
	}
	d.Version = old.Version + 1
	if err := s.change(r, d); err != nil {
		return err
	}
	return s.reply(w, d.UID, "Datasource updated")
}

// change stores d and starts using it.
func (s settingsAPI) change(r *http.Request, d Datasource) error {
	if d.IsDefault && s.files.sources.hasToldDefault() {
		return grafana.Fail(http.StatusConflict, "The default data source is provisioned; change isDefault in its file")
	}
	if err := s.table.store(r.Context(), d); err != nil {
		return err
	}
	return s.apply(r.Context(), s.files)
}

func (s settingsAPI) reply(w http.ResponseWriter, uid, text string) error {
	d := s.Sources.list().byUID(uid)
	return grafana.OK(w, map[string]any{"datasource": sourceJSON(d, false), "id": d.ID, "message": text, "name": d.Name})
}

func (s settingsAPI) delete(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	d, err := s.named(r)
	if err != nil {
		return err
	}
	if d.provisioned {
		return grafana.Fail(http.StatusForbidden, "Cannot delete read-only data source")
	}
	if err := s.table.remove(r.Context(), "uid", d.UID); err != nil {
		return err
	}
	if err := s.apply(r.Context(), s.files); err != nil {
		return err
	}
	return grafana.OK(w, map[string]any{"message": "Data source deleted", "id": d.ID})
}
