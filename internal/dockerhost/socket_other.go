//go:build !unix

package dockerhost

// socketGroup has no meaning here.
func socketGroup(string) (gid uint32, ok bool) { return 0, false }
