//go:build unix

package dockerhost

import (
	"os"
	"syscall"
)

// socketGroup returns the group that owns the file.
func socketGroup(path string) (gid uint32, ok bool) {
	fi, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Gid, true
}
