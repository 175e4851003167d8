package database

import (
	"errors"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// NoRoom reports whether err says that the disk, or the user's share of it, is full: of a statement, or of a file. What was to
// be written is not, and can be as soon as there is room.
func NoRoom(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		// The second is what SQLite says when the file that its processes share cannot grow.
		return e.Code()&0xff == sqlite3.SQLITE_FULL || e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
