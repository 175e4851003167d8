package people

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/library"
	"github.com/ausguck/ausguck/internal/grafana"
)

// Preferences are a user's UI settings; an empty field means the default.
type Preferences struct {
	// Theme is dark, light or system.
	Theme string `json:"theme"`
	// Timezone is browser, utc or an IANA name.
	Timezone string `json:"timezone"`
	// WeekStart is monday, saturday or sunday.
	WeekStart string `json:"weekStart"`
	// HomeDashboardUID is the dashboard shown at /.
	HomeDashboardUID string `json:"homeDashboardUID,omitempty"`
	// Language is a BCP 47 tag.
	Language string `json:"language,omitempty"`
	// QueryHistory is stored for clients that send it.
	QueryHistory json.RawMessage `json:"queryHistory,omitempty"`
	// Navbar and CookiePreferences are stored for clients that send them.
	Navbar            json.RawMessage `json:"navbar,omitempty"`
	CookiePreferences json.RawMessage `json:"cookiePreferences,omitempty"`
}

const orgOwner = "org"

func forAll(grafana.Caller) string { return orgOwner }

func owner(c grafana.Caller) string { return "user:" + c.UID }

// preferences stores preferences and serves their endpoints.
type preferences struct {
	db      *sql.DB
	library *library.Library
}

// of returns the caller's preferences, with the organization's as defaults.
func (s preferences) of(ctx context.Context, c grafana.Caller) (Preferences, error) {
	own, err := s.read(ctx, owner(c))
	if err != nil {
		return own, err
	}
	shared, err := s.read(ctx, orgOwner)
	own.Theme, own.Timezone = cmp.Or(own.Theme, shared.Theme), cmp.Or(own.Timezone, shared.Timezone)
	own.WeekStart, own.HomeDashboardUID = cmp.Or(own.WeekStart, shared.WeekStart), cmp.Or(own.HomeDashboardUID, shared.HomeDashboardUID)
	own.Language = cmp.Or(own.Language, shared.Language)
	return own, err
}

func (s preferences) read(ctx context.Context, owner string) (p Preferences, err error) {
	var body string
	err = s.db.QueryRowContext(ctx, "SELECT body FROM preferences WHERE owner = ?", owner).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), &p)
	}
	if err != nil {
		return p, fmt.Errorf("read preferences: %w", err)
	}
	return p, nil
}

func (s preferences) store(ctx context.Context, owner string, p Preferences) error {
	body, err := json.Marshal(p)
	if err == nil {
		_, err = s.db.ExecContext(ctx, "INSERT INTO preferences (owner, body) VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET body = excluded.body", owner, string(body))
	}
	if err != nil {
		return fmt.Errorf("save preferences: %w", err)
	}
	return nil
}

// get returns only the owner's preferences, with defaults left empty.
func (s preferences) get(ownerOf func(grafana.Caller) string) grafana.Handler {
	return func(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
		p, err := s.read(r.Context(), ownerOf(c))
		if err != nil {
			return err
		}
		return grafana.OK(w, p)
	}
}

// preferencesBody is the body of PUT and PATCH; an omitted field is nil.
type preferencesBody struct {
	Theme            *string         `json:"theme"`
	Timezone         *string         `json:"timezone"`
	WeekStart        *string         `json:"weekStart"`
	HomeDashboardUID *string         `json:"homeDashboardUID"`
	HomeDashboardID  *int64          `json:"homeDashboardId"`
	Language         *string         `json:"language"`
	QueryHistory     json.RawMessage `json:"queryHistory"`
	Navbar           json.RawMessage `json:"navbar"`
	Cookies          json.RawMessage `json:"cookies"`
}

// set replaces all preferences, or only those that are sent if keep is true.
func (s preferences) set(ownerOf func(grafana.Caller) string, keep bool) grafana.Handler {
	return func(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
		var body preferencesBody
		if err := grafana.ReadJSON(w, r, &body); err != nil {
			return err
		}
		var p Preferences
		if keep {
			var err error
			if p, err = s.read(r.Context(), ownerOf(c)); err != nil {
				return err
			}
		}
		if err := s.apply(&p, body); err != nil {
			return err
		}
		if err := s.store(r.Context(), ownerOf(c), p); err != nil {
			return err
		}
		return grafana.Message(w, "Preferences updated")
	}
}

func (s preferences) apply(p *Preferences, body preferencesBody) error {
	assign(&p.Theme, body.Theme)
	assign(&p.Timezone, body.Timezone)
	assign(&p.WeekStart, body.WeekStart)
	assign(&p.HomeDashboardUID, body.HomeDashboardUID)
	assign(&p.Language, body.Language)
	if id := body.HomeDashboardID; id != nil && *id != 0 && body.HomeDashboardUID == nil {
		var err error
		if p.HomeDashboardUID, err = s.library.UIDOf(*id); err != nil {
			return err
		}
	}
	for _, raw := range []struct{ to, from *json.RawMessage }{
		{&p.QueryHistory, &body.QueryHistory}, {&p.Navbar, &body.Navbar}, {&p.CookiePreferences, &body.Cookies},
	} {
		if *raw.from != nil {
			*raw.to = *raw.from
		}
	}
	if p.HomeDashboardUID != "" && !s.library.Has(p.HomeDashboardUID) {
		return grafana.Fail(http.StatusNotFound, "Dashboard not found")
	}
	if !slices.Contains([]string{"", "dark", "light", "system"}, p.Theme) {
		return grafana.Fail(http.StatusBadRequest, "Invalid theme")
	}
	if !slices.Contains([]string{"", "monday", "saturday", "sunday", "browser"}, p.WeekStart) {
		return grafana.Fail(http.StatusBadRequest, "Invalid week start")
	}
	if !slices.Contains([]string{"", "browser", "utc"}, p.Timezone) {
		if _, err := time.LoadLocation(p.Timezone); err != nil || len(p.Timezone) > 64 {
			return grafana.Fail(http.StatusBadRequest, "Invalid timezone")
		}
	}
	if len(p.Language) > 35 || len(p.QueryHistory)+len(p.Navbar)+len(p.CookiePreferences) > 64<<10 {
		return grafana.Fail(http.StatusBadRequest, "The preferences exceed the limit of 64 KiB")
	}
	return nil
}

// home returns the URL to which the frontend redirects the caller from /.
func (s preferences) home(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	p, err := s.of(r.Context(), c)
	if err != nil {
		return err
	}
	_, home, err := s.library.Home(p.HomeDashboardUID)
	if err != nil {
		return err
	}
	return grafana.OK(w, map[string]any{"redirectUri": home})
}
