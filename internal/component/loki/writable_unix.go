//go:build unix

package loki

import "syscall"

// writable reports whether this process can create files in a folder; not on a read-only file system.
func writable(dir string) bool {
	const write = 2 // W_OK of access(2)
	return syscall.Access(dir, write) == nil
}
