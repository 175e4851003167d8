package prober

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ausguck/ausguck/internal/database"
)

// added are the probes that users added on the page, in the database.
type added struct{ db *sql.DB }

var migrations = []string{
	`CREATE TABLE prober_probe (
		id INTEGER PRIMARY KEY AUTOINCREMENT, -- their order
		name TEXT NOT NULL UNIQUE,
		probe TEXT NOT NULL -- JSON
	) STRICT;`,
	`CREATE TABLE prober_domain (
		domain TEXT PRIMARY KEY, -- in A-labels
		expires INTEGER, -- seconds since 1970, as next; NULL if it is not known
		problem TEXT NOT NULL, -- why the last lookup did not find it; empty if it did
		next INTEGER NOT NULL, -- when the registry may be asked again
		failures INTEGER NOT NULL
	) STRICT;
	CREATE TABLE prober_rdap_bootstrap (
		one INTEGER PRIMARY KEY CHECK (one = 1), -- a single row
		url TEXT NOT NULL,
		content BLOB NOT NULL,
		etag TEXT NOT NULL,
		last_modified TEXT NOT NULL,
		expires INTEGER NOT NULL
	) STRICT;`,
}

func (a added) prepare(ctx context.Context) error {
	return database.Migrate(ctx, a.db, "prober", migrations)
}

func (a added) list(ctx context.Context) (probes []Probe, err error) {
	rows, err := a.db.QueryContext(ctx, "SELECT name, probe FROM prober_probe ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, err
		}
		var p Probe
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			return nil, fmt.Errorf("the probe %q in the database: %w", name, err)
		}
		probes = append(probes, p)
	}
	return probes, rows.Err()
}

// errNotFound is returned for a name that no added probe has.
var errNotFound = errors.New("no probe with this name was added on the page")

// put adds a probe, or replaces the one with a name.
func (a added) put(ctx context.Context, replaced string, p Probe) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if replaced == "" {
		_, err := a.db.ExecContext(ctx, "INSERT INTO prober_probe (name, probe) VALUES (?, ?)", p.Name, string(text))
		return err
	}
	return changed(a.db.ExecContext(ctx, "UPDATE prober_probe SET name = ?, probe = ? WHERE name = ?", p.Name, string(text), replaced))
}

func (a added) remove(ctx context.Context, name string) error {
	return changed(a.db.ExecContext(ctx, "DELETE FROM prober_probe WHERE name = ?", name))
}

func changed(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errNotFound)
	}
	return nil
}
