package library

import (
	"net/http"

	"github.com/ausguck/ausguck/internal/grafana"
)

// permissions lists the permissions on a dashboard or folder: those of the roles, which cannot be changed per object.
func permissions(w http.ResponseWriter, uid, title string, folder bool) error {
	out := []any{}
	for _, p := range []struct {
		role       grafana.Role
		permission int
		name       string
	}{{grafana.Viewer, 1, "View"}, {grafana.Editor, 2, "Edit"}, {grafana.Admin, 4, "Admin"}} {
		out = append(out, map[string]any{
			"uid": uid, "title": title, "isFolder": folder, "inherited": true, "role": p.role, "permission": p.permission, "permissionName": p.name,
			"userId": 0, "userLogin": "", "teamId": 0, "team": "",
		})
	}
	return grafana.OK(w, out)
}

func (s dashboardAPI) permissions(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	return permissions(w, d.uid, d.title, false)
}

func (s folderAPI) permissions(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	f, err := s.named(r)
	if err != nil {
		return err
	}
	return permissions(w, f.UID, f.Title, true)
}
