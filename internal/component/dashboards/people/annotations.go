package people

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/library"
	"github.com/ausguck/ausguck/internal/grafana"
)

// MaxAnnotationAge is how long annotations are kept.
const MaxAnnotationAge = 365 * 24 * time.Hour

// Limits for the number of stored annotations and for the size of each.
const (
	maxAnnotations    = 100_000
	maxAnnotationText = 64 << 10
	maxTags           = 100
	maxTagLength      = 255
)

// annotationItem is an annotation, stored or to be stored. Times are in milliseconds.
type annotationItem struct {
	ID           int64           `json:"id"`
	DashboardUID string          `json:"dashboardUID"`
	DashboardID  int64           `json:"dashboardId"`
	PanelID      int64           `json:"panelId"`
	UserID       int64           `json:"userId"`
	Login        string          `json:"login"`
	Email        string          `json:"email"`
	Time         int64           `json:"time"`
	TimeEnd      int64           `json:"timeEnd"`
	Text         string          `json:"text"`
	Tags         []string        `json:"tags"`
	Data         json.RawMessage `json:"data"`
	Created      int64           `json:"created"`
	Updated      int64           `json:"updated"`
}

// answer adds the fields that are always empty here but that Grafana's API returns.
func (a annotationItem) answer() map[string]any {
	return map[string]any{
		"id": a.ID, "alertId": 0, "alertName": "", "alertUID": "", "dashboardId": a.DashboardID, "dashboardUID": a.DashboardUID, "panelId": a.PanelID,
		"userId": a.UserID, "userName": a.Login, "newState": "", "prevState": "", "created": a.Created, "updated": a.Updated, "time": a.Time, "timeEnd": a.TimeEnd,
		"text": a.Text, "tags": a.Tags, "login": a.Login, "email": a.Email, "avatarUrl": "", "data": a.Data,
	}
}

// annotations stores annotations and serves their endpoints.
type annotations struct {
	db      *sql.DB
	library *library.Library
	now     func() time.Time
}

func (s annotations) list(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	q, args, err := s.query(r)
	if err != nil {
		return err
	}
	found, err := s.read(r.Context(), q, args...)
	if err != nil {
		return err
	}
	out := []any{}
	for _, a := range found {
		out = append(out, a.answer())
	}
	return grafana.OK(w, out)
}

// query converts the parameters of a request to SQL.
func (s annotations) query(r *http.Request) (string, []any, error) {
	params := r.URL.Query()
	where := []string{"1"}
	var args []any
	add := func(clause string, values ...any) { where, args = append(where, clause), append(args, values...) }
	number := map[string]int64{}
	for _, name := range []string{"from", "to", "limit", "panelId", "dashboardId", "userId", "alertId"} {
		n, err := grafana.QueryInt(r, name, 0)
		if err != nil {
			return "", nil, err
		}
		number[name] = n
	}
	if number["from"] > 0 && number["to"] > 0 {
		add("time <= ? AND time_end >= ?", number["to"], number["from"])
	}
	uid := params.Get("dashboardUID")
	if id := number["dashboardId"]; id != 0 && uid == "" {
		var err error
		if uid, err = s.library.UIDOf(id); err != nil {
			return "", nil, err
		}
	}
	if uid != "" {
		add("dashboard_uid = ?", uid)
	}
	if number["panelId"] != 0 {
		add("panel_id = ?", number["panelId"])
	}
	if number["userId"] != 0 {
		add("user_id = ?", number["userId"])
	}
	if number["alertId"] != 0 || params.Get("type") == "alert" {
		add("0") // alert states are not stored here
	}
	if tags := slices.DeleteFunc(params["tags"], func(t string) bool { return t == "" }); len(tags) > 0 {
		needed := len(slices.Compact(slices.Sorted(slices.Values(tags))))
		if params.Get("matchAny") == "true" {
			needed = 1
		}
		for _, t := range tags {
			args = append(args, t)
		}
		where = append(where, "(SELECT count(*) FROM annotation_tags t WHERE t.annotation_id = id AND t.tag IN (?"+strings.Repeat(", ?", len(tags)-1)+")) >= ?")
		args = append(args, needed)
	}
	limit := number["limit"]
	if limit <= 0 {
		limit = 100
	}
	return "WHERE " + strings.Join(where, " AND ") + " ORDER BY time_end DESC, time DESC, id DESC LIMIT ?", append(args, min(limit, maxAnnotations)), nil
}

func (s annotations) read(ctx context.Context, clauses string, args ...any) ([]annotationItem, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, dashboard_uid, panel_id, user_id, login, email, time, time_end, text, data, created, updated,
		(SELECT json_group_array(tag) FROM (SELECT tag FROM annotation_tags WHERE annotation_id = id ORDER BY tag)) FROM annotations `+clauses, args...)
	if err != nil {
		return nil, fmt.Errorf("read annotations: %w", err)
	}
	defer rows.Close()
	var found []annotationItem
	for rows.Next() {
		var a annotationItem
		var data, tags string
		if err := rows.Scan(&a.ID, &a.DashboardUID, &a.PanelID, &a.UserID, &a.Login, &a.Email, &a.Time, &a.TimeEnd, &a.Text, &data, &a.Created, &a.Updated, &tags); err != nil {
			return nil, fmt.Errorf("read annotations: %w", err)
		}
		if err := json.Unmarshal([]byte(tags), &a.Tags); err != nil {
			return nil, fmt.Errorf("read annotations: %w", err)
		}
		if a.DashboardUID != "" {
			a.DashboardID = grafana.StableID("dashboard", a.DashboardUID)
		}
		a.Data = json.RawMessage(data)
		found = append(found, a)
	}
	return found, rows.Err()
}

// named returns the stored annotation that the path names.
func (s annotations) named(r *http.Request) (*annotationItem, error) {
	id, err := grafana.PathInt(r, "id")
	if err != nil {
		return nil, err
	}
	found, err := s.read(r.Context(), "WHERE id = ?", id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, grafana.Fail(http.StatusNotFound, "Annotation not found")
	}
	return &found[0], nil
}

func (s annotations) get(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	a, err := s.named(r)
	if err != nil {
		return err
	}
	return grafana.OK(w, a.answer())
}

// check returns an error if the annotation cannot be stored.
func (a *annotationItem) check(now time.Time) error {
	a.Tags = slices.Compact(slices.Sorted(slices.Values(slices.DeleteFunc(a.Tags, func(t string) bool { return strings.TrimSpace(t) == "" }))))
	if a.Time == 0 {
		a.Time = now.UnixMilli()
	}
	if a.TimeEnd == 0 {
		a.TimeEnd = a.Time
	}
	if a.TimeEnd < a.Time {
		a.Time, a.TimeEnd = a.TimeEnd, a.Time
	}
	switch {
	case strings.TrimSpace(a.Text) == "" && len(a.Tags) == 0:
		return grafana.Fail(http.StatusBadRequest, "Failed to save annotation: text field should not be empty")
	case len(a.Text) > maxAnnotationText || len(a.Data) > maxAnnotationText:
		return grafana.Fail(http.StatusBadRequest, "Failed to save annotation: the limit is %d KiB each for text and data", maxAnnotationText>>10)
	case len(a.Tags) > maxTags || slices.ContainsFunc(a.Tags, func(t string) bool { return len(t) > maxTagLength }):
		return grafana.Fail(http.StatusBadRequest, "Failed to save annotation: at most %d tags of at most %d characters", maxTags, maxTagLength)
	}
	if len(a.Data) == 0 || string(a.Data) == "null" {
		a.Data = json.RawMessage("{}")
	}
	return nil
}

func (s annotations) post(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	var a annotationItem
	if err := grafana.ReadJSON(w, r, &a); err != nil {
		return err
	}
	a.UserID, a.Login, a.Email = c.ID, c.Login, c.Email
	now := s.now()
	if err := a.check(now); err != nil {
		return err
	}
	if a.DashboardID != 0 && a.DashboardUID == "" {
		var err error
		if a.DashboardUID, err = s.library.UIDOf(a.DashboardID); err != nil {
			return err
		}
	}
	if a.DashboardUID != "" && !s.library.Has(a.DashboardUID) {
		return library.ErrNoDashboard
	}
	a.Created, a.Updated = now.UnixMilli(), now.UnixMilli()
	err := s.transaction(r.Context(), func(tx *sql.Tx) error {
		result, err := tx.ExecContext(r.Context(), `INSERT INTO annotations (dashboard_uid, panel_id, user_id, login, email, time, time_end, text, data, created, updated)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, a.DashboardUID, a.PanelID, a.UserID, a.Login, a.Email, a.Time, a.TimeEnd, a.Text, string(a.Data), a.Created, a.Updated)
		if err != nil {
			return err
		}
		if a.ID, err = result.LastInsertId(); err != nil {
			return err
		}
		return writeTags(r.Context(), tx, a)
	})
	if err != nil {
		return fmt.Errorf("save annotation: %w", err)
	}
	return grafana.OK(w, map[string]any{"message": "Annotation added", "id": a.ID})
}

func writeTags(ctx context.Context, tx *sql.Tx, a annotationItem) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM annotation_tags WHERE annotation_id = ?", a.ID); err != nil {
		return err
	}
	for _, tag := range a.Tags {
		if _, err := tx.ExecContext(ctx, "INSERT INTO annotation_tags (annotation_id, tag) VALUES (?, ?)", a.ID, tag); err != nil {
			return err
		}
	}
	return nil
}

func (s annotations) transaction(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// change serves PUT, which replaces all changeable fields, and PATCH, which keeps fields that are not sent.
func (s annotations) change(keep bool, done string) grafana.Handler {
	return func(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
		a, err := s.named(r)
		if err != nil {
			return err
		}
		var body struct {
			Time    *int64          `json:"time"`
			TimeEnd *int64          `json:"timeEnd"`
			Text    *string         `json:"text"`
			Tags    *[]string       `json:"tags"`
			Data    json.RawMessage `json:"data"`
		}
		if err := grafana.ReadJSON(w, r, &body); err != nil {
			return err
		}
		if !keep {
			a.Text, a.Tags = "", nil
		}
		assign(&a.Time, body.Time)
		assign(&a.TimeEnd, body.TimeEnd)
		assign(&a.Text, body.Text)
		assign(&a.Tags, body.Tags)
		if body.Data != nil {
			a.Data = body.Data
		}
		if err := a.check(s.now()); err != nil {
			return err
		}
		err = s.transaction(r.Context(), func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(r.Context(), "UPDATE annotations SET time = ?, time_end = ?, text = ?, data = ?, updated = ? WHERE id = ?",
				a.Time, a.TimeEnd, a.Text, string(a.Data), s.now().UnixMilli(), a.ID); err != nil {
				return err
			}
			return writeTags(r.Context(), tx, *a)
		})
		if err != nil {
			return fmt.Errorf("save annotation: %w", err)
		}
		return grafana.OK(w, map[string]any{"message": done, "id": a.ID})
	}
}

// assign sets *to if from was sent.
func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (s annotations) remove(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	a, err := s.named(r)
	if err != nil {
		return err
	}
	if _, err := s.db.ExecContext(r.Context(), "DELETE FROM annotations WHERE id = ?", a.ID); err != nil {
		return fmt.Errorf("delete annotation: %w", err)
	}
	return grafana.Message(w, "Annotation deleted")
}

func (s annotations) tags(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	limit, err := grafana.QueryInt(r, "limit", 100)
	if err != nil {
		return err
	}
	rows, err := s.db.QueryContext(r.Context(), "SELECT tag, count(*) FROM annotation_tags WHERE instr(lower(tag), lower(?)) > 0 GROUP BY tag ORDER BY tag LIMIT ?",
		r.URL.Query().Get("tag"), max(limit, 1))
	if err != nil {
		return fmt.Errorf("read tags of annotations: %w", err)
	}
	defer rows.Close()
	tags := []any{}
	for rows.Next() {
		var tag string
		var count int64
		if err := rows.Scan(&tag, &count); err != nil {
			return fmt.Errorf("read tags of annotations: %w", err)
		}
		tags = append(tags, map[string]any{"tag": tag, "count": count})
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read tags of annotations: %w", err)
	}
	return grafana.OK(w, map[string]any{"result": map[string]any{"tags": tags}})
}

// prune deletes annotations that are too old, and the oldest ones beyond the limit.
func (s annotations) prune(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM annotations WHERE time_end < ? OR id IN (SELECT id FROM annotations ORDER BY time_end DESC, id DESC LIMIT -1 OFFSET ?)",
		s.now().Add(-MaxAnnotationAge).UnixMilli(), maxAnnotations)
	if err != nil {
		return fmt.Errorf("delete old annotations: %w", err)
	}
	return nil
}
