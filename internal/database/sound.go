package database

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ausguck/ausguck/internal/permission"
	"github.com/ausguck/ausguck/internal/setaside"
)

// besides are the suffixes of the files that SQLite creates beside a database.
var besides = []string{"-wal", "-shm"}

// lost is the data that is lost with a database.
const lost = "users, API tokens, sessions, annotations, stars, short links, the history of notifications, when heartbeats reported last, the incidents, the history and the subscribers of status pages, and the probes, heartbeats and data sources created on the page; " +
	"Ausguck continues with an empty database and the initial admin"

// OpenSound opens the database at path as Open does, but reads all of it first. A damaged one is set aside and replaced by an
// empty one; this, and a database that is empty or missing although there was one before, is reported to shelf, with the newest
// of its Copies.
func OpenSound(path string, shelf *setaside.Shelf) (*sql.DB, error) {
	for _, beside := range besides {
		if err := setaside.Readable(path + beside); err != nil {
			err = shelf.Move(setaside.Loss{Part: "database", Path: path + beside, Cause: err,
				Lost: "the last writes to " + path, Remedy: "check whether the last changes of users, tokens and data sources are present"})
			if err != nil {
				return nil, err
			}
		}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.Size() == 0:
		if wasThere(path) {
			cause := errors.New("the file is missing")
			if err == nil {
				cause = errors.New("the file is empty")
			}
			shelf.Say(setaside.Loss{Part: "database", Path: path, Cause: cause, Lost: lost, Remedy: remedy(path)})
		}
	default:
		if err := errors.Join(setaside.Readable(path), whole(path)); err != nil {
			return replaced(path, shelf, err)
		}
	}
	db, err := Open(path)
	if err == nil {
		if err = check(db); err == nil {
			return db, nil
		}
		err = errors.Join(err, db.Close())
	}
	if !damaged(err) {
		return nil, err
	}
	return replaced(path, shelf, err)
}

// whole returns an error for a file that ends within a page: SQLite would read zeros there. If there is a log beside it, this is
// the normal result of a crash, and the log contains the page.
func whole(path string) error {
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return nil
	}
	content, err := os.Open(path)
	if err != nil {
		return nil // Readable has reported it
	}
	defer content.Close()
	var header [18]byte
	info, err := content.Stat()
	if err != nil {
		return err
	}
	if _, err := content.ReadAt(header[:], 0); err != nil {
		return nil // Open reports it
	}
	page := int64(header[16])<<8 | int64(header[17])
	if page == 1 {
		page = 64 << 10
	}
	if page > 0 && info.Size()%page != 0 {
		return fmt.Errorf("%w: the file is truncated", errDamaged)
	}
	return nil
}

// errDamaged is the cause of the errors that check returns.
var errDamaged = errors.New("damaged")

// check reads the whole file.
func check(db *sql.DB) error {
	return setaside.Try(func() error {
		var found string
		if err := db.QueryRow("PRAGMA quick_check(1)").Scan(&found); err != nil {
			return err
		}
		if found != "ok" {
			return fmt.Errorf("%w: %s", errDamaged, found)
		}
		return nil
	})
}

// damaged distinguishes a permanently unreadable file from one that is temporarily unavailable.
func damaged(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		code := e.Code() & 0xff
		return code == sqlite3.SQLITE_NOTADB || code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_IOERR
	}
	return errors.Is(err, errDamaged)
}

// replaced sets the database aside, together with the files beside it, so that tools can read it there, and opens an empty one.
func replaced(path string, shelf *setaside.Shelf, cause error) (*sql.DB, error) {
	aside := setaside.Name(path, time.Now())
	for _, file := range append([]string{""}, besides...) {
		if err := os.Rename(path+file, aside+file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("set aside a damaged database (%w): %w", cause, err)
		}
	}
	shelf.Moved(setaside.Loss{Part: "database", Path: path, Cause: cause, Lost: lost, Remedy: remedy(path)}, aside)
	return Open(path)
}

// wasThere reports whether the folder has been used with a database before: there is a copy of it, or a key for its content.
func wasThere(path string) bool {
	if len(copiesOf(path)) > 0 {
		return true
	}
	_, err := os.Stat(filepath.Join(filepath.Dir(path), "datasources.key"))
	return err == nil
}

// remedy offers the newest copy, under a name that the rotation does not remove.
func remedy(path string) string {
	const backup = "stop Ausguck and put the file of a backup in its place"
	copies := copiesOf(path)
	if len(copies) == 0 {
		return backup + "; without one, make users and tokens again"
	}
	newest := copies[0]
	offered := path + ".offered-" + newest.made.Format(timeFormat)
	if err := os.Rename(newest.path, offered); err != nil {
		offered = newest.path
	}
	return fmt.Sprintf("to restore the data as of %s, stop Ausguck, run mv %s %s, remove %s-wal and %s-shm, and start it; or restore the file from a backup",
		newest.made.Format(time.RFC3339), permission.Quoted(offered), permission.Quoted(path), permission.Quoted(path), permission.Quoted(path))
}
