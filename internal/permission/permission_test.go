package permission_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/permission"
)

func TestExplain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a folder")
	require.NoError(t, os.Mkdir(dir, 0o755))
	file := filepath.Join(dir, "not", "there")
	denied := permission.Explain(file, &os.PathError{Op: "open", Path: file, Err: syscall.EACCES})
	require.ErrorContains(t, denied, "run: sudo chown -R ")
	require.ErrorContains(t, denied, " '"+dir+"'")
	require.ErrorIs(t, denied, fs.ErrPermission)
	require.Equal(t, denied, permission.Explain(dir, denied), "said once")

	readOnly := permission.Explain(file, &os.PathError{Op: "open", Path: file, Err: syscall.EROFS})
	require.ErrorContains(t, readOnly, "the file system is read-only")
	require.NotContains(t, readOnly.Error(), "chown", "which would not help")

	other := errors.New("other")
	require.Equal(t, other, permission.Explain(file, other))
	require.NoError(t, permission.Explain(file, nil))
}
