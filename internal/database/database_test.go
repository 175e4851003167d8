package database_test

import (
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/database"
)

func open(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := database.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func count(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRow(query).Scan(&n))
	return n
}

func TestOpenKeepsTheFileFromOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "100% #1?.db")
	db := open(t, path)
	_, err := db.Exec("CREATE TABLE a (b)")
	require.NoError(t, err)
	require.Equal(t, path, database.Path(t.Context(), db))
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	require.NoError(t, err)
	require.Len(t, files, 3, "the file, its log and its index")
	for _, file := range files {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), info.Mode(), file)
	}
	var mode string
	require.NoError(t, db.QueryRow("PRAGMA journal_mode").Scan(&mode))
	require.Equal(t, "wal", mode)
	require.Equal(t, 1, count(t, db, "PRAGMA foreign_keys"))
}

func TestWritersWaitForEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ausguck.db")
	steps := []string{"CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0)"}
	const handles, writers, writes = 3, 4, 20
	var wg sync.WaitGroup
	errs := make(chan error, handles*writers*writes+handles)
	for range handles { // as separate processes would
		db := open(t, path)
		wg.Go(func() {
			if err := database.Migrate(t.Context(), db, "test", steps); err != nil {
				errs <- err
				return
			}
			var inner sync.WaitGroup
			for range writers {
				inner.Go(func() {
					for range writes {
						errs <- increment(db)
					}
				})
			}
			inner.Wait()
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, handles*writers*writes, count(t, open(t, path), "SELECT n FROM counter"))
}

// increment reads and then writes, which fails in SQLite if a transaction begins without the write lock.
func increment(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var n int
	if err := tx.QueryRow("SELECT n FROM counter").Scan(&n); err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE counter SET n = ?", n+1); err != nil {
		return err
	}
	return tx.Commit()
}

func TestMigrateRunsEachStepOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ausguck.db")
	db := open(t, path)
	first := "CREATE TABLE one (a); INSERT INTO one VALUES (1)"
	second := "INSERT INTO one VALUES (2)"
	require.NoError(t, database.Migrate(t.Context(), db, "one", []string{first}))
	require.NoError(t, database.Migrate(t.Context(), db, "two", []string{"CREATE TABLE two (a)"}), "owners count by themselves")
	require.NoError(t, database.Migrate(t.Context(), db, "one", []string{first}))
	require.Equal(t, 1, count(t, db, "SELECT count(*) FROM one"))
	again := open(t, path)
	require.NoError(t, database.Migrate(t.Context(), again, "one", []string{first, second}))
	require.Equal(t, 2, count(t, again, "SELECT count(*) FROM one"))
}

func TestMigrateThatFailsLeavesNothing(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "ausguck.db"))
	steps := []string{"CREATE TABLE one (a)", "INSERT INTO one VALUES (1); INSERT INTO nowhere VALUES (1)"}
	err := database.Migrate(t.Context(), db, "one", steps)
	require.ErrorContains(t, err, "step 2: ")
	require.ErrorContains(t, err, "nowhere")
	require.Zero(t, count(t, db, "SELECT count(*) FROM one"))
	steps[1] = "INSERT INTO one VALUES (1)"
	require.NoError(t, database.Migrate(t.Context(), db, "one", steps))
	require.Equal(t, 1, count(t, db, "SELECT count(*) FROM one"))
}

func TestNewerDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ausguck.db")
	db := open(t, path)
	require.NoError(t, database.Migrate(t.Context(), db, "auth", []string{"CREATE TABLE a (b)", "CREATE TABLE c (d)"}))
	err := database.Migrate(t.Context(), db, "auth", []string{"CREATE TABLE a (b)"})
	require.ErrorIs(t, err, database.ErrNewer)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "its schema version is 2, and this version of Ausguck supports up to 1")
}

func TestOpenSaysWhatIsWrongWithTheFile(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	require.NoError(t, os.WriteFile(garbage, make([]byte, 64<<10), 0o600))
	require.NoError(t, os.WriteFile(garbage, []byte("this is a text and no database, however long it goes on and on and on and on"), 0o600))
	_, err := database.Open(garbage)
	require.ErrorContains(t, err, garbage)
	require.ErrorContains(t, err, "not a database")
	require.ErrorContains(t, err, "move it away")

	_, err = database.Open(filepath.Join(garbage, "ausguck.db"))
	require.ErrorContains(t, err, "not a directory")
	_, err = database.Open(dir)
	require.ErrorContains(t, err, "is a directory")
}
