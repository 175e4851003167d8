//go:build !linux

package hostmount

func inode(string) uint64 { return 0 }
