package migrate

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // Grafana's database
)

// reader reads the tables of Grafana's database. Their columns differ between versions, so each query only uses the existing
// ones.
type reader struct {
	db      *sql.DB
	columns map[string]map[string]bool // of each table
}

// readDatabase reads grafana.db, even while Grafana is using it, and does not write to it.
func readDatabase(ctx context.Context, file string) (g *Grafana, err error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(10000)&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	r := &reader{db: db}
	if err := r.readColumns(ctx); err != nil {
		return nil, fmt.Errorf("%s is not a Grafana database: %w", file, err)
	}
	if r.columns["dashboard"] == nil {
		return nil, fmt.Errorf("%s is not a Grafana database: it has no table dashboard", file)
	}
	g = &Grafana{}
	for _, step := range []struct {
		what string
		read func(context.Context, *Grafana) error
	}{
		{"folders", r.readFolders}, {"dashboards", r.readDashboards}, {"dashboards of unified storage", r.readResources},
		{"data sources", r.readDatasources}, {"annotations", r.readAnnotations}, {"what stays", r.readNotes},
	} {
		if err := step.read(ctx, g); err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", step.what, file, err)
		}
	}
	return g, nil
}

func (r *reader) readColumns(ctx context.Context) error {
	r.columns = map[string]map[string]bool{}
	rows, err := r.db.QueryContext(ctx, "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return err
		}
		if r.columns[table] == nil {
			r.columns[table] = map[string]bool{}
		}
		r.columns[table][column] = true
	}
	return rows.Err()
}

// column returns the column, or an empty string if this version of Grafana does not have it.
func (r *reader) column(table, name string) string {
	if r.columns[table][name] {
		return fmt.Sprintf("coalesce(%s.%s, '')", table, name)
	}
	return "''"
}

// each calls f with every row.
func (r *reader) each(ctx context.Context, query string, f func(scan func(...any) error) error) error {
	rows, err := r.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// readFolders reads the table folder, which supports nesting, and the folders that are only in the table dashboard.
func (r *reader) readFolders(ctx context.Context, g *Grafana) error {
	seen := map[string]bool{}
	add := func(scan func(...any) error) error {
		var f GrafanaFolder
		if err := scan(&f.UID, &f.Title, &f.Parent); err != nil {
			return err
		}
		if f.UID != "" && !seen[f.UID] {
			seen[f.UID] = true
			g.Folders = append(g.Folders, f)
		}
		return nil
	}
	if r.columns["folder"] != nil {
		query := "SELECT uid, title, " + r.column("folder", "parent_uid") + " FROM folder WHERE org_id = 1 ORDER BY id"
		if err := r.each(ctx, query, add); err != nil {
			return err
		}
	}
	return r.each(ctx, "SELECT uid, title, '' FROM dashboard WHERE is_folder = 1 AND org_id = 1 ORDER BY id", add)
}

func (r *reader) readDashboards(ctx context.Context, g *Grafana) error {
	folder := "coalesce((SELECT f.uid FROM dashboard f WHERE f.id = dashboard.folder_id AND f.is_folder = 1), '')"
	if r.columns["dashboard"]["folder_uid"] {
		folder = "coalesce(nullif(dashboard.folder_uid, ''), " + folder + ")"
	}
	deleted := ""
	if r.columns["dashboard"]["deleted"] {
		deleted = " AND deleted IS NULL"
	}
	query := "SELECT uid, title, " + folder + ", data FROM dashboard WHERE is_folder = 0 AND org_id = 1" + deleted + " ORDER BY id"
	return r.each(ctx, query, func(scan func(...any) error) error {
		var d GrafanaDashboard
		var data []byte
		if err := scan(&d.UID, &d.Title, &d.Folder, &data); err != nil {
			return err
		}
		body := map[string]any{}
		if err := json.Unmarshal(data, &body); err != nil {
			g.Notes = append(g.Notes, fmt.Sprintf("dashboard %s (%s) is not JSON: %v", d.Title, d.UID, err))
			return nil
		}
		delete(body, "id") // specific to that database
		body["uid"] = d.UID
		var err error
		d.JSON, err = json.Marshal(body)
		g.Dashboards = append(g.Dashboards, d)
		return err
	})
}

// readResources reads what newer versions store as Kubernetes-style objects.
func (r *reader) readResources(ctx context.Context, g *Grafana) error {
	if r.columns["resource"] == nil {
		return nil
	}
	known := map[string]bool{}
	for _, d := range g.Dashboards {
		known[d.UID] = true
	}
	for _, f := range g.Folders {
		known["folder/"+f.UID] = true
	}
	query := "SELECT resource, name, value FROM resource WHERE namespace = 'default' AND resource IN ('dashboards', 'folders') ORDER BY resource DESC, name"
	return r.each(ctx, query, func(scan func(...any) error) error {
		var kind, name string
		var value []byte
		if err := scan(&kind, &name, &value); err != nil {
			return err
		}
		var object struct {
			Metadata struct{ Annotations map[string]string }
			Spec     struct{ Title string }
		}
		if err := json.Unmarshal(value, &object); err != nil {
			g.Notes = append(g.Notes, fmt.Sprintf("%s %s is not JSON: %v", kind, name, err))
			return nil
		}
		parent := object.Metadata.Annotations["grafana.app/folder"]
		if kind == "folders" && !known["folder/"+name] {
			g.Folders = append(g.Folders, GrafanaFolder{UID: name, Title: object.Spec.Title, Parent: parent})
		} else if kind == "dashboards" && !known[name] {
			g.Dashboards = append(g.Dashboards, GrafanaDashboard{UID: name, Title: object.Spec.Title, Folder: parent, JSON: value})
		}
		return nil
	})
}

func (r *reader) readDatasources(ctx context.Context, g *Grafana) error {
	text := func(name string) string { return r.column("data_source", name) }
	query := "SELECT uid, name, type, access, url, " + text("user") + ", " + text("database") + ", coalesce(basic_auth, 0), " +
		text("basic_auth_user") + ", coalesce(is_default, 0), " + text("json_data") + ", coalesce(with_credentials, 0), " + text("secure_json_data") +
		" FROM data_source WHERE org_id = 1 ORDER BY id"
	return r.each(ctx, query, func(scan func(...any) error) error {
		var uid, name, kind, access, address, user, database, basicUser, jsonData, secrets string
		var basic, standard, credentials bool
		if err := scan(&uid, &name, &kind, &access, &address, &user, &database, &basic, &basicUser, &standard, &jsonData, &credentials, &secrets); err != nil {
			return err
		}
		d := map[string]any{
			"uid": uid, "name": name, "type": kind, "access": access, "url": address, "user": user, "database": database,
			"basicAuth": basic, "basicAuthUser": basicUser, "isDefault": standard, "withCredentials": credentials,
		}
		if jsonData != "" {
			d["jsonData"] = json.RawMessage(jsonData)
		}
		var kept map[string]any
		if json.Unmarshal([]byte(secrets), &kept) == nil && len(kept) > 0 {
			g.Notes = append(g.Notes, fmt.Sprintf("the secrets of data source %s are encrypted with that Grafana's key: enter them again on the data source's page", name))
		}
		g.Datasources = append(g.Datasources, d)
		return nil
	})
}

// readAnnotations reads annotations of users, not the states of Grafana's own alert rules.
func (r *reader) readAnnotations(ctx context.Context, g *Grafana) error {
	if r.columns["annotation"] == nil {
		return nil
	}
	dashboard := "coalesce((SELECT d.uid FROM dashboard d WHERE d.id = annotation.dashboard_id), '')"
	if r.columns["annotation"]["dashboard_uid"] {
		dashboard = "coalesce(nullif(annotation.dashboard_uid, ''), " + dashboard + ")"
	}
	query := "SELECT " + dashboard + ", coalesce(panel_id, 0), text, epoch, coalesce(epoch_end, 0), " + r.column("annotation", "tags") +
		" FROM annotation WHERE org_id = 1 AND coalesce(alert_id, 0) = 0 ORDER BY epoch, id"
	return r.each(ctx, query, func(scan func(...any) error) error {
		var uid, text, tags string
		var panel, from, to int64
		if err := scan(&uid, &panel, &text, &from, &to, &tags); err != nil {
			return err
		}
		a := map[string]any{"text": text, "time": from}
		if to > from {
			a["timeEnd"] = to
		}
		if uid != "" {
			a["dashboardUID"], a["panelId"] = uid, panel
		}
		var list []string
		if json.Unmarshal([]byte(tags), &list) == nil && len(list) > 0 {
			a["tags"] = list
		}
		g.Annotations = append(g.Annotations, a)
		return nil
	})
}

// readNotes counts what cannot be imported.
func (r *reader) readNotes(ctx context.Context, g *Grafana) error {
	for _, kind := range []struct{ table, where, note string }{
		{"user", "", "%d users stay: passwords cannot be read; add them under Settings"},
		{"alert_rule", "", "%d alert rules of Grafana stay: write them as rules of Prometheus (Alerting, Export in Grafana shows their expressions)"},
		{"dashboard", " WHERE org_id <> 1", "%d dashboards of other organisations stay: there is one organisation"},
	} {
		if r.columns[kind.table] == nil {
			continue
		}
		var n int
		if err := r.db.QueryRowContext(ctx, `SELECT count(*) FROM "`+kind.table+`"`+kind.where).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			g.Notes = append(g.Notes, fmt.Sprintf(kind.note, n))
		}
	}
	return nil
}
