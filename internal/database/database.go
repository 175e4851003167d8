// Package database owns the only SQLite file: how it is opened, and how its tables are migrated from version to version.
//
// It wraps modernc.org/sqlite, which needs no cgo. It imports none of our packages; internal/auth and parts that store rows may
// import it. Each owner has its own tables with its own prefix, and its own list of migrations.
package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ausguck/ausguck/internal/permission"
)

// busyTimeout is how long a writer waits for another one, which may be another process such as `ausguck reset-password`.
const busyTimeout = 10 * time.Second

// maxConns limits the open connections: each has a page cache, and SQLite only supports one writer at a time.
const maxConns = 4

// Open opens the database file at path for reading and writing. It creates the file and its folder if they do not exist. Only the
// user who runs the program can read the file. Committed writes survive a power failure.
//
// Every transaction takes the write lock when it begins, so that it waits for other writers instead of failing halfway.
func Open(path string) (*sql.DB, error) {
	db, err := New(path)
	if err != nil {
		return nil, err
	}
	if err := tryWrite(db); err != nil {
		return nil, errors.Join(opening(path, err), db.Close())
	}
	return db, nil
}

// New returns the database without accessing its file: the first use opens it, creating it if it does not exist. If that fails,
// the first use and all later ones return the error, until it succeeds.
func New(path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	lazy, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	db := sql.OpenDB(connector{path, lazy.Driver()})
	db.SetMaxOpenConns(maxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, lazy.Close()
}

// connector opens connections to one file.
type connector struct {
	path   string
	driver driver.Driver
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	if err := prepare(c.path); err != nil {
		return nil, opening(c.path, err)
	}
	conn, err := c.driver.Open(dsn(c.path))
	if err != nil {
		return nil, opening(c.path, err)
	}
	return conn, nil
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.driver }

// opening adds the path and a remedy to the error, once.
func opening(path string, err error) error {
	var known *openError
	if errors.As(err, &known) {
		return err
	}
	return &openError{fmt.Errorf("open the database %s: %w", path, withAdvice(path, err))}
}

type openError struct{ error }

func (e *openError) Unwrap() error { return e.error }

// prepare creates the folder, and the file with its permissions: SQLite would make it readable for everybody. The files that
// SQLite creates beside it get the same permissions.
func prepare(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func dsn(path string) string {
	query := url.Values{
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), // first, because the other pragmas may have to wait
			"journal_mode(WAL)",
			"foreign_keys(1)",
		},
		"_txlock": {"immediate"},
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + query.Encode()
}

// tryWrite detects problems that would otherwise only appear at the first login: a file that is not a database, or no write
// permission.
func tryWrite(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var n int
	return tx.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&n)
}

// withAdvice adds a remedy to err.
func withAdvice(path string, err error) error {
	code := 0
	var e *sqlite.Error
	if errors.As(err, &e) {
		code = e.Code() & 0xff // the other bits are details
	}
	dir := filepath.Dir(path)
	switch code {
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		// SQLite does not return the error of the system call.
		if reason := writable(path); reason != nil {
			err = fmt.Errorf("%w: %w", err, reason)
		}
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w; restore a backup of it, or move it away to start with an empty one", err)
	case sqlite3.SQLITE_BUSY:
		return fmt.Errorf("%w; another program is using it (`fuser %s` shows which)", err, path)
	}
	return permission.Explain(dir, err)
}

// writable tries to create a file beside the database and to write to the database file.
func writable(path string) error {
	probe, err := os.CreateTemp(filepath.Dir(path), ".writable-*")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		err = f.Close()
	}
	return errors.Join(err, probe.Close(), os.Remove(probe.Name()))
}

// Path returns the path of the file that db was opened from, for messages.
func Path(ctx context.Context, db *sql.DB) string {
	var file string
	if err := db.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file); err != nil {
		return "the database"
	}
	return file
}
