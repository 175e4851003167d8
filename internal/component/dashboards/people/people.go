// Package people implements preferences of users and of the organization, annotations, short URLs and teams. Users are in
// internal/auth.
//
//	/api/user/preferences, /api/org/preferences, /api/dashboards/home, /api/annotations/…, /api/short-urls, /goto/…, /api/teams/…
package people

import (
	"context"
	"database/sql"
	"time"

	"github.com/ausguck/ausguck/internal/component/dashboards/library"
	"github.com/ausguck/ausguck/internal/grafana"
)

// Options configures People. All fields are required.
type Options struct {
	DB      *sql.DB
	Library *library.Library
	// AppURL is the external URL of the frontend, with a trailing slash; SubURL is its path, without one.
	AppURL, SubURL string
	Now            func() time.Time
}

// People manages the data of callers.
type People struct {
	annotations annotations
	preferences preferences
	shortURLs   shortURLs
}

// New returns a new People.
func New(o Options) *People {
	return &People{annotations{o.DB, o.Library, o.Now}, preferences{o.DB, o.Library}, shortURLs{o.DB, o.AppURL, o.SubURL, o.Now}}
}

// Preferences returns the caller's preferences, with the organization's as defaults.
func (p *People) Preferences(ctx context.Context, c grafana.Caller) (Preferences, error) {
	return p.preferences.of(ctx, c)
}

// Prune deletes annotations that are too old, and the oldest ones beyond the limit.
func (p *People) Prune(ctx context.Context) error { return p.annotations.prune(ctx) }

// Routes returns the routes of this package.
func (p *People) Routes() []grafana.Route {
	const read, write, writeOrg grafana.Permission = "annotations:read", "annotations:write", "orgs.preferences:write"
	return []grafana.Route{
		grafana.On("GET /api/annotations", read, p.annotations.list),
		grafana.On("POST /api/annotations", "annotations:create", p.annotations.post),
		grafana.On("GET /api/annotations/tags", read, p.annotations.tags),
		grafana.On("POST /api/annotations/graphite", write, grafana.Refuse("Graphite's form is not known; POST /api/annotations takes {time, text, tags}")),
		grafana.On("GET /api/annotations/{id}", read, p.annotations.get),
		grafana.On("PUT /api/annotations/{id}", write, p.annotations.change(false, "Annotation updated")),
		grafana.On("PATCH /api/annotations/{id}", write, p.annotations.change(true, "Annotation patched")),
		grafana.On("DELETE /api/annotations/{id}", "annotations:delete", p.annotations.remove),

		grafana.On("GET /api/dashboards/home", grafana.SignedIn, p.preferences.home),
		grafana.On("GET /api/user/preferences", grafana.SignedIn, p.preferences.get(owner)),
		grafana.On("PUT /api/user/preferences", grafana.SignedIn, p.preferences.set(owner, false)),
		grafana.On("PATCH /api/user/preferences", grafana.SignedIn, p.preferences.set(owner, true)),
		grafana.On("GET /api/org/preferences", "orgs.preferences:read", p.preferences.get(forAll)),
		grafana.On("PUT /api/org/preferences", writeOrg, p.preferences.set(forAll, false)),
		grafana.On("PATCH /api/org/preferences", writeOrg, p.preferences.set(forAll, true)),

		grafana.On("POST /api/short-urls", grafana.SignedIn, p.shortURLs.post),
		grafana.On("GET /goto/{uid}", grafana.SignedIn, p.shortURLs.follow),
		grafana.On("GET /api/teams/search", grafana.SignedIn, searchTeams),
		grafana.On("GET /api/user/teams", grafana.SignedIn, noTeams),
	}
}
