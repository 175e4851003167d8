package library

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/grafana"
)

// saveCommand is a request to save a dashboard.
type saveCommand struct {
	parsed    *dashjson.Dashboard
	folderUID string
	hasFolder bool // false keeps the folder of an existing dashboard
	overwrite bool
	message   string
	author    string
	restored  int64
}

// writer saves and deletes dashboards by Grafana's rules. Its errors are API responses.
type writer struct{ *Library }

func (s writer) save(cmd saveCommand) (*dashboard, error) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	v := s.view()
	body := cmd.parsed.Body
	uid := strings.TrimSpace(body.Text("uid"))
	switch {
	case len(uid) > grafana.MaxUIDLength:
		return nil, grafana.Fail(http.StatusBadRequest, "uid too long, max 40 characters")
	case uid != "" && !grafana.LegalUID(uid):
		return nil, grafana.Fail(http.StatusBadRequest, "uid contains illegal characters")
	}
	title := strings.TrimSpace(body.Text("title"))
	body.Set("title", title)
	existing, err := v.existing(uid, body)
	if err != nil {
		return nil, err
	}
	folderUID := cmd.folderUID
	if !cmd.hasFolder && existing != nil {
		folderUID = existing.folderUID
	}
	if folderUID != "" && v.folders[folderUID] == nil {
		return nil, grafana.Fail(http.StatusBadRequest, "folder not found").With("status", "not-found")
	}
	if same := v.byTitle(folderUID, title); same != nil && (existing == nil || same.uid != existing.uid) {
		if !cmd.overwrite {
			return nil, grafana.Fail(http.StatusPreconditionFailed, "A dashboard with the same name in the folder already exists").With("status", "name-exists")
		}
		if existing == nil && uid == "" {
			existing = same
		}
	}
	id := identity{uid: uid, folderUID: folderUID, version: 1}
	var v1 version
	if existing != nil {
		if basedOn, err := s.checkExisting(existing, body, cmd.overwrite); err != nil {
			return nil, err
		} else if basedOn != "" {
			v1.Provisioned = basedOn
		}
		id.uid, id.version = existing.uid, existing.version+1
	}
	if id.uid == "" {
		id.uid = grafana.NewUID()
	}
	d, err := newDashboard(body, id)
	if err != nil {
		return nil, err
	}
	d.notices = cmd.parsed.Notices
	v1.Message, v1.Author, v1.RestoredFrom = cmd.message, cmd.author, cmd.restored
	return s.put(d, v1)
}

// put writes d and publishes it.
func (s writer) put(d *dashboard, v1 version) (*dashboard, error) {
	if err := s.held.keepFolder(d.folderUID); err != nil {
		return nil, err
	}
	if err := s.held.put(d, v1); err != nil {
		return nil, err
	}
	s.metrics.saves.Inc()
	s.publish()
	return s.held.saved[d.uid].dashboard, nil
}

// existing returns the dashboard that a body refers to, or nil if it is new. A numeric id from another Grafana is
// ignored if there is also a uid: exports contain one.
func (v *view) existing(uid string, body *dashjson.Object) (*dashboard, error) {
	if d := v.dashboards[uid]; d != nil || uid != "" {
		return d, nil
	}
	id, ok := body.Int("id")
	if !ok || id == 0 {
		return nil, nil
	}
	if d := v.byID(id); d != nil {
		return d, nil
	}
	return nil, ErrNoDashboard
}

// checkExisting returns an error if existing must not be replaced. For a provisioned dashboard that can be replaced, it
// returns the hash of the file's content.
func (s writer) checkExisting(existing *dashboard, body *dashjson.Object, overwrite bool) (basedOn string, err error) {
	if p := existing.provisioned; p != nil {
		if !p.allowUIUpdates {
			return "", grafana.Fail(http.StatusBadRequest, "Cannot save provisioned dashboard").With("provisionedFrom", p.path)
		}
		if file := s.held.provisionedFile(existing.uid); file != nil {
			basedOn = contentHash(file)
		}
	}
	if version, _ := body.Int("version"); version != existing.version && !overwrite {
		return "", grafana.Fail(http.StatusPreconditionFailed, "The dashboard has been changed by someone else").With("status", "version-mismatch")
	}
	return basedOn, nil
}

// delete deletes a saved dashboard.
func (s writer) delete(uid string) (*dashboard, error) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	d := s.view().dashboards[uid]
	switch {
	case d == nil:
		return nil, ErrNoDashboard
	case d.provisioned != nil:
		return nil, grafana.Fail(http.StatusBadRequest, "provisioned dashboard cannot be deleted").With("provisionedFrom", d.provisioned.path)
	}
	if saved := s.held.saved[uid]; saved != nil {
		if err := s.held.drop(saved); err != nil {
			return nil, err
		}
	}
	s.publish()
	return d, nil
}

// asAnswer converts a dashjson error about a body into Grafana's response.
func asAnswer(err error) error {
	if errors.Is(err, dashjson.ErrNoTitle) {
		return grafana.Fail(http.StatusBadRequest, "%v", err).With("status", "empty-name")
	}
	return grafana.Fail(http.StatusBadRequest, "%s", capital(err.Error()))
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (d *dashboard) url(sub string) string { return fmt.Sprintf("%s/d/%s/%s", sub, d.uid, d.slug) }

func (f *folder) url(sub string) string {
	return fmt.Sprintf("%s/dashboards/f/%s/%s", sub, f.UID, grafana.Slug(f.Title))
}

// answer returns the response to a save.
func (s writer) answer(d *dashboard) map[string]any {
	out := map[string]any{
		"id": d.id(), "uid": d.uid, "url": d.url(s.o.SubURL), "status": "success", "version": d.version, "slug": d.slug, "folderUid": d.folderUID,
	}
	if len(d.notices) > 0 {
		out["notices"] = d.notices
	}
	return out
}
