package hostmount

import (
	"os"
	"syscall"
)

// inode is 0 for a file that cannot be read. Files of /proc/net have one number in all mounts of a network, and another
// in each other network.
func inode(name string) uint64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Sys().(*syscall.Stat_t).Ino
}
