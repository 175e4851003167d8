//go:build unix

package datadir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ausguck/ausguck/internal/permission"
	"github.com/ausguck/ausguck/internal/setaside"
)

// Lock reserves the data folder for this process until the file is closed or the process ends in any way. Two processes on one
// folder would corrupt each other's files.
//
// From now on, the process creates files that only its user and group can read, because they contain log lines and hashes.
func Lock(dir string) (io.Closer, error) {
	syscall.Umask(syscall.Umask(0o027) | 0o027)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, permission.Explain(dir, fmt.Errorf("create --storage.path: %w", err))
	}
	name := filepath.Join(dir, "ausguck.lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o640)
	if errors.Is(err, syscall.EISDIR) { // nothing is lost with it
		if err := os.Rename(name, setaside.Name(name, time.Now())); err != nil {
			return nil, fmt.Errorf("lock --storage.path: %w", err)
		}
		f, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o640)
	}
	if errors.Is(err, syscall.ENOSPC) {
		return io.NopCloser(nil), nil // queries must work on a full disk
	}
	if err != nil {
		return nil, permission.Explain(dir, fmt.Errorf("lock --storage.path: %w", err))
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := io.ReadAll(io.LimitReader(f, 32))
		return nil, errors.Join(fmt.Errorf("another Ausguck (process %s) is using %s: stop it, or set another --storage.path",
			strings.TrimSpace(string(holder)), dir), f.Close())
	}
	if err != nil { // the file system does not support locks
		return f, nil
	}
	// The content is only for that message, so lack of disk space is not a reason to fail.
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}
