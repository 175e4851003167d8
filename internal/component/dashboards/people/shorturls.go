package people

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/grafana"
)

// Short links are kept as long as they are used: beyond the limit, the oldest are deleted.
const (
	maxShortURLs   = 10_000
	maxShortTarget = 8 << 10
)

// shortURLs stores short links and redirects to their targets.
type shortURLs struct {
	db             *sql.DB
	appURL, subURL string
	now            func() time.Time
}

func (s shortURLs) post(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	var body struct {
		Path string `json:"path"`
		UID  string `json:"uid"`
	}
	if err := grafana.ReadJSON(w, r, &body); err != nil {
		return err
	}
	path := strings.TrimSpace(body.Path)
	u, err := url.Parse(path)
	switch {
	case err != nil, path == "", len(path) > maxShortTarget, strings.ContainsAny(path, "\\\r\n\t"):
		return grafana.Fail(http.StatusBadRequest, "Invalid path: must be a path of this UI, such as d/uid/name?from=now-1h")
	case u.IsAbs() || u.Host != "" || strings.HasPrefix(path, "/"):
		return grafana.Fail(http.StatusBadRequest, "Path should be relative")
	case grafana.HasDotSegment(u.Path):
		return grafana.Fail(http.StatusBadRequest, "Invalid path: it contains a .. or . segment")
	}
	now := s.now().Unix()
	var uid string
	err = s.db.QueryRowContext(r.Context(), "UPDATE short_urls SET seen = ? WHERE path = ? RETURNING uid", now, path).Scan(&uid)
	if errors.Is(err, sql.ErrNoRows) {
		uid = grafana.NewUID()
		_, err = s.db.ExecContext(r.Context(), "INSERT INTO short_urls (uid, path, created, seen) VALUES (?, ?, ?, ?)", uid, path, now, now)
		if err == nil {
			_, err = s.db.ExecContext(r.Context(), `DELETE FROM short_urls WHERE uid IN (SELECT uid FROM short_urls ORDER BY seen DESC, uid LIMIT -1 OFFSET ?)`, maxShortURLs)
		}
	}
	if err != nil {
		return fmt.Errorf("save short link: %w", err)
	}
	return grafana.OK(w, map[string]any{"uid": uid, "url": strings.TrimRight(s.appURL, "/") + "/goto/" + uid + "?orgId=1"})
}

func (s shortURLs) follow(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	var path string
	err := s.db.QueryRowContext(r.Context(), "UPDATE short_urls SET seen = ? WHERE uid = ? RETURNING path", s.now().Unix(), r.PathValue("uid")).Scan(&path)
	if errors.Is(err, sql.ErrNoRows) {
		return grafana.Fail(http.StatusNotFound, "Short link not found")
	}
	if err != nil {
		return fmt.Errorf("read short link: %w", err)
	}
	// The target was validated as relative when it was stored; the slash keeps the redirect on this host.
	http.Redirect(w, r, s.subURL+"/"+path, http.StatusFound)
	return nil
}
