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

// Grafana is what a Grafana has that can be taken over. Each entry is the JSON that Grafana's own API takes.
type Grafana struct {
	Folders     []GrafanaFolder
	Dashboards  []GrafanaDashboard
	Datasources []map[string]any
	Annotations []map[string]any
	// Notes are what cannot come along, for people.
	Notes []string
}

// GrafanaFolder is a folder. Parent is empty at the top.
type GrafanaFolder struct{ UID, Title, Parent string }

// GrafanaDashboard is a dashboard of any schema, in the folder with the uid, or in none.
type GrafanaDashboard struct {
	UID, Title, Folder string
	JSON               json.RawMessage
}

// ReadGrafana reads a Grafana: its database file (grafana.db) or its address, with credentials in it or in token.
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

// Forget leaves out annotations that ended before the time, milliseconds since 1970, and notes how many.
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

// Summary says what there is.
func (g *Grafana) Summary() string {
	return fmt.Sprintf("%d dashboards in %d folders, %d data sources, %d annotations",
		len(g.Dashboards), len(g.Folders), len(g.Datasources), len(g.Annotations))
}

// Outcome counts what was taken and lists what was not, each with the reason.
type Outcome struct {
	Folders, Dashboards, Datasources, Annotations int
	Left                                          []string
}

// Give hands everything to the server that speaks Grafana's API and that the client reaches at any address. What it
// refuses, because it is there already or is broken, is left, and the rest goes on.
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

// inOrder puts each folder behind the one that it is in.
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
		if len(ordered) == before { // their parents are gone
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

// post sends the body and returns the message of a refusal.
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
