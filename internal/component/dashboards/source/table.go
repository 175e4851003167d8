package source

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/setaside"
)

// table stores the data sources created through the API, with their secrets encrypted.
type table struct {
	db       *sql.DB
	secrets  *secretBox
	keyFile  string
	setAside *setaside.Shelf
	log      *slog.Logger
	keyLost  *sync.Once // reports a lost key
}

// storedSource is a row of the table of data sources.
type storedSource struct {
	Type            string         `json:"type"`
	Access          string         `json:"access"`
	URL             string         `json:"url"`
	User            string         `json:"user,omitempty"`
	Database        string         `json:"database,omitempty"`
	BasicAuth       bool           `json:"basicAuth,omitempty"`
	BasicAuthUser   string         `json:"basicAuthUser,omitempty"`
	WithCredentials bool           `json:"withCredentials,omitempty"`
	IsDefault       bool           `json:"isDefault,omitempty"`
	JSONData        map[string]any `json:"jsonData"`
	Version         int64          `json:"version"`
}

// all reads the rows.
func (t table) all(ctx context.Context) ([]Datasource, error) {
	if err := t.sealOld(ctx); err != nil {
		return nil, fmt.Errorf("encrypt the secrets of data sources: %w", err)
	}
	rows, err := t.db.QueryContext(ctx, "SELECT uid, name, body, secure FROM datasources ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("read datasources: %w", err)
	}
	defer rows.Close()
	var all []Datasource
	var unread []string // names of data sources whose secrets cannot be decrypted
	sealed := 0
	for rows.Next() {
		var uid, name, body, secure string
		if err := rows.Scan(&uid, &name, &body, &secure); err != nil {
			return nil, fmt.Errorf("read datasources: %w", err)
		}
		var b storedSource
		d := Datasource{UID: uid, Name: name, OrgID: 1, ID: grafana.StableID("datasource", uid)}
		if err := json.Unmarshal([]byte(body), &b); err != nil {
			t.setAside.Say(setaside.Loss{
				Part: "dashboards", Path: database.Path(ctx, t.db), Cause: err, Lost: fmt.Sprintf("the data source %q", name),
				Remedy: "create it again on the Data sources page, or stop Ausguck and restore the file from a backup",
			})
			continue
		}
		if strings.HasPrefix(secure, sealedPrefix) {
			sealed++
		}
		if d.SecureJSONData, err = t.secrets.open(uid, secure); err != nil {
			// Its dashboards report the error; the other data sources are not affected.
			unread = append(unread, name)
			t.log.Error("Secrets of a data source cannot be read; set them again", "uid", uid, "name", name, "key", t.keyFile, "err", err)
		}
		d.Type, d.Access, d.URL, d.User, d.Database = b.Type, b.Access, b.URL, b.User, b.Database
		d.BasicAuth, d.BasicAuthUser, d.WithCredentials, d.IsDefault = b.BasicAuth, b.BasicAuthUser, b.WithCredentials, b.IsDefault
		d.JSONData, d.Version = b.JSONData, b.Version
		all = append(all, d)
	}
	if len(unread) > 0 && len(unread) == sealed && !t.secrets.replaced {
		t.keyLost.Do(func() {
			t.setAside.Say(lostKey(t.keyFile, fmt.Errorf("the secrets of %s were encrypted with another key", strings.Join(unread, ", "))))
		})
	}
	return all, rows.Err()
}

// store writes one row. A new default replaces the previous one.
func (t table) store(ctx context.Context, d Datasource) error {
	body, err := json.Marshal(storedSource{
		Type: d.Type, Access: d.Access, URL: d.URL, User: d.User, Database: d.Database, BasicAuth: d.BasicAuth, BasicAuthUser: d.BasicAuthUser,
		WithCredentials: d.WithCredentials, IsDefault: d.IsDefault, JSONData: d.JSONData, Version: d.Version,
	})
	if err != nil {
		return fmt.Errorf("save datasource %s: %w", d.Name, err)
	}
	secure, err := t.secrets.seal(d.UID, d.SecureJSONData)
	if err != nil {
		return fmt.Errorf("save datasource %s: %w", d.Name, err)
	}
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("save datasource %s: %w", d.Name, err)
	}
	defer func() { _ = tx.Rollback() }()
	if d.IsDefault {
		if _, err := tx.ExecContext(ctx, "UPDATE datasources SET body = json_remove(body, '$.isDefault') WHERE uid <> ?", d.UID); err != nil {
			return fmt.Errorf("save datasource %s: %w", d.Name, err)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO datasources (uid, name, body, secure) VALUES (?, ?, ?, ?)
		ON CONFLICT (uid) DO UPDATE SET name = excluded.name, body = excluded.body, secure = excluded.secure`, d.UID, d.Name, string(body), secure)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("save datasource %s: %w", d.Name, err)
	}
	return nil
}

// remove deletes the rows in which column equals value.
func (t table) remove(ctx context.Context, column, value string) error {
	if _, err := t.db.ExecContext(ctx, "DELETE FROM datasources WHERE "+column+" = ?", value); err != nil {
		return fmt.Errorf("delete datasource %q: %w", value, err)
	}
	return nil
}

// sealOld encrypts secrets that older versions stored as JSON.
func (t table) sealOld(ctx context.Context) error {
	rows, err := t.db.QueryContext(ctx, "SELECT uid, secure FROM datasources WHERE secure NOT LIKE ?", sealedPrefix+"%")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	sealed := map[string]string{}
	for rows.Next() {
		var uid, plain string
		if err := rows.Scan(&uid, &plain); err != nil {
			return err
		}
		values, err := t.secrets.open(uid, plain)
		if err != nil {
			continue // reported where it is used
		}
		if sealed[uid], err = t.secrets.seal(uid, values); err != nil {
			return err
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for uid, text := range sealed {
		if _, err := t.db.ExecContext(ctx, "UPDATE datasources SET secure = ? WHERE uid = ?", text, uid); err != nil {
			return err
		}
	}
	return nil
}
