package promserver

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/units"

	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/permission"
)

// prepareDir creates the data folder and checks that everything in it that is written at startup is
// writable, before an engine fails with an error that does not say what to do.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return permission.Explain(dir, fmt.Errorf("create data folder: %w", err))
	}
	probe, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			return nil // a full disk must not prevent queries from being answered
		}
		return permission.Explain(dir, fmt.Errorf("data folder is not writable: %w", err))
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	for _, name := range []string{"wal", "chunks_head", "queries.active", "lock"} {
		if err := writable(filepath.Join(dir, name)); err != nil {
			return permission.Explain(dir, fmt.Errorf("data folder is not writable: %w", err))
		}
	}
	return nil
}

// writable returns why the existing path cannot be written to; a missing path is fine.
func writable(path string) error {
	const mayWrite = 2 // W_OK
	err := syscall.Access(path, mayWrite)
	if err == nil || errors.Is(err, syscall.ENOENT) {
		return nil
	}
	return &os.PathError{Op: "write", Path: path, Err: err}
}

// explainOpen adds to an error of tsdb.Open what to do about it.
func explainOpen(dir string, err error) error {
	if strings.Contains(err.Error(), "lock DB directory") {
		return fmt.Errorf("open TSDB in %s: another process is using this folder; stop it, or set another --storage.path: %w", dir, err)
	}
	return permission.Explain(dir, fmt.Errorf("open TSDB in %s: %w", dir, err))
}

// freeShare is the share of the free disk space that the blocks may take if no size is configured.
const freeShare = 0.8

// defaultRetentionSize returns a size limit for the blocks in dir that leaves free space on the disk:
// their current size plus freeShare of the free space. It returns 0, no limit, if the free space cannot
// be determined.
func defaultRetentionSize(dir string) units.Base2Bytes {
	free, err := datadir.Free(dir)
	if err != nil {
		return 0
	}
	return units.Base2Bytes(float64(dirSize(dir))+float64(free)*freeShare) &^ (1<<20 - 1)
}

// dirSize returns the size of all files below dir in bytes; unreadable ones count as 0.
func dirSize(dir string) int64 {
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size
}
