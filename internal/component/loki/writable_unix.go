//go:build unix

package loki

import "syscall"

// writable reports whether this process may make files in a folder; a read-only file system is none.
func writable(dir string) bool {
	const write = 2 // W_OK of access(2)
	return syscall.Access(dir, write) == nil
}
