package library

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/ausguck/ausguck/internal/component/dashboards/dashjson"
	"github.com/ausguck/ausguck/internal/grafana"
)

// versionAPI serves the versions of dashboards.
type versionAPI struct{ writer }

// versionJSON returns a version in the format of Grafana's API.
func versionJSON(d *dashboard, v *version) map[string]any {
	return map[string]any{
		"id": v.Version, "dashboardId": d.id(), "uid": d.uid, "dashboardUID": d.uid, "parentVersion": max(v.Version-1, 0), "restoredFrom": v.RestoredFrom,
		"version": v.Version, "created": grafana.Stamped(v.Created), "createdBy": v.Author, "message": v.Message,
	}
}

// kept returns the stored versions of d, newest first. An unmodified provisioned dashboard has a single version: that
// of its file.
func (s versionAPI) kept(d *dashboard) ([]*version, error) {
	numbers, err := s.held.versions.numbers(d.uid)
	if err != nil {
		return nil, err
	}
	var all []*version
	for _, n := range numbers {
		v, err := s.held.versions.read(d.uid, n)
		if err != nil {
			return nil, err
		}
		if v != nil {
			all = append(all, v)
		}
	}
	if len(all) == 0 || d.provisioned != nil && all[0].Version != d.version {
		body, err := d.json()
		if err != nil {
			return nil, err
		}
		all = slices.Insert(all, 0, &version{Version: d.version, Created: d.updated, Author: d.updatedBy, Message: "as provisioned", Data: body})
	}
	return all, nil
}

func (s versionAPI) list(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	limit, err := grafana.QueryInt(r, "limit", 0)
	if err != nil {
		return err
	}
	start, err := grafana.QueryInt(r, "start", 0)
	if err != nil {
		return err
	}
	all, err := s.kept(d)
	if err != nil {
		return err
	}
	all = all[min(max(start, 0), int64(len(all))):]
	if limit > 0 {
		all = all[:min(limit, int64(len(all)))]
	}
	out := []any{}
	for _, v := range all {
		out = append(out, versionJSON(d, v))
	}
	return grafana.OK(w, map[string]any{"continueToken": "", "versions": out})
}

// version returns a stored version.
func (s versionAPI) version(d *dashboard, n int64) (*version, error) {
	all, err := s.kept(d)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if v.Version == n {
			return v, nil
		}
	}
	return nil, grafana.Fail(http.StatusNotFound, "Dashboard version %d not found for dashboard %s", n, d.uid)
}

func (s versionAPI) get(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	n, err := grafana.PathInt(r, "version")
	if err != nil {
		return err
	}
	v, err := s.version(d, n)
	if err != nil {
		return err
	}
	out := versionJSON(d, v)
	out["data"] = v.Data
	return grafana.OK(w, out)
}

func (s versionAPI) restore(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	var body struct {
		Version int64 `json:"version"`
	}
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	v, err := s.version(d, body.Version)
	if err != nil {
		return err
	}
	if v.Version == d.version {
		return grafana.Fail(http.StatusBadRequest, "Current dashboard is identical to the specified version")
	}
	value, err := dashjson.Decode(v.Data)
	if err != nil {
		return fmt.Errorf("restore version %d of %s: %w", v.Version, d.uid, err)
	}
	parsed, err := dashjson.FromValue(value)
	if err != nil {
		return asAnswer(err)
	}
	parsed.Body.Set("uid", d.uid)
	parsed.Body.Set("version", json.Number(fmt.Sprint(d.version)))
	saved, err := s.save(saveCommand{
		parsed: parsed, message: fmt.Sprintf("Restored from version %d", v.Version), author: c.Login, restored: v.Version,
	})
	if err != nil {
		return err
	}
	return grafana.OK(w, s.answer(saved))
}

// diffSide is one side of a comparison: a stored version or an unsaved dashboard.
type diffSide struct {
	DashboardID  int64            `json:"dashboardId"`
	DashboardUID string           `json:"dashboardUID"`
	Version      int64            `json:"version"`
	Unsaved      *dashjson.Object `json:"unsavedDashboard"`
}

// maxDiffLines limits the cost of a comparison.
const maxDiffLines = 50_000

// diff returns a unified diff of the two JSON texts for every diffType.
func (s versionAPI) diff(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	var body struct {
		Base     diffSide `json:"base"`
		New      diffSide `json:"new"`
		DiffType string   `json:"diffType"`
	}
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "basic", "json", "delta"}, body.DiffType) {
		return grafana.Fail(http.StatusBadRequest, "diffType: must be basic or json, not %q", body.DiffType)
	}
	from, fromName, err := s.diffText(body.Base)
	if err != nil {
		return err
	}
	to, toName, err := s.diffText(body.New)
	if err != nil {
		return err
	}
	a, b := difflib.SplitLines(from), difflib.SplitLines(to)
	if len(a) > maxDiffLines || len(b) > maxDiffLines {
		return grafana.Fail(http.StatusBadRequest, "Dashboards with more than %d lines cannot be compared", maxDiffLines)
	}
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: a, B: b, FromFile: fromName, ToFile: toName, Context: 3})
	if err != nil {
		return fmt.Errorf("compare dashboards: %w", err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	fmt.Fprint(w, text)
	return nil
}

func (s versionAPI) diffText(side diffSide) (text, name string, err error) {
	var value any = side.Unsaved
	name = "unsaved"
	if side.Unsaved == nil {
		v := s.view()
		d := v.dashboards[side.DashboardUID]
		if d == nil && side.DashboardID != 0 {
			d = v.byID(side.DashboardID)
		}
		if d == nil {
			return "", "", ErrNoDashboard
		}
		kept, err := s.version(d, side.Version)
		if err != nil {
			return "", "", err
		}
		if value, err = dashjson.Decode(kept.Data); err != nil {
			return "", "", err
		}
		name = fmt.Sprintf("%s version %d", d.uid, kept.Version)
	}
	pretty, err := dashjson.EncodeIndent(value)
	return string(pretty), name, err
}
