//go:build !unix

package dockerhost

// socketGroup is not supported on this system.
func socketGroup(string) (gid uint32, ok bool) { return 0, false }
