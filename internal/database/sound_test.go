package database_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/setaside"
)

// A damaged or missing database is replaced by an empty one, with a clear report, and its newest copy is offered.
func TestOpenSound(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ausguck.db")
	db, err := database.OpenSound(path, nil)
	require.NoError(t, err)
	_, err = db.Exec("CREATE TABLE a (b); CREATE INDEX c ON a (b)")
	require.NoError(t, err)
	for range 500 {
		_, err = db.Exec("INSERT INTO a VALUES (?)", "a row that takes some room in the file, so that it has many pages")
		require.NoError(t, err)
	}
	copies := &database.Copies{DB: db, Path: path, Logger: slog.New(slog.DiscardHandler)}
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	require.NoError(t, copies.Make(t.Context(), made))
	require.NoError(t, db.Close())

	for name, c := range map[string]struct {
		damage func(path string, content []byte) error
		aside  bool
	}{
		"cut":     {func(path string, content []byte) error { return os.WriteFile(path, content[:len(content)-7], 0o600) }, true},
		"half":    {func(path string, content []byte) error { return os.WriteFile(path, content[:len(content)/2], 0o600) }, true},
		"flipped": {func(path string, content []byte) error { return os.WriteFile(path, flip(content), 0o600) }, true},
		"rubbish": {func(path string, _ []byte) error {
			return os.WriteFile(path, []byte("rubbish, whatever the name says, and much of it: it is no database at all, is it"), 0o600)
		}, true},
		"a folder": {func(path string, _ []byte) error { return makeFolder(path) }, true},
		"empty":    {func(path string, _ []byte) error { return os.WriteFile(path, nil, 0o600) }, false},
		"gone":     {func(path string, _ []byte) error { return os.Remove(path) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			require.NoError(t, os.CopyFS(folder, os.DirFS(dir)))
			path := filepath.Join(folder, "ausguck.db")
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, c.damage(path, content))
			shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
			db, err := database.OpenSound(path, shelf)
			require.NoError(t, err)
			require.Zero(t, count(t, db, "SELECT count(*) FROM sqlite_schema"))
			require.NoError(t, db.Close())

			notices := shelf.Notices()
			require.Len(t, notices, 1)
			require.Equal(t, c.aside, notices[0].Aside != "")
			require.Contains(t, notices[0].Lost, "users, API tokens")
			offered := path + ".offered-20260102T030405Z"
			require.Contains(t, notices[0].Remedy, "to restore the data as of 2026-01-02T03:04:05Z, stop Ausguck, run mv "+offered+" "+path)
			require.NoError(t, os.Rename(offered, path))
			db, err = database.OpenSound(path, shelf)
			require.NoError(t, err)
			require.Equal(t, 500, count(t, db, "SELECT count(*) FROM a"))
			require.NoError(t, db.Close())
			require.Len(t, shelf.Notices(), 1)
		})
	}

	// The files beside it may be damaged too.
	for _, beside := range []string{"-wal", "-shm"} {
		folder := t.TempDir()
		require.NoError(t, os.CopyFS(folder, os.DirFS(dir)))
		path := filepath.Join(folder, "ausguck.db")
		require.NoError(t, os.Mkdir(path+beside, 0o750))
		shelf := setaside.New(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		db, err := database.OpenSound(path, shelf)
		require.NoError(t, err)
		require.Equal(t, 500, count(t, db, "SELECT count(*) FROM a"))
		require.NoError(t, db.Close())
		require.Len(t, shelf.Notices(), 1)
	}
}

func flip(content []byte) []byte {
	for _, at := range []int{len(content) / 3, len(content) / 2, len(content) - 100} {
		for i := range 64 {
			content[at+i] ^= 0xff
		}
	}
	return content
}

func makeFolder(path string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Mkdir(path, 0o750)
}

// Of a week's hourly copies, three are kept: the newest, and two from earlier days.
func TestCopiesRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ausguck.db")
	db := open(t, path)
	_, err := db.Exec("CREATE TABLE a (b)")
	require.NoError(t, err)
	copies := &database.Copies{DB: db, Path: path, Logger: slog.New(slog.DiscardHandler)}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for hour := range 7 * 24 {
		require.NoError(t, copies.Make(t.Context(), begin.Add(time.Duration(hour)*time.Hour)))
	}
	left, err := filepath.Glob(path + ".*")
	require.NoError(t, err)
	var times []time.Time
	for _, file := range left {
		made, err := time.Parse("20060102T150405Z", file[len(path+".copy-"):])
		require.NoError(t, err)
		times = append(times, made)
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
	}
	require.Len(t, times, 3)
	require.Equal(t, begin.Add(167*time.Hour), times[2])
	require.GreaterOrEqual(t, times[1].Sub(times[0]), 24*time.Hour)
	require.GreaterOrEqual(t, times[2].Sub(times[0]), 24*time.Hour)

	full := os.ErrInvalid
	copies.Room = func() error { return full }
	require.ErrorIs(t, copies.Make(t.Context(), begin.Add(200*time.Hour)), full)
}
