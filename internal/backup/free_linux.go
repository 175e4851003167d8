package backup

import "syscall"

// freeSpace returns how many bytes the disk of dir has room for, as far as the system says.
func freeSpace(dir string) int64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 1<<63 - 1
	}
	return int64(s.Bavail) * s.Bsize //nolint:gosec // no disk is that large
}
