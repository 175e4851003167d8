package migrate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
)

// Grafana is the data of a Grafana that can be imported. Each entry is JSON in the format of Grafana's own API.
type Grafana struct {
	Folders     []GrafanaFolder
	Dashboards  []GrafanaDashboard
	Datasources []map[string]any
	Annotations []map[string]any
	// Notes describe, for users, what cannot be imported.
	Notes []string
}

// GrafanaFolder is a folder. Parent is empty at the top level.
type GrafanaFolder struct{ UID, Title, Parent string }

// GrafanaDashboard is a dashboard of any schema version, in the folder with the UID, or in none.
type GrafanaDashboard struct {
	UID, Title, Folder string
	JSON               json.RawMessage
}

// ReadGrafana reads the data of a Grafana from its database file (grafana.db) or its URL; the credentials are in the URL or in
// token.
func ReadGrafana(ctx context.Context, source, token string) (*Grafana, error) {
	if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
		return readAPI(ctx, source, token)
	}
	info, err := os.Stat(source)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a folder: use the path of the file grafana.db in it, or Grafana's URL; provisioning files need no migration, copy them to grafana/ in --config.dir", source)
	}
	return readDatabase(ctx, source)
}

// Forget removes annotations that ended before the given time, in milliseconds since 1970, and notes their number.
func (g *Grafana) Forget(before int64, why string) {
	all := len(g.Annotations)
	g.Annotations = slices.DeleteFunc(g.Annotations, func(a map[string]any) bool {
		end, ok := a["timeEnd"].(int64)
		if !ok {
			end, _ = a["time"].(int64)
		}
		return end < before
	})
	if gone := all - len(g.Annotations); gone > 0 {
		g.Notes = append(g.Notes, fmt.Sprintf("%d annotations stay: %s", gone, why))
	}
}

// Summary describes the data in one line.
func (g *Grafana) Summary() string {
	return fmt.Sprintf("%d dashboards in %d folders, %d data sources, %d annotations",
		len(g.Dashboards), len(g.Folders), len(g.Datasources), len(g.Annotations))
}

// Outcome counts what was imported and lists what was not, each with the reason.
type Outcome struct {
	Folders, Dashboards, Datasources, Annotations int
	Left                                          []string
}

// Give sends everything to the server of Grafana's API that the client reaches at any address. It skips what the server rejects
// because it already exists or is invalid, and continues with the rest.
func (g *Grafana) Give(ctx context.Context, sink *http.Client) (Outcome, error) {
	var o Outcome
	left := func(what string, err error) { o.Left = append(o.Left, what+": "+err.Error()) }
	for _, f := range inOrder(g.Folders) {
		if err := post(ctx, sink, "/api/folders", map[string]any{"uid": f.UID, "title": f.Title, "parentUid": f.Parent}); err != nil {
			left("folder "+f.Title, err)
			continue
		}
		o.Folders++
	}
	for _, d := range g.Dashboards {
		body := map[string]any{"dashboard": d.JSON, "folderUid": d.Folder, "message": "migrated from Grafana"}
		if err := post(ctx, sink, "/api/dashboards/db", body); err != nil {
			left("dashboard "+d.Title+" ("+d.UID+")", err)
			continue
		}
		o.Dashboards++
	}
	for _, d := range g.Datasources {
		if err := post(ctx, sink, "/api/datasources", d); err != nil {
			left(fmt.Sprintf("data source %v", d["name"]), err)
			continue
		}
		o.Datasources++
	}
	for _, a := range g.Annotations {
		if err := post(ctx, sink, "/api/annotations", a); err != nil {
			left(fmt.Sprintf("annotation %q", a["text"]), err)
			continue
		}
		o.Annotations++
	}
	return o, ctx.Err()
}

// inOrder sorts folders behind their parents.
func inOrder(folders []GrafanaFolder) (ordered []GrafanaFolder) {
	known := map[string]bool{"": true}
	for len(ordered) < len(folders) {
		before := len(ordered)
		for _, f := range folders {
			if known[f.Parent] && !known[f.UID] {
				known[f.UID] = true
				ordered = append(ordered, f)
			}
		}
		if len(ordered) == before { // their parents do not exist
			for _, f := range folders {
				if !known[f.UID] {
					known[f.UID], f.Parent = true, ""
					ordered = append(ordered, f)
				}
			}
			break
		}
	}
	return ordered
}

// post sends the body and returns the message of a rejection.
func post(ctx context.Context, sink *http.Client, path string, body any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://ausguck"+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := sink.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode == http.StatusOK {
		return err
	}
	var refusal struct{ Message string }
	if json.Unmarshal(text, &refusal) == nil && refusal.Message != "" {
		return errors.New(refusal.Message)
	}
	return fmt.Errorf("status %d", answer.StatusCode)
}
