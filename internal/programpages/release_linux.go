package programpages

import (
	"bufio"
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// release lets go of the pages of the program's file. Most of them are used once: the start runs through the set-up of
// every library that an engine links. They stay in the page cache, so what is used again costs a minor fault, and the
// kernel can drop the rest first when memory is short.
func release() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		var from, to uintptr
		var mode, offset, device, inode, path string
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s %s %s %s %s", &from, &to, &mode, &offset, &device, &inode, &path); n < 7 || path != program || mode[1] == 'w' {
			continue // what was written is nowhere else
		}
		if _, _, failed := unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED); failed != 0 {
			return fmt.Errorf("madvise %s: %w", path, failed)
		}
	}
	return nil
}
