package library

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"

	"github.com/ausguck/ausguck/internal/grafana"
)

// stars is the table of starred dashboards by user.
type stars struct{ db *sql.DB }

// of returns the uids of the dashboards that the caller has starred.
func (s stars) of(ctx context.Context, c grafana.Caller) (map[string]bool, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT dashboard_uid FROM stars WHERE user_uid = ?", c.UID)
	if err != nil {
		return nil, fmt.Errorf("read stars: %w", err)
	}
	defer rows.Close()
	starred := map[string]bool{}
	for rows.Next() {
		var uid string
		if err := rows.Scan(&uid); err != nil {
			return nil, fmt.Errorf("read stars: %w", err)
		}
		starred[uid] = true
	}
	return starred, rows.Err()
}

// count returns the number of stars of all callers.
func (s stars) count(ctx context.Context) (n int, err error) {
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM stars").Scan(&n); err != nil {
		return 0, fmt.Errorf("count stars: %w", err)
	}
	return n, nil
}

// starAPI serves the caller's stars.
type starAPI struct{ *Library }

func (s starAPI) list(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	starred, err := s.stars.of(r.Context(), c)
	if err != nil {
		return err
	}
	out := []string{}
	for _, d := range s.view().sorted {
		if starred[d.uid] {
			out = append(out, d.uid)
		}
	}
	return grafana.OK(w, out)
}

func (s starAPI) post(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	if _, err := s.stars.db.ExecContext(r.Context(), "INSERT OR IGNORE INTO stars (user_uid, dashboard_uid) VALUES (?, ?)", c.UID, d.uid); err != nil {
		return fmt.Errorf("star dashboard: %w", err)
	}
	return grafana.Message(w, "Dashboard starred!")
}

func (s starAPI) remove(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	if _, err := s.stars.db.ExecContext(r.Context(), "DELETE FROM stars WHERE user_uid = ? AND dashboard_uid = ?", c.UID, d.uid); err != nil {
		return fmt.Errorf("unstar dashboard: %w", err)
	}
	return grafana.Message(w, "Dashboard unstarred")
}
