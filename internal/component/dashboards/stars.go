package dashboards

import (
	"context"
	"fmt"
	"net/http"

	"github.com/ausguck/ausguck/internal/grafana"
)

// stars are the uids of the dashboards that the caller has starred.
func (s *Server) stars(ctx context.Context, c grafana.Caller) (map[string]bool, error) {
	rows, err := s.o.DB.QueryContext(ctx, "SELECT dashboard_uid FROM stars WHERE user_uid = ?", c.UID)
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

func (s *Server) listStars(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	starred, err := s.stars(r.Context(), c)
	if err != nil {
		return err
	}
	out := []string{}
	for _, d := range s.lib.view.Load().sorted {
		if starred[d.uid] {
			out = append(out, d.uid)
		}
	}
	return grafana.OK(w, out)
}

// starTarget is the dashboard that the path names by uid, or by id as old clients do.
func (s *Server) starTarget(r *http.Request) (*dashboard, error) {
	v := s.lib.view.Load()
	var d *dashboard
	if uid := r.PathValue("uid"); uid != "" {
		d = v.dashboards[uid]
	} else {
		id, err := grafana.PathInt(r, "id")
		if err != nil {
			return nil, err
		}
		d = v.byID(id)
	}
	if d == nil {
		return nil, errNoDash
	}
	return d, nil
}

func (s *Server) postStar(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	d, err := s.starTarget(r)
	if err != nil {
		return err
	}
	if _, err := s.o.DB.ExecContext(r.Context(), "INSERT OR IGNORE INTO stars (user_uid, dashboard_uid) VALUES (?, ?)", c.UID, d.uid); err != nil {
		return fmt.Errorf("star dashboard: %w", err)
	}
	return grafana.Message(w, "Dashboard starred!")
}

func (s *Server) deleteStar(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	d, err := s.starTarget(r)
	if err != nil {
		return err
	}
	if _, err := s.o.DB.ExecContext(r.Context(), "DELETE FROM stars WHERE user_uid = ? AND dashboard_uid = ?", c.UID, d.uid); err != nil {
		return fmt.Errorf("unstar dashboard: %w", err)
	}
	return grafana.Message(w, "Dashboard unstarred")
}
