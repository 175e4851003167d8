package database

import (
	"errors"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// NoRoom reports whether err, of a statement or of a file operation, means that the disk or the user's quota is full. Nothing was
// written; the operation can be repeated once there is enough space.
func NoRoom(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		// SQLite returns the second one if the file shared by its processes cannot grow.
		return e.Code()&0xff == sqlite3.SQLITE_FULL || e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
