package command

import (
	"encoding/binary"
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// Format of POSIX access control lists in the kernel's extended attributes, see acl(5) and posix_acl_xattr.h.
const (
	aclAccess, aclDefault                          = "system.posix_acl_access", "system.posix_acl_default"
	aclOwner, aclUser, aclGroup, aclMask, aclOther = 0x01, 0x02, 0x04, 0x10, 0x20
	aclNobody                                      = ^uint32(0)
)

// grantReading gives one more user read access to a file, or to a folder and all files that will be created in it, whatever the
// umask. It returns an error on file systems without access control lists and for a file that already has one.
func grantReading(path string, info fs.FileInfo, uid uint32) error {
	if _, err := unix.Getxattr(path, aclAccess, nil); !errors.Is(err, unix.ENODATA) {
		return errors.Join(err, errors.ErrUnsupported)
	}
	mode := uint16(info.Mode().Perm())
	user := uint16(0o4)
	if info.IsDir() {
		user = 0o5
	}
	list := binary.LittleEndian.AppendUint32(nil, 2) // version
	for _, entry := range []struct {
		tag, permissions uint16
		id               uint32
	}{
		{aclOwner, mode >> 6 & 7, aclNobody},
		{aclUser, user, uid},
		{aclGroup, mode >> 3 & 7, aclNobody},
		{aclMask, user | mode>>3&7, aclNobody},
		{aclOther, mode & 7, aclNobody},
	} {
		list = binary.LittleEndian.AppendUint16(list, entry.tag)
		list = binary.LittleEndian.AppendUint16(list, entry.permissions)
		list = binary.LittleEndian.AppendUint32(list, entry.id)
	}
	if err := unix.Setxattr(path, aclAccess, list, 0); err != nil || !info.IsDir() {
		return err
	}
	return unix.Setxattr(path, aclDefault, list, 0)
}

// mayRead reports whether the access control list of a file grants a user read access.
func mayRead(path string, uid uint32) bool {
	list := make([]byte, 1<<12)
	n, err := unix.Getxattr(path, aclAccess, list)
	if err != nil {
		return false
	}
	for entry := list[min(4, n):n]; len(entry) >= 8; entry = entry[8:] {
		tag, permissions := binary.LittleEndian.Uint16(entry), binary.LittleEndian.Uint16(entry[2:])
		if tag == aclUser && permissions&0o4 != 0 && binary.LittleEndian.Uint32(entry[4:]) == uid {
			return true
		}
	}
	return false
}
