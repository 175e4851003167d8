//go:build unix

package migrate

import (
	"errors"
	"os"
	"syscall"
)

// unlocked returns an error if another process holds the lock of a TSDB folder.
func unlocked(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return nil //nolint:nilerr // without a lock file nobody holds it, and one that cannot be read tells nothing
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("the folder is in use")
	}
	return nil
}
