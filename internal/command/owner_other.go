//go:build !unix

package command

import "io/fs"

// ownerOf is not supported on this system.
func ownerOf(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

func giveToOwner(string) error { return nil }
