package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// ErrNewer is the cause of Migrate's error if the database has migrations that this program does not know.
var ErrNewer = errors.New("written by a newer version of Ausguck")

// Migrate updates the tables of one owner: steps are SQL scripts, and those that have not run yet are run in order, each in its
// own transaction. A released step is never changed; new ones are appended.
//
// Two processes may run it concurrently. The error wraps ErrNewer if the database has more steps than are known.
func Migrate(ctx context.Context, db *sql.DB, owner string, steps []string) error {
	const table = `CREATE TABLE IF NOT EXISTS migrations (
		owner TEXT NOT NULL, step INTEGER NOT NULL, applied_at INTEGER NOT NULL, PRIMARY KEY (owner, step)
	) STRICT, WITHOUT ROWID`
	if _, err := db.ExecContext(ctx, table); err != nil {
		return fmt.Errorf("migrate %s of %s: %w", owner, Path(ctx, db), err)
	}
	for {
		done, err := migrateOne(ctx, db, owner, steps)
		if err != nil {
			return fmt.Errorf("migrate %s of %s: %w", owner, Path(ctx, db), err)
		}
		if done {
			return nil
		}
	}
}

// migrateOne runs the next step, if there is one.
func migrateOne(ctx context.Context, db *sql.DB, owner string, steps []string) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil) // takes the write lock: what is read here remains true until the commit
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }()
	var applied int
	if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(step), 0) FROM migrations WHERE owner = ?", owner).Scan(&applied); err != nil {
		return false, err
	}
	if applied > len(steps) {
		return false, fmt.Errorf("%w: its schema version is %d, and this version of Ausguck supports up to %d; start the newer version, or move the file away",
			ErrNewer, applied, len(steps))
	}
	if applied == len(steps) {
		return true, nil
	}
	if _, err := tx.ExecContext(ctx, steps[applied]); err != nil {
		return false, fmt.Errorf("step %d: %w", applied+1, err)
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO migrations (owner, step, applied_at) VALUES (?, ?, ?)", owner, applied+1, time.Now().Unix()); err != nil {
		return false, fmt.Errorf("step %d: %w", applied+1, err)
	}
	return false, tx.Commit()
}
