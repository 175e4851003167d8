package migrate

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// pageSize is the number of entries per request.
const pageSize = 1000

// api is a client of a Grafana.
type api struct {
	base   string
	token  string
	client *http.Client
}

func readAPI(ctx context.Context, address, token string) (*Grafana, error) {
	a := &api{base: strings.TrimRight(address, "/"), token: token, client: &http.Client{Timeout: time.Minute}}
	g := &Grafana{}
	for _, step := range []func(context.Context, *Grafana) error{a.readFolders, a.readDashboards, a.readDatasources, a.readAnnotations} {
		if err := step(ctx, g); err != nil {
			return nil, err
		}
	}
	g.Notes = append(g.Notes, "secrets of data sources are not told by the API: give them again on the page", "users and Grafana's own alert rules stay")
	return g, nil
}

func (a *api) get(ctx context.Context, path string, query url.Values, into any) error {
	target := a.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	answer, err := a.client.Do(r)
	if err != nil {
		return fmt.Errorf("query Grafana: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1024)) // the status is informative enough without it
		return fmt.Errorf("GET %s of Grafana: %s: %s; admin credentials are required, in the URL or in GRAFANA_TOKEN", path, answer.Status, strings.TrimSpace(string(text)))
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return fmt.Errorf("GET %s of Grafana: %w", path, err)
	}
	return nil
}

// search calls add for everything of a type, page by page.
func (a *api) search(ctx context.Context, kind string, add func(uid, title, folder string) error) error {
	for page := 1; ; page++ {
		var found []struct{ UID, Title, FolderUID string }
		query := url.Values{"type": {kind}, "limit": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)}}
		if err := a.get(ctx, "/api/search", query, &found); err != nil {
			return err
		}
		for _, f := range found {
			if err := add(f.UID, f.Title, f.FolderUID); err != nil {
				return err
			}
		}
		if len(found) < pageSize {
			return nil
		}
	}
}

func (a *api) readFolders(ctx context.Context, g *Grafana) error {
	return a.search(ctx, "dash-folder", func(uid, title, parent string) error {
		g.Folders = append(g.Folders, GrafanaFolder{UID: uid, Title: title, Parent: parent})
		return nil
	})
}

func (a *api) readDashboards(ctx context.Context, g *Grafana) error {
	return a.search(ctx, "dash-db", func(uid, title, folder string) error {
		var answer struct {
			Dashboard map[string]any
			Meta      struct{ Provisioned bool }
		}
		if err := a.get(ctx, "/api/dashboards/uid/"+url.PathEscape(uid), nil, &answer); err != nil {
			return err
		}
		if answer.Meta.Provisioned {
			g.Notes = append(g.Notes, fmt.Sprintf("dashboard %s (%s) is provisioned: copy its file to grafana/ in --config.dir", title, uid))
		}
		delete(answer.Dashboard, "id") // specific to that database
		content, err := json.Marshal(answer.Dashboard)
		g.Dashboards = append(g.Dashboards, GrafanaDashboard{UID: uid, Title: title, Folder: folder, JSON: content})
		return err
	})
}

func (a *api) readDatasources(ctx context.Context, g *Grafana) error {
	if err := a.get(ctx, "/api/datasources", nil, &g.Datasources); err != nil {
		return err
	}
	for _, d := range g.Datasources {
		for _, name := range []string{"id", "orgId", "version", "readOnly", "typeLogoUrl", "typeName"} {
			delete(d, name) // specific to that Grafana
		}
	}
	return nil
}

func (a *api) readAnnotations(ctx context.Context, g *Grafana) error {
	var found []struct {
		AlertID       int64
		DashboardUID  string
		PanelID       int64
		Time, TimeEnd int64
		Text          string
		Tags          []string
	}
	// Grafana has no paging here; this is more than it keeps by default.
	if err := a.get(ctx, "/api/annotations", url.Values{"limit": {"100000"}, "type": {"annotation"}}, &found); err != nil {
		return err
	}
	for _, f := range found {
		entry := map[string]any{"text": f.Text, "time": f.Time, "tags": f.Tags}
		if f.TimeEnd > f.Time {
			entry["timeEnd"] = f.TimeEnd
		}
		if f.DashboardUID != "" {
			entry["dashboardUID"], entry["panelId"] = f.DashboardUID, f.PanelID
		}
		g.Annotations = append(g.Annotations, entry)
	}
	return nil
}
