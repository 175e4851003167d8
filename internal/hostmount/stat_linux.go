package hostmount

import (
	"os"
	"syscall"
)

// inode returns 0 for a file that cannot be read. A file of /proc/net has the same number in all mounts of one network, and a
// different one in every other network.
func inode(name string) uint64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Ino
}
