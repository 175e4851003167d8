package database_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/ausguck/ausguck/internal/database"
)

// asNobody runs f without root's permission to write everywhere. The thread without it ends together with the goroutine.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			if err := unix.Setfsuid(65534); err != nil {
				done <- err
				return
			}
		}
		f()
	}()
	require.NoError(t, <-done)
}

func TestFolderWithoutTheRightToWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "ausguck.db")
	require.NoError(t, os.Mkdir(dir, 0o555))
	for _, parent := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		require.NoError(t, os.Chmod(parent, 0o755))
	}
	chown := fmt.Sprintf("chown -R %d:%d %s", os.Geteuid(), os.Getegid(), dir)

	var err error
	asNobody(t, func() { _, err = database.Open(path) })
	require.ErrorContains(t, err, "permission denied")
	require.ErrorContains(t, err, chown)

	// A writable file in a read-only folder is not sufficient: the log must be created beside it.
	require.NoError(t, os.WriteFile(path, nil, 0o666))
	require.NoError(t, os.Chmod(path, 0o666))
	asNobody(t, func() { _, err = database.Open(path) })
	require.ErrorContains(t, err, chown)
}
