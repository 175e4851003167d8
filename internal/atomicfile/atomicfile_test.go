package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ausguck/ausguck/internal/atomicfile"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	require.NoError(t, atomicfile.Write(path, []byte("first"), 0o600))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())

	err = atomicfile.Replace(path, 0o600, func(w io.Writer) error {
		_, _ = w.Write([]byte("half of the sec"))
		return errors.New("no space left on device")
	})
	require.ErrorContains(t, err, "no space left")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "first", string(content))

	require.NoError(t, os.WriteFile(filepath.Join(dir, ".tmp-file.tmp"), []byte("what a crash has left, and longer"), 0o600))
	require.NoError(t, atomicfile.Write(path, []byte("second"), 0o600))
	content, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "second", string(content))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing stays behind")
	require.Error(t, atomicfile.Write(filepath.Join(dir, "none", "file"), nil, 0o600))
}
