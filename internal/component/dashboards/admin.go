package dashboards

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ausguck/ausguck/internal/component/dashboards/library"
	"github.com/ausguck/ausguck/internal/component/dashboards/source"
	"github.com/ausguck/ausguck/internal/grafana"
)

// UserCounts holds the number of users, excluding service accounts.
type UserCounts struct {
	Users, Admins, Editors, Viewers int
	// Active is the number of users seen in the last 30 days.
	Active int
}

// adminAPI serves the endpoints that concern the program as a whole.
type adminAPI struct {
	o       Options
	library *library.Library
	sources *source.Sources
}

// reload serves POST /api/admin/provisioning/{kind}/reload. It reloads files of all kinds at once so that the running
// configuration is one consistent state.
func (s adminAPI) reload(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	texts := map[string]string{
		"dashboards": "Dashboards config reloaded", "datasources": "Datasources config reloaded", "plugins": "Plugins config reloaded",
		"alerting": "Alerting config reloaded", "access-control": "Accesscontrol config reloaded", "notifications": "Notifications config reloaded",
	}
	text, ok := texts[r.PathValue("kind")]
	if !ok {
		return grafana.ErrNotFound
	}
	if err := s.o.Reload(); err != nil {
		return grafana.Fail(http.StatusInternalServerError, "%v", err)
	}
	if err := s.library.Rescan(); err != nil {
		return err
	}
	return grafana.Message(w, "%s", text)
}

// stats serves GET /api/admin/stats.
func (s adminAPI) stats(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	users, err := s.o.Users(r.Context())
	if err != nil {
		return err
	}
	n, err := s.library.Count(r.Context())
	if err != nil {
		return err
	}
	return grafana.OK(w, map[string]int{
		"orgs": 1, "dashboards": n.Dashboards, "folders": n.Folders, "tags": n.Tags, "stars": n.Stars, "datasources": s.sources.Count(),
		"snapshots": 0, "playlists": 0, "alerts": 0, "users": users.Users, "admins": users.Admins, "editors": users.Editors, "viewers": users.Viewers,
		"activeUsers": users.Active, "activeAdmins": 0, "activeEditors": 0, "activeViewers": 0, "activeSessions": 0,
	})
}

// settings serves GET /api/admin/settings: the Grafana settings that apply here, by section.
func (s adminAPI) settings(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	root, err := url.Parse(s.o.AppURL)
	if err != nil {
		return fmt.Errorf("read the address of the page: %w", err)
	}
	return grafana.OK(w, map[string]map[string]string{
		"DEFAULT":          {"app_mode": "production", "instance_name": root.Hostname()},
		"server":           {"protocol": root.Scheme, "domain": root.Hostname(), "http_port": root.Port(), "root_url": s.o.AppURL, "serve_from_sub_path": strconv.FormatBool(s.o.subURL() != "")},
		"database":         {"type": "sqlite3"},
		"analytics":        {"reporting_enabled": "false", "check_for_updates": "false"},
		"security":         {"admin_password": "*********", "secret_key": "*********", "allow_embedding": "false"},
		"users":            {"allow_sign_up": "false", "allow_org_create": "false", "auto_assign_org": "true"},
		"auth.anonymous":   {"enabled": "false"},
		"auth.basic":       {"enabled": "true"},
		"dashboards":       {"min_refresh_interval": minRefresh},
		"dataproxy":        {"timeout": strconv.Itoa(int(s.o.QueryTimeout.Seconds()))},
		"expressions":      {"enabled": "true"},
		"unified_alerting": {"enabled": "false"},
	})
}

func noReload() error { return errors.New("this server cannot reload its files") }

func noUsers(context.Context) (UserCounts, error) { return UserCounts{}, nil }

func (s adminAPI) health(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	state, code := "ok", http.StatusOK
	if err := s.o.DB.PingContext(r.Context()); err != nil {
		state, code = "failing", http.StatusServiceUnavailable
	}
	return grafana.Reply(w, code, map[string]any{"database": state, "version": s.o.Version, "commit": s.o.Commit})
}
