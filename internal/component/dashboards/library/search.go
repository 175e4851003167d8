package library

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

const (
	defaultSearchLimit = 1000 // Grafana's default
	maxSearchLimit     = 5000
)

// searchQuery holds the parameters of GET /api/search.
type searchQuery struct {
	words       []string
	tags        []string
	uids        map[string]bool
	ids         map[int64]bool
	folders     map[string]bool
	dashboards  bool // whether to include dashboards
	folderItems bool
	starred     bool
	descending  bool
	limit, page int64
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func set(values []string) map[string]bool {
	if len(values) == 0 {
		return nil
	}
	m := map[string]bool{}
	for _, v := range values {
		m[v] = true
	}
	return m
}

func parseSearch(r *http.Request) (q searchQuery, err error) {
	p := r.URL.Query()
	q.words = strings.Fields(strings.ToLower(p.Get("query")))
	q.tags = slices.DeleteFunc(p["tag"], func(t string) bool { return t == "" })
	q.uids = set(slices.Concat(p["dashboardUIDs"], p["dashboardUID"]))
	q.starred = p.Get("starred") == "true"
	q.descending = p.Get("sort") == "alpha-desc"
	switch p.Get("type") {
	case "dash-db":
		q.dashboards = true
	case "dash-folder":
		q.folderItems = true
	case "":
		q.dashboards, q.folderItems = true, true
	default:
		return q, grafana.Fail(http.StatusBadRequest, "type: must be dash-db or dash-folder, not %q", p.Get("type"))
	}
	if uids := slices.Concat(p["folderUIDs"], p["folderUID"]); len(uids) > 0 {
		q.folders = map[string]bool{}
		for _, uid := range uids {
			q.folders[folderFor(uid)] = true
		}
	}
	if err = q.parseIDs(p); err != nil {
		return q, err
	}
	if q.limit, err = grafana.QueryInt(r, "limit", defaultSearchLimit); err != nil {
		return q, err
	}
	if q.page, err = grafana.QueryInt(r, "page", 1); err != nil {
		return q, err
	}
	if q.limit > maxSearchLimit {
		return q, grafana.Fail(http.StatusUnprocessableEntity, "Limit is above maximum allowed (%d), use page parameter to access hits beyond limit", maxSearchLimit)
	}
	if q.limit < 1 {
		q.limit = defaultSearchLimit
	}
	q.page = min(max(q.page, 1), maxFiles)
	return q, nil
}

// parseIDs parses the numeric ids that old clients send.
func (q *searchQuery) parseIDs(p url.Values) error {
	for _, raw := range p["dashboardIds"] {
		n, err := grafana.ParseID("dashboardIds", raw)
		if err != nil {
			return err
		}
		if q.ids == nil {
			q.ids = map[int64]bool{}
		}
		q.ids[n] = true
	}
	for _, raw := range p["folderIds"] {
		n, err := grafana.ParseID("folderIds", raw)
		if err != nil {
			return err
		}
		if n == 0 {
			if q.folders == nil {
				q.folders = map[string]bool{}
			}
			q.folders[""] = true
		}
	}
	return nil
}

// search returns the matching folders and dashboards, folders first, each sorted by title.
func (v *view) search(q searchQuery, starred map[string]bool) (folders []*folder, dashboards []*dashboard) {
	if q.folderItems && !q.starred && len(q.tags) == 0 {
		for _, f := range v.sortedDirs {
			if matchesWords(strings.ToLower(f.Title), q.words) && (q.uids == nil || q.uids[f.UID]) && q.ids == nil &&
				(q.folders == nil || q.folders[f.ParentUID]) {
				folders = append(folders, f)
			}
		}
	}
	if q.dashboards {
		for _, d := range v.sorted {
			if matchesWords(d.lower, q.words) && (q.uids == nil || q.uids[d.uid]) && (q.ids == nil || q.ids[d.id()]) &&
				(q.folders == nil || q.folders[d.folderUID]) && (!q.starred || starred[d.uid]) && hasTags(d, q.tags) {
				dashboards = append(dashboards, d)
			}
		}
	}
	if q.descending {
		slices.Reverse(folders)
		slices.Reverse(dashboards)
	}
	return folders, dashboards
}

func matchesWords(title string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(title, w) {
			return false
		}
	}
	return true
}

func hasTags(d *dashboard, tags []string) bool {
	for _, t := range tags {
		if !slices.Contains(d.tags, t) {
			return false
		}
	}
	return true
}

// searchAPI serves the search endpoint.
type searchAPI struct{ *Library }

func (s searchAPI) search(w http.ResponseWriter, r *http.Request, c grafana.Caller) error {
	q, err := parseSearch(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("deleted") == "true" {
		return grafana.Fail(http.StatusNotFound, "Deleted dashboards are not kept")
	}
	starred, err := s.stars.of(r.Context(), c)
	if err != nil {
		return err
	}
	v := s.view()
	folders, dashboards := v.search(q, starred)
	first := (q.page - 1) * q.limit
	out := []any{}
	for i := first; i < first+q.limit && i < int64(len(folders)+len(dashboards)); i++ {
		if i < int64(len(folders)) {
			out = append(out, s.folderHit(v, folders[i]))
		} else {
			d := dashboards[i-int64(len(folders))]
			out = append(out, s.dashboardHit(v, d, starred[d.uid]))
		}
	}
	return grafana.OK(w, out)
}

// hit returns one search result in the format of Grafana's API.
type hit struct {
	ID          int64    `json:"id"`
	OrgID       int64    `json:"orgId"`
	UID         string   `json:"uid"`
	Title       string   `json:"title"`
	URI         string   `json:"uri"`
	URL         string   `json:"url"`
	Slug        string   `json:"slug"`
	Type        string   `json:"type"`
	Tags        []string `json:"tags"`
	IsStarred   bool     `json:"isStarred"`
	FolderID    int64    `json:"folderId,omitempty"`
	FolderUID   string   `json:"folderUid,omitempty"`
	FolderTitle string   `json:"folderTitle,omitempty"`
	FolderURL   string   `json:"folderUrl,omitempty"`
	SortMeta    int64    `json:"sortMeta"`
	IsDeleted   bool     `json:"isDeleted"`
}

func (s searchAPI) dashboardHit(v *view, d *dashboard, starred bool) hit {
	h := hit{ID: d.id(), OrgID: 1, UID: d.uid, Title: d.title, URI: "db/" + d.slug, URL: d.url(s.o.SubURL), Type: "dash-db", Tags: d.tags, IsStarred: starred}
	s.placeHit(&h, v, d.folderUID)
	return h
}

func (s searchAPI) folderHit(v *view, f *folder) hit {
	h := hit{ID: f.id(), OrgID: 1, UID: f.UID, Title: f.Title, URI: "db/" + grafana.Slug(f.Title), URL: f.url(s.o.SubURL), Type: "dash-folder", Tags: []string{}}
	s.placeHit(&h, v, f.ParentUID)
	return h
}

func (s searchAPI) placeHit(h *hit, v *view, folderUID string) {
	if f := v.folders[folderUID]; f != nil {
		h.FolderID, h.FolderUID, h.FolderTitle, h.FolderURL = f.id(), f.UID, f.Title, f.url(s.o.SubURL)
	}
}

func (s searchAPI) sorting(w http.ResponseWriter, _ *http.Request, _ grafana.Caller) error {
	return grafana.OK(w, map[string]any{"sortOptions": []any{
		map[string]any{"name": "alpha-asc", "displayName": "Alphabetically (A–Z)", "description": "Sort results in an alphabetically ascending order", "meta": ""},
		map[string]any{"name": "alpha-desc", "displayName": "Alphabetically (Z–A)", "description": "Sort results in an alphabetically descending order", "meta": ""},
	}})
}
